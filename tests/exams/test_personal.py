"""My data of exams, as far as they are told; an account that goes gives its seat on."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.apps import apps
from django.core.serializers.json import DjangoJSONEncoder

from amls.courses.models import User
from amls.courses.participation import verify_number
from amls.files.models import ImportedRow
from amls.files.tables.table import Upload
from amls.mail.models import Notice
from amls.privacy.registry import delete_account
from exams.hooks.privacy import tell
from exams.models import Accommodation, AdmissionDecision, Exam, Registration, Result, Room, Seat, UniversityEntry
from exams.services.registration import register, staff_register
from exams.services.university import import_university_list
from tests.cast import Cast
from tests.exams.people import make_students
from tests.factories import OpenExamFactory

pytestmark = pytest.mark.django_db
JUNE = datetime(2024, 6, 20, 10, tzinfo=UTC)
AFTER = datetime(2024, 7, 25, 10, tzinfo=UTC)
# After the last moment to withdraw (15 July, 23:59), before the exam.
LATE = datetime(2024, 7, 16, 10, tzinfo=UTC)


@pytest.fixture
def exam(cast: Cast) -> Exam:
    return OpenExamFactory.create(course=cast.course, capacity=1)


def told(user: User) -> dict[str, Any]:
    files: dict[str, Any] = json.loads(json.dumps(dict(tell(user)), cls=DjangoJSONEncoder))
    return files


def counters(exam: Exam) -> tuple[int, int]:
    exam.refresh_from_db()
    rows = Registration.objects.filter(exam=exam)
    assert (exam.seats_taken, exam.waiting) == (rows.holding().count(), rows.filter(state="waitlisted").count())
    return exam.seats_taken, exam.waiting


def test_my_data_hold_seat_and_result_once_they_are_told(cast: Cast, exam: Exam) -> None:
    mine = register(enrolment=cast.student, exam_pk=exam.pk, now=JUNE)
    register(enrolment=cast.other_student, exam_pk=exam.pk, now=JUNE)
    Seat.objects.create(room=Room.objects.create(exam=exam, name="H 0104"), row=1, number=3, registration=mine)
    Result.objects.create(registration=mine, points=Decimal(62), grade=Decimal("2.3"))
    [registration] = told(cast.student.user)["registrations.json"]
    assert (registration["state"], registration["seat"], registration["result"]) == ("registered", "", None)
    exam.seats_released_at = JUNE
    exam.save()
    Result.objects.update(state="published", published_at=AFTER)
    [registration] = told(cast.student.user)["registrations.json"]
    assert registration["seat"] == "H 0104, row 1, seat 3"
    assert (registration["result"]["points"], registration["result"]["grade"]) == ("62.00", "2.3")
    [waits] = told(cast.other_student.user)["registrations.json"]
    assert (waits["state"], waits["position"], waits["seat"]) == ("waitlisted", 1, "")
    assert told(cast.stranger)["registrations.json"] == []


def test_my_data_hold_the_measure_and_the_admission(cast: Cast) -> None:
    Accommodation.objects.create(course=cast.course, enrolment=cast.student, extra_minutes=30, at_the_door="Laptop")
    AdmissionDecision.objects.create(
        course=cast.course, enrolment=cast.student, verdict="refused", reason="No project", decided_at=JUNE
    )
    files = told(cast.student.user)
    assert [
        (accommodation["extra_minutes"], accommodation["at_the_door"]) for accommodation in files["accommodations.json"]
    ] == [(30, "Laptop")]
    assert [(decision["verdict"], decision["reason"]) for decision in files["admissions.json"]] == [
        ("refused", "No project")
    ]
    other = told(cast.other_student.user)
    assert (other["accommodations.json"], other["admissions.json"]) == ([], [])


def test_the_seat_of_who_goes_is_the_next_ones(cast: Cast, exam: Exam) -> None:
    mine = register(enrolment=cast.student, exam_pk=exam.pk, now=JUNE)
    next_one = register(enrolment=cast.other_student, exam_pk=exam.pk, now=JUNE)
    Seat.objects.create(room=Room.objects.create(exam=exam, name="H 0104"), row=1, number=3, registration=mine)
    delete_account(user=cast.student.user, now=JUNE + timedelta(days=1))
    mine.refresh_from_db()
    next_one.refresh_from_db()
    assert (mine.state, next_one.state) == ("withdrawn", "registered")
    assert counters(exam) == (1, 0)
    assert not Seat.objects.exists()
    assert Notice.objects.get(kind="exams.promoted").recipient == cast.other_student.user
    assert not Notice.objects.filter(recipient=cast.student.user).exists()


def test_who_only_waits_makes_way_and_the_order_stays(cast: Cast, exam: Exam) -> None:
    people = make_students(cast.course, 2)
    for enrolment in (people[0], cast.student, people[1]):
        register(enrolment=enrolment, exam_pk=exam.pk, now=JUNE)
    delete_account(user=cast.student.user, now=JUNE)
    assert counters(exam) == (1, 1)
    assert Registration.objects.waiting().get().enrolment_id == people[1].pk


def test_too_late_to_withdraw_is_not_too_late_to_go(cast: Cast, exam: Exam) -> None:
    mine = register(enrolment=cast.student, exam_pk=exam.pk, now=JUNE)
    next_one = register(enrolment=cast.other_student, exam_pk=exam.pk, now=JUNE)
    delete_account(user=cast.student.user, now=LATE)
    mine.refresh_from_db()
    next_one.refresh_from_db()
    # Nobody is promoted any more by then: they could not prepare.
    assert (mine.state, next_one.state) == ("withdrawn", "waitlisted")
    assert counters(exam) == (0, 1)


def test_what_was_written_stays_on_record_without_the_name(cast: Cast, exam: Exam) -> None:
    mine = register(enrolment=cast.student, exam_pk=exam.pk, now=JUNE)
    Registration.objects.filter(pk=mine.pk).update(state="attended", arrived_at=exam.starts_at)
    Result.objects.create(
        registration=mine, points=Decimal(62), grade=Decimal("2.3"), state="published", published_at=AFTER
    )
    Accommodation.objects.create(course=cast.course, enrolment=cast.student, extra_minutes=30)
    delete_account(user=cast.student.user, now=AFTER)
    mine.refresh_from_db()
    assert (mine.state, mine.result.grade) == ("attended", Decimal("2.3"))
    assert "student@example.org" not in str(mine)
    assert not Accommodation.objects.exists()
    assert not apps.get_model("exams", "AccommodationEvent").objects.exists()


@pytest.mark.usefixtures("one_factor")
def test_who_is_gone_is_offered_no_place(cast: Cast, exam: Exam) -> None:
    delete_account(user=cast.student.user, now=JUNE)
    staff, page, chosen = cast.client("lecturer"), f"/amls/exams/{exam.pk}/", cast.student.pk
    for offered in ("staff/", "check-in/"):
        assert [person.enrolment.pk for person in staff.get(f"{page}{offered}").context["candidates"]] == [
            cast.other_student.pk
        ]
    assert staff.post(f"{page}check-in/walk-in/", {"enrolment": chosen, "reason": "Came"}).status_code == 404
    staff.post(f"{page}staff/register/", {"enrolment": chosen, "reason": "Came", "_agreed": "1"})
    staff.post(f"{page}check-in/walk-in/", {"enrolment": cast.other_student.pk, "reason": "Came"})
    assert list(Registration.objects.values_list("enrolment", flat=True)) == [cast.other_student.pk]


def test_the_universitys_list_and_what_staff_typed_forget_who_goes(cast: Cast, exam: Exam) -> None:
    user = cast.student.user
    user.display_name = "Grażyna Łępicka"
    user.save()
    table = Upload(
        content="Matrikelnummer;Name\n0412345;Łępicka, Grażyna\n0498765;Hopper, Grace".encode(), filename="list.csv"
    )
    import_university_list(exam_pk=exam.pk, upload=table, by=None, now=JUNE)
    verify_number(enrolment=cast.student, number="412345")
    AdmissionDecision.objects.create(
        course=cast.course, enrolment=cast.student, verdict="refused", reason="Łępicka, 412345: no project",
        decided_at=JUNE,
    )  # fmt: skip
    staff_register(enrolment=cast.student, exam_pk=exam.pk, reason="Grażyna wrote to me", now=JUNE)
    assert [line["name"] for line in told(user)["university.json"]] == ["Grażyna Łępicka"]
    assert told(cast.other_student.user)["university.json"] == []
    delete_account(user=user, now=AFTER)
    assert [entry.name for entry in UniversityEntry.objects.all()] == ["Grace Hopper"]
    assert [row.after["name"] for row in ImportedRow.objects.all()] == ["Grace Hopper"]
    assert AdmissionDecision.objects.get().reason == "…, …: no project"
    histories = apps.get_model("exams", "RegistrationEvent").objects.values_list("reason", flat=True)
    assert {Registration.objects.get().reason, *histories} == {"… wrote to me"}
