"""Dates of a course at one place that overlap in time: said to the staff, who may mean it so."""

from django.utils.translation import gettext as _

from amls.core.folding import searchable
from exams.models import Exam
from exams.models.exam import tell_apart


def overlaps_of(exam: Exam) -> list[str]:
    """Return which dates of its course that are held are at its place, or in one of its rooms, at the same time: 5 queries at most.

    Args:
        exam: as it is kept.
    """
    where = _places(exam)
    if exam.is_cancelled or not where:
        return []
    others = Exam.objects.filter(course=exam.course_id, starts_at__lt=exam.ends_at, cancelled_at__isnull=True)
    rows = others.exclude(pk=exam.pk).order_by("starts_at", "pk").prefetch_related("rooms")
    beside = [
        (other, shared)
        for other in rows
        if other.ends_at > exam.starts_at and (shared := where.keys() & _places(other).keys())
    ]
    tell_apart([exam, *(other for other, _shared in beside)] if beside else [])
    zone = exam.course.zone
    return [
        _("%(exam)s is at the same place as %(other)s, and they overlap: %(place)s. Look whether that is meant.")
        % {
            "exam": exam.with_day(zone),
            "other": other.with_day(zone),
            "place": ", ".join(sorted(where[key] for key in shared)),
        }
        for other, shared in beside
    ]


def _places(exam: Exam) -> dict[str, str]:
    """Return where an exam is, its place and its rooms, each by what is alike however it is written."""
    return {searchable(name): name for name in (exam.place, *(room.name for room in exam.rooms.all())) if name}
