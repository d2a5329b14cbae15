"""Exams as the agenda has them: for everyone, and for each who takes part."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db.models import QuerySet
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from amls.agenda.models import ItemKind, Status
from amls.agenda.sources import Item, deadline, in_each_language, opening
from amls.core.text import say_some
from amls.core.times import say_date
from amls.courses.managers import EnrolmentQuerySet
from amls.courses.models import Audience, Course, Enrolment
from amls.courses.permissions import may_manage
from exams.examiners import conducts
from exams.managers import RegistrationQuerySet
from exams.models import Accommodation, Exam, Registration
from exams.naming import say_hours
from exams.queries import key_of_exam

SOURCE = "exams"
# A course has several dates: each title says of which it is.
_TITLES = {
    "signup-opens": gettext_noop("Exam of %(day)s: sign-up opens"),
    "signup-closes": gettext_noop("Exam of %(day)s: sign-up closes"),
    "withdraw-until": gettext_noop("Exam of %(day)s: last day to withdraw"),
    "review": gettext_noop("Exam of %(day)s: review"),
}
# Oral exams are many, and their windows one: a title says of which it is by its moment.
_ORAL_TITLES = {
    "signup-opens": gettext_noop("Oral exams: sign-up opens"),
    "signup-closes": gettext_noop("Oral exams: sign-up closes"),
    "withdraw-until": gettext_noop("Oral exams: last day to withdraw"),
}
_MOMENTS = {"signup-opens": "opens_at", "signup-closes": "closes_at", "withdraw-until": "withdraw_until"}


class ExamKeys:
    """The keys under which the dates of a course's exams stand in the agenda.

    An exam has its own, and so have the windows of a written one. Those of oral exams that are at one moment are one item,
    known by the first of them (what is left keeps the item when that goes: `amls.agenda.returning`); where sign-up closes so long
    before each of a day, it is one item for the day and so many hours, at the first of these moments. Of oral exams that share
    a local day each is an item for who takes part alone, and the day is one for all.
    """

    def __init__(self, exams: Iterable[Exam], zone: ZoneInfo) -> None:
        self.exams = sorted(exams, key=lambda exam: exam.pk)
        self.zone = zone
        self._first: dict[tuple[str, datetime], Exam] = {}
        self._of_day: dict[date, list[Exam]] = {}
        for exam in self.exams:
            if exam.kind != Exam.Kind.ORAL:
                continue
            self._of_day.setdefault(self._day(exam), []).append(exam)
            if exam.is_cancelled:
                continue
            for what, moment in moments_of(exam):
                if not closes_before_each(exam, what):
                    self._first.setdefault((what, moment), exam)

    def _day(self, exam: Exam) -> date:
        return exam.starts_at.astimezone(self.zone).date()

    def of_window(self, exam: Exam, what: str) -> str:
        """Return the key of a window of an exam: 'signup-opens', 'signup-closes' or 'withdraw-until'."""
        if closes_before_each(exam, what):
            return f"{self.of_day(exam)}:{exam.closes_hours_before}h-before"
        moment = getattr(exam, _MOMENTS[what])
        first = self._first.get((what, moment)) if exam.kind == Exam.Kind.ORAL else None
        return f"{_ORAL}:{first.pk}:{what}" if first is not None else f"{key_of_exam(exam)}:{what}"

    def is_slot(self, exam: Exam) -> bool:
        """Whether an exam is one of several oral ones of its day."""
        return exam.kind == Exam.Kind.ORAL and len(self._of_day[self._day(exam)]) > 1

    def of_day(self, exam: Exam) -> str:
        """Return the key of the day of a slot."""
        return f"{_ORAL_DAY}:{self._day(exam).isoformat()}"

    def days(self) -> list[list[Exam]]:
        """Return the slots of each day that has several."""
        return [exams for _day, exams in sorted(self._of_day.items()) if len(exams) > 1]


_ORAL, _ORAL_DAY = f"{SOURCE}.oral", f"{SOURCE}.oral-day"
_ORAL_KEY = re.compile(rf"{re.escape(_ORAL)}:(\d+):([a-z-]+)")


def closes_before_each(exam: Exam, what: str) -> bool:
    """Whether a window is the closing of sign-up so many hours before an oral exam, which is one for those of a day."""
    return what == "signup-closes" and exam.kind == Exam.Kind.ORAL and exam.closes_hours_before is not None


_DAY_KEY = re.compile(rf"{re.escape(_ORAL_DAY)}:(\d{{4}}-\d\d-\d\d):(\d+)h-before")


def closing_before_of_key(key: str) -> tuple[date, int] | None:
    """Return of which day a closing of sign-up so many hours before each oral exam is, and how many; None of any other date."""
    match = _DAY_KEY.fullmatch(key)
    return (date.fromisoformat(match[1]), int(match[2])) if match is not None else None


def closing_before(course: Course, day: date, hours: int) -> QuerySet[Exam]:
    """Return the oral exams of a day of the course whose sign-up closes so many hours before each: part of a query."""
    begins = datetime.combine(day, time(), tzinfo=course.zone)
    ends = datetime.combine(day + timedelta(days=1), time(), tzinfo=course.zone)
    return Exam.objects.filter(
        course=course,
        kind=Exam.Kind.ORAL,
        cancelled_at=None,
        closes_hours_before=hours,
        starts_at__gte=begins,
        starts_at__lt=ends,
    )


def oral_window_of_key(key: str) -> tuple[int, str] | None:
    """Return by which exam a window of oral exams is known, and which window it is; None of any other date."""
    match = _ORAL_KEY.fullmatch(key)
    return (int(match[1]), match[2]) if match is not None and match[2] in _MOMENTS else None


def moments_of(exam: Exam) -> list[tuple[str, datetime]]:
    """Return the windows of an exam that are fixed, each with its moment."""
    windows = [(what, getattr(exam, name)) for what, name in _MOMENTS.items()]
    return [(what, moment) for what, moment in windows if moment is not None]


def same_window(exam: Exam, what: str) -> QuerySet[Exam]:
    """Return the oral exams whose window is the same as that of one of them: part of a query."""
    name = _MOMENTS[what]
    return Exam.objects.filter(
        course=exam.course_id, kind=Exam.Kind.ORAL, cancelled_at=None, **{name: getattr(exam, name)}
    )


def items_of(course: Course) -> Iterator[Item]:
    """Yield each exam, cancelled ones as such, with the opening and closing of its sign-up, its last moment to withdraw, its review; oral ones together."""
    keys = ExamKeys(Exam.objects.filter(course=course), course.zone)
    said = set[str]()
    closing: dict[str, Exam] = {}
    for exam in keys.exams:
        item = exam_item(exam, course)
        yield replace(item, is_for_participants=True) if keys.is_slot(exam) else item
        if exam.is_cancelled:
            # Nobody signs up, withdraws or looks at it: calendars drop these, and show the exam itself as cancelled.
            continue
        for what, moment in moments_of(exam):
            key = keys.of_window(exam, what)
            if closes_before_each(exam, what):
                closing[key] = min(closing.get(key, exam), exam, key=lambda first: first.starts_at)
            elif key not in said:
                said.add(key)
                yield window_item(exam, what, moment, course, key=key)
        yield from _review(exam, course)
    for key, exam in closing.items():
        assert exam.closes_at is not None  # noqa: S101 - the database sees to it
        yield window_item(exam, "signup-closes", exam.closes_at, course, key=key)
    for exams in keys.days():
        yield _day_item(exams, keys.of_day(exams[0]), course)


def exam_item(exam: Exam, course: Course) -> Item:
    """Return the item of the exam itself, as everyone sees it."""
    return Item(
        key=key_of_exam(exam),
        kind=ItemKind.EXAM,
        title=in_each_language(lambda: str(exam)),
        starts_at=exam.starts_at,
        ends_at=exam.ends_at,
        place=exam.place,
        conducted_by=exam.examiners,
        path=_path(course),
        status=Status.CANCELLED if exam.is_cancelled else Status.CONFIRMED,
    )


def _day_item(of_day: Sequence[Exam], key: str, course: Course) -> Item:
    """Return the item of a day of oral exams: from the first to the last that are held, wherever they are."""
    held = [exam for exam in of_day if not exam.is_cancelled]
    exams = held or of_day
    titles, places, examiners = ({getattr(exam, name) for exam in exams} for name in ("title", "place", "examiners"))
    title = next(iter(titles)) if len(titles) == 1 else ""
    return Item(
        key=key,
        kind=ItemKind.EXAM,
        title=title or in_each_language(lambda: _("Oral exams")),
        starts_at=min(exam.starts_at for exam in exams),
        ends_at=max(exam.ends_at for exam in exams),
        place=", ".join(sorted(filter(None, places))),
        conducted_by=examiners.pop() if len(examiners) == 1 else "",
        status=Status.CONFIRMED if held else Status.CANCELLED,
        path=_path(course),
    )


def window_item(exam: Exam, what: str, moment: datetime, course: Course, *, key: str) -> Item:
    """Return the item of a window of an exam, or of all oral ones at this moment."""
    title, path = _title(what, exam, course), _path(course)
    if what == "signup-opens":
        return opening(key=key, title=title, opens_at=moment, path=path)
    return deadline(key=key, title=title, due_at=moment, path=path)


def _review(exam: Exam, course: Course) -> Iterator[Item]:
    if exam.review_at and exam.review_ends_at:
        yield Item(
            key=f"{key_of_exam(exam)}:review",
            kind=ItemKind.EXAM,
            title=_title("review", exam, course),
            starts_at=exam.review_at,
            ends_at=exam.review_ends_at,
            place=exam.review_place,
            path=_path(course),
            audience=Audience.ENROLLED,
        )


def _title(name: str, exam: Exam, course: Course) -> str:
    if closes_before_each(exam, name):
        return in_each_language(lambda: _say_closing_before(exam))
    if exam.kind == Exam.Kind.ORAL and name in _ORAL_TITLES:
        return in_each_language(lambda: _(_ORAL_TITLES[name]))
    return in_each_language(lambda: _(_TITLES[name]) % {"day": say_date(exam.starts_at, course.zone)})


def _say_closing_before(exam: Exam) -> str:
    span = say_hours(exam.closes_hours_before or 0)
    return _("Oral exams: sign-up closes %(span)s before each") % {"span": span}


def _path(course: Course) -> str:
    return reverse("exams:exams", args=[course.slug])


def own_items(course: Course, enrolments: Sequence[Enrolment]) -> dict[int, list[Item]]:
    """Return people's own exams, with room, seat and their own end time, the sign-ups that are done, and what staff conduct.

    2 queries; for staff of a course whose exams name examiners, 3 more.
    """
    own = Accommodation.objects.filter(enrolment__in=enrolments)
    staff = [enrolment for enrolment in enrolments if enrolment.is_staff]
    conducted = conducted_by(course, Enrolment.objects.filter(pk__in=[person.pk for person in staff])) if staff else {}
    return _by_person(course, _standing().filter(enrolment__in=enrolments), own) | conducted


def own_items_of_all(course: Course) -> dict[int, list[Item]]:
    """Return the own exams and done sign-ups of everyone in a course, and what its staff conduct, by enrolment pk: as `own_items`."""
    with translation.override(course.language):
        own = _by_person(course, _standing().filter(course=course), Accommodation.objects.filter(course=course))
        return own | conducted_by(course, Enrolment.objects.staff().filter(course=course))


def conducted_by(course: Course, staff: EnrolmentQuerySet) -> dict[int, list[Item]]:
    """Return the dates that name people of the staff as examiners, with the call-in link and, of oral ones, who sits in them until when.

    Nobody has more in their calendar than on the pages of staff. Who conducts which is known by names: see `conducts`.
    At most 3 queries.

    Args:
        course: whose exams they are.
        staff: of this course.

    Returns:
        By enrolment pk; whoever conducts nothing is left out.
    """
    exams = list(Exam.objects.filter(course=course).exclude(examiners="").order_by("starts_at", "pk"))
    people = (
        [person for person in staff.select_related("user") if may_manage(person.user, course, person)] if exams else []
    )
    held = [(person, [exam for exam in exams if conducts(str(person.user), exam.examiners)]) for person in people]
    concerned = {exam.pk for _person, theirs in held for exam in theirs if exam.kind == Exam.Kind.ORAL}
    if not any(theirs for _person, theirs in held):
        return {}
    sitting: dict[int, list[Registration]] = {}
    along = ("enrolment__user", "enrolment__accommodation")
    rows = Registration.objects.holding().filter(exam__in=concerned).select_related(*along).by_name()
    for registration in rows if concerned else ():
        sitting.setdefault(registration.exam_id, []).append(registration)
    return {
        person.pk: [_conducted(exam, course, sitting.get(exam.pk, [])) for exam in theirs]
        for person, theirs in held
        if theirs
    }


def _conducted(exam: Exam, course: Course, sitting: Sequence[Registration]) -> Item:
    item = exam_item(exam, course)
    if exam.is_cancelled:
        return item
    is_oral = exam.kind == Exam.Kind.ORAL
    names = [str(registration.enrolment.user) for registration in sitting]
    # Whoever has more time has it with who examines them.
    ends_at = max((end for registration in sitting if (end := registration.own_end(exam))), default=exam.ends_at)

    def title() -> str:
        if not is_oral:
            return str(exam)
        return _("%(exam)s: %(people)s") % {"exam": exam, "people": say_some(names) or _("nobody yet")}

    return replace(item, title=in_each_language(title), ends_at=ends_at, call_in=exam.call_in)


def _by_person(
    course: Course, registrations: RegistrationQuerySet, measures: QuerySet[Accommodation]
) -> dict[int, list[Item]]:
    accommodations = {accommodation.enrolment_id: accommodation for accommodation in measures}
    by_person: dict[int, list[Registration]] = {}
    for registration in registrations:
        by_person.setdefault(registration.enrolment_id, []).append(registration)
    held = [registration.exam for own in by_person.values() for registration in own]
    # Where nobody is in an oral exam, no other date says under which key a window is.
    is_oral = any(exam.kind == Exam.Kind.ORAL for exam in held)
    keys = ExamKeys(Exam.objects.filter(course=course) if is_oral else held, course.zone)
    said: Said = {}
    return {pk: _items_of(own, course, accommodations.get(pk), said, keys) for pk, own in by_person.items()}


GONE = (Registration.State.WITHDRAWN, Registration.State.EXCUSED)


def _standing() -> RegistrationQuerySet:
    return Registration.objects.exclude(state__in=GONE).select_related("exam", "seat__room")


# What is said alike to everyone in one state at one exam, by both: words in every language take their time.
Said = dict[tuple[int, str], list[Item]]


def _items_of(
    registrations: Iterable[Registration],
    course: Course,
    accommodation: Accommodation | None,
    said: Said,
    keys: ExamKeys,
) -> list[Item]:
    items: dict[str, Item] = {}
    for registration in registrations:
        exam, key = registration.exam, (registration.exam_id, registration.state)
        if key not in said:
            said[key] = list(_alike(registration, course, keys))
        own, *others = said[key]
        seat = getattr(registration, "seat", None) if exam.seats_released_at is not None else None
        if seat is not None:
            own = replace(own, place=in_each_language(seat.__str__))
        if accommodation is not None:
            own = replace(own, ends_at=accommodation.ends_at(exam))
        # Who holds a seat and waits for another may have one window for both.
        items |= {item.key: item for item in (own, *others)}
    return list(items.values())


def _alike(registration: Registration, course: Course, keys: ExamKeys) -> Iterator[Item]:
    """Yield the exam as those in this state see it, and that its sign-up is done."""
    exam = registration.exam
    base = exam_item(exam, course)
    yield replace(
        base,
        title=in_each_language(lambda: _own_title(registration)),
        is_done=registration.state == Registration.State.ATTENDED,
        call_in=exam.call_in if registration.holds_seat else "",
    )
    if exam.closes_at and not exam.is_cancelled:
        key = keys.of_window(exam, "signup-closes")
        yield replace(window_item(exam, "signup-closes", exam.closes_at, course, key=key), is_done=True)


def _own_title(registration: Registration) -> str:
    if registration.state == Registration.State.WAITLISTED:
        return _("%(exam)s (waiting list)") % {"exam": registration.exam}
    if registration.state == Registration.State.REGISTERED:
        return _("%(exam)s (registered)") % {"exam": registration.exam}
    return str(registration.exam)
