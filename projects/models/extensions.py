"""More time: asked for and given."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from amls.core.constraints import RowCheck
from amls.core.text import CleanTextField
from amls.courses.belonging import of_same
from amls.courses.models import Course, Enrolment, choices_hold
from projects.models.assignments import Assignment
from projects.models.teams import Project


class ExtensionRequest(models.Model):
    """A student's wish for more time; its reason is for the staff only."""

    class State(models.TextChoices):
        OPEN = "open", _("Open")
        GRANTED = "granted", _("Granted")
        DECLINED = "declined", _("Declined")
        WITHDRAWN = "withdrawn", _("Taken back")

    enrolment = models.ForeignKey(
        Enrolment, models.CASCADE, related_name="extension_requests", verbose_name=_("asked by")
    )
    project = models.ForeignKey(Project, models.CASCADE, related_name="extension_requests", verbose_name=_("project"))
    reason = CleanTextField(_("reason"), max_length=2000)
    wanted_until = models.DateTimeField(_("wanted until"), null=True, blank=True)
    asked_at = models.DateTimeField(_("asked"))
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.OPEN)
    answer = CleanTextField(_("answer"), blank=True, max_length=2000)
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("decided by")
    )

    class Meta:
        verbose_name = _("request for an extension")
        verbose_name_plural = _("requests for extensions")
        ordering = ["asked_at", "pk"]
        constraints = [
            choices_hold("extensionrequest_state_valid", "state", ["open", "granted", "declined", "withdrawn"]),
            RowCheck(
                name="extensionrequest_decided_unless_open",
                condition=Q(state="open", decided_at__isnull=True) | (~Q(state="open") & Q(decided_at__isnull=False)),
                violation_error_message=_("A request is either open or has been decided at a time."),
            ),
            models.UniqueConstraint(
                fields=["project"],
                condition=Q(state="open"),
                name="extensionrequest_one_open",
                violation_error_message=_("Your team has asked already. Wait for the answer."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.enrolment.user}: {self.project}"


class Extension(models.Model):
    """More time for everyone, a team or a person (and so their team): until a time, or by so much.

    Which of the two it is stays as meant: when the deadline moves, a delta moves with it.
    """

    course = models.ForeignKey(Course, models.CASCADE, related_name="extensions", verbose_name=_("course"))
    assignment = models.ForeignKey(Assignment, models.CASCADE, related_name="extensions", verbose_name=_("assignment"))
    project = models.ForeignKey(
        Project, models.CASCADE, null=True, blank=True, related_name="extensions", verbose_name=_("project")
    )
    enrolment = models.ForeignKey(
        Enrolment, models.CASCADE, null=True, blank=True, related_name="extensions", verbose_name=_("person")
    )
    due_at = models.DateTimeField(_("until"), null=True, blank=True)
    delta = models.DurationField(_("by"), null=True, blank=True, help_text=_("Such as '2 00:00:00' for two days."))
    reason = CleanTextField(_("reason"), max_length=2000, help_text=_("Seen by the staff only."))
    granted_at = models.DateTimeField(_("granted"))
    granted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name=_("granted by")
    )
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)

    class Meta:
        verbose_name = _("extension")
        verbose_name_plural = _("extensions")
        ordering = ["course", "granted_at", "pk"]
        constraints = [
            RowCheck(
                name="extension_for_one",
                condition=Q(project__isnull=True) | Q(enrolment__isnull=True),
                violation_error_message=_("An extension is for a team, for a person, or for all."),
            ),
            RowCheck(
                name="extension_until_or_by",
                condition=Q(due_at__isnull=False, delta__isnull=True) | Q(due_at__isnull=True, delta__isnull=False),
                violation_error_message=_("Give either the new time or by how much it is later."),
            ),
            RowCheck(
                name="extension_delta_positive",
                condition=Q(delta__isnull=True) | Q(delta__gt=timedelta(0)),
                violation_error_message=_("An extension gives time, it doesn't take it."),
            ),
        ]
        triggers = [
            of_same("course", "extension_assignment_of_same_course", "assignment", "projects_assignment"),
            of_same("assignment", "extension_project_of_assignment", "project", "projects_project"),
        ]

    def __str__(self) -> str:
        return str(self.project or self.enrolment or self.course)

    @property
    def is_for_all(self) -> bool:
        """Whether it is everyone's."""
        return self.project_id is None and self.enrolment_id is None

    def extends(self, base: datetime) -> datetime:
        """Return until when it gives time, for a deadline at `base`; never earlier than that."""
        until = self.due_at if self.due_at is not None else base + (self.delta or timedelta(0))
        return max(base, until)
