"""Making what was ordered: claim, commit, write, mark.

Any number of workers may do it at once. What a killed worker left is claimed again after
its lease, which a living one keeps prolonging.
"""

import hashlib
import logging
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from uuid import UUID

from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage
from django.db import DatabaseError, connection, transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from amls.core.text import clean_line
from amls.core.violations import RuleViolation
from amls.exports.kinds import Kind, Order, kinds
from amls.exports.managers import ExportQuerySet
from amls.exports.models import Export
from amls.exports.services import FOLDER, KEPT, order_of

logger = logging.getLogger(__name__)

LEASE = timedelta(seconds=90)
MOST_ATTEMPTS = 3
_BEAT_SECONDS = 25
_PAUSE = timedelta(seconds=20)
_PROGRESS_SECONDS = 0.4
_CLAIM_LOCK = 0x414D4C53


class LostClaimError(Exception):
    """The export was deleted, or another worker has it."""


def work_once(*, now: datetime) -> bool:
    """Claim one export and make it; return whether there was one."""
    export = _claim(now=now)
    if export is None:
        return False
    started = time.monotonic()
    try:
        with _heartbeat(export):
            _make(export)
    except LostClaimError:
        logger.warning("export lost export=%s kind=%s", export.pk, export.kind)
        return True
    state = Export.objects.filter(pk=export.pk).values_list("state", flat=True).first() or "deleted"
    logger.info(
        "export %s export=%s kind=%s attempt=%s seconds=%.2f",
        state, export.pk, export.kind, export.attempts, time.monotonic() - started,
    )  # fmt: skip
    return True


def _claim(*, now: datetime) -> Export | None:
    """Return the next export, claimed: what somebody waits for first, and long ones only a few at a time."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_CLAIM_LOCK])
        rows = Export.objects.claimable_at(now)
        long_ones = Export.objects.filter(state=Export.State.RUNNING, is_quick=False, leased_until__gt=now)
        if long_ones.count() >= settings.LONG_EXPORTS_AT_ONCE:
            rows = rows.filter(is_quick=True)
        row = rows.select_for_update(skip_locked=True).order_by("-is_quick", "not_before", "created_at").first()
        if row is None:
            return None
        row.attempts += 1
        if row.attempts > MOST_ATTEMPTS:
            _fail(row, _("It was begun %(count)d times and never came to an end.") % {"count": MOST_ATTEMPTS}, now=now)
            row.save()
            return row
        row.state, row.leased_until = Export.State.RUNNING, now + LEASE
        row.save()
        return row


def _make(export: Export) -> None:
    if export.state != Export.State.RUNNING:
        return
    now = timezone.now()
    try:
        kind = kinds[export.kind]
        order = order_of(export, now=now)
        with translation.override(export.language), _zone_of(order):
            _write(export, kind, order)
    except (LostClaimError, DatabaseError):
        # A mark could not be written either; the claim ends with its lease.
        raise
    except RuleViolation as violation:
        _give_up(export, str(violation.message))
    except SoftTimeLimitExceeded:
        _give_up(export, _("It took too long. Export less at once, or ask those who run the site."))
    except OSError as error:
        logger.exception("export failed export=%s kind=%s", export.pk, export.kind)
        _try_later(export, error, now=now)
    except Exception as error:  # One bad export must never hold up the others.
        logger.exception("export failed export=%s kind=%s", export.pk, export.kind)
        text = _("Something in the data can't be exported (%(error)s). Tell the staff of the site.")
        _give_up(export, text % {"error": type(error).__name__})


def _write(export: Export, kind: Kind, order: Order) -> None:
    digest, size = hashlib.sha256(), 0
    report = _Reporter(export)
    with tempfile.TemporaryFile() as draft:
        for chunk in kind.write(order, report):
            digest.update(chunk)
            size += len(chunk)
            draft.write(chunk)
        if not size:
            raise RuleViolation(_("There is nothing to export yet."), code="export-empty")
        draft.seek(0)
        name = default_storage.save(f"{FOLDER}/{export.pk}.{kind.media.extension}", File(draft))
    finished = timezone.now()
    is_marked = _held(export).update(
        state=Export.State.DONE,
        leased_until=None,
        file=name,
        filename=clean_line(kind.filename(order))[:200],
        bytes=size,
        sha256=digest.hexdigest(),
        error="",
        remark=clean_line(" ".join(order.remarks))[:500],
        done=max(export.total, 1),
        total=max(export.total, 1),
        finished_at=finished,
        expires_at=finished + KEPT,
    )
    if not is_marked:
        default_storage.delete(name)
        raise LostClaimError


class _Reporter:
    """Writes progress down now and then, and stops work that nobody wants any more."""

    def __init__(self, export: Export) -> None:
        self.export = export
        self._last = 0.0

    def __call__(self, done: int, total: int) -> None:
        self.export.done, self.export.total = min(done, total), total
        if time.monotonic() - self._last < _PROGRESS_SECONDS:
            return
        self._last = time.monotonic()
        if not _held(self.export).update(done=self.export.done, total=total):
            raise LostClaimError


def _held(export: Export) -> ExportQuerySet:
    """Return the row if this worker's claim holds: the attempts tell one claim from the next."""
    return Export.objects.filter(pk=export.pk, state=Export.State.RUNNING, attempts=export.attempts)


@contextmanager
def _heartbeat(export: Export) -> Iterator[None]:
    """Prolong the lease while the block runs, so that only a worker that died loses it."""
    stopped = threading.Event()
    beat = threading.Thread(target=_prolong, args=(export.pk, export.attempts, stopped), daemon=True)
    beat.start()
    try:
        yield
    finally:
        stopped.set()
        beat.join()


def _prolong(pk: UUID, attempts: int, stopped: threading.Event) -> None:
    is_used = False
    while not stopped.wait(_BEAT_SECONDS):
        is_used = True
        claim = Export.objects.filter(pk=pk, state=Export.State.RUNNING, attempts=attempts)
        try:
            claim.update(leased_until=timezone.now() + LEASE)
        except DatabaseError as error:
            # Tried again with the next beat; the lease outlives three of them.
            logger.warning("export heartbeat failed export=%s: %s", pk, error)
            connection.close()
    if is_used:
        connection.close()


@contextmanager
def _zone_of(order: Order) -> Iterator[None]:
    with timezone.override(order.course.zone if order.course else None):
        yield


def _fail(export: Export, text: str, *, now: datetime) -> None:
    export.state = Export.State.FAILED
    export.leased_until, export.finished_at = None, now
    export.error = text


def _give_up(export: Export, text: str) -> None:
    _held(export).update(
        state=Export.State.FAILED, leased_until=None, error=clean_line(text)[:500], finished_at=timezone.now()
    )


def _try_later(export: Export, error: OSError, *, now: datetime) -> None:
    if export.attempts >= MOST_ATTEMPTS:
        _give_up(export, _("It could not be written (%(error)s). Try again later.") % {"error": type(error).__name__})
    else:
        _held(export).update(state=Export.State.WAITING, leased_until=None, not_before=now + _PAUSE * export.attempts)
