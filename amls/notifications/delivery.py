"""From the outbox to the mail server: claim, commit, look again, send, mark.

SMTP can't be exactly once: after a crash between send and mark the mail goes again, with
the same Message-ID, which lets clients fold the two.
"""

import hashlib
import logging
import smtplib
from datetime import datetime, timedelta
from email.utils import formataddr

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import DatabaseError, transaction
from django.template.loader import render_to_string
from django.utils import timezone, translation

from amls.notifications.letters import Letter, writer_of
from amls.notifications.models import Notice
from amls.web.text import clean_line

logger = logging.getLogger(__name__)

LEASE = timedelta(minutes=10)
GIVE_UP_AFTER = timedelta(days=1)
FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(hours=2)


def deliver_due(*, now: datetime, limit: int = 50) -> int:
    """Claim a batch of due notices and send them; return how many were claimed.

    Any number of workers may run it at once: a notice is claimed by one of them, and
    what a killed worker left is claimed again after its lease.
    """
    claimed = _claim(now=now, limit=limit)
    if not claimed:
        return 0
    connection = get_connection()
    try:
        for notice in claimed:
            _deliver(notice, connection)
    finally:
        connection.close()
    return len(claimed)


def _claim(*, now: datetime, limit: int) -> list[Notice]:
    with transaction.atomic():
        batch = list(
            Notice.objects.claimable_at(now)
            .select_for_update(skip_locked=True, of=("self",))
            .select_related("recipient", "course")
            .order_by("not_before", "pk")[:limit]
        )
        for notice in batch:
            notice.state = Notice.State.SENDING
            notice.leased_until = now + LEASE
            notice.attempts += 1
        Notice.objects.bulk_update(batch, ["state", "leased_until", "attempts"])
    return batch


def _deliver(notice: Notice, connection: BaseEmailBackend) -> None:
    now = timezone.now()
    if not _renew_claim(notice, now=now):
        return
    try:
        with translation.override(_language_of(notice)):
            wanted = notice.due_at is None or now < notice.due_at
            letter = writer_of(notice.kind)(notice, now) if wanted else None
            if letter is None:
                _mark(notice, Notice.State.DROPPED)
                return
            message = _message(notice, letter, connection)
        message.send()
    except DatabaseError:
        # The mark could not be written either; the claim ends with its lease.
        raise
    except Exception as error:  # One bad letter must never hold up the others.
        _put_off(notice, error, now=now)
        connection.close()
    else:
        _mark(notice, Notice.State.SENT, sent_to=_address_of(notice))
        logger.info("mail sent notice=%s kind=%s attempt=%s", notice.pk, notice.kind, notice.attempts)


def _renew_claim(notice: Notice, *, now: datetime) -> bool:
    """Return whether the claim still holds after the mails before it in the batch, and prolong it."""
    leased_until = now + LEASE
    held = Notice.objects.filter(pk=notice.pk, state=Notice.State.SENDING, leased_until=notice.leased_until)
    renewed = held.update(leased_until=leased_until)
    notice.leased_until = leased_until
    return renewed == 1


def _address_of(notice: Notice) -> str:
    return notice.recipient.email if notice.recipient is not None else notice.address


def _language_of(notice: Notice) -> str:
    if notice.recipient is not None and notice.recipient.language:
        return notice.recipient.language
    return notice.course.language if notice.course is not None else settings.LANGUAGE_CODE


def message_id(notice: Notice) -> str:
    """Return the notice's Message-ID, which follows from its key alone (RFC 5322, 3.6.4)."""
    digest = hashlib.sha256(notice.key.encode()).hexdigest()[:32]
    return f"<{digest}@{settings.SITE_HOST}>"


def _message(notice: Notice, letter: Letter, connection: BaseEmailBackend) -> EmailMultiAlternatives:
    course, recipient = notice.course, notice.recipient
    address = _address_of(notice)
    context = {"letter": letter, "notice": notice, "site_url": settings.SITE_URL, "recipient": recipient}
    headers = {"Message-ID": message_id(notice), "Auto-Submitted": "auto-generated"}
    if course is not None:
        headers["List-Id"] = f"{_ascii(course.title)} <{course.slug}.{settings.SITE_HOST}>"
    message = EmailMultiAlternatives(
        subject=clean_line(letter.subject),
        body=render_to_string("notifications/letter.txt", context),
        to=[formataddr((clean_line(recipient.display_name), address)) if recipient is not None else address],
        reply_to=[course.contact_email] if course is not None and course.contact_email else None,
        headers=headers,
        connection=connection,
    )
    message.attach_alternative(render_to_string("notifications/letter.html", context), "text/html")
    return message


def _ascii(text: str) -> str:
    return "".join(char for char in text if char.isascii() and (char.isalnum() or char in " -.,&"))


def _put_off(notice: Notice, error: Exception, *, now: datetime) -> None:
    permanent = _is_permanent(error) or now - notice.created_at > GIVE_UP_AFTER
    text = clean_line(f"{type(error).__name__}: {error}")[:500]
    logger.warning(
        "mail failed notice=%s kind=%s attempt=%s final=%s", notice.pk, notice.kind, notice.attempts, permanent
    )
    if permanent:
        _mark(notice, Notice.State.FAILED, error=text)
    else:
        pause = min(FIRST_PAUSE * 2 ** min(notice.attempts - 1, 12), LONGEST_PAUSE)
        _mark(notice, Notice.State.DUE, error=text, not_before=now + pause)


def _is_permanent(error: Exception) -> bool:
    """Return whether trying again is pointless: the server said 5xx, or the letter itself is broken."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(500 <= code < 600 for code, _text in error.recipients.values())
    if isinstance(error, smtplib.SMTPResponseException):
        return 500 <= error.smtp_code < 600
    return not isinstance(error, OSError)


def _mark(
    notice: Notice, state: Notice.State, *, sent_to: str = "", error: str = "", not_before: datetime | None = None
) -> None:
    values = {
        "state": state,
        "leased_until": None,
        "last_error": error,
        "not_before": not_before or notice.not_before,
        "sent_at": timezone.now() if state == Notice.State.SENT else None,
        "sent_to": sent_to,
    }
    # Only whoever holds the claim may mark: after its lease another worker may have it.
    Notice.objects.filter(pk=notice.pk, state=Notice.State.SENDING, leased_until=notice.leased_until).update(**values)
