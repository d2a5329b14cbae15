"""Tasks and what is given for them, as assignments and exams have them; what the staff keep of people: lists of who was there, who presented, and notes."""

from __future__ import annotations

import pghistory
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Mod
from django.db.models.lookups import Exact
from django.utils.translation import gettext_lazy as _

from amls.core.constraints import RowCheck
from amls.core.text import CleanTextField, LineField
from amls.core.triggers import differ, owner, refuses
from amls.courses.models import Course, Enrolment, User
from amls.grading.points import QUARTER, ZERO

# More than a term has.
MOST_OCCASIONS = 200


def in_quarters(name: str, field: str) -> RowCheck:
    """Return the constraint that points are given in quarters."""
    return RowCheck(
        name=name,
        condition=Exact(Mod(F(field), Value(QUARTER)), Value(ZERO)),
        violation_error_message=_("Points are given in quarters."),
    )


class TaskBase(models.Model):
    """A part of an assignment or an exam that has points of its own."""

    title = LineField(_("title"), max_length=200)
    max_points = models.DecimalField(_("most points"), max_digits=6, decimal_places=2)
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    class Meta:
        abstract = True
        constraints = [
            RowCheck(
                name="%(class)s_points_positive",
                condition=Q(max_points__gt=0),
                violation_error_message=_("A task has more than no points."),
            ),
            in_quarters("%(class)s_points_in_quarters", "max_points"),
        ]

    def __str__(self) -> str:
        return self.title


class PointsBase(models.Model):
    """What was given for a task."""

    points = models.DecimalField(_("points"), max_digits=6, decimal_places=2)

    class Meta:
        abstract = True
        constraints = [
            RowCheck(
                name="%(class)s_not_negative",
                condition=Q(points__gte=0),
                violation_error_message=_("Points can't be negative."),
            ),
            in_quarters("%(class)s_in_quarters", "points"),
        ]


class Roll(models.Model):
    """A list of who was there how often: attendance at a tutorial, presentations at the board.

    Attributes:
        planned: how many occasions there will have been in the end; None where nobody knows.
        held: how many of them are over.
    """

    course = models.ForeignKey(Course, models.CASCADE, related_name="rolls", verbose_name=_("course"))
    title = LineField(_("title"), max_length=100)
    planned = models.PositiveSmallIntegerField(
        _("occasions in all"), null=True, blank=True, help_text=_("Empty: nobody knows, as with presentations.")
    )
    held = models.PositiveSmallIntegerField(_("occasions so far"), default=0)

    class Meta:
        verbose_name = _("list of attendance or presentations")
        verbose_name_plural = _("lists of attendance or presentations")
        ordering = ["course", "title"]
        constraints = [
            models.UniqueConstraint(
                fields=["course", "title"],
                name="roll_title_unique",
                violation_error_message=_("The course has a list with this title already."),
            ),
            RowCheck(
                name="roll_held_of_planned",
                condition=Q(planned__isnull=True) | (Q(planned__gte=F("held")) & Q(planned__gte=1)),
                violation_error_message=_("There can't have been more occasions than there are in all."),
            ),
            RowCheck(
                name="roll_counts_bounded",
                condition=Q(held__lte=MOST_OCCASIONS) & (Q(planned__isnull=True) | Q(planned__lte=MOST_OCCASIONS)),
                violation_error_message=_("A list has at most 200 occasions."),
            ),
        ]

    def __str__(self) -> str:
        return self.title


class RollEntry(models.Model):
    """How often a person was there, and how often they were excused. Who has no entry was never there."""

    roll = models.ForeignKey(Roll, models.CASCADE, related_name="entries", verbose_name=_("list"))
    enrolment = models.ForeignKey(Enrolment, models.CASCADE, related_name="roll_entries", verbose_name=_("person"))
    entered = models.PositiveSmallIntegerField(_("was there"), default=0)
    excused = models.PositiveSmallIntegerField(_("excused"), default=0)
    entered_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+", verbose_name=_("entered by"))
    entered_at = models.DateTimeField(_("entered"))

    class Meta:
        verbose_name = _("entry in a list")
        verbose_name_plural = _("entries in lists")
        ordering = ["roll", "enrolment"]
        constraints = [
            models.UniqueConstraint(
                fields=["roll", "enrolment"],
                name="rollentry_unique",
                violation_error_message=_("This person has an entry in this list already."),
            ),
            RowCheck(
                name="rollentry_counts_bounded",
                condition=Q(entered__lte=MOST_OCCASIONS, excused__lte=MOST_OCCASIONS),
                violation_error_message=_("A list has at most 200 occasions."),
            ),
        ]
        triggers = [
            refuses(
                "rollentry_same_course",
                where=differ(
                    owner("course", "courses_enrolment", "enrolment"), owner("course", "grading_roll", "roll")
                ),
                because="the enrolment is one in another course.",
            )
        ]

    def __str__(self) -> str:
        return f"{self.roll}: {self.enrolment.user}"


class PersonNote(models.Model):
    """What the staff of a course note of a person: for them alone, one text that each of them may change.

    It has no history: what is taken away is gone.
    """

    enrolment = models.OneToOneField(Enrolment, models.CASCADE, related_name="person_note", verbose_name=_("person"))
    text = CleanTextField(_("note"), max_length=2000)
    written_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+", verbose_name=_("written by"))
    written_at = models.DateTimeField(_("written"))

    class Meta:
        verbose_name = _("note on a person")
        verbose_name_plural = _("notes on people")
        ordering = ["enrolment"]
        constraints = [
            RowCheck(
                name="personnote_not_empty",
                condition=~Q(text=""),
                violation_error_message=_("Write something first."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.enrolment.user}: {self.text[:40]}"


pghistory.track()(Roll)
pghistory.track()(RollEntry)
