"""What a page shows everybody of one audience, rendered once per revision and then given again to those who are signed in.

A page for somebody who is signed in is never kept as a whole: it holds their name, their dates, their forms. What it has in
common with everybody else's is rendered from a `Shared` alone and kept as a part (`{% kept %}`): nothing of the person can
get into it, as nothing of the person is within reach.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, cached_property
from typing import Any, Protocol, cast

from django.utils.safestring import SafeString
from django.utils.translation import get_language

from amls.courses.access import Access
from amls.courses.models import Course
from amls.pagecache.boundaries import next_boundary
from amls.pagecache.store import Key, store


@dataclass(frozen=True, slots=True)
class AnyReader:
    """Anybody of an audience, as a kept part sees them: in the place of `Access`."""

    sees_enrolled: bool
    is_manager: bool = False
    enrolment: None = None


class Shared:
    """What everybody of an audience sees of a course; pages add what they show as cached properties.

    Whoever manages the course sees a page with its forms and what is not visible yet: it is rendered for them alone.

    Attributes:
        course: loaded before anything else was read for the page, so that what is kept can only be fresher than its
            revision.
        now: the request's clock.
        is_kept: whether this audience's parts are kept.
    """

    def __init__(self, access: Access) -> None:
        self._access = access
        self.course = access.course
        self.now = access.now
        self.is_kept = not access.is_manager and access.course.state != Course.State.DRAFT
        self.reader = AnyReader(access.sees_enrolled)

    @cached_property
    def key(self) -> Key:
        """What its parts are kept under."""
        audience = "enrolled" if self.reader.sees_enrolled else "visitors"
        return "part", str(self.course.pk), str(self.course.revision), audience, get_language() or ""

    @cached_property
    def valid_until(self) -> datetime:
        """Return when a part that is rendered now looks different without any write: some queries, once per revision."""
        return boundary_of(self.course, self.now)


@dataclass(frozen=True, slots=True)
class KeptBoundary:
    """Until when a course's pages look the same without any write."""

    instant: datetime
    size: int = 200


def boundary_of(course: Course, now: datetime) -> datetime:
    """Return until when what everybody sees of a course, as it was loaded, is right: no query where that is known."""
    key: Key = ("boundary", str(course.pk), str(course.revision))
    kept = store.get(key, KeptBoundary)
    if kept is None or now >= kept.instant:
        kept = KeptBoundary(next_boundary(course, now))
        store.put(key, kept)
    return kept.instant


class Frame(Shared):
    """What stands around each of a course's pages: it looks the same at any time."""

    @cached_property
    def valid_until(self) -> datetime:
        """Return the end of time: no query."""
        return datetime.max.replace(tzinfo=UTC)


class EveryPage:
    """What stands on every page, whatever it shows, and says the same to everybody: it depends on the language alone."""

    course = None
    reader = None
    is_kept = True
    now = datetime.min.replace(tzinfo=UTC)
    valid_until = datetime.max.replace(tzinfo=UTC)

    @property
    def key(self) -> Key:
        """Return what its parts are kept under."""
        return "part of the site", get_language() or ""


class SharedRow(Protocol):
    """A row of which pages show the same to whoever sees it."""

    @property
    def shown(self) -> tuple[Any, ...]:
        """Return all that pages show of it: rows of which this is equal look alike."""


@dataclass(frozen=True, slots=True)
class KeptPart:
    """A rendered part of a page."""

    html: SafeString
    valid_until: datetime

    @property
    def size(self) -> int:
        """Roughly how many bytes of memory it takes."""
        return len(self.html) + 200


def part_of(shared: Shared | EveryPage, name: str, by: dict[str, Any], render: Callable[[], SafeString]) -> SafeString:
    """Return a part of a page, rendered where it isn't kept: no query where it is.

    Args:
        shared: what it shows.
        name: of the part, its own on the whole site.
        by: what else it depends on: words, numbers, yes or no, such as the tab that is open; or a `SharedRow`.
        render: makes it.

    Raises:
        TypeError: it is to depend on something that could hold a person.
    """
    key: Key = (*shared.key, name, *(f"{label}={_said_by(value, name)!r}" for label, value in by.items()))
    part = store.get(key, KeptPart)
    if part is not None and shared.now < part.valid_until:
        return part.html
    part = KeptPart(render(), shared.valid_until)
    store.put(key, part)
    return part.html


def _said_by(value: Any, name: str) -> Any:
    if isinstance(value, str | int | None):
        return value
    if isinstance(value, tuple):
        return tuple(_said_by(part, name) for part in value)
    if _is_row(type(value)):  # type: ignore[arg-type] # mypy takes what a type's instances are hashed by for its own
        return cast("SharedRow", value).shown
    message = f"The part {name!r} can't depend on {type(value).__name__}: it is no word, no number and no row."
    raise TypeError(message)


@cache
def _is_row(kind: type) -> bool:
    # Python looks through all of a protocol for each row that it is asked of.
    return hasattr(kind, "shown")
