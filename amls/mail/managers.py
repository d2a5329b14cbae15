"""Reading the outbox and what fills it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Expression, Q

if TYPE_CHECKING:
    from amls.mail.models import Announcement, ItemChange, Notice  # noqa: F401


# The settings that a mail server may not agree with: where it is and who asks it, and who writes.
SERVER, SENDER = "EMAIL_URL", "DEFAULT_FROM_EMAIL"
# What went wrong where a server refused for good the one to whom a mail was, as `amls.mail.send` writes it. One that was busy for a
# whole day (4xx) may be the server's fault.
REFUSED_MAILBOX = r"^SMTPRecipientsRefused: \{'[^']*': \(5\d\d,"
# The longest that a mail waits for its next try.
LONGEST_PAUSE = timedelta(hours=2)


def is_waiting(now: datetime) -> Q:
    """Return the condition that a notice should be on its way already."""
    return Q(state="due", not_before__lte=now) | Q(state="sending")


def has_failed_since(moment: datetime) -> Q:
    """Return the condition that a notice was given up after `moment`, however long it was tried before."""
    return Q(state="failed", failed_at__gte=moment)


def is_put_off_for(setting: str, now: datetime) -> Q:
    """Return the condition that a notice waits for its next try because the mail server didn't agree with a setting."""
    return Q(state="due", not_before__lte=now + LONGEST_PAUSE, last_error__startswith=f"{setting}: ")


class NoticeQuerySet(models.QuerySet["Notice"]):
    """Notices."""

    def claimable_at(self, now: datetime) -> NoticeQuerySet:
        """Return what may be claimed: what is due, and what a worker claimed and left."""
        return self.filter(Q(state="due", not_before__lte=now) | Q(state="sending", leased_until__lte=now))

    def waiting_at(self, now: datetime) -> NoticeQuerySet:
        """Return what should be on its way already."""
        return self.filter(is_waiting(now))

    def failed_since(self, moment: datetime) -> NoticeQuerySet:
        """Return what was given up after `moment`, however long it was tried before."""
        return self.filter(has_failed_since(moment))


class ItemChangeQuerySet(models.QuerySet["ItemChange"]):
    """Changes of the agenda that people are to be told of."""

    def pending(self) -> ItemChangeQuerySet:
        """Return what is still held back."""
        return self.filter(told_at__isnull=True)


class AnnouncementQuerySet(models.QuerySet["Announcement"]):
    """Announcements."""

    def on_page_at(self, now: datetime | Expression) -> AnnouncementQuerySet:
        """Return what stands on the course's page."""
        return self.filter(publish_at__lte=now, on_page_until__gt=now, is_withdrawn=False, is_waiting=False)

    def to_come_by_mail(self, now: datetime) -> AnnouncementQuerySet:
        """Return what will go out by mail at a later time, and what waits to be let go."""
        later = Q(publish_at__gt=now) | Q(is_waiting=True)
        return self.filter(later, by_mail=True, is_withdrawn=False)

    def to_mail_at(self, now: datetime) -> AnnouncementQuerySet:
        """Return what is to go out by mail."""
        due = self.filter(publish_at__lte=now, by_mail=True, mailed_at__isnull=True)
        return due.filter(is_withdrawn=False, is_waiting=False)
