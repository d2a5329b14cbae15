"""What stands in which feed."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from urllib.parse import quote

from django.conf import settings
from django.db.models import DateTimeField, Q
from django.urls import reverse

from amls.agenda.ical import FeedEvent
from amls.agenda.managers import AgendaItemQuerySet
from amls.agenda.models import AgendaItem, FeedToken
from amls.agenda.sources import registry
from amls.agenda.tokens import enrolment_pk_of, is_valid, make_token
from amls.core.statements import ModelStatement, Parameter
from amls.courses.models import Course, Enrolment


def entries_for(course: Course, enrolment: Enrolment | None, *, now: datetime) -> list[FeedEvent]:
    """Return the events of a course, with the person's variants where there are any: 1 query; see `own_entries` for theirs.

    Args:
        course: whose agenda it is.
        enrolment: who looks; None for the public.
        now: aware; what was cancelled more than 90 days before is left out.
    """
    given = {"course": course.pk, "now": now}
    if enrolment is None:
        return [FeedEvent(row) for row in _public_items().read(given)]
    return _with_variants(_items_of_person().read({**given, "enrolment": enrolment.pk}))


def _with_variants(rows: Sequence[AgendaItem]) -> list[FeedEvent]:
    """Return the events of a person from rows of the course and their own."""
    variants = {row.key: row for row in rows if row.enrolment_id is not None}
    entries = [FeedEvent(row, variants.pop(row.key, None)) for row in rows if row.enrolment_id is None]
    # What only this person has, such as an own exam time without a shared item.
    entries += [FeedEvent(row) for row in variants.values() if not row.is_removed]
    return sorted(entries, key=lambda entry: (entry.row.starts_at, entry.row.key))


@cache
def _public_items() -> ModelStatement[AgendaItem]:
    return ModelStatement.of(_items().visible_to(None).order_by("starts_at", "key"))


@cache
def _items_of_person() -> ModelStatement[AgendaItem]:
    own = AgendaItem.objects.filter(enrolment=Parameter("enrolment"))
    rows = _items().filter(_shown_beside(own)) | own
    return ModelStatement.of(rows.order_by("starts_at", "key"))


@cache
def _coming_items_of_person() -> ModelStatement[AgendaItem]:
    now, own = Parameter("now", DateTimeField()), AgendaItem.objects.filter(enrolment=Parameter("enrolment"))
    # What is over for all others may be ahead for this person, or is later for them.
    ahead = _items().filter(Q(ends_at__gt=now) | Q(key__in=own.filter(ends_at__gt=now).values("key")))
    return ModelStatement.of((ahead.filter(_shown_beside(own)) | own).order_by("starts_at", "key"))


def _shown_beside(own: AgendaItemQuerySet) -> Q:
    """Return which items of the course one sees who has variants of these: what is for who takes part only with one."""
    return Q(is_for_participants=False) | Q(key__in=own.filter(is_removed=False).values("key"))


def _items() -> AgendaItemQuerySet:
    return AgendaItem.objects.base().filter(course=Parameter("course")).in_feeds_at(Parameter("now", DateTimeField()))


def own_entries(enrolment: Enrolment, *, now: datetime) -> list[FeedEvent]:
    """Return the events of a person's feed: of the course's dates those that still concern them.

    Other dates are the course's, not theirs: a calendar that holds them beside one's own tells nobody where to be.
    """
    irrelevant = irrelevant_keys(enrolment, now=now)
    entries = entries_for(enrolment.course, enrolment, now=now)
    return [entry for entry in entries if entry.row.key not in irrelevant]


def irrelevant_keys(enrolment: Enrolment, *, now: datetime) -> set[str]:
    """Return the keys of the course's dates that are of no concern to a person, as their apps see it."""
    return {key for keys_of in registry.irrelevant_keys for key in keys_of(enrolment, now)}


def coming_items(enrolment: Enrolment, *, now: datetime) -> list[AgendaItem]:
    """Return what pages show as a person's own dates that are not over, in order: 1 query, and those of `irrelevant_keys`.

    See `own_entries`; what is over is not read, however long the course has been running.
    """
    given = {"course": enrolment.course_id, "now": now, "enrolment": enrolment.pk}
    entries, irrelevant = _with_variants(_coming_items_of_person().read(given)), irrelevant_keys(enrolment, now=now)
    rows = _present([entry for entry in entries if entry.row.key not in irrelevant])
    return [row for row in rows if row.ends_at > now]


def present_items(course: Course, enrolment: Enrolment | None, *, now: datetime) -> list[AgendaItem]:
    """Return what pages show a person of the course's dates, in order: with extensions and seats of their own."""
    return _present(entries_for(course, enrolment, now=now))


def _present(entries: list[FeedEvent]) -> list[AgendaItem]:
    rows = [entry.row for entry in entries if not entry.base.is_removed]
    return sorted(rows, key=lambda row: (row.moment, row.key))


def generation_of(enrolment: Enrolment) -> int:
    """Return the generation of a person's feed address: 1 until it is renewed."""
    token: FeedToken | None = getattr(enrolment, "feed_token", None)
    return token.generation if token is not None else 1


def find_enrolment(token: str) -> Enrolment | None:
    """Return whose feed address it is, with how many courses they have, or None if it is not one, or no longer: one query."""
    pk = enrolment_pk_of(token)
    if pk is None:
        return None
    known = Enrolment.objects.with_course_count().select_related("course", "user", "feed_token")
    enrolment = known.filter(pk=pk, user__is_active=True).first()
    if enrolment is None or not is_valid(token, pk, generation_of(enrolment)):
        return None
    return enrolment


# What a person may choose that their calendar speaks up before, in minutes.
ALARMS = (10, 60, 24 * 60)


def alarm_of(asked: str) -> int | None:
    """Return the minutes that an address asks for, or None where it asks for none of those that are offered."""
    return next((minutes for minutes in ALARMS if str(minutes) == asked), None)


def public_feed_url(course: Course) -> str:
    """Return the absolute address of a course's public feed."""
    return settings.SITE_URL + reverse("agenda:public_feed", args=[course.slug])


def personal_feed_url(enrolment: Enrolment, alarm: int | None = None) -> str:
    """Return the absolute address of a person's feed.

    Args:
        enrolment: whose it is.
        alarm: how many minutes before each event it is to speak up. It is part of the address, so that the calendar on
            the phone may do so and the one on the desk not; nothing of it is stored.
    """
    token = make_token(enrolment.pk, generation_of(enrolment))
    asked = f"?alarm={alarm}" if alarm is not None else ""
    return settings.SITE_URL + reverse("agenda:personal_feed", args=[token]) + asked


def subscription_links(url: str, name: str) -> dict[str, str]:
    """Return the addresses by which calendars subscribe to the feed at `url`.

    webcal: opens Apple's and most desktop calendars; Google wants the webcal address as
    parameter; Outlook wants the https one.
    """
    webcal = "webcal://" + url.partition("://")[2]
    return {
        "url": url,
        "webcal": webcal,
        "google": f"https://calendar.google.com/calendar/r?cid={quote(webcal, safe='')}",
        "outlook": (
            f"https://outlook.office.com/calendar/0/addfromweb?url={quote(url, safe='')}&name={quote(name, safe='')}"
        ),
    }
