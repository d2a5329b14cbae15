"""The plan of a day of oral exams: who comes to which room when, on a page and on paper; and how its papers are called."""

from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from exams.models import Accommodation, Exam
from exams.services.cancelling import cancel_exam
from exams.services.registration import register
from tests.cast import Cast
from tests.exams.people import make_students
from tests.exams.test_oral_pages import PAGE, page_of, plan, words
from tests.exams.test_oral_series import DAY, NOW
from tests.exports.test_documents import make
from tests.exports.test_papers import pages_of
from tests.factories import OpenExamFactory

pytestmark = pytest.mark.django_db
ADDRESS = f"/amls/staff/oral-exams/{DAY.isoformat()}/"


@pytest.fixture
def lecturer(cast: Cast, settings: Settings) -> Client:
    settings.STAFF_NEEDS_SECOND_FACTOR = False
    return cast.client("lecturer")


@pytest.fixture
def rooms(cast: Cast) -> tuple[list[Exam], list[Exam]]:
    """Four slots a day in each of two rooms; in the first sits the student with more time, in the second the other."""
    first = plan(cast, place="Größe 1", call_in="https://meet.example.org/one")
    second = plan(cast, place="MAR 0.001", examiners="Prof. Şahin")
    Accommodation.objects.create(
        course=cast.course, enrolment=cast.student, extra_percent=50, extra_in_oral=True, at_the_door="brings a laptop"
    )
    register(enrolment=cast.student, exam_pk=first[1].pk, now=NOW)
    register(enrolment=cast.other_student, exam_pk=second[0].pk, now=NOW)
    return first, second


def test_an_examiner_reads_who_comes_when_by_room(cast: Cast, lecturer: Client, rooms: object) -> None:
    link = next(link for link in page_of(lecturer).select("a") if words(link).startswith("Who comes when"))
    assert link["href"] == ADDRESS
    page = page_of(lecturer, str(link["href"]))
    tables = page.select("main table")
    assert [words(head) for head in page.select("main h2")] == ["Größe 1", "MAR 0.001"]
    lines = [words(row) for row in tables[0].select("tbody tr")]
    assert [line[:11] for line in lines] == ["09:00–09:30", "09:30–10:15", "10:00–10:30", "10:30–11:00"]
    held = lines[1]
    user = cast.student.user
    for said in (str(user), user.email, "more time (others end at 10:00)", "brings a laptop"):
        assert said in held
    assert lines[0].endswith("free")
    assert str(cast.other_student.user) not in words(tables[0])
    assert "Examiners: Prof. Şahin" in words(page)
    assert page.select_one('a[href="https://meet.example.org/one"]') is not None


def test_a_cancelled_slot_stands_with_its_reason(
    cast: Cast, lecturer: Client, rooms: tuple[list[Exam], list[Exam]]
) -> None:
    cancel_exam(exam_pk=rooms[0][0].pk, reason="Examiner is ill", now=NOW)
    page = page_of(lecturer, ADDRESS)
    assert "cancelled: Examiner is ill" in words(page.select("main table")[0])
    # Its papers are found by a date that is held.
    papers = [str(link["href"]) for link in page.select('main a[href*=".pdf"]')]
    assert len(papers) == 6
    assert [address for address in papers if f"/{rooms[0][0].pk}/" in address] == []
    assert {lecturer.get(address).status_code for address in papers} == {200}


def test_a_day_without_oral_exams_has_no_plan(lecturer: Client) -> None:
    for day in ("2026-02-30", "today", DAY.isoformat()):
        assert lecturer.get(f"/amls/staff/oral-exams/{day}/").status_code == 404


def test_a_plan_costs_the_queries_of_few(cast: Cast, lecturer: Client, rooms: tuple[list[Exam], list[Exam]]) -> None:
    counts = []
    # What is asked once for each process.
    lecturer.get(ADDRESS)
    for people in ([], make_students(cast.course, 5)):
        for person, slot in zip(people, [*rooms[0][2:4], *rooms[1][1:4]], strict=False):
            register(enrolment=person, exam_pk=slot.pk, now=NOW)
        with CaptureQueriesContext(connection) as asked:
            assert lecturer.get(ADDRESS).status_code == 200
        counts.append(len(asked))
    assert counts[0] == counts[1]


def test_the_plan_on_paper_is_of_the_day_or_of_one_room(
    cast: Cast, rooms: tuple[list[Exam], list[Exam]], tmp_path: Path
) -> None:
    staff = cast.lecturer.user
    of_day = make(cast.course, "exams.day-plan", user=staff, exam=rooms[0][0].pk, of="day")
    pages = pages_of(of_day, tmp_path, title="Plan of the oral exams")
    assert len(pages) == 2
    assert [name in pages[0] for name in (str(cast.student.user), "09:30–10:15", str(cast.other_student.user))] == [
        True, True, False,
    ]  # fmt: skip
    assert str(cast.other_student.user) in pages[1]
    of_room = make(cast.course, "exams.day-plan", user=staff, exam=rooms[1][2].pk, of="room")
    (page,) = pages_of(of_room, tmp_path, title="Plan of the oral exams")
    assert (str(cast.other_student.user) in page, str(cast.student.user) in page) == (True, False)
    assert of_day.filename == f"amls-oral-exams-{DAY.isoformat()}-plan.pdf"
    assert of_room.filename == f"amls-oral-exams-{DAY.isoformat()}-mar-0001-plan.pdf"


def test_minutes_of_a_day_of_a_room_of_a_date_and_of_a_person_are_called_apart(
    cast: Cast, rooms: tuple[list[Exam], list[Exam]], tmp_path: Path
) -> None:
    slot, (held,) = rooms[0][1], Exam.objects.get(pk=rooms[0][1].pk).registrations.all()
    more: list[dict[str, object]] = [{"of": "day"}, {"of": "room"}, {}, {"registration": held.pk}]
    made = [make(cast.course, "exams.minutes", user=cast.lecturer.user, exam=slot.pk, **of) for of in more]
    names = [export.filename for export in made]
    assert len(set(names)) == 4
    assert names[:2] == [
        f"amls-oral-exams-{DAY.isoformat()}-minutes.pdf",
        f"amls-oral-exams-{DAY.isoformat()}-größe-1-minutes.pdf",
    ]
    counts = [len(pages_of(export, tmp_path, title="Minutes of the oral exam")) for export in made]
    assert counts == [2, 1, 1, 1]


def test_rooms_whose_names_look_alike_in_a_file_are_called_apart(cast: Cast) -> None:
    slots = [plan(cast, place=place)[0] for place in ("Room A", "Room-A", "")]
    made = [make(cast.course, "exams.day-plan", user=cast.lecturer.user, exam=slot.pk, of="room") for slot in slots]
    assert len({export.filename for export in made}) == 3


def test_a_written_exam_has_no_plan_of_a_day(cast: Cast, lecturer: Client) -> None:
    written = OpenExamFactory.create(course=cast.course)
    assert lecturer.get(f"/amls/exams/{written.pk}/plan.pdf").status_code == 404
    assert "Who comes when" not in words(BeautifulSoup(lecturer.get(PAGE).content, "html.parser"))
