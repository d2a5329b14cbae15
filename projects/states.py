"""How far a project is, in one vocabulary for students, the desk and the gradebook."""

from django.db.models.enums import TextChoices
from django.utils.translation import gettext_lazy as _


class ProjectState(TextChoices):
    """How far a project is.

    A team's project is registered, handed in, decided, published or withdrawn. A student has no project, or is as
    far as their team until its decision is published: then they have passed or failed, since members may differ. Or
    they passed in an earlier term.
    """

    NONE = "none", _("No project")
    REGISTERED = "registered", _("Registered")
    SUBMITTED = "submitted", _("Handed in")
    ASSESSED = "assessed", _("Decided, not published")
    PUBLISHED = "published", _("Published")
    PASSED = "passed", _("Passed")
    FAILED = "failed", _("Failed")
    EARLIER = "earlier", _("Passed earlier")
    WITHDRAWN = "withdrawn", _("Withdrawn")


# What a team's project may be, and what a student may be told; both in the order of lists.
TEAM_STATES = (
    ProjectState.REGISTERED,
    ProjectState.SUBMITTED,
    ProjectState.ASSESSED,
    ProjectState.PUBLISHED,
    ProjectState.WITHDRAWN,
)
STUDENT_STATES = (
    ProjectState.NONE,
    ProjectState.REGISTERED,
    ProjectState.SUBMITTED,
    ProjectState.PASSED,
    ProjectState.FAILED,
    ProjectState.EARLIER,
)
