"""Staff move somebody from one date to another in one step, which never loses what is held; it is shown first, held and told."""

from datetime import timedelta

import pytest
from django.utils.timezone import now as the_time

from amls.core.violations import RuleViolation
from amls.held.services import HOLD
from amls.mail.letters import letter_kinds
from amls.mail.models import Notice
from exams.models import Exam, Registration
from exams.services.otherdate import staff_move
from exams.services.registration import register, staff_register
from exams.services.two_dates import wait_beside
from tests.agreement import agree_to, do_held
from tests.cast import Cast
from tests.exams.people import make_students
from tests.exams.test_passed_waits import NOW, date
from tests.exams.test_races import check

pytestmark = pytest.mark.django_db
WHY = "Two exams at once, Łukasz"


def stands(exam: Exam) -> list[tuple[str, str]]:
    rows = Registration.objects.active().filter(exam=exam).order_by("pk")
    return [(str(row.enrolment.user), row.state) for row in rows]


@pytest.fixture
def dates(cast: Cast) -> tuple[Exam, Exam]:
    """Return a date with one seat, which `student` has and `other_student` waits for, and another with one free."""
    source, target = date(cast, 20, capacity=1), date(cast, 30, capacity=1)
    for who in (cast.student, cast.other_student):
        register(enrolment=who, exam_pk=source.pk, now=NOW)
    return source, target


def held(cast: Cast) -> Registration:
    return Registration.objects.main().get(enrolment=cast.student)


def test_the_seat_is_given_on_and_the_other_one_theirs(cast: Cast, dates: tuple[Exam, Exam]) -> None:
    source, target = dates
    # No window and no last moment holds the staff.
    Exam.objects.filter(pk=target.pk).update(closes_at=NOW - timedelta(days=1), withdraw_until=NOW - timedelta(days=1))
    moved = staff_move(registration_pk=held(cast).pk, exam_pk=target.pk, reason=WHY, now=the_time())
    assert stands(source) == [(str(cast.other_student.user), "registered")]
    assert stands(target) == [(str(cast.student.user), "registered")]
    assert moved.reason == WHY
    check(source)
    check(target)


def test_whoever_waited_there_beside_has_the_seat_and_waits_no_more(cast: Cast, dates: tuple[Exam, Exam]) -> None:
    source, target = dates
    register(enrolment=make_students(cast.course, 1)[0], exam_pk=target.pk, now=NOW)
    wait_beside(enrolment=cast.student, exam_pk=target.pk, now=NOW)
    Exam.objects.filter(pk=target.pk).update(capacity=2, withdraw_until=NOW - timedelta(days=1))
    staff_move(registration_pk=held(cast).pk, exam_pk=target.pk, reason=WHY, now=the_time())
    assert (str(cast.student.user), "registered") in stands(target)
    assert [state for _who, state in stands(target)] == ["registered", "registered"]
    check(source)
    check(target)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"capacity": 0}, "target-full"),
        ({"closed_at": NOW}, "exam-begun"),
        ({"starts_at": NOW - timedelta(hours=1), "opens_at": None, "withdraw_until": None}, "exam-begun"),
    ],
)
def test_what_is_refused_leaves_what_is_held(
    cast: Cast, dates: tuple[Exam, Exam], change: dict[str, object], code: str
) -> None:
    source, target = dates
    Exam.objects.filter(pk=target.pk).update(**change)
    before = stands(source)
    with pytest.raises(RuleViolation) as caught:
        staff_move(registration_pk=held(cast).pk, exam_pk=target.pk, reason=WHY, now=the_time())
    assert (caught.value.code, stands(source), stands(target)) == (code, before, [])


def test_without_a_reason_nor_for_whom_the_door_has_noted_nobody_moves(cast: Cast, dates: tuple[Exam, Exam]) -> None:
    _source, target = dates
    registration = held(cast)
    with pytest.raises(RuleViolation, match="reason"):
        staff_move(registration_pk=registration.pk, exam_pk=target.pk, reason=" ", now=the_time())
    with pytest.raises(RuleViolation) as caught:
        staff_move(registration_pk=registration.pk, exam_pk=target.pk, reason=WHY, now=the_time(), seen="waitlisted")
    assert caught.value.code == "changed-meanwhile"
    Registration.objects.filter(pk=registration.pk).update(state="attended", arrived_at=NOW)
    with pytest.raises(RuleViolation) as caught:
        staff_move(registration_pk=registration.pk, exam_pk=target.pk, reason=WHY, now=the_time())
    assert caught.value.code == "has-been"


def test_it_is_shown_first_held_back_and_told_with_the_reason(cast: Cast, dates: tuple[Exam, Exam]) -> None:
    source, target = dates
    staff, registration = cast.client("assistant"), held(cast)
    page = staff.get(f"/amls/exams/{source.pk}/staff/people/{registration.pk}/").content.decode()
    assert ('name="target"' in page, "1 of 1 left" in page) == (True, True)
    address = f"/amls/exams/{source.pk}/staff/move/"
    data = {"registration": registration.pk, "seen": "registered", "reason": WHY, "target": ""}
    answer = staff.post(address, data)
    assert (answer.status_code, WHY in answer.content.decode(), "Choose the date to move to." in answer.content.decode()) == (422, True, True)  # fmt: skip
    data["target"] = target.pk
    shown = staff.post(address, data)
    assert "Moved to another exam date" in shown.content.decode()
    assert stands(target) == []
    agree_to(staff, address, data, shown)
    act = do_held()
    assert stands(target) == [(str(cast.student.user), "registered")]
    assert stands(source) == [(str(cast.other_student.user), "registered")]
    notice = Notice.objects.get(kind="exams.moved", recipient=cast.student.user)
    letter = letter_kinds["exams.moved"].writer(notice, act.apply_at + HOLD)
    assert letter is not None
    assert ("Reason: Two exams at once, Łukasz" in letter.text, letter.subject) == (
        True, "The staff moved you to another exam date",
    )  # fmt: skip


def test_who_is_registered_elsewhere_is_said_to_staff_with_the_step_that_moves_them(
    cast: Cast, dates: tuple[Exam, Exam]
) -> None:
    source, target = dates
    with pytest.raises(RuleViolation) as caught:
        staff_register(enrolment=cast.student, exam_pk=target.pk, reason=WHY, now=the_time())
    said = str(caught.value.message)
    assert said.startswith(f"{cast.student.user} is in the list of {source.date_name(cast.course.zone)} already.")
    assert ("'Move to another date'" in said, "You are" in said) == (True, False)
