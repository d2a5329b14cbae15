"""Template filters and tags of the whole site."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django import template
from django.contrib.messages.storage.base import Message
from django.db.models import Model
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from amls.core.markdown import render_markdown
from amls.core.sizes import say_size

register = template.Library()


@dataclass(frozen=True, slots=True)
class _DayFormats:
    short: str
    full: str
    without_weekday: str
    number: str


# English as 'Thu 13 Jun', German as 'Do 13. Juni'; with the year where it isn't the current one.
_DAY_FORMATS = {"de": _DayFormats("D j. F", "D j. F Y", "j. M", "j.")}
_DEFAULT_FORMATS = _DayFormats("D j M", "D j M Y", "j M", "j")


@register.filter
def markdown(text: str, top: int = 3) -> SafeString:
    """Return Markdown as safe HTML, its highest headings of level `top`."""
    return render_markdown(text, top)


@register.filter
def day(value: datetime | date, now: datetime | None = None) -> str:
    """Return the local day, such as 'Thu 13 Jun'; with the year unless it is that of `now`."""
    local = _local(value)
    today = _local(now) if now is not None else None
    formats = _day_formats()
    is_short = today is not None and today.year == local.year
    return date_format(local, formats.short if is_short else formats.full, use_l10n=False)


def short_day(value: datetime | date) -> str:
    """Return the local day without its weekday and year, such as '13 Jun'."""
    return date_format(_local(value), _day_formats().without_weekday, use_l10n=False)


@register.filter
def day_of_month(value: datetime | date) -> str:
    """Return the number of the local day in its month as the language writes it, such as '13' or '13.'."""
    return date_format(_local(value), _day_formats().number, use_l10n=False)


@register.filter
def clock(value: datetime) -> str:
    """Return the local time of day, such as '16:00'."""
    return date_format(_local(value), "H:i", use_l10n=False)


@register.simple_tag
def span(starts_at: datetime, ends_at: datetime) -> str:
    """Return '16:00–18:00', with the day of the end where it is another."""
    end = clock(ends_at)
    if _local(starts_at).date() != _local(ends_at - timedelta(microseconds=1)).date():
        end = f"{day(ends_at, starts_at)}, {end}"
    return f"{clock(starts_at)}–{end}"


@register.simple_tag(takes_context=True)
def moment(
    context: template.Context, value: datetime, style: str = "full", until: datetime | None = None
) -> SafeString:
    """Return a <time> element: 'day', 'clock', or 'full' with both and, if given, the end."""
    now = context.get("now")
    if style == "day":
        text = day(value, now)
    elif style == "clock":
        text = clock(value) if until is None else span(value, until)
    else:
        text = f"{day(value, now)}, {clock(value) if until is None else span(value, until)}"
    return format_html('<time datetime="{}">{}</time>', _local(value).isoformat(timespec="minutes"), text)


@register.simple_tag
def zone() -> str:
    """Return the name of the zone in which times are shown here: the course's, else the site's."""
    return timezone.get_current_timezone_name()


@register.filter
def relative(value: datetime, now: datetime) -> str:
    """Return how far away a moment is in words, by local days: 'today', 'tomorrow', 'in 5 days'."""
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


@register.filter
def megabytes(size: int) -> str:
    """Return a file's size as people read it."""
    return say_size(size)


@register.filter
def minutes(seconds: int) -> str:
    """Return a recording's length, at least a minute."""
    count = max(1, round(seconds / 60))
    return ngettext("%(count)d minute", "%(count)d minutes", count) % {"count": count}


def _day_formats() -> _DayFormats:
    return _DAY_FORMATS.get((get_language() or "en")[:2], _DEFAULT_FORMATS)


def _local(value: datetime | date) -> datetime:
    if isinstance(value, datetime):
        return timezone.localtime(value)
    return datetime(value.year, value.month, value.day, tzinfo=timezone.get_current_timezone())


@register.filter
def weekday(value: datetime) -> str:
    """Return the local weekday's full name."""
    return date_format(_local(value), "l", use_l10n=False)


@dataclass(frozen=True, slots=True)
class Said:
    """A message, and the undo that comes with it.

    Attributes:
        place: the key of the row beside which it belongs; 0 without one.
        undo: where its undo is posted; empty without one.
        token: what is posted there.
    """

    message: Message
    place: int = 0
    undo: str = ""
    token: str = ""

    @classmethod
    def of(cls, message: Message) -> "Said":
        """Read a message's tags, 'at PK [ADDRESS TOKEN]'."""
        parts = (message.extra_tags or "").split(" ")
        if parts[0] != "at" or len(parts) < 2 or not parts[1].isdecimal():
            return cls(message)
        return cls(message, int(parts[1]), parts[2], parts[3]) if len(parts) == 4 else cls(message, int(parts[1]))


@register.simple_tag(takes_context=True)
def said_of(context: template.Context, row: Model) -> list[Said]:
    """Return what is to be said beside a row that has just been edited: where the person looks."""
    return [one for one in map(Said.of, context.get("messages") or ()) if one.place == row.pk]


@register.simple_tag(takes_context=True)
def said_above(context: template.Context) -> list[Said]:
    """Return what is to be said above the page: everything but what one of its `rows_that_say` says."""
    rows = {row.pk for row in context.get("rows_that_say") or ()}
    return [one for one in map(Said.of, context.get("messages") or ()) if one.place not in rows]


@register.filter
def length_of_time(delta: timedelta) -> str:
    """Return a length of time in its two largest units, such as '2 h 14 min' or '3 days 4 h'."""
    total = max(0, int(delta.total_seconds() // 60))
    days, hours, mins = total // 1440, total // 60 % 24, total % 60
    if days:
        said = ngettext("%(count)d day", "%(count)d days", days) % {"count": days}
        return f"{said} {hours} h" if hours else said
    if hours:
        return f"{hours} h {mins} min" if mins else f"{hours} h"
    return f"{mins} min"
