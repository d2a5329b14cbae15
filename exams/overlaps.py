"""Dates of a course that overlap in time at one place or with one examiner: said to the staff, who may mean it so."""

from collections.abc import Iterable, Iterator

from django.utils.translation import gettext as _

from amls.core.folding import searchable
from exams.examiners import alike_names, listed_names
from exams.models import Exam
from exams.models.exam import tell_apart


def overlaps_of(exam: Exam) -> list[str]:
    """Return which dates of its course that are held are at its place, in one of its rooms or with one of its examiners at the same time.

    5 queries at most.

    Args:
        exam: as it is kept; or it is cancelled, and would be held.
    """
    others = Exam.objects.filter(course=exam.course_id, starts_at__lt=exam.ends_at, cancelled_at__isnull=True)
    rows = others.exclude(pk=exam.pk).order_by("starts_at", "pk").prefetch_related("rooms")
    overlapping = list(beside(exam, rows, rooms=[room.name for room in exam.rooms.all()]))
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
    return said


def beside(
    exam: Exam, others: Iterable[Exam], *, rooms: Iterable[str] = ()
) -> Iterator[tuple[Exam, list[str], list[str]]]:
    """Yield which of other dates overlap one where they share a place or an examiner, with these places and names.

    Args:
        exam: kept or not.
        others: of its course, with their rooms loaded.
        rooms: of the exam, by name.
    """
    where, who = _alike_places((exam.place, *rooms)), alike_names(exam.examiners)
    for other in others:
        if other.is_cancelled or not (other.starts_at < exam.ends_at and exam.starts_at < other.ends_at):
            continue
        shared = where.keys() & _alike_places((other.place, *(room.name for room in other.rooms.all()))).keys()
        both = who & alike_names(other.examiners)
        names = [name for name in listed_names(exam.examiners) if name.casefold() in both]
        if shared or names:
            yield other, sorted(where[key] for key in shared), sorted(names)


def _alike_places(names: Iterable[str]) -> dict[str, str]:
    """Return places, each by what is alike however it is written."""
    return {searchable(name): name for name in names if name}
