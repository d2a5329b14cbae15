"""Ordering exports, finding what is made already, forgetting what is old."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from amls.core.doorbell import ring
from amls.core.violations import RuleViolation
from amls.courses.models import Course, User
from amls.exports.kinds import ExportKind, Order, kinds
from amls.exports.managers import ExportQuerySet
from amls.exports.models import Export
from amls.files.rows import forget_files
from amls.files.storing import is_lost

KEPT = timedelta(days=7)
FOLDER = "exports"
WORK = "amls.exports.tasks.work"
# Part of every fingerprint: raise it when the look of the files changes.
_EDITION = 2


def make_order(
    *,
    kind: str,
    now: datetime,
    user: User | None,
    course: Course | None = None,
    parameters: Mapping[str, Any] | None = None,
    language: str = "",
) -> Order:
    """Return an order in the active language, unless another is named."""
    return Order(
        kind=kind,
        course=course,
        parameters=dict(parameters or {}),
        user=user,
        language=(language or get_language() or "en")[:2],
        now=now,
    )


def request_export(*, order: Order) -> Export:
    """Have a file made, or return the one that is made or being made already.

    What failed, or whose file is gone, is tried again. Of a single kind the person's older one goes.

    Raises:
        RuleViolation: the person may not have it (code 'export-not-allowed').
        LookupError: no app registered the kind.
    """
    kind = kinds[order.kind]
    if not kind.allows(order):
        raise RuleViolation(_("You can't have this export."), code="export-not-allowed")
    values = {
        "kind": kind.name,
        "course": order.course,
        "course_revision": order.course.revision if order.course else None,
        "parameters": order.parameters,
        "language": order.language,
        "requested_by": None if kind.is_public else order.user,
        "is_quick": kind.is_quick,
        "not_before": order.now,
        "created_at": order.now,
        "expires_at": order.now + KEPT,
    }
    with transaction.atomic():
        if kind.is_single and order.user is not None:
            # Two orders at once come one after the other, so that the first sees or is seen by the second.
            User.objects.select_for_update(no_key=True).get(pk=order.user.pk)
        fingerprint = _fingerprint(kind, order)
        row, is_new = Export.objects.get_or_create(fingerprint=fingerprint, defaults=values)
        if not is_new:
            row = Export.objects.select_for_update().get(pk=row.pk)
            is_gone = row.state == Export.State.DONE and is_lost(row.file.name or "")
            if is_gone or row.state == Export.State.FAILED:
                _reset(row, now=order.now)
                is_new = True
        if is_new:
            if kind.is_single and order.user is not None:
                Export.objects.of_person(order.user).filter(kind=kind.name).exclude(pk=row.pk).delete()
            ring(WORK)
    return row


def find_export(*, order: Order) -> Export | None:
    """Return the export that answers the order and is ready or under way; writes nothing."""
    kind = kinds[order.kind]
    return Export.objects.filter(fingerprint=_fingerprint(kind, order), expires_at__gt=order.now).first()


def retry_export(*, export: Export, now: datetime) -> Export:
    """Make an export again that failed, or whose file has a remark: a font may have been installed meanwhile.

    Raises:
        RuleViolation: nothing is wrong with it (code 'export-not-failed').
    """
    with transaction.atomic():
        row = Export.objects.select_for_update().get(pk=export.pk)
        if not row.may_be_made_again:
            raise RuleViolation(_("This export has not failed."), code="export-not-failed")
        _reset(row, now=now)
        ring(WORK)
    return row


def retry_exports(*, exports: ExportQuerySet, now: datetime) -> int:
    """Try those of some exports again that failed; return how many."""
    with transaction.atomic():
        rows = list(exports.filter(state=Export.State.FAILED).select_for_update(of=("self",)))
        for row in rows:
            _reset(row, now=now)
        if rows:
            ring(WORK)
    return len(rows)


def order_of(export: Export, *, now: datetime, user: User | None = None) -> Order:
    """Return the order behind an export, as asked by `user`; by whom it was ordered without one."""
    return Order(
        kind=export.kind,
        course=export.course,
        parameters=dict(export.parameters),
        user=user or export.requested_by,
        language=export.language,
        now=now,
    )


def may_have(export: Export, user: User | None, *, now: datetime) -> bool:
    """Return whether `user` may see and download the export: whoever ordered it and still may; everyone if public."""
    if export.requested_by_id is not None and (user is None or user.pk != export.requested_by_id):
        return False
    try:
        kind = kinds[export.kind]
    except LookupError:
        return False
    if export.requested_by_id is None and not kind.is_public:
        return False
    order = order_of(export, now=now, user=user)
    return kind.allows(order)


def purge_exports(*, now: datetime, dry_run: bool = False) -> int:
    """Forget exports that have been kept for a week, with their files; return how many."""
    rows = Export.objects.expired_at(now)
    count = rows.count()
    if not dry_run:
        rows.delete()
    return count


def _reset(row: Export, *, now: datetime) -> None:
    if row.file:
        forget_files([row.file.name or ""])
    row.state = Export.State.WAITING
    row.error, row.remark, row.file, row.sha256 = "", "", "", ""
    row.attempts = row.done = row.total = 0
    row.leased_until = row.finished_at = None
    row.not_before, row.expires_at = now, now + KEPT
    row.save()


def _fingerprint(kind: ExportKind, order: Order) -> str:
    owner = "" if kind.is_public or order.user is None else order.user.pk
    parts = [
        _EDITION,
        kind.name,
        order.course.pk if order.course else None,
        order.parameters,
        order.language,
        owner,
        kind.content_key(order),
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
