"""Taking back a change of a lecture: what it was before, signed, for an hour."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from django.core import signing
from django.urls import reverse
from django.utils.translation import gettext as _

from amls.core.violations import RuleViolation
from lectures.models import Lecture

_SALT = "lectures.undo"
_SECONDS = 3600
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


def said_at(lecture: Lecture, token: str = "") -> str:
    """Return the tags of a message that is to be shown beside a lecture's row: the template tag `said_of` reads them.

    Args:
        lecture: beside whose row.
        token: of an undo, if there is one.
    """
    return (
        f"at {lecture.pk} {reverse('lectures:lecture_undo', args=[lecture.course.slug, lecture.ref])} {token}".strip()
    )


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
