"""Rows on their way to sessions: what one row says, before the days and kinds of all are decided together."""

import hashlib
from collections import Counter
from dataclasses import dataclass, field

from amls.portal.takeover.understanding.dates import Mention
from amls.portal.takeover.understanding.links import LinkedMaterial
from amls.portal.takeover.understanding.times import Times


@dataclass(slots=True)
class Due:
    """Something that a row says is due: its words, and its own day and time, where it names them.

    Attributes:
        is_apart: whether it stands in a column of its own, so that the row itself is something else.
    """

    text: str
    mention: Mention | None = None
    times: Times | None = None
    url: str = ""
    is_apart: bool = False


@dataclass(slots=True)
class Draft:
    """What one row says.

    Attributes:
        id: stable as long as the row says the same.
        days: the places that name its days.
        week: of the term or the year, where it has no day.
        weekday: that its column says.
        is_week: whether its day is only the first of its week.
        begins, ends: ISO 8601, from containers that know.
        no_day: a number in a column of dates that is no day.
        kind: that a column, a label or a heading says; 'work' of work to do.
        label: what the column of kinds says.
        unknown: words of its brackets that mean nothing here.
        text: of the source's row.
        from_column: whether it stands in a column of its own kind of session.
        is_beside: whether sessions of other kinds stand in its row.
    """

    id: str
    line: int
    text: str
    days: list[Mention] = field(default_factory=list)
    week: Mention | None = None
    weekday: int | None = None
    is_week: bool = False
    begins: str = ""
    ends: str = ""
    no_day: str = ""
    times: Times | None = None
    title: str = ""
    details: list[str] = field(default_factory=list)
    kind: str = ""
    context: str = ""
    label: str = ""
    number: str = ""
    part: str = ""
    room: str = ""
    mode: str = ""
    call_in: str = ""
    is_cancelled: bool = False
    materials: list[LinkedMaterial] = field(default_factory=list)
    dues: list[Due] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    from_column: bool = False
    is_beside: bool = False

    @property
    def link_title(self) -> str:
        """The title of its first material that has one."""
        return next((material.title for material in self.materials if material.title), "")

    @property
    def link_address(self) -> str:
        """The address of its first material that has one."""
        return next((material.url for material in self.materials if material.url), "")

    @property
    def is_open(self) -> bool:
        """Whether it says that its date is open, or says none."""
        return not self.begins and not any(mention.days for mention in self.days)


class Ids:
    """Names rows by what they say: the same row has the same name in the next reading, wherever it stands then."""

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()

    def of(self, text: str) -> str:
        """Return the name of a row; the second of equal rows has a '-2'."""
        name = hashlib.blake2s(" ".join(text.split()).encode(), digest_size=5).hexdigest()
        self._seen[name] += 1
        return name if self._seen[name] == 1 else f"{name}-{self._seen[name]}"
