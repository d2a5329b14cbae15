"""Exams of a course."""

from datetime import datetime, timedelta

import pghistory
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from amls.courses.models import Course, choices_hold
from amls.web.text import LineField


class Exam(models.Model):
    """One date of an exam."""

    class Kind(models.TextChoices):
        WRITTEN = "written", _("Written exam")
        ORAL = "oral", _("Oral exam")

    course = models.ForeignKey(Course, models.CASCADE, related_name="exams", verbose_name=_("course"))
    kind = models.CharField(_("kind"), max_length=10, choices=Kind, default=Kind.WRITTEN)
    title = LineField(_("title"), max_length=200, blank=True, help_text=_("Empty: named by its kind."))
    starts_at = models.DateTimeField(_("starts"))
    duration_minutes = models.PositiveSmallIntegerField(_("duration in minutes"), default=90)
    place = LineField(_("place"), max_length=200, blank=True)
    capacity = models.PositiveIntegerField(_("capacity"), null=True, blank=True, help_text=_("Empty: no limit."))
    opens_at = models.DateTimeField(_("sign-up opens"), null=True, blank=True)
    closes_at = models.DateTimeField(_("sign-up closes"), null=True, blank=True)
    withdraw_until = models.DateTimeField(_("withdraw until"), null=True, blank=True)

    class Meta:
        verbose_name = _("exam")
        verbose_name_plural = _("exams")
        ordering = ["course", "starts_at", "pk"]
        constraints = [
            choices_hold("exam_kind_valid", "kind", ["written", "oral"]),
            models.CheckConstraint(
                name="exam_duration_positive",
                condition=Q(duration_minutes__gt=0),
                violation_error_message=_("An exam lasts at least a minute."),
            ),
            models.CheckConstraint(
                name="exam_opens_before_closes",
                condition=Q(opens_at__isnull=True) | Q(closes_at__isnull=True) | Q(opens_at__lt=F("closes_at")),
                violation_error_message=_("Sign-up closes before it opens."),
            ),
            models.CheckConstraint(
                name="exam_closes_before_start",
                condition=Q(closes_at__isnull=True) | Q(closes_at__lte=F("starts_at")),
                violation_error_message=_("Sign-up closes after the exam has begun."),
            ),
            models.CheckConstraint(
                name="exam_withdraw_before_start",
                condition=Q(withdraw_until__isnull=True) | Q(withdraw_until__lte=F("starts_at")),
                violation_error_message=_("Withdrawing ends after the exam has begun."),
            ),
        ]

    def __str__(self) -> str:
        return self.title or str(self.get_kind_display())

    @property
    def ends_at(self) -> datetime:
        """When it ends."""
        return self.starts_at + timedelta(minutes=self.duration_minutes)


pghistory.track()(Exam)
