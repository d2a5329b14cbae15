"""What a page shows of exams to one reader: a card of each date, and what they come to together."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from exams.admission import Admission
from exams.extrapoints import ExtraHeld
from exams.models import Accommodation, Exam, ExamRules, ExamTaskPoints, Registration, Result
from exams.models.exam import SignUp


@dataclass(frozen=True, slots=True)
class DateLook:
    """What a date shows to all who stand alike in it: a row in the sense of `amls.pagecache.parts.SharedRow`.

    Nothing of a person is within its reach: their seat, their result and their place in the line stand beside it.

    Attributes:
        exam: of whose counters nothing is shown.
        state: of the reader's registration; 'elsewhere' where they kept another date; empty without one.
        is_coming: whether it is still to be, and neither closed nor cancelled.
        is_over: whether it has been: nobody moves up, or holds a seat that they could still take.
        ways: what buttons offer now: 'slip', 'register', 'move', 'withdraw'; 'wait' for it and keep the seat of another date;
            'hold' a seat of it and keep the place on the waiting list of another date.
        is_free: whether the next to come gets a seat.
        ends_at: with the reader's extra time.
        main: the date in which the reader takes part, or for which they wait without a seat.
        hindrance: why no button is offered to whoever might expect one: 'passed', 'left' (the waiting list, having passed),
            'full', 'open' or 'bound'; 'spare', a seat that who has passed another date still holds; mostly empty.
    """

    exam: Exam
    state: str
    is_coming: bool
    is_over: bool
    sign_up: SignUp
    ways: tuple[str, ...]
    is_free: bool
    ends_at: datetime
    main: Exam | None
    hindrance: str

    @property
    def shown(self) -> tuple[Any, ...]:
        """Return all that a card shows of it."""
        return (
            self.exam.shown, self.state, self.is_coming, self.is_over, self.sign_up, self.ways, self.is_free,
            self.ends_at, self.main.shown if self.main is not None else None, self.hindrance,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class ExamCard:
    """One date of an exam, and what the reader has and may do there.

    Attributes:
        own: the reader's newest registration for it.
        place: how many stand before them on the waiting list, counting themselves; 0 if they don't wait.
        is_on_list: whether the university's list names the reader; None without a list, a number or a seat, such as who waits.
        look: what it shows to all who stand alike in it.
        task_points: for the tasks of the reader's published result, where a page asks for them: see `with_task_points`.
        graded: how the grade of the reader's published result comes about, where a page asks for it: see `exams.graded`.
    """

    own: Registration | None
    place: int
    is_on_list: bool | None
    look: DateLook
    task_points: Sequence[ExamTaskPoints] = ()
    graded: Any = None

    @property
    def exam(self) -> Exam:
        """The date, with its counters."""
        return self.look.exam

    @property
    def sign_up(self) -> SignUp:
        """How sign-up stands."""
        return self.look.sign_up

    @property
    def ends_at(self) -> datetime:
        """When it ends, with the reader's extra time."""
        return self.look.ends_at

    @property
    def ways(self) -> tuple[str, ...]:
        """What buttons offer now; see `DateLook`."""
        return self.look.ways

    @property
    def is_active(self) -> bool:
        """Whether the reader takes part or waits."""
        return self.own is not None and self.own.closed_at is None

    @property
    def keeps_seat(self) -> bool:
        """Whether the reader waits here and holds a seat of another date meanwhile."""
        return self.own is not None and self.own.keeps_seat

    @property
    def is_own(self) -> bool:
        """Whether the reader takes part, waits, or took part; also where the date was cancelled."""
        return self.own is not None and self.own.state not in (Registration.State.WITHDRAWN, Registration.State.EXCUSED)

    @property
    def seat(self) -> object | None:
        """The reader's seat, once seats are released."""
        if self.own is None or self.exam.seats_released_at is None:
            return None
        return getattr(self.own, "seat", None)

    @property
    def call_in(self) -> str:
        """How the reader calls in: only who holds a seat of this very date, that is still to end, may know."""
        return self.exam.call_in if self.own is not None and self.own.holds_seat and not self.look.is_over else ""

    @property
    def result(self) -> Result | None:
        """The reader's published result."""
        result: Result | None = getattr(self.own, "result", None) if self.own is not None else None
        return result if result is not None and result.state == Result.State.PUBLISHED else None

    @property
    def taken_away(self) -> str:
        """Why the reader's published result is there no more; '' where it is, or never was."""
        return (getattr(self.own, "taken_away", None) or "") if self.result is None else ""


@dataclass(frozen=True, slots=True)
class ExamsOverview:
    """All exams of a course for one reader.

    Attributes:
        is_over: nobody sits any of them any more.
        extra: the reader's extra points, where the course gives some for assignments.
    """

    cards: list[ExamCard]
    admission: Admission | None
    rules: ExamRules
    accommodation: Accommodation | None
    is_over: bool
    extra: ExtraHeld | None = None

    @property
    def extra_points_need_a_pass(self) -> bool:
        """Whether there are extra points in this course, which count only for who passes without them."""
        return self.rules.max_extra_points > 0 and not self.rules.extra_points_lift_fail

    def foremost_at(self, now: datetime) -> ExamCard | None:
        """Return one's own exam, the next one to sign up for, one's newest result, the next one, or one that was cancelled: the tile's."""
        coming = [card for card in self.cards if card.exam.ends_at > now and not card.exam.is_cancelled]
        is_open = next((card for card in coming if "register" in card.ways), None)
        return self.active or is_open or self.newest_result or next(iter(coming), None) or self.lost_at(now)

    @property
    def shows_admission(self) -> bool:
        """Whether it still matters to the reader whether they are admitted."""
        has_passed = any(card.own is not None and card.own.has_passed for card in self.cards)
        return self.admission is not None and not has_passed and not self.is_over

    @property
    def active(self) -> ExamCard | None:
        """The exam that the reader takes part in, or waits for without a seat."""
        return next((card for card in self.cards if card.is_active and not card.keeps_seat), None)

    @property
    def may_register(self) -> bool:
        """Whether the reader can sign up for some date now."""
        return any("register" in card.ways for card in self.cards)

    def lost_at(self, now: datetime) -> ExamCard | None:
        """Return the date to come that the reader was in until it was cancelled, where they have no other one."""
        if self.active is not None:
            return None
        lost = (card for card in self.cards if card.own is not None and card.own.state == Registration.State.CANCELLED)
        return next((card for card in lost if card.exam.ends_at > now), None)

    @property
    def beside(self) -> ExamCard | None:
        """The exam that the reader waits for while they hold a seat of another one."""
        return next((card for card in self.cards if card.keeps_seat), None)

    @property
    def mine_first(self) -> list[ExamCard]:
        """Return the exam that the reader takes part in, that which they wait for, then the others in their order."""
        return sorted(self.cards, key=lambda card: (not card.is_active, card.keeps_seat))

    @property
    def newest_result(self) -> ExamCard | None:
        """The last exam whose result the reader has."""
        return next((card for card in reversed(self.cards) if card.result is not None), None)
