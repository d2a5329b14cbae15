"""Judging the files of attempts that were kept before anybody had looked into them."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.core.files.storage import default_storage
from django.db import transaction

from amls.core.jobs import Claim, Queue
from amls.files.checks import FileRefused, check_upload
from amls.files.limited.pace import Pace
from amls.files.missing import tell_of_missing
from projects.managers import SubmissionQuerySet
from projects.models import Submission, SubmissionFile
from projects.services.locks import follow_in_feeds, lock_project, tell
from projects.teamrows import members_of

logger = logging.getLogger(__name__)

CHECK = "projects.tasks.check_attempts"
_AGAIN_AFTER = timedelta(minutes=1)


class _Checks(Queue[Submission]):
    """Attempts whose files wait for being judged: from `check_due_at` on, by nobody else until then once claimed."""

    model, task, lease = Submission, CHECK, timedelta(minutes=30)
    lease_field, attempts_field, since_field = "check_due_at", "check_attempts", "check_due_at"

    def waiting(self, *, now: datetime) -> SubmissionQuerySet:
        """Return the attempts that nobody judges yet."""
        return Submission.objects.to_check_at(now)

    def choose(self, *, now: datetime, limit: int) -> Iterable[Submission]:
        """Return the attempts that wait longest, locked."""
        return self.free(self.waiting(now=now)).order_by("check_due_at", "pk")[:limit]


CHECKS = _Checks()


def check_next(now: datetime) -> bool:
    """Claim one attempt that waits and judge its files; return whether there was one.

    Whose files are refused no longer counts, is kept as a withdrawn one is, and can be brought back
    by the staff; its team is told why.
    """
    for claim in CHECKS.claim(now=now):
        try:
            with claim.kept():
                files = claim.row.files.all()
                refusals = {file.pk: refusal for file in files if (refusal := _refusal_of(file)) is not None}
        except OSError:
            # Not in the storage, or the storage is away: that says nothing of what was handed in.
            logger.exception("A handed-in file is missing or can't be read submission=%s", claim.row.pk)
            tell_of_missing()
            claim.finish(check_due_at=claim.clock.now() + _AGAIN_AFTER, check_attempts=0)
            return True
        codes = {refusal["code"] for refusal in refusals.values()}
        if "unable" in codes:
            claim.finish(check_due_at=claim.clock.now() + _AGAIN_AFTER, check_attempts=0)
        elif "busy" in codes:
            claim.finish(check_due_at=claim.clock.now() + _AGAIN_AFTER)
        else:
            _finish(claim, refusals)
        return True
    return False


def _refusal_of(file: SubmissionFile) -> dict[str, Any] | None:
    with default_storage.open(file.file.name or "", "rb") as stored:
        try:
            check_upload(
                stored, file.filename, size=file.size, max_bytes=file.size, pace=Pace.of_workers(), may_wait=False
            )
        except FileRefused as refused:
            return refused.refusal
    return None


def _finish(claim: Claim[Submission], refusals: dict[int, dict[str, Any]]) -> None:
    now = claim.clock.now()
    with transaction.atomic():
        project = lock_project(claim.row.project_id)
        held = claim.held().select_for_update().first()
        if held is None:
            # Withdrawn meanwhile, or another worker took over.
            return
        held.check_due_at = None
        held.withdrawn_at = now if refusals else held.withdrawn_at
        held.save(update_fields=["check_due_at", "withdrawn_at"])
        for pk, refusal in refusals.items():
            SubmissionFile.objects.filter(pk=pk).update(refusal=refusal)
        if refusals:
            people = members_of(project)
            references = {"submission": held.pk}
            tell("projects.attempt-refused", people, cause=str(held.pk), now=now, references=references)
            follow_in_feeds(people, now=now)
