"""When a course meets each week."""

from __future__ import annotations

from datetime import time, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib.postgres.expressions import ArraySubquery
from django.db import models
from django.db.models import F, OuterRef, Q
from django.db.models.functions import JSONObject
from django.utils.translation import gettext_lazy as _

from amls.core.constraints import RowCheck
from amls.core.text import LineField
from amls.core.times import say_clock, say_span
from amls.courses.choices import Mode, SessionKind, Weekday, choices_hold

if TYPE_CHECKING:
    from collections.abc import Iterable

_KINDS = list(SessionKind)
_VALUES = ("pk", "kind", "weekday", "start", "end", "room", "mode", "call_in")
DEFAULT_LENGTH = timedelta(minutes=90)


class WeeklySlotQuerySet(models.QuerySet["WeeklySlot"]):
    """Weekly slots."""

    def of_each(self, course: str = "pk") -> ArraySubquery:
        """Return the slots of each course of a query, for `Course.slots` to read without a query of its own.

        Args:
            course: how that query gets to its course.
        """
        values = JSONObject(**{name: name for name in _VALUES})
        return ArraySubquery(self.filter(course=OuterRef(course)).order_by("pk").values(found=values))


class WeeklySlot(models.Model):
    """One weekly slot for the sessions of a kind; what is not known of it, or not the same each week, stays empty."""

    course = models.ForeignKey("courses.Course", models.CASCADE, related_name="weekly_slots", verbose_name=_("course"))
    kind = models.CharField(_("kind"), max_length=10, choices=SessionKind, default=SessionKind.LECTURE)
    weekday = models.PositiveSmallIntegerField(_("weekday"), choices=Weekday, null=True, blank=True)
    start = models.TimeField(_("start"), null=True, blank=True)
    end = models.TimeField(_("end"), null=True, blank=True)
    room = LineField(_("room"), max_length=100, blank=True)
    mode = models.CharField(_("mode"), max_length=10, choices=Mode, default=Mode.IN_PERSON)
    call_in = models.URLField(
        _("call-in link"),
        max_length=500,
        blank=True,
        help_text=_("Seen by enrolled people only, unless a lecture opens its own link."),
    )

    objects: ClassVar[WeeklySlotQuerySet] = WeeklySlotQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("weekly slot")
        verbose_name_plural = _("weekly slots")
        ordering = ["course", "weekday", "start", "pk"]
        constraints = [
            choices_hold("weeklyslot_kind_valid", "kind", SessionKind.values),
            choices_hold("weeklyslot_mode_valid", "mode", Mode.values),
            RowCheck(
                name="weeklyslot_in_order",
                condition=Q(end__isnull=True) | Q(start__isnull=True) | Q(end__gt=F("start")),
                violation_error_message=_("The weekly slot ends before it starts."),
            ),
            RowCheck(
                name="weeklyslot_weekday_valid",
                condition=Q(weekday__isnull=True) | Q(weekday__range=(0, 6)),
                violation_error_message=_("Choose a weekday."),
            ),
            models.UniqueConstraint(
                fields=["course", "kind", "weekday", "start", "end", "room"],
                name="weeklyslot_unique",
                nulls_distinct=False,
                violation_error_message=_("The course has this weekly slot already."),
            ),
        ]

    def __str__(self) -> str:
        clock = say_span(self.start, self.end) if self.start else say_clock(self.end) if self.end else ""
        day = self.get_weekday_display() if self.weekday is not None else ""
        return " ".join(filter(None, [str(day), clock])) or str(self.get_kind_display())

    @property
    def length(self) -> timedelta:
        """How long a session lasts that says no end; 90 minutes without both times."""
        if self.start is None or self.end is None:
            return DEFAULT_LENGTH
        start = timedelta(hours=self.start.hour, minutes=self.start.minute)
        return timedelta(hours=self.end.hour, minutes=self.end.minute) - start

    @classmethod
    def from_values(cls, course_pk: int, values: dict[str, Any]) -> WeeklySlot:
        """Return a slot out of what `of_each` found of it."""
        clocks = {name: time.fromisoformat(values[name]) if values[name] else None for name in ("start", "end")}
        return cls(course_id=course_pk, **{**values, **clocks})


def in_weekly_order(slots: Iterable[WeeklySlot]) -> list[WeeklySlot]:
    """Return slots as pages name them: lectures first, within a kind through the week."""

    def place(slot: WeeklySlot) -> tuple[int, int, time, int]:
        weekday = slot.weekday if slot.weekday is not None else len(Weekday)
        return _KINDS.index(SessionKind(slot.kind)), weekday, slot.start or time.min, slot.pk

    return sorted(slots, key=place)
