"""For whom a project's dates are still open."""

from collections.abc import Collection, Sequence
from datetime import datetime

from amls.courses.models import Course, Enrolment
from amls.mail.still_due import still_due
from projects.models import EarlierPass, Membership
from projects.queries import results_of
from projects.states import ProjectState


@still_due.named("projects.registration")
def without_project(course: Course, _key: str, enrolments: Sequence[Enrolment], _now: datetime) -> Collection[int]:
    """Return the students who have no project, of this term or an earlier one."""
    students = {enrolment.pk for enrolment in enrolments if not enrolment.is_staff}
    members = Membership.objects.active().filter(enrolment__in=students, assignment__is_main=True)
    registered = members.values_list("enrolment", flat=True)
    passed = EarlierPass.objects.filter(enrolment__in=students).values_list("enrolment", flat=True)
    return students - set(registered) - set(passed)


@still_due.named("projects.submission")
def without_hand_in(course: Course, _key: str, enrolments: Sequence[Enrolment], _now: datetime) -> Collection[int]:
    """Return the students whose team has handed in nothing that counts."""
    results = results_of(course, enrolments)
    return {pk for pk, result in results.items() if result.state == ProjectState.REGISTERED}
