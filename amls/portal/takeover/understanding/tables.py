"""Rows of tables to drafts, by what their columns hold."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from amls.portal.takeover.sourcerows import SourceCell, SourceRow
from amls.portal.takeover.understanding import columns as c
from amls.portal.takeover.understanding import kinds, links
from amls.portal.takeover.understanding.cells import (
    address_of,
    bare_day,
    day_in,
    dues_in,
    dues_of,
    expected_days,
    fill,
    is_words,
    of_grid,
    pieces_of,
    time_in,
    without,
    words_besides,
)
from amls.portal.takeover.understanding.columns import Column
from amls.portal.takeover.understanding.content import Content, announced, is_nothing, read_content
from amls.portal.takeover.understanding.dates import Mention, find_days, weekday_of
from amls.portal.takeover.understanding.deciding import free_title, names_topic
from amls.portal.takeover.understanding.drafts import Draft, Due, Ids
from amls.portal.takeover.understanding.dues import due_title
from amls.portal.takeover.understanding.rooms import mode_of, place_of
from amls.portal.takeover.understanding.spreadsheets import is_number_of_days, with_day, with_time
from amls.portal.takeover.understanding.times import Times, find_times

_I = re.IGNORECASE
_WEEK_START = re.compile(
    r"\b(?:week\s+(?:beginning|commencing|starting|of)|w/?c|woche\s+(?:ab|vom)|\(mon(?:day)?\)|monday date|dates?\s*\(?\s*week)\b|week.*\bdates?\b",
    _I,
)


def _as_written(cell: SourceCell) -> SourceCell:
    return cell


# What the cells of some columns mean that a spreadsheet writes as numbers.
_MEANS: dict[str, Callable[[SourceCell], SourceCell]] = {
    c.DATE: with_day, c.DUE: with_day, c.TIME: with_time, c.BEGINS: with_time, c.ENDS: with_time,
}  # fmt: skip


@dataclass(slots=True)
class Where:
    """What stands above a row: the kind its heading names, its part, its week."""

    kind: str = ""
    part: str = ""
    week: Mention | None = None


@dataclass(slots=True)
class Read:
    """What became of a row: drafts, or why there are none; a part that begins with it."""

    row: SourceRow
    drafts: list[Draft]
    why: str = ""
    part: str = ""


def is_schedule(header: SourceRow | None, columns: Sequence[Column], body: Sequence[SourceRow]) -> bool:
    """Return whether a table holds dated rows, and not facts of the course."""
    roles = {column.role for column in columns}
    if c.GRID in roles:
        return any(find_days(cell.text[:60]) for row in body for cell in row.cells) or bool(roles & {c.DATE, c.WEEK})
    if c.DATE in roles or (c.MONTH in roles and c.DAY in roles):
        return True
    return header is not None and bool(roles & {c.WEEK, c.BEGINS}) and c.TITLE in roles


def read_table(columns: Sequence[Column], body: Sequence[SourceRow], where: Where, ids: Ids) -> list[Read]:
    """Return what each row of a schedule says."""
    reader = _Schedule(columns, where, ids)
    return [reader.read(row) for row in body]


class _Schedule:
    """A schedule on its way: what its rows inherit from those above."""

    def __init__(self, columns: Sequence[Column], where: Where, ids: Ids) -> None:
        self.columns, self.where, self.ids = columns, where, ids
        self.by_role: dict[str, list[Column]] = {}
        for column in columns:
            self.by_role.setdefault(column.role, []).append(column)
        date = self.by_role.get(c.DATE, [])
        heading = date[0].heading if date else ""
        self.is_week = bool(_WEEK_START.search(heading))
        self.days: list[Mention] = []
        self.week: Mention | None = None
        self.part = where.part
        self.has_dates = bool(date) or c.MONTH in self.by_role

    def read(self, row: SourceRow) -> Read:
        filled = [
            (index, cell)
            for index, cell in enumerate(row.cells)
            if (cell.text or cell.links or cell.begins) and not cell.spans
        ]
        said = [(index, cell) for index, cell in filled if not is_nothing(cell.text) or cell.links]
        if not said:
            return Read(row, [], "empty")
        if c.GRID in self.by_role:
            return self._grid(row)
        own_days = self._own_days(row)
        if len(said) == 1 and not own_days:
            alone = self._alone(row, *said[0])
            if alone is not None:
                return alone
        draft = self._draft(row, own_days)
        sessions = self._sessions(row, draft)
        draft.is_beside = any(not (other.is_cancelled or kinds.is_free(other.title)) for other in sessions)
        return Read(row, [draft, *sessions])

    def _cells(self, row: SourceRow, role: str) -> list[tuple[Column, SourceCell]]:
        means = _MEANS.get(role, _as_written)
        return [
            (column, means(row.cells[column.index]))
            for column in self.by_role.get(role, [])
            if column.index < len(row.cells)
        ]

    def _said(self, row: SourceRow, role: str) -> list[tuple[Column, SourceCell]]:
        """Return the cells of a role that say something, and are no repetition of others."""
        return [
            (column, cell)
            for column, cell in self._cells(row, role)
            if not cell.spans and (cell.links or not is_nothing(cell.text))
        ]

    def _cell(self, row: SourceRow, role: str) -> SourceCell:
        cells = self._cells(row, role)
        return cells[0][1] if cells else SourceCell()

    def _own_days(self, row: SourceRow) -> list[Mention]:
        cell = self._cell(row, c.DATE)
        days = expected_days(cell)
        if not days and c.MONTH in self.by_role and c.DAY in self.by_role:
            days = find_days(f"{self._cell(row, c.DAY).text}.{self._cell(row, c.MONTH).text}.")
        return days

    def _alone(self, row: SourceRow, index: int, cell: SourceCell) -> Read | None:
        """Read a row that says one thing only: a part, a week, or a day without a column of its own."""
        days = find_days(cell.text)
        dated = [mention for mention in days if mention.days and not mention.is_loose]
        if dated:
            draft = self._named(row, cell.text, dated)
            content = read_content(without(cell.text, dated), cell.links)
            fill(draft, content)
            return Read(row, [draft])
        role = self.columns[index].role if index < len(self.columns) else ""
        weeks = [mention for mention in days if mention.week is not None]
        if weeks and len(cell.text) < 40:
            self.week = weeks[0]
            return Read(row, [], "heading")
        if role in (c.DATE, c.WEEK, c.WEEKDAY, c.NUMBER, c.TIME):
            is_heading = is_words(cell.text) and not any(mention.is_open for mention in days)
        else:
            is_text = role in (c.TITLE, c.DETAILS, c.KIND, c.IGNORED, "") or any(other.spans for other in row.cells)
            is_heading = (
                self.has_dates and is_text and not kinds.is_free(cell.text) and (not cell.links or len(row.cells) > 2)
            )
        if not is_heading:
            return None
        self.part = cell.text.split("\n")[0][:200]
        return Read(row, [], "heading", self.part)

    def _named(self, row: SourceRow, text: str, days: list[Mention]) -> Draft:
        return Draft(
            self.ids.of(row.text),
            row.number,
            row.text,
            days=days,
            context=self.where.kind,
            part=self.part,
            is_week=self.is_week,
        )

    def _draft(self, row: SourceRow, own_days: list[Mention]) -> Draft:
        date = self._cell(row, c.DATE)
        draft = self._named(row, row.text, own_days)
        draft.begins, draft.ends = date.begins, date.ends
        if not own_days and not date.begins and is_number_of_days(date.text):
            draft.no_day, date = date.text.strip(), SourceCell()
        self._day(row, draft, date)
        content = self._content(row)
        fill(draft, content)
        self._label(row, draft)
        self._materials(row, draft)
        self._dues(row, draft)
        self._rest(row, draft)
        return draft

    def _day(self, row: SourceRow, draft: Draft, date: SourceCell) -> None:
        week = self._week(row)
        if draft.days or draft.begins:
            self.days = draft.days
            rest = words_besides(draft, date.text)
            if rest and not is_nothing(self._cell(row, c.TITLE).text) and not self._cell(row, c.TITLE).spans:
                draft.details.append(rest)
            elif rest:
                draft.label = rest
        elif date.text and not is_nothing(date.text):
            # 'Thanksgiving' among dates says what the row is.
            draft.label = date.text
        elif self.has_dates and self.days and not (week is not None and self.week != week):
            draft.days = self.days
        if week is not None:
            self.week = week
        draft.week = None if draft.days or draft.begins else self.week or self.where.week
        weekday = self._cell(row, c.WEEKDAY).text.strip(" .")
        match = re.match(r"[A-Za-zäöü]+", weekday)
        if match is not None:
            try:
                draft.weekday = weekday_of(match.group())
            except (StopIteration, KeyError):
                draft.weekday = None
        times = self._times(row)
        if times is not None:
            draft.times = times

    def _week(self, row: SourceRow) -> Mention | None:
        cell = self._cell(row, c.WEEK)
        if not cell.text:
            return None
        weeks = [mention for mention in find_days(cell.text) if mention.week is not None]
        if weeks:
            return weeks[0]
        number = re.match(r"\W*(\d{1,2})\b", cell.text)
        heading = self.by_role[c.WEEK][0].heading.lower()
        if number is None:
            return None
        return Mention(0, 0, week=int(number.group(1)), is_calendar_week=heading in ("kw", "kalenderwoche"))

    def _times(self, row: SourceRow) -> Times | None:
        begins, ends = self._cell(row, c.BEGINS), self._cell(row, c.ENDS)
        if begins.text and find_times(begins.text, expects=True):
            first = find_times(begins.text, expects=True)[0]
            last = find_times(ends.text, expects=True) if ends.text else []
            return replace(first, ends=last[0].begins if last else first.ends)
        time = self._cell(row, c.TIME)
        spans = find_times(time.text, expects=True) if time.text else []
        if spans:
            return spans[0]
        date = self._cell(row, c.DATE).text
        spans = find_times(without(date, find_days(date)), expects=True) if date else []
        return spans[0] if spans else None

    def _content(self, row: SourceRow) -> Content:
        title = self._cell(row, c.TITLE)
        return read_content(title.text, title.links) if not title.spans or title.text else Content()

    def _label(self, row: SourceRow, draft: Draft) -> None:
        for _column, cell in self._cells(row, c.KIND):
            word = " ".join(cell.text.split())
            kind = kinds.kind_of_word(word)
            if kind:
                draft.kind = kind
                draft.label = draft.label or (word if kind == kinds.EXAM else "")
                continue
            content = read_content(cell.text, cell.links)
            draft.materials += [material for material in content.materials if material not in draft.materials]
            if content.number and not draft.number:
                draft.number = content.number
            draft.kind = draft.kind or kinds.session_kind(word) or content.kind
            draft.label = draft.label or word
        number = self._cell(row, c.NUMBER).text.strip(" .#")
        match = re.fullmatch(r"(?:(?P<word>[A-Za-zÜü]+)[\s.]*)?#?(?P<number>\d{1,3}[a-z]?)", number)
        if match is not None and not draft.number:
            kind = kinds.kind_of_word(match.group("word") or "")
            draft.number = match.group("number")
            draft.kind = draft.kind or kind
        elif number and not is_nothing(number) and match is None:
            draft.label = draft.label or number

    def _materials(self, row: SourceRow, draft: Draft) -> None:
        for role in c.MATERIALS:
            kind = role.partition(":")[2]
            for column, cell in self._said(row, role):
                if kinds.is_due(cell.text) and not cell.links:
                    draft.dues += dues_of(cell)
                    continue
                if cell.links:
                    content = read_content(cell.text, cell.links, column=kind)
                    for material in content.materials:
                        if material not in draft.materials:
                            draft.materials.append(replace(material, title=material.title or column.heading))
                    draft.call_in = draft.call_in or content.call_in
                    draft.dues += dues_in(content)
                elif kind in (links.SLIDES, links.RECORDING):
                    draft.materials += announced(cell.text, kind)
                else:
                    draft.details.append(f"{column.heading}: {cell.text}" if column.heading else cell.text)

    def _dues(self, row: SourceRow, draft: Draft) -> None:
        for _column, cell in self._said(row, c.DUE):
            if is_number_of_days(cell.text):
                draft.no_day = cell.text.strip()
                continue
            for due in dues_of(cell, is_column=True):
                has_name = re.search(r"[^\W\d_]{2}|\d", due_title(due.text)) is not None
                if due.mention is None and not has_name and (draft.title or draft.label):
                    # 'due by 5pm': what is due is the row itself.
                    draft.kind, draft.times = kinds.DEADLINE, due.times or draft.times
                else:
                    draft.dues.append(due)
        for _column, cell in self._said(row, c.WORK):
            self._work(cell, draft)

    def _work(self, cell: SourceCell, draft: Draft) -> None:
        """Read a cell of work to do: what it says is due, and its links."""
        for piece in pieces_of(cell.text):
            if kinds.is_due(piece):
                draft.dues.append(Due(piece, day_in(piece), time_in(piece), address_of(cell, piece)))
            else:
                draft.details.append(piece)
        if not draft.title and not draft.label:
            draft.label = cell.text.split("\n")[0]
            draft.kind = draft.kind or "work"
        for link in cell.links:
            if not links.is_place(link):
                material = links.material_of(link)
                is_slides = material.kind == links.SLIDES
                draft.materials.append(replace(material, kind=links.OTHER) if is_slides else material)

    def _rest(self, row: SourceRow, draft: Draft) -> None:
        room = self._cell(row, c.ROOM).text
        if room and not is_nothing(room):
            draft.room, mode = place_of(room.split("\n")[0])
            draft.mode = mode or draft.mode
        draft.mode = mode_of(self._cell(row, c.MODE).text) or draft.mode
        draft.is_cancelled = kinds.is_cancelled(self._cell(row, c.STATUS).text)
        for _column, cell in self._cells(row, c.URL):
            draft.materials += [links.material_of(link, column=links.OTHER) for link in cell.links]
        for _column, cell in [*self._cells(row, c.TITLE)[1:], *self._said(row, c.DETAILS)]:
            self._details(cell, draft)
        if not draft.times and not kinds.is_due(draft.title):
            spans = find_times(without(draft.title, find_days(draft.title)))
            draft.times = spans[0] if spans else None

    def _details(self, cell: SourceCell, draft: Draft) -> None:
        content = read_content(cell.text, cell.links)
        draft.materials += [material for material in content.materials if material not in draft.materials]
        draft.dues += dues_in(content)
        text = content.title
        if text and not draft.title:
            fill(draft, content)
        elif text and kinds.is_due(text) and kinds.is_work(due_title(text)) and draft.kind != kinds.DEADLINE:
            draft.dues += [
                Due(piece, day_in(piece), time_in(piece)) for piece in pieces_of(text) if kinds.is_due(piece)
            ]
        elif text and text != draft.title:
            draft.details += [text, *content.details]

    def _sessions(self, row: SourceRow, draft: Draft) -> list[Draft]:
        """Return the sessions of columns of their own, such as 'Tutorial', in tables of weeks."""
        drafts = []
        for role in c.SESSION_COLUMNS:
            for _column, cell in self._said(row, role):
                other = replace(
                    draft, id=f"{draft.id}.{_column.index}", title="", details=[], materials=[], dues=[], number="", label="",
                    kind=role.partition(":")[2], times=None, room="", from_column=True,
                )  # fmt: skip
                other.weekday = c.weekday_in(_column.heading) if not draft.is_week else draft.weekday
                fill(other, read_content(cell.text, cell.links))
                other.kind = role.partition(":")[2]
                if kinds.is_cancelled(other.title):
                    other.is_cancelled = True
                    if not names_topic(other.title):
                        other.details, other.title = [free_title(other.title), *other.details], _name_of(_column)
                drafts.append(other)
        return drafts

    def _grid(self, row: SourceRow) -> Read:
        """Read a row of a calendar: each of its cells is a day."""
        start = self._own_days(row)
        week = self._week(row)
        name = self.ids.of(row.text)
        drafts = []
        for column in self.by_role[c.GRID]:
            if column.index >= len(row.cells):
                continue
            cell = row.cells[column.index]
            if is_nothing(cell.text) and not cell.links:
                continue
            head = cell.text[:40]
            days = [
                mention
                for mention in find_days(head)
                if (mention.days and mention.start <= 3) or (mention.days and not mention.is_loose)
            ]
            own = days[:1] or bare_day(head, self.days)
            text = without(cell.text, own) if days else re.sub(r"^\W*\d{1,2}\b", "", cell.text) if own else cell.text
            if own:
                self.days = own
            if not text.strip(" \n\t:.-–") and not cell.links:
                continue
            draft = Draft(
                f"{name}.{column.index}", row.number, " ".join(cell.text.split()), days=own or start, context=column.kind or self.where.kind,
                part=self.part, weekday=column.weekday, is_week=not own and bool(start), week=None if own or start else week or self.week or self.where.week,
            )  # fmt: skip
            fill(draft, of_grid(text.strip(), cell))
            spans = find_times(without(text, find_days(text)))
            draft.times = spans[0] if spans and not kinds.is_due(draft.title) else None
            drafts.append(draft)
        return Read(row, drafts, "" if drafts else "empty")


def _name_of(column: Column) -> str:
    """Return how the sessions of a column are called: 'Übung' of 'Übung (Mo)'."""
    return re.sub(r"\s*\([^()]*\)", "", column.heading).strip()
