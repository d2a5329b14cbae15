"""Points and grades."""

from decimal import Decimal

import pghistory
import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.formats import number_format
from django.utils.translation import gettext_lazy as _

from amls.core.constraints import RowCheck
from amls.core.decimals import say_decimal
from amls.core.text import LineField
from amls.courses.eligibility import MOST_EXTRA_POINTS
from amls.courses.models import User, choices_hold
from exams.models.exam import Exam
from exams.models.registration import Registration

# The grades by which one passes; whoever reaches none of them has a 5.0.
GRADES = tuple(Decimal(text) for text in ("1.0", "1.3", "1.7", "2.0", "2.3", "2.7", "3.0", "3.3", "3.7", "4.0"))
FAILED = Decimal("5.0")
# Of a registration, what `Registration.has_passed` says of it: its result is out and a pass.
HAS_PASSED = Q(result__state="published", result__grade__lt=FAILED)
# By which words the history of results calls its states.
_STATES = {"draft": _("draft"), "published": _("published"), "frozen": _("frozen for export")}


class GradeStep(models.Model):
    """From how many points on an exam earns a grade."""

    exam = models.ForeignKey(Exam, models.CASCADE, related_name="grade_steps", verbose_name=_("exam"))
    grade = models.DecimalField(_("grade"), max_digits=2, decimal_places=1)
    min_points = models.DecimalField(_("from points"), max_digits=6, decimal_places=2)

    class Meta:
        verbose_name = _("step of the grade table")
        verbose_name_plural = _("grade table")
        ordering = ["exam", "grade"]
        constraints = [
            models.UniqueConstraint(
                fields=["exam", "grade"],
                name="gradestep_unique",
                violation_error_message=_("The table has this grade already."),
            ),
            choices_hold("gradestep_grade_valid", "grade", list(GRADES)),
            RowCheck(
                name="gradestep_points_not_negative",
                condition=Q(min_points__gte=0),
                violation_error_message=_("Points can't be negative."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.grade}: {say_decimal(self.min_points)}"


class Result(models.Model):
    """What a person reached. As a draft it follows points and table; once published it stands as written."""

    class State(models.TextChoices):
        DRAFT = "draft", _("Draft")
        PUBLISHED = "published", _("Published")

    registration = models.OneToOneField(
        Registration, models.RESTRICT, related_name="result", verbose_name=_("registration")
    )
    points = models.DecimalField(
        _("points"), max_digits=6, decimal_places=2, null=True, blank=True, help_text=_("Empty: graded without points.")
    )
    extra_points = models.DecimalField(_("extra points applied"), max_digits=4, decimal_places=1, default=0)
    grade = models.DecimalField(_("grade"), max_digits=2, decimal_places=1, null=True, blank=True)
    state = models.CharField(_("state"), max_length=9, choices=State, default=State.DRAFT)
    published_at = models.DateTimeField(_("published"), null=True, blank=True)
    correction = LineField(
        _("reason of the correction"), max_length=300, blank=True, db_default="",
        help_text=_("Why it was changed after it was published. Its owner reads it."),
    )  # fmt: skip

    class Meta:
        verbose_name = _("result")
        verbose_name_plural = _("results")
        ordering = ["registration"]
        constraints = [
            choices_hold("result_state_valid", "state", ["draft", "published"]),
            RowCheck(
                name="result_points_valid",
                condition=Q(points__gte=0),
                violation_error_message=_("Points can't be negative."),
            ),
            RowCheck(
                name="result_has_points_or_grade",
                condition=Q(points__isnull=False) | Q(grade__isnull=False, extra_points=0),
                violation_error_message=_("A result has points, or a grade without points and without extra points."),
            ),
            RowCheck(
                name="result_extra_points_valid",
                condition=Q(extra_points__range=(0, MOST_EXTRA_POINTS)),
                violation_error_message=_("Extra points are 0 to 20."),
            ),
            RowCheck(
                name="result_grade_valid",
                condition=Q(grade__isnull=True) | Q(grade__in=[*GRADES, FAILED]),
                violation_error_message=_("Choose one of the offered values."),
            ),
            RowCheck(
                name="result_published_is_complete",
                condition=(~Q(state="published") & Q(published_at__isnull=True))
                | Q(state="published", published_at__isnull=False, grade__isnull=False),
                violation_error_message=_("A published result has a grade and a time."),
            ),
        ]

    def __str__(self) -> str:
        return str(self.registration)

    @property
    def total(self) -> Decimal | None:
        """Points of the exam with the extra points that were applied; None where it is graded without points."""
        return None if self.points is None else self.points + self.extra_points

    @property
    def entered(self) -> Decimal | None:
        """What the staff entered: the points, or the grade where it is graded without points."""
        return self.grade if self.points is None else self.points

    @property
    def is_passed(self) -> bool:
        """Whether the grade is a pass."""
        return self.grade is not None and self.grade < FAILED


class ResultChange(models.Model):
    """Who changed which result when, from what to what, and why. The database refuses to change a row."""

    class What(models.TextChoices):
        POINTS = "points", _("Points")
        EXTRA_POINTS = "extra_points", _("Extra points")
        GRADE = "grade", _("Grade")
        STATE = "state", _("State")
        REMOVED = "removed", _("Points removed")
        TASK = "task", _("Points for a task")

    registration = models.ForeignKey(
        Registration, models.CASCADE, related_name="result_changes", verbose_name=_("registration")
    )
    at = models.DateTimeField(_("when"))
    by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("by"))
    what = models.CharField(_("what"), max_length=15, choices=What)
    before = LineField(_("before"), max_length=60, blank=True)
    after = LineField(_("after"), max_length=60, blank=True)
    reason = LineField(_("reason"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("change of a result")
        verbose_name_plural = _("changes of results")
        ordering = ["-pk"]
        constraints = [
            choices_hold(
                "resultchange_what_valid", "what", ["points", "extra_points", "grade", "state", "removed", "task"]
            ),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="append_only",
                operation=pgtrigger.Update,
                when=pgtrigger.Before,
                # Only an account that is deleted may leave a row, without its name.
                condition=pgtrigger.AnyChange(exclude=["by"]),
                func="RAISE EXCEPTION 'The history of results is append-only.' USING ERRCODE = 'check_violation';",
            )
        ]

    def __str__(self) -> str:
        return f"{self.registration}: {self.before} → {self.after}"

    @property
    def step(self) -> str:
        """From what to what, in words."""
        return f"{self._said(self.before)} → {self._said(self.after)}"

    def _said(self, value: str) -> str:
        if not value:
            return "–"
        if self.what == self.What.STATE:
            return str(_STATES.get(value, value))
        if self.what == self.What.GRADE:
            return str(number_format(Decimal(value), 1))
        return say_decimal(Decimal(value))


pghistory.track()(GradeStep)
pghistory.track()(Result)
