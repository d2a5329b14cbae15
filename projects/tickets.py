"""When an upload began, by a ticket that the hand-in page takes before it starts.

The ticket names the person, the assignment, and the size and SHA-256 of each file, so that it proves that
exactly these files were there in time; it is good for 30 minutes. It needs no team: the first hand-in may make it.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.core import signing

from amls.courses.models import Enrolment
from projects.models import Assignment

_SALT = "projects.upload-ticket"
LASTS = timedelta(minutes=30)


def issue_ticket(*, assignment: Assignment, by: Enrolment, files: Iterable[tuple[int, str]], now: datetime) -> str:
    """Return a signed ticket for an upload of `files` (bytes, SHA-256) that begins now."""
    # The last release looks for a project under this name, and finds that the ticket is none of its own.
    content = {"project": _whose(assignment, by), "at": now.timestamp(), "files": _named(files)}
    return signing.dumps(content, salt=_SALT, compress=True)


def began_by_ticket(
    ticket: str, *, assignment: Assignment, by: Enrolment, files: Iterable[tuple[int, str]], now: datetime
) -> datetime | None:
    """Return when the upload of exactly these files began, or None if the ticket does not prove it.

    Args:
        ticket: from `issue_ticket`.
        assignment: what is handed in.
        by: whose upload it is.
        files: bytes and SHA-256 of each.
        now: when this upload began; how long it lasts does not matter to the ticket.
    """
    try:
        content = signing.loads(ticket, salt=_SALT)
    except signing.BadSignature:
        return None
    if content["project"] != _whose(assignment, by) or content["files"] != _named(files):
        return None
    began = datetime.fromtimestamp(content["at"], tz=now.tzinfo)
    return began if now - LASTS <= began <= now else None


def _whose(assignment: Assignment, by: Enrolment) -> list[int]:
    return [assignment.pk, by.pk]


def _named(files: Iterable[tuple[int, str]]) -> list[list[int | str]]:
    return sorted([size, sha256] for size, sha256 in files)
