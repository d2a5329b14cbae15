"""Writes to materials: announced, linked, uploaded in versions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import Max

from amls.courses.models import User
from amls.courses.services import lock_course, touch
from amls.files.checks import check_upload
from amls.files.storing import KeptFile, delete_stored, keeping
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
# What only staff put there may be shown by the browser within this site.
INLINE_SUFFIXES = frozenset({".pdf", ".mp4", ".vtt"})


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
        if material.current is not None and material.current.sha256 == kept.sha256:
            if material.current.filename != checked.filename:
                material.current.filename = checked.filename
                material.current.save(update_fields=["filename"])
            delete_stored([kept.name])
            retry_extraction(material.current, now=now)
            return material.current
        return _add_version(material, kept, by=by, now=now)


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


def _add_version(material: Material, kept: KeptFile, *, by: User | None, now: datetime) -> MaterialFile:
    newest = material.files.aggregate(newest=Max("version"))["newest"] or 0
    version = MaterialFile.objects.create(
        material=material,
        version=newest + 1,
        file=kept.name,
        filename=kept.checked.filename,
        content_type=kept.checked.content_type,
        size=kept.size,
        sha256=kept.sha256,
        pages=kept.checked.pages,
        seconds=kept.checked.seconds,
        uploaded_at=now,
        uploaded_by=by,
    )
    material.current = version
    material.save(update_fields=["current"])
    await_extraction(version, now=now)
    return version


@contextmanager
def _changing(lecture: Lecture, *, now: datetime) -> Iterator[None]:
    """Hold the course's lock around a change of what its visitors see."""
    with transaction.atomic():
        course = lock_course(lecture.course_id)
        yield
        touch(course, now=now)
