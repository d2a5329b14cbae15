"""A session that is held every week: its days, its numbers, the calendars that follow, and the undo."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from amls.agenda.models import AgendaItem
from amls.agenda.services import reconcile
from amls.core.violations import RuleViolation
from lectures.models import FreeDay, Lecture
from lectures.services.weekly import repeat_lecture, take_repeats_back, weekly_days
from tests.cast import Cast
from tests.factories import LectureFactory
from tests.lectures.files import pdf, put

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("one_factor")]
NOW = datetime(2024, 10, 1, 10, tzinfo=UTC)
# Summer time ends on 27 October.
DAYS = [date(2024, 10, 24), date(2024, 10, 31), date(2024, 11, 7)]


@pytest.fixture
def exercise(cast: Cast) -> Lecture:
    lecture: Lecture = LectureFactory.create(
        course=cast.course, title="Übung", number="03", room="MAR 0.001", kind="exercise",
        starts_at=datetime(2024, 10, 17, 14, tzinfo=UTC), ends_at=datetime(2024, 10, 17, 16, tzinfo=UTC),
    )  # fmt: skip
    return lecture


def address(lecture: Lecture) -> str:
    return reverse("admin:lectures_lecture_hold_weekly", args=[lecture.pk])


def agreed(client: Client, where: str, sent: dict[str, Any]) -> str:
    """Send a form of the desk, agree to what calendars would say, and return the page that comes then."""
    shown = client.post(where, sent)
    context = shown.context
    assert "changes" in context, shown.content.decode()
    answer = client.post(where, {**sent, "_agreed": "1", "_shown": context["preview"].seal}, follow=True)
    return answer.content.decode()


def test_it_is_held_at_the_same_time_of_the_clock_and_numbered_on(exercise: Lecture) -> None:
    LectureFactory.create(course=exercise.course, kind="exercise", number="07", starts_at=None, ends_at=None)
    LectureFactory.create(course=exercise.course, kind="lecture", number="11", starts_at=None, ends_at=None)
    rows = repeat_lecture(lecture=exercise, days=DAYS, now=NOW)
    said = [(row.number, f"{row.starts_at:%d.%m. %H:%M}", f"{row.ends_at:%H:%M}", row.title, row.room) for row in rows]
    assert said == [
        ("08", "24.10. 14:00", "16:00", "Übung", "MAR 0.001"),
        ("09", "31.10. 15:00", "17:00", "Übung", "MAR 0.001"),
        ("10", "07.11. 15:00", "17:00", "Übung", "MAR 0.001"),
    ]


def test_one_without_a_number_or_a_time_is_repeated_as_it_is(cast: Cast) -> None:
    lecture = LectureFactory.create(
        course=cast.course, number="", title="Fragestunde", starts_at=None, ends_at=None, day=date(2024, 10, 17)
    )
    rows = repeat_lecture(lecture=lecture, days=DAYS, now=NOW)
    assert [(row.number, row.day, row.starts_at) for row in rows] == [("", day, None) for day in DAYS]


def test_a_session_without_a_day_is_not_repeated(cast: Cast) -> None:
    lecture = LectureFactory.create(course=cast.course, starts_at=None, ends_at=None)
    with pytest.raises(RuleViolation, match="Give it a day first"):
        repeat_lecture(lecture=lecture, days=DAYS, now=NOW)
    assert weekly_days(lecture, until=DAYS[-1]) == []
    assert "Give it a date" in cast.client("lecturer").get(address(lecture)).content.decode()


def test_days_without_class_and_those_that_have_one_are_not_offered(cast: Cast, exercise: Lecture) -> None:
    FreeDay.objects.create(course=cast.course, first=date(2024, 10, 31), title="Reformationstag")
    LectureFactory.create(
        course=cast.course, kind="exercise", number="04", title="Größe",
        starts_at=datetime(2024, 11, 7, 15, tzinfo=UTC), ends_at=datetime(2024, 11, 7, 17, tzinfo=UTC),
    )  # fmt: skip
    shown = [(row.day, row.against) for row in weekly_days(exercise, until=date(2024, 11, 14))]
    assert shown == [
        (date(2024, 10, 24), ""),
        (date(2024, 10, 31), "Day without class: Reformationstag"),
        (date(2024, 11, 7), "There is one already: Exercise 04: Größe"),
        (date(2024, 11, 14), ""),
    ]
    page = cast.client("lecturer").get(address(exercise), {"until": "2024-11-14"}).context["days"]
    assert [is_chosen for _row, is_chosen in page] == [True, False, False, True]


def test_calendars_follow_and_the_undo_takes_all_back(cast: Cast, exercise: Lecture) -> None:
    reconcile(cast.course, now=NOW)
    client = cast.client("lecturer")

    def dated() -> int:
        return AgendaItem.objects.filter(
            course=cast.course, is_removed=False, key__startswith="lectures.lecture"
        ).count()

    before = dated()
    page = agreed(client, address(exercise), {"days": [day.isoformat() for day in DAYS]})
    assert "3 sessions are added." in page
    assert dated() == before + 3
    token = page.partition('name="undo" value="')[2].partition('"')[0]
    assert (
        "3 sessions are removed again." in client.post(address(exercise), {"undo": token}, follow=True).content.decode()
    )
    assert dated() == before
    # Pressed twice it removes nothing more.
    assert (
        "0 sessions are removed again." in client.post(address(exercise), {"undo": token}, follow=True).content.decode()
    )


def test_what_has_files_by_now_is_not_taken_back_and_nothing_else_is(exercise: Lecture) -> None:
    rows = repeat_lecture(lecture=exercise, days=DAYS, now=NOW)
    put(rows[1], "pdf", "03.pdf", pdf(["Übung"]))
    keys = [row.pk for row in rows]
    with pytest.raises(RuleViolation, match="has uploaded files"):
        take_repeats_back(course=exercise.course, lectures=rows, now=NOW)
    assert Lecture.objects.filter(pk__in=keys).count() == 3


@pytest.mark.parametrize("days", [[], ["yesterday"], ["2024-13-45"]])
def test_a_form_without_days_says_so(cast: Cast, exercise: Lecture, days: list[str]) -> None:
    page = cast.client("lecturer").post(address(exercise), {"days": days})
    assert page.status_code == 422
    assert "Choose at least one day." in page.content.decode()
    assert Lecture.objects.filter(course=cast.course).count() == 1


def test_others_reach_neither_the_page_nor_the_undo(cast: Cast, exercise: Lecture) -> None:
    for who in ("foreign lecturer", "student", "anonymous"):
        client = cast.client(who)
        assert client.get(address(exercise)).status_code in (302, 403, 404), who
        client.post(address(exercise), {"days": [DAYS[0].isoformat()]})
    assert Lecture.objects.filter(course=cast.course).count() == 1
