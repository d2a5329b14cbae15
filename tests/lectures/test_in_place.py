"""A lecture changed on the course's page: what others would get is shown, and can be told to nobody."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from amls.agenda.services import reconcile
from amls.courses.models import Course
from amls.mail.models import ItemChange
from lectures.models import FreeDay, Lecture
from tests.agreement import agree_to
from tests.cast import Cast
from tests.desk.test_site import lecture_post
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


def test_a_day_without_class_and_another_in_the_room_are_said_before_and_after(cast: Cast, lecture: Lecture) -> None:
    client, day = cast.client("assistant"), lecture.held_on
    assert day is not None
    assert "is a day without class" not in move(client, lecture, preview="1")
    FreeDay.objects.create(course=cast.course, first=day - timedelta(days=1), last=day + timedelta(days=1))
    FreeDay.objects.create(course=cast.other_course, first=day - timedelta(days=9))
    hours = {
        "starts_at": datetime(day.year, 5, 21, 16, tzinfo=UTC),
        "ends_at": datetime(day.year, 5, 21, 18, tzinfo=UTC),
    }
    for number, values in (
        ("06", {"room": "H 0111"}), ("07", {"room": "Other"}), ("08", {"room": "H 0111", "state": "cancelled"}),
    ):  # fmt: skip
        LectureFactory.create(course=cast.course, number=number, title=f"Session {number}", **hours, **values)
    LectureFactory.create(course=cast.other_course, number="09", title="Session 09", room="H 0111", **hours)
    for pressed in ({"preview": "1"}, {}):
        said = move(client, lecture, **pressed)
        assert "is a day without class. Look whether it takes place." in said
        assert "&#x27;06 Session 06&#x27; is in H 0111 at the same time." in said
        assert not re.search("Session 0[789]&#x27; is in", said)
    assert Lecture.objects.get(number="05", course=cast.course).room == "H 0111"


def test_the_desk_says_which_lectures_are_on_a_day_without_class(cast: Cast, lecture: Lecture) -> None:
    client, day = cast.client("lecturer"), lecture.held_on
    assert day is not None
    LectureFactory.create(course=cast.course, number="06", title="Cancelled", day=day, starts_at=None, ends_at=None, state="cancelled")  # fmt: skip
    LectureFactory.create(course=cast.course, number="07", title="Later", day=day + timedelta(days=1), starts_at=None, ends_at=None)  # fmt: skip
    data = {"course": cast.course.pk, "first": str(day), "last": "", "title": "Holiday"}
    answer = agree_to(client, reverse("admin:lectures_freeday_add"), data)
    said = client.get(answer["Location"]).content.decode()
    assert said.count("is a day without class. Look whether it takes place.") == 1
    assert f"{lecture}: " in said
    # The same is said where a lecture is moved to it.
    times = {f"{end}_0": str(day) for end in ("starts_at", "ends_at")}
    address = reverse("admin:lectures_lecture_change", args=[lecture.pk])
    answer = agree_to(client, address, lecture_post(lecture, **times))
    assert "is a day without class. Look whether it takes place." in client.get(answer["Location"]).content.decode()
