"""The outbox: a row for each mail that is to reach a person once."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from amls.courses.models import Course, User, choices_hold
from amls.notifications.managers import NoticeQuerySet
from amls.web.text import LineField


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
    not_before = models.DateTimeField(_("not before"))
    due_at = models.DateTimeField(_("worthless from"), null=True, blank=True)
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.DUE)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    leased_until = models.DateTimeField(_("claimed until"), null=True, blank=True)
    last_error = LineField(_("last error"), max_length=500, blank=True)
    created_at = models.DateTimeField(_("created"))
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    sent_to = models.EmailField(_("sent to"), blank=True)

    objects: ClassVar[NoticeQuerySet] = NoticeQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("notice")
        verbose_name_plural = _("notices")
        ordering = ["-created_at", "-pk"]
        constraints = [
            choices_hold("notice_state_valid", "state", ["due", "sending", "sent", "failed", "dropped"]),
            models.CheckConstraint(
                name="notice_one_recipient",
                condition=Q(recipient__isnull=False, address="") | (Q(recipient__isnull=True) & ~Q(address="")),
            ),
            models.CheckConstraint(
                name="notice_lease_while_sending",
                condition=Q(state="sending", leased_until__isnull=False)
                | (~Q(state="sending") & Q(leased_until__isnull=True)),
            ),
            models.CheckConstraint(
                name="notice_sent_has_time",
                condition=Q(state="sent", sent_at__isnull=False) | (~Q(state="sent") & Q(sent_at__isnull=True)),
            ),
        ]
        indexes = [
            models.Index(fields=["not_before"], condition=Q(state="due"), name="notice_due"),
            models.Index(fields=["leased_until"], condition=Q(state="sending"), name="notice_sending"),
        ]

    def __str__(self) -> str:
        return self.key
