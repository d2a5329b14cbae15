"""Making what was ordered: claim, commit, write, mark."""

import hashlib
import logging
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage
from django.db import DatabaseError
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from amls.core.jobs import Claim, LostClaimError, Queue
from amls.core.text import clean_line
from amls.core.violations import RuleViolation
from amls.exports.kinds import ExportKind, Order, kinds
from amls.exports.managers import ExportQuerySet
from amls.exports.models import Export
from amls.exports.services import FOLDER, KEPT, WORK, order_of

logger = logging.getLogger(__name__)

LEASE = timedelta(seconds=90)
MOST_ATTEMPTS = 3
_PAUSE = timedelta(seconds=20)
_PROGRESS_SECONDS = 0.4


class _Exports(Queue[Export]):
    """What somebody waits for first, and long ones only a few at a time."""

    model, task, lease, most_attempts = Export, WORK, LEASE, MOST_ATTEMPTS
    claimed = {"state": Export.State.RUNNING}

    def waiting(self, *, now: datetime) -> ExportQuerySet:
        """Return what may be made."""
        return Export.objects.claimable_at(now)

    def choose(self, *, now: datetime, limit: int) -> Iterable[Export]:
        """Return the next exports, locked."""
        rows = self.waiting(now=now)
        long_ones = Export.objects.filter(state=Export.State.RUNNING, is_quick=False, leased_until__gt=now)
        if long_ones.count() >= settings.LONG_EXPORTS_AT_ONCE:
            rows = rows.filter(is_quick=True)
        return self.free(rows).order_by("-is_quick", "not_before", "created_at")[:limit]


EXPORTS = _Exports()


def work_once(now: datetime) -> bool:
    """Claim one export and make it; return whether there was one."""
    for claim in EXPORTS.claim(now=now):
        export, started = claim.row, time.monotonic()
        try:
            # Also what is said of a failure is in the language of who waits for it.
            with claim.kept(), translation.override(export.language):
                _make(claim)
        except LostClaimError:
            logger.warning("export lost export=%s kind=%s", export.pk, export.kind)
            return True
        state = Export.objects.filter(pk=export.pk).values_list("state", flat=True).first() or "deleted"
        logger.info(
            "export %s export=%s kind=%s attempt=%s seconds=%.2f",
            state, export.pk, export.kind, export.attempts, time.monotonic() - started,
        )  # fmt: skip
        return True
    return False


def _make(claim: Claim[Export]) -> None:
    export = claim.row
    if claim.is_one_too_many:
        text = _("It was begun %(count)d times and never came to an end.") % {"count": MOST_ATTEMPTS}
        _give_up(claim, text)
        return
    try:
        kind = kinds[export.kind]
        order = order_of(export, now=claim.clock.now())
        with _zone_of(order):
            _write(claim, kind, order)
    except (LostClaimError, DatabaseError):
        # A mark could not be written either; the claim ends with its lease.
        raise
    except RuleViolation as violation:
        _give_up(claim, str(violation.message))
    except SoftTimeLimitExceeded:
        _give_up(claim, _("It took too long. Export less at once, or ask those who run the site."))
    except OSError as error:
        logger.exception("export failed export=%s kind=%s", export.pk, export.kind)
        _try_later(claim, error)
    except Exception as error:  # One bad export must never hold up the others.
        logger.exception("export failed export=%s kind=%s", export.pk, export.kind)
        text = _("Something in the data can't be exported (%(error)s). Tell the staff of the site.")
        _give_up(claim, text % {"error": type(error).__name__})


def _write(claim: Claim[Export], kind: ExportKind, order: Order) -> None:
    export, digest, size = claim.row, hashlib.sha256(), 0
    report = _Reporter(claim)
    with tempfile.TemporaryFile() as draft:
        for chunk in kind.write(order, report):
            digest.update(chunk)
            size += len(chunk)
            draft.write(chunk)
        if not size:
            raise RuleViolation(_("There is nothing to export yet."), code="export-empty")
        draft.seek(0)
        name = default_storage.save(f"{FOLDER}/{export.pk}.{kind.media.extension}", File(draft))
    finished = claim.clock.now()
    is_marked = claim.finish(
        state=Export.State.DONE,
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

    def __init__(self, claim: Claim[Export]) -> None:
        self.claim = claim
        self._last = 0.0

    def __call__(self, done: int, total: int) -> None:
        export = self.claim.row
        export.done, export.total = min(done, total), total
        if time.monotonic() - self._last < _PROGRESS_SECONDS:
            return
        self._last = time.monotonic()
        if not self.claim.prolong(done=export.done, total=total):
            raise LostClaimError


@contextmanager
def _zone_of(order: Order) -> Iterator[None]:
    with timezone.override(order.course.zone if order.course else None):
        yield


def _give_up(claim: Claim[Export], text: str) -> None:
    claim.finish(state=Export.State.FAILED, error=clean_line(text)[:500], finished_at=claim.clock.now())


def _try_later(claim: Claim[Export], error: OSError) -> None:
    if claim.attempt >= MOST_ATTEMPTS:
        _give_up(claim, _("It could not be written (%(error)s). Try again later.") % {"error": type(error).__name__})
    else:
        said = _("It could not be written (%(error)s). It is tried again by itself.") % {"error": type(error).__name__}
        not_before = claim.clock.now() + _PAUSE * claim.attempt
        claim.finish(state=Export.State.WAITING, not_before=not_before, error=clean_line(said)[:500], done=0)
