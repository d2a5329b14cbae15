"""Rooms of an exam, and who sits where."""

import pghistory
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from amls.core.constraints import RowCheck
from amls.core.text import LineField
from amls.courses.models import choices_hold
from exams.models.exam import Exam
from exams.models.registration import Registration


class Spacing(models.TextChoices):
    """Which seats of a room are used."""

    EVERY_SEAT = "every_seat", _("Every seat")
    SECOND_SEAT = "second_seat", _("Every second seat")
    SECOND_ROW = "second_row", _("Every second row")
    SECOND_BOTH = "second_both", _("Every second seat in every second row")


class Room(models.Model):
    """A room of an exam, as rows and seats; row 1 is the front."""

    exam = models.ForeignKey(Exam, models.CASCADE, related_name="rooms", verbose_name=_("exam"))
    name = LineField(_("room"), max_length=100)
    rows = models.PositiveSmallIntegerField(_("rows"), default=10)
    seats_per_row = models.PositiveSmallIntegerField(_("seats per row"), default=10)
    spacing = models.CharField(_("spacing"), max_length=12, choices=Spacing, default=Spacing.SECOND_SEAT)
    is_separate = models.BooleanField(
        _("kept for accommodations"), default=False, help_text=_("Only who is granted an own room sits here.")
    )
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    class Meta:
        verbose_name = _("room")
        verbose_name_plural = _("rooms")
        ordering = ["exam", "position", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["exam", "name"],
                name="room_unique",
                violation_error_message=_("This exam has a room of this name already."),
            ),
            RowCheck(
                name="room_has_seats",
                condition=Q(rows__range=(1, 200), seats_per_row__range=(1, 200)),
                violation_error_message=_("A room has 1 to 200 rows of 1 to 200 seats."),
            ),
            choices_hold("room_spacing_valid", "spacing", Spacing.values),
        ]

    def __str__(self) -> str:
        return str(self.name)

    def usable(self) -> list[tuple[int, int]]:
        """Return row and number of each seat that may be used, front row first."""
        row_step = 2 if self.spacing in (Spacing.SECOND_ROW, Spacing.SECOND_BOTH) else 1
        seat_step = 2 if self.spacing in (Spacing.SECOND_SEAT, Spacing.SECOND_BOTH) else 1
        return [
            (row, number)
            for row in range(1, self.rows + 1, row_step)
            for number in range(1, self.seats_per_row + 1, seat_step)
        ]


class Seat(models.Model):
    """Where a registered person sits."""

    room = models.ForeignKey(Room, models.CASCADE, related_name="seats", verbose_name=_("room"))
    row = models.PositiveSmallIntegerField(_("row"))
    number = models.PositiveSmallIntegerField(_("seat"))
    registration = models.OneToOneField(
        Registration, models.CASCADE, related_name="seat", verbose_name=_("registration")
    )

    class Meta:
        verbose_name = _("seat")
        verbose_name_plural = _("seats")
        ordering = ["room", "row", "number"]
        constraints = [
            models.UniqueConstraint(
                fields=["room", "row", "number"],
                name="seat_unique",
                violation_error_message=_("Somebody sits here already."),
            ),
            RowCheck(
                name="seat_counts_from_one",
                condition=Q(row__gte=1, number__gte=1),
                violation_error_message=_("Rows and seats count from 1."),
            ),
        ]

    def __str__(self) -> str:
        return str(
            _("%(room)s, row %(row)d, seat %(number)d")
            % {"room": self.room.name, "row": self.row, "number": self.number}
        )


pghistory.track()(Room)
pghistory.track()(Seat)
