"""Exports: files that a worker makes, kept for a week."""

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from amls.core.constraints import RowCheck
from amls.core.text import LineField
from amls.courses.models import Course, Language, User, choices_hold
from amls.exports.managers import ExportQuerySet


class Export(models.Model):
    """A file that is being made or was made.

    The fingerprint stands for kind, course, parameters, language, person and content: the
    same file is not made twice while it is kept.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        RUNNING = "running", _("Being made")
        DONE = "done", _("Ready")
        FAILED = "failed", _("Failed")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    fingerprint = models.CharField(_("fingerprint"), max_length=64, unique=True)
    kind = models.CharField(_("kind"), max_length=60)
    course = models.ForeignKey(
        Course, models.CASCADE, null=True, blank=True, related_name="exports", verbose_name=_("course")
    )
    course_revision = models.PositiveBigIntegerField(_("revision of the course"), null=True, blank=True)
    parameters = models.JSONField(_("parameters"), default=dict, blank=True)
    language = models.CharField(_("language"), max_length=5, choices=Language)
    requested_by = models.ForeignKey(
        User,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="exports",
        verbose_name=_("requested by"),
        help_text=_("Empty: for everyone who may see it."),
    )
    is_quick = models.BooleanField(_("quick"), default=False)
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.WAITING)
    done = models.PositiveIntegerField(_("done"), default=0)
    total = models.PositiveIntegerField(_("of"), default=0)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    not_before = models.DateTimeField(_("not before"))
    leased_until = models.DateTimeField(_("claimed until"), null=True, blank=True)
    file = models.FileField(_("file"), max_length=200, blank=True)
    filename = LineField(_("file name"), max_length=200, blank=True)
    bytes = models.PositiveBigIntegerField(_("bytes"), default=0)
    sha256 = models.CharField(_("SHA-256"), max_length=64, blank=True)
    error = LineField(_("error"), max_length=500, blank=True)
    remark = LineField(
        _("remark"), max_length=500, blank=True, help_text=_("What to know of the file, such as letters that it lacks.")
    )
    created_at = models.DateTimeField(_("requested"))
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    expires_at = models.DateTimeField(_("kept until"))

    objects: ClassVar[ExportQuerySet] = ExportQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("export")
        verbose_name_plural = _("exports")
        ordering = ["-created_at"]
        constraints = [
            choices_hold("export_state_valid", "state", ["waiting", "running", "done", "failed"]),
            choices_hold("export_language_valid", "language", Language.values),
            RowCheck(
                name="export_lease_while_running",
                condition=Q(state="running", leased_until__isnull=False)
                | (~Q(state="running") & Q(leased_until__isnull=True)),
            ),
            RowCheck(
                name="export_done_has_file",
                condition=(Q(state="done", finished_at__isnull=False) & ~Q(file="") & ~Q(sha256=""))
                | (~Q(state="done") & Q(file="")),
            ),
            RowCheck(
                name="export_failed_has_error",
                condition=~Q(state="failed") | (~Q(error="") & Q(finished_at__isnull=False)),
            ),
            RowCheck(name="export_progress_in_range", condition=Q(done__lte=models.F("total"))),
        ]
        indexes = [
            models.Index(fields=["not_before"], condition=Q(state="waiting"), name="export_waiting"),
            models.Index(fields=["leased_until"], condition=Q(state="running"), name="export_running"),
            models.Index(fields=["expires_at"], name="export_expires"),
        ]

    def __str__(self) -> str:
        return str(_("Export for %(whom)s") % {"whom": self.requested_by or _("everyone")})

    def get_absolute_url(self) -> str:
        """Return the page that shows its progress."""
        return reverse("exports:export", args=[self.pk])

    @property
    def percent(self) -> int | None:
        """How much is done, in percent; None while that is not known."""
        return self.done * 100 // self.total if self.total else None

    @property
    def may_be_made_again(self) -> bool:
        """Whether another try could give a better file."""
        return self.state == self.State.FAILED or (self.state == self.State.DONE and bool(self.remark))

    @property
    def is_pending(self) -> bool:
        """Whether somebody may wait for it."""
        return self.state in (self.State.WAITING, self.State.RUNNING)
