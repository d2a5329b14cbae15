"""The schedule's page: the list opens at today; the month's weeks are whole, also where they reach into its neighbours."""

from datetime import UTC, datetime, timedelta

import pytest
from bs4 import BeautifulSoup
from django.test import Client
from django.utils import timezone

from amls.agenda.models import AgendaItem
from amls.agenda.services import reconcile
from amls.courses.models import Course
from tests.cast import Cast
from tests.factories import LectureFactory
from tests.markup import shows

pytestmark = pytest.mark.django_db


def test_a_week_is_whole_where_it_reaches_into_another_month(cast: Cast) -> None:
    now = datetime(2024, 4, 1, 10, tzinfo=UTC)
    for number, day in (("01", 30), ("02", 32), ("03", 65)):
        start = datetime(2024, 4, 1, 14, tzinfo=UTC) + timedelta(days=day - 1)
        LectureFactory.create(course=cast.course, number=number, title=f"Talk {number}", starts_at=start)
    reconcile(cast.course, now=now)
    answer = Client().get("/amls/schedule/?view=month&month=2024-05")
    page = answer.content.decode()
    days = {day.date.isoformat(): day for week in answer.context["weeks"] for day in week}
    assert [item.title for item in days["2024-04-30"].items] == ["01 Talk 01"]
    assert all(f"Talk {number}" in page for number in ("01", "02"))
    # The fourth of June is in no week of May.
    assert "Talk 03" not in page
    assert shows(page, '<time datetime="2024-04-30"><span class="weekday">Tue </span>30<span> April</span></time>')
    assert shows(page, '<time datetime="2024-05-02"><span class="weekday">Thu </span>2<span class="visually-hidden"> May</span></time>')  # fmt: skip


def test_days_of_a_german_month_are_written_with_their_point(cast: Cast) -> None:
    starts_at = datetime(2024, 4, 30, 14, tzinfo=UTC)
    LectureFactory.create(course=cast.course, number="01", title="Talk 01", starts_at=starts_at)
    reconcile(cast.course, now=starts_at)
    client = Client(headers={"accept-language": "de"})
    page = client.get("/amls/schedule/?view=month&month=2024-04").content.decode()
    assert shows(page, '<time datetime="2024-04-30"><span class="weekday">Di </span>30.<span class="visually-hidden"> April</span></time>')  # fmt: skip


def titles_of(months: object) -> list[str]:
    return [item.title for _month, items in months for item in items]  # type: ignore[attr-defined]


def test_the_list_opens_at_today_and_folds_what_is_over(cast: Cast) -> None:
    today = timezone.localtime(timezone=cast.course.zone).replace(hour=0, minute=30, second=0, microsecond=0)
    for number, days in (("01", -8), ("02", -1), ("03", 0), ("04", 5)):
        LectureFactory.create(course=cast.course, number=number, title="Talk", starts_at=today + timedelta(days=days))
    reconcile(cast.course, now=today)
    answer = Client().get("/amls/schedule/")
    assert titles_of(answer.context["over"]) == ["01 Talk", "02 Talk"]
    assert titles_of(answer.context["months"]) == ["03 Talk", "04 Talk"]
    page = answer.content.decode()
    assert page.index("2 earlier dates") < page.index("02 Talk") < page.index('id="today"') < page.index("03 Talk")


def test_of_a_course_that_is_over_nothing_is_folded(cast: Cast) -> None:
    LectureFactory.create(
        course=cast.course, number="01", title="Talk", starts_at=datetime(2024, 4, 18, 14, tzinfo=UTC)
    )
    reconcile(cast.course, now=timezone.now())
    answer = Client().get("/amls/schedule/")
    assert (titles_of(answer.context["over"]), titles_of(answer.context["months"])) == ([], ["01 Talk"])
    assert 'id="today"' not in answer.content.decode()


@pytest.mark.parametrize(("state", "opens"), [("archived", "2024-04"), ("running", "2024-10")])
def test_a_month_opens_where_the_course_was(cast: Cast, state: str, opens: str) -> None:
    for number, month in (("01", 4), ("02", 7), ("03", 10)):
        start = datetime(2024, month, 18, 14, tzinfo=UTC)
        LectureFactory.create(course=cast.course, number=number, title="Talk", starts_at=start)
    reconcile(cast.course, now=timezone.now())
    Course.objects.filter(pk=cast.course.pk).update(state=state)
    assert f"{Client().get('/amls/schedule/?view=month').context['month']:%Y-%m}" == opens


def test_a_month_without_dates_is_passed_over(cast: Cast) -> None:
    today = timezone.localtime(timezone=cast.course.zone).replace(day=15, hour=12)
    later = (today.replace(day=1) + timedelta(days=70)).replace(day=1, hour=12)
    for number, start in (("01", today.replace(day=1) - timedelta(days=3)), ("02", later)):
        LectureFactory.create(course=cast.course, number=number, title="Talk", starts_at=start)
    reconcile(cast.course, now=today)
    month = Client().get("/amls/schedule/?view=month").context["month"]
    assert (month.year, month.month) == (later.year, later.month)


def test_what_was_moved_says_from_when(cast: Cast) -> None:
    lecture = LectureFactory.create(
        course=cast.course, number="01", title="Talk", starts_at=datetime(2024, 4, 18, 14, tzinfo=UTC)
    )

    def move_to(starts_at: datetime) -> None:
        lecture.starts_at, lecture.ends_at = starts_at, starts_at + timedelta(hours=1)
        lecture.save()
        reconcile(cast.course, now=timezone.now())

    for state, hour, said in (("draft", 15, None), ("running", 16, 15), ("running", 17, 15), ("running", 15, None)):
        Course.objects.filter(pk=cast.course.pk).update(state=state)
        move_to(datetime(2024, 4, 18, hour, tzinfo=UTC))
        moved_from = AgendaItem.objects.base().get(key=f"lectures.lecture:{lecture.pk}").moved_from
        assert (moved_from and moved_from.hour) == said, (state, hour)
    move_to(datetime(2024, 4, 19, 15, tzinfo=UTC))
    page = Client().get("/amls/schedule/").content.decode()
    assert shows(page, 'moved from <time datetime="2024-04-18T17:00+02:00">Thu 18 Apr 2024, 17:00</time>')


@pytest.mark.parametrize("query", ["", "?view=month&month=2124-04"])
def test_titles_are_said_to_be_in_the_language_in_which_they_are(cast: Cast, query: str) -> None:
    starts_at = datetime(2124, 4, 18, 14, tzinfo=UTC)
    LectureFactory.create(course=cast.course, number="01", title="Talk", starts_at=starts_at)
    LectureFactory.create(
        course=cast.course, kind="lab", title="Tables", number="3", starts_at=starts_at + timedelta(days=1)
    )
    Course.objects.filter(pk=cast.course.pk).update(language="en")
    reconcile(Course.objects.get(pk=cast.course.pk), now=starts_at)
    for language, marked in (("en", [None, None]), ("de", ["en", None])):
        page = BeautifulSoup(
            Client(headers={"accept-language": language}).get(f"/amls/schedule/{query}").content, "html.parser"
        )
        links = page.select(".agenda .what a, .month li a")
        assert [link.get("lang") for link in links] == marked
