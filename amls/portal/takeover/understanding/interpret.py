"""From a source and the answers given so far to a course, its questions, and what became of every row."""

import re
from collections.abc import Iterable, Sequence
from datetime import date
from functools import partial

from django.utils.translation import gettext as _

from amls.portal.takeover.sourcerows import CourseSource, SourceRow
from amls.portal.takeover.spec import CourseFileError
from amls.portal.takeover.understanding import facts, kinds, links
from amls.portal.takeover.understanding.blocks import Blocks
from amls.portal.takeover.understanding.building import Builder
from amls.portal.takeover.understanding.dates import find_days
from amls.portal.takeover.understanding.heads import Head, find_codes, find_head
from amls.portal.takeover.understanding.questions import KnownSoFar, ask
from amls.portal.takeover.understanding.resolving import Days, decide
from amls.portal.takeover.understanding.results import (
    IGNORED,
    NOT_UNDERSTOOD,
    USED,
    Answers,
    Built,
    LineUse,
    Understood,
)
from amls.portal.takeover.understanding.slots import Slot, find_slots
from amls.portal.takeover.understanding.terms import Term, find_term
from amls.portal.takeover.understanding.weekly import weekly_drafts
from amls.portal.takeover.understanding.zones import Zone, find_zone, is_zone

MAX_SESSIONS = 2_000
_I = re.IGNORECASE
_PART = re.compile(r"^\s*(?:Part\s+|Teil\s+)?(?P<letter>[A-Z])\s*[:.)]\s+(?P<title>\S.{2,118})$")
_WEEK_HEADING = re.compile(r"^\W*(?:week|woche|wk|kw)\W*\d+\W*$", _I)
_DUE_DATES = re.compile(r"\b(?:due dates?|deadlines?|abgabetermine|fristen)\b", _I)


def understand(source: CourseSource, answers: Answers | None = None, *, today: date) -> Understood:
    """Return what a source says of a course.

    The same source and answers give the same, always; nothing is written or fetched.

    Args:
        source: in the common form.
        answers: by the ids of questions, and corrections: 'kind:ID', 'drop:ID', 'title:ID', 'piece:ID', 'date:ID' (ISO 8601),
            'time:ID' and 'room:ID' of a row, 'column:TABLE:INDEX' (a role) of a column.
        today: by which a year is suggested where nothing says one.

    Raises:
        CourseFileError: it has more sessions than a course can have.
    """
    return _Interpreter(source, answers or {}, today).read()


class _Interpreter(Blocks):
    """One reading of a source."""

    def read(self) -> Understood:
        head = find_head(self.rows)
        self.read_blocks(head)
        zone = self._zone()
        self._answered_slots()
        days = self._days(head, zone)
        first_week = self._first_week()
        default_kind = kinds.SEMINAR if kinds.session_kind(head.title) == kinds.SEMINAR else kinds.LECTURE
        if default_kind != kinds.LECTURE:
            self.slots = [
                Slot(default_kind, slot.weekday, slot.begins, slot.ends, slot.room, slot.mode)
                if slot.kind == kinds.LECTURE
                else slot
                for slot in self.slots
            ]
        self._facts_with_days(days)
        build = partial(
            Builder, days, self.slots, self.answers, zone=self._zone_name(zone), default_kind=default_kind,
            first_week=first_week,
        )  # fmt: skip
        built = build().all(self.drafts)
        weekly = weekly_drafts(
            built,
            self.slots,
            self.answers,
            line=max((row.number for row in self.rows), default=0),
            language=self._language(),
        )
        if weekly:
            built = build().all([*self.drafts, *weekly])
        if len(built.sessions) > MAX_SESSIONS:
            raise CourseFileError([_("This has more than 2,000 sessions. Bring only the schedule of one course.")])
        return self._result(head, zone, days, built)

    # ── what all rows decide ──

    def _zone(self) -> Zone:
        said = next(
            (
                row.cells[1].text
                for row in self.rows
                if row.kind == "fact" and row.cells[0].text.lower() in ("timezone", "time_zone", "tz", "zeitzone")
            ),
            "",
        )
        if is_zone(said):
            return Zone(said, is_named=True, is_sure=True)
        hosts = [row.cells[1].text for row in self.rows if row.kind == "fact" and row.cells[0].text == "base"]
        hosts += [
            link.href for row in self.rows for cell in row.cells for link in cell.links if links.is_whole(link.href)
        ][:200]
        # Places stand in the running text; of tables the first rows tell as much as all.
        texts = [
            row.text[:400]
            for row in self.rows
            if not row.table and (row.kind != "fact" or row.cells[0].text == "title")
        ]
        tables = [row.text[:400] for row in self.rows if row.table]
        return find_zone([*texts[:150], *texts[150:][-30:]], tables[:60], hosts)

    def _zone_name(self, zone: Zone) -> str:
        said = self.answers.get("zone", "").strip()
        return said if is_zone(said) else zone.name

    def _answered_slots(self) -> None:
        for key in sorted(key for key in self.answers if key == "slots" or key.startswith("slots:")):
            kind = key.partition(":")[2] or kinds.LECTURE
            given = [slot for line in self.answers[key].split("\n") for slot in find_slots(line, default_kind=kind)]
            said = {(slot.kind, slot.weekday) for slot in given}
            self.slots = [*given, *(slot for slot in self.slots if (slot.kind, slot.weekday) not in said)]

    def _days(self, head: Head, zone: Zone) -> Days:
        term = self._term(head)
        name = self._zone_name(zone)
        prefers = name.startswith("America/") and name != "America/Sao_Paulo"
        return decide(
            self.dated, term=term, answers=self.answers, today=self.today, prefers_month_first=prefers,
            weekdays=[slot.weekday for slot in self.slots],
        )  # fmt: skip

    def _term(self, head: Head) -> Term | None:
        said = self.answers.get("term", "").strip()
        term = find_term(said) if said else None
        return term or head.term

    def _first_week(self) -> date | None:
        said = self.answers.get("first-week", "")
        try:
            return date.fromisoformat(said) if said else None
        except ValueError:
            return None

    def _facts_with_days(self, days: Days) -> None:
        texts = [cell.text for _row, cell in self.plain]
        everything = [row.text for row in self.rows if row.kind in ("text", "item") or row.kind == "cells"]
        self.ects = facts.ects([row.text for row in self.rows])
        self.grading = facts.grading(everything)
        running = [row for row in self.rows if row.kind in ("text", "item", "heading")]
        self.project, said = facts.project([row.text for row in running], days)
        due = {id(running[number]) for number in said}
        for row in running:
            if id(row) in due:
                # The project's own deadline is none of the others.
                gone = {draft.id for draft in self.by_row.pop(id(row), [])}
                self.drafts = [draft for draft in self.drafts if draft.id not in gone]
                self.use(row, USED, "project")
        office_hours = [
            office_hour
            for (row, cell), text in zip(self.plain, texts, strict=True)
            for office_hour in facts.office_hours(text, cell, days)
        ]
        # What is said twice is the same.
        first_said = {(hour.weekday, hour.start): hour for hour in reversed(office_hours)}
        self.office_hours = list(first_said.values())[::-1]

    # ── what came of it ──

    def _result(self, head: Head, zone: Zone, days: Days, built: Built) -> Understood:
        asked = KnownSoFar(
            head=head, zone=zone, zone_name=self._zone_name(zone), term=self._term(head), days=days, built=built, slots=self.slots, answers=self.answers,
            is_empty=not self.drafts, is_template=any(row.kind == "fact" and row.cells[0].text == "template" for row in self.rows),
        )  # fmt: skip
        term = self._term(head)
        questions = [*([self.section_question] if self.section_question else []), *days.questions, *ask(asked)]
        lines = self._lines(built)
        description = self._description()
        warnings = [*_sentences(built.warnings), *asked.warnings, *_left_over(lines), *self._dates_left()]
        kinds_of_course, codes = find_codes([row for row in self.rows if row.kind in ("text", "heading")][:8])
        used_parts = {session.part for session in built.sessions}
        return Understood(
            title=self.answers.get("title", "").strip() or head.title,
            term=self.answers.get("term", "").strip() or (term.label if term is not None else self.answers.get("year", "")),
            zone=self._zone_name(zone), kinds=kinds_of_course, codes=codes, ects=self.ects, description=description,
            language=self._language(), slots=tuple(self.slots), call_in=self.call_in, people=tuple(self.people), office_hours=tuple(self.office_hours),
            parts=tuple(part for part in self.parts if (part.letter or part.title) in used_parts or part.letter),
            sessions=tuple(built.sessions),
            free_days=tuple(built.free_days), deadlines=tuple(built.deadlines), exams=tuple(built.exams), projects=self.project, grading=self.grading,
            questions=tuple(questions), lines=lines, columns=tuple(self.columns), warnings=tuple(warnings),
        )  # fmt: skip

    def _language(self) -> str:
        said = next(
            (
                row.cells[1].text
                for row in self.rows
                if row.kind == "fact" and row.cells[0].text in ("language", "lang")
            ),
            "",
        )
        if said:
            return "de" if said.lower().startswith("de") else "en"
        text = " ".join(row.text for row in self.rows[:60])
        return (
            "de"
            if len(re.findall(r"\b(?:die|der|und|das|vorlesung|übung|ist|im|von)\b", text, _I))
            > len(re.findall(r"\b(?:the|and|of|is|in|lecture|to)\b", text, _I))
            else "en"
        )

    def _description(self) -> str:
        paragraphs = []
        first = min((draft.line for draft in self.drafts), default=10**9)
        for row, cell in self.plain:
            if (
                row.kind == "text"
                and len(cell.text) > 80
                and row.number < first
                and not cell.text.startswith("(")
                and id(row) not in self.uses
            ):
                paragraphs.append(cell.text)
                self.use(row, USED, "description")
        return "\n\n".join(paragraphs)

    def _lines(self, built: Built) -> tuple[LineUse, ...]:
        uses = []
        self._description()
        for row in self.source.rows:
            if row.kind == "fact":
                continue
            drafts = self.by_row.get(id(row), [])
            name = drafts[0].id if drafts else ""
            whats = [built.what[draft.id] for draft in drafts if draft.id in built.what]
            whys = [built.why[draft.id] for draft in drafts if draft.id in built.why]
            if whys:
                use, what = NOT_UNDERSTOOD, whys[0]
            elif whats:
                use, what = (
                    (
                        IGNORED
                        if set(whats) <= {"dropped", "only a day", "work that is given out", "no session"}
                        else USED
                    ),
                    whats[0],
                )
            else:
                use, what = self.uses.get(id(row)) or self._leftover(row)
            uses.append(LineUse(row.number, name, row.text[:500], use, what))
        return tuple(uses)

    def _dates_left(self) -> list[str]:
        """Return a warning for each day of a used line of which nothing came: what is dated must not vanish in silence."""
        warnings = []
        for row in self.rows:
            drafts = self.by_row.get(id(row))
            if not drafts or row.table:
                continue
            read = {
                day
                for draft in drafts
                for mention in [*draft.days, *(due.mention for due in draft.dues if due.mention)]
                for day in mention.days
            }
            left = [
                row.text[mention.start : mention.end].strip()
                for mention in find_days(row.text)
                if mention.days and not mention.is_loose and not set(mention.days) & read
            ]
            if left:
                words = _("not read, enter it by hand: %(dates)s") % {"dates": ", ".join(left)}
                warnings += _sentences([(row.number, words, row.text)])
        return warnings

    def _leftover(self, row: SourceRow) -> tuple[str, str]:
        if id(row) in self.outside:
            return IGNORED, "another course"
        dated = [
            row.text[mention.start : mention.end].strip()
            for mention in find_days(row.text)
            if mention.days and not mention.is_loose
        ]
        if dated and row.kind != "heading":
            return NOT_UNDERSTOOD, _("not read, enter it by hand: %(dates)s") % {"dates": ", ".join(dated[:8])}
        return IGNORED, "text"


def _sentences(warnings: Iterable[tuple[int, str, str]]) -> list[str]:
    words = _("Line %(line)d: %(what)s: %(text)s")
    return [words % {"line": line, "what": what, "text": text[:120]} for line, what, text in dict.fromkeys(warnings)]


def _left_over(lines: Sequence[LineUse]) -> list[str]:
    words = _("Line %(line)d: %(what)s: %(text)s")
    return [
        words % {"line": line.number, "what": line.what, "text": line.text[:120]}
        for line in lines
        if line.use == NOT_UNDERSTOOD
    ]
