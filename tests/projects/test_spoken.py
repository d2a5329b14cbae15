"""Words of an English course on German pages are marked as English, wherever they stand alone (WCAG 3.1.2)."""

import pytest
from bs4 import BeautifulSoup, Tag
from django.test import Client
from django.urls import reverse

from projects.services.wishes import form_team, rank_topics
from tests.factories import LectureFactory, TopicFactory
from tests.projects.conftest import NOW, World

pytestmark = pytest.mark.django_db


def languages_of(client: Client, address: str, words: str) -> set[str]:
    """Return the languages in which a German page has some words read, where nothing else stands beside them."""
    answer = client.get(address, headers={"accept-language": "de"})
    page = BeautifulSoup(answer.content, "html.parser")
    assert page.html is not None
    assert page.html["lang"] == "de"
    return {
        str(part["lang"])
        for text in page.body.find_all(string=lambda text: text.strip(" :\n") == words)
        for part in [text.find_parent(lambda tag: isinstance(tag, Tag) and tag.has_attr("lang"))]
        if part is not None
    }


def test_titles_of_projects_are_read_in_the_language_of_the_course(world: World) -> None:
    world.project()
    client = world.cast.client("student")
    addresses = ["/amls/me/", reverse("projects:topics", args=["amls"])]
    assert [languages_of(client, address, "Sparse kernels") for address in addresses] == [{"en"}] * 2


def test_wishes_are_read_in_the_language_of_the_course(world: World) -> None:
    assignment = world.give_by_wish(closes_at=NOW.replace(year=2100), fewest=1)
    wished, other = (TopicFactory.create(course=world.course, title=title).pk for title in ("Kernels", "Caches"))
    team = form_team(assignment=assignment, enrolment=world.student, now=NOW)
    rank_topics(project=team, topics=[wished], version=0, by=world.student, now=NOW)
    client, address = world.cast.client("student"), reverse("projects:wishes_for", args=["amls", assignment.pk])
    assert other != wished
    assert [languages_of(client, address, title) for title in ("Kernels", "Caches")] == [{"en"}] * 2


def test_what_leads_around_a_lecture_is_read_in_the_language_of_the_course(world: World) -> None:
    for number, title in (("01", "Trees"), ("02", "Forests"), ("03", "Jungles")):
        LectureFactory.create(course=world.course, number=number, title=title)
    course = world.course
    words = [("/amls/lectures/02/", around) for around in ("01 Trees", "03 Jungles", course.title)]
    words += [("/?all", course.title), ("/amls/me/", f"{course.title} · {course.term}")]
    client = world.cast.client("student")
    assert [languages_of(client, address, said) for address, said in words] == [{"en"}] * len(words)
