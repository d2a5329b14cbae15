"""The people of an exam as its staff see them: three lists by pages, in which everyone is found by name or number."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.paginator import Page, Paginator
from django.http import HttpRequest
from django.utils.http import urlencode

from amls.core.folding import is_found, searchable
from amls.core.text import clean_line
from amls.courses.access import Access
from amls.courses.models import Course
from exams.admission import Admission, admissions_of
from exams.models import Exam, Registration, Seat
from exams.models.exam import tell_apart
from exams.naming import known_by
from exams.queries import HAS_PASSED_ANOTHER

GONE = (Registration.State.WITHDRAWN, Registration.State.EXCUSED, Registration.State.CANCELLED)
_ROWS = 100
_CONTRADICTED = "contradicted"
# What takes longest to read of hundreds of people, and what nothing here asks for.
_UNSEEN = (
    "created_at", "arrived_at", "left_at", "reason", "enrolment__created_at",
    "enrolment__user__password", "enrolment__user__last_login", "enrolment__user__date_joined", "result__published_at",
)  # fmt: skip
# What an address says of where somebody is in the lists: what is looked for, whom alone, and the page of each list.
_PLACE = ("q", "only", "holding", "waiting", "gone", "cancelled")


@dataclass(frozen=True, slots=True)
class ExamPerson:
    """Somebody in an exam.

    Attributes:
        registration: with the person, the seat and the result loaded.
        admission: None for who is gone.
        known_by: what tells them from somebody of the same name, see `known_by`.
        place: on the waiting list, from 1; None for who does not wait.
        may_return: of who is gone, see `may_return`.
        elsewhere: of who is gone: to which other date they moved, or which they have now.
        has_moved: whether they moved there from here.
        ends_at: of who is not gone: when it ends for them, where they have more time than others.
    """

    registration: Registration
    admission: Admission | None = None
    known_by: str = ""
    place: int | None = None
    may_return: bool = False
    elsewhere: Exam | None = None
    has_moved: bool = False
    ends_at: datetime | None = None

    def is_meant(self, typed: str) -> bool:
        """Whether the name, the address or the number has every word that was typed, folded as everywhere."""
        enrolment = self.registration.enrolment
        return is_found(typed, searchable(f"{enrolment.user} {enrolment.user.email} {enrolment.number}"))

    @property
    def seat(self) -> Seat | None:
        """Where the person sits, if that is known: to ask a registration for what it lacks costs a template a lot."""
        return getattr(self.registration, "seat", None)

    @property
    def needs_no_seat(self) -> bool:
        """Whether the person holds a seat here and has passed another date."""
        return is_spare(self.registration)

    @property
    def is_contradicted(self) -> bool:
        """Whether the facts have changed since the rules admitted the person."""
        return self.admission is not None and self.admission.is_contradicted


@dataclass(frozen=True, slots=True)
class ExamFigures:
    """How many of those who hold a seat are what."""

    admitted: int
    contradicted: int
    seated: int
    present: int
    absent: int
    graded: int
    graded_without_admission: int


@dataclass(frozen=True, slots=True)
class People:
    """Everyone in an exam, in the order of the lists."""

    holding: Sequence[ExamPerson]
    waiting: Sequence[ExamPerson]
    gone: Sequence[ExamPerson]
    cancelled: Sequence[ExamPerson]

    def figures(self) -> ExamFigures:
        """Return the figures of those who hold a seat."""
        states = [row.registration.state for row in self.holding]
        admitted = sum(row.admission is not None and row.admission.is_admitted for row in self.holding)
        return ExamFigures(
            admitted=admitted,
            contradicted=sum(row.is_contradicted for row in self.holding),
            seated=sum(row.seat is not None for row in self.holding),
            present=states.count(Registration.State.ATTENDED),
            absent=states.count(Registration.State.ABSENT),
            graded=sum(hasattr(row.registration, "result") for row in self.holding),
            graded_without_admission=sum(
                hasattr(row.registration, "result") and not (row.admission and row.admission.is_admitted)
                for row in self.holding
            ),
        )


def people_of(access: Access, exam: Exam) -> People:
    """Return everyone in an exam: 2 queries more than the rules of admission need, and 2 where somebody is gone."""
    along = ("enrolment__user", "enrolment__accommodation", "seat__room", "result")
    loaded = Registration.objects.filter(exam=exam).select_related(*along).by_name()
    everyone = list(loaded.defer(*_UNSEEN).annotate(has_passed_another=HAS_PASSED_ANOTHER))
    here = [registration for registration in everyone if registration.state not in GONE]
    admissions = admissions_of(access.course, [registration.enrolment for registration in here], now=access.now)
    known = known_by([registration.enrolment for registration in here])
    in_line = sorted((waiting for waiting in here if not waiting.holds_seat), key=lambda waiting: waiting.position or 0)
    left = sorted((gone for gone in everyone if gone.state in GONE), key=_as_they_were)
    others = _others_of(left, access.course)
    gone = [_gone(person, others.get(person.enrolment_id, []), exam, access.now) for person in left]
    return People(
        holding=[
            ExamPerson(
                holder, admissions[holder.enrolment_id], known[holder.enrolment_id], ends_at=holder.own_end(exam)
            )
            for holder in here
            if holder.holds_seat
        ],
        waiting=[
            ExamPerson(
                waiting,
                admissions[waiting.enrolment_id],
                known[waiting.enrolment_id],
                place,
                ends_at=waiting.own_end(exam),
            )
            for place, waiting in enumerate(in_line, start=1)
        ],
        gone=[row for row in gone if row.registration.state != Registration.State.CANCELLED],
        cancelled=[row for row in gone if row.registration.state == Registration.State.CANCELLED],
    )


def _others_of(left: Sequence[Registration], course: Course) -> dict[int, list[Registration]]:
    """Return what else people have or had in the course's exams: 2 queries, none where nobody is gone."""
    if not left:
        return {}
    rows = Registration.objects.filter(enrolment__in={person.enrolment_id for person in left})
    others = list(rows.exclude(exam=left[0].exam_id).select_related("exam").order_by("pk"))
    for other in others:
        other.exam.course = course
    tell_apart({other.exam_id: other.exam for other in others}.values())
    by_person: dict[int, list[Registration]] = {}
    for other in others:
        by_person.setdefault(other.enrolment_id, []).append(other)
    return by_person


def _gone(left: Registration, others: Sequence[Registration], exam: Exam, now: datetime) -> ExamPerson:
    # Whoever moves gives up the one in the step that gives them the other.
    has_left = left.state == Registration.State.WITHDRAWN
    moved = next((other for other in others if has_left and other.created_at == left.closed_at), None)
    standing = next((other for other in others if other.closed_at is None and not other.keeps_seat), None)
    other = moved or standing
    return ExamPerson(
        left,
        may_return=may_return(left, exam, now),
        elsewhere=other.exam if other is not None else None,
        has_moved=moved is not None,
    )


def _as_they_were(left: Registration) -> tuple[int, int]:
    """Return the order of who is gone: who had a seat of a date until it was cancelled, who waited, as they did, all others."""
    states = (Registration.State.REGISTERED, Registration.State.WAITLISTED, "")
    return states.index(left.state_until_cancelled), left.position_until_cancelled or 0


@dataclass(frozen=True, slots=True)
class Lists:
    """What the page shows of the lists.

    Attributes:
        typed: what is looked for.
        is_narrowed: whether some are left out.
        holding, waiting, gone, cancelled: a page of each list.
        place: these as an address says them, see `place_of`.
    """

    typed: str
    is_narrowed: bool
    holding: Page[ExamPerson]
    waiting: Page[ExamPerson]
    gone: Page[ExamPerson]
    cancelled: Page[ExamPerson]
    place: str


def is_spare(registration: Any) -> bool:
    """Return whether somebody, of whom it was asked whether they `has_passed_another` date, holds a seat that they don't need."""
    holds = registration.state == Registration.State.REGISTERED and not hasattr(registration, "result")
    return holds and registration.has_passed_another


def may_return(registration: Registration, exam: Exam, now: datetime) -> bool:
    """Return whether an excuse can be corrected to 'absent' or 'attended': once the exam has begun, until it is frozen."""
    is_excused = registration.state == Registration.State.EXCUSED
    return is_excused and exam.starts_at <= now and exam.frozen_at is None


def lists_of(request: HttpRequest, people: People) -> Lists:
    """Return the pages of the lists that an address asks for; a page that isn't there is the nearest that is."""
    typed, is_narrowed = clean_line(request.GET.get("q", "")), request.GET.get("only") == _CONTRADICTED

    def shown(name: str, everyone: Sequence[ExamPerson]) -> Page[ExamPerson]:
        meant = [row for row in everyone if not is_narrowed or row.is_contradicted]
        rows = [row for row in meant if not typed or row.is_meant(typed)]
        return Paginator(rows, _ROWS).get_page(request.GET.get(name))

    return Lists(
        typed=typed,
        is_narrowed=bool(typed) or is_narrowed,
        holding=shown("holding", people.holding),
        waiting=shown("waiting", people.waiting),
        gone=shown("gone", people.gone),
        cancelled=shown("cancelled", people.cancelled),
        place=place_of(request),
    )


def place_of(request: HttpRequest) -> str:
    """Return where in the lists the address of a request is, from the question mark on; empty for the beginning."""
    named = {name: request.GET[name] for name in _PLACE if request.GET.get(name)}
    return f"?{urlencode(named)}" if named else ""
