"""Exams of the demo: one that is over and graded, one with a waiting list, accommodations, rooms."""

import random
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import NAMESPACE_URL, uuid5

from amls.courses.models import Course, Enrolment
from amls.courses.participation import verify_number
from amls.courses.services import finish_course_change, quietly
from amls.mail.models import Notice
from exams.admission import without_admission
from exams.grading import usual_table
from exams.models import Accommodation, Exam, ExamRules, Registration, Room, Spacing
from exams.services.admission import decide_admission
from exams.services.closing import close_exam
from exams.services.door import make_mark, mark_the_rest_absent
from exams.services.gradetable import set_grade_table
from exams.services.points import enter_points
from exams.services.registration import staff_register
from exams.services.results import freeze, publish_results
from exams.services.seating import assign_seats, release_seats

# So few that the demo's students fill them and some wait.
_SEATS = 8
_WAITING = 2
_HAND = "Made by the demo"
_EARLIER = "Did the project in an earlier term"


def make_exams(archived: Course, running: Course, *, now: datetime) -> None:
    """Fill the exams of both courses; what is there already stays as it is."""
    if Registration.objects.filter(course__in=[archived, running]).exists():
        return
    for course in (archived, running):
        for number, enrolment in enumerate(_students(course)):
            _give_number(enrolment, number, is_over=course == archived)
        ExamRules.objects.update_or_create(
            course=course, defaults={"binding_name": "Moses", "binding_url": "https://moses.example.org/"}
        )
    _grade(archived)
    _open(running, now=now)
    # Nobody waits for mail about what the demo made.
    with quietly():
        for course in (archived, running):
            finish_course_change(course, now=now)
    Notice.objects.filter(course__in=[archived, running], kind__startswith="exams.").delete()


def _students(course: Course) -> list[Enrolment]:
    return list(Enrolment.objects.students().filter(course=course).select_related("user", "course").order_by("pk"))


def _give_number(enrolment: Enrolment, number: int, *, is_over: bool) -> None:
    given = str(412300 + 7 * number)
    if number and not enrolment.number:
        verify_number(enrolment=enrolment, number=given)
    elif is_over and not enrolment.verified_number:
        # The first is the demo's student, who has still to give theirs; the earlier course had it from its roster.
        Enrolment.objects.filter(pk=enrolment.pk).update(verified_number=given)


def _add_rooms(exam: Exam) -> None:
    Room.objects.create(exam=exam, name="H 0107", rows=12, seats_per_row=14, spacing=Spacing.SECOND_BOTH, position=0)
    Room.objects.create(exam=exam, name="TEL 0811", rows=2, seats_per_row=4, is_separate=True, position=1)


def _grade(course: Course) -> None:
    """The first exam of the earlier term, as if its days were these: checked in, graded, frozen, closed."""
    exam = Exam.objects.filter(course=course).order_by("starts_at").first()
    if exam is None:
        return
    before, after = exam.starts_at - timedelta(weeks=4), exam.ends_at + timedelta(days=7)
    Exam.objects.filter(pk=exam.pk).update(
        place="H 0107", review_at=exam.starts_at + timedelta(days=14), review_place="TEL 0811"
    )
    _add_rooms(exam)
    held = [
        staff_register(enrolment=student, exam_pk=exam.pk, reason=_HAND, now=before + timedelta(minutes=minutes))
        for minutes, student in enumerate(_students(course))
    ]
    assign_seats(exam_pk=exam.pk, order="random", seed=2024, now=before)
    release_seats(exam_pk=exam.pk, now=exam.starts_at - timedelta(days=2))
    chance = random.Random(41078)  # noqa: S311 - points of a demo
    points: dict[int, Decimal | None] = {}
    for number, registration in enumerate(held[:-1]):
        moment = exam.starts_at - timedelta(minutes=20 - number)
        key = uuid5(NAMESPACE_URL, f"demo:{registration.pk}")
        make_mark(registration_pk=registration.pk, exam_pk=exam.pk, action="present", key=key, now=moment)
        points[registration.pk] = Decimal(86) if number == 0 else Decimal(round(chance.uniform(38, 99) * 2)) / 2
    mark_the_rest_absent(exam_pk=exam.pk, now=exam.ends_at)
    set_grade_table(exam_pk=exam.pk, steps=usual_table(exam.max_points).steps, now=after)
    enter_points(exam_pk=exam.pk, points=points, by=None, now=after)
    without = without_admission(course, held, now=after)
    for registration in held:
        if registration.pk in without:
            decide_admission(
                enrolment=registration.enrolment, verdict="admitted", reason=_EARLIER, by=None, now=exam.starts_at
            )
    publish_results(exam_pk=exam.pk, by=None, now=after)
    freeze(exam_pk=exam.pk, now=after)
    close_exam(exam_pk=exam.pk, now=after)


def _open(course: Course, *, now: datetime) -> None:
    """The coming exams: sign-up has been open for a week, the first is full and some wait."""
    exams = list(Exam.objects.filter(course=course).order_by("starts_at"))
    if not exams:
        return
    for number, exam in enumerate(exams):
        Exam.objects.filter(pk=exam.pk).update(
            opens_at=now - timedelta(days=7), capacity=_SEATS if number == 0 else 120, place="H 0107"
        )
        _add_rooms(exam)
    students = _students(course)
    for number, student in enumerate(students[1 : _SEATS + _WAITING + 1]):
        moment = now - timedelta(days=6) + timedelta(minutes=11 * number)
        staff_register(enrolment=student, exam_pk=exams[0].pk, reason=_HAND, now=moment)
    Accommodation.objects.create(course=course, enrolment=students[2], extra_minutes=30, own_room=True)
