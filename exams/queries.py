"""Exams as a page shows them to one reader."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any

from django.db.models import Count, Exists, OuterRef, Prefetch, Subquery

from amls.core.statements import ModelStatement, Parameter, Statement, is_among
from amls.courses.access import Access
from amls.courses.models import Course, Enrolment
from amls.courses.numbers import plain_number
from amls.grading.tasks import TaskScore, TaskSum
from exams.admission import Admission, admission_of
from exams.extrapoints import ExtraHeld, extra_held
from exams.models import (
    Accommodation,
    Exam,
    ExamRules,
    ExamTask,
    ExamTaskPoints,
    Registration,
    Result,
    ResultChange,
    UniversityEntry,
)
from exams.models.exam import SignUp, told_apart
from exams.models.results import HAS_PASSED

_What = ResultChange.What


@dataclass(frozen=True, slots=True)
class DateLook:
    """What a date shows to all who stand alike in it: a row in the sense of `amls.pagecache.parts.SharedRow`.

    Nothing of a person is within its reach: their seat, their result and their place in the line stand beside it.

    Attributes:
        exam: of whose counters nothing is shown.
        state: of the reader's registration; empty without one.
        is_coming: whether it is still to be, and neither closed nor cancelled.
        is_over: whether it has been: nobody moves up, or holds a seat that they could still take.
        ways: what buttons offer now: 'slip', 'register', 'move', 'withdraw'; 'wait' for it and keep the seat of another date;
            'hold' a seat of it and keep the place on the waiting list of another date.
        is_free: whether the next to come gets a seat.
        ends_at: with the reader's extra time.
        main: the date in which the reader takes part, or for which they wait without a seat.
        hindrance: why no button is offered to whoever might expect one: 'passed', 'left' (the waiting list, having passed),
            'full', 'open' or 'bound'; 'spare', a seat that who has passed another date still holds; mostly empty.
    """

    exam: Exam
    state: str
    is_coming: bool
    is_over: bool
    sign_up: SignUp
    ways: tuple[str, ...]
    is_free: bool
    ends_at: datetime
    main: Exam | None
    hindrance: str

    @property
    def shown(self) -> tuple[Any, ...]:
        """Return all that a card shows of it."""
        return (
            self.exam.shown, self.state, self.is_coming, self.is_over, self.sign_up, self.ways, self.is_free,
            self.ends_at, self.main.shown if self.main is not None else None, self.hindrance,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class ExamCard:
    """One date of an exam, and what the reader has and may do there.

    Attributes:
        own: the reader's newest registration for it.
        place: how many stand before them on the waiting list, counting themselves; 0 if they don't wait.
        is_on_list: whether the university's list names the reader; None without a list, a number or a seat, such as who waits.
        look: what it shows to all who stand alike in it.
        task_points: for the tasks of the reader's published result, where a page asks for them: see `with_task_points`.
        graded: how the grade of the reader's published result comes about, where a page asks for it: see `exams.graded`.
    """

    own: Registration | None
    place: int
    is_on_list: bool | None
    look: DateLook
    task_points: Sequence[ExamTaskPoints] = ()
    graded: Any = None

    @property
    def exam(self) -> Exam:
        """The date, with its counters."""
        return self.look.exam

    @property
    def sign_up(self) -> SignUp:
        """How sign-up stands."""
        return self.look.sign_up

    @property
    def ends_at(self) -> datetime:
        """When it ends, with the reader's extra time."""
        return self.look.ends_at

    @property
    def ways(self) -> tuple[str, ...]:
        """What buttons offer now; see `DateLook`."""
        return self.look.ways

    @property
    def is_active(self) -> bool:
        """Whether the reader takes part or waits."""
        return self.own is not None and self.own.closed_at is None

    @property
    def keeps_seat(self) -> bool:
        """Whether the reader waits here and holds a seat of another date meanwhile."""
        return self.own is not None and self.own.keeps_seat

    @property
    def is_own(self) -> bool:
        """Whether the reader takes part, waits, or took part; also where the date was cancelled."""
        return self.own is not None and self.own.state not in (Registration.State.WITHDRAWN, Registration.State.EXCUSED)

    @property
    def seat(self) -> object | None:
        """The reader's seat, once seats are released."""
        if self.own is None or self.exam.seats_released_at is None:
            return None
        return getattr(self.own, "seat", None)

    @property
    def call_in(self) -> str:
        """How the reader calls in: only who holds a seat of this very date, that is still to end, may know."""
        return self.exam.call_in if self.own is not None and self.own.holds_seat and not self.look.is_over else ""

    @property
    def result(self) -> Result | None:
        """The reader's published result."""
        result: Result | None = getattr(self.own, "result", None) if self.own is not None else None
        return result if result is not None and result.state == Result.State.PUBLISHED else None

    @property
    def taken_away(self) -> str:
        """Why the reader's published result is there no more; '' where it is, or never was."""
        return (getattr(self.own, "taken_away", None) or "") if self.result is None else ""


@dataclass(frozen=True, slots=True)
class ExamsOverview:
    """All exams of a course for one reader.

    Attributes:
        is_over: nobody sits any of them any more.
        extra: the reader's extra points, where the course gives some for assignments.
    """

    cards: list[ExamCard]
    admission: Admission | None
    rules: ExamRules
    accommodation: Accommodation | None
    is_over: bool
    extra: ExtraHeld | None = None

    @property
    def extra_points_need_a_pass(self) -> bool:
        """Whether there are extra points in this course, which count only for who passes without them."""
        return self.rules.max_extra_points > 0 and not self.rules.extra_points_lift_fail

    def foremost_at(self, now: datetime) -> ExamCard | None:
        """Return one's own exam, the next one to sign up for, one's newest result, the next one, or one that was cancelled: the tile's."""
        coming = [card for card in self.cards if card.exam.ends_at > now and not card.exam.is_cancelled]
        is_open = next((card for card in coming if "register" in card.ways), None)
        return self.active or is_open or self.newest_result or next(iter(coming), None) or self.lost_at(now)

    @property
    def shows_admission(self) -> bool:
        """Whether it still matters to the reader whether they are admitted."""
        has_passed = any(card.own is not None and card.own.has_passed for card in self.cards)
        return self.admission is not None and not has_passed and not self.is_over

    @property
    def active(self) -> ExamCard | None:
        """The exam that the reader takes part in, or waits for without a seat."""
        return next((card for card in self.cards if card.is_active and not card.keeps_seat), None)

    @property
    def may_register(self) -> bool:
        """Whether the reader can sign up for some date now."""
        return any("register" in card.ways for card in self.cards)

    def lost_at(self, now: datetime) -> ExamCard | None:
        """Return the date to come that the reader was in until it was cancelled, where they have no other one."""
        if self.active is not None:
            return None
        lost = (card for card in self.cards if card.own is not None and card.own.state == Registration.State.CANCELLED)
        return next((card for card in lost if card.exam.ends_at > now), None)

    @property
    def beside(self) -> ExamCard | None:
        """The exam that the reader waits for while they hold a seat of another one."""
        return next((card for card in self.cards if card.keeps_seat), None)

    @property
    def mine_first(self) -> list[ExamCard]:
        """Return the exam that the reader takes part in, that which they wait for, then the others in their order."""
        return sorted(self.cards, key=lambda card: (not card.is_active, card.keeps_seat))

    @property
    def newest_result(self) -> ExamCard | None:
        """The last exam whose result the reader has."""
        return next((card for card in reversed(self.cards) if card.result is not None), None)


def in_order_of_tasks() -> "Prefetch[Any, Any, Any]":
    """Return what loads, with registrations, the points for tasks in the order of these: 1 query."""
    return Prefetch("task_points", ExamTaskPoints.objects.select_related("task").order_by("task__position", "task"))


def task_sums(registrations: Iterable[Registration]) -> list[tuple[Registration, TaskSum]]:
    """Return who of these people has points for tasks, and which: 2 queries, 1 without any.

    Args:
        registrations: of one exam.
    """
    people = list(registrations)
    given: dict[int, dict[int, Decimal]] = defaultdict(dict)
    rows = ExamTaskPoints.objects.filter(registration__in=[person.pk for person in people])
    for registration, task, points in rows.values_list("registration", "task", "points"):
        given[registration][task] = points
    if not given:
        return []
    tasks = list(ExamTask.objects.filter(exam__in={person.exam_id for person in people}))
    return [(person, score_of_tasks(tasks, given[person.pk])) for person in people if person.pk in given]


def score_of_tasks(tasks: Iterable[ExamTask], given: Mapping[int, Decimal]) -> TaskSum:
    """Return a score from points by task."""
    return TaskSum(tuple(TaskScore(task, task.max_points, given.get(task.pk)) for task in tasks))


def stack_order(registrations: Iterable[Registration]) -> list[Registration]:
    """Return people in the order of the stack of papers: by matriculation number, who has none last, by name."""

    def place(person: Registration) -> tuple[bool, int, str, str]:
        number = plain_number(person.enrolment.number)
        return not number, len(number), number, person.enrolment.user.sort_name

    return sorted(registrations, key=place)


def with_task_points(overview: ExamsOverview) -> ExamsOverview:
    """Return the overview with the points for tasks of published results: 1 query where one of these exams has tasks."""
    own = [card.own for card in overview.cards if card.own is not None and card.result is not None]
    published = [registration.pk for registration in own if getattr(registration, "has_tasks", True)]
    points: dict[int, list[ExamTaskPoints]] = defaultdict(list)
    for given in _task_points().read({"registrations": published}) if published else ():
        points[given.registration_id].append(given)
    if not points:
        return overview
    cards = [
        replace(card, task_points=points[card.own.pk]) if card.own is not None else card for card in overview.cards
    ]
    return replace(overview, cards=cards)


@cache
def _task_points() -> ModelStatement[ExamTaskPoints]:
    rows = ExamTaskPoints.objects.filter(is_among("registration_id", Parameter("registrations")))
    return ModelStatement.of(rows.order_by("task__position", "task"), along=["task"])


def exam_rules(course: Course) -> ExamRules:
    """Return what holds for all exams of the course, the defaults where nothing is set: 1 query, once per `course`."""
    return getattr(course, "exam_rules", None) or ExamRules(course_id=course.pk)


def exams_for(access: Access) -> ExamsOverview:
    """Return the course's exams as the reader sees them: at most 5 queries and those of the admission.

    It is kept on the reader's enrolment, where what else the page asks of them finds it: see `overview_of`.
    """
    course, enrolment, now = access.course, access.enrolment, access.now
    exams = _exams().read({"course": course.pk})
    rules = exam_rules(course)
    told_apart(exams, [(course.pk, exam.starts_at, course.zone) for exam in exams])
    reader = _CardReader.of(enrolment, exams, course=course, rules=rules, now=now)
    cards = [reader.card_of(exam) for exam in exams]
    admission = admission_of(enrolment, now=now) if enrolment is not None and reader.is_student and exams else None
    is_over = bool(cards) and all(card.ends_at <= now for card in cards)
    extra = extra_held(course, enrolment, now=now) if enrolment is not None and reader.is_student else None
    overview = ExamsOverview(cards, admission, rules, reader.accommodation, is_over, extra)
    if enrolment is not None:
        enrolment.exams_overview = overview  # type: ignore[attr-defined]
    return overview


# Of a registration: whether its person has passed some date; where its own result is none, another one.
HAS_PASSED_ANOTHER = Exists(Registration.objects.filter(HAS_PASSED, enrolment=OuterRef("enrolment")))
_EXAM_KEY = "exams.exam:"


def key_of_exam(exam: Exam) -> str:
    """Return the key under which an exam stands in the agenda."""
    return f"{_EXAM_KEY}{exam.pk}"


def exam_of_key(key: str) -> int | None:
    """Return the primary key of the exam that stands under a key in the agenda; None of any other date."""
    said = key.removeprefix(_EXAM_KEY)
    return int(said) if said != key and said.isdecimal() else None


def why_cancelled(keys: Collection[str]) -> dict[str, str]:
    """Return why exams are cancelled, by the keys under which they stand in the agenda: 1 query, none without a key."""
    by_exam = {exam: key for key in keys if (exam := exam_of_key(key)) is not None}
    if not by_exam:
        return {}
    rows = Exam.objects.filter(pk__in=by_exam, cancelled_at__isnull=False)
    return {by_exam[pk]: why for pk, why in rows.values_list("pk", "cancelled_because")}


def overview_of(enrolment: Enrolment) -> ExamsOverview | None:
    """Return what `exams_for` has kept of a person, or None: no query."""
    overview: ExamsOverview | None = getattr(enrolment, "exams_overview", None)
    return overview


def _is_on_list(active: Registration | None, enrolment: Enrolment | None) -> bool | None:
    number = plain_number(enrolment.number) if active is not None and enrolment is not None else ""
    if active is None or not active.holds_seat or not number:
        return None
    has_list, is_on_it = _on_list().run({"exam": active.exam_id, "number": number})[0]
    return is_on_it if has_list else None


@cache
def _on_list() -> Statement:
    """Return whether an exam has the university's list, and whether that names a number."""
    listed = UniversityEntry.objects.filter(exam=OuterRef("pk"))
    named = listed.filter(plain_number=Parameter("number"))
    return Statement.of(Exam.objects.filter(pk=Parameter("exam")).order_by().values_list(Exists(listed), Exists(named)))


def removal_of(registration: Registration) -> ResultChange | None:
    """Return how somebody's published result was taken away, where there is no other one since: 1 query."""
    removals = ResultChange.objects.filter(
        registration=registration, what=_What.REMOVED, pk__gt=_last_published("registration")
    )
    return removals.order_by("pk").first()


def _last_published(registration: str) -> Subquery:
    """Return the key of the row by which a result was published last; `registration` names it in the query around."""
    rows = ResultChange.objects.filter(registration=OuterRef(registration), what=_What.STATE, after="published")
    return Subquery(rows.order_by("-pk").values("pk")[:1])


def place_in_line(registration: Registration) -> int:
    """Return how many stand on the waiting list up to this person, counting them: at most 1 query.

    `registration.exam` is as it was when the registration was read or written: under its lock
    whoever came last is told at once.
    """
    if registration.position == registration.exam.last_position:
        return registration.exam.waiting
    return Registration.objects.waiting().filter(exam=registration.exam, position__lte=registration.position).count()


def office_rows(exam: Exam) -> list[tuple[str, str, Decimal | str, str]]:
    """Return the examination office's list: number, name, grade and state of everyone, by name: 1 query.

    Only a published result of somebody who attended has a grade: absent, excused and
    withdrawn are no 5.0. Who withdrew and came back stands there once, as they are now. A number stands there only
    if the course has verified it.
    """
    registrations = Registration.objects.filter(exam=exam).select_related("enrolment__user", "result").order_by("pk")
    newest = {registration.enrolment_id: registration for registration in registrations}.values()
    people = [registration for registration in newest if registration.state != Registration.State.WAITLISTED]
    people.sort(key=lambda registration: registration.enrolment.user.sort_name)
    return [
        (person.enrolment.verified_number, person.enrolment.user.display_name, _grade(person), person.state)
        for person in people
    ]


def _grade(registration: Registration) -> Decimal | str:
    result: Result | None = getattr(registration, "result", None)
    if result is None or result.grade is None or result.state != Result.State.PUBLISHED:
        return ""
    return result.grade if registration.state == Registration.State.ATTENDED else ""


def _own_registrations(enrolment: Enrolment | None) -> dict[int, Registration]:
    if enrolment is None:
        return {}
    # The newest per exam stands for it: who withdrew may have come back.
    return {row.exam_id: row for row in _registrations().read({"enrolment": enrolment.pk})}


@cache
def _exams() -> ModelStatement[Exam]:
    return ModelStatement.of(Exam.objects.filter(course=Parameter("course")).order_by("starts_at", "pk"))


@cache
def _registrations() -> ModelStatement[Registration]:
    """Return a person's registrations with `ahead`, how many wait there up to their place, None for who waits nowhere.

    And with `has_tasks`, whether the exam has any, and `taken_away`, why the result that they knew is: see `removal_of`.
    """
    line = Registration.objects.waiting().filter(exam=OuterRef("exam"), position__lte=OuterRef("position"))
    count = Subquery(line.order_by().values("exam").annotate(count=Count("pk")).values("count"))
    rows = Registration.objects.filter(enrolment=Parameter("enrolment")).order_by("pk")
    removals = ResultChange.objects.filter(registration=OuterRef("pk"), what=_What.REMOVED)
    removal = removals.filter(pk__gt=_last_published("registration")).order_by("pk").values("reason")
    has_tasks = Exists(ExamTask.objects.filter(exam=OuterRef("exam")))
    rows = rows.annotate(ahead=count, has_tasks=has_tasks, taken_away=Subquery(removal[:1]))
    along, annotated = ["exam", "seat__room", "result"], ["ahead", "has_tasks", "taken_away"]
    return ModelStatement.of(rows, along=along, annotated=annotated)


@dataclass(frozen=True, slots=True)
class _CardReader:
    """What the cards of all dates go by: who reads them, and what they have among these dates.

    Attributes:
        dates: all of the course, by key.
        own: by exam, their newest registration.
        active: the one by which they take part, or wait without a seat.
        has_passed: whether they have a published pass, so that no other date is for them.
        may_wait: whether they may join another date's waiting list and keep their seat.
        may_hold: whether they may take another date's seat and keep their place on the waiting list.
        is_on_list: whether the university's list for the active one names them; see `ExamCard`.
    """

    course: Course
    dates: Mapping[int, Exam]
    now: datetime
    is_student: bool
    own: Mapping[int, Registration]
    active: Registration | None
    has_passed: bool
    may_wait: bool
    may_hold: bool
    is_on_list: bool | None
    accommodation: Accommodation | None

    @classmethod
    def of(
        cls, enrolment: Enrolment | None, exams: Iterable[Exam], *, course: Course, rules: ExamRules, now: datetime
    ) -> "_CardReader":
        """Return what the course's cards go by for who has this part in it: at most 2 queries."""
        own = _own_registrations(enrolment)
        standing = [registration for registration in own.values() if registration.closed_at is None]
        active = next((registration for registration in standing if not registration.keeps_seat), None)
        # Only who has nothing else may have two: a seat, and a place on the waiting list of another date.
        only = active if len(standing) == 1 and rules.keeps_seat_while_waiting else None
        return cls(
            course=course,
            dates={exam.pk: exam for exam in exams},
            now=now,
            is_student=enrolment is not None and not enrolment.is_staff,
            own=own,
            active=active,
            has_passed=any(registration.has_passed for registration in own.values()),
            may_wait=only is not None and only.holds_seat and _can_leave(only, now),
            may_hold=only is not None and only.state == Registration.State.WAITLISTED and only.exam.may_withdraw(now),
            is_on_list=_is_on_list(active, enrolment),
            accommodation=getattr(enrolment, "accommodation", None),
        )

    def card_of(self, exam: Exam) -> ExamCard:
        """Return what one date shows them."""
        exam.course = self.course
        own, active, now = self.own.get(exam.pk), self.active, self.now
        sign_up = exam.sign_up(now)
        is_open = self.is_student and sign_up == SignUp.OPEN and self.course.state == Course.State.RUNNING
        may_come = is_open and not self.has_passed
        here = own if own is not None and own.closed_at is None else None
        ends_at = self.accommodation.ends_at(exam) if self.accommodation is not None else exam.ends_at
        is_over = ends_at <= now or exam.closed_at is not None
        waits = own is not None and own.state == Registration.State.WAITLISTED and not is_over
        is_elsewhere = may_come and here is None and active is not None
        is_free = exam.has_free_seat
        may = {
            "slip": here is not None and here.state == Registration.State.REGISTERED,
            "register": may_come and active is None,
            "hold": is_elsewhere and self.may_hold and is_free and exam.may_withdraw(now),
            "move": is_elsewhere and _can_leave(active, now) and is_free,
            "wait": is_elsewhere and self.may_wait and not is_free and exam.may_withdraw(now),
            "withdraw": _can_leave(here, now),
        }
        hindrance = ""
        if self.has_passed and own is not None and own.position_until_passed is not None:
            hindrance = "left"
        elif self.has_passed and here is not None and here.state == Registration.State.REGISTERED:
            hindrance = "spare"
        elif self.has_passed and is_open and here is None:
            hindrance = "passed"
        elif is_elsewhere and not may["move"] and not may["wait"]:
            hindrance = self._hindrance(exam)
        look = DateLook(
            exam=exam,
            state=own.state if own is not None else "",
            is_coming=exam.starts_at > now and exam.closed_at is None and not exam.is_cancelled,
            is_over=is_over,
            sign_up=sign_up,
            ways=tuple(way for way, is_offered in may.items() if is_offered),
            is_free=is_free,
            ends_at=ends_at,
            main=self.dates[active.exam_id] if active is not None else None,
            hindrance=hindrance,
        )
        return ExamCard(
            own=own,
            place=getattr(own, "ahead", 0) if waits else 0,
            is_on_list=self.is_on_list if here is not None and here == active else None,
            look=look,
        )

    def _hindrance(self, exam: Exam) -> str:
        """Return why who holds another date can't come to this one."""
        if not exam.has_free_seat:
            return "full"
        return "open" if self.active is not None and self.active.exam.starts_at <= self.now else "bound"


def _can_leave(registration: Registration | None, now: datetime) -> bool:
    if registration is None:
        return False
    if registration.state == Registration.State.WAITLISTED:
        return registration.exam.closed_at is None and now < registration.exam.starts_at
    return registration.state == Registration.State.REGISTERED and registration.exam.may_withdraw(now)
