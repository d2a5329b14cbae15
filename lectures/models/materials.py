"""Materials of lectures, and the versions of their files."""

from datetime import datetime
from typing import ClassVar

import pghistory
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from amls.core.text import LineField
from amls.courses.models import Audience, choices_hold
from amls.files.versions import FileVersion, random_name
from lectures.managers import MaterialQuerySet
from lectures.models.schedule import Lecture

_SHORT_LABELS = {
    "pdf": "PDF",
    "pptx": "PPTX",
    "mp4": _("Video"),
    "captions": _("Captions"),
    "transcript": _("Transcript"),
}


class Material(models.Model):
    """Something to read or watch: announced first, then linked or uploaded, in versions."""

    class Kind(models.TextChoices):
        PDF = "pdf", _("Slides, PDF")
        PPTX = "pptx", _("Slides, PPTX")
        MP4 = "mp4", _("Recording")
        CAPTIONS = "captions", _("Captions")
        TRANSCRIPT = "transcript", _("Transcript")
        OTHER = "other", _("Other")

    lecture = models.ForeignKey(Lecture, models.CASCADE, related_name="materials", verbose_name=_("lecture"))
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    title = LineField(_("title"), max_length=200, blank=True, help_text=_("Empty: named by its kind."))
    url = models.URLField(_("outside link"), max_length=1000, blank=True)
    current = models.OneToOneField(
        "MaterialFile",
        models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name=_("current file"),
    )
    audience = models.CharField(_("audience"), max_length=10, choices=Audience, default=Audience.PUBLIC)
    visible_from = models.DateTimeField(_("visible from"), null=True, blank=True, help_text=_("Empty: at once."))
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    objects: ClassVar[MaterialQuerySet] = MaterialQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("material")
        verbose_name_plural = _("materials")
        ordering = ["lecture", "position", "pk"]
        constraints = [
            choices_hold("material_kind_valid", "kind", ["pdf", "pptx", "mp4", "captions", "transcript", "other"]),
            choices_hold("material_audience_valid", "audience", Audience.values),
        ]

    def __str__(self) -> str:
        return self.title or str(self.get_kind_display())

    @property
    def stands_in_rows(self) -> bool:
        """Whether it has a button of its own in the schedule: captions belong to their recording."""
        return self.kind not in (self.Kind.CAPTIONS, self.Kind.TRANSCRIPT)

    @property
    def short_label(self) -> str:
        """The label of its button in a row of many."""
        return str(_SHORT_LABELS.get(self.kind) or self)

    @property
    def is_available(self) -> bool:
        """Whether there is something to open: a file or a link; else it is only announced."""
        return self.current_id is not None or bool(self.url)

    def is_visible_at(self, now: datetime) -> bool:
        """Return whether its time has come."""
        return self.visible_from is None or self.visible_from <= now

    def get_absolute_url(self) -> str:
        """Return its address: this site's for a file, the outside link else, empty if only announced."""
        if self.current is not None:
            slug = self.lecture.course.slug
            return reverse("lectures:material", args=[slug, self.pk, self.current.filename])
        return self.url


def stored_name(instance: "MaterialFile | None", filename: str) -> str:
    """Return where an upload is kept: under a UUID, the original name only in the database."""
    return random_name("materials", filename)


class MaterialFile(FileVersion):
    """One uploaded version of a material. Older versions stay for a year after they were replaced."""

    material = models.ForeignKey(Material, models.CASCADE, related_name="files", verbose_name=_("material"))
    file = models.FileField(_("file"), upload_to=stored_name, max_length=200)
    seconds = models.PositiveIntegerField(_("length in seconds"), null=True, blank=True)

    class Meta:
        verbose_name = _("file version")
        verbose_name_plural = _("file versions")
        ordering = ["material", "-version"]
        constraints = [
            models.UniqueConstraint(fields=["material", "version"], name="materialfile_version_unique"),
            *FileVersion.Meta.constraints,
        ]


for _model in (Material, MaterialFile):
    pghistory.track()(_model)
