"""What belongs to several courses under one name is told apart where it is chosen at the desk."""

import pytest
from bs4 import BeautifulSoup
from django.test import Client
from django.urls import reverse

from amls.courses.models import Role
from lectures.models import Part
from tests.cast import Cast
from tests.factories import CourseFactory, EnrolmentFactory, LectureFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("one_factor")]


def two_courses_with_a_part(cast: Cast) -> tuple[Part, Part]:
    other = CourseFactory.create(slug="other")
    EnrolmentFactory.create(course=other, user=cast.lecturer.user, role=Role.LECTURER)
    foreign = CourseFactory.create(slug="foreign")
    mine, others, _strangers = (
        Part.objects.create(course=course, letter="A", title="Overview", position=1)
        for course in (cast.course, other, foreign)
    )
    return mine, others


def offered(client: Client, address: str) -> list[tuple[str, str]]:
    page = BeautifulSoup(client.get(address).content, "html.parser")
    return [
        (str(option["value"]), option.get_text())
        for option in page.select("select[name=part] option")
        if option["value"]
    ]


def test_a_lecture_is_offered_the_parts_of_its_course(cast: Cast) -> None:
    mine, others = two_courses_with_a_part(cast)
    lecture = LectureFactory.create(course=cast.course)
    client = cast.client("lecturer")
    assert offered(client, reverse("admin:lectures_lecture_change", args=[lecture.pk])) == [
        (str(mine.pk), "A. Overview")
    ]
    # Of which course a new one is, is not known yet.
    new = reverse("admin:lectures_lecture_add")
    assert sorted(offered(client, new)) == sorted(
        (str(part.pk), f"A. Overview ({part.course})") for part in (mine, others)
    )
    client.get(f"{reverse('admin:index')}?of={others.course_id}")
    assert offered(client, new) == [(str(others.pk), "A. Overview")]


def test_a_filter_by_part_names_the_course(cast: Cast) -> None:
    mine, others = two_courses_with_a_part(cast)
    client, address = cast.client("lecturer"), reverse("admin:lectures_lecture_changelist")
    for part in (mine, others):
        LectureFactory.create(course=part.course, part=part)

    def shown() -> list[str]:
        page = BeautifulSoup(client.get(address).content, "html.parser")
        links = page.select('#changelist-filter a[href*="part__id__exact"]')
        return sorted(link.get_text(strip=True) for link in links)

    assert shown() == sorted(f"A. Overview ({part.course})" for part in (mine, others))
    client.get(f"{reverse('admin:index')}?of={cast.course.pk}")
    assert shown() == ["A. Overview"]
