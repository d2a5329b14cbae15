"""Which rows of a table of points somebody wants to see: found by name, number or team, and by what is missing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import QueryDict
from django.utils.translation import gettext as _

from amls.core.folding import is_found, searchable
from projects.pointrows import PointsRow
from projects.rowstates import RowState

WITHOUT, LATE, MISSING = "without", "late", "missing"


@dataclass(frozen=True, slots=True)
class FilterOfRows:
    """A choice of rows: its value in the address, its words, and how many rows it shows."""

    value: str
    label: str
    count: int
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class WantedRows:
    """What a reader asked for.

    Attributes:
        words: each of which is to stand in names, numbers, addresses or the team's number.
        show: one of the filters; '' for all.
    """

    words: str
    show: str

    @classmethod
    def asked_by(cls, query: QueryDict) -> WantedRows:
        """Return what the address says: `?q=…&show=…`."""
        show = query.get("show", "")
        return cls(query.get("q", "").strip()[:200], show if show in (WITHOUT, LATE, MISSING) else "")

    @property
    def query(self) -> str:
        """What the address says, to be carried along; '' where nothing is asked for."""
        return urlencode({name: value for name, value in (("q", self.words), ("show", self.show)) if value})

    @property
    def is_set(self) -> bool:
        """Whether anything is asked for."""
        return bool(self.words or self.show)

    def seen(
        self,
        rows: Sequence[PointsRow],
        states: Mapping[str, RowState],
        tasks: Collection[int | None],
        *,
        but: Collection[str] = (),
    ) -> list[PointsRow]:
        """Return the rows that are wanted.

        Args:
            rows: all.
            states: what each handed in, as `row_states`.
            tasks: what there are points for.
            but: the keys of rows that are shown whatever was asked for: what was typed into them is not saved.
        """
        fits = _fits(self.show, states, tasks)
        return [row for row in rows if row.key in but or (self._is_named(row) and fits(row))]

    def choices(
        self,
        rows: Sequence[PointsRow],
        states: Mapping[str, RowState],
        tasks: Collection[int | None],
        *,
        gives_points: bool,
    ) -> list[FilterOfRows]:
        """Return what may be chosen, each with how many rows it shows of those that the words find; called by what is given."""
        named = [row for row in rows if self._is_named(row)]
        offered = [("", _("All")), (WITHOUT, _("Without points") if gives_points else _("Without a result"))]
        if states:
            offered += [(LATE, _("Late")), (MISSING, _("Not handed in"))]
        counted = []
        for value, label in offered:
            fits = _fits(value, states, tasks)
            counted.append(FilterOfRows(value, label, sum(map(fits, named)), value == self.show))
        return counted

    def _is_named(self, row: PointsRow) -> bool:
        if not self.words:
            return True
        said = [f"{member.user} {member.number} {member.user.email}" for member in row.members]
        if row.project is not None:
            said.append(f"#{row.project.pk} {row.project.pk} {row.project.title}")
        return is_found(self.words, searchable(" ".join(said)))


def _fits(show: str, states: Mapping[str, RowState], tasks: Collection[int | None]) -> Callable[[PointsRow], bool]:
    nothing = RowState()

    def is_excused(row: PointsRow) -> bool:
        return len(row.excused) == len(row.members)

    match show:
        case "without":
            return lambda row: not is_excused(row) and any(row.mark_for(task) is None for task in tasks)
        case "late":
            return lambda row: states.get(row.key, nothing).is_late
        case "missing":
            return lambda row: not is_excused(row) and not states.get(row.key, nothing).is_handed_in
        case _:
            return lambda row: True
