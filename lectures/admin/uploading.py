"""Several files at once: matched with lectures by their names in a preview that one corrects, kept, and taken back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext as _

from amls.core.keys import primary_key
from amls.core.request import now_of
from amls.core.violations import RuleViolation
from amls.courses.accounts import user_or_none
from amls.courses.models import Course
from lectures.filenames import Recognised, recognise
from lectures.models import Lecture, Material, MaterialFile
from lectures.services.materials import take_version_back, upload_for_lecture

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
        What became of each, and what names those that are new, for `take_back`.
    """
    by_key = {str(lecture.pk): lecture for lecture in lectures}
    results, undo = [], []
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
            had = lecture.materials.filter(kind=kind).exists()
            try:
                with transaction.atomic():
                    version = upload_for_lecture(
                        lecture=lecture, kind=kind, upload=file, by=user_or_none(request), now=now_of(request),
                    )  # fmt: skip
            except RuleViolation as violation:
                result["error"] = str(violation.message)
            else:
                if version.uploaded_at == now_of(request):
                    undo.append(f"{version.pk}{'' if had else 'n'}")
    return results, "-".join(undo)


def take_back(token: str, *, courses: Sequence[Course], now: datetime) -> int:
    """Take uploads back that are still the newest of their materials; return how many.

    Args:
        token: from `keep_files`.
        courses: whose files the person may change.
        now: the request's clock.

    Raises:
        RuleViolation: something newer was uploaded since.
    """
    wanted = [(primary_key(part.removesuffix("n")), part.endswith("n")) for part in token.split("-")[:MOST_NAMES]]
    count = 0
    with transaction.atomic():
        for pk, is_first in wanted:
            rows = MaterialFile.objects.filter(material__lecture__course__in=[course.pk for course in courses])
            version = rows.filter(pk=pk or 0).select_related("material__lecture").first()
            if version is not None:
                take_version_back(version=version, with_material=is_first, now=now)
                count += 1
    return count
