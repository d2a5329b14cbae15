"""Dates of a course that overlap in time at one place or with one examiner: said to the staff, who may mean it so."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from django.utils.translation import gettext as _

from amls.core.folding import searchable
from amls.core.times import say_clock
from exams.examiners import alike_names, listed_names
from exams.models import Exam, Registration
from exams.models.exam import tell_apart


def overlaps_of(exam: Exam) -> list[str]:
    """Return which dates of its course that are held are at its place, in one of its rooms or with one of its examiners at the same time.

    A date ends with who has most time of those who hold a seat of it. 6 queries at most.

    Args:
        exam: as it is kept; or it is cancelled, and would be held.
    """
    ends = own_ends(exam.course_id)
    ends_at = ends.get(exam.pk, exam.ends_at)
    others = Exam.objects.filter(course=exam.course_id, starts_at__lt=ends_at, cancelled_at__isnull=True)
    rows = others.exclude(pk=exam.pk).order_by("starts_at", "pk").prefetch_related("rooms")
    overlapping = list(beside(exam, rows, rooms=[room.name for room in exam.rooms.all()], ends=ends))
    tell_apart([exam, *(other for other, _places, _names in overlapping)] if overlapping else [])
    zone = exam.course.zone
    said = []
    for other, places, names in overlapping:
        named = {"exam": exam.with_day(zone), "other": other.with_day(zone)}
        if places:
            text = _(
                "%(exam)s is at the same place as %(other)s, and they overlap: %(place)s. Look whether that is meant."
            )
            said.append(text % {**named, "place": ", ".join(places)})
        if names:
            text = _(
                "%(exam)s has the same examiner as %(other)s, and they overlap: %(names)s. Look whether that is meant."
            )
            said.append(text % {**named, "names": ", ".join(names)})
        first = min(exam, other, key=lambda date: date.starts_at)
        if first.ends_at <= max(exam.starts_at, other.starts_at):
            text = _("%(exam)s ends at %(end)s for who has extra time in it: leave a gap after it.")
            said.append(text % {"exam": first.with_day(zone), "end": say_clock(ends[first.pk], zone)})
    return said


def own_ends(course_pk: int) -> dict[int, datetime]:
    """Return when dates end for who has most extra time of those who hold a seat, by exam; others are left out: 1 query."""
    rows = Registration.objects.holding().filter(course=course_pk, enrolment__accommodation__isnull=False)
    ends: dict[int, datetime] = {}
    for registration in rows.select_related("exam", "enrolment__accommodation"):
        own = registration.own_end(registration.exam)
        if own is not None:
            ends[registration.exam_id] = max(own, ends.get(registration.exam_id, own))
    return ends


def beside(
    exam: Exam, others: Iterable[Exam], *, rooms: Iterable[str] = (), ends: Mapping[int, datetime] | None = None
) -> Iterator[tuple[Exam, list[str], list[str]]]:
    """Yield which of other dates overlap one where they share a place or an examiner, with these places and names.

    Args:
        exam: kept or not.
        others: of its course, with their rooms loaded.
        rooms: of the exam, by name.
        ends: when dates end where that is later than for most, see `own_ends`.
    """
    later = ends or {}
    where, who = _alike_places((exam.place, *rooms)), alike_names(exam.examiners)
    for other in others:
        exam_ends, other_ends = (later.get(date.pk or 0, date.ends_at) for date in (exam, other))
        if other.is_cancelled or not (other.starts_at < exam_ends and exam.starts_at < other_ends):
            continue
        shared = where.keys() & _alike_places((other.place, *(room.name for room in other.rooms.all()))).keys()
        both = who & alike_names(other.examiners)
        names = [name for name in listed_names(exam.examiners) if name.casefold() in both]
        if shared or names:
            yield other, sorted(where[key] for key in shared), sorted(names)


def _alike_places(names: Iterable[str]) -> dict[str, str]:
    """Return places, each by what is alike however it is written."""
    return {searchable(name): name for name in names if name}
