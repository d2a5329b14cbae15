"""A lecture changed on the course's page: what others would get is shown, and can be told to nobody."""

import re
from datetime import UTC, datetime

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from amls.agenda.services import reconcile
from amls.courses.models import Course
from amls.mail.models import ItemChange
from lectures.models import Lecture
from tests.cast import Cast
from tests.factories import LectureFactory

pytestmark = pytest.mark.django_db
PAGE = "/amls/lectures/05/edit/"


@pytest.fixture
def lecture(cast: Cast, settings: Settings) -> Lecture:
    settings.STAFF_NEEDS_SECOND_FACTOR = False
    year = timezone.now().year + 1
    starts_at, ends_at = (datetime(year, 5, 21, hour, tzinfo=UTC) for hour in (14, 16))
    lecture = LectureFactory.create(course=cast.course, number="05", starts_at=starts_at, ends_at=ends_at)
    # What is new in a course that nobody sees yet is told to nobody.
    Course.objects.update(state="draft")
    reconcile(Course.objects.get(pk=cast.course.pk), now=timezone.now())
    Course.objects.update(state="running")
    assert not ItemChange.objects.exists()
    return lecture


def move(client: Client, lecture: Lecture, **pressed: str) -> str:
    day = f"{lecture.starts_at:%Y-%m-%d}"
    data = {"day": day, "start": "17:00", "end": "19:00", "room": "H 0111", "mode": "hybrid", "state": "planned"}
    fields = {f"lecture{lecture.pk}-{name}": value for name, value in data.items()}
    return client.post(PAGE, {**fields, **pressed}, follow=True).content.decode()


def test_the_preview_shows_the_mail_and_saves_nothing(cast: Cast, lecture: Lecture) -> None:
    shown = move(cast.client("assistant"), lecture, preview="1")
    assert "4 people get this mail" in shown
    assert 'name="_quiet"' in shown
    assert "<li>05 Parameter Servers" in shown
    assert Lecture.objects.get().room == "H 0107"
    assert re.search(r'name="_quiet"[^>]* checked', move(cast.client("assistant"), lecture, preview="1", _quiet="1"))


def test_a_quiet_change_and_its_undo_are_told_to_nobody(cast: Cast, lecture: Lecture) -> None:
    client = cast.client("assistant")
    saved = move(client, lecture, _quiet="1")
    assert Lecture.objects.get().room == "H 0111"
    token = re.search(r'name="token" value="([^"]+)"', saved)
    assert token is not None
    client.post("/amls/lectures/05/undo/", {"token": token.group(1)})
    assert Lecture.objects.get().room == "H 0107"
    assert not ItemChange.objects.exists()
    move(client, lecture)
    assert ItemChange.objects.count() == 1
