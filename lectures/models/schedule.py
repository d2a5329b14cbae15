"""Parts, lectures and office hours."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar

import pghistory
from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from amls.core.clock import to_wall_clock
from amls.core.constraints import RowCheck
from amls.core.folding import fold
from amls.core.text import CleanTextField, LineField
from amls.core.times import say_span
from amls.courses.belonging import of_same_course, require_own_course
from amls.courses.models import Course, Mode, SessionKind, Weekday, choices_hold
from lectures.managers import LectureQuerySet

if TYPE_CHECKING:
    from datetime import date, datetime

    from amls.courses.models import WeeklySlot
    from lectures.models.materials import Material


class Part(models.Model):
    """A part of the course, such as 'A. Overview and ML System Internals'."""

    course = models.ForeignKey(Course, models.CASCADE, related_name="parts", verbose_name=_("course"))
    letter = LineField(_("letter"), max_length=5, blank=True)
    title = LineField(_("title"), max_length=500)
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    class Meta:
        verbose_name = _("part")
        verbose_name_plural = _("parts")
        ordering = ["course", "position", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["course", "letter"],
                condition=~Q(letter=""),
                name="part_letter_unique",
                violation_error_message=_("The course has a part with this letter already."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.letter}. {self.title}" if self.letter else self.title


class Lecture(models.Model):
    """One session of the course: a numbered lecture or exercise, or a discussion without a number.

    While its date is open it has no moment; while only its time is open it has its `day`.
    """

    class State(models.TextChoices):
        PLANNED = "planned", _("Planned")
        CANCELLED = "cancelled", _("Cancelled")

    course = models.ForeignKey(Course, models.CASCADE, related_name="lectures", verbose_name=_("course"))
    part = models.ForeignKey(
        Part, models.SET_NULL, null=True, blank=True, related_name="lectures", verbose_name=_("part")
    )
    kind = models.CharField(
        _("kind"), max_length=10, choices=SessionKind, default=SessionKind.LECTURE, db_default=SessionKind.LECTURE.value
    )
    number = models.CharField(
        _("number"),
        max_length=5,
        blank=True,
        validators=[RegexValidator(r"^[0-9]{1,4}[a-z]?$", _("Use digits, such as '05', or leave it empty."))],
    )
    title = LineField(_("title"), max_length=500)
    abstract = CleanTextField(_("abstract"), blank=True, help_text=_("Markdown."))
    starts_at = models.DateTimeField(_("starts"), null=True, blank=True, help_text=_("Empty: the date is open."))
    ends_at = models.DateTimeField(_("ends"), null=True, blank=True)
    day = models.DateField(
        _("day"), null=True, blank=True, help_text=_("While only the time is open; instead of start and end.")
    )
    room = LineField(_("room"), max_length=100, blank=True)
    mode = models.CharField(_("mode"), max_length=10, choices=Mode, default=Mode.IN_PERSON)
    call_in = models.URLField(_("call-in link"), max_length=500, blank=True, help_text=_("Empty: the course's link."))
    is_call_in_public = models.BooleanField(
        _("call-in link for everyone"), default=False, help_text=_("For the first lecture, when nobody has an account.")
    )
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.PLANNED)

    objects: ClassVar[LectureQuerySet] = LectureQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("lecture")
        verbose_name_plural = _("lectures")
        ordering = ["course", "starts_at", "number", "pk"]
        constraints = [
            RowCheck(
                name="lecture_ends_after_start",
                condition=Q(starts_at__isnull=True, ends_at__isnull=True)
                | Q(starts_at__isnull=False, ends_at__isnull=False, ends_at__gt=F("starts_at")),
                violation_error_message=_("A session needs a start and a later end, or neither while they are open."),
            ),
            RowCheck(
                name="lecture_day_while_time_open",
                condition=Q(day__isnull=True) | Q(starts_at__isnull=True),
                violation_error_message=_("Give start and end, or only the day while the time is open, not both."),
            ),
            models.UniqueConstraint(
                fields=["course", "kind", "number"],
                condition=~Q(number=""),
                name="lecture_number_unique",
                violation_error_message=_("The course has a session of this kind with this number already."),
            ),
            choices_hold("lecture_kind_valid", "kind", SessionKind.values),
            choices_hold("lecture_mode_valid", "mode", Mode.values),
            choices_hold("lecture_state_valid", "state", ["planned", "cancelled"]),
        ]
        triggers = [of_same_course("lecture_part_of_same_course", "part", "lectures_part")]

    def __str__(self) -> str:
        if self.kind == SessionKind.LECTURE or not self.number:
            return f"{self.number} {self.title}".strip()
        return f"{self.label}: {self.own_title}".removesuffix(": ")

    @property
    def label(self) -> str:
        """What it is, with its number, such as 'Exercise 3'; lectures go by their number alone, and say nothing."""
        if self.kind == SessionKind.LECTURE:
            return ""
        return f"{self.get_kind_display()} {self.number}".strip()

    @property
    def own_title(self) -> str:
        """Its title; nothing where that only says what it is, with its number, in whatever language: 'Übung 1' of exercise 1."""
        if not self.number or not self.label or not self.title.endswith(self.number):
            return str(self.title)
        for code, _name in settings.LANGUAGES:
            with translation.override(code):
                if fold(self.title) == fold(self.label):
                    return ""
        return str(self.title)

    @property
    def short_name(self) -> str:
        """What it is called where there is little room: '05', 'Exercise 3', else its title."""
        if not self.number:
            return str(self.title)
        return self.label or self.number

    def clean(self) -> None:
        """Refuse a part of another course."""
        super().clean()
        require_own_course(self, "part")

    @property
    def ref(self) -> str:
        """What stands for the lecture in its address."""
        if not self.number:
            return f"session-{self.pk}"
        return self.number if self.kind == SessionKind.LECTURE else f"{self.kind}-{self.number}"

    @property
    def is_cancelled(self) -> bool:
        """Whether it will not take place."""
        return self.state == self.State.CANCELLED

    def get_absolute_url(self) -> str:
        """Return the address of the lecture's page."""
        return reverse("lectures:lecture", args=[self.course.slug, self.ref])

    @property
    def announced_labels(self) -> list[str]:
        """What will come but can't be opened yet, of the materials that a page loaded for its reader."""
        shown: list[Material] = getattr(self, "shown_materials", [])
        return [material.short_label for material in shown if material.stands_in_rows and not material.is_available]

    @property
    def files_in_row(self) -> list[tuple[Material, str]]:
        """What can be opened of the materials that a page loaded for its reader, each with the label of its button.

        The kind says enough where it is the only one of its kind; of several those with a title say theirs.
        """
        shown: list[Material] = getattr(self, "shown_materials", [])
        opened = [material for material in shown if material.is_available and material.stands_in_rows]
        kinds = Counter(material.kind for material in opened)
        return [
            (material, material.title if kinds[material.kind] > 1 and material.title else material.short_label)
            for material in opened
        ]

    @property
    def held_on(self) -> date | None:
        """Its local date; None while that is open."""
        return self.starts_at.astimezone(self.course.zone).date() if self.starts_at else self.day

    def is_over_at(self, now: datetime) -> bool:
        """Return whether it, or the day on which it is held, is over; never while its date is open."""
        if self.ends_at is not None:
            return self.ends_at <= now
        return self.day is not None and self.day < now.astimezone(self.course.zone).date()

    def has_begun_at(self, now: datetime) -> bool:
        """Return whether it is being held at `now`, or is over."""
        return self.is_over_at(now) or (self.starts_at is not None and self.starts_at <= now)

    def is_on_at(self, now: datetime, lead: timedelta = timedelta()) -> bool:
        """Return whether it is being held at `now`, or begins within `lead`."""
        return self.starts_at is not None and self.starts_at - lead <= now and not self.is_over_at(now)

    @property
    def usual_slot(self) -> WeeklySlot | None:
        """The weekly slot of its kind in which it is held, or that comes next to it."""
        own = [slot for slot in self.course.slots if slot.kind == self.kind]
        day = self.held_on
        weekday = day.weekday() if day is not None else None
        time = to_wall_clock(self.starts_at, self.course.zone).time() if self.starts_at else None

        def likeness(slot: WeeklySlot) -> tuple[bool, bool, bool]:
            return slot.weekday == weekday, slot.start == time, slot.room == self.room

        return max(own, key=likeness, default=None)

    @property
    def effective_call_in(self) -> str:
        """The session's own call-in link, or the weekly slot's where it is held online; the course's first without one."""
        if self.mode == Mode.IN_PERSON:
            return ""
        slot = self.usual_slot or next(iter(self.course.slots), None)
        return self.call_in or (slot.call_in if slot is not None else "")

    @property
    def is_off_weekday(self) -> bool:
        """Whether it is held on another weekday than its weekly slot."""
        slot, day = self.usual_slot, self.held_on
        return slot is not None and slot.weekday is not None and day is not None and day.weekday() != slot.weekday

    @property
    def is_off_time(self) -> bool:
        """Whether it starts at another time of day than its weekly slot."""
        slot = self.usual_slot
        if slot is None or slot.start is None or self.starts_at is None:
            return False
        return to_wall_clock(self.starts_at, self.course.zone).time() != slot.start

    @property
    def is_off_room(self) -> bool:
        """Whether it is held in another room than its weekly slot."""
        slot = self.usual_slot
        return slot is not None and bool(slot.room) and self.mode != Mode.VIRTUAL and self.room != slot.room


class OfficeHour(models.Model):
    """A weekly office hour; one agenda item per occurrence."""

    course = models.ForeignKey(Course, models.CASCADE, related_name="office_hours", verbose_name=_("course"))
    weekday = models.PositiveSmallIntegerField(_("weekday"), choices=Weekday)
    start = models.TimeField(_("start"))
    end = models.TimeField(_("end"))
    room = LineField(_("room"), max_length=100, blank=True)
    mode = models.CharField(_("mode"), max_length=10, choices=Mode, default=Mode.IN_PERSON)
    call_in = models.URLField(_("call-in link"), max_length=500, blank=True)
    first = models.DateField(_("from"), null=True, blank=True, help_text=_("Empty: from the course's first day."))
    last = models.DateField(_("until"), null=True, blank=True, help_text=_("Empty: until the course's last day."))

    class Meta:
        verbose_name = _("office hour")
        verbose_name_plural = _("office hours")
        ordering = ["course", "weekday", "start"]
        constraints = [
            RowCheck(
                name="officehour_ends_after_start",
                condition=Q(end__gt=F("start")),
                violation_error_message=_("The office hour ends before it starts."),
            ),
            RowCheck(
                name="officehour_days_in_order",
                condition=Q(first__isnull=True) | Q(last__isnull=True) | Q(last__gte=F("first")),
                violation_error_message=_("The last day lies before the first."),
            ),
            RowCheck(name="officehour_weekday_valid", condition=Q(weekday__range=(0, 6))),
            choices_hold("officehour_mode_valid", "mode", Mode.values),
        ]

    def __str__(self) -> str:
        return f"{self.get_weekday_display()}, {say_span(self.start, self.end)}"


class OfficeHourException(models.Model):
    """One occurrence that is cancelled or held otherwise; named by its original date."""

    office_hour = models.ForeignKey(
        OfficeHour, models.CASCADE, related_name="exceptions", verbose_name=_("office hour")
    )
    day = models.DateField(_("original date"))
    is_cancelled = models.BooleanField(_("cancelled"), default=False)
    moved_to_start = models.DateTimeField(_("moved to"), null=True, blank=True)
    moved_to_end = models.DateTimeField(_("until"), null=True, blank=True)
    room = LineField(_("other room"), max_length=100, blank=True)

    class Meta:
        verbose_name = _("exception")
        verbose_name_plural = _("exceptions")
        ordering = ["office_hour", "day"]
        constraints = [
            models.UniqueConstraint(
                fields=["office_hour", "day"],
                name="officehourexception_unique",
                violation_error_message=_("There is an exception for this date already."),
            ),
            RowCheck(
                name="officehourexception_move_complete",
                condition=Q(moved_to_start__isnull=True, moved_to_end__isnull=True)
                | Q(moved_to_end__gt=F("moved_to_start")),
                violation_error_message=_("A moved office hour needs a start and a later end."),
            ),
        ]

    def __str__(self) -> str:
        return str(self.day)


for _model in (Part, Lecture, OfficeHour, OfficeHourException):
    pghistory.track()(_model)
