"""Exams as the agenda has them: for everyone, and for each who takes part."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from django.db.models import QuerySet
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from amls.agenda.models import ItemKind, Status
from amls.agenda.sources import Item, deadline, in_each_language, opening
from amls.core.times import say_date
from amls.courses.models import Audience, Course, Enrolment
from exams.managers import RegistrationQuerySet
from exams.models import Accommodation, Exam, Registration
from exams.queries import key_of_exam

SOURCE = "exams"
# A course has several dates: each title says of which it is.
_TITLES = {
    "signup-opens": gettext_noop("Exam of %(day)s: sign-up opens"),
    "signup-closes": gettext_noop("Exam of %(day)s: sign-up closes"),
    "withdraw-until": gettext_noop("Exam of %(day)s: last day to withdraw"),
    "review": gettext_noop("Exam of %(day)s: review"),
}


def items_of(course: Course) -> Iterator[Item]:
    """Yield each exam, cancelled ones as such, with the opening and closing of its sign-up, its last moment to withdraw, its review."""
    for exam in Exam.objects.filter(course=course):
        yield exam_item(exam, course)
        yield from _windows(exam, course)


def exam_item(exam: Exam, course: Course) -> Item:
    """Return the item of the exam itself, as everyone sees it."""
    return Item(
        key=key_of_exam(exam),
        kind=ItemKind.EXAM,
        title=in_each_language(lambda: str(exam)),
        starts_at=exam.starts_at,
        ends_at=exam.ends_at,
        place=exam.place,
        path=_path(course),
        status=Status.CANCELLED if exam.is_cancelled else Status.CONFIRMED,
    )


def _windows(exam: Exam, course: Course) -> Iterator[Item]:
    if exam.is_cancelled:
        # Nobody signs up or withdraws: calendars drop these, and show the exam itself as cancelled.
        return
    key, path = key_of_exam(exam), _path(course)
    if exam.opens_at:
        yield opening(
            key=f"{key}:signup-opens", title=_title("signup-opens", exam, course), opens_at=exam.opens_at, path=path
        )
    if exam.closes_at:
        yield deadline(
            key=f"{key}:signup-closes", title=_title("signup-closes", exam, course), due_at=exam.closes_at, path=path
        )
    if exam.withdraw_until:
        yield deadline(
            key=f"{key}:withdraw-until",
            title=_title("withdraw-until", exam, course),
            due_at=exam.withdraw_until,
            path=path,
        )
    if exam.review_at and exam.review_ends_at:
        yield Item(
            key=f"{key}:review",
            kind=ItemKind.EXAM,
            title=_title("review", exam, course),
            starts_at=exam.review_at,
            ends_at=exam.review_ends_at,
            place=exam.review_place,
            path=path,
            audience=Audience.ENROLLED,
        )


def _title(name: str, exam: Exam, course: Course) -> str:
    return in_each_language(lambda: _(_TITLES[name]) % {"day": say_date(exam.starts_at, course.zone)})


def _path(course: Course) -> str:
    return reverse("exams:exams", args=[course.slug])


def own_items(course: Course, enrolments: Sequence[Enrolment]) -> dict[int, list[Item]]:
    """Return people's own exams, with room, seat and their own end time, and the sign-ups that are done: 2 queries."""
    own = Accommodation.objects.filter(enrolment__in=enrolments)
    return _by_person(course, _standing().filter(enrolment__in=enrolments), own)


def own_items_of_all(course: Course) -> dict[int, list[Item]]:
    """Return the own exams and done sign-ups of everyone in a course, by enrolment pk: 2 queries."""
    with translation.override(course.language):
        return _by_person(course, _standing().filter(course=course), Accommodation.objects.filter(course=course))


def _by_person(
    course: Course, registrations: RegistrationQuerySet, measures: QuerySet[Accommodation]
) -> dict[int, list[Item]]:
    accommodations = {accommodation.enrolment_id: accommodation for accommodation in measures}
    by_person: dict[int, list[Registration]] = {}
    for registration in registrations:
        by_person.setdefault(registration.enrolment_id, []).append(registration)
    said: Said = {}
    return {pk: _items_of(own, course, accommodations.get(pk), said) for pk, own in by_person.items()}


GONE = (Registration.State.WITHDRAWN, Registration.State.EXCUSED)


def _standing() -> RegistrationQuerySet:
    return Registration.objects.exclude(state__in=GONE).select_related("exam", "seat__room")


# What is said alike to everyone in one state at one exam, by both: words in every language take their time.
Said = dict[tuple[int, str], list[Item]]


def _items_of(
    registrations: Iterable[Registration], course: Course, accommodation: Accommodation | None, said: Said
) -> list[Item]:
    items = []
    for registration in registrations:
        exam, key = registration.exam, (registration.exam_id, registration.state)
        if key not in said:
            said[key] = list(_alike(registration, course))
        own, *others = said[key]
        seat = getattr(registration, "seat", None) if exam.seats_released_at is not None else None
        if seat is not None:
            own = replace(own, place=in_each_language(seat.__str__))
        if accommodation is not None:
            own = replace(own, ends_at=accommodation.ends_at(exam))
        items += [own, *others]
    return items


def _alike(registration: Registration, course: Course) -> Iterator[Item]:
    """Yield the exam as those in this state see it, and that its sign-up is done."""
    exam = registration.exam
    base = exam_item(exam, course)
    yield replace(
        base,
        title=in_each_language(lambda: _own_title(registration)),
        is_done=registration.state == Registration.State.ATTENDED,
    )
    if exam.closes_at and not exam.is_cancelled:
        title = _title("signup-closes", exam, course)
        item = deadline(key=f"{base.key}:signup-closes", title=title, due_at=exam.closes_at, path=base.path)
        yield replace(item, is_done=True)


def _own_title(registration: Registration) -> str:
    if registration.state == Registration.State.WAITLISTED:
        return _("%(exam)s (waiting list)") % {"exam": registration.exam}
    if registration.state == Registration.State.REGISTERED:
        return _("%(exam)s (registered)") % {"exam": registration.exam}
    return str(registration.exam)
