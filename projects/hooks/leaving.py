"""What a student leaves behind who leaves the course."""

from django.utils.translation import gettext as _

from amls.core.violations import RuleViolation
from amls.courses.models import Enrolment
from amls.courses.services import before_leaving
from projects.models import Invitation, Membership, Submission


@before_leaving
def leave_projects(enrolment: Enrolment) -> None:
    """Let go of teams that came to nothing; a project, and what was handed in, stays.

    Raises:
        RuleViolation: the student has a project, or was in a team that handed something in.
    """
    memberships = Membership.objects.filter(enrolment=enrolment)
    if memberships.active().exists():
        raise RuleViolation(_("You are in a project. Leave your team first."), code="has-project")
    if Submission.objects.filter(project__memberships__in=memberships).exists():
        raise RuleViolation(
            _("Your team's hand-ins are kept with your enrolment. Ask the staff if you want to leave."), code="has-work"
        )
    # The history keeps that they were there.
    Invitation.objects.filter(invited_by=enrolment).delete()
    memberships.delete()
