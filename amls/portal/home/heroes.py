"""What the list of courses says of those that are running: what is next, for everyone and for the reader."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from amls.agenda.feeds import coming_items
from amls.agenda.models import SESSIONS, AgendaItem, ItemKind
from amls.courses.models import Course, Enrolment, User


@dataclass(frozen=True, slots=True)
class Hero:
    """A running course.

    Attributes:
        enrolment: the reader's, if they take part.
        session: what goes on or comes next.
        due: the reader's next deadline that is not done.
    """

    course: Course
    enrolment: Enrolment | None
    session: AgendaItem | None
    due: AgendaItem | None


def heroes_of(courses: Sequence[Course], user: User | None, *, now: datetime) -> list[Hero]:
    """Return running courses with what is next; those in which the reader takes part first.

    2 queries, and for each course in which they take part those of `coming_items`.
    """
    enrolments = {}
    if user is not None:
        for enrolment in Enrolment.objects.filter(user=user, course__in=courses):
            enrolments[enrolment.course_id] = enrolment
    items: dict[int, list[AgendaItem]] = defaultdict(list)
    others = [course for course in courses if course.pk not in enrolments]
    shared = AgendaItem.objects.base().filter(course__in=others).in_feeds_at(now).visible_to(None)
    for item in shared.filter(kind__in=SESSIONS, ends_at__gt=now).order_by("starts_at", "key"):
        items[item.course_id].append(item)
    for course in courses:
        if (own := enrolments.get(course.pk)) is not None:
            own.course = course
            items[course.pk] = coming_items(own, now=now)
    heroes = [_hero(course, enrolments.get(course.pk), items[course.pk]) for course in courses]
    return sorted(heroes, key=lambda hero: hero.enrolment is None)


def _hero(course: Course, enrolment: Enrolment | None, items: Sequence[AgendaItem]) -> Hero:
    coming = [item for item in items if not item.is_cancelled]
    session = next((item for item in coming if item.kind in SESSIONS), None)
    due = next((item for item in coming if item.kind == ItemKind.DEADLINE and not item.is_done), None)
    return Hero(course, enrolment, session, None if enrolment is None or enrolment.is_staff else due)
