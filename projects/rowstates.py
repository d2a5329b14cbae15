"""What the rows of a table of points handed in, and which of them have points though nothing counts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from projects.deadlines import Deadlines, Timeliness, counting_submission
from projects.models import Assignment, Outcome, Submission
from projects.pointrows import PointsRow
from projects.points import Mark

# So many rows are named in a sentence.
_NAMED = 10


@dataclass(frozen=True, slots=True)
class RowState:
    """What is handed in by a row's team.

    Attributes:
        is_handed_in: whether anything that is not withdrawn.
        is_late: whether any of it came late.
        counting: the attempt that counts; None where none does.
        percent: of its points that are deducted for being late.
        is_counting_late: whether it came late itself.
    """

    is_handed_in: bool = False
    is_late: bool = False
    counting: Submission | None = None
    percent: int = 0
    is_counting_late: bool = False

    @property
    def said(self) -> str:
        """What a row says of its hand-in, where it isn't one in time; '' where it is."""
        if self.counting is None:
            return self.said_missing
        if not self.is_counting_late:
            return ""
        if self.percent:
            return _("late, %(percent)s %% deducted") % {"percent": self.percent}
        return _("late, accepted")

    @property
    def said_missing(self) -> str:
        """Why there is nothing that points could be for, or ''."""
        if self.counting is not None:
            return ""
        return _("late, not accepted yet") if self.is_handed_in else _("nothing handed in")


def row_states(assignment: Assignment, rows: Sequence[PointsRow]) -> dict[str, RowState]:
    """Return by the keys of rows what their teams handed in: 2 queries, none where nothing is handed in here."""
    if not assignment.is_handed_in_here:
        return {}
    deadlines, attempts = Deadlines.of(assignment), defaultdict[int, list[Submission]](list)
    teams = [row.project.pk for row in rows if row.project is not None]
    for attempt in Submission.objects.standing().filter(project__in=teams):
        attempts[attempt.project_id].append(attempt)
    return {row.key: _state(row, attempts[row.project.pk] if row.project else [], deadlines) for row in rows}


def _state(row: PointsRow, handed_in: Sequence[Submission], deadlines: Deadlines) -> RowState:
    if row.project is None or not handed_in:
        return RowState()
    members = [member.pk for member in row.members]
    due_at = deadlines.for_team(row.project.pk, members)

    def is_late(attempt: Submission) -> bool:
        return deadlines.standing_at(due_at, attempt.began_at) != Timeliness.IN_TIME

    counting = counting_submission(row.project, handed_in, deadlines, members)
    return RowState(
        is_handed_in=True,
        is_late=any(map(is_late, handed_in)),
        counting=counting,
        percent=deadlines.deduction_of(counting, due_at) if counting is not None else 0,
        is_counting_late=counting is not None and is_late(counting),
    )


def said_of_nothing(
    assignment: Assignment, rows: Sequence[PointsRow], marks: Mapping[str, Iterable[Mark | None]]
) -> str:
    """Say of which rows points, or a pass, are for nothing that counts, and why; '' where of none: 2 queries.

    Of zero and of a fail nothing is said: that is what nothing is worth.

    Args:
        assignment: whose rows they are.
        rows: that have or get a result.
        marks: what each has or gets, by their keys.
    """
    given = [row for row in rows if any(map(_gives, marks[row.key])) and len(row.excused) < len(row.members)]
    states = row_states(assignment, given) if given else {}
    said = [f"{row.label} ({why})" for row in given if row.key in states and (why := states[row.key].said_missing)]
    if not said:
        return ""
    text = ngettext(
        "%(count)d row has a result though no hand-in of it counts: %(who)s. Accept the hand-in, or take the result back.",
        "%(count)d rows have a result though no hand-in of them counts: %(who)s. Accept the hand-ins, or take the results back.",
        len(said),
    )
    return text % {"count": len(said), "who": ", ".join(said[:_NAMED]) + (" …" if len(said) > _NAMED else "")}


def _gives(mark: Mark | None) -> bool:
    return mark == Outcome.PASSED or (isinstance(mark, Decimal) and mark > 0)
