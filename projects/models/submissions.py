"""What teams hand in: attempts that are only ever added."""

import uuid
from pathlib import PurePosixPath
from typing import ClassVar

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from amls.core.constraints import RowCheck
from amls.core.text import CleanTextField, LineField
from amls.courses.models import Enrolment
from amls.files.checks import say_refusal
from projects.managers import SubmissionQuerySet
from projects.models.teams import Project


class Submission(models.Model):
    """One attempt of a team. Nothing deletes it; taking it out of account is withdrawing it."""

    project = models.ForeignKey(Project, models.PROTECT, related_name="submissions", verbose_name=_("project"))
    attempt = models.PositiveSmallIntegerField(_("attempt"))
    submitted_by = models.ForeignKey(
        Enrolment, models.PROTECT, related_name="submissions", verbose_name=_("handed in by")
    )
    began_at = models.DateTimeField(_("upload began"), help_text=_("Decides whether it is in time."))
    received_at = models.DateTimeField(_("received"))
    repository_url = models.URLField(_("repository"), max_length=500, blank=True)
    commit = LineField(
        _("commit"),
        max_length=64,
        blank=True,
        validators=[
            RegexValidator(r"^[0-9a-fA-F]{7,64}$", _("Give the commit's hash: 7 to 64 digits and letters a–f."))
        ],
    )
    comment = CleanTextField(_("comment"), blank=True, max_length=2000)
    # One press of the button is one attempt, however often the browser sends it.
    request_key = models.UUIDField(_("request"), unique=True, editable=False, default=uuid.uuid4)
    accepted_at = models.DateTimeField(_("accepted although late"), null=True, blank=True)
    accepted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("accepted by"),
    )
    withdrawn_at = models.DateTimeField(_("withdrawn"), null=True, blank=True)
    # How it stood when it was received, as its receipt said then: nothing of it follows what is decided later.
    receipt_said = models.JSONField(_("what its receipt said"), null=True, blank=True, editable=False)
    # Its files could not be judged while the upload waited: it counts, and a worker looks from this time on.
    check_due_at = models.DateTimeField(_("still to be checked"), null=True, blank=True, editable=False)
    check_attempts = models.PositiveSmallIntegerField(_("checks begun"), default=0, db_default=0, editable=False)

    objects: ClassVar[SubmissionQuerySet] = SubmissionQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("hand-in")
        verbose_name_plural = _("hand-ins")
        ordering = ["project", "attempt"]
        constraints = [
            models.UniqueConstraint(
                fields=["project", "attempt"],
                name="submission_attempt_unique",
                violation_error_message=_("This attempt exists already."),
            ),
            RowCheck(
                name="submission_attempt_positive",
                condition=Q(attempt__gte=1),
                violation_error_message=_("Attempts are counted from 1."),
            ),
            RowCheck(
                name="submission_withdrawn_is_not_checked",
                condition=Q(withdrawn_at__isnull=True) | Q(check_due_at__isnull=True),
                violation_error_message=_("What is out of account is not checked."),
            ),
            RowCheck(
                name="submission_received_after_began",
                condition=Q(received_at__gte=F("began_at")),
                violation_error_message=_("An upload can't end before it began."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.project} · {self.attempt}"


# Where hand-ins lie in the storage: nothing deletes them but the rows that they belong to.
FOLDER = "submissions"


def stored_path(_instance: object, filename: str) -> str:
    """Return where a handed-in file is kept: under a random name, so that nothing can be guessed."""
    suffix = (
        "".join(PurePosixPath(filename.lower()).suffixes[-2:])
        if filename.lower().endswith(".tar.gz")
        else PurePosixPath(filename.lower()).suffix
    )
    key = uuid.uuid4().hex
    return f"{FOLDER}/{key[:2]}/{key}{suffix}"


class SubmissionFile(models.Model):
    """A file of an attempt."""

    submission = models.ForeignKey(Submission, models.PROTECT, related_name="files", verbose_name=_("hand-in"))
    file = models.FileField(_("file"), upload_to=stored_path, max_length=200)
    filename = LineField(_("name"), max_length=200)
    content_type = models.CharField(_("type"), max_length=120)
    size = models.PositiveBigIntegerField(_("bytes"))
    sha256 = models.CharField(_("SHA-256"), max_length=64)
    # Why it was refused after it had been kept, as `say_refusal` puts it in words.
    refusal = models.JSONField(_("refusal"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("file of a hand-in")
        verbose_name_plural = _("files of hand-ins")
        ordering = ["submission", "pk"]
        constraints = [
            RowCheck(
                name="submissionfile_not_empty",
                condition=Q(size__gt=0),
                violation_error_message=_("The file is empty."),
            ),
            RowCheck(
                name="submissionfile_has_hash",
                condition=Q(sha256__regex=r"^[0-9a-f]{64}$"),
                violation_error_message=_("A file is kept with its SHA-256."),
            ),
        ]

    def __str__(self) -> str:
        return self.filename

    @property
    def why_refused(self) -> str:
        """Why it was refused after it had been kept, in the present language; empty if it was not."""
        return say_refusal(self.filename, self.refusal) if self.refusal else ""
