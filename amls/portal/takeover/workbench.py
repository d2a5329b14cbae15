"""What a course that is being brought in looks like so far: its rows, questions and facts, and the changes that answer them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, time
from functools import cache, cached_property
from zoneinfo import available_timezones

from django.core.exceptions import ValidationError
from django.utils.dates import WEEKDAYS as WEEKDAY_NAMES
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from amls.core.times import say_clock, say_day, say_span
from amls.core.violations import RuleViolation
from amls.courses.validators import validate_slug
from amls.portal.models import ImportDraft
from amls.portal.takeover.drafts import source_of
from amls.portal.takeover.understanding.columns import ROLES
from amls.portal.takeover.understanding.interpret import understand
from amls.portal.takeover.understanding.kinds import DEADLINE, EXAM, FREE, KINDS, SESSIONS
from amls.portal.takeover.understanding.labels import kind_label, role_label
from amls.portal.takeover.understanding.links import LinkedMaterial
from amls.portal.takeover.understanding.results import (
    ColumnUse,
    Question,
    Session,
    Understood,
    Viewing,
    WrittenDeadline,
    WrittenExam,
    WrittenFreeDay,
)
from amls.portal.takeover.understanding.slots import WEEKDAYS, Slot, find_slots
from amls.portal.takeover.understanding.zones import is_zone

# Questions without whose answer a course would be wrong in silence. What else is open stays open in the draft.
_NEEDED = {"text", "year", "zone", "order", "choice"}
_ROW_FIELDS = ("kind", "title", "date", "room", "piece")


# As what a deadline is handed in here; a date and nothing more by default.
PIECES: Sequence[tuple[str, str | Promise]] = (
    ("", gettext_lazy("No, it is a date only")),
    ("sheet", gettext_lazy("As a sheet or exercise")),
    ("project", gettext_lazy("As a project with topics")),
    ("other", gettext_lazy("As another piece of work")),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewRow:
    """One dated thing as it was understood; `day` and `begins` may be open."""

    id: str
    line: int
    kind: str
    title: str
    number: str = ""
    part: str = ""
    day: date | None = None
    last: date | None = None
    begins: time | None = None
    ends: time | None = None
    room: str = ""
    is_cancelled: bool = False
    links: tuple[LinkedMaterial, ...] = ()
    is_corrected: bool = False
    piece: str = ""
    viewing: Viewing | None = None

    @property
    def kind_label(self) -> str:
        """What kind of row it is, in the reader's language."""
        return capfirst(kind_label(self.kind))

    @property
    def begins_typed(self) -> str:
        """Its begin as a field for a time holds it."""
        return say_clock(self.begins) if self.begins else ""

    @property
    def ends_typed(self) -> str:
        """Its end as a field for a time holds it."""
        return say_clock(self.ends) if self.ends else ""

    @property
    def when(self) -> str:
        """Its date, as far as it is known."""
        if self.day is None:
            return _("date open")
        return say_day(self.day) + (f" – {say_day(self.last)}" if self.last else "")

    @property
    def at(self) -> str:
        """Its time, as far as it is known."""
        if self.begins is None:
            return _("time open") if self.day is not None and self.kind != FREE else ""
        return say_span(self.begins, self.ends)

    @property
    def review(self) -> str:
        """When and where people look at their exam, as far as it is known."""
        if self.viewing is None:
            return ""
        begins_at = self.viewing.begins_at
        when = f"{say_day(begins_at)}, {say_clock(begins_at.time())}"
        return f"{when}, {self.viewing.room}" if self.viewing.room else when


@dataclass(frozen=True, slots=True)
class SlotFields:
    """One line of an answer about weekly times."""

    weekday: str = ""
    begins: str = ""
    ends: str = ""
    room: str = ""


@dataclass(frozen=True)
class Workbench:
    """A draft with all that was understood of it.

    Attributes:
        answered: the answers and corrections so far.
    """

    draft: ImportDraft
    understood: Understood
    answered: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def rows(self) -> list[PreviewRow]:
        """Everything dated, in the order of the source."""
        understood = self.understood
        rows = [
            *map(self._session, understood.sessions), *map(self._free_day, understood.free_days),
            *map(self._deadline, understood.deadlines), *map(self._exam, understood.exams),
        ]  # fmt: skip
        return sorted(rows, key=lambda row: (row.line, row.day or date.max, row.begins or time.min))

    @cached_property
    def questions(self) -> list["AskedQuestion"]:
        """What is still to be answered; what is needed first."""
        return [
            AskedQuestion(question)
            for question in sorted(self.understood.questions, key=lambda question: not question.must)
        ]

    @property
    def missing(self) -> list[Question]:
        """The questions without whose answer nothing can be made."""
        return [question for question in self.understood.questions if question.must and question.kind in _NEEDED]

    @property
    def slots(self) -> str:
        """The weekly times, a line each, as they are typed."""
        return "\n".join(map(_slot_line, self.understood.slots))

    @property
    def slot_words(self) -> list[str]:
        """The weekly times as people read them."""
        return [
            f"{capfirst(kind_label(slot.kind))}: {weekday_name(slot.weekday)} {say_span(slot.begins, slot.ends)} {slot.room}"
            for slot in self.understood.slots
        ]

    @property
    def columns(self) -> list[ColumnUse]:
        """What the columns of tables are taken for."""
        return list(self.understood.columns)

    @cached_property
    def roles(self) -> list[tuple[str, str]]:
        """What a column may be taken for."""
        return [(role, capfirst(role_label(role))) for role in ROLES]

    @property
    def zones(self) -> tuple[str, ...]:
        """The time zones that a course may be in."""
        return zone_names()

    @property
    def pieces(self) -> Sequence[tuple[str, str | Promise]]:
        """As what a deadline may be handed in here."""
        return PIECES

    @cached_property
    def kinds(self) -> list[tuple[str, str]]:
        """The kinds that a row may have."""
        return [(kind, capfirst(kind_label(kind))) for kind in KINDS]

    def changes(self, sent: Mapping[str, str]) -> dict[str, str]:
        """Return what a form of the page answers or corrects, by the keys of `understand`.

        Args:
            sent: the fields of one of its forms: an answer to a question (`question`, `answer` or fields of weekly
                times), what a column means (`column`, `role`), a row (`row` and its fields), or facts of the course.

        Raises:
            RuleViolation: it can't be understood; nothing of it counts.
        """
        changes = self._changes(sent)
        for name, value in changes.items():
            _check(name, value)
        return changes

    def _changes(self, sent: Mapping[str, str]) -> dict[str, str]:
        if "question" in sent:
            return self._answer(sent)
        if "column" in sent:
            known = {column.id for column in self.understood.columns}
            return {sent["column"]: sent.get("role", "")} if sent["column"] in known else {}
        if "row" in sent:
            return self._row_changes(sent)
        facts = {"title": self.understood.title, "term": self.understood.term, "zone": self.understood.zone}
        facts |= {"slots": self.slots, "slug": self.answered.get("slug", "")}
        return {name: value for name in facts if (value := _clean(sent.get(name, facts[name]))) != facts[name]}

    def _answer(self, sent: Mapping[str, str]) -> dict[str, str]:
        name = sent["question"]
        if not any(question.id == name for question in self.understood.questions):
            return {}
        if "answer" in sent:
            return {name: _clean(sent["answer"])}
        lines = []
        for number in range(20):
            slot = SlotFields(
                *(sent.get(f"{part}-{number}", "").strip() for part in ("weekday", "begins", "ends", "room"))
            )
            if slot.weekday in WEEKDAYS and slot.begins:
                lines.append(f"{slot.weekday} {slot.begins}{f'-{slot.ends}' if slot.ends else ''} {slot.room}".strip())
        return {name: "\n".join(lines)} if lines else {}

    def _row_changes(self, sent: Mapping[str, str]) -> dict[str, str]:
        row = next((candidate for candidate in self.rows if candidate.id == sent["row"]), None)
        if row is None:
            return {}
        if "drop" in sent:
            return {f"drop:{row.id}": "1"}
        before = {
            "kind": row.kind, "title": row.title, "date": row.day.isoformat() if row.day else "", "room": row.room,
            "piece": row.piece,
        }  # fmt: skip
        changes = {
            f"{name}:{row.id}": value
            for name in _ROW_FIELDS
            if (value := _clean(sent.get(name, before[name]))) != before[name]
        }
        begins, ends = row.begins_typed, row.ends_typed
        wanted = (sent.get("begins", begins).strip()[:5], sent.get("ends", ends).strip()[:5])
        if wanted != (begins, ends):
            changes[f"time:{row.id}"] = "-".join(filter(None, wanted))
        return changes

    def _is_corrected(self, name: str) -> bool:
        return any(f"{what}:{name}" in self.answered for what in (*_ROW_FIELDS, "time"))

    def _session(self, session: Session) -> PreviewRow:
        return PreviewRow(
            id=session.id, line=session.line, kind=session.kind, title=session.title, number=session.number,
            part=session.part, day=session.day, begins=session.begins, ends=session.ends, room=session.room,
            is_cancelled=session.is_cancelled, links=session.materials,
            is_corrected=self._is_corrected(session.id),
        )  # fmt: skip

    def _free_day(self, free_day: WrittenFreeDay) -> PreviewRow:
        return PreviewRow(
            id=free_day.id, line=free_day.line, kind=FREE, title=free_day.title, day=free_day.day, last=free_day.last,
            is_corrected=self._is_corrected(free_day.id),
        )  # fmt: skip

    def _deadline(self, deadline: WrittenDeadline) -> PreviewRow:
        return PreviewRow(
            id=deadline.id, line=deadline.line, kind=DEADLINE, title=deadline.title, day=deadline.day,
            begins=deadline.at, piece=deadline.piece,
            is_corrected=self._is_corrected(deadline.id),
        )  # fmt: skip

    def _exam(self, exam: WrittenExam) -> PreviewRow:
        return PreviewRow(
            id=exam.id, line=exam.line, kind=EXAM, title=exam.title, day=exam.day, begins=exam.begins, room=exam.room,
            viewing=exam.viewing, is_corrected=self._is_corrected(exam.id),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class AskedQuestion:
    """A question with the fields that answer it."""

    question: Question

    @property
    def is_needed(self) -> bool:
        """Whether nothing can be made before it is answered."""
        return self.question.must and self.question.kind in _NEEDED

    @property
    def choices(self) -> Iterable[tuple[str, str]]:
        """The answers among which to choose, if they are some."""
        return self.question.choices

    @property
    def slot_fields(self) -> list[tuple[int, SlotFields]]:
        """The lines of an answer about weekly times, one more than is known."""
        known = [SlotFields(weekday=line.split()[0]) for line in self.question.preset.splitlines() if line.strip()]
        return list(enumerate([*known, SlotFields()][:20]))


def open_workbench(draft: ImportDraft, *, today: date) -> Workbench:
    """Understand a draft with the answers so far; only for one that isn't waiting."""
    answers, source, course = draft.answers, source_of(draft), draft.course
    understood = understand(source, answers, today=today)
    asked = {question.id for question in understood.questions}
    if course is not None and asked & {"title", "term", "zone"}:
        # What a table or a part of a page leaves out, the course that it is brought into knows.
        knows = {"title": course.title, "term": course.term, "zone": course.timezone}
        known = {name: said for name, said in knows.items() if name in asked and said}
        understood = understand(source, {**known, **answers}, today=today)
    return Workbench(draft, understood, answers)


def weekday_name(weekday: int) -> str:
    """Return what a weekday is called; 0 is Monday."""
    return capfirst(WEEKDAY_NAMES[weekday])


@cache
def zone_names() -> tuple[str, ...]:
    """Return the time zones in which people live; asked of the disk once."""
    others = ("Etc/", "SystemV/", "posix/", "right/", "US/")
    return tuple(sorted(name for name in available_timezones() if "/" in name and not name.startswith(others)))


def _slot_line(slot: Slot) -> str:
    times = say_clock(slot.begins) + (f"-{say_clock(slot.ends)}" if slot.ends else "")
    kind = "" if slot.kind == SESSIONS[0] else f"{slot.kind} "
    return f"{kind}{WEEKDAYS[slot.weekday]} {times} {slot.room}".strip()


def _check(name: str, value: str) -> None:
    what, _colon, kind = name.partition(":")
    if what == "zone" and not is_zone(value):
        raise RuleViolation(
            _("'%(zone)s' is no time zone. Choose one of the list, such as Europe/Berlin.") % {"zone": value[:60]},
            "zone",
        )
    if what == "slots":
        for line in value.splitlines():
            if not find_slots(line, default_kind=kind):
                raise RuleViolation(
                    _("'%(line)s' is no weekly time. Write it such as 'tuesday 10:15-11:45 H 0107'.")
                    % {"line": line[:80]},
                    "slots",
                )
    if what == "slug" and value:
        try:
            validate_slug(value)
        except ValidationError as error:
            raise RuleViolation(" ".join(error.messages), "slug") from error
    if what == "piece" and value not in dict(PIECES):
        raise RuleViolation(_("A deadline is handed in as one of those that are offered."), "piece")
    if what in ("date", "first-week") and value:
        try:
            date.fromisoformat(value)
        except ValueError as error:
            raise RuleViolation(_("'%(day)s' is no date such as 2026-10-13.") % {"day": value[:40]}, "date") from error


def _clean(text: str) -> str:
    return "\n".join(" ".join(line.split()) for line in text.splitlines() if line.strip())
