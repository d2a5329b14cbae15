"""From the outbox to the mail server: claim, commit, look again, send, mark.

SMTP can't be exactly once: after a crash between send and mark the mail goes again, with
the same Message-ID, which lets clients fold the two.
"""

import logging
import smtplib
import time
from collections import defaultdict
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models import Q

from amls.core.jobs import Claim, Queue
from amls.core.statements import rows_of
from amls.core.text import clean_line
from amls.mail.connection import MailServerError, Postman
from amls.mail.letters import Letter, letter_kinds
from amls.mail.managers import LONGEST_PAUSE, NoticeQuerySet
from amls.mail.models import Notice
from amls.mail.outbox import DELIVER, is_to_nobody
from amls.mail.preferences import unwanted
from amls.mail.push.queue import push_told
from amls.mail.render import address_of, compose, in_place_of
from amls.mail.sealing import SEALED
from amls.mail.wording import merge_letters

logger = logging.getLogger(__name__)

LEASE = timedelta(seconds=settings.MAIL_LEASE_SECONDS)
GIVE_UP_AFTER = timedelta(days=1)
FIRST_PAUSE = timedelta(seconds=30)
# What comes due within this time for one person becomes one mail.
TOGETHER = timedelta(hours=1)
BATCH = 50
# What was prepared for a batch is looked up again when it is older than this.
_FRESH_SECONDS = 5.0
# After this many failures of the line in a row the rest of the batch waits too.
_LINE_FAILURES = 2
# Of a limit per minute this share is left to mail that nobody should wait for.
_RESERVED_SHARE = 0.1
# A claim, and what its notice has to say.
Written = tuple[Claim[Notice], Letter]
# The database is gone, or the worker is to stop: that says nothing of the mail at hand.
_NOT_ABOUT_ONE_MAIL = (DatabaseError, SoftTimeLimitExceeded)


class _Outbox(Queue[Notice]):
    """What is due, with all that is told together with it; within the limit per minute, if there is one."""

    model, task, lease = Notice, DELIVER, LEASE
    claimed = {"state": Notice.State.SENDING}

    def waiting(self, *, now: datetime) -> NoticeQuerySet:
        """Return what should be on its way."""
        return Notice.objects.waiting_at(now)

    def choose(self, *, now: datetime, limit: int) -> Sequence[Notice]:
        """Return so many notices and their companions, locked."""
        rows = self.free(Notice.objects.select_related("recipient", "course"))
        left = rows.filter(state=Notice.State.SENDING, leased_until__lte=now).order_by("pk")
        due = rows.filter(state=Notice.State.DUE, not_before__lte=now).order_by("not_before", "id")
        bulk_limit = limit
        if settings.MAIL_PER_MINUTE:
            busy = Q(state=Notice.State.SENT, sent_at__gt=now - timedelta(minutes=1)) | Q(state=Notice.State.SENDING)
            free = settings.MAIL_PER_MINUTE - Notice.objects.filter(busy, sent_with__isnull=True).count()
            limit = max(0, min(limit, free))
            bulk_limit = max(0, min(limit, free - round(settings.MAIL_PER_MINUTE * _RESERVED_SHARE)))
        batch = list(left[:limit])
        batch += due.filter(priority=Notice.Priority.AT_ONCE)[: limit - len(batch)]
        batch += due.filter(priority=Notice.Priority.BULK)[: max(0, bulk_limit - len(batch))]
        return batch + self._companions(batch, now=now)

    def _companions(self, batch: Sequence[Notice], *, now: datetime) -> list[Notice]:
        groups = {
            (notice.recipient_id, notice.grouping_key)
            for notice in batch
            if notice.grouping_key and notice.recipient_id
        }
        if not groups:
            return []
        rows = (
            self.free(Notice.objects.select_related("recipient", "course"))
            .filter(
                state=Notice.State.DUE,
                not_before__lte=now + TOGETHER,
                recipient__in={person for person, _key in groups},
                grouping_key__in={key for _person, key in groups},
            )
            .exclude(pk__in=[notice.pk for notice in batch])
        )
        return [row for row in rows if (row.recipient_id, row.grouping_key) in groups]


OUTBOX = _Outbox()


def deliver_due(now: datetime, *, limit: int = BATCH, postman: Postman | None = None) -> int:
    """Claim a batch of due notices and send them; return how many were claimed.

    Args:
        now: decides what is due; the clock goes on from there while the batch is sent.
        limit: how many notices to claim, without those that are told together with them.
        postman: keeps the connection for the next batch; without one it is closed at the end.
    """
    claims = OUTBOX.claim(now=now, limit=limit)
    if not claims:
        return 0
    bearer = postman or Postman()
    try:
        _Batch(claims, bearer).deliver()
    finally:
        if postman is None:
            bearer.close()
    return len(claims)


class _Batch:
    """Claimed notices on their way, in bundles that each become one mail."""

    def __init__(self, claims: Sequence[Claim[Notice]], postman: Postman) -> None:
        self.postman = postman
        self.clock = claims[0].clock
        self._prepared_at = float("-inf")
        self._line_failures = 0
        self._prepared_kinds: set[str] = set()
        self._stamps: Stamps = {}
        grouped: dict[tuple[object, ...], list[Claim[Notice]]] = defaultdict(list)
        for claim in claims:
            notice = claim.row
            is_grouped = notice.grouping_key and notice.recipient_id
            grouped[(notice.recipient_id, notice.grouping_key) if is_grouped else (notice.pk,)].append(claim)
        # The first by age gives the mail its Message-ID, also when it is sent again.
        self.bundles = [sorted(group, key=lambda claim: claim.row.pk) for group in grouped.values()]

    def deliver(self) -> None:
        """Send every bundle; one that fails holds up no other, a line that is down holds up all."""
        while self.bundles:
            if self._line_failures >= _LINE_FAILURES:
                self._put_back()
                return
            if time.monotonic() - self._prepared_at > _FRESH_SECONDS:
                self._prepare()
            self._deliver(self.bundles.pop(0))

    def _prepare(self) -> None:
        waiting = [claim.row for bundle in self.bundles for claim in bundle]
        self._stamps = _stamps(waiting)
        self.unwanted = unwanted(waiting)
        by_kind: dict[str, list[Notice]] = defaultdict(list)
        for notice in waiting:
            by_kind[notice.kind].append(notice)
        for name, notices in by_kind.items():
            try:
                prepare = letter_kinds[name].prepare
                if prepare is not None:
                    self._prepared_kinds.add(name)
                    prepare(notices, self.clock.now())
            except _NOT_ABOUT_ONE_MAIL:
                raise
            except Exception:  # Its writer will fail for each notice, and be told there.
                logger.exception("mail not prepared kind=%s", name)
        self._prepared_at = time.monotonic()

    def _deliver(self, bundle: list[Claim[Notice]]) -> None:
        # Where the mails before it took long, another worker may have it.
        bundle = [claim for claim in bundle if claim.is_held()]
        if not bundle:
            return
        if any(claim.row.kind in self._prepared_kinds for claim in bundle):
            fresh = _stamps([claim.row for claim in bundle])
            if any(self._stamps.get(key) != stamp for key, stamp in fresh.items()):
                # The course or this person's part in it changed since the batch was prepared.
                self.bundles.insert(0, bundle)
                self._prepare()
                self.bundles.pop(0)
        now = self.clock.now()
        try:
            with in_place_of(bundle[0].row):
                told = self._write(bundle, now)
                if not told:
                    return
                lead = told[0][0].row
                letter = told[0][1] if len(told) == 1 else _merged(told, now)
                mail = compose(lead, letter, letter_kinds[lead.kind])
            self.postman.send(mail)
        except _NOT_ABOUT_ONE_MAIL:
            # The mark could not be written either; the claim ends with its lease.
            raise
        except Exception as error:  # One bad letter must never hold up the others.
            is_line_down = isinstance(error, MailServerError) and error.is_line_down
            self._line_failures = self._line_failures + 1 if is_line_down else 0
            if is_line_down:
                self.postman.close()
            for claim in bundle:
                _put_off(claim, error, now=now)
        else:
            self._line_failures = 0
            sent_at = self.clock.now()
            # Both or neither; what devices are not told is marked by one statement, without the two around it.
            with transaction.atomic() if letter.is_pushed else nullcontext():
                _mark_sent(told, letter, sent_at=sent_at)
                push_told(lead, letter, now=sent_at)

    def _is_wanted(self, notice: Notice, now: datetime) -> bool:
        is_due = notice.due_at is None or now < notice.due_at
        return is_due and notice.pk not in self.unwanted and not is_to_nobody(notice)

    def _write(self, bundle: list[Claim[Notice]], now: datetime) -> list[Written]:
        """Return the letters of what is still so and still wanted; mark the rest, and take it out of the bundle."""
        told = []
        for claim in list(bundle):
            notice = claim.row
            try:
                letter = letter_kinds[notice.kind].writer(notice, now) if self._is_wanted(notice, now) else None
            except _NOT_ABOUT_ONE_MAIL:
                raise
            except Exception as error:  # One bad letter must not take its companions with it.
                if len(bundle) == 1:
                    raise
                _put_off(claim, error, now=now)
                bundle.remove(claim)
                continue
            if letter is None:
                _mark(_NoticeMark(claim, Notice.State.DROPPED))
                bundle.remove(claim)
            else:
                told.append((claim, letter))
        return told

    def _put_back(self) -> None:
        """Give back what was claimed and not tried."""
        not_before = self.clock.now() + FIRST_PAUSE
        waiting = [claim for bundle in self.bundles for claim in bundle]
        _mark(
            *(
                _NoticeMark(claim, Notice.State.DUE, claim.row.last_error, not_before=not_before, is_untried=True)
                for claim in waiting
            )
        )


# The revisions of a course and of a person's part in it, by person and course.
Stamps = dict[tuple[int, int], tuple[int, int]]


def _stamps(notices: Sequence[Notice]) -> Stamps:
    """Return the revisions of what notices are about: one query for any number."""
    people = [notice.recipient_id for notice in notices if notice.recipient_id is not None]
    courses = [notice.course_id for notice in notices if notice.course_id is not None]
    # Asked before every mail: written by hand, and with a plan that is kept, it costs a tenth.
    return {(user, course): (revision, own) for user, course, revision, own in rows_of(_REVISIONS, [people, courses])}


_REVISIONS = """
    SELECT e.user_id, e.course_id, c.revision, e.revision
    FROM courses_enrolment e JOIN courses_course c ON c.id = e.course_id
    WHERE e.user_id = ANY(%s::bigint[]) AND e.course_id = ANY(%s::bigint[])
"""


def _merged(told: Sequence[Written], now: datetime) -> Letter:
    letters = [(claim.row, letter) for claim, letter in told]
    merge = letter_kinds[letters[0][0].kind].merge
    merged = merge(letters, now) if merge is not None else merge_letters([letter for _notice, letter in letters])
    return replace(merged, is_pushed=any(letter.is_pushed for _notice, letter in letters))


def _put_off(claim: Claim[Notice], error: Exception, *, now: datetime) -> None:
    reason, said = type(error).__name__, f"{type(error).__name__}: {error}"
    if isinstance(error, MailServerError):
        reason, said = type(error.reason).__name__, str(error)
    text, notice = clean_line(said)[:500], claim.row
    is_final = _is_permanent(error) or now - notice.created_at > GIVE_UP_AFTER
    logger.warning(
        "mail failed notice=%s kind=%s attempt=%s final=%s error=%s",
        *(notice.pk, notice.kind, claim.attempt, is_final, reason),
    )
    if is_final:
        _mark(_NoticeMark(claim, Notice.State.FAILED, last_error=text, failed_at=now))
    else:
        pause = min(FIRST_PAUSE * 2 ** min(claim.attempt - 1, 12), LONGEST_PAUSE)
        _mark(_NoticeMark(claim, Notice.State.DUE, last_error=text, not_before=now + pause))


def _is_permanent(error: Exception) -> bool:
    """Return whether trying again is pointless: the server said 5xx of this mail, or the letter itself is broken."""
    if isinstance(error, MailServerError):
        return False
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(500 <= code < 600 for code, _text in error.recipients.values())
    if isinstance(error, smtplib.SMTPResponseException):
        return 500 <= error.smtp_code < 600
    return not isinstance(error, OSError)


def _mark_sent(told: Sequence[Written], mail: Letter, *, sent_at: datetime) -> None:
    """Mark what one mail told, all of it or nothing."""
    lead = told[0][0]
    _mark(
        *(
            _NoticeMark(
                claim,
                Notice.State.SENT,
                sent_at=sent_at,
                sent_to=address_of(claim.row),
                sent_with=None if claim is lead else lead.row.pk,
                subject=clean_line(mail.subject if claim is lead else letter.line or letter.subject)[:300],
                reason=clean_line(letter.reason)[:500],
            )
            for claim, letter in told
        )
    )
    for claim, _letter in told:
        notice = claim.row
        logger.info("mail sent notice=%s kind=%s attempt=%s", notice.pk, notice.kind, claim.attempt)


@dataclass(frozen=True, slots=True)
class _NoticeMark:
    """What becomes of a claimed notice."""

    claim: Claim[Notice]
    state: Notice.State
    last_error: str = ""
    not_before: datetime | None = None
    sent_at: datetime | None = None
    failed_at: datetime | None = None
    sent_to: str = ""
    sent_with: int | None = None
    subject: str = ""
    reason: str = ""
    is_untried: bool = False


def _mark(*marks: _NoticeMark) -> None:
    """Write down what became of notices whose claims hold: one statement, as it is done once per mail.

    What was sealed is wiped with the last word. Through the ORM it costs as much processor time as all else of a mail.
    """
    values: list[Any] = []
    for mark in marks:
        values += [
            mark.claim.row.pk,
            mark.claim.attempt,
            int(mark.is_untried),
            mark.state,
            mark.last_error,
            mark.not_before,
        ]
        values += [mark.sent_at, mark.failed_at, mark.sent_to, mark.sent_with, mark.subject, mark.reason]
    rows_of(_MARKED.format(rows=", ".join([_ROW] * len(marks))), [SEALED, *values])


_ROW = (
    "(%s::bigint, %s::int, %s::int, %s::text, %s::text, %s::timestamptz,"
    " %s::timestamptz, %s::timestamptz, %s::text, %s::bigint, %s::text, %s::text)"
)
_MARKED = """
    UPDATE mail_notice AS n
    SET state = m.state, leased_until = NULL, attempts = n.attempts - m.untried, last_error = m.last_error,
        not_before = coalesce(m.not_before, n.not_before), sent_at = m.sent_at, failed_at = m.failed_at,
        sent_to = m.sent_to, sent_with_id = m.sent_with_id, subject = m.subject, reason = m.reason,
        "references" = CASE WHEN m.state = 'due' THEN n."references" ELSE n."references" - %s::text END
    FROM (VALUES {rows}) AS m (
        id, attempt, untried, state, last_error, not_before,
        sent_at, failed_at, sent_to, sent_with_id, subject, reason)
    WHERE n.id = m.id AND n.attempts = m.attempt AND n.leased_until IS NOT NULL
    RETURNING n.id
"""
