"""What was understood of a source, in plain values: for the workbench, for the command, and for `joining`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal

from amls.portal.takeover.spec import GradingSpec, OfficeHourSpec, PartSpec, ProjectSpec
from amls.portal.takeover.understanding.drafts import Draft
from amls.portal.takeover.understanding.links import LinkedMaterial
from amls.portal.takeover.understanding.people import Person
from amls.portal.takeover.understanding.slots import Slot

Answers = Mapping[str, str]
USED, IGNORED, NOT_UNDERSTOOD = "used", "ignored", "not understood"


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A session; without `day` its date is open, without `begins` its time.

    Attributes:
        id: the same as long as its row says the same; corrections are given by it.
        line: of the source, 0 where it has none.
    """

    id: str
    line: int
    kind: str
    title: str
    number: str = ""
    part: str = ""
    day: date | None = None
    begins: time | None = None
    ends: time | None = None
    room: str = ""
    mode: str = "in_person"
    call_in: str = ""
    is_cancelled: bool = False
    details: str = ""
    materials: tuple[LinkedMaterial, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenFreeDay:
    """A day without class, or several up to `last`."""

    id: str
    line: int
    title: str
    day: date
    last: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenDeadline:
    """What is due; without `at` its time is open, without `day` its date. `kind` is as in DeadlineSpec.

    Attributes:
        piece: the kind of assignment as which it is handed in here, by choice; '' where it is a date and nothing more.
    """

    id: str
    line: int
    title: str
    kind: str = "other"
    day: date | None = None
    at: time | None = None
    url: str = ""
    piece: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewing:
    """When and where people may look at their corrected exams; `minutes` is None where nothing says how long."""

    begins_at: datetime
    minutes: int | None = None
    room: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenExam:
    """An exam, written or oral; without `begins` its time is open.

    Attributes:
        number: among the rows of its source.
        viewing: when people look at their corrected exams, for how many minutes, and where.
    """

    id: str
    line: int
    title: str
    kind: str = "written"
    day: date | None = None
    begins: time | None = None
    minutes: int | None = None
    room: str = ""
    number: str = ""
    viewing: Viewing | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """What the source leaves open for all that it concerns.

    Attributes:
        id: the key of its answer.
        words: the question, in the reader's language.
        kind: of its answer: text, year, date, zone, order, slots or choice.
        choices: value and label, where the answer is one of some.
        preset: what is taken as long as nobody answers; '' if nothing is.
        concerns: how many rows hang on it.
        option: of the command, which answers it.
        must: whether nothing should be written before somebody answers.
    """

    id: str
    words: str
    kind: str = "text"
    choices: tuple[tuple[str, str], ...] = ()
    preset: str = ""
    concerns: int = 0
    option: str = ""
    must: bool = True


@dataclass(frozen=True, slots=True)
class LineUse:
    """What became of a row of the source: used (as what), ignored (why), or not understood (why)."""

    number: int
    id: str
    text: str
    use: str
    what: str = ""


@dataclass(frozen=True, slots=True)
class ColumnUse:
    """What a column of a table is taken for; `id` is the key of its correction."""

    id: str
    table: int
    heading: str
    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Understood:
    """A source as a course. Times are wall-clock times in `zone`.

    Attributes:
        zone: an IANA name; '' where nothing shows it.
        term: as it is written; '' where it is not.
        warnings: what was read as written but looks like a slip, and what contradicts itself.
    """

    title: str = ""
    term: str = ""
    zone: str = ""
    language: str = "en"
    kinds: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    ects: Decimal | None = None
    description: str = ""
    slots: tuple[Slot, ...] = ()
    call_in: str = ""
    people: tuple[Person, ...] = ()
    office_hours: tuple[OfficeHourSpec, ...] = ()
    parts: tuple[PartSpec, ...] = ()
    sessions: tuple[Session, ...] = ()
    free_days: tuple[WrittenFreeDay, ...] = ()
    deadlines: tuple[WrittenDeadline, ...] = ()
    exams: tuple[WrittenExam, ...] = ()
    projects: ProjectSpec | None = None
    grading: GradingSpec = field(default_factory=GradingSpec)
    questions: tuple[Question, ...] = ()
    lines: tuple[LineUse, ...] = ()
    columns: tuple[ColumnUse, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """How many there are of each, for the line above the preview."""
        return {
            "sessions": len(self.sessions),
            "links": sum(bool(material.url) for session in self.sessions for material in session.materials),
            "free_days": len(self.free_days),
            "deadlines": len(self.deadlines),
            "exams": len(self.exams),
            "not_understood": sum(line.use == NOT_UNDERSTOOD for line in self.lines),
        }

    @property
    def open_questions(self) -> tuple[Question, ...]:
        """Those that must be answered before anything is written."""
        return tuple(question for question in self.questions if question.must)


@dataclass(slots=True)
class Built:
    """What came of the drafts; `what` says for each draft's id what it became."""

    sessions: list[Session] = field(default_factory=list)
    free_days: list[WrittenFreeDay] = field(default_factory=list)
    deadlines: list[WrittenDeadline] = field(default_factory=list)
    exams: list[WrittenExam] = field(default_factory=list)
    what: dict[str, str] = field(default_factory=dict)
    why: dict[str, str] = field(default_factory=dict)
    without_time: list[Session] = field(default_factory=list)
    by_week: list[Draft] = field(default_factory=list)
    warnings: list[tuple[int, str, str]] = field(default_factory=list)

    def keep_last_of_each(self) -> None:
        """Drop the days without class and the deadlines that are said again further down."""
        free_days = {(free_day.day, free_day.last): free_day for free_day in reversed(self.free_days)}
        self.free_days = list(free_days.values())[::-1]
        deadlines = {(due.title.lower(), due.day, due.at): due for due in reversed(self.deadlines)}
        self.deadlines = list(deadlines.values())[::-1]
