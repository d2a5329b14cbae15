"""Taking back a change of a lecture: what it was before, signed, for an hour."""

from datetime import datetime
from typing import Any

from django.core import signing
from django.utils.translation import gettext as _

from amls.web.violations import RuleViolation
from lectures.models import Lecture

_SALT = "lectures.undo"
_SECONDS = 3600
FIELDS = ("starts_at", "ends_at", "room", "mode", "call_in", "state")
_TIMES = {"starts_at", "ends_at"}


def snapshot(lecture: Lecture) -> dict[str, str]:
    """Return the values that an undo brings back, as text."""
    return {name: str(getattr(lecture, name)) for name in FIELDS}


def make_undo(before: dict[str, str], after: Lecture) -> str:
    """Return a signed token that can restore `before` as long as the lecture is still as `after`."""
    return signing.dumps({"pk": after.pk, "before": before, "after": snapshot(after)}, salt=_SALT)


def read_undo(token: str, lecture: Lecture) -> dict[str, Any]:
    """Return the values to restore.

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
    return {name: datetime.fromisoformat(value) if name in _TIMES else value for name, value in kept["before"].items()}
