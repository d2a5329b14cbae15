"""Writes to materials: announced, linked, uploaded in versions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils.translation import gettext as _

from amls.core.violations import RuleViolation
from amls.courses.models import User
from amls.courses.services import lock_course, touch
from amls.files.checks import check_upload
from amls.files.storing import keeping
from amls.files.versions import add_version
from lectures.models import Lecture, Material, MaterialFile, stored_name
from lectures.services.extraction import await_extraction, follow_texts, forget_texts, retry_extraction

SUFFIXES: dict[str, set[str] | None] = {
    Material.Kind.PDF: {".pdf"},
    Material.Kind.PPTX: {".pptx"},
    Material.Kind.MP4: {".mp4"},
    Material.Kind.CAPTIONS: {".vtt"},
    Material.Kind.TRANSCRIPT: {".txt", ".md", ".vtt", ".pdf"},
    Material.Kind.OTHER: None,
}


def add_material(*, lecture: Lecture, kind: str, now: datetime, **values: Any) -> Material:
    """Announce a material of a lecture; with `url` it can be opened at once.

    Raises:
        ValidationError: the values break a rule; by field.
    """
    material = Material(lecture=lecture, kind=kind, **values)
    save_material(material, now=now)
    return material


def save_material(material: Material, *, by: User | None = None, now: datetime) -> None:
    """Keep a material, new or changed: its title, link, audience, or the time from which it is visible.

    Raises:
        ValidationError: the values break a rule; by field.
    """
    with _changing(material.lecture, now=now):
        material.full_clean()
        material.save()


def remove_material(material: Material, *, by: User | None = None, now: datetime) -> None:
    """Remove a material and all its versions; their files go once the removal is committed."""
    with _changing(material.lecture, now=now):
        forget_texts(material)
        material.delete()
        follow_texts(material.lecture)


def upload_version(*, material: Material, upload: UploadedFile[Any], by: User | None, now: datetime) -> MaterialFile:
    """Keep an upload as the material's newest version, at the same address; older versions stay.

    The same content again is recognised and changes nothing, but for what could not be read of it:
    that is tried once more.

    Args:
        material: what it is a version of.
        upload: any size; it is read in chunks.
        by: who uploads.
        now: the request's clock.

    Raises:
        RuleViolation: the upload is not what its name or the material's kind says.
    """
    checked = check_upload(
        upload,
        upload.name or "",
        size=upload.size or 0,
        max_bytes=settings.MAX_MATERIAL_BYTES,
        allowed=SUFFIXES[material.kind],
    )
    with keeping([(upload, checked)], stored_name) as (kept,), _changing(material.lecture, now=now):
        material = Material.objects.select_for_update(of=("self",)).select_related("current").get(pk=material.pk)
        version, is_new = add_version(material.files, material.current, kept, by=by, now=now, seconds=checked.seconds)
        if not is_new:
            retry_extraction(version, now=now)
            return version
        material.current = version
        material.save(update_fields=["current"])
        await_extraction(version, now=now)
        return version


def upload_for_lecture(
    *, lecture: Lecture, kind: str, upload: UploadedFile[Any], by: User | None, now: datetime
) -> MaterialFile:
    """Keep an upload as the newest version of the lecture's material of this kind, announcing it if need be.

    Raises:
        RuleViolation: the upload is not what its name or the kind says.
    """
    with transaction.atomic():
        lock_course(lecture.course_id)
        existing = lecture.materials.filter(kind=kind).order_by("position", "pk").first()
        material = existing or add_material(lecture=lecture, kind=kind, now=now, position=lecture.materials.count())
        return upload_version(material=material, upload=upload, by=by, now=now)


def take_version_back(*, version: MaterialFile, with_material: bool, now: datetime) -> None:
    """Take an upload back: the version before it is the newest again.

    Args:
        version: the newest of its material.
        with_material: whether the material goes with it where nothing else is in it, as it came by this upload.
        now: the request's clock.

    Raises:
        RuleViolation: something newer was uploaded since.
    """
    with _changing(version.material.lecture, now=now):
        material = (
            Material.objects.select_for_update(of=("self",))
            .select_related("lecture__course")
            .get(pk=version.material_id)
        )
        if material.current_id != version.pk:
            raise RuleViolation(
                _("%(file)s is not the newest file any more. Look at the lecture.") % {"file": version.filename},
                code="not-newest",
            )
        former = material.files.exclude(pk=version.pk).order_by("-uploaded_at", "-pk").first()
        forget_texts(material)
        if former is None and with_material and not material.url:
            material.delete()
        else:
            material.current = former
            material.save(update_fields=["current"])
            version.delete()
            if former is not None:
                await_extraction(former, now=now)
        follow_texts(version.material.lecture)


@contextmanager
def _changing(lecture: Lecture, *, now: datetime) -> Iterator[None]:
    """Hold the course's lock around a change of what its visitors see."""
    with transaction.atomic():
        course = lock_course(lecture.course_id)
        yield
        touch(course, now=now)
