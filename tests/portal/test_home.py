"""The courses, and a course's home: what is next stands first, what is over is folded."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from amls.agenda.models import AgendaItem
from amls.agenda.services import reconcile
from amls.core.times import say_day
from amls.courses.models import Course
from lectures.services.schedule import remove_lecture
from tests.cast import Cast
from tests.factories import (
    AssignmentFactory,
    CourseFactory,
    LectureFactory,
    OpenExamFactory,
    PartFactory,
)

pytestmark = pytest.mark.django_db


def test_a_running_course_says_what_is_next_for_all_and_for_who_takes_part(cast: Cast) -> None:
    now = timezone.now()
    LectureFactory.create(course=cast.course, number="01", title="Over", starts_at=now - timedelta(days=1))
    LectureFactory.create(course=cast.course, number="02", title="Caching", starts_at=now + timedelta(days=2))
    LectureFactory.create(course=cast.other_course, number="03", title="Joins", starts_at=now + timedelta(days=3))
    AssignmentFactory.create(course=cast.course, due_at=now + timedelta(days=5))
    for course in (cast.course, cast.other_course):
        reconcile(course, now=now)

    def said(part: str) -> list[tuple[str, str | None, bool]]:
        heroes = cast.client(part).get("/").context["running"]
        return [(hero.course.slug, hero.session and hero.session.title, hero.due is not None) for hero in heroes]

    # Where one takes part stands first; a deadline is of concern to students alone.
    assert said("student") == [("amls", "02 Caching", True), ("databases", "03 Joins", False)]
    assert sorted(said("anonymous")) == [("amls", "02 Caching", False), ("databases", "03 Joins", False)]
    assert said("foreign lecturer")[0] == ("databases", "03 Joins", False)


def test_courses_of_earlier_terms_are_a_list(cast: Cast) -> None:
    CourseFactory.create(slug="old", title="Ştefan's course", state=Course.State.ARCHIVED)
    answer = Client().get("/")
    assert [[course.slug for course in courses] for _heading, courses in answer.context["groups"]] == [[], ["old"]]


def test_over_lectures_are_folded_but_the_last_one(cast: Cast) -> None:
    now = timezone.now()
    first, second = (
        PartFactory.create(course=cast.course, title=title, position=place) for place, title in enumerate("AB")
    )
    for number, part, days in (("01", first, -20), ("02", first, -10), ("03", second, -3), ("04", second, 4)):
        LectureFactory.create(course=cast.course, number=number, part=part, starts_at=now + timedelta(days=days))

    def numbers() -> list[tuple[list[str], list[str]]]:
        shared = cast.client("student").get("/amls/").context["shared"]
        return [
            ([row.number for row in folded], [row.number for row in rows]) for _part, folded, rows in shared.split_parts
        ]

    assert numbers() == [(["01", "02"], []), ([], ["03", "04"])]
    # When the course is over, all of it is there to read.
    cast.course.lectures.filter(number="04").delete()
    assert numbers() == [([], ["01", "02"]), ([], ["03"])]


def test_an_exam_is_one_line_that_unfolds_where_the_next_thing_is(cast: Cast) -> None:
    now = timezone.now()
    OpenExamFactory.create(
        course=cast.course, starts_at=now + timedelta(days=30), closes_at=now + timedelta(days=20), withdraw_until=None
    )
    OpenExamFactory.create(
        course=cast.course, starts_at=now + timedelta(days=90), closes_at=now + timedelta(days=80), withdraw_until=None
    )
    AssignmentFactory.create(course=cast.course, due_at=now + timedelta(days=40))
    reconcile(cast.course, now=now)
    dates = Client().get("/amls/").context["key_dates"]
    assert [(date.item.kind, len(date.along), date.is_open) for date in dates] == [
        ("exam", 1, True),
        ("deadline", 0, False),
        ("exam", 1, False),
    ]


def test_who_has_no_project_yet_is_led_to_the_topics(cast: Cast) -> None:
    AssignmentFactory.create(course=cast.course, due_at=timezone.now() + timedelta(days=5))
    reconcile(cast.course, now=timezone.now())
    assert "No project yet" in cast.client("student").get("/amls/").content.decode()
    assert "No project yet" not in cast.client("assistant").get("/amls/").content.decode()


def test_who_could_take_part_is_led_from_a_page_of_participants_to_enrol(cast: Cast) -> None:
    address, link = "/amls/projects/mine/", f"{reverse('portal:enrol', args=['amls'])}?next=/amls/projects/mine/"
    AssignmentFactory.create(course=cast.course)
    Course.objects.filter(pk=cast.course.pk).update(enrolment_policy="open")

    def offered(part: str) -> bool:
        answer = cast.client(part).get(address, follow=True)
        assert answer.status_code in (200, 404)
        return f'href="{link}"' in answer.content.decode()

    parts = ["anonymous", "stranger", "student", "foreign lecturer"]
    assert [offered(part) for part in parts] == [False, True, False, True]
    assert cast.client("stranger").get(link).status_code == 200
    for hidden in ({"enrolment_policy": "closed"}, {"state": "archived"}, {"state": "draft"}):
        Course.objects.filter(pk=cast.course.pk).update(**{"enrolment_policy": "open", "state": "running", **hidden})
        assert not offered("stranger"), hidden


def test_the_address_of_what_was_removed_says_so_to_who_could_see_it(cast: Cast) -> None:
    lecture = LectureFactory.create(course=cast.course, title="Größe <b>von</b> Graphen")
    reconcile(cast.course, now=timezone.now())
    address, day = lecture.get_absolute_url(), say_day(lecture.starts_at, cast.course.zone)
    remove_lecture(lecture, now=timezone.now())
    reconcile(cast.course, now=timezone.now())
    for part in ("anonymous", "student", "stranger", "lecturer"):
        answer = cast.client(part).get(address)
        assert answer.status_code == 404
        said = " ".join(answer.content.decode().split())
        assert f"Größe &lt;b&gt;von&lt;/b&gt; Graphen” ({day}) stood here and was removed from the course." in said
        assert "sign out, and in with that address" not in said
    assert "was removed from" not in cast.client("student").get(f"{address[:-1]}x/").content.decode()
    AgendaItem.objects.filter(path=address).update(audience="enrolled")
    seen = [
        part
        for part in ("anonymous", "student", "stranger")
        if "was removed from" in cast.client(part).get(address).content.decode()
    ]
    assert seen == ["student"]
    Course.objects.filter(pk=cast.course.pk).update(state="draft")
    assert "was removed from" not in cast.client("stranger").get(address).content.decode()


def test_a_course_that_one_may_not_know_of_is_as_much_as_none(cast: Cast) -> None:
    Course.objects.filter(pk=cast.course.pk).update(state="draft")
    client = cast.client("stranger")
    pages = [client.get(f"/{slug}/projects/mine/").content.decode() for slug in ("amls", "none")]
    tokens = re.compile(r'name="csrfmiddlewaretoken" value="\w+"')
    assert tokens.sub("", pages[0]) == tokens.sub("", pages[1]).replace("/none/", "/amls/")
