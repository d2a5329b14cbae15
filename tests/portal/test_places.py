"""What a course does not have needs no tab and no way in the search; its staff have one, to begin."""

from datetime import timedelta

import pytest
from bs4 import BeautifulSoup
from django.test import Client
from django.utils import timezone

from amls.courses.services import finish_course_change
from exams.models import Exam
from projects.models import Assignment
from tests.cast import Cast
from tests.factories import AssignmentFactory, OpenExamFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("one_factor")]
PARTS = ("anonymous", "stranger", "student", "assistant")
BOTH = {"Projects", "Exams"}


def tabs_of(client: Client, address: str = "/amls/schedule/") -> set[str]:
    """Return which of the two a person's page has a tab for."""
    page = BeautifulSoup(client.get(address).content, "html.parser")
    return {" ".join(way.get_text().split()) for way in page.select("nav.places a")} & {*BOTH, "Assignments"}


def ways_of(client: Client) -> set[str]:
    """Return which places of the two kinds the search leads to before anything is typed."""
    page = BeautifulSoup(client.get("/amls/search/?palette=1").content, "html.parser")
    addresses = {str(way["href"]) for way in page.select("a[href]")}
    return addresses & {"/amls/projects/", "/amls/assignments/", "/amls/projects/mine/", "/amls/exams/"}


def changed(cast: Cast) -> None:
    finish_course_change(cast.course, now=timezone.now())


def test_a_course_shows_what_it_has_and_its_staff_where_to_begin(cast: Cast) -> None:
    assert not Assignment.objects.exists()
    assert not Exam.objects.exists()
    clients = {part: cast.client(part) for part in PARTS}
    # Asked twice: what is kept says the same.
    for _turn in range(2):
        assert {part: tabs_of(client) for part, client in clients.items()} == {
            "anonymous": set(), "stranger": set(), "student": set(), "assistant": BOTH,
        }  # fmt: skip
    assert ways_of(clients["student"]) == set()
    assert ways_of(clients["assistant"]) >= {"/amls/projects/", "/amls/exams/"}
    OpenExamFactory.create(course=cast.course)
    changed(cast)
    assert {part: tabs_of(client) for part, client in clients.items()} == {
        "anonymous": {"Exams"}, "stranger": {"Exams"}, "student": {"Exams"}, "assistant": BOTH,
    }  # fmt: skip
    assert ways_of(clients["student"]) == {"/amls/exams/"}
    AssignmentFactory.create(course=cast.course, due_at=timezone.now() + timedelta(days=9))
    changed(cast)
    assert {part: tabs_of(client) for part, client in clients.items()} == dict.fromkeys(PARTS, BOTH)
    assert ways_of(clients["student"]) == {
        "/amls/projects/",
        "/amls/assignments/",
        "/amls/projects/mine/",
        "/amls/exams/",
    }
    # Another course's are none of this one's.
    assert tabs_of(cast.client("student"), "/databases/schedule/") == set()


def test_a_course_with_sheets_alone_has_assignments(cast: Cast) -> None:
    AssignmentFactory.create(course=cast.course, kind="sheet", topics_given="", is_main=False)
    changed(cast)
    assert tabs_of(cast.client("student")) == {"Assignments"}
    assert "/amls/projects/" not in ways_of(cast.client("student"))


def test_who_is_on_a_page_that_has_nothing_sees_where_they_are(cast: Cast) -> None:
    assert tabs_of(cast.client("student"), "/amls/exams/") == {"Exams"}
    assert tabs_of(cast.client("student"), "/amls/projects/") == {"Projects"}
