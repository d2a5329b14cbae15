"""What students ask about their points, and what the staff say again and again about work."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from amls.core.constraints import RowCheck
from amls.core.text import CleanTextField
from amls.courses.models import Course, Enrolment
from projects.models.assessment import Assessment
from projects.models.points import Task

LONGEST_QUESTION = 2000


class PointsQuestion(models.Model):
    """A student's question about the published points for one task, and its answer. Each task is asked about once.

    Attributes:
        task: None: the sum of an assignment without tasks.
    """

    assessment = models.ForeignKey(Assessment, models.CASCADE, related_name="questions", verbose_name=_("assessment"))
    task = models.ForeignKey(
        Task, models.CASCADE, null=True, blank=True, related_name="questions", verbose_name=_("task")
    )
    enrolment = models.ForeignKey(
        Enrolment, models.CASCADE, related_name="points_questions", verbose_name=_("asked by")
    )
    text = CleanTextField(_("question"), max_length=LONGEST_QUESTION)
    asked_at = models.DateTimeField(_("asked"))
    answer = CleanTextField(_("answer"), blank=True, max_length=LONGEST_QUESTION)
    answered_at = models.DateTimeField(_("answered"), null=True, blank=True)
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("answered by"),
    )

    class Meta:
        verbose_name = _("question about points")
        verbose_name_plural = _("questions about points")
        ordering = ["asked_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["assessment", "task", "enrolment"],
                name="pointsquestion_once",
                nulls_distinct=False,
                violation_error_message=_("You have asked about this task already."),
            ),
            RowCheck(
                name="pointsquestion_asks_something",
                condition=~Q(text=""),
                violation_error_message=_("Write your question first."),
            ),
            RowCheck(
                name="pointsquestion_answered_has_answer",
                condition=Q(answered_at__isnull=True, answer="") | (Q(answered_at__isnull=False) & ~Q(answer="")),
                violation_error_message=_("An answer has words and a time."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.enrolment.user}: {self.text[:60]}"


class CommentSnippet(models.Model):
    """A comment that a course's staff use again: put into the comment on a task by click, or by typing its number."""

    course = models.ForeignKey(Course, models.CASCADE, related_name="comment_snippets", verbose_name=_("course"))
    text = CleanTextField(_("text"), max_length=1000)
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    class Meta:
        verbose_name = _("comment snippet")
        verbose_name_plural = _("comment snippets")
        ordering = ["course", "position", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["course", "text"],
                name="commentsnippet_unique",
                violation_error_message=_("The course has this snippet already."),
            ),
            RowCheck(
                name="commentsnippet_says_something",
                condition=~Q(text=""),
                violation_error_message=_("Write something first."),
            ),
        ]

    def __str__(self) -> str:
        return str(self.text)
