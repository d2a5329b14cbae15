"""For whom the dates of assignments are still open."""

from collections.abc import Collection, Sequence
from datetime import datetime

from amls.courses.models import Course, Enrolment
from amls.mail.still_due import still_due
from projects.addresses import KEYS, QUESTIONS, assignment_pk_of
from projects.models import Assignment, EarlierPass, Excuse, Membership
from projects.queries import results_of
from projects.states import ProjectState
from projects.works import who_handed_in


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
    """Return the students whose team has handed in nothing that counts, and who are not excused.

    Who has no project is asked to register by a date of its own, or by this one where there is none.
    """
    results = results_of(course, enrolments)
    excused = Excuse.objects.filter(assignment__course=course, assignment__is_main=True)
    open_ones = {pk for pk, result in results.items() if result.state == ProjectState.REGISTERED}
    main = Assignment.objects.main_of(course)
    if main is not None and main.registration_closes_at is None:
        open_ones |= set(without_project(course, _key, enrolments, _now))
    return open_ones - set(excused.values_list("enrolment", flat=True))


@still_due.named(KEYS)
def without_piece(course: Course, key: str, enrolments: Sequence[Enrolment], _now: datetime) -> Collection[int]:
    """Return the students who have handed in nothing that counts for an assignment, and are not excused: at most 4 queries.

    What is handed in on paper or presented, nobody here knows to be done. Where a topic is chosen first, only who has
    one is asked to hand in, and only who has none to register.
    """
    assignment = Assignment.objects.filter(course=course, pk=assignment_pk_of(key)).first()
    if assignment is None or key.endswith(f":{QUESTIONS}"):
        # Nobody has to ask.
        return set()
    excused = set(Excuse.objects.filter(assignment=assignment).values_list("enrolment", flat=True))
    students = {enrolment.pk for enrolment in enrolments if not enrolment.is_staff} - excused
    if not assignment.is_handed_in_here:
        return students
    handed_in = who_handed_in(assignment, students)
    if not assignment.has_topics:
        return students - handed_in.done
    return students & handed_in.in_teams - handed_in.done if key.endswith(":due") else students - handed_in.in_teams
