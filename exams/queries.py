"""Exams as a page shows them to one reader."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache

from django.db.models import Count, Exists, OuterRef, Subquery

from amls.core.statements import ModelStatement, Parameter, Statement
from amls.courses.access import Access
from amls.courses.models import Course, Enrolment
from amls.courses.numbers import plain_number
from exams.admission import admission_of
from exams.cards import DateLook, ExamCard, ExamsOverview
from exams.extrapoints import extra_held
from exams.models import Accommodation, Exam, ExamRules, ExamTask, Registration, Result, ResultChange, UniversityEntry
from exams.models.exam import SignUp, told_apart
from exams.models.results import HAS_PASSED

_What = ResultChange.What


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
EXAM_KEY = "exams.exam:"


def key_of_exam(exam: Exam) -> str:
    """Return the key under which an exam stands in the agenda."""
    return f"{EXAM_KEY}{exam.pk}"


def exam_of_key(key: str) -> int | None:
    """Return the primary key of the exam that stands under a key in the agenda; None of any other date."""
    said = key.removeprefix(EXAM_KEY)
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
    return [
        (person.enrolment.verified_number, person.enrolment.user.display_name, office_grade(person), person.state)
        for person in office_people(exam)
    ]


def office_people(exam: Exam) -> list[Registration]:
    """Return who stands on the examination office's list, by name: 1 query."""
    registrations = Registration.objects.filter(exam=exam).select_related("enrolment__user", "result").order_by("pk")
    newest = {registration.enrolment_id: registration for registration in registrations}.values()
    people = [registration for registration in newest if registration.state != Registration.State.WAITLISTED]
    return sorted(people, key=lambda registration: registration.enrolment.user.sort_name)


def office_grade(registration: Registration) -> Decimal | str:
    """Return the grade with which somebody stands on the examination office's list; '' for none."""
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
    along, annotated = ["exam", "seat__room", "result", "cancelled_by"], ["ahead", "has_tasks", "taken_away"]
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
            state=_state_shown(own),
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


def _state_shown(own: Registration | None) -> str:
    if own is None:
        return ""
    return "elsewhere" if own.cancelled_because else str(own.state)


def _can_leave(registration: Registration | None, now: datetime) -> bool:
    if registration is None:
        return False
    if registration.state == Registration.State.WAITLISTED:
        return registration.exam.closed_at is None and now < registration.exam.starts_at
    return registration.state == Registration.State.REGISTERED and registration.exam.may_withdraw(now)
