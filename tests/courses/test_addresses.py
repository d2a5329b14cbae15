"""A course that has another address is still found at the one that it had."""

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from amls.agenda.services import reconcile
from amls.courses.models import Course, CourseAddress
from amls.courses.saving import save_course
from amls.mail.models import ItemChange
from amls.portal.takeover.apply import import_course
from amls.portal.takeover.spec import CourseFileError, CourseSpec
from lectures.models import Deadline
from tests.agreement import agree_to
from tests.cast import Cast
from tests.desk.test_writes import form_of
from tests.factories import CourseFactory, LectureFactory
from tests.projects.conftest import NOW

pytestmark = pytest.mark.django_db


def move(course: Course, slug: str) -> None:
    course.slug = slug
    course.full_clean()
    save_course(course, by=None, now=NOW)


def test_each_page_and_feed_leads_from_the_former_address_to_where_it_is_now(cast: Cast) -> None:
    lecture = LectureFactory.create(course=cast.course, number="04")
    move(cast.course, "ml-systems")
    for part in ("anonymous", "stranger", "student", "assistant"):
        client = cast.client(part)
        for rest, query in (("", ""), ("calendar.ics", "?x=1&y=%C3%B6"), (f"lectures/{lecture.ref}/", "?t=754")):
            answer = client.get(f"/amls/{rest}{query}")
            assert (answer.status_code, answer.headers["Location"]) == (301, f"/ml-systems/{rest}{query}"), (part, rest)
            assert answer.headers["Cache-Control"] == "private, no-cache"
            assert client.get(answer.headers["Location"]).status_code == 200
    assert cast.client("student").head("/amls/me/").status_code == 301
    assert (
        cast.client("assistant").get("/nowhere/").status_code
        == cast.client("anonymous").get("/nowhere/").status_code
        == 404
    )


def test_what_was_sent_from_a_page_that_was_open_meanwhile_arrives(cast: Cast) -> None:
    cast.course.enrolment_policy, cast.course.enrolment_code = "code", "sesam"
    move(cast.course, "ml-systems")
    client, sent = cast.client("stranger"), {"code": "sesam"}
    answer = client.post("/amls/enrol/?x=1", sent)
    assert (answer.status_code, answer.headers["Location"]) == (308, "/ml-systems/enrol/?x=1")
    assert not cast.stranger.enrolments.filter(course=cast.course).exists()
    client.post("/amls/enrol/", sent, follow=True)
    assert cast.stranger.enrolments.filter(course=cast.course).exists()


def test_a_way_through_several_addresses_is_one_step_and_back_it_ends(cast: Cast) -> None:
    for slug in ("second", "third"):
        move(cast.course, slug)
    client = cast.client("student")
    assert [client.get(f"/{slug}/").headers["Location"] for slug in ("amls", "second")] == ["/third/", "/third/"]
    move(cast.course, "amls")
    assert client.get("/amls/").status_code == 200
    assert client.get("/third/").headers["Location"] == "/amls/"


def test_nobody_learns_where_a_draft_is(cast: Cast) -> None:
    move(cast.course, "ml-systems")
    Course.objects.filter(pk=cast.course.pk).update(state="draft")
    answers = {
        part: cast.client(part).get("/amls/").status_code for part in ("anonymous", "stranger", "student", "assistant")
    }
    assert answers == {"anonymous": 404, "stranger": 404, "student": 404, "assistant": 301}


def test_a_former_address_is_no_other_courses(cast: Cast) -> None:
    move(cast.course, "ml-systems")
    with pytest.raises(ValidationError, match="This address leads to another course"):
        move(cast.other_course, "amls")
    with pytest.raises(CourseFileError, match="'amls' is taken by another course"):
        import_course(spec=CourseSpec(slug="amls", title="New", term="SS2025"), now=NOW, must_be_new=True)
    with pytest.raises(IntegrityError, match="course_keeps_its_addresses"), transaction.atomic():
        Course.objects.filter(pk=cast.other_course.pk).update(slug="amls")
    with pytest.raises(IntegrityError, match="course_keeps_its_addresses"), transaction.atomic():
        CourseFactory.create(slug="amls")
    Course.objects.filter(pk=cast.course.pk).delete()
    CourseFactory.create(slug="amls")
    assert CourseAddress.objects.filter(slug="ml-systems").count() == 0


def test_whoever_asks_by_the_present_address_asks_no_more(cast: Cast) -> None:
    client = cast.client("anonymous")
    asked = {}
    for page in ("/amls/schedule/?month=2024-05", "/amls/lectures/99/", "/nowhere/schedule/"):
        with CaptureQueriesContext(connection) as queries:
            client.get(page)
        asked[page] = sum("courseaddress" in query["sql"] for query in queries)
    assert list(asked.values()) == [0, 0, 1]


def test_at_the_desk_it_says_what_becomes_of_the_former_address_and_announces_no_date(cast: Cast) -> None:
    lecture = LectureFactory.create(course=cast.course, number="04")
    reconcile(cast.course, now=NOW)
    client, address = cast.client("lecturer"), f"/admin/courses/course/{cast.course.pk}/change/"
    wanted = form_of(client, address) | {"slug": "ml-systems"}
    answer = client.post(address, wanted)
    shown = answer.content.decode()
    assert "from /amls/ to /ml-systems/. The former one goes on leading there" in shown
    assert [words for words in ("new details", str(lecture), "calendar will change") if words in shown] == []
    cast.course.refresh_from_db()
    assert cast.course.slug == "amls"
    agree_to(client, address, wanted, answer)
    assert client.get("/amls/").headers["Location"] == "/ml-systems/"
    assert not ItemChange.objects.exists()


def test_a_deadline_that_leads_elsewhere_from_now_on_is_shown(cast: Cast) -> None:
    essay = Deadline.objects.create(course=cast.course, title="Essay", due_at=NOW, url="https://forms.example/a")
    reconcile(cast.course, now=NOW)
    essay.url = "https://forms.example/b"
    essay.save()
    assert [change.is_news for change in reconcile(cast.course, now=NOW)] == [True]
