"""Where a file of a lecture appears, those who asked for it hear of it."""

from typing import Any

from django.db.models.signals import post_save
from django.dispatch import receiver

from amls.core.clock import database_clock
from amls.mail.materials import tell_of_material
from lectures.models import Material, MaterialFile

_TOLD = {Material.Kind.PDF, Material.Kind.PPTX, Material.Kind.MP4}


@receiver(post_save, sender=MaterialFile)
def tell_of_first_version(instance: MaterialFile, created: bool, **_kwargs: Any) -> None:
    """Tell of a material's first file; later versions come quietly."""
    material = instance.material
    if not created or material.kind not in _TOLD or material.files.exclude(pk=instance.pk).exists():
        return
    lecture = material.lecture
    tell_of_material(
        course=lecture.course,
        key=str(material.pk),
        title=f"{lecture}: {material.get_kind_display()}",
        path=lecture.get_absolute_url(),
        now=database_clock.now(),
        visible_from=material.visible_from,
    )
