"""Times in words, in one way everywhere: on pages, in mails, PDFs, feeds, messages and histories.

How a language writes them stands in `amls/formats/`, which Django's forms and the desk's lists follow as well.
Aware moments are shown in the zone that is active (of the course on its pages) or in the given one; naive ones
and dates are local already.
"""

from datetime import date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone
from django.utils.formats import date_format, get_format, time_format
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _


def say_day(value: datetime | date, zone: tzinfo | None = None, *, now: datetime | None = None) -> str:
    """Return the local day, such as 'Thu 13 Jun 2024'; without the year where it is that of `now`."""
    local = _local(value, zone)
    is_this_year = now is not None and _local(now, zone).year == local.year
    return _say(local, "DAY_FORMAT" if is_this_year else "DATE_FORMAT")


def say_date(value: datetime | date, zone: tzinfo | None = None) -> str:
    """Return the local day without its weekday and year, such as '13 Jun'."""
    return _say(_local(value, zone), "MONTH_DAY_FORMAT")


def say_day_of_month(value: datetime | date) -> str:
    """Return the number of the local day in its month as the language writes it, such as '13' or '13.'."""
    return _say(_local(value), "DAY_OF_MONTH_FORMAT")


def say_month(value: datetime | date, *, with_year: bool = True) -> str:
    """Return the local month, such as 'June 2024' or 'June'."""
    return _say(_local(value), "YEAR_MONTH_FORMAT" if with_year else "F")


def say_weekday(value: datetime | date, *, is_short: bool = False) -> str:
    """Return the local weekday, such as 'Thursday' or 'Thu'."""
    return _say(_local(value), "D" if is_short else "l")


def say_clock(value: datetime | time, zone: tzinfo | None = None, *, to_the_second: bool = False) -> str:
    """Return the local time of day, such as '16:00' or '16:00:12'; a bare time is local already."""
    local = _local(value, zone) if isinstance(value, datetime) else value
    return _written_time(local.hour, local.minute, local.second if to_the_second else None, get_language())


def say_span(starts_at: datetime | time, ends_at: datetime | time | None, zone: tzinfo | None = None) -> str:
    """Return '16:00–18:00', with the day of the end where it is another; only the beginning where there is no end."""
    if ends_at is None:
        return say_clock(starts_at, zone)
    end = say_clock(ends_at, zone)
    if isinstance(starts_at, datetime) and isinstance(ends_at, datetime):
        last_day = _local(ends_at - timedelta(microseconds=1), zone).date()
        if ends_at > starts_at and last_day != _local(starts_at, zone).date():
            end = f"{say_day(ends_at, zone, now=starts_at)}, {end}"
    return f"{say_clock(starts_at, zone)}–{end}"


def say_moment(
    value: datetime, zone: tzinfo | None = None, *, now: datetime | None = None, to_the_second: bool = False
) -> str:
    """Return the local day and time, such as 'Thu 13 Jun 2024, 16:00'; without the year where it is that of `now`."""
    return f"{say_day(value, zone, now=now)}, {say_clock(value, zone, to_the_second=to_the_second)}"


def say_time(instant: datetime, zone: ZoneInfo, *, now: datetime | None = None, to_the_second: bool = False) -> str:
    """Return 'Mon 8 Jul, 23:59 (Europe/Berlin)': where no page names the zone, as in mails and refusals."""
    return f"{say_moment(instant, zone, now=now, to_the_second=to_the_second)} ({zone.key})"


def say_occasion(starts_at: datetime, ends_at: datetime | None, zone: ZoneInfo) -> str:
    """Return 'Mon 8 Jul 2024, 14:00–15:30 (Europe/Berlin)': as `say_time()`, for what has an end."""
    return f"{say_day(starts_at, zone)}, {say_span(starts_at, ends_at, zone)} ({zone.key})"


def say_distance(value: datetime | date, now: datetime) -> str:
    """Return how far away a moment is, by local days: 'today', 'tomorrow', 'in 5 days'."""
    days = (_local(value).date() - _local(now).date()).days
    if days == 0:
        return _("today")
    if days == 1:
        return _("tomorrow")
    if days == -1:
        return _("yesterday")
    if days > 0:
        return ngettext("in %(count)d day", "in %(count)d days", days) % {"count": days}
    return ngettext("%(count)d day ago", "%(count)d days ago", -days) % {"count": -days}


def say_length(delta: timedelta) -> str:
    """Return a length of time in its two largest units, such as '2 h 14 min' or '3 days 4 h'."""
    total = max(0, int(delta.total_seconds() // 60))
    days, hours, mins = total // 1440, total // 60 % 24, total % 60
    if days:
        said = ngettext("%(count)d day", "%(count)d days", days) % {"count": days}
        return f"{said} {hours} h" if hours else said
    if hours:
        return f"{hours} h {mins} min" if mins else f"{hours} h"
    return f"{mins} min"


def say_minutes(seconds: int) -> str:
    """Return a recording's length, at least a minute."""
    count = max(1, round(seconds / 60))
    return ngettext("%(count)d minute", "%(count)d minutes", count) % {"count": count}


def stamp(value: datetime, zone: tzinfo | None = None) -> str:
    """Return a moment as tables and programs read it in every language: '2024-06-13 16:00'."""
    return _local(value, zone).strftime("%Y-%m-%d %H:%M")


def _local(value: datetime | date, zone: tzinfo | None = None) -> datetime:
    if not isinstance(value, datetime):
        return datetime.combine(value, time())
    return timezone.localtime(value, zone) if timezone.is_aware(value) else value


def _say(local: datetime, name: str) -> str:
    return _written_day(local.date(), name, get_language())


# A page says the same few days and times again and again, and to write one out is some hundred calls.
@lru_cache(maxsize=4096)
def _written_day(local: date, name: str, language: str | None) -> str:
    """Return a day by a format that has a name, or by its letters, in the language that is active."""
    return str(date_format(local, _format(name, language), use_l10n=False))


@lru_cache(maxsize=4096)
def _written_time(hour: int, minute: int, second: int | None, language: str | None) -> str:
    """Return a time of day in the language that is active."""
    form = _format("TIME_FORMAT", language) + (":s" if second is not None else "")
    return str(time_format(time(hour, minute, second or 0), form, use_l10n=False))


def _format(name: str, language: str | None) -> str:
    return str(get_format(name, language or settings.LANGUAGE_CODE))
