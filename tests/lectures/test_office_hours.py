"""A weekly office hour on another weekday: calendars move it, week by week, and nobody reads that it is cancelled."""

from datetime import UTC, date, datetime, time, timedelta

import pytest

from amls.agenda.models import AgendaItem
from amls.agenda.services import ChangeKind, reconcile
from amls.courses.models import Course
from amls.mail.models import ItemChange
from lectures.models import OfficeHour
from lectures.services.schedule import save_dated
from tests.cast import Cast

pytestmark = pytest.mark.django_db
NOW = datetime(2024, 10, 18, 10, tzinfo=UTC)
# Tuesdays; the first is over.
DAYS = [date(2024, 10, 15) + timedelta(weeks=week) for week in range(4)]


@pytest.fixture
def hour(cast: Cast) -> OfficeHour:
    row = OfficeHour.objects.create(
        course=cast.course, weekday=1, start=time(16), end=time(17), room="TEL 0811", first=DAYS[0], last=DAYS[-1]
    )
    Course.objects.update(state="draft")
    reconcile(cast.course, now=NOW - timedelta(days=9))
    Course.objects.update(state="running")
    return row


def in_calendars() -> list[tuple[str, str, int]]:
    """What calendars have: UID, day and SEQUENCE, but for what is cancelled."""
    rows = AgendaItem.objects.base().filter(kind="office_hour", status="confirmed", is_removed=False)
    return [(str(row.uid), f"{row.starts_at:%a %d.%m.}", row.sequence) for row in rows.order_by("starts_at")]


def test_another_weekday_of_the_rule_moves_each_within_its_week(cast: Cast, hour: OfficeHour) -> None:
    before = in_calendars()
    hour.weekday, hour.last = 3, DAYS[-1] + timedelta(days=2)
    changes = save_dated(hour, now=NOW)
    assert {change.kind for change in changes} == {ChangeKind.MOVED}
    assert in_calendars() == [
        (uid, day, 1)
        for (uid, _day, _sequence), day in zip(
            before, ["Thu 17.10.", "Thu 24.10.", "Thu 31.10.", "Thu 07.11."], strict=True
        )
    ]
    # What is over is told to nobody.
    assert list(ItemChange.objects.values_list("kind", flat=True)) == ["moved"] * 3


def test_another_rule_that_takes_over_moves_what_is_left_and_it_is_told_as_moved(cast: Cast, hour: OfficeHour) -> None:
    before = in_calendars()
    hour.last = DAYS[1]
    save_dated(hour, now=NOW)
    later = OfficeHour(
        course=cast.course,
        weekday=3,
        start=time(14),
        end=time(15),
        room="H 0104",
        first=DAYS[2],
        last=date(2024, 11, 8),
    )
    save_dated(later, now=NOW)
    after = in_calendars()
    assert [uid for uid, _day, _sequence in after] == [uid for uid, _day, _sequence in before]
    assert [day for _uid, day, _sequence in after] == ["Tue 15.10.", "Tue 22.10.", "Thu 31.10.", "Thu 07.11."]
    assert all(sequence > 0 for _uid, _day, sequence in after[2:])
    assert sorted(ItemChange.objects.values_list("kind", flat=True)) == ["moved"] * 2


def test_one_more_rule_and_one_of_two_that_moves_take_nothing_of_the_other(cast: Cast, hour: OfficeHour) -> None:
    before = in_calendars()
    other = OfficeHour(
        course=cast.course, weekday=3, start=time(9), end=time(10), room="E 1", first=DAYS[0], last=date(2024, 11, 8)
    )
    save_dated(other, now=NOW)
    both = in_calendars()
    assert [row for row in both if row in before] == before
    own = {uid for uid, _day, _sequence in both} - {uid for uid, _day, _sequence in before}
    other.weekday = 4
    save_dated(other, now=NOW)
    moved = {uid for uid, day, _sequence in in_calendars() if day.startswith("Fri")}
    assert moved == own
    assert [row for row in in_calendars() if row in before] == before
