"""Judging the files of attempts that were kept before anybody had looked into them.

Any number of workers may run it at once: an attempt is claimed by one of them, and what a killed
worker left is claimed again after its lease.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone

from amls.files.checks import FileRefused, check_upload
from amls.files.limited.pace import Pace
from projects.models import Submission, SubmissionFile
from projects.services.common import follow_in_feeds, lock_project, members_of, tell

_LEASE = timedelta(minutes=30)
_AGAIN_AFTER = timedelta(minutes=1)


def check_next(*, now: datetime) -> bool:
    """Claim one attempt that waits and judge its files; return whether there was one.

    Whose files are refused no longer counts, is kept as a withdrawn one is, and can be brought back
    by the staff; its team is told why.
    """
    with transaction.atomic():
        submission = (
            Submission.objects.to_check_at(now)
            .select_for_update(skip_locked=True)
            .order_by("check_due_at", "pk")
            .first()
        )
        if submission is None:
            return False
        lease = submission.check_due_at = now + _LEASE
        submission.save(update_fields=["check_due_at"])
    refusals = {file.pk: refusal for file in submission.files.all() if (refusal := _refusal_of(file)) is not None}
    is_unjudged = any(refusal["code"] == "busy" for refusal in refusals.values())
    _finish(submission, lease, {} if is_unjudged else refusals, is_unjudged=is_unjudged, now=timezone.now())
    return True


def _refusal_of(file: SubmissionFile) -> dict[str, Any] | None:
    with default_storage.open(file.file.name or "", "rb") as stored:
        try:
            check_upload(
                stored, file.filename, size=file.size, max_bytes=file.size, pace=Pace.of_workers(), may_wait=False
            )
        except FileRefused as refused:
            return refused.refusal
    return None


def _finish(
    submission: Submission, lease: datetime, refusals: dict[int, dict[str, Any]], *, is_unjudged: bool, now: datetime
) -> None:
    with transaction.atomic():
        project = lock_project(submission.project_id)
        held = Submission.objects.select_for_update().filter(pk=submission.pk, check_due_at=lease).first()
        if held is None:
            # Withdrawn meanwhile, or another worker took over.
            return
        held.check_due_at = now + _AGAIN_AFTER if is_unjudged else None
        held.withdrawn_at = now if refusals else held.withdrawn_at
        held.save(update_fields=["check_due_at", "withdrawn_at"])
        for pk, refusal in refusals.items():
            SubmissionFile.objects.filter(pk=pk).update(refusal=refusal)
        if refusals:
            people = members_of(project)
            references = {"submission": held.pk}
            tell("projects.attempt-refused", people, cause=str(held.pk), now=now, references=references)
            follow_in_feeds(people, now=now)
