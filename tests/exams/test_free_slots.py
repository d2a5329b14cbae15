"""Who comes for a slot that is taken, or waits for one, is offered those that are free, and gives up nothing unasked."""

from datetime import timedelta

import pytest

from amls.mail.models import Notice
from exams.models import Exam, ExamRules, Registration
from exams.services.registration import register, withdraw
from tests.cast import Cast
from tests.exams.test_oral_pages import PAGE, page_of, plan, words
from tests.exams.test_oral_series import NOW
from tests.factories import OpenExamFactory

pytestmark = pytest.mark.django_db
TAKEN = "was taken while you looked at it. Nothing changed: choose another date, or wait for this one."


def step(exam: Exam, name: str) -> str:
    return f"{PAGE}{exam.pk}/{name}/"


def free_times(page: object) -> list[str]:
    return [words(link)[:5] for link in page.select("#free ~ ul.times a")]  # type: ignore[attr-defined]


def test_a_slot_taken_while_its_page_was_open_is_asked_about_and_others_are_offered(cast: Cast) -> None:
    slots = plan(cast)
    client, address = cast.client("student"), step(slots[1], "register")
    form = page_of(client, address).select_one("main form")
    assert form is not None
    sent = {field["name"]: field["value"] for field in form.select("input[type=hidden]")}
    register(enrolment=cast.other_student, exam_pk=slots[1].pk, now=NOW)
    answer = client.post(address, sent)
    page = page_of(client, address)
    assert (answer.status_code, TAKEN in words_of(answer)) == (409, True)
    own = Registration.objects.filter(enrolment=cast.student)
    assert not own.exists()
    assert not Notice.objects.filter(recipient=cast.student.user).exists()
    # Those of its day come first; to wait is a press of its own.
    assert free_times(page) == ["09:00", "10:00", "10:30", "09:00", "09:30", "10:00", "10:30"]
    assert "You become number 1 on the waiting list" in words(page)
    assert page.select_one("input[name=needs_seat]") is None
    client.post(address, {})
    assert own.get().state == "waitlisted"


def words_of(answer: object) -> str:
    return " ".join(answer.content.decode().split())  # type: ignore[attr-defined]


def test_a_seat_is_had_once_however_often_it_is_asked_for(cast: Cast) -> None:
    slot = plan(cast)[0]
    for _twice in range(2):
        assert register(enrolment=cast.student, exam_pk=slot.pk, now=NOW, needs_seat=True).state == "registered"


def test_who_waits_for_a_slot_takes_a_free_one_and_waits_on(cast: Cast) -> None:
    slots = plan(cast)
    register(enrolment=cast.other_student, exam_pk=slots[0].pk, now=NOW)
    register(enrolment=cast.student, exam_pk=slots[0].pk, now=NOW)
    client = cast.client("student")
    links = [str(link["href"]) for link in page_of(client).select("ul.times a")]
    assert links == [step(slot, "hold") for slot in slots[1:]]
    # Each page names the other way too.
    hold, move = page_of(client, links[0]), page_of(client, step(slots[1], "move"))
    assert next(link["href"] for link in hold.select("form .btn[href]")) == step(slots[1], "move")
    assert "no longer wait for" in words(hold)
    assert next(link["href"] for link in move.select("form .btn[href]")) == step(slots[1], "hold")
    other = page_of(client, step(slots[1], "register"))
    assert ("You wait for the exam of" in words(other), "You are registered" in words(other)) == (True, False)
    assert [link["href"] for link in other.select("main .act a")][:2] == [
        step(slots[1], "hold"),
        step(slots[1], "move"),
    ]
    refused = words_of(client.post(step(slots[1], "register")))
    assert ("You wait for" in refused, "You are registered" in refused) == (True, False)
    client.post(links[0])
    own = Registration.objects.filter(enrolment=cast.student).order_by("pk")
    assert [(row.exam_id, row.state, row.keeps_seat) for row in own] == [
        (slots[0].pk, "waitlisted", True),
        (slots[1].pk, "registered", False),
    ]
    withdraw(enrolment=cast.other_student, exam_pk=slots[0].pk, now=NOW)
    assert sorted(own.values_list("exam", "state")) == [
        (slots[0].pk, "registered"),
        (slots[1].pk, "withdrawn"),
    ]


def test_where_nobody_may_have_both_a_free_slot_is_moved_to(cast: Cast) -> None:
    ExamRules.objects.update_or_create(course=cast.course, defaults={"keeps_seat_while_waiting": False})
    slots = plan(cast)
    register(enrolment=cast.other_student, exam_pk=slots[0].pk, now=NOW)
    register(enrolment=cast.student, exam_pk=slots[0].pk, now=NOW)
    links = page_of(cast.client("student")).select("ul.times a")
    assert {str(link["href"]).rsplit("/", 2)[1] for link in links} == {"move"}


def test_a_written_exam_is_waited_for_as_soon_as_it_is_full(cast: Cast) -> None:
    """Hundreds come at one moment, and each second counts for the place in the line."""
    exam = OpenExamFactory.create(
        course=cast.course, starts_at=NOW + timedelta(days=30), opens_at=NOW - timedelta(days=2),
        closes_at=NOW + timedelta(days=20), withdraw_until=None, capacity=1,
    )  # fmt: skip
    page = page_of(cast.client("student"), step(exam, "register"))
    assert page.select_one("input[name=needs_seat]") is None
