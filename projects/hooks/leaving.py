"""What a student leaves behind who leaves the course, and what is left to do in a course that ends."""

from collections.abc import Iterator

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from amls.core.violations import RuleViolation
from amls.courses.models import Course, Enrolment
from amls.courses.participation import before_leaving
from amls.courses.services import before_archiving
from projects.models import Invitation, Membership, Project, Submission
from projects.progress import say_undecided, waiting_in


@before_leaving
def leave_projects(enrolment: Enrolment) -> None:
    """Let go of teams that came to nothing; a project, and what was handed in, stays.

    Raises:
        RuleViolation: the student has a project, or was in a team that handed something in.
    """
    memberships = Membership.objects.filter(enrolment=enrolment)
    # Where nobody registers, a team that handed nothing in came to nothing.
    loose = memberships.active().filter(assignment__topics_given="", project__submissions__isnull=True)
    if memberships.active().exclude(pk__in=loose).exists():
        raise RuleViolation(_("You are in a project. Leave your team first."), code="has-project")
    if Submission.objects.filter(project__memberships__in=memberships).exists():
        raise RuleViolation(
            _("Your team's hand-ins are kept with your enrolment. Ask the staff if you want to leave."), code="has-work"
        )
    emptied = list(loose.values_list("project", flat=True))
    # The history keeps that they were there.
    Invitation.objects.filter(invited_by=enrolment).delete()
    memberships.delete()
    Project.objects.filter(pk__in=emptied, memberships__isnull=True).delete()


@before_archiving
def count_undecided(course: Course) -> Iterator[str]:
    """Say of each assignment how many projects are without a decision, and how many wishes for more time wait."""
    waiting = waiting_in([course])
    for row in waiting.undecided:
        yield say_undecided(row)
    if waiting.requests:
        text = ngettext("%(count)d request for more time", "%(count)d requests for more time", waiting.requests)
        yield text % {"count": waiting.requests}
