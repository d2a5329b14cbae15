"""What an assignment hands out: the sheet as a PDF, data, a template; each in versions."""

from datetime import datetime
from typing import ClassVar

from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from amls.core.text import LineField
from amls.files.versions import FileVersion, random_name
from projects.managers import HandoutQuerySet
from projects.models.assignments import Assignment


class Handout(models.Model):
    """A file of an assignment, for everyone in the course: announced first, then uploaded, in versions."""

    assignment = models.ForeignKey(Assignment, models.CASCADE, related_name="handouts", verbose_name=_("assignment"))
    title = LineField(_("title"), max_length=200)
    current = models.OneToOneField(
        "HandoutFile",
        models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name=_("current file"),
    )
    visible_from = models.DateTimeField(
        _("visible from"), null=True, blank=True, help_text=_("Empty: as soon as the assignment is.")
    )
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    objects: ClassVar[HandoutQuerySet] = HandoutQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("file of an assignment")
        verbose_name_plural = _("files of assignments")
        ordering = ["assignment", "position", "pk"]

    def __str__(self) -> str:
        return self.title

    def is_visible_at(self, now: datetime) -> bool:
        """Return whether its time and that of its assignment have come."""
        return all(at is None or at <= now for at in (self.visible_from, self.assignment.visible_from))

    def get_absolute_url(self) -> str:
        """Return the address of the newest version; empty while it is only announced."""
        if self.current is None:
            return ""
        return reverse("projects:handout", args=[self.assignment.course.slug, self.pk, self.current.filename])


def handout_name(instance: "HandoutFile | None", filename: str) -> str:
    """Return where an upload is kept."""
    return random_name("handouts", filename)


class HandoutFile(FileVersion):
    """One uploaded version of a file of an assignment."""

    handout = models.ForeignKey(Handout, models.CASCADE, related_name="files", verbose_name=_("file of an assignment"))
    file = models.FileField(_("file"), upload_to=handout_name, max_length=200)

    class Meta:
        verbose_name = _("version of an assignment's file")
        verbose_name_plural = _("versions of assignments' files")
        ordering = ["handout", "-version"]
        constraints = [
            models.UniqueConstraint(fields=["handout", "version"], name="handoutfile_version_unique"),
            *FileVersion.Meta.constraints,
        ]
