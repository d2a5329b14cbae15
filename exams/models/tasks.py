"""The tasks of an exam, and what each person got for them: their sum is the result."""

import pghistory
from django.db import models
from django.utils.translation import gettext_lazy as _

from amls.core.triggers import differ, owner, refuses
from amls.grading.models import PointsBase, TaskBase
from exams.models.exam import Exam
from exams.models.registration import Registration


class ExamTask(TaskBase):
    """A part of an exam that has points of its own. An exam without tasks has one sum."""

    exam = models.ForeignKey(Exam, models.CASCADE, related_name="tasks", verbose_name=_("exam"))

    class Meta(TaskBase.Meta):
        verbose_name = _("task of an exam")
        verbose_name_plural = _("tasks of exams")
        ordering = ["exam", "position", "pk"]


class ExamTaskPoints(PointsBase):
    """What a person got for a task of an exam."""

    registration = models.ForeignKey(
        Registration, models.RESTRICT, related_name="task_points", verbose_name=_("registration")
    )
    task = models.ForeignKey(ExamTask, models.CASCADE, related_name="given", verbose_name=_("task"))

    class Meta(PointsBase.Meta):
        verbose_name = _("points for a task of an exam")
        verbose_name_plural = _("points for tasks of exams")
        ordering = ["registration", "task"]
        constraints = [
            models.UniqueConstraint(
                fields=["registration", "task"],
                name="examtaskpoints_unique",
                violation_error_message=_("There are points for this task already."),
            ),
            *PointsBase.Meta.constraints,
        ]
        triggers = [
            refuses(
                "examtaskpoints_same_exam",
                where=differ(
                    owner("exam", "exams_registration", "registration"), owner("exam", "exams_examtask", "task")
                ),
                because="the task is one of another exam.",
            )
        ]

    def __str__(self) -> str:
        return f"{self.registration}: {self.points}"


pghistory.track()(ExamTask)
pghistory.track()(ExamTaskPoints)
