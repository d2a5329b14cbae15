"""Writes to materials: announced, linked, uploaded in versions."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils.translation import gettext as _

from amls.core.text import clean_line
from amls.core.violations import RuleViolation
from amls.courses.models import User
from amls.courses.services import lock_course, touch
from amls.files.checks import check_upload
from amls.files.storing import keeping
from amls.files.versions import add_version
from lectures.filenames import read_name
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


@dataclass(frozen=True, slots=True)
class AddedFile:
    """A file of a lecture that was sent and kept.

    Attributes:
        version: that it is.
        is_new: whether it differs from what was there.
        replaces: the name of the file whose new version it is, empty where there was none.
        is_first: whether its material came with it.
    """

    version: MaterialFile
    is_new: bool
    replaces: str
    is_first: bool

    @property
    def said_replaced(self) -> str:
        """Which file it is a new version of, in words; empty where there was none."""
        if not self.replaces:
            return ""
        return _("'%(file)s' is a new version of '%(former)s'.") % {
            "file": self.version.filename,
            "former": self.replaces,
        }


def upload_each(
    *, uploads: Sequence[tuple[Lecture, str, UploadedFile[Any]]], by: User | None, now: datetime
) -> list[AddedFile | RuleViolation]:
    """Keep files that are sent together, each for a lecture and of a kind; a bad one stops no other, and none replaces another.

    Returns:
        What became of each.
    """
    answers: dict[int, AddedFile | RuleViolation] = {}
    filled: set[int] = set()
    # What is named as the lecture is goes first, so that it is what the lecture's page shows.
    for place, (lecture, kind, upload) in sorted(
        enumerate(uploads), key=lambda pair: not read_name(pair[1][2].name or "", *pair[1][:2]).is_only_lecture
    ):
        was = dict(lecture.materials.values_list("pk", "current__filename"))
        try:
            version = upload_for_lecture(lecture=lecture, kind=kind, upload=upload, by=by, now=now, apart_from=filled)
        except RuleViolation as violation:
            answers[place] = violation
            continue
        pk, is_new = version.material_id, version.uploaded_at == now
        filled.add(pk)
        answers[place] = AddedFile(version, is_new, (is_new and was.get(pk)) or "", pk not in was)
    return [answers[place] for place in sorted(answers)]


def upload_for_lecture(
    *,
    lecture: Lecture,
    kind: str,
    upload: UploadedFile[Any],
    by: User | None,
    now: datetime,
    apart_from: Collection[int] = (),
) -> MaterialFile:
    """Keep an upload as the newest version of what it is recognisably a version of, else as a material of its own.

    It is a version of the material of its kind whose file has the same name but for marks of versions such as 'v2' and the
    case of letters; both may also say only of which lecture they are, as '05.pdf' and '05_Slides_v2.pdf' do. Else it
    becomes the file of what was announced or linked. Else it is a material of its own, whose title is the file's name,
    but for the first of a kind that is named by its kind.

    Args:
        lecture: whose file it is.
        kind: of material.
        upload: any size.
        by: who uploads.
        now: the request's clock.
        apart_from: materials (their primary keys) that were sent along with it, of which it is no version.

    Raises:
        RuleViolation: the upload is not what its name or the kind says.
    """
    with transaction.atomic():
        lock_course(lecture.course_id)
        alike = list(lecture.materials.filter(kind=kind).select_related("current").order_by("position", "pk"))
        among = [material for material in alike if material.pk not in apart_from]
        material = _material_for(upload.name or "", lecture, kind, among)
        if material is None:
            is_named_by_kind = not alike and kind != Material.Kind.OTHER
            title = "" if is_named_by_kind else clean_line(upload.name or "")[:200]
            place = lecture.materials.count()
            material = add_material(lecture=lecture, kind=kind, now=now, title=title, position=place)
        return upload_version(material=material, upload=upload, by=by, now=now)


def _material_for(filename: str, lecture: Lecture, kind: str, among: Sequence[Material]) -> Material | None:
    """Return of which of these materials of the kind a file of this name is a version, or which waits for it."""
    name = read_name(filename, lecture, kind)
    named = [
        (read_name(material.current.filename, lecture, kind), material)
        for material in among
        if material.current is not None
    ]
    like = [(other.words != name.words, material) for other, material in named if name.is_like(other)]
    if like:
        return min(like, key=lambda pair: pair[0])[1]
    empty = [material for material in among if material.current is None]
    titled = [material for material in empty if read_name(material.title, lecture, kind).words == name.words]
    untitled = [material for material in empty if not material.title or kind != Material.Kind.OTHER]
    return next(iter([*titled, *untitled]), None)


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
