"""The outbox and what fills it: reminder rules, changes to tell, announcements, and what people want."""

from typing import ClassVar

import pghistory
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from amls.agenda.models import ItemKind
from amls.core.constraints import RowCheck
from amls.core.text import CleanTextField, LineField
from amls.courses.models import Course, User, choices_hold
from amls.mail.managers import AnnouncementQuerySet, ItemChangeQuerySet, NoticeQuerySet


class Notice(models.Model):
    """That a person is to be told something.

    It holds references, not text, and is written in the transaction of its cause:
    recipient, text and whether it is still true are decided when it is sent.
    """

    class State(models.TextChoices):
        DUE = "due", _("Due")
        SENDING = "sending", _("Being sent")
        SENT = "sent", _("Sent")
        FAILED = "failed", _("Failed")
        DROPPED = "dropped", _("No longer wanted")

    class Priority(models.IntegerChoices):
        AT_ONCE = 0, _("At once")
        BULK = 1, _("Bulk")

    key = models.CharField(_("key"), max_length=200, unique=True)
    kind = models.CharField(_("kind"), max_length=60)
    course = models.ForeignKey(
        Course, models.CASCADE, null=True, blank=True, related_name="notices", verbose_name=_("course")
    )
    recipient = models.ForeignKey(
        User, models.CASCADE, null=True, blank=True, related_name="notices", verbose_name=_("recipient")
    )
    address = models.EmailField(_("address"), blank=True, help_text=_("Of a person without an account."))
    references = models.JSONField(_("references"), default=dict, blank=True)
    grouping_key = models.CharField(_("grouping key"), max_length=120, blank=True)
    priority = models.PositiveSmallIntegerField(
        _("priority"), choices=Priority, default=Priority.AT_ONCE, help_text=_("Bulk mail waits for all other.")
    )
    not_before = models.DateTimeField(_("not before"))
    due_at = models.DateTimeField(_("worthless from"), null=True, blank=True)
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.DUE)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    leased_until = models.DateTimeField(_("claimed until"), null=True, blank=True)
    last_error = LineField(_("last error"), max_length=500, blank=True)
    created_at = models.DateTimeField(_("created"))
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    failed_at = models.DateTimeField(_("given up"), null=True, blank=True)
    sent_to = models.EmailField(_("sent to"), blank=True)
    sent_with = models.ForeignKey(
        "self",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="companions",
        verbose_name=_("sent with"),
        help_text=_("The notice whose mail told this one too."),
    )
    subject = LineField(_("subject"), max_length=300, blank=True)
    reason = LineField(_("why"), max_length=500, blank=True)

    objects: ClassVar[NoticeQuerySet] = NoticeQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("notice")
        verbose_name_plural = _("notices")
        ordering = ["-created_at", "-pk"]
        constraints = [
            choices_hold("notice_priority_valid", "priority", [0, 1]),
            choices_hold("notice_state_valid", "state", ["due", "sending", "sent", "failed", "dropped"]),
            RowCheck(
                name="notice_one_recipient",
                condition=Q(recipient__isnull=False, address="") | (Q(recipient__isnull=True) & ~Q(address="")),
            ),
            RowCheck(
                name="notice_lease_while_sending",
                condition=Q(state="sending", leased_until__isnull=False)
                | (~Q(state="sending") & Q(leased_until__isnull=True)),
            ),
            RowCheck(
                name="notice_sent_has_time",
                condition=Q(state="sent", sent_at__isnull=False) | (~Q(state="sent") & Q(sent_at__isnull=True)),
            ),
            RowCheck(
                name="notice_failed_has_time",
                condition=Q(state="failed", failed_at__isnull=False) | (~Q(state="failed") & Q(failed_at__isnull=True)),
            ),
        ]
        indexes = [
            models.Index(fields=["priority", "not_before", "id"], condition=Q(state="due"), name="notice_due"),
            models.Index(
                fields=["recipient", "grouping_key"],
                condition=Q(state="due") & ~Q(grouping_key=""),
                name="notice_groups",
            ),
            models.Index(
                fields=["kind", "course"], condition=Q(state__in=["due", "dropped"]), name="notice_unsent_by_kind"
            ),
            models.Index(fields=["sent_at"], condition=Q(state="sent"), name="notice_sent"),
            models.Index(fields=["failed_at"], condition=Q(state="failed"), name="notice_failed"),
            models.Index(fields=["leased_until"], condition=Q(state="sending"), name="notice_sending"),
        ]

    def __str__(self) -> str:
        return str(self.subject or _("Mail to %(whom)s") % {"whom": self.recipient or self.address})


class PushDevice(models.Model):
    """A browser of a person in which they are told (Web Push): what it gave to be reached, and how that went."""

    user = models.ForeignKey(User, models.CASCADE, related_name="push_devices", verbose_name=_("person"))
    # RFC 8030: whoever knows it can send there; it is shown to nobody but its person.
    endpoint = models.URLField(_("address"), max_length=1000, unique=True)
    # RFC 8291, as the browser gives them.
    public_key = models.CharField(_("key"), max_length=200)
    secret = models.CharField(_("secret"), max_length=200)
    signed_by = models.CharField(_("entered under"), max_length=100, help_text=_("The key of this installation."))
    name = LineField(_("name"), max_length=100, blank=True)
    created_at = models.DateTimeField(_("created"))
    last_told_at = models.DateTimeField(_("last told"), null=True, blank=True)
    failures = models.PositiveSmallIntegerField(_("failures in a row"), default=0)
    paused_until = models.DateTimeField(_("left in peace until"), null=True, blank=True)

    class Meta:
        verbose_name = _("device for notices")
        verbose_name_plural = _("devices for notices")
        ordering = ["user", "-created_at", "-pk"]
        constraints = [
            RowCheck(
                name="pushdevice_sealed_on_the_way",
                condition=Q(endpoint__startswith="https://"),
                violation_error_message=_("A device is reached by https alone."),
            ),
        ]

    def __str__(self) -> str:
        return self.name or str(_("a device"))


class Push(models.Model):
    """What is to be said on one device, once; the row goes with it."""

    device = models.ForeignKey(PushDevice, models.CASCADE, related_name="pushes", verbose_name=_("device"))
    notice = models.ForeignKey(Notice, models.CASCADE, related_name="pushes", verbose_name=_("notice"))
    title = LineField(_("title"), max_length=300)
    text = LineField(_("text"), max_length=300)
    path = models.CharField(_("path"), max_length=500)
    account = models.CharField(_("whose"), max_length=16)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    leased_until = models.DateTimeField(_("claimed until"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"))

    class Meta:
        verbose_name = _("notice on a device")
        verbose_name_plural = _("notices on devices")
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["device", "notice"], name="push_once"),
        ]

    def __str__(self) -> str:
        return self.text


class Preference(models.Model):
    """Whether a person wants the mails of one topic in one course; without a row the topic's default holds."""

    user = models.ForeignKey(User, models.CASCADE, related_name="mail_preferences", verbose_name=_("person"))
    course = models.ForeignKey(Course, models.CASCADE, related_name="mail_preferences", verbose_name=_("course"))
    topic = models.CharField(_("topic"), max_length=20)
    is_on = models.BooleanField(_("on"))

    class Meta:
        verbose_name = _("mail preference")
        verbose_name_plural = _("mail preferences")
        constraints = [
            models.UniqueConstraint(fields=["user", "course", "topic"], name="preference_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.topic}: {self.is_on}"


class MailSettings(models.Model):
    """How a course writes to its people. Its row also says that the default reminders were laid down once."""

    course = models.OneToOneField(Course, models.CASCADE, related_name="mail_settings", verbose_name=_("course"))
    tells_changes = models.BooleanField(_("tell moved and cancelled dates"), default=True)
    hold_back_minutes = models.PositiveSmallIntegerField(
        _("hold changes back (minutes)"),
        default=5,
        help_text=_("Corrections within this time become one mail. What happens within 24 hours is told at once."),
    )

    class Meta:
        verbose_name = _("mail of a course")
        verbose_name_plural = _("mail of courses")
        constraints = [
            RowCheck(
                name="mailsettings_hold_back_short",
                condition=Q(hold_back_minutes__lte=120),
                violation_error_message=_("Hold changes back for at most 120 minutes."),
            ),
        ]

    def __str__(self) -> str:
        return str(self.course)


# What people can be reminded of.
_REMINDED = [(kind.value, kind.label) for kind in (ItemKind.DEADLINE, ItemKind.OPENING, ItemKind.EXAM)]


def _reminded_kinds() -> list[str]:
    return [ItemKind.DEADLINE.value, ItemKind.EXAM.value]


class ReminderRule(models.Model):
    """How long before a dated item people are reminded: days by the course's wall clock, hours by the stopwatch."""

    course = models.ForeignKey(Course, models.CASCADE, related_name="reminder_rules", verbose_name=_("course"))
    days = models.PositiveSmallIntegerField(_("days before"), default=0)
    hours = models.PositiveSmallIntegerField(_("hours before"), default=0)
    kinds = ArrayField(
        models.CharField(max_length=12, choices=_REMINDED),
        verbose_name=_("of what"),
        default=_reminded_kinds,
        help_text=_("deadline, exam, opening; separated by commas."),
    )
    is_paused = models.BooleanField(_("paused"), default=False)

    class Meta:
        verbose_name = _("reminder rule")
        verbose_name_plural = _("reminder rules")
        ordering = ["course", "-days", "-hours"]
        constraints = [
            models.UniqueConstraint(
                fields=["course", "days", "hours"],
                name="reminderrule_unique",
                violation_error_message=_("The course reminds at this time already."),
            ),
            RowCheck(
                name="reminderrule_lead_valid",
                condition=Q(days__lte=60, hours__lte=72) & (Q(days__gt=0) | Q(hours__gt=0)),
                violation_error_message=_("Remind between 1 hour and 60 days before."),
            ),
            RowCheck(
                name="reminderrule_kinds_valid",
                condition=Q(kinds__contained_by=["deadline", "opening", "exam"]),
                violation_error_message=_("Reminders are for deadlines, openings and exams."),
            ),
        ]

    def __str__(self) -> str:
        if self.days and self.hours:
            return _("%(days)d days and %(hours)d hours before") % {"days": self.days, "hours": self.hours}
        if self.days:
            return ngettext("%(count)d day before", "%(count)d days before", self.days) % {"count": self.days}
        return ngettext("%(count)d hour before", "%(count)d hours before", self.hours) % {"count": self.hours}


class ItemChange(models.Model):
    """A moved or cancelled item that the enrolled are to be told of.

    While it is held back later changes of the same item are merged into it: `before` stays
    what people knew, `after` becomes what is so. Told ones of one mail share a batch.
    """

    course = models.ForeignKey(Course, models.CASCADE, related_name="item_changes", verbose_name=_("course"))
    key = models.CharField(_("key"), max_length=120)
    before = models.JSONField(_("before"), null=True, blank=True)
    after = models.JSONField(_("after"))
    kind = models.CharField(_("kind"), max_length=10)
    created_at = models.DateTimeField(_("first changed"))
    held_until = models.DateTimeField(_("held back until"))
    told_at = models.DateTimeField(_("told"), null=True, blank=True)
    batch = models.UUIDField(_("batch"), null=True, blank=True)

    objects: ClassVar[ItemChangeQuerySet] = ItemChangeQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("change to tell")
        verbose_name_plural = _("changes to tell")
        ordering = ["created_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["course", "key"], condition=Q(told_at__isnull=True), name="itemchange_one_pending"
            ),
            RowCheck(
                name="itemchange_told_has_batch",
                condition=Q(told_at__isnull=True, batch__isnull=True) | Q(told_at__isnull=False, batch__isnull=False),
            ),
        ]
        indexes = [models.Index(fields=["held_until"], condition=Q(told_at__isnull=True), name="itemchange_pending")]

    def __str__(self) -> str:
        return self.key


class Announcement(models.Model):
    """What the staff tell the people of a course: on its page, and by mail."""

    course = models.ForeignKey(Course, models.CASCADE, related_name="announcements", verbose_name=_("course"))
    title = LineField(_("title"), max_length=200)
    text = CleanTextField(_("text"), help_text=_("Markdown."))
    audience = models.CharField(_("to whom"), max_length=40, default="all")
    publish_at = models.DateTimeField(
        _("publish at"), help_text=_("By the course's clock; a time that is over means at once.")
    )
    by_mail = models.BooleanField(_("also by mail"), default=True)
    on_page_until = models.DateTimeField(
        _("on the course's page until"), null=True, blank=True, help_text=_("Empty: only by mail.")
    )
    is_withdrawn = models.BooleanField(_("withdrawn"), default=False)
    # Set while it is held back, and where that was taken back: nobody is told of it before it is saved again.
    is_waiting = models.BooleanField(_("waits"), default=False, db_default=False, editable=False)
    author = models.ForeignKey(
        User, models.SET_NULL, null=True, blank=True, editable=False, related_name="+", verbose_name=_("author")
    )
    mailed_at = models.DateTimeField(_("mailed"), null=True, blank=True, editable=False)

    objects: ClassVar[AnnouncementQuerySet] = AnnouncementQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("announcement")
        verbose_name_plural = _("announcements")
        ordering = ["-publish_at", "-pk"]
        constraints = [
            RowCheck(
                name="announcement_on_page_after_publish",
                condition=Q(on_page_until__isnull=True) | Q(on_page_until__gt=F("publish_at")),
                violation_error_message=_("It would leave the page before it is published."),
            ),
        ]

    def __str__(self) -> str:
        return str(self.title)


class Pulse(models.Model):
    """When something that beat sees to last ran."""

    name = models.CharField(_("name"), max_length=60, primary_key=True)
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("pulse")
        verbose_name_plural = _("pulses")

    def __str__(self) -> str:
        return self.name


pghistory.track()(Announcement)
pghistory.track()(ReminderRule)
