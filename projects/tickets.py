"""When an upload began, by a ticket that the hand-in page takes before it starts.

The ticket names the project and the size and SHA-256 of each file, so that it proves that
exactly these files were there in time; it is good for 30 minutes.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.core import signing

from projects.models import Project

_SALT = "projects.upload-ticket"
LASTS = timedelta(minutes=30)


def issue_ticket(*, project: Project, files: Iterable[tuple[int, str]], now: datetime) -> str:
    """Return a signed ticket for an upload of `files` (bytes, SHA-256) that begins now."""
    content = {"project": project.pk, "at": now.timestamp(), "files": sorted([size, sha256] for size, sha256 in files)}
    return signing.dumps(content, salt=_SALT, compress=True)


def began_by_ticket(
    ticket: str, *, project: Project, files: Iterable[tuple[int, str]], now: datetime
) -> datetime | None:
    """Return when the upload of exactly these files began, or None if the ticket does not prove it.

    Args:
        ticket: from `issue_ticket`.
        project: whose upload it is.
        files: bytes and SHA-256 of each.
        now: when this upload began; how long it lasts does not matter to the ticket.
    """
    try:
        content = signing.loads(ticket, salt=_SALT)
    except signing.BadSignature:
        return None
    if content["project"] != project.pk or content["files"] != sorted([size, sha256] for size, sha256 in files):
        return None
    began = datetime.fromtimestamp(content["at"], tz=now.tzinfo)
    return began if now - LASTS <= began <= now else None
