"""Who is still to be reminded of a dated item: the apps that know register it here."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime

from amls.core.hooks import Hook
from amls.courses.models import Course, Enrolment

# The course, the item's key, people of the course and the clock in; the pks of the
# enrolments for whom it is still open out. A fixed number of queries for any number of people.
StillDue = Callable[[Course, str, Sequence[Enrolment], datetime], Collection[int]]

# Who judges the items whose key begins with a prefix, by that prefix.
still_due: Hook[StillDue] = Hook("judges of what is still due")


def still_due_for(course: Course, key: str, enrolments: Sequence[Enrolment], *, now: datetime) -> set[int]:
    """Return the pks of those of `enrolments` for whom the item `key` is still open; all of them if nobody judges it.

    The longest prefix that fits the key decides: 'projects.submission' beats 'projects.'.
    """
    fitting = [prefix for prefix in still_due.names() if key.startswith(prefix)]
    if not fitting:
        return {enrolment.pk for enrolment in enrolments}
    return set(still_due[max(fitting, key=len)](course, key, enrolments, now))
