"""Who may see or do what with projects. What a person may not see is a 404."""

from amls.courses.models import Enrolment
from projects.models import Membership, Project


def is_member(enrolment: Enrolment | None, project: Project) -> bool:
    """Return whether the person is in the team now."""
    if enrolment is None:
        return False
    return Membership.objects.active().filter(project=project, enrolment=enrolment).exists()


def may_see_project(enrolment: Enrolment | None, project: Project, *, is_manager: bool) -> bool:
    """Return whether the person sees what a team has and hands in: the team and the staff."""
    return is_manager or is_member(enrolment, project)
