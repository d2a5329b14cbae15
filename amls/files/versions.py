"""Files that the staff put online in versions: what a version is, how one is added, and how the newest is served.

What it is a version of keeps its address and points to the newest one; older ones stay for a year after they were replaced.
"""

import uuid
from collections.abc import Iterable
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any, TypeVar

from django.conf import settings
from django.db import models
from django.db.models import Max, Q
from django.utils.translation import gettext_lazy as _

from amls.core.constraints import RowCheck
from amls.core.text import LineField
from amls.files.serving import ServedFile
from amls.files.storing import KeptFile, delete_stored

# What only staff put there may be shown by the browser within this site.
INLINE_SUFFIXES = (".pdf", ".mp4", ".vtt")


def random_name(folder: str, filename: str) -> str:
    """Return where an upload is kept: under a UUID, the original name only in the database."""
    suffix = PurePosixPath(filename).suffix.lower()
    return f"{folder}/{uuid.uuid4().hex}{suffix if suffix.isascii() and len(suffix) <= 8 else ''}"


class FileVersion(models.Model):
    """One uploaded version. Whoever inherits it says of what, and has a `file` with a folder of its own."""

    version = models.PositiveIntegerField(_("version"), default=1)
    filename = LineField(_("file name"), max_length=255)
    content_type = models.CharField(_("type"), max_length=100)
    size = models.PositiveBigIntegerField(_("bytes"))
    sha256 = models.CharField("SHA-256", max_length=64)
    pages = models.PositiveIntegerField(_("pages"), null=True, blank=True)
    uploaded_at = models.DateTimeField(_("uploaded"))
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("by")
    )

    class Meta:
        abstract = True
        constraints = [
            RowCheck(name="%(class)s_sha256_valid", condition=Q(sha256__regex=r"^[0-9a-f]{64}$")),
        ]

    def __str__(self) -> str:
        return str(self.filename)


V = TypeVar("V", bound=FileVersion)


def add_version(
    versions: "models.Manager[V]", current: V | None, kept: KeptFile, *, by: Any, now: datetime, **more: Any
) -> tuple[V, bool]:
    """Return a stored upload as the newest version, and whether it is a new one.

    The same content again is recognised: it takes the name that it has now, and is stored once.

    Args:
        versions: of what it is a version, whose row the caller has locked.
        current: the newest until now.
        kept: the upload.
        by: who uploads; None for nobody.
        now: the request's clock.
        more: further columns of the version.
    """
    if current is not None and current.sha256 == kept.sha256:
        if current.filename != kept.checked.filename:
            current.filename = kept.checked.filename
            current.save(update_fields=["filename"])
        delete_stored([kept.name])
        return current, False
    newest = versions.aggregate(newest=Max("version"))["newest"] or 0
    version = versions.create(
        version=newest + 1,
        file=kept.name,
        filename=kept.checked.filename,
        content_type=kept.checked.content_type,
        size=kept.size,
        sha256=kept.sha256,
        pages=kept.checked.pages,
        uploaded_at=now,
        uploaded_by=by,
        **more,
    )
    return version, True


def add_known(
    versions: "models.Manager[V]", current: V | None, *, sha256: str, filename: str = "", also: Iterable[str] = ()
) -> V | None:
    """Return what has this hash as the newest version, where it is one of the same kind already; None elsewhere.

    Its content is stored once; where it is the current version that one is returned.

    Args:
        versions: of what it is a version, whose row the caller has locked.
        current: the newest until now.
        sha256: of the content.
        filename: as it is called here; by default as there.
        also: further columns of the version, which are the same.
    """
    if current is not None and current.sha256 == sha256:
        return current
    same_content = versions.model._default_manager.filter(sha256=sha256)  # noqa: SLF001 - Django's documented name
    known: Any = same_content.order_by("pk").first()
    if known is None:
        return None
    newest = versions.aggregate(newest=Max("version"))["newest"] or 0
    same = ("content_type", "size", "sha256", "pages", "uploaded_at", *also)
    return versions.create(
        version=newest + 1,
        file=known.file.name,
        filename=filename or known.filename,
        **{name: getattr(known, name) for name in same},
    )


def served_version(version: Any, *, is_public: bool) -> ServedFile:
    """Return a version as it is served.

    Args:
        version: a row of a model that inherits `FileVersion`.
        is_public: whether shared caches may keep it.
    """
    return ServedFile(
        name=version.file.name or "",
        filename=version.filename,
        content_type=version.content_type,
        size=version.size,
        sha256=version.sha256,
        changed_at=version.uploaded_at,
        is_inline_safe=version.filename.lower().endswith(INLINE_SUFFIXES),
        is_public=is_public,
    )
