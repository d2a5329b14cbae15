"""The dates of a course's exams, and what holds for all of them."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

import pghistory
from django.db import models
from django.db.models import ExpressionWrapper, F, Q, Value
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from amls.core.clock import is_open_until
from amls.core.constraints import RowCheck
from amls.core.text import LineField
from amls.core.times import say_clock, say_day
from amls.courses.eligibility import MOST_EXTRA_POINTS
from amls.courses.models import Course, choices_hold

_HOUR = timedelta(hours=1)
# Twelve weeks: sign-up that closes earlier has a moment of its own.
MOST_HOURS_BEFORE = 2000


class SignUp(StrEnum):
    """How the sign-up of an exam stands at a moment."""

    NONE = "none"  # no window is set: nobody signs up here
    UPCOMING = "upcoming"
    OPEN = "open"
    CLOSED = "closed"


class Apart(StrEnum):
    """By what a date of a course's exams is told from the others; each says what those before it do, too."""

    DAY = "day"
    TIME = "time"  # there is another one on that day
    PLACE = "place"  # it begins at the same time


class ExamRules(models.Model):
    """What holds for all exams of a course: one row per course, made when something differs from the defaults."""

    course = models.OneToOneField(Course, models.CASCADE, related_name="exam_rules", verbose_name=_("course"))
    exam_percent = models.PositiveSmallIntegerField(_("share of the exam in percent"), null=True, blank=True)
    project_is_prerequisite = models.BooleanField(
        _("project is a prerequisite of the exam"), default=False, db_default=False
    )
    max_extra_points = models.DecimalField(
        _("most extra points"), max_digits=4, decimal_places=1, default=Decimal(0), db_default=Decimal(0),
        help_text=_("What somebody has counts up to this number, wherever it comes from. A course gives 0 to 20."),
    )  # fmt: skip
    binding_name = LineField(
        _("binding registration"),
        max_length=100,
        blank=True,
        help_text=_("Where the university's own registration is the binding one, such as 'Moses'. Empty: this site's."),
    )
    binding_url = models.URLField(_("address of the binding registration"), max_length=500, blank=True)
    extra_points_lift_fail = models.BooleanField(_("extra points can lift a failed exam to a pass"), default=False)
    needs_matriculation_number = models.BooleanField(_("a matriculation number is needed for admission"), default=True)
    keeps_seat_while_waiting = models.BooleanField(
        _("who holds a seat may wait for another date"),
        default=True,
        db_default=True,
        help_text=_(
            "They keep their seat until one of the other date is theirs; then it goes to the next who waits. Whoever "
            "waits already goes on when this is switched off."
        ),
    )
    shows_distribution = models.BooleanField(
        _("students see how grades are distributed"),
        default=True,
        db_default=True,
        help_text=_("Beside their own published result, of dates on which at least 10 people have one."),
    )
    # As `amls/grading/tree.py` writes it; the demand for a passed project is the switch above.
    rule = models.JSONField(_("rule of admission"), default=dict, db_default={}, editable=False)
    # As `amls/grading/extra.py` writes it: read with what else holds, so that no page asks once more.
    extra_points_rule = models.JSONField(
        _("extra points from assignments"), default=dict, db_default={}, editable=False
    )

    class Meta:
        verbose_name = _("exam rules")
        verbose_name_plural = _("exam rules")
        constraints = [
            RowCheck(
                name="examrules_binding_has_name",
                condition=Q(binding_url="") | ~Q(binding_name=""),
                violation_error_message=_("Name the registration that the address belongs to."),
            ),
            RowCheck(
                name="examrules_exam_percent_valid",
                condition=Q(exam_percent__isnull=True) | Q(exam_percent__range=(0, 100)),
                violation_error_message=_("A share lies between 0 and 100 percent."),
            ),
            RowCheck(
                name="examrules_extra_points_valid",
                condition=Q(max_extra_points__range=(0, MOST_EXTRA_POINTS)),
                violation_error_message=_("A course gives 0 to 20 extra points."),
            ),
        ]

    def __str__(self) -> str:
        return str(self.course)


class Exam(models.Model):
    """One date of an exam.

    `seats_taken`, `waiting` and `last_position` change only under the row's lock, together
    with the registrations that they count.
    """

    class Kind(models.TextChoices):
        WRITTEN = "written", _("Written exam")
        ORAL = "oral", _("Oral exam")

    class SeatOrder(models.TextChoices):
        RANDOM = "random", _("Random")
        NAME = "name", _("By name")

    course = models.ForeignKey(Course, models.CASCADE, related_name="exams", verbose_name=_("course"))
    kind = models.CharField(_("kind"), max_length=10, choices=Kind, default=Kind.WRITTEN)
    title = LineField(_("title"), max_length=200, blank=True, help_text=_("Empty: named by its kind."))
    starts_at = models.DateTimeField(_("starts"))
    duration_minutes = models.PositiveSmallIntegerField(_("duration in minutes"), default=90)
    place = LineField(_("place"), max_length=200, blank=True)
    examiners = LineField(
        _("examiners"),
        max_length=200,
        blank=True,
        default="",
        db_default="",
        help_text=_("By name, such as 'Prof. Boehm, Dr. Größe'. Everyone who sees the exam sees them."),
    )
    # Never in what several people share: see `Exam.shown`, and `exams.agenda_items` for who has it in their calendar.
    call_in = models.URLField(
        _("call-in link"),
        max_length=500,
        blank=True,
        default="",
        db_default="",
        help_text=_("Shown to the staff and to who holds a seat of this date, and to nobody else."),
    )
    capacity = models.PositiveIntegerField(_("capacity"), null=True, blank=True, help_text=_("Empty: no limit."))
    opens_at = models.DateTimeField(_("sign-up opens"), null=True, blank=True)
    closes_at = models.DateTimeField(_("sign-up closes"), null=True, blank=True)
    # Where it is set, `closes_at` follows from it and the beginning.
    closes_hours_before = models.PositiveSmallIntegerField(
        _("sign-up closes so many hours before"),
        null=True,
        blank=True,
        help_text=_("Instead of a moment of its own: it follows when the date is moved."),
    )
    withdraw_until = models.DateTimeField(_("withdraw until"), null=True, blank=True)
    review_at = models.DateTimeField(_("review starts"), null=True, blank=True)
    review_minutes = models.PositiveSmallIntegerField(_("review in minutes"), default=60)
    review_place = LineField(_("place of the review"), max_length=200, blank=True)
    max_points = models.DecimalField(_("points to be had"), max_digits=6, decimal_places=2, default=Decimal(100))
    seats_taken = models.PositiveIntegerField(_("seats taken"), default=0, editable=False)
    waiting = models.PositiveIntegerField(_("waiting"), default=0, editable=False)
    last_position = models.PositiveIntegerField(_("last position given"), default=0, editable=False)
    seat_order = models.CharField(
        _("order of seats"), max_length=6, choices=SeatOrder, default=SeatOrder.RANDOM, editable=False
    )
    seat_seed = models.PositiveBigIntegerField(_("seed of the seats"), null=True, blank=True, editable=False)
    university_list_at = models.DateTimeField(_("university's list imported"), null=True, blank=True, editable=False)
    seats_released_at = models.DateTimeField(_("seats released"), null=True, blank=True, editable=False)
    results_published_at = models.DateTimeField(_("results published"), null=True, blank=True, editable=False)
    frozen_at = models.DateTimeField(_("frozen for export"), null=True, blank=True, editable=False)
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True, editable=False)
    # That a date is not held is the date's: it says so where nobody stands on its list, too. That somebody's part in it
    # ended by that is a state of the registration, see `Registration.State.CANCELLED`.
    cancelled_at = models.DateTimeField(_("cancelled"), null=True, blank=True, editable=False)
    cancelled_because = LineField(
        _("reason of the cancellation"), max_length=300, blank=True, db_default="", editable=False
    )
    # Oral exams of before that were given points keep them; all others are graded without.
    is_oral_by_points = models.BooleanField(
        _("oral and graded by points"), default=False, db_default=False, editable=False
    )

    class Meta:
        verbose_name = _("exam")
        verbose_name_plural = _("exams")
        ordering = ["course", "starts_at", "pk"]
        constraints = [
            choices_hold("exam_kind_valid", "kind", ["written", "oral"]),
            choices_hold("exam_seat_order_valid", "seat_order", ["random", "name"]),
            RowCheck(
                name="exam_duration_positive",
                condition=Q(duration_minutes__gt=0),
                violation_error_message=_("An exam lasts at least a minute."),
            ),
            RowCheck(
                name="exam_opens_before_closes",
                condition=Q(opens_at__isnull=True) | Q(closes_at__isnull=True) | Q(opens_at__lt=F("closes_at")),
                violation_error_message=_("Sign-up closes before it opens."),
            ),
            RowCheck(
                name="exam_closes_before_start",
                condition=Q(closes_at__isnull=True) | Q(closes_at__lte=F("starts_at")),
                violation_error_message=_("Sign-up closes after the exam has begun."),
            ),
            RowCheck(
                name="exam_closes_hours_before_start",
                condition=Q(closes_hours_before__isnull=True)
                | Q(
                    closes_hours_before__range=(1, MOST_HOURS_BEFORE),
                    closes_at__isnull=False,
                    closes_at=F("starts_at")
                    - ExpressionWrapper(F("closes_hours_before") * Value(_HOUR), models.DurationField()),
                ),
                violation_error_message=_("Sign-up closes 1 to 2000 hours before the exam begins."),
            ),
            RowCheck(
                name="exam_withdraw_before_start",
                condition=Q(withdraw_until__isnull=True) | Q(withdraw_until__lte=F("starts_at")),
                violation_error_message=_("Withdrawing ends after the exam has begun."),
            ),
            RowCheck(
                name="exam_never_overbooked",
                condition=Q(capacity__isnull=True) | Q(seats_taken__lte=F("capacity")),
                violation_error_message=_("More people are registered than the capacity has room for."),
            ),
            RowCheck(
                name="exam_review_after_start",
                condition=Q(review_at__isnull=True) | Q(review_at__gt=F("starts_at")),
                violation_error_message=_("The review comes after the exam has begun."),
            ),
            RowCheck(
                name="exam_review_lasts",
                condition=Q(review_at__isnull=True) | Q(review_minutes__gt=0),
                violation_error_message=_("The review lasts at least a minute."),
            ),
            RowCheck(
                name="exam_max_points_positive",
                condition=Q(max_points__gt=0),
                violation_error_message=_("There is at least one point to be had."),
            ),
            RowCheck(
                name="exam_frozen_after_publication",
                condition=Q(frozen_at__isnull=True) | Q(results_published_at__isnull=False),
                violation_error_message=_("Publish the results before you freeze them."),
            ),
            RowCheck(
                name="exam_cancelled_has_reason",
                condition=Q(cancelled_at__isnull=True, cancelled_because="")
                | (Q(cancelled_at__isnull=False) & ~Q(cancelled_because="")),
                violation_error_message=_("Say why the date is cancelled: everybody who is in it reads it."),
            ),
            RowCheck(
                name="exam_cancelled_is_empty",
                condition=Q(cancelled_at__isnull=True) | Q(seats_taken=0, waiting=0),
                violation_error_message=_("Nobody holds a seat of a cancelled date, or waits for one."),
            ),
            RowCheck(
                name="exam_cancelled_not_held",
                condition=Q(cancelled_at__isnull=True)
                | Q(closed_at__isnull=True, results_published_at__isnull=True, frozen_at__isnull=True),
                violation_error_message=_("A date that is closed or has results was held: it can't be cancelled."),
            ),
        ]

    def __str__(self) -> str:
        # `get_kind_display` makes a table of all kinds each time.
        return self.title or str(self.Kind(self.kind).label)

    def full_clean(self, *args: Any, **kwargs: Any) -> None:
        """Let the closing of the sign-up follow the beginning, where it is so many hours before, and judge the row."""
        self.follow_start()
        super().full_clean(*args, **kwargs)

    def follow_start(self) -> None:
        """Let the closing of the sign-up follow the beginning, where it is so many hours before."""
        if self.closes_hours_before is not None and self.starts_at is not None:
            self.closes_at = self.starts_at - self.closes_hours_before * _HOUR

    @property
    def shown(self) -> tuple[Any, ...]:
        """Return all that pages show of it to everybody but its counters: see `amls.pagecache.parts.SharedRow`.

        Not the call-in link, which only who holds a seat may know.
        """
        return (
            self.pk, self.kind, self.title, self.starts_at, self.duration_minutes, self.place, self.examiners, self.capacity,
            self.opens_at, self.closes_at, self.closes_hours_before, self.withdraw_until, self.closed_at, self.apart, self.cancelled_at, self.cancelled_because,
        )  # fmt: skip

    @cached_property
    def apart(self) -> Apart:
        """By what it is told from the course's other dates: 1 query, none where `tell_apart` was asked for it."""
        tell_apart([self])
        return self.apart

    def date_name(self, zone: tzinfo | None = None, *, now: datetime | None = None) -> str:
        """Return what tells it from the course's other dates: the local day, and the time and the place where that needs them.

        By default in the active zone; without the year where it is that of `now`.
        """
        parts = [say_day(self.starts_at, zone, now=now)]
        parts += [say_clock(self.starts_at, zone)] if self.apart != Apart.DAY else []
        parts += [self.place] if self.apart == Apart.PLACE and self.place else []
        return ", ".join(parts)

    def with_day(self, zone: tzinfo | None = None) -> str:
        """Return its name and what tells it from the course's other dates, see `date_name`."""
        return f"{self}, {self.date_name(zone)}"

    @property
    def is_cancelled(self) -> bool:
        """Whether the date is not held."""
        return self.cancelled_at is not None

    @property
    def is_graded_directly(self) -> bool:
        """Whether its results are grades alone, without points, as those of oral exams are."""
        return self.kind == self.Kind.ORAL and not self.is_oral_by_points

    @property
    def ends_at(self) -> datetime:
        """When it ends, without anyone's extra time."""
        return self.starts_at + timedelta(minutes=self.duration_minutes)

    @property
    def seats_left(self) -> int | None:
        """How many may still register; None without a limit."""
        return None if self.capacity is None else max(0, self.capacity - self.seats_taken)

    @property
    def has_free_seat(self) -> bool:
        """Whether the next to come gets a seat: there is one, and nobody waits for it."""
        return self.waiting == 0 and (self.capacity is None or self.seats_taken < self.capacity)

    @property
    def last_moment_to_sign_up(self) -> datetime:
        """When sign-up closes: as typed, else with the start."""
        return self.closes_at or self.starts_at

    @property
    def last_moment_to_withdraw(self) -> datetime:
        """Until when one may withdraw and be promoted: as typed, else the start."""
        return self.withdraw_until or self.starts_at

    @property
    def review_ends_at(self) -> datetime | None:
        """When the review ends, if there is one."""
        return None if self.review_at is None else self.review_at + timedelta(minutes=self.review_minutes)

    def sign_up(self, now: datetime) -> SignUp:
        """Return how sign-up stands, closed where the date is cancelled; the whole minute of the closing counts, the start ends it."""
        return SignUp.CLOSED if self.is_cancelled else self.window(now)

    def window(self, now: datetime) -> SignUp:
        """Return how sign-up stands by its dates alone."""
        if self.opens_at is None and self.closes_at is None:
            return SignUp.NONE
        if self.opens_at is not None and now < self.opens_at:
            return SignUp.UPCOMING
        is_open = now < self.starts_at and (self.closes_at is None or is_open_until(self.closes_at, now))
        return SignUp.OPEN if is_open and self.closed_at is None else SignUp.CLOSED

    def may_withdraw(self, now: datetime) -> bool:
        """Return whether one may still withdraw, and whether anyone is still promoted."""
        if self.closed_at is not None or self.is_cancelled or now >= self.starts_at:
            return False
        return self.withdraw_until is None or is_open_until(self.withdraw_until, now)


def tell_apart(exams: Iterable[Exam]) -> None:
    """Find out by what each of these dates is told from all dates of its course: 1 query, none without any."""
    rows = list(exams)
    if not rows:
        return
    dates = Exam.objects.filter(course__in={exam.course_id for exam in rows}).order_by()
    known = dates.values_list("course", "course__timezone", "starts_at")
    told_apart(rows, [(course, starts_at, ZoneInfo(zone)) for course, zone, starts_at in known])


def told_apart(exams: Iterable[Exam], dates: Iterable[tuple[int, datetime, tzinfo]]) -> None:
    """Note by what each of these dates is told from all that there are, known by course, beginning and the course's zone: no query."""
    known = list(dates)
    zones = {course: zone for course, _starts_at, zone in known}
    times = Counter((course, starts_at) for course, starts_at, _zone in known)
    days = Counter((course, starts_at.astimezone(zone).date()) for course, starts_at, zone in known)
    for exam in exams:
        # An exam that isn't kept yet is told from none.
        zone = zones.get(exam.course_id)
        if zone is None or days[exam.course_id, exam.starts_at.astimezone(zone).date()] < 2:
            exam.apart = Apart.DAY
        else:
            exam.apart = Apart.TIME if times[exam.course_id, exam.starts_at] < 2 else Apart.PLACE


pghistory.track()(ExamRules)
# Counters change with every sign-up; the registrations' own history tells the same.
pghistory.track(exclude=["seats_taken", "waiting", "last_position"])(Exam)
