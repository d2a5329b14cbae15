"""Sessions of a weekly time of which a source names no dates: one in each week, where somebody wants them."""

from collections.abc import Sequence
from datetime import date, timedelta

from django.utils import translation

from amls.portal.takeover.understanding import kinds
from amls.portal.takeover.understanding.drafts import Draft
from amls.portal.takeover.understanding.labels import kind_label
from amls.portal.takeover.understanding.results import Answers, Built
from amls.portal.takeover.understanding.slots import Slot

EACH_WEEK, NONE = "each-week", "none"


def question_of(kind: str) -> str:
    """Return the id of the question whether a kind of session is held in each week."""
    return f"weekly:{kind}"


def kinds_without_dates(built: Built, slots: Sequence[Slot]) -> list[str]:
    """Return the kinds of sessions that have a weekly time and no date."""
    dated = {session.kind for session in built.sessions}
    return [kind for kind in kinds.SESSIONS if kind not in dated and any(slot.kind == kind for slot in slots)]


def weeks_of(built: Built) -> tuple[date, date] | None:
    """Return the first day of the first week in which there is class, and the last of the last one."""
    days = [session.day for session in built.sessions if session.day is not None and session.kind != kinds.OTHER]
    if not days:
        return None
    first, last = min(days), max(days)
    return first - timedelta(days=first.weekday()), last + timedelta(days=6 - last.weekday())


def weekly_drafts(built: Built, slots: Sequence[Slot], answers: Answers, *, line: int, language: str) -> list[Draft]:
    """Return a draft for each week and weekly time of the kinds that were answered to be held so, but on free days.

    Args:
        built: what came of the rows, by which the weeks and the free days are known.
        slots: the weekly times.
        answers: which may hold those to `question_of` a kind.
        line: of the source with which they are shown.
        language: in which they are called.
    """
    weeks = weeks_of(built)
    if weeks is None:
        return []
    first, last = weeks
    free = {
        free_day.day + timedelta(days=number)
        for free_day in built.free_days
        for number in range(((free_day.last or free_day.day) - free_day.day).days + 1)
    }
    drafts = []
    for kind in kinds_without_dates(built, slots):
        if answers.get(question_of(kind)) != EACH_WEEK:
            continue
        with translation.override(language):
            title = kind_label(kind).capitalize()
        weekdays = {slot.weekday for slot in slots if slot.kind == kind}
        days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
        held = [day for day in days if day.weekday() in weekdays and day not in free]
        # Of several in a week nobody knows whether they are groups or one goes on from the other.
        drafts += [
            Draft(
                f"weekly-{kind}-{day}", line, title, begins=day.isoformat(), kind=kind, title=title,
                number=str(number) if len(weekdays) == 1 else "",
            )
            for number, day in enumerate(held, start=1)
        ]  # fmt: skip
    return drafts
