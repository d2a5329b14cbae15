"""What stands in the lists of a course, as rules judge it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

from amls.courses.models import Course, Enrolment
from amls.grading.facts import Facts, RollEntries, course_facts, facts
from amls.grading.models import Roll, RollEntry


@facts.named("grading.rolls")
def roll_facts(course: Course, enrolments: Sequence[Enrolment], now: datetime) -> Mapping[int, Facts]:
    """Tell how often people were there: 2 queries, 1 for a course without lists."""
    rolls = list(Roll.objects.filter(course=course))
    if not rolls:
        return {}
    entries: dict[int, dict[int, RollEntry]] = defaultdict(dict)
    for entry in RollEntry.objects.filter(roll__in=rolls, enrolment__in=[person.pk for person in enrolments]):
        entries[entry.enrolment_id][entry.roll_id] = entry
    return {
        person.pk: Facts(rolls={roll.pk: _entries(roll, entries[person.pk].get(roll.pk)) for roll in rolls})
        for person in enrolments
    }


@course_facts.named("grading.rolls")
def rolls_of(course: Course) -> Facts:
    """Tell which lists there are."""
    return Facts(rolls={roll.pk: _entries(roll, None) for roll in Roll.objects.filter(course=course)})


def _entries(roll: Roll, entry: RollEntry | None) -> RollEntries:
    entered, excused = (entry.entered, entry.excused) if entry is not None else (0, 0)
    # Whoever was there more often than occasions are said to be over tells that more are.
    left = None if roll.planned is None else roll.planned - max(roll.held, entered + excused)
    return RollEntries(key=roll.pk, title=roll.title, entered=entered, excused=excused, left=left)
