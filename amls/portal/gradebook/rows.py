"""The gradebook as its page shows it. Each row is one piece of text: a template that looks up 9,000 cells is slow."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from html import escape
from typing import Any

from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.translation import gettext as _

from amls.core.decimals import say_decimal
from amls.grading.points import ZERO, Tally
from amls.portal.gradebook.cells import KINDS, Cell, said, said_of_deduction
from amls.portal.gradebook.columns import Columns
from amls.portal.gradebook.standings import Standing, is_any_late
from exams.admission import LABELS, AdmissionState
from projects.states import ProjectState

_CENT = Decimal("0.01")
_CHIPS = {AdmissionState.ADMITTED: " ok", AdmissionState.PENDING: " info"}
_WORDS = ("missing", "excused", "waiting")
_NOTE_SHOWN, _TOPIC_SHOWN = 60, 40


@dataclass(frozen=True, slots=True)
class Parts:
    """Which columns a gradebook has beside those of assignments and exams: those that say something.

    Attributes:
        project: the course has one.
        extra: somebody has extra points.
        admission: there are rules, or decisions.
        points: there is a sum.
        note: somebody has one.
        late: something is deducted from somebody's points for being late.
    """

    project: bool
    extra: bool
    admission: bool
    points: bool
    note: bool
    late: bool


def parts_of(rows: Sequence[Standing], columns: Columns) -> Parts:
    """Return which columns are worth their room."""
    return Parts(
        project=columns.has_project,
        extra=any(row.points for row in rows),
        admission=any(row.findings or row.admission.decision is not None for row in rows),
        points=columns.gives_points,
        note=any(row.note for row in rows),
        late=is_any_late(rows),
    )


class RowWriter:
    """Writes the rows of one page.

    Most of 9,000 cells differ by their team alone: what stands around it is written once for all that say the same.

    Args:
        parts: which columns there are.
        slug: of the course.
    """

    def __init__(self, parts: Parts, *, slug: str) -> None:
        self._parts = parts
        # Made once with a key, which each row has its own of.
        self._team, self._after_team = _around(reverse("admin:projects_project_assess", args=[0]))
        self._person, self._after_person = _around(reverse("portal:gradebook_person", args=[slug, 0]))
        self._words = {kind: escape(str(KINDS[kind])) for kind in _WORDS}
        self._states = {state: escape(str(state.label)) for state in ProjectState}
        self._admissions = {
            state: f'<td class="text"><span class="chip{_CHIPS.get(state, " warn")}">{escape(str(label))}</span></td>'
            for state, label in LABELS.items()
        }
        self._draft = f" <small>{escape(_('draft'))}</small>"
        self._around_team: Callable[[str, Decimal | None, str, Decimal | None], tuple[str, str]] = cache(self._linked)
        self._alone: Callable[[str, Decimal | None, str], str] = cache(self._unlinked)
        self._said: Callable[[Decimal], str] = cache(say_decimal)
        # Hundreds of teams work on a few topics.
        self._title: Callable[[str], str] = cache(_short_title)
        self._drafted: Callable[[str], str] = cache(_chip_of_draft)

    def row(self, row: Standing) -> SafeString:
        """Return a student's row; all that somebody typed is escaped in it."""
        parts, person = self._parts, row.enrolment
        number = f" <small>{escape(person.number)}</small>" if person.number else ""
        name = f'<a href="{self._person}{person.pk}{self._after_person}">{escape(str(person.user))}</a>'
        cells = [f'<tr><th scope="row">{name}{number}</th>']
        if parts.project:
            cells.append(self._project(row))
        if parts.extra:
            cells.append(f"<td>{self._said(row.points)}</td>")
        if parts.admission:
            cells.append(self._admissions[row.admission.state])
        cells += map(self._cell, row.cells)
        if parts.points:
            points, most, _ahead = row.sum
            cells.append(f"<td><b>{self._said(points)}</b> <small>/ {self._said(most)}</small></td>")
        if parts.note:
            note = escape(Truncator(row.note).chars(_NOTE_SHOWN)) if row.note else ""
            cells.append(f'<td class="text note-cell">{note}</td>')
        return SafeString("".join([*cells, "</tr>"]))

    def _project(self, row: Standing) -> str:
        state, draft = self._states[row.state], self._drafted(row.draft)
        if row.project.team is None:
            return f'<td class="text">{state}{draft}</td>'
        project = row.project.team.project
        topic = f"<small>#{project.pk} {self._title(project.title)}</small>"
        link = f'<a href="{self._team}{project.pk}{self._after_team}">{state}</a>'
        return f'<td class="text">{link}{draft} {topic}</td>'

    def _cell(self, cell: Cell) -> str:
        kind, points, word, project, _grade, earned = cell
        if project is None:
            return self._alone(kind, points, word)
        before, after = self._around_team(kind, points, word, earned)
        return f"{before}{project}{after}"

    def _linked(self, kind: str, points: Decimal | None, word: str, earned: Decimal | None) -> tuple[str, str]:
        """Return what stands in a cell before the key of its team, and behind it."""
        before, after = self._sides(kind)
        text = self._text(kind, points, word)
        if points is not None and earned is not None:
            text = f"{text} <small>{escape(said_of_deduction(earned, points))}</small>"
        return f'{before}<a href="{self._team}', f'{self._after_team}">{text}</a>{after}'

    def _unlinked(self, kind: str, points: Decimal | None, word: str) -> str:
        before, after = self._sides(kind)
        return f"{before}{self._text(kind, points, word)}{after}"

    def _sides(self, kind: str) -> tuple[str, str]:
        if kind == "graded":
            return "<td>", "</td>"
        return f'<td class="is-{kind}">', f"{self._draft if kind == 'draft' else ''}</td>"

    def _text(self, kind: str, points: Decimal | None, word: str) -> str:
        text = self._words.get(kind) or (self._said(points) if points is not None else "")
        if word:
            text = f"{text} · {escape(word)}" if text else escape(word)
        return text or "–"


def lines_of(row: Standing, columns: Columns) -> dict[str, Any]:
    """Return what a page about one student shows: a line for each assignment and exam, and their sum, if any."""
    lines = [
        {
            "column": column,
            "cell": cell,
            "points": said(cell) if cell.points is not None else "",
            "most": say_decimal(column.most) if column.most is not None else "",
            "kind": cell.word if cell.points is None and cell.word else KINDS[cell.kind],
        }
        for column, cell in zip(columns.shown, row.cells, strict=True)
    ]
    total = {"points": say_decimal(row.sum.points), "most": say_decimal(row.sum.most)}
    return {"lines": lines, "sum": total if columns.gives_points else None}


def _short_title(title: str) -> str:
    return escape(Truncator(title).chars(_TOPIC_SHOWN))


def _chip_of_draft(word: str) -> str:
    return f' <span class="chip warn">{escape(word)} ({escape(_("draft"))})</span>' if word else ""


def _around(address: str) -> tuple[str, str]:
    before, _zero, after = address.rpartition("0")
    return escape(before), escape(after)


@dataclass(frozen=True, slots=True)
class Total:
    """What a column comes to, of what is published.

    Attributes:
        points: the sum.
        mean: of those who have points; '' where nobody has.
        count: how many have points.
    """

    points: str
    mean: str
    count: int


def totals_of(rows: Sequence[Standing], columns: Columns) -> list[Total]:
    """Return what each column of assignments and exams comes to."""
    return [
        _total([cell.points or ZERO for row in rows if (cell := row.cells[place]).is_settled])
        for place in range(len(columns.shown))
    ]


def _total(points: Sequence[Decimal]) -> Total:
    added = sum(points, ZERO)
    mean = say_decimal((added / len(points)).quantize(_CENT, ROUND_HALF_UP)) if points else ""
    return Total(say_decimal(added), mean, len(points))


def whole_sum(rows: Iterable[Standing]) -> Tally:
    """Return the sum of everybody's sums."""
    sums = [row.sum for row in rows]
    return Tally(*(sum(column, ZERO) for column in zip(*sums, strict=True))) if sums else Tally()
