"""Who is still to be reminded of a dated item: the apps that know register it here."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime

from amls.courses.models import Course, Enrolment

# The course, the item's key, people of the course and the clock in; the pks of the
# enrolments for whom it is still open out. A fixed number of queries for any number of people.
StillDue = Callable[[Course, str, Sequence[Enrolment], datetime], Collection[int]]

_judges: dict[str, StillDue] = {}


def still_due(prefix: str) -> Callable[[StillDue], StillDue]:
    """Register, as a decorator, who judges the items whose key begins with `prefix`.

    The longest prefix that fits an item's key decides; 'projects.submission' beats 'projects.'.
    """

    def register(judge: StillDue) -> StillDue:
        _judges[prefix] = judge
        return judge

    return register


def still_due_for(course: Course, key: str, enrolments: Sequence[Enrolment], *, now: datetime) -> set[int]:
    """Return the pks of those of `enrolments` for whom the item `key` is still open; all of them if nobody judges it."""
    fitting = [prefix for prefix in _judges if key.startswith(prefix)]
    if not fitting:
        return {one.pk for one in enrolments}
    return set(_judges[max(fitting, key=len)](course, key, enrolments, now))
