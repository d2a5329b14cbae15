"""Who sat an exam without being on its list, entered once it is closed: told, counted, exported, and taken off again."""

from datetime import timedelta
from decimal import Decimal

import pytest
from bs4 import BeautifulSoup
from django.apps import apps
from django.utils.timezone import now as the_time

from amls.core.violations import RuleViolation
from amls.courses.models import User
from amls.courses.participation import verify_number
from amls.held.models import HeldAct
from amls.mail.letters import Letter, letter_kinds
from amls.mail.models import Notice
from exams.candidates import candidates_afterwards, candidates_at
from exams.grading import usual_table
from exams.models import Exam, Registration, ResultChange
from exams.queries import office_rows
from exams.services.afterwards import enter_afterwards
from exams.services.closing import close_exam
from exams.services.door import mark_the_rest_present
from exams.services.gradetable import set_grade_table
from exams.services.points import enter_points
from exams.services.registration import excuse, register, staff_register, staff_withdraw, withdraw
from exams.services.removal import remove_result
from exams.services.results import freeze, publish_results
from tests.agreement import agree_to, do_held
from tests.cast import Cast
from tests.exams.people import make_students
from tests.factories import OpenExamFactory

pytestmark = pytest.mark.django_db
NOW = the_time()


@pytest.fixture
def exam(cast: Cast) -> Exam:
    """Return an exam of yesterday, closed, that one of two sat who were registered; there are four seats."""
    exam = OpenExamFactory.create(
        course=cast.course, capacity=4, starts_at=NOW + timedelta(days=9), opens_at=NOW - timedelta(days=9),
        closes_at=None, withdraw_until=None,
    )  # fmt: skip
    register(enrolment=cast.other_student, exam_pk=exam.pk, now=NOW)
    return closed(exam)


def closed(exam: Exam) -> Exam:
    """Let an exam have been yesterday."""
    Exam.objects.filter(pk=exam.pk).update(starts_at=NOW - timedelta(days=1))
    mark_the_rest_present(exam_pk=exam.pk, by=None, now=NOW)
    set_grade_table(exam_pk=exam.pk, steps=usual_table(exam.max_points).steps, now=NOW)
    close_exam(exam_pk=exam.pk, now=NOW)
    exam.refresh_from_db()
    return exam


def letter_to(user: User, kind: str) -> Letter | None:
    notice = Notice.objects.get(recipient=user, kind=kind)
    return letter_kinds[kind].writer(notice, the_time())


def test_who_sat_a_closed_exam_unlisted_is_entered_with_points_after_five_minutes(cast: Cast, exam: Exam) -> None:
    later = OpenExamFactory.create(
        course=cast.course, starts_at=NOW + timedelta(days=30), opens_at=NOW - timedelta(days=1), closes_at=None,
        withdraw_until=None,
    )  # fmt: skip
    second = register(enrolment=cast.student, exam_pk=later.pk, now=NOW)
    client, address = cast.client("assistant"), f"/amls/exams/{exam.pk}/staff/"
    page = BeautifulSoup(client.get(address).content, "html.parser")
    assert [int(option["value"]) for option in page.select("#who option[value]") if option["value"]] == [
        cast.student.pk
    ]
    values = {"enrolment": cast.student.pk, "points": "62,5", "reason": "Sat it in room Größe"}
    asks = client.post(f"{address}afterwards/", values)
    assert asks.context["people"] == [(str(cast.student.user), "Attendance of an exam, entered afterwards")]
    assert not Registration.objects.filter(exam=exam, enrolment=cast.student).exists()
    agree_to(client, f"{address}afterwards/", values, asks)
    assert not Registration.objects.filter(exam=exam, enrolment=cast.student).exists()
    act = do_held()
    assert (act.state, f"{cast.student.user} stands as attended now." in act.outcome) == ("done", True)
    made = Registration.objects.get(exam=exam, enrolment=cast.student)
    exam.refresh_from_db()
    assert (made.state, made.is_walk_in, made.reason, made.result.points, made.result.state, exam.seats_taken) == (
        "attended", True, "Sat it in room Größe", Decimal("62.5"), "draft", 2,
    )  # fmt: skip
    # The second attempt stays as it is, and so may another one be signed up for.
    second.refresh_from_db()
    assert (second.state, second.closed_at, made.closed_at is not None) == ("registered", None, True)
    # Who did it, and why, stands in the histories.
    assert made.marks.get().by == cast.assistant.user
    event = apps.get_model("exams", "RegistrationEvent").objects.filter(pgh_obj_id=made.pk).order_by("pgh_id").first()
    assert event.reason == "Sat it in room Größe"
    change = ResultChange.objects.filter(registration=made).get()
    assert (change.by, change.reason) == (cast.assistant.user, "Sat it in room Größe")
    letter = letter_to(cast.student.user, "exams.entered")
    assert letter is not None
    assert "Sat it in room Größe" in letter.text
    assert not any(word in letter.text for word in ("withdraw", "move", "seat"))
    assert not Notice.objects.filter(recipient=cast.student.user, kind="exams.registered").exclude(
        references__registration=second.pk
    )
    for student in (cast.student, cast.other_student):
        verify_number(enrolment=student, number=student.user.matriculation_number)
    enter_points(
        exam_pk=exam.pk,
        points={Registration.objects.get(enrolment=cast.other_student).pk: Decimal(10)},
        by=None,
        now=NOW,
    )
    publish_results(exam_pk=exam.pk, by=None, now=NOW)
    assert sorted(row[2] for row in office_rows(exam)) == [Decimal("3.3"), Decimal("5.0")]


def test_what_is_wrong_stands_at_its_field_and_what_was_typed_stays(cast: Cast, exam: Exam) -> None:
    client, address = cast.client("assistant"), f"/amls/exams/{exam.pk}/staff/afterwards/"
    whole = {"enrolment": cast.student.pk, "points": "12", "reason": "Şahin saw it"}
    cases = {
        "enrolment": ({"enrolment": ""}, "who-error"),
        "points": ({"points": "120"}, "by-hand-points-error"),
        "reason": ({"reason": " "}, "register-reason-error"),
    }
    for field, (wrong, problem) in cases.items():
        answer = client.post(address, {**whole, **wrong})
        page = BeautifulSoup(answer.content, "html.parser")
        assert (answer.status_code, page.select_one(f"#{problem}") is not None) == (422, True), field
        typed = {
            "enrolment": page.select_one("#who option[selected]"), "points": page.select_one("#by-hand-points"),
            "reason": page.select_one("#register-reason"),
        }  # fmt: skip
        kept = {name: tag["value"] for name, tag in typed.items() if tag is not None and name != field}
        assert kept == {name: str(value) for name, value in whole.items() if name != field}, field
    assert client.post(address, {**whole, "enrolment": cast.foreign_lecturer.pk}).status_code == 404
    assert cast.client("foreign lecturer").post(address, whole).status_code == 404
    assert cast.client("student").post(address, whole).status_code == 404
    assert not HeldAct.objects.exists()


def test_nobody_is_entered_twice_nor_before_closing_nor_once_results_are_frozen(cast: Cast, exam: Exam) -> None:
    excused, waits, gone = make_students(cast.course, 3)
    full = OpenExamFactory.create(
        course=cast.course, capacity=1, starts_at=NOW + timedelta(days=9), opens_at=NOW - timedelta(days=9),
        closes_at=None, withdraw_until=None,
    )  # fmt: skip
    for student in (gone, excused, waits):
        register(enrolment=student, exam_pk=full.pk, now=NOW)
    withdraw(enrolment=gone, exam_pk=full.pk, now=NOW)
    with pytest.raises(RuleViolation) as caught:
        enter_afterwards(enrolment=gone, exam_pk=full.pk, reason="x", by=None, now=NOW)
    assert caught.value.code == "exam-not-closed"
    assert {row.enrolment.pk: row.waits for row in candidates_at(full) if row.enrolment in (gone, excused, waits)} == {
        gone.pk: False, waits.pk: True,
    }  # fmt: skip
    Exam.objects.filter(pk=full.pk).update(starts_at=NOW - timedelta(days=1))
    excuse(registration_pk=Registration.objects.get(exam=full, enrolment=excused).pk, reason="Ill", now=NOW)
    full = closed(full)
    offered = {row.enrolment: row.waits for row in candidates_afterwards(full)}
    assert {student: offered.get(student) for student in (excused, waits, gone)} == {
        excused: None, waits: True, gone: False,
    }  # fmt: skip
    codes = {}
    for student in (excused, cast.other_student):
        with pytest.raises(RuleViolation) as caught:
            enter_afterwards(
                enrolment=student, exam_pk=(full if student is excused else exam).pk, reason="x", by=None, now=NOW
            )
        codes[student] = caught.value.code
    assert list(codes.values()) == ["excused", "on-list"]
    # Who waited has the seat by the place that they have; then there is none left, until there are more.
    place = Registration.objects.get(exam=full, enrolment=waits)
    assert enter_afterwards(enrolment=waits, exam_pk=full.pk, reason="x", by=None, now=NOW) == place
    place.refresh_from_db()
    full.refresh_from_db()
    assert (place.state, place.position, full.seats_taken, full.waiting) == ("attended", None, 1, 0)
    with pytest.raises(RuleViolation, match="Raise the capacity"):
        enter_afterwards(enrolment=gone, exam_pk=full.pk, reason="x", by=None, now=NOW)
    Exam.objects.filter(pk=full.pk).update(capacity=2)
    back = enter_afterwards(enrolment=gone, exam_pk=full.pk, reason="x", by=None, now=NOW)
    assert [state for *_rest, state in office_rows(full)].count("attended") == 2
    points = {back.pk: Decimal(30), place.pk: Decimal(30)}
    enter_points(exam_pk=full.pk, points=points, by=None, now=NOW)
    publish_results(exam_pk=full.pk, by=None, now=NOW)
    for student in (excused, waits, gone):
        verify_number(enrolment=student, number=student.user.matriculation_number)
    freeze(exam_pk=full.pk, now=NOW, with_reserved=True)
    with pytest.raises(RuleViolation) as caught:
        enter_afterwards(enrolment=cast.student, exam_pk=full.pk, reason="x", by=None, now=NOW)
    assert caught.value.code == "frozen"
    page = cast.client("assistant").get(f"/amls/exams/{full.pk}/staff/").content.decode()
    assert ("unfreeze them to put somebody on the list" in page, 'id="who"' in page) == (True, False)


def test_who_was_entered_by_mistake_is_taken_off_the_list_and_told(cast: Cast, exam: Exam) -> None:
    made = enter_afterwards(
        enrolment=cast.student, exam_pk=exam.pk, reason="x", by=None, now=the_time(), points=Decimal(50)
    )
    with pytest.raises(RuleViolation) as caught:
        staff_withdraw(registration_pk=made.pk, reason="The other Łukasz", now=the_time())
    assert caught.value.code == "has-points"
    remove_result(registration_pk=made.pk, exam_pk=exam.pk, reason="The other Łukasz", by=None, now=the_time())
    client = cast.client("assistant")
    assert "Take off the list" in client.get(f"/amls/exams/{exam.pk}/staff/people/{made.pk}/").content.decode()
    address = f"/amls/exams/{exam.pk}/staff/withdraw/"
    agree_to(client, address, {"registration": made.pk, "reason": "The other Łukasz"})
    do_held()
    made.refresh_from_db()
    exam.refresh_from_db()
    assert (made.state, exam.seats_taken) == ("withdrawn", 1)
    assert letter_to(cast.student.user, "exams.entered") is None
    letter = letter_to(cast.student.user, "exams.withdrawn")
    assert letter is not None
    assert "The other Łukasz" in letter.text
    # Nobody else leaves a closed exam.
    other = Registration.objects.get(exam=exam, enrolment=cast.other_student)
    with pytest.raises(RuleViolation) as caught:
        staff_withdraw(registration_pk=other.pk, reason="x", now=the_time())
    assert caught.value.code == "registration-ended"
    assert enter_afterwards(enrolment=cast.student, exam_pk=exam.pk, reason="x", by=None, now=the_time()) != made


def test_mails_of_a_seat_promise_nothing_once_the_exam_has_begun(cast: Cast) -> None:
    exam = OpenExamFactory.create(
        course=cast.course, capacity=1, starts_at=NOW + timedelta(minutes=1), opens_at=None, closes_at=None,
        withdraw_until=NOW - timedelta(days=1),
    )  # fmt: skip
    staff_register(enrolment=cast.student, exam_pk=exam.pk, reason="x", now=NOW, tells_at=NOW + timedelta(minutes=5))
    notice = Notice.objects.get(kind="exams.registered")
    before, after = (letter_kinds["exams.registered"].writer(notice, NOW + timedelta(minutes=late)) for late in (0, 5))
    assert before is not None
    assert after is not None
    assert ("if you can't come" in before.text, "if you can't come" in after.text) == (True, False)
    assert "You stand on the list" in after.text
    promoted = letter_kinds["exams.promoted"].writer(notice, NOW + timedelta(minutes=5))
    assert promoted is not None
    assert "withdraw" not in promoted.text
    Registration.objects.update(state="waitlisted", position=1)
    assert letter_kinds["exams.registered"].writer(notice, NOW + timedelta(minutes=5)) is None


def test_namesakes_without_a_number_are_told_apart_where_somebody_is_chosen(cast: Cast, exam: Exam) -> None:
    first, second, listed = make_students(cast.course, 3)
    User.objects.filter(pk__in=[first.user_id, second.user_id, listed.user_id]).update(
        display_name="Łukasz Größe", matriculation_number=""
    )
    held = staff_register(
        enrolment=listed,
        exam_pk=OpenExamFactory.create(course=cast.course, starts_at=NOW + timedelta(days=3)).pk,
        reason="x",
        now=NOW,
    )
    client = cast.client("assistant")
    open_exam = OpenExamFactory.create(
        course=cast.course, starts_at=NOW + timedelta(minutes=30), opens_at=None, closes_at=None, withdraw_until=None
    )
    pages = {
        f"/amls/exams/{exam.pk}/staff/": "#who", f"/amls/exams/{open_exam.pk}/staff/": "#who",
        f"/amls/exams/{open_exam.pk}/check-in/": "#enrolment",
    }  # fmt: skip
    for address, select in pages.items():
        page = BeautifulSoup(client.get(address).content, "html.parser")
        said = [" ".join(option.text.split()) for option in page.select(f"{select} option")]
        assert {f"Łukasz Größe · {who.user.email}" for who in (first, second)} <= set(said), address
    # Also from somebody who can't be chosen, as they are on another list.
    Registration.objects.filter(pk=held.pk).update(closed_at=None)
    User.objects.filter(pk=second.user_id).update(display_name="Şahin")
    page = BeautifulSoup(client.get(f"/amls/exams/{open_exam.pk}/staff/").content, "html.parser")
    said = [" ".join(option.text.split()) for option in page.select("#who option")]
    assert (f"Łukasz Größe · {first.user.email}" in said, "Şahin" in said) == (True, True)
