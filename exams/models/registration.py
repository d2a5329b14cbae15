"""Who takes part in which exam, and whether they are admitted to it."""

from datetime import datetime, timedelta
from math import ceil
from typing import ClassVar

import pghistory
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from amls.core.constraints import RowCheck
from amls.core.text import LineField
from amls.courses.belonging import of_same_course, require_own_course
from amls.courses.models import Course, Enrolment, User, choices_hold
from amls.courses.numbers import plain_number_of
from exams.managers import RegistrationQuerySet
from exams.models.exam import Exam

# Whoever is in one of these holds a seat: what `Exam.seats_taken` counts.
HOLDING_STATES = ("registered", "attended", "absent")
# Withdrawn and excused registrations end by themselves; these end when staff close the exam.
ACTIVE_STATES = (*HOLDING_STATES, "waitlisted")


class Registration(models.Model):
    """A person's part in one exam. It is active as long as it has no `closed_at`."""

    class State(models.TextChoices):
        REGISTERED = "registered", _("Registered")
        WAITLISTED = "waitlisted", _("On the waiting list")
        WITHDRAWN = "withdrawn", pgettext_lazy("from an exam", "Withdrawn")
        EXCUSED = "excused", _("Excused")
        ATTENDED = "attended", _("Attended")
        ABSENT = "absent", _("Absent")
        # The date was cancelled by staff, and is so still. A state of its own, and not only one of the exam: all that reads
        # registrations asks for their state (who is expected, who waits, who is reminded, has a slip, a seat, a result), and
        # passes these over by itself; they are over, which frees the person for another date, and are no withdrawal. What
        # they were stands beside, and comes back with the date (`exams/services/cancelling.py`).
        CANCELLED = "cancelled", _("Date cancelled")

    # With the course the row goes; the exam or the enrolment alone can't go while it is there.
    course = models.ForeignKey(Course, models.CASCADE, related_name="exam_registrations", verbose_name=_("course"))
    exam = models.ForeignKey(Exam, models.RESTRICT, related_name="registrations", verbose_name=_("exam"))
    enrolment = models.ForeignKey(
        Enrolment, models.RESTRICT, related_name="exam_registrations", verbose_name=_("enrolment")
    )
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.REGISTERED)
    position = models.PositiveIntegerField(_("position on the waiting list"), null=True, blank=True)
    # Of who left the waiting list as they have passed another date: their place, should that be corrected.
    position_until_passed = models.PositiveIntegerField(
        _("position on the waiting list until they passed"), null=True, blank=True, editable=False
    )
    # What somebody was in a date until it was cancelled, and where they waited.
    state_until_cancelled = models.CharField(
        _("state until the date was cancelled"), max_length=10, blank=True, default="", db_default="", editable=False
    )
    position_until_cancelled = models.PositiveIntegerField(
        _("position on the waiting list until the date was cancelled"), null=True, blank=True, editable=False
    )
    # Of who had another date by the time that a cancelled one was held after all, and keeps that one: the date says no more
    # that it was cancelled.
    cancelled_because = LineField(
        _("why the date was cancelled"), max_length=300, blank=True, default="", db_default="", editable=False
    )
    cancelled_by = models.ForeignKey(
        User,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("who cancelled the date"),
        editable=False,
    )
    # Of who waits and holds a seat of another date, which is given on with the seat that they wait for.
    keeps_seat = models.BooleanField(_("keeps the seat of another date"), default=False, db_default=False)
    created_at = models.DateTimeField(_("signed up"))
    changed_at = models.DateTimeField(_("changed"))
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)
    is_walk_in = models.BooleanField(_("came without a registration"), default=False)
    reason = LineField(_("reason"), max_length=300, blank=True, help_text=_("Of what staff did by hand."))
    arrived_at = models.DateTimeField(_("checked in"), null=True, blank=True)
    left_at = models.DateTimeField(_("left"), null=True, blank=True)
    actual_seat = LineField(_("actual seat"), max_length=100, blank=True)

    objects: ClassVar[RegistrationQuerySet] = RegistrationQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("registration")
        verbose_name_plural = _("registrations")
        ordering = ["exam", "pk"]
        constraints = [
            choices_hold(
                "registration_state_valid",
                "state",
                ["registered", "waitlisted", "withdrawn", "excused", "attended", "absent", "cancelled"],
            ),
            models.UniqueConstraint(
                fields=["enrolment"],
                condition=Q(closed_at__isnull=True, keeps_seat=False),
                name="registration_one_active",
                violation_error_message=_("This person is registered for an exam of this course already."),
            ),
            models.UniqueConstraint(
                fields=["enrolment"],
                condition=Q(keeps_seat=True),
                name="registration_one_wait_beside",
                violation_error_message=_("This person waits for another date already."),
            ),
            models.UniqueConstraint(
                fields=["exam", "enrolment"],
                condition=Q(closed_at__isnull=True),
                name="registration_once_per_exam",
                violation_error_message=_("This person is registered for this exam already."),
            ),
            RowCheck(
                name="registration_keeps_seat_while_waiting",
                condition=Q(keeps_seat=False) | Q(state="waitlisted", closed_at__isnull=True),
                violation_error_message=_("Only who waits keeps the seat of another date."),
            ),
            models.UniqueConstraint(
                fields=["exam", "position"],
                condition=Q(state="waitlisted"),
                name="registration_position_unique",
                violation_error_message=_("This position on the waiting list is taken."),
            ),
            RowCheck(
                name="registration_position_while_waiting",
                condition=Q(state="waitlisted", position__isnull=False, position__gt=0)
                | (~Q(state="waitlisted") & Q(position__isnull=True)),
                violation_error_message=_("Who waits has a position, and nobody else."),
            ),
            RowCheck(
                name="registration_position_until_passed",
                condition=Q(position_until_passed__isnull=True) | Q(state="withdrawn", position_until_passed__gt=0),
                violation_error_message=_("Only who left the waiting list has had a position on it."),
            ),
            RowCheck(
                name="registration_closed_when_given_up",
                condition=~Q(state__in=["withdrawn", "excused", "cancelled"]) | Q(closed_at__isnull=False),
                violation_error_message=_(
                    "Who withdrew, was excused or whose date is cancelled is no longer registered."
                ),
            ),
            RowCheck(
                name="registration_until_cancelled",
                condition=Q(
                    state="cancelled", state_until_cancelled="registered", position_until_cancelled__isnull=True
                )
                | Q(
                    state="cancelled",
                    state_until_cancelled="waitlisted",
                    position_until_cancelled__isnull=False,
                    position_until_cancelled__gt=0,
                )
                | (~Q(state="cancelled") & Q(state_until_cancelled="", position_until_cancelled__isnull=True)),
                violation_error_message=_(
                    "Of whom a cancelled date was, and of nobody else, is known what they were in it."
                ),
            ),
            RowCheck(
                name="registration_kept_another",
                condition=Q(cancelled_because="", cancelled_by__isnull=True)
                | (Q(state="withdrawn") & ~Q(cancelled_because="")),
                violation_error_message=_("Only who kept another date reads why this one was cancelled."),
            ),
            RowCheck(
                name="registration_attended_has_time",
                condition=~Q(state="attended") | Q(arrived_at__isnull=False),
                violation_error_message=_("Who attended has a time of arrival."),
            ),
            RowCheck(
                name="registration_left_after_arrival",
                condition=Q(left_at__isnull=True) | Q(state="attended"),
                violation_error_message=_("Only who came can have left."),
            ),
        ]
        indexes = [models.Index(fields=["exam", "state"], name="registration_exam_state")]

    def __str__(self) -> str:
        return f"{self.enrolment.user} · {self.exam}"

    @property
    def holds_seat(self) -> bool:
        """Whether it counts as a taken seat."""
        return self.state in HOLDING_STATES

    @property
    def has_been(self) -> bool:
        """Whether the door has noted the person: there is nothing left to withdraw or move."""
        return self.state in (self.State.ATTENDED, self.State.ABSENT)

    @property
    def was_added_afterwards(self) -> bool:
        """Whether staff put its person on the list once the exam was closed."""
        closed, ended = self.exam.closed_at, self.closed_at
        return self.is_walk_in and self.holds_seat and closed is not None and ended is not None and ended > closed

    def own_end(self, exam: Exam) -> datetime | None:
        """Return when the exam ends for its person, None where it is as for everybody.

        A query where the enrolment's accommodation isn't loaded.

        Args:
            exam: its own, which is mostly loaded once for many.
        """
        granted: Accommodation | None = getattr(self.enrolment, "accommodation", None)
        return granted.own_end(exam) if granted is not None else None

    @property
    def has_passed(self) -> bool:
        """Whether its result is out and a pass; a query where the result is not loaded with it."""
        result = getattr(self, "result", None)
        return result is not None and result.state == "published" and result.is_passed


class Accommodation(models.Model):
    """What a person is granted to make up for a disadvantage: the measure, never the reason."""

    course = models.ForeignKey(Course, models.CASCADE, related_name="accommodations", verbose_name=_("course"))
    enrolment = models.OneToOneField(
        Enrolment, models.CASCADE, related_name="accommodation", verbose_name=_("enrolment")
    )
    extra_minutes = models.PositiveSmallIntegerField(_("extra time in minutes"), default=0)
    extra_percent = models.PositiveSmallIntegerField(
        _("extra time in percent"), default=0, db_default=0, blank=True,
        help_text=_("Of each exam's duration, rounded up to whole minutes: 25 percent of 90 minutes are 23. Instead of minutes."),
    )  # fmt: skip
    # The last release knows no difference: what it writes holds for each exam.
    extra_in_oral = models.BooleanField(_("extra time in oral exams as well"), default=False, db_default=True)
    own_room = models.BooleanField(_("own room"), default=False)
    front_row = models.BooleanField(_("front row"), default=False)
    at_the_door = LineField(
        _("what the door needs to know"),
        max_length=200,
        blank=True,
        help_text=_("Such as 'brings a laptop'. Never the reason."),
    )

    class Meta:
        verbose_name = _("accommodation")
        verbose_name_plural = _("accommodations")
        ordering = ["course", "pk"]
        constraints = [
            RowCheck(
                name="accommodation_grants_something",
                condition=Q(extra_minutes__gt=0)
                | Q(extra_percent__gt=0)
                | Q(own_room=True)
                | Q(front_row=True)
                | ~Q(at_the_door=""),
                violation_error_message=_("Say what is granted."),
            ),
            RowCheck(
                name="accommodation_extra_time_sane",
                condition=Q(extra_minutes__lte=600),
                violation_error_message=_("Extra time is at most 600 minutes."),
            ),
            RowCheck(
                name="accommodation_extra_percent_sane",
                condition=Q(extra_percent__lte=300),
                violation_error_message=_("Extra time is at most 300 percent."),
            ),
            RowCheck(
                name="accommodation_minutes_or_percent",
                condition=Q(extra_minutes=0) | Q(extra_percent=0),
                violation_error_message=_("Give extra time in minutes or in percent, not in both."),
            ),
        ]
        triggers = [of_same_course("accommodation_same_course")]

    def __str__(self) -> str:
        return str(self.enrolment.user)

    def clean(self) -> None:
        """Refuse an enrolment in another course; an empty percentage is none."""
        super().clean()
        self.extra_percent = self.extra_percent or 0
        require_own_course(self, "enrolment", error_field="enrolment")

    @property
    def has_extra_time(self) -> bool:
        """Whether there is any, in whatever exams."""
        return bool(self.extra_minutes or self.extra_percent)

    def minutes_in(self, exam: Exam) -> int:
        """Return how many minutes more this person has in an exam."""
        if exam.kind == Exam.Kind.ORAL and not self.extra_in_oral:
            return 0
        return self.extra_minutes + ceil(exam.duration_minutes * self.extra_percent / 100)

    def ends_at(self, exam: Exam) -> datetime:
        """Return when the exam ends for this person."""
        return exam.ends_at + timedelta(minutes=self.minutes_in(exam))

    def own_end(self, exam: Exam) -> datetime | None:
        """Return when the exam ends for this person, None where it is as for everybody."""
        return self.ends_at(exam) if self.minutes_in(exam) else None

    @property
    def for_supervisors(self) -> str:
        """What door and supervisors need to know beside the time, in words; never why."""
        rooms = [_("own room")] if self.own_room else []
        rows = [_("front row")] if self.front_row else []
        return " · ".join(map(str, [*rooms, *rows, *([self.at_the_door] if self.at_the_door else [])]))


class AdmissionDecision(models.Model):
    """That somebody, or the rules, decided on a person's admission; the newest counts, none is ever changed."""

    class Verdict(models.TextChoices):
        ADMITTED = "admitted", _("Admitted")
        REFUSED = "refused", _("Not admitted")
        BY_RULES = "by_rules", _("As the rules say")

    course = models.ForeignKey(Course, models.CASCADE, related_name="admission_decisions", verbose_name=_("course"))
    enrolment = models.ForeignKey(
        Enrolment, models.CASCADE, related_name="admission_decisions", verbose_name=_("enrolment")
    )
    verdict = models.CharField(_("decision"), max_length=10, choices=Verdict)
    reason = LineField(_("reason"), max_length=300, blank=True)
    is_by_hand = models.BooleanField(_("decided by staff"), default=True)
    by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("by"))
    decided_at = models.DateTimeField(_("decided"))

    class Meta:
        verbose_name = _("admission decision")
        verbose_name_plural = _("admission decisions")
        ordering = ["-pk"]
        get_latest_by = "pk"
        constraints = [
            choices_hold("admissiondecision_verdict_valid", "verdict", ["admitted", "refused", "by_rules"]),
            RowCheck(
                name="admissiondecision_has_reason",
                condition=Q(is_by_hand=False, verdict="admitted") | (Q(is_by_hand=True) & ~Q(reason="")),
                violation_error_message=_("Give the reason of the decision."),
            ),
        ]
        triggers = [of_same_course("admissiondecision_same_course")]

    def __str__(self) -> str:
        return f"{self.enrolment.user}: {self.get_verdict_display()}"

    def clean(self) -> None:
        """Refuse an enrolment in another course."""
        super().clean()
        require_own_course(self, "enrolment", error_field="enrolment")


class UniversityEntry(models.Model):
    """A line of the list that the university's own, binding registration gave out for an exam."""

    exam = models.ForeignKey(Exam, models.CASCADE, related_name="university_entries", verbose_name=_("exam"))
    matriculation_number = LineField(_("matriculation number"), max_length=20)
    name = LineField(_("name"), max_length=150, blank=True)
    # For comparing.
    plain_number = models.GeneratedField(
        expression=plain_number_of("matriculation_number"),
        output_field=models.CharField(max_length=20),
        db_persist=True,
    )

    class Meta:
        verbose_name = _("entry of the university's list")
        verbose_name_plural = _("university's list")
        ordering = ["exam", "matriculation_number"]
        constraints = [
            models.UniqueConstraint(
                fields=["exam", "plain_number"],
                name="universityentry_unique",
                violation_error_message=_("This number stands on the list already."),
            ),
            RowCheck(
                name="universityentry_has_number",
                condition=~Q(matriculation_number=""),
                violation_error_message=_("A line of the list needs a matriculation number."),
            ),
        ]

    def __str__(self) -> str:
        return str(self.matriculation_number)


pghistory.track()(Registration)
pghistory.track()(Accommodation)
