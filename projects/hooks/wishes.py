"""Until when teams rank topics, in the agenda and its reminders."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from django.db.models.functions import Now
from django.urls import reverse
from django.utils.translation import gettext as _

from amls.agenda.sources import Item, deadline, in_each_language, registry
from amls.courses.models import Course, Enrolment
from amls.mail.still_due import still_due
from projects.models import Assignment, EarlierPass
from projects.wishlists import who_has_ranked

_PREFIX = "wishes.assignment:"


def _dated(course: Course) -> list[Assignment]:
    """Return those for which teams rank until a time, and that everyone who sees the course sees by the database's clock."""
    by_wish = Assignment.objects.filter(course=course, topics_given=Assignment.TopicsGiven.BY_WISH)
    return list(by_wish.filter(wishes_close_at__isnull=False).visible_at(Now()))


def _item(course: Course, assignment: Assignment) -> Item:
    assert assignment.wishes_close_at is not None  # noqa: S101 - `_dated` asks for it
    return deadline(
        key=f"{_PREFIX}{assignment.pk}",
        title=in_each_language(lambda: _("Rank topics: %(title)s") % {"title": assignment.title}),
        due_at=assignment.wishes_close_at,
        path=reverse("projects:wishes_for", args=[course.slug, assignment.pk]),
    )


@registry.items.named("wishes")
def items(course: Course) -> Iterator[Item]:
    """Yield until when teams rank topics."""
    for assignment in _dated(course):
        yield _item(course, assignment)


@registry.personal_items.named("wishes")
def personal_items(course: Course, enrolments: Sequence[Enrolment]) -> dict[int, list[Item]]:
    """Return it as done for whose team has ranked: 1 query, and 1 for each assignment with wishes."""
    variants: dict[int, list[Item]] = {}
    for assignment in _dated(course):
        done = replace(_item(course, assignment), is_done=True)
        for pk in who_has_ranked(assignment, enrolments):
            variants.setdefault(pk, []).append(done)
    return variants


@still_due.named(_PREFIX)
def without_wishes(course: Course, key: str, enrolments: Sequence[Enrolment], _now: datetime) -> Collection[int]:
    """Return the students whose team has not ranked enough topics, and those who have no team."""
    students = {enrolment.pk for enrolment in enrolments if not enrolment.is_staff}
    assignment = Assignment.objects.filter(course=course, pk=key.removeprefix(_PREFIX)).first()
    if assignment is None:
        return set()
    passed = EarlierPass.objects.filter(enrolment__in=students).values_list("enrolment", flat=True)
    return students - who_has_ranked(assignment, enrolments) - set(passed)
