"""Days without class, and what is due beside projects and exams."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pghistory
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from amls.core.constraints import RowCheck
from amls.core.text import LineField
from amls.courses.models import Course, choices_hold

if TYPE_CHECKING:
    from datetime import date


class FreeDay(models.Model):
    """One or several days without class: no office hour is held on them, and a new term's sessions avoid them."""

    course = models.ForeignKey(Course, models.CASCADE, related_name="free_days", verbose_name=_("course"))
    first = models.DateField(_("day"))
    last = models.DateField(_("last day"), null=True, blank=True, help_text=_("Of several; empty: one day only."))
    title = LineField(_("why"), max_length=200, blank=True, help_text=_("Such as 'Ascension Day'."))

    class Meta:
        verbose_name = _("day without class")
        verbose_name_plural = _("days without class")
        ordering = ["course", "first", "pk"]
        constraints = [
            RowCheck(
                name="freeday_days_in_order",
                condition=Q(last__isnull=True) | Q(last__gte=F("first")),
                violation_error_message=_("The last day lies before the first."),
            ),
            models.UniqueConstraint(
                fields=["course", "first"],
                name="freeday_unique",
                violation_error_message=_("The course has this day without class already."),
            ),
        ]

    def __str__(self) -> str:
        return self.title or str(_("No class"))

    @property
    def until(self) -> date:
        """The last of its days."""
        return self.last or self.first

    def covers(self, day: date) -> bool:
        """Return whether it is one of its days."""
        return self.first <= day <= self.until


class Deadline(models.Model):
    """Something that is due and is neither the project's nor an exam's, at a moment or on a day whose time is open."""

    class Kind(models.TextChoices):
        SHEET = "sheet", _("Exercise sheet")
        PROJECT = "project", _("Part of a project")
        REGISTRATION = "registration", _("Registration")
        OTHER = "other", _("Other")

    course = models.ForeignKey(Course, models.CASCADE, related_name="deadlines", verbose_name=_("course"))
    kind = models.CharField(_("kind"), max_length=12, choices=Kind, default=Kind.OTHER)
    title = LineField(_("title"), max_length=500)
    due_at = models.DateTimeField(
        _("due"), null=True, blank=True, help_text=_("The last minute that counts, such as 23:59.")
    )
    day = models.DateField(_("day"), null=True, blank=True, help_text=_("While its time is open; instead of a moment."))
    url = models.URLField(_("web page"), max_length=500, blank=True, help_text=_("What is asked, or where it goes."))

    class Meta:
        verbose_name = _("deadline")
        verbose_name_plural = _("deadlines")
        ordering = ["course", "due_at", "day", "pk"]
        constraints = [
            choices_hold("deadline_kind_valid", "kind", ["sheet", "project", "registration", "other"]),
            RowCheck(
                name="deadline_moment_or_day",
                condition=Q(due_at__isnull=True, day__isnull=False) | Q(due_at__isnull=False, day__isnull=True),
                violation_error_message=_(
                    "Say when it is due: a date and time, or only the day while the time is open."
                ),
            ),
            models.UniqueConstraint(
                fields=["course", "title", "due_at", "day"],
                name="deadline_unique",
                nulls_distinct=False,
                violation_error_message=_("The course has this deadline already."),
            ),
        ]

    def __str__(self) -> str:
        return str(self.title)


for _model in (FreeDay, Deadline):
    pghistory.track()(_model)
