"""The pages that the law asks for, as the installation's staff word them; courses that are being brought in."""

import uuid

import pghistory
from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from amls.core.text import CleanTextField, LineField
from amls.courses.models import Course, Language, choices_hold


class LegalPage(models.Model):
    """One legal page in one language; without a row the page shows a useful default."""

    class Kind(models.TextChoices):
        IMPRINT = "imprint", _("Imprint")
        PRIVACY = "privacy", _("Privacy")
        ACCESSIBILITY = "accessibility", _("Accessibility")

    kind = models.CharField(_("page"), max_length=15, choices=Kind)
    language = models.CharField(_("language"), max_length=5, choices=Language)
    text = CleanTextField(_("text"), help_text=_("Markdown."))

    class Meta:
        verbose_name = _("legal page")
        verbose_name_plural = _("legal pages")
        ordering = ["kind", "language"]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "language"],
                name="legalpage_unique",
                violation_error_message=_("This page exists in this language already: change that one."),
            ),
            choices_hold("legalpage_kind_valid", "kind", ["imprint", "privacy", "accessibility"]),
            choices_hold("legalpage_language_valid", "language", Language.values),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} ({self.get_language_display()})"


pghistory.track()(LegalPage)


class ImportDraft(models.Model):
    """A course that somebody is bringing in: what they brought, and what they answered and corrected since.

    Attributes:
        course: that it is to change; None for a new one.
        name: of the file, or the address, for people; empty for what was pasted.
        address: from where the worker fetches it; empty for what was sent.
        source: what it says, in the form of `amls.portal.takeover.sourcerows`; None until it was fetched.
        problem: why it could not be fetched or read, in the owner's language.
        changes: each a pair of what was asked or corrected and the answer, in their order; of two with the same name
            the later one counts, so that taking one back is to drop the last.
    """

    token = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", verbose_name=_("brought by"))
    course = models.ForeignKey(
        Course, models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("course")
    )
    name = LineField(_("name"), max_length=300, blank=True)
    address = models.CharField(_("address"), max_length=2000, blank=True)
    source = models.JSONField(null=True, blank=True)
    problem = CleanTextField(_("problem"), blank=True)
    changes = models.JSONField(_("answers"), default=list, blank=True)
    made_at = models.DateTimeField(_("brought"))
    attempts = models.PositiveIntegerField(_("attempts"), default=0, db_default=0)
    leased_until = models.DateTimeField(_("taken by a worker until"), null=True, blank=True)

    class Meta:
        verbose_name = _("course being brought in")
        verbose_name_plural = _("courses being brought in")
        ordering = ["-made_at", "-pk"]
        indexes = [models.Index(fields=["owner", "made_at"], name="importdraft_owner_made")]

    def __str__(self) -> str:
        return self.name or str(self.token)

    @property
    def is_waiting(self) -> bool:
        """Whether the worker has still to fetch it."""
        return self.source is None and not self.problem

    @property
    def answers(self) -> dict[str, str]:
        """What counts of the answers and corrections."""
        return dict(self.changes)


class Upstream(models.Model):
    """The page elsewhere from which a course comes, read again by the worker; what changed there is proposed here.

    Attributes:
        answers: to what the page leaves open, as in the draft from which the course was made.
        source: what it said when it was read last, in the form of `amls.portal.takeover.sourcerows`.
        base: what it said of each row when somebody last decided on it, as a course.toml.
        mirror: what the course said then, likewise: where it says something else now it was edited here.
        fingerprint: of the last content; the same content says nothing new.
        waiting: how many changes wait for a decision.
        due_at: when it is to be read again.
    """

    course = models.OneToOneField(Course, models.CASCADE, related_name="upstream", verbose_name=_("course"))
    address = models.CharField(_("address"), max_length=2000)
    answers = models.JSONField(_("answers"), default=dict, blank=True)
    source = models.JSONField()
    base = models.TextField()
    mirror = models.TextField()
    fingerprint = models.CharField(max_length=64, blank=True)
    waiting = models.PositiveIntegerField(_("changes to decide on"), default=0)
    problem = CleanTextField(_("problem"), blank=True)
    read_at = models.DateTimeField(_("last read"))
    due_at = models.DateTimeField(_("to be read again"))
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    leased_until = models.DateTimeField(_("taken by a worker until"), null=True, blank=True)

    class Meta:
        verbose_name = _("page elsewhere")
        verbose_name_plural = _("pages elsewhere")
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.address
