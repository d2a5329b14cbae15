"""Wall-clock time at the edges."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amls.core.clock import from_wall_clock, is_open_until, next_midnight, start_of_day, to_wall_clock
from amls.core.violations import RuleViolation

BERLIN = ZoneInfo("Europe/Berlin")


def test_wall_clock_follows_summer_time() -> None:
    assert from_wall_clock(datetime(2024, 7, 8, 23, 59), BERLIN) == datetime(2024, 7, 8, 21, 59, tzinfo=UTC)
    assert from_wall_clock(datetime(2024, 12, 8, 23, 59), BERLIN) == datetime(2024, 12, 8, 22, 59, tzinfo=UTC)


@pytest.mark.parametrize("minute", [0, 30, 59])
def test_the_hour_that_the_clocks_skip_is_refused(minute: int) -> None:
    with pytest.raises(RuleViolation, match="does not exist in Europe/Berlin") as caught:
        from_wall_clock(datetime(2024, 3, 31, 2, minute), BERLIN)
    assert caught.value.code == "time-does-not-exist"


def test_the_hour_that_comes_twice_means_the_first() -> None:
    assert from_wall_clock(datetime(2024, 10, 27, 2, 30), BERLIN) == datetime(2024, 10, 27, 0, 30, tzinfo=UTC)


@given(
    instant=st.datetimes(min_value=datetime(1997, 1, 1), max_value=datetime(2040, 1, 1), timezones=st.just(UTC)),
    zone=st.sampled_from(["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "UTC"]).map(
        ZoneInfo
    ),
)
def test_every_instant_survives_the_wall_clock_but_the_second_of_a_double_hour(
    instant: datetime, zone: ZoneInfo
) -> None:
    back = from_wall_clock(to_wall_clock(instant, zone), zone)
    assert back == instant or instant.astimezone(zone).fold == 1


def test_a_deadline_is_open_for_its_whole_minute() -> None:
    due = datetime(2024, 7, 8, 21, 59, tzinfo=UTC)
    assert is_open_until(due, datetime(2024, 7, 8, 21, 59, 59, 999_999, tzinfo=UTC))
    assert not is_open_until(due, datetime(2024, 7, 8, 22, 0, tzinfo=UTC))


def test_days_begin_at_local_midnight() -> None:
    assert start_of_day(date(2024, 7, 1), BERLIN) == datetime(2024, 6, 30, 22, tzinfo=UTC)
    late = datetime(2024, 6, 30, 21, 59, tzinfo=UTC)
    assert next_midnight(late, BERLIN) == datetime(2024, 6, 30, 22, tzinfo=UTC)
    assert next_midnight(datetime(2024, 6, 30, 22, tzinfo=UTC), BERLIN) == datetime(2024, 7, 1, 22, tzinfo=UTC)
