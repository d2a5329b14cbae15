"""The door of an exam: who helps there, and every mark that was made."""

from datetime import datetime

import pghistory
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from amls.core.constraints import RowCheck
from amls.core.text import LineField
from amls.courses.models import User, choices_hold
from exams.models.exam import Exam
from exams.models.registration import Registration


class HelperLink(models.Model):
    """A link by which somebody without an account helps at the door of one exam, on its day.

    The address is an HMAC over the row: nothing secret is stored.
    """

    exam = models.ForeignKey(Exam, models.CASCADE, related_name="helper_links", verbose_name=_("exam"))
    name = LineField(_("who helps"), max_length=100)
    created_by = models.ForeignKey(
        User, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("made by")
    )
    created_at = models.DateTimeField(_("made"))
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)

    class Meta:
        verbose_name = _("link for a helper")
        verbose_name_plural = _("links for helpers")
        ordering = ["exam", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["exam", "name"],
                name="helperlink_unique",
                violation_error_message=_("This exam has a link for a helper of this name already."),
            ),
            RowCheck(
                name="helperlink_has_name",
                condition=~Q(name=""),
                violation_error_message=_("Say who helps."),
            ),
        ]

    def __str__(self) -> str:
        return str(self.name)

    def works_at(self, now: datetime) -> bool:
        """Return whether it opens the door: on the exam's local day only, until it is revoked."""
        zone = self.exam.course.zone
        return self.revoked_at is None and now.astimezone(zone).date() == self.exam.starts_at.astimezone(zone).date()


class CheckInMark(models.Model):
    """One mark made at the door. Its key is drawn by the device, so that a mark sent twice counts once.

    What holds of a person follows from all their marks in the order in which they were
    made, not in which they arrived: a device may have been without a network.
    """

    class Action(models.TextChoices):
        PRESENT = "present", _("Present")
        ABSENT = "absent", _("Absent")
        LEFT = "left", _("Left")
        UNDO = "undo", _("Taken back")

    key = models.UUIDField(_("key"), unique=True)
    registration = models.ForeignKey(Registration, models.CASCADE, related_name="marks", verbose_name=_("registration"))
    action = models.CharField(_("mark"), max_length=7, choices=Action)
    seat = LineField(_("seat"), max_length=100, blank=True)
    by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("by"))
    helper = models.ForeignKey(
        HelperLink, models.SET_NULL, null=True, blank=True, related_name="marks", verbose_name=_("helper")
    )
    made_at = models.DateTimeField(_("made"))
    received_at = models.DateTimeField(_("received"))

    class Meta:
        verbose_name = _("mark at the door")
        verbose_name_plural = _("marks at the door")
        ordering = ["made_at", "pk"]
        constraints = [
            choices_hold("checkinmark_action_valid", "action", ["present", "absent", "left", "undo"]),
        ]

    def __str__(self) -> str:
        return f"{self.registration}: {self.get_action_display()}"


pghistory.track()(HelperLink)
