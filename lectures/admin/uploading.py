"""Several files at once: matched with lectures by their names in a preview that one corrects, kept, and taken back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest
from django.utils.translation import gettext as _

from amls.core.request import now_of
from amls.core.violations import RuleViolation
from amls.courses.accounts import user_or_none
from lectures.filenames import Recognised, recognise
from lectures.models import Lecture, Material
from lectures.services.materials import AddedFile, upload_each
from lectures.undo import undo_of_uploads

# So many names are matched in one go.
MOST_NAMES = 200


@dataclass(frozen=True, slots=True)
class Match:
    """A file that is about to be sent, and where it would go.

    Attributes:
        field: under which its lecture is sent.
        name: of the file.
        lecture: that its name says; None where it says none.
        kind: of material.
    """

    field: str
    name: str
    lecture: Lecture | None
    kind: str


def matches_of(names: Sequence[str], lectures: Sequence[Lecture]) -> list[Match]:
    """Return where files of these names would go."""
    return [
        Match(_field(place), name, recognised.lecture, str(_kind_of(recognised).label))
        for place, name in enumerate(names[:MOST_NAMES])
        for recognised in [recognise(name, lectures)]
    ]


def _field(place: int) -> str:
    return f"lecture-{place}"


def _kind_of(recognised: Recognised) -> Material.Kind:
    return Material.Kind(recognised.kind or Material.Kind.OTHER)


def keep_files(request: HttpRequest, lectures: Sequence[Lecture]) -> tuple[list[dict[str, Any]], str]:
    """Keep the files of a form, each for itself, for its own lecture, for the one of all, or for what its name says.

    Returns:
        What became of each, and what names those that are new, for `take_uploads_back`.
    """
    by_key = {str(lecture.pk): lecture for lecture in lectures}
    results: list[dict[str, Any]] = []
    wanted: list[tuple[dict[str, Any], tuple[Lecture, str, UploadedFile[Any]]]] = []
    for place, file in enumerate(request.FILES.getlist("files")):
        own = request.POST.get(_field(place))
        recognised = recognise(file.name or "", lectures)
        lecture = (
            by_key.get(own) if own is not None else by_key.get(request.POST.get("lecture", "")) or recognised.lecture
        )
        result: dict[str, Any] = {"name": file.name, "lecture": lecture, "error": ""}
        results.append(result)
        if own == "":
            result |= {"is_left_out": True}
        elif lecture is None:
            result["error"] = _(
                "No lecture is recognised from this name. Choose the lecture and upload the file again."
            )
        else:
            kind = _kind_of(recognised)
            result["kind"] = kind.label
            wanted.append((result, (lecture, kind, file)))
    answers = upload_each(uploads=[upload for _result, upload in wanted], by=user_or_none(request), now=now_of(request))
    kept: list[AddedFile] = []
    for (result, _upload), answer in zip(wanted, answers, strict=True):
        if isinstance(answer, RuleViolation):
            result["error"] = str(answer.message)
        else:
            result |= {"kind": str(answer.version.material), "replaced": answer.said_replaced}
            kept.append(answer)
    return results, undo_of_uploads(kept)
