"""Where dated things come from: the apps above contribute to these hooks."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Self
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import translation
from django.utils.functional import Promise, lazy

from amls.agenda.models import AgendaItem, ItemKind, Status, moment_of, name_of
from amls.core.clock import start_of_day
from amls.core.hooks import Hook
from amls.core.text import clean_line
from amls.courses.models import Audience, Course, Enrolment

# A deadline is a block of 30 minutes that ends at it: all-day hides the hour, and zero
# length vanishes in some calendar clients (standards).
BLOCK = timedelta(minutes=30)

# A change of one of these is a new revision of the event (RFC 5545, 3.8.7.4); a change of
# any other field is only a later LAST-MODIFIED.
REVISING_FIELDS = ("starts_at", "ends_at", "is_all_day", "place", "mode", "status")


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """What a source says of one dated thing.

    Attributes:
        key: identity, unique per course; begins with the source's name and a dot, and
            never contains what can change ('lectures.lecture:17').
        starts_at, ends_at: aware instants.
        is_all_day: it has days and no time of day; see `all_day`.
        title: as everyone shares it, in calendars for instance: in the course's language, in which sources
            are asked. Words of ours are given by `in_each_language`.
        titles: the same in other languages, by code, as far as they differ.
        place: as the title, words of ours too.
        places: as `titles`.
        is_for_participants: the course's pages and feeds leave it out, and so do people's own but for those with a variant
            of it: one slot of many is nothing to the others.
        conducted_by: people by name, where it matters who they are: who examines.
        path: address on this site, or a whole one elsewhere.
    """

    key: str
    kind: ItemKind
    title: str
    starts_at: datetime
    ends_at: datetime
    is_all_day: bool = False
    place: str = ""
    mode: str = ""
    call_in: str = ""
    is_call_in_public: bool = False
    conducted_by: str = ""
    is_for_participants: bool = False
    path: str = ""
    audience: Audience = Audience.PUBLIC
    status: Status = Status.CONFIRMED
    is_done: bool = False
    titles: Mapping[str, str] = field(default_factory=dict, hash=False)
    places: Mapping[str, str] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        """Hold the text as the ledger will, so that an equal item compares equal."""
        if isinstance(self.title, Promise):
            object.__setattr__(self, "titles", _in_other_languages(self.title, _title_line))
        if isinstance(self.place, Promise):
            object.__setattr__(self, "places", _in_other_languages(self.place, _place_line))
        object.__setattr__(self, "title", _title_line(self.title))
        object.__setattr__(self, "place", _place_line(self.place))
        object.__setattr__(self, "conducted_by", _place_line(self.conducted_by))
        object.__setattr__(self, "starts_at", self.starts_at.astimezone(UTC))
        object.__setattr__(self, "ends_at", self.ends_at.astimezone(UTC))

    @classmethod
    def from_row(cls, row: AgendaItem) -> Self:
        """Return what the ledger holds in the form in which sources speak."""
        return cls(
            key=row.key,
            kind=ItemKind(row.kind),
            title=row.title,
            starts_at=row.starts_at,
            ends_at=row.ends_at,
            is_all_day=row.is_all_day,
            place=row.place,
            mode=row.mode,
            call_in=row.call_in,
            is_call_in_public=row.is_call_in_public,
            conducted_by=row.conducted_by,
            is_for_participants=row.is_for_participants,
            path=row.path,
            audience=Audience(row.audience),
            status=Status(row.status),
            is_done=row.is_done,
            titles=row.titles,
            places=row.places,
        )

    @property
    def name(self) -> str:
        """The title in the active language."""
        return name_of(self.title, self.titles)

    @property
    def place_name(self) -> str:
        """The place in the active language."""
        return name_of(self.place, self.places)

    def with_words_of(self, other: Self) -> Self:
        """Return the item with what another one says in other languages."""
        return replace(self, titles=other.titles, places=other.places)

    @property
    def moment(self) -> datetime:
        """When it matters; see `moment_of`."""
        return moment_of(self.kind, self.starts_at, self.ends_at, is_all_day=self.is_all_day)

    @property
    def is_time_open(self) -> bool:
        """Whether it has a date whose time is not known yet."""
        return self.is_all_day and self.kind != ItemKind.FREE_DAY

    def as_cancelled(self) -> Self:
        """Return the item as it is told once it is cancelled."""
        return replace(self, status=Status.CANCELLED)


def _title_line(title: object) -> str:
    return clean_line(str(title))[:600]


def _place_line(place: object) -> str:
    return clean_line(str(place))[:200]


def _in_other_languages(words: Promise, line: Callable[[object], str]) -> dict[str, str]:
    shared, others = line(words), {}
    for code, _name in settings.LANGUAGES:
        with translation.override(code):
            said = line(words)
        if said != shared:
            others[code] = said
    return others


def in_each_language(say: Callable[[], str]) -> str:
    """Return a title or place that `say` gives in the active language, to be said in every one."""
    return lazy(say, str)()


def all_day(first: date, last: date, zone: ZoneInfo) -> dict[str, Any]:
    """Return the times of an item that has days and no time of day: the local midnights around them."""
    return {
        "starts_at": start_of_day(first, zone),
        "ends_at": start_of_day(last + timedelta(days=1), zone),
        "is_all_day": True,
    }


def deadline(*, key: str, title: str, due_at: datetime, path: str = "", audience: Audience = Audience.PUBLIC) -> Item:
    """Return the item of a deadline: a block that ends at `due_at`, as typed."""
    return Item(
        key=key,
        kind=ItemKind.DEADLINE,
        title=title,
        starts_at=due_at - BLOCK,
        ends_at=due_at,
        path=path,
        audience=audience,
    )


def opening(*, key: str, title: str, opens_at: datetime, path: str = "", audience: Audience = Audience.PUBLIC) -> Item:
    """Return the item of something that opens: a block that begins at `opens_at`."""
    return Item(
        key=key,
        kind=ItemKind.OPENING,
        title=title,
        starts_at=opens_at,
        ends_at=opens_at + BLOCK,
        path=path,
        audience=audience,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Undated:
    """What is to have a date and has none yet: pages show it, no calendar has it, nobody is reminded of it.

    Attributes:
        kind: as the item that it becomes.
        name: in the active language.
        path: address on this site.
    """

    kind: ItemKind
    name: str
    path: str


CourseSource = Callable[[Course], Iterable[Item]]
UndatedSource = Callable[[Course], Iterable[Undated]]
# People of one course in, what differs for each by enrolment pk out; whoever is left out sees what everyone sees.
PersonalSource = Callable[[Course, Sequence[Enrolment]], Mapping[int, Iterable[Item]]]
IrrelevantKeys = Callable[[Enrolment, datetime], Iterable[str]]


@dataclass(slots=True)
class Registry:
    """The sources by the name of their app. Tests make their own; the application uses `registry`.

    Attributes:
        items: what an app says of a course.
        undated: what of it has no date yet, in its order.
        personal_items: where people's views differ from the course's, asked for many at once.
        irrelevant_keys: which of the app's shared items are of no concern to a person at a moment. The course's
            schedule has them all the same; the person's own dates and feed leave them out. Whatever changes the
            answer, other than an item's start or end, is followed by `follow_people`.
    """

    items: Hook[CourseSource] = field(default_factory=lambda: Hook("sources of the agenda"))
    undated: Hook[UndatedSource] = field(default_factory=lambda: Hook("sources of what has no date yet"))
    personal_items: Hook[PersonalSource] = field(default_factory=lambda: Hook("personal sources of the agenda"))
    irrelevant_keys: Hook[IrrelevantKeys] = field(default_factory=lambda: Hook("judges of what concerns whom"))


registry = Registry()
