"""The gradebook as a table for spreadsheets, which can be corrected there and read back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.utils.translation import gettext as _

from amls.files.tables.writing import Cell as TableCell
from amls.portal.gradebook.cells import KINDS, Cell, said
from amls.portal.gradebook.columns import BookColumn, Columns
from amls.portal.gradebook.entries import BookEntry, BookField, fields_of, read_entries, stamp_of
from amls.portal.gradebook.standings import Standing, is_any_late

_IN_WORDS = ("missing", "excused")


def sheet_of(rows: Sequence[Standing], columns: Columns, *, now: datetime) -> tuple[list[str], list[list[TableCell]]]:
    """Return the gradebook as a table: headers and rows; 'missing' and 'excused' are no zeros.

    Where one assignment alone is shown, it has a column for each of its tasks; exams' tasks stand where they are
    unfolded. The last column stamps each row.
    """
    shown = [column.key for column in columns.shown]
    by_key = {field.key: field for field in fields_of(columns)}
    tasks = [
        field for field in by_key.values() if field.task is not None and f"a{field.task.assignment_id}" == columns.key
    ]
    people = [row.enrolment for row in rows]
    entries = read_entries(columns, people, now=now, with_tasks=bool(tasks), with_exam_tasks=columns.has_exam_tasks)
    headers = [
        _("name"), _("e-mail"), _("matriculation number"), _("project"), _("topic"), _("state"),
        _("not published yet"), _("extra points"), _("admission"), _("what the rules say"),
    ]  # fmt: skip
    for column in columns.shown:
        field = by_key.get(column.key)
        headers.append(field.heading if field is not None else column.title)
        if field is not None and field.exam is not None and field.exam_task is None:
            headers.append(_("grade %(day)s") % {"day": field.heading.rpartition(" ")[2]})
    headers += [field.heading for field in tasks]
    headers += [_("sum of points"), _("points to be had so far")] if columns.gives_points else []
    with_late = is_any_late(rows)
    has_left_out = columns.gives_points and any(_left_out(row, columns) for row in rows)
    headers += [_("not in the sum")] if has_left_out else []
    headers += [_("deducted for being late")] if with_late else []
    headers += [_("note"), _("stamp: leave it as it is")]
    stamped = [key for key in [*shown, *(field.key for field in tasks)] if key in by_key]
    return headers, [
        _row(row, columns, entries[row.enrolment.pk], tasks, stamped, with_late=with_late, has_left_out=has_left_out)
        for row in rows
    ]


def _row(
    row: Standing,
    columns: Columns,
    entries: dict[str, BookEntry],
    tasks: Sequence[BookField],
    stamped: Sequence[str],
    *,
    with_late: bool,
    has_left_out: bool,
) -> list[TableCell]:
    project = row.project.team.project if row.project.team is not None else None
    return [
        str(row.enrolment.user),
        row.enrolment.user.email,
        row.enrolment.number,
        project.pk if project is not None else "",
        project.title if project is not None else "",
        str(row.state.label),
        "; ".join(filter(None, [row.draft, _drafts(row, columns)])),
        row.points,
        row.admission.label,
        "; ".join(finding.for_staff for finding in row.findings),
        *(value for column, cell in zip(columns.shown, row.cells, strict=True) for value in _values(cell, column)),
        *(entries[field.key].points for field in tasks),
        *([row.sum.points, row.sum.most] if columns.gives_points else []),
        *([_left_out(row, columns)] if has_left_out else []),
        *([_deductions(row, columns)] if with_late else []),
        row.note,
        stamp_of(row.enrolment.pk, {key: entries[key] for key in stamped}),
    ]


def _drafts(row: Standing, columns: Columns) -> str:
    """Return which points and grades of a row are not published yet: 'Sheet 6: 16.5'. Numbers alone can't say it of themselves."""
    return _named(
        (column, cell)
        for column, cell in zip(columns.shown, row.cells, strict=True)
        if cell.kind == "draft" and column.task is None
    )


def _left_out(row: Standing, columns: Columns) -> str:
    """Return which points of assignments stand in a row and not in its sum: drafts, and those of assignments that don't count."""
    return _named(
        (column, cell)
        for column, cell in zip(columns.shown, row.cells, strict=True)
        if column.assignment is not None and cell.points is not None and not (cell.is_settled and column.counts)
    )


def _named(cells: Iterable[tuple[BookColumn, Cell]]) -> str:
    return "; ".join(f"{column.title}: {said(cell)}" for column, cell in cells)


def _deductions(row: Standing, columns: Columns) -> str:
    """Return of which assignments something is deducted: 'Sheet 1: 18 (20 − 2, late)'."""
    shown = zip(columns.shown, row.cells, strict=True)
    return _named((column, cell) for column, cell in shown if cell.earned is not None)


def _values(cell: Cell, column: BookColumn) -> list[TableCell]:
    if column.exam is not None and column.task is None:
        # Of an exam that is graded without points there is one column.
        return [cell.grade] if column.exam.is_graded_directly else [cell.points, cell.grade]
    if cell.points is not None:
        return [cell.points]
    return [str(KINDS[cell.kind]) if cell.kind in _IN_WORDS else cell.word]
