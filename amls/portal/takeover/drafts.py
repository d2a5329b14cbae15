"""A course that is being brought in: kept while its maker answers and corrects, until it is made or a week has passed."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import override

from amls.core.bounds import Bound, spend
from amls.core.violations import RuleViolation
from amls.courses.models import Course, User
from amls.portal.models import ImportDraft
from amls.portal.takeover.queues import FETCHES
from amls.portal.takeover.sourcerows import CourseSource, Link, SourceCell, SourceRow, row_of
from amls.portal.takeover.spec import CourseFileError

LASTS = timedelta(days=7)
# Of one person; beyond that the oldest go.
MOST_DRAFTS = 20
MOST_CHANGES = 5_000
LONGEST_ANSWER = 2_000
_FETCHES = Bound("portal.course-fetches", most=60, per=timedelta(hours=1))


def start_draft(
    *, owner: User, course: Course | None, source: CourseSource, name: str = "", now: datetime
) -> ImportDraft:
    """Keep what somebody brought; return it.

    Args:
        owner: who brought it, and alone may go on with it.
        course: that it is to change; None for a new one.
        source: what it says.
        name: of the file; empty for what was pasted.
        now: when.
    """
    with transaction.atomic():
        draft = ImportDraft.objects.create(
            owner=owner, course=course, name=name[:300], source=plain_of(source), made_at=now
        )
        _make_room(owner)
    return draft


def start_fetched_draft(*, owner: User, course: Course | None, address: str, now: datetime) -> ImportDraft:
    """Have the worker fetch a page, a file or a calendar; return what waits for it.

    Raises:
        RuleViolation: it is no https address, or the person had too many fetched within an hour.
    """
    parts = urlsplit(address)
    if parts.scheme != "https" or not parts.hostname:
        raise RuleViolation(
            _("This is no address that begins with https://. Copy it from the browser's bar."), "no-https", "address"
        )
    with transaction.atomic():
        spend(_FETCHES, who=owner.pk, now=now)
        draft = ImportDraft.objects.create(owner=owner, course=course, name=address[:300], address=address, made_at=now)
        _make_room(owner)
        FETCHES.ring()
    return draft


def _make_room(owner: User) -> None:
    kept = ImportDraft.objects.filter(owner=owner).order_by("-made_at", "-pk").values("pk")[:MOST_DRAFTS]
    ImportDraft.objects.filter(owner=owner).exclude(pk__in=kept).delete()


def fetch_next(read: Callable[[str], CourseSource], *, now: datetime) -> int:
    """Fetch one draft that waits for it; return how many there were.

    Args:
        read: gives what an address says, or raises CourseFileError.
        now: the database's time.
    """
    claims = FETCHES.claim(now=now)
    for claim in claims:
        draft = claim.row
        with override(draft.owner.language or None):
            try:
                if claim.is_one_too_many:
                    raise CourseFileError([_("It could not be fetched. Try again later, or paste the page.")])
                claim.finish(source=plain_of(read(draft.address)))
            except CourseFileError as error:
                claim.finish(problem="\n".join(error.problems))
    return len(claims)


def change_draft(*, draft: ImportDraft, changes: Mapping[str, str]) -> ImportDraft:
    """Add answers or corrections; return it as it is then. What is as it was before adds nothing.

    Raises:
        RuleViolation: an answer is too long, or there are too many.
    """
    if any(len(value) > LONGEST_ANSWER or len(key) > 200 for key, value in changes.items()):
        raise RuleViolation(_("This is too long. Shorten it and try again."), "too-long")
    with transaction.atomic():
        row = ImportDraft.objects.select_for_update().get(pk=draft.pk)
        before = row.answers
        row.changes += [[key, value] for key, value in changes.items() if before.get(key) != value]
        if len(row.changes) > MOST_CHANGES:
            raise RuleViolation(
                _("There are too many corrections. Correct the page itself and bring it again."), "too-many"
            )
        row.save(update_fields=["changes"])
    return row


def take_back_change(*, draft: ImportDraft) -> ImportDraft:
    """Drop the last answer or correction; return it as it is then."""
    with transaction.atomic():
        row = ImportDraft.objects.select_for_update().get(pk=draft.pk)
        row.changes = row.changes[:-1]
        row.save(update_fields=["changes"])
    return row


def start_again(*, draft: ImportDraft) -> ImportDraft:
    """Forget all answers and corrections, and return it as it is then; what was brought stays."""
    with transaction.atomic():
        row = ImportDraft.objects.select_for_update().get(pk=draft.pk)
        row.changes = []
        row.save(update_fields=["changes"])
    return row


def delete_draft(*, draft: ImportDraft) -> None:
    """Forget what was brought."""
    ImportDraft.objects.filter(pk=draft.pk).delete()


def purge_drafts(now: datetime, *, dry_run: bool) -> int:
    """Delete what nobody has gone on with for a week; return how many."""
    rows = ImportDraft.objects.filter(made_at__lt=now - LASTS)
    return rows.count() if dry_run else rows.delete()[0]


def source_of(draft: ImportDraft) -> CourseSource:
    """Return what somebody brought; only for what isn't waiting."""
    return source_from(draft.source or {"container": "text", "rows": [], "text": ""})


def source_from(plain: Mapping[str, Any]) -> CourseSource:
    """Return the source that `plain_of` made plain."""
    return CourseSource(plain["container"], tuple(map(row_of, plain["rows"])), plain["text"])


def plain_of(source: CourseSource) -> dict[str, Any]:
    """Return a source as JSON knows it."""
    return {"container": source.container, "rows": [_plain_row(row) for row in source.rows], "text": source.text}


def _plain_row(row: SourceRow) -> list[Any]:
    return [row.number, row.kind, row.level, row.table, [_plain_cell(cell) for cell in row.cells]]


def _plain_cell(cell: SourceCell) -> list[Any]:
    return [cell.text, _plain_links(cell.links), cell.spans, cell.begins, cell.ends]


def _plain_links(links: Iterable[Link]) -> list[list[str]]:
    return [[link.text, link.href] for link in links]
