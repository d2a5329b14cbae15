"""Points: the tasks of an assignment, what a team or one of its members got for each, and who is excused."""

from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import Mod
from django.db.models.lookups import Exact
from django.utils.translation import gettext_lazy as _

from amls.core.text import CleanTextField, LineField
from amls.courses.models import Enrolment
from amls.grading.points import QUARTER
from projects.models.assessment import Assessment
from projects.models.assignments import Assignment, enrolled_in_its_course


def _in_quarters(name: str, field: str) -> models.CheckConstraint:
    return models.CheckConstraint(
        name=name,
        condition=Exact(Mod(models.F(field), Value(QUARTER)), Value(Decimal(0))),
        violation_error_message=_("Points are given in quarters."),
    )


class Task(models.Model):
    """A part of an assignment that has points of its own. An assignment without tasks has one sum."""

    assignment = models.ForeignKey(Assignment, models.CASCADE, related_name="tasks", verbose_name=_("assignment"))
    title = LineField(_("title"), max_length=200)
    max_points = models.DecimalField(_("most points"), max_digits=6, decimal_places=2)
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    class Meta:
        verbose_name = _("task")
        verbose_name_plural = _("tasks")
        ordering = ["assignment", "position", "pk"]
        constraints = [
            models.CheckConstraint(
                name="task_points_positive",
                condition=Q(max_points__gt=0),
                violation_error_message=_("A task has more than no points."),
            ),
            _in_quarters("task_points_in_quarters", "max_points"),
        ]

    def __str__(self) -> str:
        return self.title


class TaskPoints(models.Model):
    """What was given for one task, or for all in one sum.

    Attributes:
        task: None: the sum of an assignment without tasks.
        enrolment: the member for whom it differs from the team's; None for the team.
    """

    assessment = models.ForeignKey(Assessment, models.CASCADE, related_name="task_points", verbose_name=_("assessment"))
    task = models.ForeignKey(Task, models.CASCADE, null=True, blank=True, related_name="given", verbose_name=_("task"))
    enrolment = models.ForeignKey(
        Enrolment, models.PROTECT, null=True, blank=True, related_name="task_points", verbose_name=_("member")
    )
    points = models.DecimalField(_("points"), max_digits=6, decimal_places=2)
    comment = CleanTextField(_("comment"), blank=True)

    class Meta:
        verbose_name = _("points for a task")
        verbose_name_plural = _("points for tasks")
        ordering = ["assessment", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["assessment", "task", "enrolment"],
                name="taskpoints_unique",
                nulls_distinct=False,
                violation_error_message=_("There are points for this task already."),
            ),
            models.CheckConstraint(
                name="taskpoints_not_negative",
                condition=Q(points__gte=0),
                violation_error_message=_("Points can't be negative."),
            ),
            _in_quarters("taskpoints_in_quarters", "points"),
        ]

    def __str__(self) -> str:
        return f"{self.assessment_id}: {self.points}"


class Excuse(models.Model):
    """That a person is excused from an assignment: it counts neither for nor against them."""

    assignment = models.ForeignKey(Assignment, models.CASCADE, related_name="excuses", verbose_name=_("assignment"))
    enrolment = models.ForeignKey(Enrolment, models.CASCADE, related_name="excuses", verbose_name=_("student"))
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name=_("by"))
    at = models.DateTimeField(_("when"))

    class Meta:
        verbose_name = _("excuse")
        verbose_name_plural = _("excuses")
        ordering = ["assignment", "enrolment"]
        constraints = [
            models.UniqueConstraint(
                fields=["assignment", "enrolment"],
                name="excuse_unique",
                violation_error_message=_("This person is excused already."),
            ),
        ]
        triggers = [enrolled_in_its_course("excuse_same_course")]

    def __str__(self) -> str:
        return f"{self.assignment}: {self.enrolment.user}"
