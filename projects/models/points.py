"""Points: the tasks of an assignment, what a team or one of its members got for each, and who is excused."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from amls.core.text import CleanTextField, LineField
from amls.courses.models import Enrolment
from amls.grading.models import PointsBase, TaskBase
from projects.models.assessment import Assessment
from projects.models.assignments import Assignment, enrolled_in_its_course


class Task(TaskBase):
    """A part of an assignment that has points of its own. An assignment without tasks has one sum."""

    assignment = models.ForeignKey(Assignment, models.CASCADE, related_name="tasks", verbose_name=_("assignment"))

    class Meta(TaskBase.Meta):
        verbose_name = _("task")
        verbose_name_plural = _("tasks")
        ordering = ["assignment", "position", "pk"]


class TaskPoints(PointsBase):
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
    comment = CleanTextField(_("comment"), blank=True)

    class Meta(PointsBase.Meta):
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
            *PointsBase.Meta.constraints,
        ]

    def __str__(self) -> str:
        return f"{self.assessment_id}: {self.points}"


class Excuse(models.Model):
    """That a person is excused from an assignment: it counts neither for nor against them."""

    assignment = models.ForeignKey(Assignment, models.CASCADE, related_name="excuses", verbose_name=_("assignment"))
    enrolment = models.ForeignKey(Enrolment, models.CASCADE, related_name="excuses", verbose_name=_("student"))
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name=_("by"))
    at = models.DateTimeField(_("when"))
    reason = LineField(
        _("reason"),
        max_length=300,
        blank=True,
        db_default="",
        help_text=_("The person reads it. No diagnosis, please."),
    )

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
