"""What people ask of a course that stands in no slide: its dates, its rooms, who teaches it.

Read from the agenda and the course's people once per revision of the course, audience and language, and kept in
memory beside the parts of pages: a search asks the database nothing for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from importlib import import_module
from typing import TYPE_CHECKING

from django.urls import reverse
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from amls.agenda.models import SESSIONS, AgendaItem, ItemKind, Status
from amls.core.times import say_day, say_span
from amls.courses.models import Course, Role, StaffMember
from amls.pagecache.store import Key, store
from amls.portal.search.fillers import FILLERS
from amls.portal.search.query import Typed, folded_words, read_typed
from amls.portal.search.readers import Reader
from amls.portal.search.ways import Fit, fit_of

if TYPE_CHECKING:
    from amls.portal.takeover.understanding.dates import Mention, WrittenDay

# Across courses: into the newest of them, and so many dates of all.
_MOST_COURSES, _MOST_ITEMS, _MOST_SPOTS = 20, 5000, 6
_MOST_DIGITS = 3
# What people of both languages call what an item is, and whoever teaches.
_KINDS = {
    ItemKind.EXAM: "exam klausur prüfung examination test",
    ItemKind.DEADLINE: "deadline due frist fällig abgabe abgabetermin",
    ItemKind.OPENING: "opening opens beginn start",
    ItemKind.OFFICE_HOUR: "office hour hours sprechstunde consultation",
    ItemKind.FREE_DAY: "free day holiday feiertag frei ferien vorlesungsfrei",
}
# The same beside their titles, of dates that sources name so at the end of their keys.
_NAMES = {
    "review": "inspection einsichtnahme klausureinsicht prüfungseinsicht",
    "signup-opens": "klausur klausuranmeldung prüfungsanmeldung anmeldebeginn registration",
    "signup-closes": "klausur klausuranmeldung prüfungsanmeldung anmeldeschluss anmeldefrist registration",
    "withdraw-until": "klausur abmeldung abmeldefrist rücktrittsfrist withdrawal",
    "registration-opens": "projekt anmeldung anmeldebeginn",
    "registration-closes": "projekt anmeldung anmeldeschluss anmeldefrist",
    "submission": "projekt projektabgabe",
}
_PEOPLE = {
    Role.LECTURER: "lecturer lecture teaches teacher professor dozent dozentin lehrt hält vorlesung",
    Role.ASSISTANT: "assistant teaching ta tutor tutorin betreuer betreuerin betreut mitarbeiter mitarbeiterin übung",
}
_ROOM = "room rooms raum räume hörsaal ort place location where lecture vorlesung"
# What one may ask of a date that has a place.
_WHERE = frozenset(folded_words("room raum räume hörsaal ort place location where"))
# How a lecture is called whose number one knows: 'Folien 5'.
_NUMBERED = frozenset(folded_words(
    "lecture session vorlesung sitzung übung folie folien slide slides aufzeichnung recording video skript pdf nr nummer number"
))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Spot:
    """A date, a room or a person.

    Attributes:
        named: the folded words of its name.
        words: all by which it is found.
        at: when it matters, of a date.
        day: on which it is, in the course's zone.
        by_day: whether its day or number is to be named for it to be found, as of one of many lectures.
        number: with which its title begins, of such.
        beside: folded words that may be asked beside those by which it is found.
    """

    label: str
    title: str
    note: str
    url: str
    named: frozenset[str]
    words: frozenset[str]
    at: datetime | None = None
    day: date | None = None
    by_day: bool = False
    number: int | None = None
    beside: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class CourseSpots:
    """What is known of a course, as one audience sees it."""

    spots: tuple[Spot, ...]

    @property
    def size(self) -> int:
        """Roughly how many bytes of memory it takes."""
        return 1000 * len(self.spots) + 200


def spots_for(reader: Reader, typed: Typed) -> list[tuple[Fit, Course, Spot]]:
    """Return what is meant, coming dates first: 2 queries once per revision of a course, else none."""
    number = _number_in(typed)
    days, rest = ([], typed) if number is not None else _without_days(typed)

    def fit_with(spot: Spot) -> Fit | None:
        if number is not None and spot.number == number:
            return Fit.NAMED
        is_meant = _is_on(spot, days) if days else not spot.by_day
        return _fit(rest, spot, has_day=bool(days)) if is_meant else None

    hits = [
        (fit, reader.courses[pk], spot)
        for pk, known in _known(reader).items()
        for spot in known.spots
        if (fit := fit_with(spot)) is not None
    ]

    def order(hit: tuple[Fit, Course, Spot]) -> tuple[int, int, float]:
        fit, _course, spot = hit
        if spot.at is None:
            return fit, 1, 0
        away = (spot.at - reader.now).total_seconds()
        return (fit, 0, away) if away > 0 else (fit, 2, -away)

    return sorted(hits, key=order)[:_MOST_SPOTS]


def _fit(typed: Typed, spot: Spot, *, has_day: bool) -> Fit | None:
    return Fit.NAMED if has_day and not typed.terms else fit_of(typed, spot.named, spot.words, spot.beside)


def _number_in(typed: Typed) -> int | None:
    """Return the number of the lecture that is asked for, and of nothing else beside it."""
    words = typed.telling
    numbers = [int(word) for word in words if word.isdecimal() and len(word) <= _MOST_DIGITS]
    others = {word for word in words if not word.isdecimal()}
    return numbers[0] if len(numbers) == 1 and others and others <= _NUMBERED else None


def _without_days(typed: Typed) -> tuple[list[WrittenDay], Typed]:
    """Return the days that were typed, and the rest of it."""
    if not any(map(str.isdigit, typed.text)):
        return [], typed
    # Its patterns are loaded with the first who names a day.
    find_days: Callable[[str], list[Mention]] = import_module("amls.portal.takeover.understanding.dates").find_days
    mentions = [mention for mention in find_days(typed.text) if mention.days]
    if not mentions:
        return [], typed
    text = typed.text
    for mention in reversed(mentions):
        text = f"{text[: mention.start]} {text[mention.end :]}"
    rest = read_typed(text)
    words = folded_words(rest.text)
    return [day for mention in mentions for day in mention.days], rest if set(words) - FILLERS else Typed("", ())


def _is_on(spot: Spot, days: Iterable[WrittenDay]) -> bool:
    day = spot.day
    if day is None:
        return False
    for written in days:
        # Of two numbers either may be the month.
        pairs = [(written.day, written.month)]
        if written.numbers is not None:
            pairs = [written.numbers, written.numbers[::-1]]
        if (day.day, day.month) in pairs and written.year in (None, day.year):
            return True
    return False


def _known(reader: Reader) -> dict[int, CourseSpots]:
    courses = list(reader.courses.values())[:_MOST_COURSES]
    keys = {course.pk: _key(reader, course) for course in courses}
    kept = {pk: known for pk, key in keys.items() if (known := store.get(key, CourseSpots)) is not None}
    lacking = [course for course in courses if course.pk not in kept]
    if lacking:
        for pk, known in _read(reader, lacking).items():
            kept[pk] = known
            store.put(keys[pk], known)
    return kept


def _key(reader: Reader, course: Course) -> Key:
    audience = "enrolled" if course.pk in reader.insiders else "visitors"
    return "spots", str(course.pk), str(course.revision), audience, get_language() or ""


def _read(reader: Reader, courses: list[Course]) -> dict[int, CourseSpots]:
    rows = (
        AgendaItem.objects.base()
        .present()
        .filter(course__in=courses, status=Status.CONFIRMED, is_for_participants=False)
        .order_by("starts_at", "key")[:_MOST_ITEMS]
    )
    items: dict[int, list[AgendaItem]] = {course.pk: [] for course in courses}
    for row in rows:
        if row.audience == "public" or row.course_id in reader.insiders:
            items[row.course_id].append(row)
    people: dict[int, list[StaffMember]] = {course.pk: [] for course in courses}
    for member in StaffMember.objects.filter(course__in=courses):
        people[member.course_id].append(member)
    return {
        course.pk: CourseSpots(
            (*_dates(course, items[course.pk]), *_rooms(course, items[course.pk]), *_people(course, people[course.pk]))
        )
        for course in courses
    }


def _dates(course: Course, items: Iterable[AgendaItem]) -> Iterator[Spot]:
    for item in items:
        shown = item.moment
        when = say_day(shown, course.zone)
        if not item.is_all_day:
            ends_at = None if item.kind in (ItemKind.DEADLINE, ItemKind.OPENING) else item.ends_at
            when = f"{when}, {say_span(shown, ends_at, course.zone)}"
        named = _words(item.title, *item.titles.values())
        yield Spot(
            label=item.get_kind_display(),
            title=item.name,
            note=" · ".join(filter(None, [when, item.place])),
            url=item.path or reverse("agenda:schedule", args=[course.slug]),
            named=named,
            words=named | _words(_KINDS.get(ItemKind(item.kind), ""), _NAMES.get(_last_of(item.key), "")),
            at=shown,
            day=shown.astimezone(course.zone).date(),
            by_day=item.kind in SESSIONS,
            number=_first_number(item.title) if item.kind in SESSIONS else None,
            beside=_WHERE if item.place else frozenset(),
        )


def _last_of(key: str) -> str:
    """Return what ends a key of the agenda: 'review' of 'exams.exam:7:review'."""
    return key.replace(".", ":").rpartition(":")[2]


def _first_number(title: str) -> int | None:
    first = title.partition(" ")[0]
    return int(first) if first.isdecimal() and len(first) <= _MOST_DIGITS else None


def _rooms(course: Course, items: Iterable[AgendaItem]) -> Iterator[Spot]:
    by_room: dict[str, list[AgendaItem]] = {}
    for item in items:
        if item.place:
            by_room.setdefault(item.place, []).append(item)
    for room, there in by_room.items():
        count, first, last = len(there), there[0], there[-1]
        days = {"first": say_day(first.starts_at, course.zone), "last": say_day(last.starts_at, course.zone)}
        yield Spot(
            label=_("Room"),
            title=room,
            note=ngettext(
                "%(count)d date, on %(first)s", "%(count)d dates from %(first)s to %(last)s", count
            ) % {"count": count, **days},
            url=reverse("agenda:schedule", args=[course.slug]),
            named=_words(room),
            words=_words(room, _ROOM),
        )  # fmt: skip


def _people(course: Course, people: Iterable[StaffMember]) -> Iterator[Spot]:
    for person in people:
        yield Spot(
            label=person.get_role_display(),
            title=person.name,
            note=" · ".join(filter(None, [person.affiliation, person.email])),
            url=f"{course.get_absolute_url()}#staff",
            named=_words(person.name),
            words=_words(person.name, person.affiliation, person.email, _PEOPLE[Role(person.role)]),
        )


def _words(*texts: str) -> frozenset[str]:
    return frozenset(folded_words(" ".join(texts)))
