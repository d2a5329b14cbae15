"""From the outbox to the mail server: claim, commit, look again, send, mark.

SMTP can't be exactly once: after a crash between send and mark the mail goes again, with
the same Message-ID, which lets clients fold the two.
"""

import logging
import smtplib
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.db.models import F, Q
from django.utils import timezone

from amls.core.text import clean_line
from amls.mail.connection import Postman, is_line_down
from amls.mail.letters import Letter, letter_kinds
from amls.mail.models import Notice
from amls.mail.preferences import unwanted
from amls.mail.render import address_of, compose, in_place_of
from amls.mail.sealing import SEALED
from amls.mail.wording import merge_letters

logger = logging.getLogger(__name__)

LEASE = timedelta(seconds=settings.MAIL_LEASE_SECONDS)
# While this much of the lease is left nobody else can have claimed the notice.
_SAFE_LEASE = LEASE * 0.6
GIVE_UP_AFTER = timedelta(days=1)
FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(hours=2)
# What comes due within this time for one person becomes one mail.
TOGETHER = timedelta(hours=1)
BATCH = 50
# What was prepared for a batch is looked up again when it is older than this.
_FRESH_SECONDS = 5.0
# After this many failures of the line in a row the rest of the batch waits too.
_LINE_FAILURES = 2
# Of a limit per minute this share is left to mail that nobody should wait for.
_RESERVED_SHARE = 0.1
_CLAIM_LOCK = 0x4D41494C
# The database is gone, or the worker is to stop: that says nothing of the mail at hand.
_NOT_ABOUT_ONE_MAIL = (DatabaseError, SoftTimeLimitExceeded)


def deliver_due(*, now: datetime, limit: int = BATCH, postman: Postman | None = None) -> int:
    """Claim a batch of due notices and send them; return how many were claimed.

    Any number of workers may run it at once: a notice is claimed by one of them, and
    what a killed worker left is claimed again after its lease.

    Args:
        now: decides what is due; the clock goes on from there while the batch is sent.
        limit: how many notices to claim, without those that are told together with them.
        postman: keeps the connection for the next batch; without one it is closed at the end.
    """
    claimed = _claim(now=now, limit=limit)
    if not claimed:
        return 0
    bearer = postman or Postman()
    try:
        _Batch(claimed, bearer, now).deliver()
    finally:
        if postman is None:
            bearer.close()
    return len(claimed)


def _claim(*, now: datetime, limit: int) -> list[Notice]:
    """Return notices that this worker has from now on, with all that are told together with them."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            # One claims at a time, for milliseconds: so that a group is never torn apart, nor a limit passed.
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_CLAIM_LOCK])
        batch = _pick(now=now, limit=limit)
        batch += _companions(batch, now=now)
        for notice in batch:
            notice.state = Notice.State.SENDING
            notice.leased_until = now + LEASE
            notice.attempts += 1
        Notice.objects.filter(pk__in=[notice.pk for notice in batch]).update(
            state=Notice.State.SENDING, leased_until=now + LEASE, attempts=F("attempts") + 1
        )
    return batch


def _pick(*, now: datetime, limit: int) -> list[Notice]:
    locked = Notice.objects.select_for_update(skip_locked=True, of=("self",)).select_related("recipient", "course")
    left = locked.filter(state=Notice.State.SENDING, leased_until__lte=now).order_by("pk")
    due = locked.filter(state=Notice.State.DUE, not_before__lte=now).order_by("not_before", "id")
    bulk_limit = limit
    if settings.MAIL_PER_MINUTE:
        busy = Q(state=Notice.State.SENT, sent_at__gt=now - timedelta(minutes=1)) | Q(state=Notice.State.SENDING)
        free = settings.MAIL_PER_MINUTE - Notice.objects.filter(busy, sent_with__isnull=True).count()
        limit = max(0, min(limit, free))
        bulk_limit = max(0, min(limit, free - round(settings.MAIL_PER_MINUTE * _RESERVED_SHARE)))
    batch = list(left[:limit])
    batch += due.filter(priority=Notice.Priority.AT_ONCE)[: limit - len(batch)]
    batch += due.filter(priority=Notice.Priority.BULK)[: max(0, bulk_limit - len(batch))]
    return batch


def _companions(batch: Sequence[Notice], *, now: datetime) -> list[Notice]:
    groups = {(one.recipient_id, one.grouping_key) for one in batch if one.grouping_key and one.recipient_id}
    if not groups:
        return []
    rows = (
        Notice.objects.select_for_update(skip_locked=True, of=("self",))
        .select_related("recipient", "course")
        .filter(
            state=Notice.State.DUE,
            not_before__lte=now + TOGETHER,
            recipient__in={person for person, _key in groups},
            grouping_key__in={key for _person, key in groups},
        )
        .exclude(pk__in=[one.pk for one in batch])
    )
    return [one for one in rows if (one.recipient_id, one.grouping_key) in groups]


class _Batch:
    """Claimed notices on their way, in bundles that each become one mail."""

    def __init__(self, notices: Sequence[Notice], postman: Postman, now: datetime) -> None:
        self.postman = postman
        self._started, self._start = time.monotonic(), now
        self._prepared_at = float("-inf")
        self._line_failures = 0
        self._prepared_kinds: set[str] = set()
        self._stamps: Stamps = {}
        # The look at the next bundle, where it was taken along with the mark of the one before it.
        self._looked: Stamps | None = None
        grouped: dict[tuple[object, ...], list[Notice]] = defaultdict(list)
        for one in notices:
            is_grouped = one.grouping_key and one.recipient_id
            grouped[(one.recipient_id, one.grouping_key) if is_grouped else (one.pk,)].append(one)
        # The first by age gives the mail its Message-ID, also when it is sent again.
        self.bundles = [sorted(group, key=lambda one: one.pk) for group in grouped.values()]

    def now(self) -> datetime:
        """Return the batch's clock: it goes on from the `now` that it was given."""
        return self._start + timedelta(seconds=time.monotonic() - self._started)

    def deliver(self) -> None:
        """Send every bundle; one that fails holds up no other, a line that is down holds up all."""
        while self.bundles:
            if self._line_failures >= _LINE_FAILURES:
                self._put_back([one for bundle in self.bundles for one in bundle])
                return
            if time.monotonic() - self._prepared_at > _FRESH_SECONDS:
                self._prepare()
            self._deliver(self.bundles.pop(0))

    def _prepare(self) -> None:
        waiting = [one for bundle in self.bundles for one in bundle]
        self._stamps = _stamps(waiting)
        self.unwanted = unwanted(waiting)
        by_kind: dict[str, list[Notice]] = defaultdict(list)
        for one in waiting:
            by_kind[one.kind].append(one)
        for name, notices in by_kind.items():
            try:
                prepare = letter_kinds[name].prepare
                if prepare is not None:
                    self._prepared_kinds.add(name)
                    prepare(notices, self.now())
            except _NOT_ABOUT_ONE_MAIL:
                raise
            except Exception:  # Its writer will fail for each notice, and be told there.
                logger.exception("mail not prepared kind=%s", name)
        self._prepared_at = time.monotonic()

    def _deliver(self, bundle: list[Notice]) -> None:
        now = self.now()
        looked, self._looked = self._looked, None
        bundle = self._still_mine(bundle, now)
        if not bundle:
            return
        if any(one.kind in self._prepared_kinds for one in bundle):
            fresh = looked if looked is not None else _stamps(bundle)
            if any(self._stamps.get(key) != stamp for key, stamp in fresh.items()):
                # The course or this person's part in it changed since the batch was prepared.
                self.bundles.insert(0, bundle)
                self._prepare()
                self.bundles.pop(0)
        try:
            with in_place_of(bundle[0]):
                letters = self._write(bundle, now)
                if not letters:
                    return
                lead = letters[0][0]
                letter = letters[0][1] if len(letters) == 1 else _merged(letters, now)
                mail = compose(lead, letter, letter_kinds[lead.kind])
            self.postman.send(mail)
        except _NOT_ABOUT_ONE_MAIL:
            # The mark could not be written either; the claim ends with its lease.
            raise
        except Exception as error:  # One bad letter must never hold up the others.
            self._line_failures = self._line_failures + 1 if is_line_down(error) else 0
            if is_line_down(error):
                self.postman.close()
            _put_off(bundle, error, now=now)
        else:
            self._line_failures = 0
            following = self.bundles[0] if self.bundles else []
            self._looked = _mark_sent(letters, letter, sent_at=self.now(), following=following)

    def _is_wanted(self, notice: Notice, now: datetime) -> bool:
        return (notice.due_at is None or now < notice.due_at) and notice.pk not in self.unwanted

    def _still_mine(self, bundle: list[Notice], now: datetime) -> list[Notice]:
        """Return those whose claim holds; prolong it where the mails before them took long."""
        if all(one.leased_until is not None and one.leased_until - now > _SAFE_LEASE for one in bundle):
            return bundle
        held = []
        for one in bundle:
            mine = Notice.objects.filter(pk=one.pk, state=Notice.State.SENDING, leased_until=one.leased_until)
            if mine.update(leased_until=now + LEASE):
                one.leased_until = now + LEASE
                held.append(one)
        return held

    def _write(self, bundle: list[Notice], now: datetime) -> list[tuple[Notice, Letter]]:
        """Return the letters of what is still so and still wanted; mark the rest."""
        letters, dropped = [], []
        for one in list(bundle):
            try:
                letter = letter_kinds[one.kind].writer(one, now) if self._is_wanted(one, now) else None
            except _NOT_ABOUT_ONE_MAIL:
                raise
            except Exception as error:  # One bad letter must not take its companions with it.
                if len(bundle) == 1:
                    raise
                _put_off([one], error, now=now)
                bundle.remove(one)
                continue
            if letter is None:
                dropped.append(one)
                bundle.remove(one)
            else:
                letters.append((one, letter))
        if dropped:
            _mark(dropped, Notice.State.DROPPED)
        return letters

    @staticmethod
    def _put_back(notices: Sequence[Notice]) -> None:
        """Give notices back that were claimed and not tried."""
        mine = Notice.objects.filter(pk__in=[one.pk for one in notices], state=Notice.State.SENDING)
        mine.filter(leased_until__in={one.leased_until for one in notices}).update(
            state=Notice.State.DUE,
            leased_until=None,
            attempts=F("attempts") - 1,
            not_before=timezone.now() + FIRST_PAUSE,
        )


# The revisions of a course and of a person's part in it, by person and course.
Stamps = dict[tuple[int, int], tuple[int, int]]


def _stamps(notices: Sequence[Notice]) -> Stamps:
    """Return the revisions of what notices are about: one query for any number."""
    with connection.cursor() as cursor:
        # Asked before every mail: written by hand it costs a fifth.
        cursor.execute(_REVISIONS, _whose(notices))
        return _read(cursor.fetchall())


def _whose(notices: Sequence[Notice]) -> tuple[list[int], list[int]]:
    people = {one.recipient_id for one in notices if one.recipient_id is not None}
    return list(people), list({one.course_id for one in notices if one.course_id is not None})


def _read(rows: Iterable[tuple[int, int, int, int]]) -> Stamps:
    return {(user, course): (course_revision, own) for user, course, course_revision, own in rows}


_REVISIONS = """
    SELECT e.user_id, e.course_id, c.revision, e.revision
    FROM courses_enrolment e JOIN courses_course c ON c.id = e.course_id
    WHERE e.user_id = ANY(%s) AND e.course_id = ANY(%s)
"""


def _merged(letters: Sequence[tuple[Notice, Letter]], now: datetime) -> Letter:
    merge = letter_kinds[letters[0][0].kind].merge
    return merge(letters, now) if merge is not None else merge_letters([letter for _notice, letter in letters])


def _put_off(notices: Iterable[Notice], error: Exception, *, now: datetime) -> None:
    text = clean_line(f"{type(error).__name__}: {error}")[:500]
    for notice in notices:
        permanent = _is_permanent(error) or now - notice.created_at > GIVE_UP_AFTER
        logger.warning(
            "mail failed notice=%s kind=%s attempt=%s final=%s error=%s",
            *(notice.pk, notice.kind, notice.attempts, permanent, type(error).__name__),
        )
        if permanent:
            _mark([notice], Notice.State.FAILED, error=text, failed_at=now)
        else:
            pause = min(FIRST_PAUSE * 2 ** min(notice.attempts - 1, 12), LONGEST_PAUSE)
            _mark([notice], Notice.State.DUE, error=text, not_before=now + pause)


def _is_permanent(error: Exception) -> bool:
    """Return whether trying again is pointless: the server said 5xx, or the letter itself is broken."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(500 <= code < 600 for code, _text in error.recipients.values())
    if isinstance(error, smtplib.SMTPResponseException):
        return 500 <= error.smtp_code < 600
    return not isinstance(error, OSError)


def _mark_sent(
    letters: Sequence[tuple[Notice, Letter]], told: Letter, *, sent_at: datetime, following: Sequence[Notice]
) -> Stamps:
    """Mark what one mail told, all of it or nothing; return the look at what follows, taken in the same statement."""
    lead = letters[0][0]
    marks: list[Any] = []
    for notice, letter in letters:
        marks += [
            *(notice.pk, notice.leased_until, address_of(notice), None if notice is lead else lead.pk),
            clean_line(told.subject if notice is lead else letter.line or letter.subject)[:300],
            clean_line(letter.reason)[:500],
        ]
    rows = ", ".join([_MARK] * len(letters))
    with connection.cursor() as cursor:
        cursor.execute(_SENT.format(rows=rows, revisions=_REVISIONS), [*marks, sent_at, SEALED, *_whose(following)])
        looked = _read(cursor.fetchall())
    for notice, _letter in letters:
        logger.info("mail sent notice=%s kind=%s attempt=%s", notice.pk, notice.kind, notice.attempts)
    return looked


_MARK = "(%s::bigint, %s::timestamptz, %s::text, %s::bigint, %s::text, %s::text)"
# As `_mark` does it, for what is done once per mail.
_SENT = """
    WITH told (id, leased_until, sent_to, sent_with_id, subject, reason) AS (VALUES {rows}),
    marked AS (
        UPDATE mail_notice AS n
        SET state = 'sent', leased_until = NULL, last_error = '', sent_at = %s, sent_to = told.sent_to,
            sent_with_id = told.sent_with_id, subject = told.subject, reason = told.reason,
            "references" = n."references" - %s
        FROM told WHERE n.id = told.id AND n.state = 'sending' AND n.leased_until = told.leased_until
    )
    {revisions}
"""


def _mark(notices: Sequence[Notice], state: Notice.State, *, error: str = "", **values: object) -> None:
    is_over = state != Notice.State.DUE
    for notice in notices:
        changes: dict[str, object] = {"state": state, "leased_until": None, "last_error": error, **values}
        if is_over and SEALED in notice.references:
            changes["references"] = {name: value for name, value in notice.references.items() if name != SEALED}
        # Only whoever holds the claim may mark: after its lease another worker may have it.
        mine = Notice.objects.filter(pk=notice.pk, state=Notice.State.SENDING, leased_until=notice.leased_until)
        mine.update(**changes)
