"""Who may see or do what with projects. What a person may not see is a 404."""

from django.db.models import Q

from amls.courses.models import Enrolment
from projects.models import Membership, Project, Submission


def is_member(enrolment: Enrolment | None, project: Project) -> bool:
    """Return whether the person is in the team now."""
    if enrolment is None:
        return False
    return Membership.objects.active().filter(project=project, enrolment=enrolment).exists()


def may_see_submission(enrolment: Enrolment | None, submission: Submission, *, is_manager: bool) -> bool:
    """Return whether the person sees an attempt with its names and files: the staff, the team, and whose work it was.

    Whoever was in the team when it was handed in keeps their receipt and their files, wherever they are now, and
    whatever became of the team since.
    """
    if is_manager or enrolment is None:
        return is_manager
    received = submission.received_at
    was_theirs = Q(left_at__isnull=True) | Q(joined_at__lte=received, left_at__gte=received)
    return Membership.objects.filter(was_theirs, project=submission.project_id, enrolment=enrolment).exists()
