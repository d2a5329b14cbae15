"""Many dates of oral exams made in one act, told once, and taken back as long as nobody is in them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from amls.agenda.services import Change
from amls.core.clock import from_wall_clock
from amls.core.preview import without_trace
from amls.core.violations import RuleViolation
from amls.courses.models import Course
from amls.courses.services import finish_course_change, is_quiet, lock_course
from exams.models import Exam, Registration
from exams.models.exam import told_apart
from exams.overlaps import beside, own_ends

# As many as two examiners hold in a week; more are planned in several goes.
MOST_SLOTS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class OralSeries:
    """Oral exams one after the other, on one day or several, as staff type them.

    Attributes:
        days: by the course's calendar.
        begins, ends: by the course's clock: the first slot begins, and the last one is over.
        minutes: how long each is.
        gap_minutes: between one and the next.
        breaks: spans of the course's clock in which nobody is examined.
        capacity: how many are examined in each at once.
        opens_at, closes_at, withdraw_until: aware; the same for all, so that calendars have them once.
        closes_hours_before: so many hours before each, instead of `closes_at`.
    """

    days: Sequence[date]
    begins: time
    ends: time
    minutes: int
    gap_minutes: int = 0
    breaks: Sequence[tuple[time, time]] = ()
    title: str = ""
    place: str = ""
    examiners: str = ""
    call_in: str = ""
    capacity: int = 1
    opens_at: datetime | None = None
    closes_at: datetime | None = None
    closes_hours_before: int | None = None
    withdraw_until: datetime | None = None

    def starts(self, zone: ZoneInfo) -> list[datetime]:
        """Return when each begins, in order: lengths are counted in real minutes, also where the clocks change.

        Raises:
            RuleViolation: there is none, there are too many, or the clock skips a time that was typed.
        """
        starts: list[datetime] = []
        for day in sorted(set(self.days)):
            for begins_at in self._of_day(day, zone):
                starts.append(begins_at)
                if len(starts) > MOST_SLOTS:
                    raise RuleViolation(
                        _("These are more than %(most)d slots. Plan them in several goes.") % {"most": MOST_SLOTS},
                        code="too-many",
                        field="ends",
                    )
        if not starts:
            raise RuleViolation(
                _("No slot fits between these times. Give a later end, or shorter slots."), code="no-slot", field="ends"
            )
        return starts

    def _of_day(self, day: date, zone: ZoneInfo) -> Iterator[datetime]:
        def at(clock: time) -> datetime:
            return from_wall_clock(datetime.combine(day, clock), zone)

        free = sorted((at(begins), at(ends)) for begins, ends in self.breaks)
        begins_at, over_at, length = at(self.begins), at(self.ends), timedelta(minutes=self.minutes)
        while begins_at + length <= over_at:
            resumes_at = next((ends for begins, ends in free if begins < begins_at + length and begins_at < ends), None)
            if resumes_at is not None:
                begins_at = resumes_at
                continue
            yield begins_at
            begins_at += length + timedelta(minutes=self.gap_minutes)


@dataclass(frozen=True, slots=True)
class OralSlot:
    """One of a series, as it would be.

    Attributes:
        exam: not kept yet.
        against: dates of the course that it overlaps at the same place or with the same examiner, in words.
    """

    exam: Exam
    against: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PlannedSlots:
    """A series as it would be.

    Attributes:
        slots: in order.
        changes: of the course's agenda.
        shown: all that a preview shows, for its seal, and the dates that there are already: a second click makes no more.
    """

    slots: tuple[OralSlot, ...]
    changes: tuple[Change, ...]
    shown: object


def preview_oral_exams(*, course: Course, series: OralSeries, now: datetime) -> PlannedSlots:
    """Return the slots of a series, what they overlap, and what calendars and mails would say; nothing is kept.

    Raises:
        RuleViolation: see `plan_oral_exams`.
    """
    there = list(Exam.objects.filter(course=course).order_by("starts_at", "pk").prefetch_related("rooms"))
    exams, changes = without_trace(lambda: plan_oral_exams(course=course, series=series, now=now))
    told_apart([*there, *exams], [(course.pk, exam.starts_at, course.zone) for exam in (*there, *exams)])
    ends = own_ends(course.pk)
    slots = tuple(OralSlot(exam, tuple(_overlaps(exam, there, ends, course.zone))) for exam in exams)
    beside = [exam.pk for exam in there]
    return PlannedSlots(slots, tuple(changes), (series, [slot.against for slot in slots], beside, is_quiet()))


def plan_oral_exams(*, course: Course, series: OralSeries, now: datetime) -> tuple[list[Exam], list[Change]]:
    """Add a series of oral exams, all or none; calendars and mails follow once, for all.

    Args:
        course: whose they are.
        series: of one row; two rooms with examiners of their own are planned one after the other.
        now: the request's clock.

    Returns:
        The new dates, and what changed in the course's agenda.

    Raises:
        RuleViolation: there is no slot, there are too many or one is past, or a date breaks a rule of exams.
    """
    with transaction.atomic():
        course = lock_course(course.pk)
        exams = Exam.objects.bulk_create(_unsaved(course, series, now))
        changes = finish_course_change(course, now=now)
    return exams, changes


def _unsaved(course: Course, series: OralSeries, now: datetime) -> list[Exam]:
    starts = series.starts(course.zone)
    if starts[0] <= now:
        raise RuleViolation(_("The first slot would be past. Choose a later day."), code="past", field="day")
    exams = [
        Exam(
            course=course,
            kind=Exam.Kind.ORAL,
            starts_at=starts_at,
            duration_minutes=series.minutes,
            title=series.title,
            place=series.place,
            examiners=series.examiners,
            call_in=series.call_in,
            capacity=series.capacity,
            opens_at=series.opens_at,
            closes_at=series.closes_at,
            closes_hours_before=series.closes_hours_before,
            withdraw_until=series.withdraw_until,
        )
        for starts_at in starts
    ]
    for exam in exams:
        exam.follow_start()
    # The rules are the same for all, and each moment comes before the first.
    try:
        exams[0].full_clean(exclude=["course"])
    except ValidationError as error:
        raise RuleViolation(" ".join(error.messages), code="exam-rule") from error
    return exams


def _overlaps(slot: Exam, there: Sequence[Exam], ends: Mapping[int, datetime], zone: ZoneInfo) -> Iterator[str]:
    for exam, places, names in beside(slot, there, ends=ends):
        if places:
            yield _("%(exam)s is at the same place then.") % {"exam": exam.with_day(zone)}
        else:
            said = _("%(exam)s has the same examiner: %(names)s.")
            yield said % {"exam": exam.with_day(zone), "names": ", ".join(names)}


def take_slots_back(*, course: Course, exam_pks: Collection[int], now: datetime) -> tuple[int, int]:
    """Remove dates that were planned by mistake; return how many went, and how many stay as people stand on their list.

    Args:
        course: whose they are.
        exam_pks: as `plan_oral_exams` made them.
        now: the request's clock.
    """
    with transaction.atomic():
        course = lock_course(course.pk)
        rows = Exam.objects.select_for_update(no_key=True).filter(course=course, pk__in=exam_pks).order_by("pk")
        pks = [exam.pk for exam in rows]
        # Whoever stood on a list, and be it that they withdrew, keeps it.
        used = set(Registration.objects.filter(exam__in=pks).values_list("exam", flat=True))
        free = [pk for pk in pks if pk not in used]
        Exam.objects.filter(pk__in=free).delete()
        finish_course_change(course, now=now)
    return len(free), len(used)


def say_taken_back(gone: int, kept: int) -> str:
    """Return what came of taking slots back."""
    said = ngettext("%(count)d slot is removed again.", "%(count)d slots are removed again.", gone) % {"count": gone}
    if kept:
        said += " " + ngettext(
            "%(count)d stays: somebody stands on its list.",
            "%(count)d stay: people stand on their lists.",
            kept,
        ) % {"count": kept}
    return said
