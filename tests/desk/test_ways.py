"""The desk offers nobody what they are refused, and stays quick however many people there are."""

import re
from datetime import timedelta
from html import unescape
from urllib.parse import urldefrag

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from amls.courses.models import User
from tests.cast import Cast
from tests.desk.test_site import SCOPED, rows  # noqa: F401 - a fixture
from tests.factories import AssignmentFactory, EnrolmentFactory, ExamFactory, LectureFactory, TopicFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("one_factor")]


def ways_from(page: str) -> set[str]:
    links = {unescape(link) for link in re.findall(r'<a\b[^>]*?\shref="([^"]+)"', page)}
    return {urldefrag(link)[0] for link in links if link.startswith("/") and not link.startswith("//")}


# Lists in another order and with other filters are the same lists; languages and calendars are everyone's.
_ALIKE = re.compile(r"[?&](o|p|_changelist_filters|[a-z_]+__(id__)?exact|[a-z_]+__isempty)=")


def walk(client: Client, start: str, most: int = 250) -> dict[str, int]:
    """Follow every way that is offered from page to page of the desk; return what was refused, with where it stood."""
    refused, waiting, seen = {}, [(start, "")], {start}
    while waiting and len(seen) < most * 4:
        address, offered_on = waiting.pop(0)
        answer = client.get(address)
        if answer.status_code in (403, 404, 500):
            refused[f"{address} on {offered_on}"] = answer.status_code
        is_page = answer.headers.get("Content-Type", "").startswith("text/html") and answer.status_code == 200
        # Beyond the desk only whether the way is open is looked at.
        if is_page and address.startswith("/admin/"):
            for way in sorted(ways_from(answer.content.decode()) - seen):
                if not _ALIKE.search(way):
                    seen.add(way)
                    waiting.append((way, address))
    assert len(seen) > 60
    return refused


@pytest.mark.parametrize("part", ["assistant", "lecturer", "admin"])
def test_every_way_that_the_desk_offers_is_open(cast: Cast, rows: dict[str, int], part: str) -> None:  # noqa: F811
    assert walk(cast.client(part), "/admin/") == {}


@pytest.mark.parametrize(("part", "may"), [("assistant", False), ("lecturer", True), ("admin", True)])
def test_a_new_course_is_offered_to_whom_may_make_one(cast: Cast, part: str, may: bool) -> None:
    client = cast.client(part)
    address = reverse("portal:new_course")
    for page in ("/admin/", "/?all"):
        assert (f'href="{address}"' in client.get(page).content.decode()) == may
    assert client.get(address).status_code == (200 if may else 404)


@pytest.mark.parametrize("name", SCOPED)
def test_no_form_asks_once_for_each_choice(cast: Cast, name: str) -> None:
    client, address = cast.client("lecturer"), reverse(f"admin:{name}_add")
    AssignmentFactory.create(course=cast.course)
    fill(cast, 1)
    status = client.get(address).status_code
    with CaptureQueriesContext(connection) as first:
        client.get(address)
    fill(cast, 4)
    with CaptureQueriesContext(connection) as then:
        assert client.get(address).status_code == status
    assert len(then) == len(first)


def fill(cast: Cast, number: int) -> None:
    now = timezone.now()
    EnrolmentFactory.create_batch(number, course=cast.course)
    TopicFactory.create_batch(number, course=cast.course)
    for _each in range(number):
        LectureFactory.create(course=cast.course)
        ExamFactory.create(course=cast.course, starts_at=now + timedelta(days=40))


@pytest.mark.parametrize("name", ["exams_accommodation", "exams_admissiondecision", "projects_earlierpass"])
def test_people_to_choose_are_students_told_apart(
    cast: Cast, name: str, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    User.objects.filter(pk__in=[cast.student.user_id, cast.other_student.user_id]).update(display_name="Łukasz Żółć")
    User.objects.filter(pk=cast.student.user_id).update(matriculation_number="500001")
    EnrolmentFactory.create_batch(300, course=cast.course)
    client = cast.client("lecturer")
    client.get(reverse(f"admin:{name}_add"))
    with django_assert_num_queries(5 if name == "projects_earlierpass" else 6):
        page = client.get(reverse(f"admin:{name}_add")).content.decode()
    assert "Łukasz Żółć · 500001 · student@example.org · amls</option>" in page
    assert "Łukasz Żółć · other@example.org · amls</option>" in page
    assert "lecturer@example.org ·" not in page
    assert "assistant@example.org ·" not in page


def test_often_needed_lists_stay_in_the_course_that_is_chosen(cast: Cast) -> None:
    address = reverse("admin:projects_project_changelist")
    page = cast.client("admin").get(f"{address}?course={cast.course.pk}").content.decode()
    nav = page[page.index('aria-label="Often needed"') :].partition("</nav>")[0]
    ways = re.findall(r'href="([^"]+)"', nav)
    assert len(ways) == 4
    assert f'href="{reverse("admin:projects_project_import")}?course={cast.course.pk}"' in page
    assert [way for way in ways if f"course={cast.course.pk}" not in way] == []
