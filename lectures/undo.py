"""Taking back a change of a lecture (what it was before, signed, for an hour) and files that were sent."""

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from typing import Any

from django.core import signing
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from amls.core.keys import primary_key
from amls.core.violations import RuleViolation
from amls.courses.models import Course
from lectures.models import Lecture, MaterialFile
from lectures.services.materials import AddedFile, take_version_back

_SALT = "lectures.undo"
_SECONDS = 3600
_MOST_FILES = 200
FIELDS = ("starts_at", "ends_at", "day", "room", "mode", "call_in", "state")
_TYPES: dict[str, Callable[[str], Any]] = {
    "starts_at": datetime.fromisoformat,
    "ends_at": datetime.fromisoformat,
    "day": date.fromisoformat,
}


def snapshot(lecture: Lecture) -> dict[str, str]:
    """Return the values that an undo brings back, as text."""
    values = {name: getattr(lecture, name) for name in FIELDS}
    return {name: "" if value is None else str(value) for name, value in values.items()}


def make_undo(before: dict[str, str], after: Lecture, *, is_quiet: bool = False) -> str:
    """Return a signed token that can restore `before` as long as the lecture is still as `after`.

    Args:
        before: what the lecture was.
        after: what it is now.
        is_quiet: whether nobody was told of the change: then nobody is told that it is taken back.
    """
    kept = {"pk": after.pk, "before": before, "after": snapshot(after), "quiet": is_quiet}
    return signing.dumps(kept, salt=_SALT)


def said_at(lecture: Lecture, token: str = "", *, undo: str = "lectures:lecture_undo") -> str:
    """Return the tags of a message that is to be shown beside a lecture's row: the template tag `said_of` reads them.

    Args:
        lecture: beside whose row.
        token: of an undo, if there is one.
        undo: the name of the address to which the token is sent.
    """
    return f"at {lecture.pk} {reverse(undo, args=[lecture.course.slug, lecture.ref])} {token}".strip()


def read_undo(token: str, lecture: Lecture) -> tuple[dict[str, Any], bool]:
    """Return the values to restore, and whether to tell nobody.

    Raises:
        RuleViolation: the token is older than an hour, is another lecture's, or somebody
            changed the lecture since.
    """
    try:
        kept = signing.loads(token, salt=_SALT, max_age=_SECONDS)
    except signing.BadSignature as error:
        raise RuleViolation(
            _("This change is too long ago to be taken back here. Change the lecture by hand."), code="undo-expired"
        ) from error
    if kept["pk"] != lecture.pk or kept["after"] != snapshot(lecture):
        raise RuleViolation(
            _("Somebody changed this lecture since. Look at it, then change it by hand."), code="undo-overtaken"
        )
    before = kept["before"].items()
    return {name: _value(name, text) for name, text in before}, kept["quiet"]


def _value(name: str, text: str) -> Any:
    if name not in _TYPES:
        return text
    return _TYPES[name](text) if text else None


def undo_of_uploads(kept: Iterable[AddedFile]) -> str:
    """Return what names the new ones among files that were kept, for `take_uploads_back`; empty where there is none."""
    return "-".join(f"{upload.version.pk}{'n' if upload.is_first else ''}" for upload in kept if upload.is_new)


def take_uploads_back(token: str, *, courses: Sequence[Course], now: datetime) -> int:
    """Take uploads back that are still the newest of their materials; return how many.

    Args:
        token: from `undo_of_uploads`.
        courses: whose files the person may change.
        now: the request's clock.

    Raises:
        RuleViolation: something newer was uploaded since.
    """
    wanted = [(primary_key(part.removesuffix("n")), part.endswith("n")) for part in token.split("-")[:_MOST_FILES]]
    count = 0
    with transaction.atomic():
        for pk, is_first in wanted:
            rows = MaterialFile.objects.filter(material__lecture__course__in=[course.pk for course in courses])
            version = rows.filter(pk=pk or 0).select_related("material__lecture").first()
            if version is not None:
                take_version_back(version=version, with_material=is_first, now=now)
                count += 1
    return count
