"""A slot that is cancelled is so on all pages, with its reason; staff read who was in it, and where those are who left before."""

import pytest
from bs4 import Tag
from django.test import Client
from pytest_django import Settings

from exams.services.cancelling import cancel_exam
from exams.services.otherdate import move
from exams.services.registration import register, withdraw
from tests.cast import Cast
from tests.exams.people import make_students
from tests.exams.test_oral_pages import PAGE, page_of, plan, words
from tests.exams.test_oral_series import NOW

pytestmark = pytest.mark.django_db
WHY = "Dr. Größe is at a conference."


def section(client: Client, address: str, name: str) -> list[str]:
    heading = page_of(client, address).select_one(f"section[aria-labelledby={name}]")
    if heading is None:
        return []
    count = heading.select_one(".head span")
    assert isinstance(count, Tag)
    lines = [words(line) for line in heading.select("ul.plain > li")]
    assert words(count) == str(len(lines))
    return lines


@pytest.mark.parametrize("part", ["student", "anonymous", "lecturer", "stranger"])
def test_everybody_reads_why_a_slot_is_cancelled_and_that_no_other_is_taken(
    cast: Cast, settings: Settings, part: str
) -> None:
    settings.STAFF_NEEDS_SECOND_FACTOR = False
    slots = plan(cast)
    # One of a room, and in another all that there is of a day.
    for slot in (slots[0], *slots[4:]):
        cancel_exam(exam_pk=slot.pk, reason=WHY, now=NOW)
    first, second = page_of(cast.client(part)).select("ul.exams > li")
    assert f"09:00{f', {slots[0].date_name(now=NOW)}' if part == 'lecturer' else ''} cancelled: {WHY}" in words(first)
    assert words(second).count(f"cancelled: {WHY}") == 4
    for day in (first, second):
        assert [said for said in ("All slots are taken", "taken or over") if said in words(day)] == []


@pytest.mark.parametrize(
    ("of_several", "said"), [pytest.param(True, "in the calendars of those"), pytest.param(False, "in all calendars")]
)
def test_staff_are_promised_of_a_slot_what_calendars_hold(
    cast: Cast, settings: Settings, of_several: bool, said: str
) -> None:
    settings.STAFF_NEEDS_SECOND_FACTOR = False
    slots = plan(cast)
    if not of_several:
        for slot in slots[1:4]:
            slot.delete()
    assert f"The date stays {said}" in words(page_of(cast.client("lecturer"), f"{PAGE}{slots[0].pk}/staff/cancel/"))


def test_staff_read_who_was_in_it_and_who_had_left_and_whereto(cast: Cast, settings: Settings) -> None:
    settings.STAFF_NEEDS_SECOND_FACTOR = False
    slots = plan(cast)
    (gone,) = make_students(cast.course, 1)
    address, client = f"{PAGE}{slots[0].pk}/staff/", cast.client("lecturer")
    register(enrolment=cast.student, exam_pk=slots[0].pk, now=NOW)
    move(enrolment=cast.student, exam_pk=slots[1].pk, now=NOW)
    register(enrolment=gone, exam_pk=slots[0].pk, now=NOW)
    withdraw(enrolment=gone, exam_pk=slots[0].pk, now=NOW)
    register(enrolment=cast.other_student, exam_pk=slots[0].pk, now=NOW)
    there = slots[1].date_name()

    def left() -> dict[str, str]:
        return dict(line.split(" · ", 1) for line in section(client, address, "gone"))

    said = left()
    assert said.keys() == {str(cast.student.user), str(gone.user)}
    assert said[str(cast.student.user)].startswith("moved to ")
    assert "09:30" in said[str(cast.student.user)]
    assert there.split(",")[0] in said[str(cast.student.user)]
    assert said[str(gone.user)].startswith("Withdrawn, ")
    assert "now in" not in said[str(gone.user)]
    cancel_exam(exam_pk=slots[0].pk, reason=WHY, now=NOW)
    assert section(client, address, "cancelled") == [f"{cast.other_student.user} · held a seat"]
    assert left().keys() == said.keys()
    # Whoever has another date by now is found there.
    register(enrolment=cast.other_student, exam_pk=slots[2].pk, now=NOW)
    (line,) = section(client, address, "cancelled")
    assert line.startswith(f"{cast.other_student.user} · held a seat · now in ")
    assert "10:00" in line
