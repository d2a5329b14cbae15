"""Template filters and tags of the whole site."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from functools import lru_cache, partial
from typing import Literal

from django import template
from django.contrib.messages.storage.base import Message
from django.db.models import Model
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from amls.core.browsers import browser_name
from amls.core.decimals import say_decimal, say_grade
from amls.core.markdown import first_sentence, render_markdown
from amls.core.sizes import say_size
from amls.core.text import spoken_in
from amls.core.times import (
    say_clock,
    say_day,
    say_day_of_month,
    say_distance,
    say_length,
    say_minutes,
    say_moment,
    say_month,
    say_span,
    say_weekday,
)

register = template.Library()
register.filter("browser", browser_name)
register.filter("clock", say_clock)
register.filter("day_of_month", say_day_of_month)
register.filter("month", say_month)
register.filter("month_name", partial(say_month, with_year=False))
register.filter("weekday", say_weekday)
register.filter("short_weekday", partial(say_weekday, is_short=True))
register.filter("relative", say_distance)
register.filter("minutes", say_minutes)
register.filter("length_of_time", say_length)
register.filter("megabytes", say_size)
register.filter("first_sentence", first_sentence)
register.simple_tag(say_span, name="span")


@register.filter
def decimal(value: Decimal | float | Literal[""] | None) -> str:
    """Return points, or another number with decimals, as everywhere; nothing of none."""
    # As a template itself writes a number.
    value = Decimal(str(value)) if isinstance(value, float) else value
    return say_decimal(value) if isinstance(value, Decimal) else ""


@register.filter
def grade(value: Decimal | Literal[""] | None) -> str:
    """Return a grade, as everywhere; nothing of none."""
    return say_grade(value) if isinstance(value, Decimal) else ""


@register.filter
def markdown(text: str, top: int = 3) -> SafeString:
    """Return Markdown as safe HTML, its highest headings of level `top`."""
    return render_markdown(text, top)


@register.filter
def day(value: datetime | date, now: datetime | None = None) -> str:
    """Return the local day, without its year where it is that of `now`."""
    return say_day(value, now=now)


@register.simple_tag(takes_context=True)
def moment(
    context: template.Context, value: datetime | date, style: str = "full", until: datetime | None = None
) -> SafeString:
    """Return a <time> element: 'day', 'clock', 'second', or 'full' with day and clock and, if given, the end; of a date its day."""
    now = context.get("now")
    if not isinstance(value, datetime):
        return format_html('<time datetime="{}">{}</time>', value.isoformat(), day(value, now))
    zone = timezone.get_current_timezone()
    this_year = None if now is None else now.astimezone(zone).year
    # As instants: local times of the hour that comes twice are equal to Python.
    until = timezone.localtime(until, UTC) if until is not None else None
    return _written_moment(timezone.localtime(value, UTC), style, until, this_year, zone, get_language())


# A page names the same few moments again and again, and the next page does.
@lru_cache(maxsize=4096)
def _written_moment(
    value: datetime, style: str, until: datetime | None, this_year: int | None, _zone: tzinfo, _language: str | None
) -> SafeString:
    """Return the element in the zone and language that are active."""
    now = None if this_year is None else datetime(this_year, 1, 1)  # noqa: DTZ001 - as it is there
    if style == "day":
        text = say_day(value, now=now)
    elif style == "clock":
        text = say_span(value, until)
    elif style == "second":
        text = say_moment(value, now=now, to_the_second=True)
    else:
        text = f"{say_day(value, now=now)}, {say_span(value, until)}"
    machine = timezone.localtime(value).isoformat(timespec="minutes")
    return format_html('<time datetime="{}">{}</time>', machine, text)


register.simple_tag(spoken_in, name="spoken")


@register.simple_tag(takes_context=True)
def to_page(context: template.Context, name: str, number: int, anchor: str = "") -> str:
    """Return where another page of a list is, on the page that is shown; all else that its address asks for stays.

    Args:
        context: of the page.
        name: what the address calls the number of the list's page.
        number: of the page to go to.
        anchor: the id of the list's heading.
    """
    asked = context["request"].GET.copy()
    asked[name] = number
    return f"?{asked.urlencode()}{f'#{anchor}' if anchor else ''}"


@register.simple_tag(takes_context=True)
def zone(context: template.Context) -> str:
    """Return the name of the zone in which times are shown here, the course's, else the site's; '' where there are several."""
    return "" if context.get("has_several_zones") else timezone.get_current_timezone_name()


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
    return [message for message in map(Said.of, context.get("messages") or ()) if message.place == row.pk]


@register.simple_tag(takes_context=True)
def said_above(context: template.Context) -> list[Said]:
    """Return what is to be said above the page: everything but what one of its `rows_that_say` says."""
    rows = {row.pk for row in context.get("rows_that_say") or ()}
    return [message for message in map(Said.of, context.get("messages") or ()) if message.place not in rows]
