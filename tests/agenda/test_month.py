"""The month's grid: whole weeks, also where they reach into the neighbouring months."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from amls.agenda.services import reconcile
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
