"""Many oral exams of a day as a list to choose from: by day and by who examines where, what is free and what is taken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from exams.agenda_items import ExamKeys
from exams.cards import ExamCard, ExamsOverview
from exams.models import Exam

# What one may do about a slot, the first of which its link leads to: what gives up nothing comes before what does.
_STEPS = ("register", "hold", "move", "wait")


@dataclass(frozen=True, slots=True)
class SlotRow:
    """The slots of a day with the same examiners at the same place, in the order of time.

    Attributes:
        free: those that still have a seat, and are to come.
        others: those that are taken, cancelled or over.
    """

    place: str
    examiners: str
    title: str
    free: tuple[ExamCard, ...]
    others: tuple[ExamCard, ...]

    @property
    def taken(self) -> list[ExamCard]:
        """The slots that are taken or over, which says nothing of those that are cancelled."""
        return [card for card in self.others if not card.exam.is_cancelled]

    @property
    def cancelled(self) -> list[ExamCard]:
        """The slots that are cancelled, each with its reason."""
        return [card for card in self.others if card.exam.is_cancelled]


@dataclass(frozen=True, slots=True)
class SlotDay:
    """A day of oral exams.

    Attributes:
        starts_at: of its first slot.
        card: of a slot whose windows are those of all, in whose look they are said; None where they differ.
        is_over: all of its slots are.
    """

    starts_at: datetime
    rows: tuple[SlotRow, ...]
    card: ExamCard | None
    is_over: bool

    @property
    def free_count(self) -> int:
        """How many slots still have a seat."""
        return sum(len(row.free) for row in self.rows)


@dataclass(frozen=True, slots=True)
class DateList:
    """The dates of a course's exams for a page: those that stand alone, and days of oral exams."""

    cards: tuple[ExamCard, ...]
    days: tuple[SlotDay, ...]


def list_dates(overview: ExamsOverview, zone: ZoneInfo) -> DateList:
    """Return what stands alone (one's own dates first), and the slots of oral exams by day: no query."""
    cards = overview.mine_first
    keys = ExamKeys((card.exam for card in cards), zone)
    slots = [card for card in cards if keys.is_slot(card.exam) and not _is_told_whole(card)]
    by_day: dict[str, list[ExamCard]] = {}
    for card in sorted(slots, key=lambda card: (card.exam.starts_at, card.exam.pk)):
        by_day.setdefault(keys.of_day(card.exam), []).append(card)
    chosen = {card.exam.pk for card in slots}
    alone = tuple(card for card in cards if card.exam.pk not in chosen)
    return DateList(alone, tuple(_day(of_day) for of_day in by_day.values()))


def free_slots(overview: ExamsOverview, zone: ZoneInfo, *, beside: Exam) -> list[SlotDay]:
    """Return the days on which the reader can come to a free slot other than one, the day of this one first; each row has a free one: no query."""
    day = beside.starts_at.astimezone(zone).date()
    offered = []
    for of_day in list_dates(overview, zone).days:
        rows = [
            replace(row, free=free)
            for row in of_day.rows
            if (free := tuple(card for card in row.free if card.exam.pk != beside.pk and step_of(card)))
        ]
        if rows:
            offered.append(replace(of_day, rows=tuple(rows)))
    return sorted(offered, key=lambda of_day: of_day.starts_at.astimezone(zone).date() != day)


def _is_told_whole(card: ExamCard) -> bool:
    """Return whether the reader has a part in a date that a line says too little of."""
    return card.is_own or card.result is not None or bool(card.taken_away)


def _day(cards: Sequence[ExamCard]) -> SlotDay:
    rows: dict[tuple[str, str, str], list[ExamCard]] = {}
    for card in cards:
        rows.setdefault((card.exam.place, card.exam.examiners, card.exam.title), []).append(card)
    first = cards[0]
    is_alike = len({_windows(card.exam) for card in cards}) == 1
    return SlotDay(
        starts_at=first.exam.starts_at,
        rows=tuple(
            SlotRow(
                place=place,
                examiners=examiners,
                title=title,
                free=tuple(card for card in of_row if _is_free(card)),
                others=tuple(card for card in of_row if not _is_free(card)),
            )
            # By name: one's own slot, which stands above, would let its room change places otherwise.
            for (place, examiners, title), of_row in sorted(rows.items())
        ),
        card=first if is_alike and first.look.is_coming and not first.exam.is_cancelled else None,
        is_over=not any(card.look.is_coming for card in cards),
    )


def _is_free(card: ExamCard) -> bool:
    return card.look.is_coming and card.look.is_free and not card.exam.is_cancelled


def _windows(exam: Exam) -> tuple[datetime | int | None, ...]:
    closes = exam.closes_at if exam.closes_hours_before is None else exam.closes_hours_before
    return exam.opens_at, closes, exam.withdraw_until


def step_of(card: ExamCard) -> str:
    """Return the name of the page by which the reader comes to a slot; empty where they can't."""
    return next((step for step in _STEPS if step in card.ways), "")
