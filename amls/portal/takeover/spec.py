"""What a course file says. Times are wall-clock times in the course's zone."""

from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal

# A field may be called 'date' as in the file; its type then needs another name.
_Date = date


class CourseFileError(Exception):
    """A course file can't be read or applied; nothing was written.

    Attributes:
        problems: one line each, with where it stands and why.
    """

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, kw_only=True)
class StaffSpec:
    role: str
    name: str
    affiliation: str = ""
    email: str = ""
    url: str = ""


@dataclass(frozen=True, kw_only=True)
class ExceptionSpec:
    day: date
    cancelled: bool = False
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    room: str = ""


@dataclass(frozen=True, kw_only=True)
class OfficeHourSpec:
    weekday: str
    start: time
    end: time
    room: str = ""
    mode: str = "in_person"
    call_in: str = ""
    first: date | None = None
    last: date | None = None
    exceptions: tuple[ExceptionSpec, ...] = ()


@dataclass(frozen=True, kw_only=True)
class PartSpec:
    title: str
    letter: str = ""


@dataclass(frozen=True, kw_only=True)
class MaterialSpec:
    kind: str
    title: str = ""
    url: str = ""
    file: str = ""
    sha256: str = ""
    audience: str = "public"
    visible_from: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class LectureSpec:
    """A session of the course.

    Attributes:
        kind: lecture, exercise, lab, tutorial, seminar or other.
        starts_at, ends_at: both or neither; without them the date is open, or only the time where `day` is given.
        day: its date while the time is open; never together with `starts_at`.
        number: among the sessions of its kind.
    """

    title: str
    kind: str = "lecture"
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    day: date | None = None
    number: str = ""
    part: str = ""
    room: str = ""
    mode: str = "in_person"
    call_in: str = ""
    call_in_public: bool = False
    state: str = "planned"
    abstract: str = ""
    materials: tuple[MaterialSpec, ...] = ()

    @property
    def held_on(self) -> _Date | None:
        """Its date, as far as it is known."""
        return self.starts_at.date() if self.starts_at else self.day


@dataclass(frozen=True, kw_only=True)
class TaskSpec:
    title: str
    max_points: Decimal


@dataclass(frozen=True, kw_only=True)
class HandoutSpec:
    """A file of an assignment: the file itself is not in a course's file, its name and hash are."""

    title: str
    file: str = ""
    sha256: str = ""
    visible_from: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class MentorLimitSpec:
    """How many teams a mentor looks after at most, where topics are given by wish."""

    mentor: str
    most: int


@dataclass(frozen=True, kw_only=True)
class ProjectSpec:
    """The course's project.

    Attributes:
        title: empty for what a project is called in the course's language.
        tasks, max_points: points are those of the tasks, where there are any.
    """

    title: str = ""
    submission_deadline: datetime | None = None
    registration_opens_at: datetime | None = None
    registration_closes_at: datetime | None = None
    visible_from: datetime | None = None
    late_policy: str = "accepted"
    late_cutoff_hours: int = 48
    grace_minutes: int = 0
    late_percent: int = 0
    assessed_by: datetime | None = None
    teaming: str = "invited"
    team_min: int = 1
    team_max: int = 1
    hand_in: str = "files"
    grading: str = "passed"
    max_points: Decimal | None = None
    tasks: tuple[TaskSpec, ...] = ()
    pass_percent: int = 50
    question_days: int = 7
    handouts: tuple[HandoutSpec, ...] = ()
    counts: bool = True
    hours: int | None = None
    ects: Decimal | None = None
    mandatory: bool = False
    description: str = ""
    takes_own_ideas: bool = True
    topics_given: str = "first-come"
    wishes_close_at: datetime | None = None
    wishes_min: int = 3
    wishes_max: int = 10
    mentor_limits: tuple[MentorLimitSpec, ...] = ()
    kinds_of_files: tuple[str, ...] = ("zip", "pdf", "ipynb", "tar.gz")
    max_files: int = 10
    max_file_megabytes: int = 50
    max_total_megabytes: int = 5120


@dataclass(frozen=True, kw_only=True)
class AssignmentSpec:
    """A piece of work beside the course's project, such as a sheet.

    Attributes:
        topics_given: 'first-come' or 'by-wish'; empty for a project means the former, and what is no project has no
            topics.
        tasks, max_points: points are those of the tasks, where there are any.
    """

    title: str
    kind: str = "sheet"
    series: str = ""
    number: int | None = None
    due_at: datetime | None = None
    opens_at: datetime | None = None
    registration_closes_at: datetime | None = None
    visible_from: datetime | None = None
    late_policy: str = "accepted"
    late_cutoff_hours: int = 48
    grace_minutes: int = 0
    late_percent: int = 0
    assessed_by: datetime | None = None
    teaming: str = "invited"
    team_min: int = 1
    team_max: int = 1
    hand_in: str = "files"
    grading: str = "passed"
    max_points: Decimal | None = None
    tasks: tuple[TaskSpec, ...] = ()
    pass_percent: int = 50
    question_days: int = 7
    handouts: tuple[HandoutSpec, ...] = ()
    counts: bool = True
    hours: int | None = None
    ects: Decimal | None = None
    mandatory: bool = False
    description: str = ""
    takes_own_ideas: bool = True
    topics_given: str = ""
    wishes_close_at: datetime | None = None
    wishes_min: int = 3
    wishes_max: int = 10
    mentor_limits: tuple[MentorLimitSpec, ...] = ()
    kinds_of_files: tuple[str, ...] = ("zip", "pdf", "ipynb", "tar.gz")
    max_files: int = 10
    max_file_megabytes: int = 50
    max_total_megabytes: int = 5120


WorkSpec = ProjectSpec | AssignmentSpec


@dataclass(frozen=True, kw_only=True)
class TopicSpec:
    """A topic on offer.

    Attributes:
        assignment: the title of the project that it belongs to; empty for the course's project.
    """

    track: str
    title: str
    assignment: str = ""
    description: str = ""
    mentor: str = ""
    skills: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    team_min: int = 1
    team_max: int = 1
    slots: int = 1
    fewest_teams: int = 0
    must_be_held: bool = False
    open: bool = True


@dataclass(frozen=True, kw_only=True)
class ListSpec:
    """A list that the staff keep: attendance, or presentations.

    Attributes:
        planned: occasions in all; None where nobody knows.
    """

    title: str
    planned: int | None = None


@dataclass(frozen=True, kw_only=True)
class BlockSpec:
    """A block of the rule of admission; what a kind of block doesn't ask for is left out.

    Attributes:
        block: points, passed, entries, earlier, project, all or any.
        of: titles of assignments; none for all that count.
        list: the title of one of `[[lists]]`.
        parts: of 'all' and 'any'.
    """

    block: str
    of: tuple[str, ...] = ()
    percent: Decimal | None = None
    leave_out: int = 0
    halves: bool = False
    at_least: int | None = None
    list: str = ""
    parts: tuple["BlockSpec", ...] = ()


@dataclass(frozen=True, kw_only=True)
class RoomSpec:
    name: str
    rows: int
    seats_per_row: int
    spacing: str = "second_seat"
    for_accommodations: bool = False


@dataclass(frozen=True, kw_only=True)
class ExamSpec:
    """A date of an exam.

    Attributes:
        closes_hours_before: so many hours before it sign-up closes, instead of `closes_at`.
        cancelled: why it is not held; empty where it is.
    """

    starts_at: datetime
    kind: str = "written"
    title: str = ""
    duration_minutes: int = 90
    place: str = ""
    examiners: str = ""
    capacity: int | None = None
    opens_at: datetime | None = None
    closes_at: datetime | None = None
    closes_hours_before: int | None = None
    withdraw_until: datetime | None = None
    review_at: datetime | None = None
    review_minutes: int = 60
    review_place: str = ""
    max_points: Decimal = Decimal(100)
    cancelled: str = ""
    rooms: tuple[RoomSpec, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ExtraStepSpec:
    """From how many percent of all points of the assignments how many extra points are given."""

    percent: Decimal
    points: Decimal


@dataclass(frozen=True, kw_only=True)
class ExamRulesSpec:
    binding_name: str = ""
    binding_url: str = ""
    extra_points_lift_fail: bool = False
    needs_matriculation_number: bool = True
    keeps_seat_while_waiting: bool = True
    shows_distribution: bool = True
    extra_points_leave_out: int = 0
    extra_points: tuple[ExtraStepSpec, ...] = ()


@dataclass(frozen=True, kw_only=True)
class GradingSpec:
    exam_percent: int | None = None
    project_is_prerequisite: bool = False
    max_extra_points: Decimal = Decimal(0)
    text: str = ""


@dataclass(frozen=True, kw_only=True)
class SlotSpec:
    """When sessions of a kind are held each week, as far as it is known.

    Attributes:
        kind: of the sessions; see LectureSpec.
        weekday: such as 'thursday'; empty where the course has none.
    """

    kind: str = "lecture"
    weekday: str = ""
    start: time | None = None
    end: time | None = None
    room: str = ""
    mode: str = "in_person"
    call_in: str = ""


@dataclass(frozen=True, kw_only=True)
class FreeDaySpec:
    """Days without class.

    Attributes:
        date: the first, or only, day.
        last: the last day of several, which is free as well.
        title: why, such as 'Ascension Day'; may be empty.
    """

    date: _Date
    last: _Date | None = None
    title: str = ""


@dataclass(frozen=True, kw_only=True)
class DeadlineSpec:
    """Something that is due and is neither the project's nor an exam's.

    Attributes:
        kind: sheet, project, registration or other.
        due_at: the last minute in which it is in time.
        day: its date while the time is open; exactly one of the two is given.
        url: where it stands, or where it is handed in; a whole address.
    """

    title: str
    kind: str = "other"
    due_at: datetime | None = None
    day: _Date | None = None
    url: str = ""

    @property
    def due_on(self) -> _Date | None:
        """Its date."""
        return self.due_at.date() if self.due_at else self.day


@dataclass(frozen=True, kw_only=True)
class CourseSpec:
    """A whole course.

    Attributes:
        timezone: an IANA name; empty where a page doesn't say (a course.toml means Europe/Berlin then).
        comment_snippets: what its staff use again when they comment on points.
        is_complete: True for a course.toml, which says all: what is absent is empty. False
            for a page, which says only some: what is absent stays as it is.
        warnings: what was read as written but looks like a slip.
    """

    slug: str
    title: str
    term: str
    codes: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    institution: str = ""
    ects: Decimal | None = None
    language: str = "en"
    timezone: str = "Europe/Berlin"
    description: str = ""
    first_day: date | None = None
    last_day: date | None = None
    contact_email: str = ""
    enrolment_policy: str = "closed"
    enrolment_code: str = ""
    comment_snippets: tuple[str, ...] = ()
    slots: tuple[SlotSpec, ...] = ()
    staff: tuple[StaffSpec, ...] = ()
    office_hours: tuple[OfficeHourSpec, ...] = ()
    parts: tuple[PartSpec, ...] = ()
    lectures: tuple[LectureSpec, ...] = ()
    free_days: tuple[FreeDaySpec, ...] = ()
    deadlines: tuple[DeadlineSpec, ...] = ()
    projects: ProjectSpec | None = None
    topics: tuple[TopicSpec, ...] = ()
    assignments: tuple[AssignmentSpec, ...] = ()
    lists: tuple[ListSpec, ...] = ()
    admission: tuple[BlockSpec, ...] = ()
    exams: tuple[ExamSpec, ...] = ()
    exam_rules: ExamRulesSpec = ExamRulesSpec()
    grading: GradingSpec = GradingSpec()
    is_complete: bool = field(default=True, compare=False)
    warnings: tuple[str, ...] = field(default=(), compare=False)
