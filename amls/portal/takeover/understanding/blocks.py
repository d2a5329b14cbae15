"""The blocks of a source, in their order: its tables, pairs and lines to drafts and facts, with what became of each row."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from amls.portal.takeover.sourcerows import CourseSource, SourceCell, SourceRow
from amls.portal.takeover.spec import PartSpec
from amls.portal.takeover.understanding import columns as column_roles
from amls.portal.takeover.understanding import facts, kinds
from amls.portal.takeover.understanding.cells import dues_in
from amls.portal.takeover.understanding.content import Content, is_aside, read_content
from amls.portal.takeover.understanding.dates import Mention, find_days
from amls.portal.takeover.understanding.drafts import Draft, Ids
from amls.portal.takeover.understanding.heads import Head
from amls.portal.takeover.understanding.lines import is_undated_session, read_line, read_pair, undated, without_bullet
from amls.portal.takeover.understanding.people import Person, find_people, is_label
from amls.portal.takeover.understanding.results import IGNORED, USED, Answers, ColumnUse
from amls.portal.takeover.understanding.sections import chosen_section
from amls.portal.takeover.understanding.slots import Slot, find_slots, slot_room_in_head
from amls.portal.takeover.understanding.tables import Where, is_schedule, read_table
from amls.portal.takeover.understanding.terms import find_term

_I = re.IGNORECASE
_PART = re.compile(r"^\s*(?:Part\s+|Teil\s+)?(?P<letter>[A-Z])\s*[:.)]\s+(?P<title>\S.{2,118})$")
_WEEK_HEADING = re.compile(r"^\W*(?:week|woche|wk|kw)\W*\d+\W*$", _I)
_MOST_ROWS_OF_A_DAY = 15
_DUE_DATES = re.compile(r"\b(?:due dates?|deadlines?|abgabetermine|fristen)\b", _I)


@dataclass(slots=True)
class Block:
    """A day that stands alone above what happens on it, and how many rows below it were read."""

    draft: Draft
    is_added: bool = False
    rows: int = 0


class Blocks:
    """One reading of a source: what its rows say, before anything is decided."""

    def __init__(self, source: CourseSource, answers: Answers, today: date) -> None:
        self.source, self.answers, self.today = source, answers, today
        self.rows, self.section_question, self.outside = chosen_section(source.rows, answers)
        self.ids = Ids()
        self.drafts: list[Draft] = []
        self.by_row: dict[int, list[Draft]] = {}
        self.uses: dict[int, tuple[str, str]] = {}
        self.slots: list[Slot] = []
        self.people: list[Person] = []
        self.parts: list[PartSpec] = []
        self.columns: list[ColumnUse] = []
        self.call_in = ""
        self.where = Where()
        self.plain: list[tuple[SourceRow, SourceCell]] = []
        self.dated: list[Mention] = []
        self.block: Block | None = None

    def use(self, row: SourceRow, use: str, what: str) -> None:
        """Note what became of a row."""
        self.uses[id(row)] = (use, what)

    def read_blocks(self, head: Head) -> None:
        """Read all rows, block by block."""
        for table, group in groupby(self.rows, key=lambda row: (row.table, row.kind == "pair") if row.table else None):
            rows = list(group)
            if table is None:
                for row in rows:
                    self._line(row, head, row)
            elif table[1]:
                self._pairs(rows, head)
            else:
                self._table(rows, head)

    def _table(self, rows: Sequence[SourceRow], head: Head) -> None:
        at = column_roles.header_at(rows)
        header = rows[at] if at >= 0 else None
        repeated = [row for row in rows[at + 1 :] if header is not None and row.text == header.text]
        body = [row for row in rows[at + 1 :] if row not in repeated]
        columns = column_roles.columns_of(header, body, self._chosen_columns(rows[0].table))
        read = read_table(columns, body, self.where, self.ids) if is_schedule(header, columns, body) else []
        # Facts in two columns look like a schedule; none of their rows has a day.
        is_read = any(
            any(day.days for day in draft.days) or draft.begins or draft.week not in (None, self.where.week)
            for line in read
            for draft in line.drafts
        )
        for row in rows[: max(at, 0)] if is_read else rows:
            self._line(_as_line(row), head, row)
        if not is_read:
            return
        for row in [*([header] if header is not None else []), *repeated]:
            self.use(row, USED, "header")
        number = rows[0].table
        self.columns += [
            ColumnUse(f"column:{number}:{column.index}", number, column.heading, column.role) for column in columns
        ]
        for line in read:
            if line.part:
                self._part("", line.part)
            if not line.drafts:
                self.use(line.row, USED if line.part else IGNORED, "part" if line.part else line.why)
            for draft in line.drafts:
                self._add(draft, line.row)

    def _chosen_columns(self, table: int) -> dict[int, str]:
        """Return the roles of a table's columns that somebody corrected."""
        start = f"column:{table}:"
        chosen = {key.removeprefix(start): role for key, role in self.answers.items() if key.startswith(start)}
        return {int(index): role for index, role in chosen.items() if index.isdigit()}

    def _pairs(self, rows: Sequence[SourceRow], head: Head) -> None:
        before: Draft | None = None
        for row in rows:
            draft = read_pair(row, before, self.where, self.ids)
            if draft is None:
                self._line(_as_line(row), head, row)
            elif draft.title or draft.details or draft.dues:
                self._add(draft, row)
                before = draft
            else:
                self.use(row, USED, "materials")

    def _line(self, row: SourceRow, head: Head, origin: SourceRow) -> None:
        """Read a line; `origin` is the row of the source that it is, or was made of."""
        if row.kind == "fact":
            return
        if origin in head.rows:
            self.use(origin, USED, "head")
            self._facts(row, origin)
            return
        text = without_bullet(row.text)
        if row.kind == "heading":
            self.block = None
            if self._heading(row, text):
                return
        drafts = [] if self._is_part(row, text, origin) else self._drafts(row, text)
        if len(drafts) == 1 and not (drafts[0].title or drafts[0].details or drafts[0].materials or drafts[0].dues):
            # A day alone: what follows it is its session.
            self.block = Block(drafts[0])
            self.use(origin, USED, "heading")
            return
        for draft in drafts:
            self._add(draft, origin)
        if drafts:
            self.block = Block(drafts[0], is_added=True) if row.kind == "heading" else None
        is_fact = self._facts(row, origin) if not drafts or drafts[0].kind in (kinds.EXAM, kinds.DEADLINE) else True
        if not drafts and not is_fact and id(origin) not in self.uses:
            self._undated(row, text, origin)

    def _is_part(self, row: SourceRow, text: str, origin: SourceRow) -> bool:
        part = _PART.match(row.text)
        is_plain = row.kind in ("text", "heading") and not row.text.endswith(".")
        if part is None or not is_plain or find_slots(text) or is_label(text):
            return False
        self._part(part.group("letter"), part.group("title").strip())
        self.use(origin, USED, "part")
        return True

    def _drafts(self, row: SourceRow, text: str) -> list[Draft]:
        draft = read_line(row, self.where, self.ids) if not is_label(text) and not _is_facts(text) else None
        return [draft] if draft is not None else facts.exams_and_deadlines(row, self.ids)

    def _undated(self, row: SourceRow, text: str, origin: SourceRow) -> None:
        if self.block is not None and row.kind in ("text", "item") and self._of_block(row, origin):
            return
        is_among = bool(self.drafts) or row.kind == "item" or "[" in text
        if row.kind in ("item", "text") and is_undated_session(text) and is_among:
            self._add(undated(row, self.where, self.ids), origin)
        else:
            self.plain.append((origin, row.cells[0]))

    def _of_block(self, row: SourceRow, origin: SourceRow) -> bool:
        """Take a line for what stands below a day; return whether it is."""
        block = self.block
        if block is None or block.rows >= _MOST_ROWS_OF_A_DAY:
            return False
        block.rows += 1
        content = read_content(without_bullet(row.text), row.cells[0].links)
        draft = block.draft
        if not draft.title and not is_aside(row.text) and not (content.materials and not content.title):
            draft.number, draft.kind = draft.number or content.number, draft.kind or content.kind
            if re.fullmatch(r"\W*(?:topics?|themen?|outline)?\W*", content.title, _I):
                return self._use_of_block(draft, content, origin)
            draft.title = content.title
        elif content.title and not block.is_added and draft.title:
            draft.details.append(content.title)
        return self._use_of_block(draft, content, origin)

    def _use_of_block(self, draft: Draft, content: Content, origin: SourceRow) -> bool:
        draft.materials += [material for material in content.materials if material not in draft.materials]
        draft.dues += dues_in(content)
        if self.block is not None and not self.block.is_added and draft.title:
            self.block.is_added = True
            self._add(draft, origin)
        elif content.materials or content.title:
            self.use(origin, USED, "materials" if content.materials else "description")
        return bool(content.materials) or id(origin) in self.uses or id(origin) in self.by_row

    def _heading(self, row: SourceRow, text: str) -> bool:
        """Take a heading for what stands below it; return whether it is nothing else."""
        days = [mention for mention in find_days(text) if mention.days and not mention.is_loose]
        weeks = [mention for mention in find_days(text) if mention.week is not None]
        if days and not find_term(text):
            return False
        if weeks and _WEEK_HEADING.match(text):
            self.where.week = weeks[0]
            self.use(row, USED, "heading")
            return True
        if weeks and len(text) < 120 and not days:
            return False
        part = _PART.match(row.text)
        if part is not None:
            return False
        kind = kinds.session_kind(text, is_heading=True) if len(text.split()) <= 5 else ""
        self.where.kind = "" if kind in (kinds.LECTURE, kinds.OTHER) or _DUE_DATES.search(text) else kind
        self.use(row, USED if kind else IGNORED, "heading")
        self._facts(row, row)
        return True

    def _part(self, letter: str, title: str) -> None:
        known = PartSpec(letter=letter, title=title)
        if known not in self.parts:
            self.parts.append(known)
        self.where.part = letter or title

    def _add(self, draft: Draft, row: SourceRow) -> None:
        self.drafts.append(draft)
        self.by_row.setdefault(id(row), []).append(draft)
        self.dated += [mention for mention in draft.days if mention.days]

    def _facts(self, row: SourceRow, origin: SourceRow) -> bool:
        """Read what a line says of the whole course; return whether it said something."""
        cell = (
            row.cells[0]
            if len(row.cells) == 1
            else SourceCell(row.text, tuple(link for cell in row.cells for link in cell.links))
        )
        people = find_people(cell)
        slots = find_slots(cell.text, default_kind=self.where.kind) if len(cell.text) < 2_000 else []
        if slots and not slots[0].room:
            room = slot_room_in_head(cell.text)
            slots = [
                Slot(slot.kind, slot.weekday, slot.begins, slot.ends, slot.room or room, slot.mode) for slot in slots
            ]
        self.people += [person for person in people if person.name not in {known.name for known in self.people}]
        known = {(slot.kind, slot.weekday) for slot in self.slots}
        self.slots += [slot for slot in slots if (slot.kind, slot.weekday) not in known]
        if slots:
            self.call_in = self.call_in or facts.call_in(cell, of_office_hour=False)
        is_office = re.search(r"office hours?|sprechstunde", cell.text, _I) is not None
        if people or slots or is_office:
            what = "people" if people else "slots" if slots else "office hours"
            self.use(origin, USED, what)
            self.plain.append((origin, cell))
        return bool(people or slots or is_office)


def _as_line(row: SourceRow) -> SourceRow:
    """Return a row of a table of facts as a line: 'Lecturers: Prof. X'."""
    if len(row.cells) == 1:
        return row
    filled = [cell for cell in row.cells if (cell.text or cell.links) and not cell.spans]
    words = [" ".join(cell.text.split()) for cell in filled]
    text = f"{words[0].rstrip(':')}: {', '.join(words[1:])}" if len(words) > 1 else "".join(words)
    return SourceRow(row.number, "text", (SourceCell(text, tuple(link for cell in filled for link in cell.links)),))


def _is_facts(text: str) -> bool:
    """Return whether a line tells of the course and is no row of its schedule: 'Final exams: Jul 18, 4pm; Aug 10, 2pm'."""
    return (
        re.match(
            r"(?:[\w.]+\s+){0,4}(?:exams?|grading|klausur(?:en)?|(?:klausur|prüfungs)?einsicht(?:nahme)?|prüfung(?:en)?|office hours?|sprechstunde|abgabe\w*|deadline)\b[^:\[]{0,40}:",
            text,
            _I,
        )
        is not None
        and "[" not in text
    )
