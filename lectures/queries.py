"""Lectures as a page shows them to one reader."""

from django.db.models import Prefetch

from amls.courses.access import Access
from lectures.models import Lecture, Material


def lectures_for(access: Access) -> list[Lecture]:
    """Return the course's lectures in order, each with `shown_materials`: 2 queries, however many.

    `shown_materials` are those that the reader may open now, and those that are announced.
    """
    visible = Material.objects.visible_to(access.enrolment, now=access.now, is_manager=access.is_manager)
    prefetch = Prefetch("materials", queryset=visible.select_related("current"), to_attr="shown_materials")
    found = (
        Lecture.objects.filter(course=access.course)
        .select_related("part")
        .prefetch_related(prefetch)
        .order_by("starts_at", "number", "pk")
    )
    lectures = list(found)
    for lecture in lectures:
        # One loaded course for all: addresses and chips cost no query.
        lecture.course = access.course
        for material in getattr(lecture, "shown_materials", []):
            material.lecture = lecture
    return lectures
