"""What a course file says. Times are wall-clock times in the course's zone."""

from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal


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
    title: str
    starts_at: datetime
    ends_at: datetime
    number: str = ""
    part: str = ""
    room: str = ""
    mode: str = "in_person"
    call_in: str = ""
    call_in_public: bool = False
    state: str = "planned"
    abstract: str = ""
    materials: tuple[MaterialSpec, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ProjectSpec:
    submission_deadline: datetime | None = None
    registration_opens_at: datetime | None = None
    registration_closes_at: datetime | None = None
    late_cutoff_hours: int = 48
    assessed_by: datetime | None = None
    hours: int | None = None
    ects: Decimal | None = None
    mandatory: bool = False
    description: str = ""
    takes_own_ideas: bool = True
    kinds_of_files: tuple[str, ...] = ("zip", "pdf", "ipynb", "tar.gz")
    max_files: int = 10
    max_file_megabytes: int = 50


@dataclass(frozen=True, kw_only=True)
class TopicSpec:
    track: str
    title: str
    description: str = ""
    mentor: str = ""
    skills: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    team_min: int = 1
    team_max: int = 1
    slots: int = 1
    open: bool = True


@dataclass(frozen=True, kw_only=True)
class RoomSpec:
    name: str
    rows: int
    seats_per_row: int
    spacing: str = "second_seat"
    for_accommodations: bool = False


@dataclass(frozen=True, kw_only=True)
class ExamSpec:
    starts_at: datetime
    kind: str = "written"
    title: str = ""
    duration_minutes: int = 90
    place: str = ""
    capacity: int | None = None
    opens_at: datetime | None = None
    closes_at: datetime | None = None
    withdraw_until: datetime | None = None
    review_at: datetime | None = None
    review_minutes: int = 60
    review_place: str = ""
    max_points: Decimal = Decimal(100)
    rooms: tuple[RoomSpec, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ExamRulesSpec:
    binding_name: str = ""
    binding_url: str = ""
    extra_points_lift_fail: bool = False
    needs_matriculation_number: bool = True


@dataclass(frozen=True, kw_only=True)
class GradingSpec:
    exam_percent: int | None = None
    project_is_prerequisite: bool = False
    max_extra_points: Decimal = Decimal(0)
    text: str = ""


@dataclass(frozen=True, kw_only=True)
class SlotSpec:
    weekday: str = ""
    start: time | None = None
    end: time | None = None
    room: str = ""
    mode: str = "in_person"
    call_in: str = ""


@dataclass(frozen=True, kw_only=True)
class CourseSpec:
    """A whole course.

    Attributes:
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
    slot: SlotSpec = SlotSpec()
    staff: tuple[StaffSpec, ...] = ()
    office_hours: tuple[OfficeHourSpec, ...] = ()
    parts: tuple[PartSpec, ...] = ()
    lectures: tuple[LectureSpec, ...] = ()
    projects: ProjectSpec | None = None
    topics: tuple[TopicSpec, ...] = ()
    exams: tuple[ExamSpec, ...] = ()
    exam_rules: ExamRulesSpec = ExamRulesSpec()
    grading: GradingSpec = GradingSpec()
    is_complete: bool = field(default=True, compare=False)
    warnings: tuple[str, ...] = field(default=(), compare=False)
