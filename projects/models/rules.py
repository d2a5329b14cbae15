"""When and how projects of a course are registered and handed in."""

from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from amls.core.text import CleanTextField
from amls.courses.models import Course

# What a project may be handed in as, unless the course says otherwise (domain: Submission).
HAND_IN_SUFFIXES = ("zip", "pdf", "ipynb", "tar.gz")

# A hundred of the largest files by default.
PROJECT_MEGABYTES = 5120


def default_suffixes() -> list[str]:
    """Return the kinds of files that a course takes unless it says otherwise."""
    return list(HAND_IN_SUFFIXES)


class ProjectRules(models.Model):
    """When and how projects of a course are registered and handed in."""

    course = models.OneToOneField(Course, models.CASCADE, related_name="project_rules", verbose_name=_("course"))
    submission_deadline = models.DateTimeField(
        _("submission deadline"), null=True, blank=True, help_text=_("As typed: the whole minute counts.")
    )
    registration_opens_at = models.DateTimeField(_("registration opens"), null=True, blank=True)
    registration_closes_at = models.DateTimeField(
        _("registration closes"), null=True, blank=True, help_text=_("Empty: at the submission deadline.")
    )
    late_cutoff_hours = models.PositiveSmallIntegerField(
        _("hours after the deadline in which a late hand-in is kept"), default=48
    )
    assessed_by = models.DateTimeField(
        _("assessed by"),
        null=True,
        blank=True,
        help_text=_("When everyone's result is needed, such as for the admission to the exam."),
    )
    hours = models.PositiveSmallIntegerField(_("working hours"), null=True, blank=True)
    ects = models.DecimalField(_("ECTS"), max_digits=4, decimal_places=1, null=True, blank=True)
    is_mandatory = models.BooleanField(_("mandatory"), default=False)
    description = CleanTextField(_("description"), blank=True, help_text=_("Markdown."))
    takes_own_ideas = models.BooleanField(
        _("students may propose an own idea"), default=True, help_text=_("The staff accept or decline it.")
    )
    kinds_of_files = ArrayField(
        models.CharField(max_length=10, choices=[(suffix, suffix) for suffix in HAND_IN_SUFFIXES]),
        verbose_name=_("kinds of files"),
        default=default_suffixes,
        help_text=_("Any of zip, pdf, ipynb, tar.gz, separated by commas."),
    )
    max_files = models.PositiveSmallIntegerField(_("most files in a hand-in"), default=10)
    max_file_megabytes = models.PositiveSmallIntegerField(_("largest file in MB"), default=50)
    max_total_megabytes = models.PositiveIntegerField(
        _("room for all hand-ins of a project in MB"),
        default=PROJECT_MEGABYTES,
        db_default=PROJECT_MEGABYTES,
        help_text=_("Every attempt stays. A team that has used its room up asks you: raise it here."),
    )

    class Meta:
        verbose_name = _("project rules")
        verbose_name_plural = _("project rules")
        constraints = [
            models.CheckConstraint(
                name="projectrules_registration_in_order",
                condition=Q(registration_opens_at__isnull=True)
                | Q(registration_closes_at__isnull=True)
                | Q(registration_opens_at__lt=F("registration_closes_at")),
                violation_error_message=_("Registration closes before it opens."),
            ),
            models.CheckConstraint(
                name="projectrules_limits_positive",
                condition=Q(max_files__gte=1, max_file_megabytes__gte=1),
                violation_error_message=_("A hand-in takes at least one file of at least 1 MB."),
            ),
            models.CheckConstraint(
                name="projectrules_total_holds_a_file",
                condition=Q(max_total_megabytes__gte=F("max_file_megabytes")),
                violation_error_message=_(
                    "All hand-ins of a project need room for at least one file of the largest size."
                ),
            ),
            models.CheckConstraint(
                name="projectrules_kinds_valid",
                condition=Q(kinds_of_files__contained_by=list(HAND_IN_SUFFIXES)) & Q(kinds_of_files__len__gte=1),
                violation_error_message=_("Choose at least one of zip, pdf, ipynb, tar.gz."),
            ),
        ]

    def __str__(self) -> str:
        return str(self.course)

    @property
    def allowed_suffixes(self) -> set[str]:
        """The extensions that are taken, such as '.zip'."""
        return {f".{kind}" for kind in self.kinds_of_files}

    @property
    def max_bytes(self) -> int:
        """The largest file that is taken, in bytes."""
        return self.max_file_megabytes * 1024**2

    @property
    def max_total_bytes(self) -> int:
        """How many bytes all attempts of a project may have together."""
        return self.max_total_megabytes * 1024**2

    def clean_fields(self, exclude: Any = None) -> None:
        """Take '.ZIP' for 'zip'."""
        self.kinds_of_files = [kind.strip().lower().lstrip(".") for kind in self.kinds_of_files or []]
        super().clean_fields(exclude=exclude)

    def clean(self) -> None:
        """Refuse a promise that the server would not keep: it stops reading any upload at its own limit."""
        super().clean()
        limit = settings.MAX_UPLOAD_BYTES // 1024**2
        # What was no number is reported already, and stands here as None.
        if (self.max_file_megabytes or 0) > limit:
            message = _("This server takes files of up to %(limit)s MB. Choose at most that.")
            raise ValidationError(
                {"max_file_megabytes": ValidationError(message, code="above-server-limit", params={"limit": limit})}
            )
