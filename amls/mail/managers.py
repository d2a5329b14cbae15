"""Reading the outbox and what fills it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import connections, models
from django.db.models import Q
from django.db.models.constants import OnConflict
from django.db.models.sql import InsertQuery

if TYPE_CHECKING:
    from amls.mail.models import Announcement, ItemChange, Notice  # noqa: F401


class NoticeQuerySet(models.QuerySet["Notice"]):
    """Notices."""

    def insert_once(self, notice: Notice) -> bool:
        """Insert a notice unless one with its key is there; return whether it is new: 1 query.

        `bulk_create` with `ignore_conflicts` can't tell. The notice does not learn its primary key.
        """
        query = InsertQuery(self.model, on_conflict=OnConflict.IGNORE)
        fields = [field for field in notice._meta.concrete_fields if not field.primary_key]  # noqa: SLF001 - Django's public name for it
        query.insert_values(fields, [notice])
        [(statement, parameters)] = query.get_compiler(self.db).as_sql()
        with connections[self.db].cursor() as cursor:
            cursor.execute(statement, parameters)
            return bool(cursor.rowcount)

    def claimable_at(self, now: datetime) -> NoticeQuerySet:
        """Return what may be claimed: what is due, and what a worker claimed and left."""
        return self.filter(Q(state="due", not_before__lte=now) | Q(state="sending", leased_until__lte=now))

    def waiting_at(self, now: datetime) -> NoticeQuerySet:
        """Return what should be on its way already."""
        return self.filter(Q(state="due", not_before__lte=now) | Q(state="sending"))

    def failed_since(self, moment: datetime) -> NoticeQuerySet:
        """Return what was given up after `moment`, however long it was tried before."""
        return self.filter(state="failed", failed_at__gte=moment)


class ItemChangeQuerySet(models.QuerySet["ItemChange"]):
    """Changes of the agenda that people are to be told of."""

    def pending(self) -> ItemChangeQuerySet:
        """Return what is still held back."""
        return self.filter(told_at__isnull=True)


class AnnouncementQuerySet(models.QuerySet["Announcement"]):
    """Announcements."""

    def on_page_at(self, now: datetime) -> AnnouncementQuerySet:
        """Return what stands on the course's page."""
        return self.filter(publish_at__lte=now, on_page_until__gt=now, is_withdrawn=False)

    def to_come_by_mail(self, now: datetime) -> AnnouncementQuerySet:
        """Return what will go out by mail at a later time."""
        return self.filter(publish_at__gt=now, by_mail=True, is_withdrawn=False)

    def to_mail_at(self, now: datetime) -> AnnouncementQuerySet:
        """Return what is to go out by mail."""
        return self.filter(publish_at__lte=now, by_mail=True, mailed_at__isnull=True, is_withdrawn=False)
