"""What can never be false, tried past the services."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from exams.models import (
    Accommodation,
    AdmissionDecision,
    CheckInMark,
    Exam,
    ExamRules,
    GradeStep,
    HelperLink,
    Registration,
    Result,
    ResultChange,
    Room,
    Seat,
    UniversityEntry,
)
from tests.cast import Cast
from tests.factories import OpenExamFactory

pytestmark = pytest.mark.django_db
NOW = datetime(2024, 6, 20, 10, tzinfo=UTC)


class Rows:
    """A valid row of each kind, to be broken one by one."""

    def __init__(self, cast: Cast) -> None:
        self.cast = cast
        self.exam: Exam = OpenExamFactory.create(course=cast.course, seats_taken=1)
        self.registration = self.sign_up()
        self.room = Room.objects.create(exam=self.exam, name="H 0107")

    def sign_up(self, **values: Any) -> Registration:
        return Registration.objects.create(
            **{
                "course": self.cast.course, "exam": self.exam, "enrolment": self.cast.student, "created_at": NOW, "changed_at": NOW,
                **values,
            }
        )  # fmt: skip


BROKEN: dict[str, Callable[[Rows], object]] = {
    "exam_never_overbooked": lambda rows: Exam.objects.filter(pk=rows.exam.pk).update(seats_taken=3),
    "exam_review_after_start": lambda rows: Exam.objects.filter(pk=rows.exam.pk).update(review_at=NOW),
    "exam_review_lasts": lambda rows: Exam.objects.filter(pk=rows.exam.pk).update(review_at=NOW + timedelta(days=900), review_minutes=0),
    "exam_max_points_positive": lambda rows: Exam.objects.filter(pk=rows.exam.pk).update(max_points=0),
    "exam_frozen_after_publication": lambda rows: Exam.objects.filter(pk=rows.exam.pk).update(frozen_at=NOW),
    "exam_cancelled_has_reason": lambda rows: Exam.objects.filter(pk=rows.exam.pk).update(seats_taken=0, cancelled_at=NOW),
    "exam_cancelled_is_empty": lambda rows: Exam.objects.filter(pk=rows.exam.pk).update(cancelled_at=NOW, cancelled_because="Ill"),
    "exam_cancelled_not_held": lambda rows: Exam.objects.filter(pk=rows.exam.pk).update(
        seats_taken=0, cancelled_at=NOW, cancelled_because="Ill", closed_at=NOW
    ),
    "registration_until_cancelled": lambda rows: Registration.objects.filter(pk=rows.registration.pk).update(state="cancelled", closed_at=NOW),
    "exam_seat_order_valid": lambda rows: Exam.objects.filter(pk=rows.exam.pk).update(seat_order="luck"),
    "exam_kind_valid": lambda rows: Exam.objects.filter(pk=rows.exam.pk).update(kind="x"),
    "registration_position_until_passed": lambda rows: Registration.objects.filter(pk=rows.registration.pk).update(position_until_passed=1),
    "examrules_binding_has_name": lambda rows: ExamRules.objects.create(course=rows.cast.course, binding_url="https://a.example"),
    "examrules_exam_percent_valid": lambda rows: ExamRules.objects.create(course=rows.cast.course, exam_percent=101),
    "examrules_extra_points_valid": lambda rows: ExamRules.objects.create(course=rows.cast.course, max_extra_points=Decimal("20.5")),
    "registration_one_active": lambda rows: rows.sign_up(),
    "registration_one_wait_beside": lambda rows: [
        rows.sign_up(exam=OpenExamFactory.create(course=rows.cast.course), state="waitlisted", position=1, keeps_seat=True) for _each in range(2)
    ],
    "registration_once_per_exam": lambda rows: rows.sign_up(state="waitlisted", position=1, keeps_seat=True),
    "registration_keeps_seat_while_waiting": lambda rows: rows.sign_up(enrolment=rows.cast.other_student, keeps_seat=True),
    "registration_state_valid": lambda rows: rows.sign_up(enrolment=rows.cast.other_student, state="maybe"),
    "registration_position_while_waiting": lambda rows: rows.sign_up(enrolment=rows.cast.other_student, state="waitlisted"),
    "registration_closed_when_given_up": lambda rows: rows.sign_up(enrolment=rows.cast.other_student, state="withdrawn"),
    "registration_attended_has_time": lambda rows: rows.sign_up(enrolment=rows.cast.other_student, state="attended"),
    "registration_left_after_arrival": lambda rows: rows.sign_up(enrolment=rows.cast.other_student, left_at=NOW),
    "registration_position_unique": lambda rows: [
        rows.sign_up(enrolment=enrolment, state="waitlisted", position=1) for enrolment in (rows.cast.other_student, rows.cast.assistant)
    ],
    "accommodation_grants_something": lambda rows: Accommodation.objects.create(course=rows.cast.course, enrolment=rows.cast.student),
    "accommodation_extra_percent_sane": lambda rows: Accommodation.objects.create(course=rows.cast.course, enrolment=rows.cast.student, extra_percent=301),
    "accommodation_minutes_or_percent": lambda rows: Accommodation.objects.create(course=rows.cast.course, enrolment=rows.cast.student, extra_minutes=9, extra_percent=9),
    "accommodation_extra_time_sane": lambda rows: Accommodation.objects.create(course=rows.cast.course, enrolment=rows.cast.student, extra_minutes=601),
    "admissiondecision_has_reason": lambda rows: AdmissionDecision.objects.create(course=rows.cast.course, enrolment=rows.cast.student, verdict="admitted", decided_at=NOW),
    "accommodation_same_course": lambda rows: Accommodation.objects.create(course=rows.cast.course, enrolment=rows.cast.foreign_lecturer, extra_minutes=9),
    "admissiondecision_same_course": lambda rows: AdmissionDecision.objects.create(course=rows.cast.course, enrolment=rows.cast.foreign_lecturer, verdict="admitted", reason="y", decided_at=NOW),
    "admissiondecision_verdict_valid": lambda rows: AdmissionDecision.objects.create(course=rows.cast.course, enrolment=rows.cast.student, verdict="x", reason="y", decided_at=NOW),
    "universityentry_unique": lambda rows: [UniversityEntry.objects.create(exam=rows.exam, matriculation_number="1") for _each in range(2)],
    "universityentry_has_number": lambda rows: UniversityEntry.objects.create(exam=rows.exam, matriculation_number=" "),
    "room_unique": lambda rows: Room.objects.create(exam=rows.exam, name="H 0107"),
    "room_has_seats": lambda rows: Room.objects.create(exam=rows.exam, name="A", rows=0),
    "room_spacing_valid": lambda rows: Room.objects.create(exam=rows.exam, name="A", spacing="far"),
    "seat_unique": lambda rows: [
        Seat.objects.create(room=rows.room, row=1, number=1, registration=registration)
        for registration in (rows.registration, rows.sign_up(enrolment=rows.cast.other_student))
    ],
    "seat_counts_from_one": lambda rows: Seat.objects.create(room=rows.room, row=0, number=1, registration=rows.registration),
    "helperlink_unique": lambda rows: [HelperLink.objects.create(exam=rows.exam, name="Kim", created_at=NOW) for _each in range(2)],
    "helperlink_has_name": lambda rows: HelperLink.objects.create(exam=rows.exam, name=" ", created_at=NOW),
    "checkinmark_action_valid": lambda rows: CheckInMark.objects.create(key=uuid.uuid4(), registration=rows.registration, action="x", made_at=NOW, received_at=NOW),
    "gradestep_unique": lambda rows: [GradeStep.objects.create(exam=rows.exam, grade=Decimal("1.0"), min_points=90) for _each in range(2)],
    "gradestep_grade_valid": lambda rows: GradeStep.objects.create(exam=rows.exam, grade=Decimal("1.1"), min_points=90),
    "gradestep_points_not_negative": lambda rows: GradeStep.objects.create(exam=rows.exam, grade=Decimal("1.0"), min_points=-1),
    "result_points_valid": lambda rows: Result.objects.create(registration=rows.registration, points=-1),
    "result_has_points_or_grade": lambda rows: Result.objects.create(registration=rows.registration, points=None),
    "result_extra_points_valid": lambda rows: Result.objects.create(registration=rows.registration, points=1, extra_points=Decimal("20.5")),
    "result_grade_valid": lambda rows: Result.objects.create(registration=rows.registration, points=1, grade=Decimal("1.1")),
    "result_state_valid": lambda rows: Result.objects.create(registration=rows.registration, points=1, state="x"),
    "result_published_is_complete": lambda rows: Result.objects.create(registration=rows.registration, points=1, state="published", published_at=NOW),
    "resultchange_what_valid": lambda rows: ResultChange.objects.create(registration=rows.registration, at=NOW, what="x"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_the_database_refuses(cast: Cast, name: str) -> None:
    rows = Rows(cast)
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        BROKEN[name](rows)


def test_a_mark_with_the_same_key_is_refused(cast: Cast) -> None:
    rows, key = Rows(cast), uuid.uuid4()

    def mark() -> None:
        CheckInMark.objects.create(
            key=key, registration=rows.registration, action="present", made_at=NOW, received_at=NOW
        )

    mark()
    with pytest.raises(IntegrityError), transaction.atomic():
        mark()


def test_the_history_of_results_is_append_only(cast: Cast) -> None:
    rows = Rows(cast)
    change = ResultChange.objects.create(registration=rows.registration, at=NOW, what="points", after="50")
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        ResultChange.objects.filter(pk=change.pk).update(after="90")
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        ResultChange.objects.filter(pk=change.pk).update(at=NOW + timedelta(days=1))
    change.refresh_from_db()
    assert change.after == "50"
