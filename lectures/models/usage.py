"""How a recording is divided, where a person stopped, and counts without persons."""

import pghistory
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from amls.core.constraints import RowCheck
from amls.core.text import LineField
from amls.courses.models import User, choices_hold
from lectures.models.materials import Material, MaterialFile
from lectures.models.schedule import Lecture


class Chapter(models.Model):
    """A part of a lecture's recording; proposed from the captions until staff write them."""

    lecture = models.ForeignKey(Lecture, models.CASCADE, related_name="chapters", verbose_name=_("lecture"))
    seconds = models.PositiveIntegerField(_("starts at second"))
    title = LineField(_("title"), max_length=200)
    page = models.PositiveIntegerField(_("slide"), null=True, blank=True)
    is_proposed = models.BooleanField(_("proposed from the captions"), default=False)

    class Meta:
        verbose_name = _("chapter")
        verbose_name_plural = _("chapters")
        ordering = ["lecture", "seconds"]
        constraints = [
            models.UniqueConstraint(
                fields=["lecture", "seconds"],
                name="chapter_second_unique",
                violation_error_message=_("Two chapters can't begin at the same second."),
            ),
            RowCheck(name="chapter_page_from_one", condition=Q(page__isnull=True) | Q(page__gte=1)),
        ]

    def __str__(self) -> str:
        return str(self.title)


pghistory.track()(Chapter)


class WatchPosition(models.Model):
    """Where a person stopped watching; seen by that person only."""

    user = models.ForeignKey(User, models.CASCADE, related_name="+", verbose_name=_("person"))
    material = models.ForeignKey(Material, models.CASCADE, related_name="+", verbose_name=_("recording"))
    seconds = models.PositiveIntegerField(_("second"))
    updated_at = models.DateTimeField(_("last change"))

    class Meta:
        verbose_name = _("place in a recording")
        verbose_name_plural = _("places in recordings")
        constraints = [models.UniqueConstraint(fields=["user", "material"], name="watchposition_unique")]

    def __str__(self) -> str:
        return f"{self.material_id}: {self.seconds}"


class LastDownload(models.Model):
    """Which version of a material a person downloaded last; seen by that person only."""

    user = models.ForeignKey(User, models.CASCADE, related_name="+", verbose_name=_("person"))
    material = models.ForeignKey(Material, models.CASCADE, related_name="+", verbose_name=_("material"))
    file = models.ForeignKey(MaterialFile, models.CASCADE, related_name="+", verbose_name=_("version"))
    downloaded_at = models.DateTimeField(_("downloaded"))

    class Meta:
        verbose_name = _("last download")
        verbose_name_plural = _("last downloads")
        constraints = [models.UniqueConstraint(fields=["user", "material"], name="lastdownload_unique")]

    def __str__(self) -> str:
        return f"{self.material_id}: {self.file_id}"


class MaterialCount(models.Model):
    """How often a material was used on one day, by whomever."""

    class Use(models.TextChoices):
        DOWNLOADED = "downloaded", _("Downloaded")
        WATCHED = "watched", _("Watched")

    material = models.ForeignKey(Material, models.CASCADE, related_name="counts", verbose_name=_("material"))
    day = models.DateField(_("day"))
    use = models.CharField(_("use"), max_length=10, choices=Use)
    count = models.PositiveIntegerField(_("count"), default=0)

    class Meta:
        verbose_name = _("count of uses")
        verbose_name_plural = _("counts of uses")
        constraints = [
            models.UniqueConstraint(fields=["material", "day", "use"], name="materialcount_unique"),
            choices_hold("materialcount_use_valid", "use", ["downloaded", "watched"]),
        ]

    def __str__(self) -> str:
        return f"{self.material_id} {self.day} {self.use}: {self.count}"
