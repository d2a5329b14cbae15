"""Sixty slots on the page of a student and of the staff: by day, what is free to choose, what is taken folded."""

from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from exams.models import Exam
from exams.services.registration import register
from exams.services.series import plan_oral_exams
from tests.cast import Cast
from tests.exams.people import make_students
from tests.exams.test_oral_calendars import SIGN_UP
from tests.exams.test_oral_series import DAY, NEXT, NOW, at, series
from tests.exports.test_documents import make
from tests.exports.test_papers import pages_of

pytestmark = pytest.mark.django_db
PAGE = "/amls/exams/"


def plan(cast: Cast, **more: object) -> list[Exam]:
    values = {"days": [DAY, NEXT], "place": "E-N 123", "examiners": "Dr. Größe", **SIGN_UP, **more}
    made, _changes = plan_oral_exams(course=cast.course, series=series(**values), now=NOW)
    return made


def page_of(client: Client, address: str = PAGE) -> BeautifulSoup:
    return BeautifulSoup(client.get(address).content, "html.parser")


def words(soup: object) -> str:
    return " ".join(soup.get_text().split())  # type: ignore[attr-defined]


def test_a_student_chooses_a_slot_by_its_time_on_its_day(cast: Cast) -> None:
    slots = plan(cast)
    register(enrolment=cast.other_student, exam_pk=slots[1].pk, now=NOW)
    client = cast.client("student")
    page = page_of(client)
    days = page.select("ul.exams > li")
    assert len(days) == 2
    assert "E-N 123 · Examiners: Dr. Größe" in words(days[0])
    free = days[0].select("ul.times")[0].select("a")
    assert [words(link)[:5] for link in free] == ["09:00", "10:00", "10:30"]
    assert words(free[0]).startswith("09:00, Register for ")
    taken = days[0].select_one("details")
    assert taken is not None
    assert not taken.has_attr("open")
    assert words(taken).startswith("1 slot that is taken or over 09:30, Join the waiting list for ")
    # No link of the page is called like another one.
    names = [words(link) for link in page.select("ul.times a")]
    assert len(set(names)) == len(names) == 8
    step = page_of(client, str(free[0]["href"]))
    assert "Examiners: Dr. Größe" in words(step)
    answer = client.post(str(free[0]["href"]), follow=True)
    assert "You are registered." in answer.content.decode()
    page = BeautifulSoup(answer.content, "html.parser")
    assert page.select_one("ul.exams > li")["id"] == f"exam-{slots[0].pk}"  # type: ignore[index]
    assert words(page.select("ul.times a")[0]).startswith("10:00, Move to ")
    # What is said where one withdraws is said, though its date is a line again.
    answer = client.post(f"/amls/exams/{slots[0].pk}/withdraw/", follow=True)
    assert "You are no longer registered." in answer.content.decode()


def test_who_has_no_part_in_a_course_reads_the_times_and_no_button(cast: Cast) -> None:
    plan(cast)
    for part in ("anonymous", "stranger"):
        page = page_of(cast.client(part))
        assert page.select("ul.times a") == []
        assert [words(chip) for chip in page.select("ul.times")[0].select("li")] == ["09:00", "09:30", "10:00", "10:30"]


def test_slots_at_one_time_in_two_rooms_are_told_apart(cast: Cast) -> None:
    plan(cast)
    plan(cast, place="MAR 0.001", examiners="Prof. Şahin")
    page = page_of(cast.client("student"))
    names = [words(link) for link in page.select("ul.times a")]
    assert len(set(names)) == len(names) == 16
    rows = [words(row) for row in page.select("ul.exams > li")[0].select("p.when")]
    assert rows == ["E-N 123 · Examiners: Dr. Größe", "MAR 0.001 · Examiners: Prof. Şahin"]
    # They stand so for who has the first slot of the first room, too.
    first = Exam.objects.filter(place="E-N 123").earliest("starts_at")
    register(enrolment=cast.student, exam_pk=first.pk, now=NOW)
    day = page_of(cast.client("student")).select("ul.exams > li[id^=slots-]")[0]
    assert [words(row) for row in day.select("p.when")] == rows


def test_the_page_costs_the_statements_of_few(cast: Cast) -> None:
    counts = []
    for ends in ("11:00", "17:00"):
        plan(cast, ends=at(ends))
        for part in ("student", "lecturer"):
            client = cast.client(part)
            with CaptureQueriesContext(connection) as asked:
                assert client.get(PAGE).status_code == 200
            counts.append(len(asked))
        Exam.objects.all().delete()
    assert counts[:2] == counts[2:]


def test_staff_read_words_of_an_oral_exam(cast: Cast, settings: Settings) -> None:
    settings.STAFF_NEEDS_SECOND_FACTOR = False
    slots = plan(cast)
    client = cast.client("lecturer")
    links = page_of(client).select("ul.times a")
    assert (len(links), words(links[0])[-3:]) == (8, "0/1")
    page = page_of(client, str(links[0]["href"]))
    assert page.select_one("#seats") is None
    text = words(page)
    assert [word for word in ("The door", "Seat plan", "With a seat in a room", "Add rooms") if word in text] == []
    assert "Who came" in text
    Exam.objects.filter(pk=slots[0].pk).update(kind="written")
    text = words(page_of(client, str(links[0]["href"])))
    assert [word for word in ("The door", "With a seat in a room", "Add rooms") if word not in text] == []


def test_who_is_registered_by_hand_is_found_among_many(cast: Cast, settings: Settings) -> None:
    settings.STAFF_NEEDS_SECOND_FACTOR = False
    slot = plan(cast)[0]
    people = make_students(cast.course, 70)
    client, address = cast.client("lecturer"), f"/amls/exams/{slot.pk}/staff/"
    page = page_of(client, address)
    assert len(page.select("#who option")) == 51
    assert "22 more people fit" in words(page)
    page = page_of(client, f"{address}?who=s+0066")
    assert [option["value"] for option in page.select("#who option")[1:]] == [str(people[66].pk)]
    assert "Nobody of that name" in words(page_of(client, f"{address}?who=Łukasz"))
    # Who was chosen stays chosen where the form is refused.
    refused = client.post(f"{address}register/", {"enrolment": people[66].pk, "reason": ""})
    chosen = BeautifulSoup(refused.content, "html.parser").select("#who option[selected]")
    assert [option["value"] for option in chosen] == [str(people[66].pk)]


def test_a_slip_says_when_one_is_examined_and_nothing_of_a_door(cast: Cast, tmp_path: Path) -> None:
    held = register(enrolment=cast.student, exam_pk=plan(cast)[0].pk, now=NOW)
    export = make(cast.course, "exams.slip", user=cast.student.user, registration=held.pk)
    text = " ".join(" ".join(pages_of(export, tmp_path, title="Your oral exam")).split())
    assert "You are examined at" in text
    assert [word for word in ("door", "scanned", "Admission slip") if word in text] == []
