"""The shared ledger: one row for every dated thing that the outside sees."""

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import urljoin

from django.conf import settings
from django.db import models
from django.db.models import F, Q, Value
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from amls.agenda.managers import AgendaItemQuerySet
from amls.core.constraints import RowCheck
from amls.core.text import LineField
from amls.courses.models import Audience, Course, Enrolment, SessionKind, choices_hold


class ItemKind(models.TextChoices):
    """What an item is to its readers; sessions of a course have the kinds of `SessionKind`."""

    LECTURE = SessionKind.LECTURE.value, SessionKind.LECTURE.label
    EXERCISE = SessionKind.EXERCISE.value, SessionKind.EXERCISE.label
    LAB = SessionKind.LAB.value, SessionKind.LAB.label
    TUTORIAL = SessionKind.TUTORIAL.value, SessionKind.TUTORIAL.label
    SEMINAR = SessionKind.SEMINAR.value, SessionKind.SEMINAR.label
    OTHER = SessionKind.OTHER.value, SessionKind.OTHER.label
    OFFICE_HOUR = "office_hour", _("Office hour")
    DEADLINE = "deadline", _("Deadline")
    OPENING = "opening", _("Opening")
    EXAM = "exam", _("Exam")
    FREE_DAY = "free_day", _("No class")


SESSIONS = frozenset(ItemKind(kind.value) for kind in SessionKind)


class Status(models.TextChoices):
    """Whether it takes place; the words are those of RFC 5545, 3.8.1.11."""

    CONFIRMED = "confirmed", _("Takes place")
    CANCELLED = "cancelled", _("Cancelled")


def moment_of(kind: str, starts_at: datetime, ends_at: datetime, *, is_all_day: bool = False) -> datetime:
    """Return when a dated thing matters: a deadline ends the block that stands for it, all else starts it.

    Of what has no time of day it is the beginning of its day: what is due then is due at a time nobody knows yet.
    """
    return ends_at if kind == ItemKind.DEADLINE and not is_all_day else starts_at


def absolute(path: str) -> str:
    """Return the whole address of what an item leads to; empty where it leads nowhere."""
    return urljoin(settings.SITE_URL, path) if path else ""


def name_of(words: str, others: Mapping[str, str], language: str | None = None) -> str:
    """Return a title or place in a language, by default the active one, where its source says it in that.

    Args:
        words: in the course's language.
        others: in other languages, by code.
        language: its code.
    """
    return others.get(language or str(get_language()), words)


class AgendaItem(models.Model):
    """One dated thing, as reconcile() last heard of it from its source.

    A row without an enrolment is what everyone sees. A row with one is that person's
    variant of the row with the same key: its `sequence` is added to the base row's, so
    that the SEQUENCE in the person's feed rises with every change of either and never
    falls, also after the variant is revoked (`is_removed`). A row is never deleted: an
    item that its source no longer names is a tombstone, and revives with its UID.
    """

    course = models.ForeignKey(Course, models.CASCADE, related_name="agenda", verbose_name=_("course"))
    enrolment = models.ForeignKey(
        Enrolment, models.CASCADE, null=True, blank=True, related_name="agenda", verbose_name=_("enrolment")
    )
    key = models.CharField(_("key"), max_length=120)
    uid = models.UUIDField(_("UID"), default=uuid.uuid4, editable=False)
    sequence = models.PositiveIntegerField(_("sequence"), default=0)
    kind = models.CharField(_("kind"), max_length=12, choices=ItemKind)
    title = LineField(_("title"), max_length=600)
    titles = models.JSONField(_("title in other languages"), default=dict, blank=True)
    starts_at = models.DateTimeField(_("starts"))
    ends_at = models.DateTimeField(_("ends"))
    # From the local midnight before its first day to the one after its last: a free day, or a day whose time is open.
    is_all_day = models.BooleanField(_("without a time of day"), default=False, db_default=False)
    place = LineField(_("place"), max_length=200, blank=True)
    places = models.JSONField(
        _("place in other languages"), default=dict, db_default=Value({}, models.JSONField()), blank=True
    )
    mode = models.CharField(_("mode"), max_length=10, blank=True)
    call_in = models.CharField(_("call-in link"), max_length=500, blank=True)
    is_call_in_public = models.BooleanField(_("call-in link for everyone"), default=False)
    is_for_participants = models.BooleanField(_("only for who takes part"), default=False, db_default=False)
    conducted_by = LineField(_("conducted by"), max_length=200, blank=True, default="", db_default="")
    path = models.CharField(
        _("address on this site"), max_length=500, blank=True, help_text=_("Or a whole address elsewhere.")
    )
    audience = models.CharField(_("audience"), max_length=10, choices=Audience, default=Audience.PUBLIC)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.CONFIRMED)
    is_done = models.BooleanField(_("done"), default=False)
    is_removed = models.BooleanField(_("removed"), default=False)
    created_at = models.DateTimeField(_("created"))
    changed_at = models.DateTimeField(_("changed"))
    cancelled_at = models.DateTimeField(_("cancelled at"), null=True, blank=True)
    # When it was to be first, where it was moved while the course was running: what people may still have in mind.
    moved_from = models.DateTimeField(_("moved from"), null=True, blank=True)

    objects: ClassVar[AgendaItemQuerySet] = AgendaItemQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("agenda item")
        verbose_name_plural = _("agenda items")
        ordering = ["starts_at", "key"]
        constraints = [
            models.UniqueConstraint(
                fields=["course", "enrolment", "key"], name="agendaitem_key_unique", nulls_distinct=False
            ),
            models.UniqueConstraint(fields=["uid"], condition=Q(enrolment__isnull=True), name="agendaitem_uid_unique"),
            RowCheck(name="agendaitem_ends_after_start", condition=Q(ends_at__gt=F("starts_at"))),
            RowCheck(
                name="agendaitem_cancelled_has_time",
                condition=Q(status="confirmed", cancelled_at__isnull=True)
                | Q(status="cancelled", cancelled_at__isnull=False),
            ),
            choices_hold("agendaitem_kind_valid", "kind", ItemKind.values),
            choices_hold("agendaitem_status_valid", "status", Status.values),
            choices_hold("agendaitem_audience_valid", "audience", Audience.values),
        ]
        indexes = [models.Index(fields=["course", "starts_at"], name="agendaitem_course_start")]

    def __str__(self) -> str:
        return str(self.title)

    @property
    def name(self) -> str:
        """The title in the active language; `title` is in the course's, for what everyone shares."""
        return name_of(self.title, self.titles)

    @property
    def place_name(self) -> str:
        """The place in the active language, such as a row and a seat; `place` is in the course's."""
        return name_of(self.place, self.places)

    @property
    def moment(self) -> datetime:
        """When it matters; see `moment_of`."""
        return moment_of(self.kind, self.starts_at, self.ends_at, is_all_day=self.is_all_day)

    @property
    def is_time_open(self) -> bool:
        """Whether it has a date whose time is not known yet."""
        return self.is_all_day and self.kind != ItemKind.FREE_DAY

    @property
    def last_moment(self) -> datetime:
        """A moment on its last day."""
        return self.ends_at - timedelta(microseconds=1)

    @property
    def is_cancelled(self) -> bool:
        """Whether it will not take place."""
        return self.status == Status.CANCELLED

    @property
    def shown(self) -> tuple[Any, ...]:
        """Return all that pages show of it: see `amls.pagecache.parts.SharedRow`."""
        return (
            self.kind, self.title, tuple(self.titles.items()), self.starts_at, self.ends_at, self.is_all_day, self.place,
            tuple(self.places.items()), self.mode, self.path, self.status, self.is_done, self.moved_from,
        )  # fmt: skip


class FeedToken(models.Model):
    """The address of a person's feed: an HMAC over (enrolment, generation), never stored itself."""

    enrolment = models.OneToOneField(Enrolment, models.CASCADE, related_name="feed_token", verbose_name=_("enrolment"))
    generation = models.PositiveIntegerField(_("generation"), default=1)
    last_fetched_at = models.DateTimeField(_("last fetched"), null=True, blank=True)
    last_client = LineField(_("by"), max_length=100, blank=True)

    class Meta:
        verbose_name = _("feed address")
        verbose_name_plural = _("feed addresses")

    def __str__(self) -> str:
        return str(self.enrolment)


class FeedUse(models.Model):
    """How many calendars of a program fetched a course's public feed on a day (UTC); nothing about whose they are."""

    course = models.ForeignKey(Course, models.CASCADE, related_name="feed_uses", verbose_name=_("course"))
    day = models.DateField(_("day"))
    client = LineField(_("program"), max_length=40)
    count = models.PositiveIntegerField(_("count"))

    class Meta:
        verbose_name = _("use of a feed")
        verbose_name_plural = _("uses of feeds")
        constraints = [
            models.UniqueConstraint(fields=["course", "day", "client"], name="feeduse_course_day_client_unique")
        ]

    def __str__(self) -> str:
        return f"{self.course} {self.day} {self.client}"
