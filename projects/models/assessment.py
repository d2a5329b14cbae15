"""What the staff decide on a project."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from amls.core.constraints import RowCheck
from amls.core.text import CleanTextField, LineField
from amls.courses.eligibility import HALF_POINTS
from amls.courses.models import Enrolment, choices_hold
from projects.models.teams import Project

# What stands between the reasons of several corrections.
BETWEEN_REASONS = " · "


class Outcome(models.TextChoices):
    """Whether a project is passed."""

    PASSED = "passed", _("Passed")
    FAILED = "failed", pgettext_lazy("of a project", "Failed")


def points_field(**options: Any) -> "models.DecimalField[Any, Any]":
    """Return a field for extra points."""
    return models.DecimalField(_("extra points"), max_digits=3, decimal_places=1, **options)


def _points_hold(name: str) -> RowCheck:
    return RowCheck(
        name=name,
        condition=Q(extra_points__isnull=True) | Q(extra_points__in=HALF_POINTS),
        violation_error_message=_("Extra points are 0 to 20, in half points."),
    )


class Assessment(models.Model):
    """The decision on a team's project: a draft until it is published."""

    project = models.OneToOneField(Project, models.PROTECT, related_name="assessment", verbose_name=_("project"))
    outcome = models.CharField(_("outcome"), max_length=6, choices=Outcome, blank=True)
    extra_points = points_field(default=Decimal(0))
    feedback = CleanTextField(
        _("feedback"), blank=True, help_text=_("Markdown. Seen by the team once it is published.")
    )
    # Of what is decided on: an attempt that came later changes it only when points are given for that.
    late_percent = models.PositiveSmallIntegerField(
        _("deducted in percent, for being late"), default=0, db_default=0, editable=False
    )
    assessed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name=_("assessed by")
    )
    assessed_at = models.DateTimeField(_("assessed"))
    # Earlier than `assessed_at` where published points were corrected, and a late attempt that came meanwhile wasn't looked at.
    made_on = models.DateTimeField(_("decided on what counted then"), null=True, blank=True, editable=False)
    published_at = models.DateTimeField(_("published"), null=True, blank=True)
    correction = LineField(
        _("reason of the correction"), max_length=300, blank=True, db_default="",
        help_text=_("Why points were changed after they were published. The team reads it."),
    )  # fmt: skip
    # By the keys of enrolments: each member reads why their own points were changed, and nothing of a teammate's.
    corrections = models.JSONField(_("reasons of corrections"), default=dict, blank=True, editable=False, db_default={})

    class Meta:
        verbose_name = _("assessment")
        verbose_name_plural = _("assessments")
        ordering = ["project"]
        constraints = [
            choices_hold("assessment_outcome_valid", "outcome", ["", *Outcome.values]),
            _points_hold("assessment_points_valid"),
            RowCheck(
                name="assessment_late_percent_valid",
                condition=Q(late_percent__lte=100),
                violation_error_message=_("At most all points are deducted."),
            ),
            RowCheck(
                name="assessment_published_is_decided",
                condition=Q(published_at__isnull=True) | ~Q(outcome=""),
                violation_error_message=_("Decide whether the project is passed before you publish it."),
            ),
            RowCheck(
                name="assessment_failed_has_no_points",
                condition=~Q(outcome="failed") | Q(extra_points=0),
                violation_error_message=_("A failed project gives no extra points."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.project}: {self.get_outcome_display() or '–'}"

    @property
    def judges_until(self) -> datetime:
        """Until when something came that it is a decision on: what was handed in or picked later, it says nothing of."""
        return self.made_on or self.assessed_at

    def correction_for(self, enrolment: int) -> str:
        """Return why a member's points were changed after they were published, the last reason last; '' where they never were."""
        reasons: str = self.corrections.get(str(enrolment), "")
        return reasons

    def add_correction(self, members: Iterable[int], reason: str) -> None:
        """Let members read this reason too, after those of corrections before: none is lost by a later one."""
        for key in map(str, members):
            before = [part for part in self.corrections.get(key, "").split(BETWEEN_REASONS) if part not in ("", reason)]
            self.corrections = {**self.corrections, key: BETWEEN_REASONS.join([*before, reason])}


class MemberAssessment(models.Model):
    """Where the decision on one member differs from the team's."""

    assessment = models.ForeignKey(Assessment, models.CASCADE, related_name="overrides", verbose_name=_("assessment"))
    enrolment = models.ForeignKey(
        Enrolment, models.PROTECT, related_name="assessment_overrides", verbose_name=_("member")
    )
    outcome = models.CharField(
        _("outcome"), max_length=6, choices=Outcome, blank=True, help_text=_("Empty: as the team.")
    )
    extra_points = points_field(null=True, blank=True, help_text=_("Empty: as the team."))
    reason = LineField(_("reason"), max_length=300)

    class Meta:
        verbose_name = _("decision on one member")
        verbose_name_plural = _("decisions on members")
        ordering = ["assessment", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["assessment", "enrolment"],
                name="memberassessment_unique",
                violation_error_message=_("There is a decision on this member already."),
            ),
            choices_hold("memberassessment_outcome_valid", "outcome", ["", *Outcome.values]),
            _points_hold("memberassessment_points_valid"),
        ]

    def __str__(self) -> str:
        return str(self.enrolment.user)


class AssessmentDraft(models.Model):
    """What one of the staff typed on a project's page and has not saved: theirs alone, and never part of a decision.

    Attributes:
        typed: what differs from what is saved, by the fields of the page's forms.
    """

    project = models.ForeignKey(Project, models.CASCADE, related_name="drafts", verbose_name=_("project"))
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="assessment_drafts", verbose_name=_("author")
    )
    typed = models.JSONField(_("typed"), default=dict)
    kept_at = models.DateTimeField(_("kept"))

    class Meta:
        verbose_name = _("draft of an assessment")
        verbose_name_plural = _("drafts of assessments")
        ordering = ["project", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["project", "author"],
                name="assessmentdraft_unique",
                violation_error_message=_("There is a draft of this person already."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.project}: {self.author}"


class EarlierPass(models.Model):
    """'Project passed in an earlier term', entered or imported by the staff."""

    enrolment = models.OneToOneField(Enrolment, models.CASCADE, related_name="earlier_pass", verbose_name=_("student"))
    term = LineField(_("term"), max_length=30)
    extra_points = points_field(default=Decimal(0))
    note = LineField(_("note"), max_length=300, blank=True)
    entered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("entered by"),
    )

    class Meta:
        verbose_name = _("project passed in an earlier term")
        verbose_name_plural = _("projects passed in earlier terms")
        ordering = ["enrolment"]
        constraints = [_points_hold("earlierpass_points_valid")]

    def __str__(self) -> str:
        return f"{self.enrolment.user}: {self.term}"
