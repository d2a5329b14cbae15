"""Times in sentences: in messages, refusals and mails."""

from datetime import datetime
from zoneinfo import ZoneInfo

from django.utils import timezone

from amls.core.templatetags.amls import clock, day, short_day


def say_time(instant: datetime, zone: ZoneInfo, *, now: datetime | None = None) -> str:
    """Return 'Mon 8 Jul, 23:59 (Europe/Berlin)': local time with its zone, with the year unless it is that of `now`."""
    with timezone.override(zone):
        return f"{day(instant, now)}, {clock(instant)} ({zone.key})"


def say_day(instant: datetime, zone: ZoneInfo) -> str:
    """Return the local day with its year, such as 'Mon 8 Jul 2024'."""
    with timezone.override(zone):
        return day(instant)


def say_short_day(instant: datetime, zone: ZoneInfo) -> str:
    """Return the local day without weekday and year, such as '8 Jul'."""
    with timezone.override(zone):
        return short_day(instant)


def say_clock(instant: datetime, zone: ZoneInfo) -> str:
    """Return the local time to the second, such as '00:00:12'."""
    return instant.astimezone(zone).strftime("%H:%M:%S")
