"""What exams say to the agenda: to everyone, and to each who takes part."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import timedelta

from django.urls import reverse
from django.utils import translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from amls.agenda.models import Kind
from amls.agenda.sources import Item, deadline, opening, registry
from amls.courses.models import Audience, Course, Enrolment
from exams.managers import RegistrationQuerySet
from exams.models import Accommodation, Exam, Registration

SOURCE = "exams"
# A course has several dates: each title says of which it is. The course's language, not the reader's.
_TITLES = {
    "en": ("Exam of %s: sign-up opens", "Exam of %s: sign-up closes", "Exam of %s: last day to withdraw", "Exam of %s: review"),
    "de": ("Prüfung am %s: Anmeldung beginnt", "Prüfung am %s: Anmeldung endet", "Prüfung am %s: letzter Rücktritt", "Prüfung am %s: Einsicht"),
}  # fmt: skip
_DAYS = {"en": "j M", "de": "j. M"}


@registry.items(SOURCE)
def items(course: Course) -> Iterator[Item]:
    """Yield each exam with the opening and closing of its sign-up, its last moment to withdraw, its review."""
    for exam in Exam.objects.filter(course=course):
        yield exam_item(exam, course)
        yield from _windows(exam, course)


def exam_item(exam: Exam, course: Course) -> Item:
    """Return the item of the exam itself, as everyone sees it."""
    with translation.override(course.language):
        title = str(exam)
    return Item(
        key=f"{SOURCE}.exam:{exam.pk}",
        kind=Kind.EXAM,
        title=title,
        starts_at=exam.starts_at,
        ends_at=exam.ends_at,
        place=exam.place,
        path=_path(course),
    )


def _windows(exam: Exam, course: Course) -> Iterator[Item]:
    opens, closes, withdraw, review = _titles(exam, course)
    key, path = f"{SOURCE}.exam:{exam.pk}", _path(course)
    if exam.opens_at:
        yield opening(key=f"{key}:signup-opens", title=opens, opens_at=exam.opens_at, path=path)
    if exam.closes_at:
        yield deadline(key=f"{key}:signup-closes", title=closes, due_at=exam.closes_at, path=path)
    if exam.withdraw_until:
        yield deadline(key=f"{key}:withdraw-until", title=withdraw, due_at=exam.withdraw_until, path=path)
    if exam.review_at:
        yield Item(
            key=f"{key}:review",
            kind=Kind.EXAM,
            title=review,
            starts_at=exam.review_at,
            ends_at=exam.review_at + timedelta(minutes=exam.review_minutes),
            place=exam.review_place,
            path=path,
            audience=Audience.ENROLLED,
        )


def _titles(exam: Exam, course: Course) -> list[str]:
    language = course.language if course.language in _TITLES else "en"
    with translation.override(language):
        day = date_format(exam.starts_at.astimezone(course.zone), _DAYS[language], use_l10n=False)
    return [title % day for title in _TITLES[language]]


def _path(course: Course) -> str:
    return reverse("exams:exams", args=[course.slug])


@registry.personal_items(SOURCE)
def personal_items(enrolment: Enrolment) -> Iterable[Item]:
    """Return the person's own exams, with room, seat and their own end time, and the sign-ups that are done."""
    registrations = _standing().filter(enrolment=enrolment)
    accommodation = Accommodation.objects.filter(enrolment=enrolment).first()
    return _items_of(registrations, enrolment.course, accommodation)


def personal_items_for(course: Course) -> dict[int, list[Item]]:
    """Return the same for everyone of a course, by enrolment pk: 2 queries."""
    accommodations = {one.enrolment_id: one for one in Accommodation.objects.filter(course=course)}
    by_person: dict[int, list[Registration]] = {}
    for registration in _standing().filter(course=course):
        by_person.setdefault(registration.enrolment_id, []).append(registration)
    return {pk: _items_of(own, course, accommodations.get(pk)) for pk, own in by_person.items()}


def _standing() -> RegistrationQuerySet:
    return Registration.objects.exclude(state__in=["withdrawn", "excused"]).select_related("exam", "seat__room")


def _items_of(registrations: Iterable[Registration], course: Course, accommodation: Accommodation | None) -> list[Item]:
    return [item for registration in registrations for item in _registration_items(registration, course, accommodation)]


def _registration_items(
    registration: Registration, course: Course, accommodation: Accommodation | None
) -> Iterator[Item]:
    exam = registration.exam
    base = exam_item(exam, course)
    with translation.override(course.language):
        if registration.state == Registration.State.WAITLISTED:
            title = _("%(exam)s (waiting list)") % {"exam": exam}
        elif registration.state == Registration.State.REGISTERED:
            title = _("%(exam)s (registered)") % {"exam": exam}
        else:
            title = str(exam)
        seat = getattr(registration, "seat", None) if exam.seats_released_at is not None else None
        place = str(seat) if seat is not None else exam.place
    yield Item(
        key=base.key,
        kind=base.kind,
        title=title,
        starts_at=base.starts_at,
        ends_at=accommodation.ends_at(exam) if accommodation is not None else base.ends_at,
        place=place,
        path=base.path,
        is_done=registration.state == Registration.State.ATTENDED,
    )
    if exam.closes_at:
        closes = _titles(exam, course)[1]
        item = deadline(key=f"{base.key}:signup-closes", title=closes, due_at=exam.closes_at, path=base.path)
        yield replace(item, is_done=True)
