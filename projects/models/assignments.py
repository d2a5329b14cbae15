"""Pieces of work: what a course asks for, when and how it is handed in."""

from datetime import datetime
from typing import Any, ClassVar

import pgtrigger
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from amls.core.constraints import RowCheck
from amls.core.text import CleanTextField, LineField
from amls.core.triggers import differ, owner, refuses
from amls.courses.models import Course, choices_hold
from projects.managers import AssignmentQuerySet
from projects.models.rules import HAND_IN_SUFFIXES, default_suffixes

# A hundred of the largest files by default.
PROJECT_MEGABYTES = 5120


# What teams have can't become wrong by a change of their assignment.
_KEEPS_ITS_WAY = refuses(
    "assignment_topics_given_stays",
    where="NEW.course_id <> OLD.course_id "
    "OR (NEW.topics_given = '' AND EXISTS (SELECT 1 FROM projects_topic WHERE assignment_id = NEW.id)) "
    "OR (NEW.topics_given = 'first-come' AND EXISTS "
    "(SELECT 1 FROM projects_project WHERE assignment_id = NEW.id AND topic_id IS NULL))",
    because="its topics and teams are there.",
    operation=pgtrigger.Update,
)


def enrolled_in_its_course(name: str) -> pgtrigger.Trigger:
    """Return a trigger by which the database refuses a row whose person is in another course than its assignment."""
    where = differ(
        owner("course", "courses_enrolment", "enrolment"), owner("course", "projects_assignment", "assignment")
    )
    return refuses(name, where=where, because="the enrolment is one in another course.")


class Assignment(models.Model):
    """A piece of work of a course, of which there are any number: a project, a sheet, a talk.

    Attributes:
        is_main: the course's project: what the rule 'project passed' and `[projects]` in its file speak of. Its
            dates have in calendars the keys that they had when a course had one project.
        opens_at: the registration, or the hand-in where nobody registers.
        series: the name that it shares with others, such as 'Sheet', of which it is the one with this number.
        topics_given: how teams come by a topic; empty where it has none.
        wishes_close_at: until when teams rank topics, where they are given by wish.
    """

    class Kind(models.TextChoices):
        PROJECT = "project", _("Project with topics")
        SHEET = "sheet", _("Sheet or exercise")
        OTHER = "other", _("Other")

    class Teaming(models.TextChoices):
        INVITED = "invited", _("By invitation")
        KEPT = "kept", _("Kept from the assignment before")
        ALONE = "alone", _("Everyone alone")

    class HandIn(models.TextChoices):
        FILES = "files", _("Files or a repository")
        PAPER = "paper", _("On paper")
        PRESENTED = "presented", _("Presented")

    class Grading(models.TextChoices):
        PASSED = "passed", _("Passed or failed")
        POINTS = "points", _("Points")

    class LatePolicy(models.TextChoices):
        ACCEPTED = "accepted", _("Kept, and counts only if the staff accept it")
        REFUSED = "refused", _("Refused after the deadline")
        DEDUCTED = "deducted", _("Counts, with a deduction for each begun day")

    class TopicsGiven(models.TextChoices):
        NONE = "", _("No topics")
        FIRST_COME = "first-come", _("First come, first served")
        BY_WISH = "by-wish", _("By ranked wishes")

    course = models.ForeignKey(Course, models.CASCADE, related_name="assignments", verbose_name=_("course"))
    kind = models.CharField(_("kind"), max_length=10, choices=Kind, default=Kind.PROJECT)
    is_main = models.BooleanField(_("the course's project"), default=False, editable=False)
    title = LineField(_("title"), max_length=200)
    series = LineField(_("series"), max_length=100, blank=True, editable=False)
    number = models.PositiveSmallIntegerField(_("number"), null=True, blank=True, editable=False)
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    visible_from = models.DateTimeField(
        _("visible from"), null=True, blank=True, help_text=_("Empty: at once. Before that the staff alone see it.")
    )
    due_at = models.DateTimeField(_("due"), null=True, blank=True, help_text=_("As typed: the whole minute counts."))
    opens_at = models.DateTimeField(
        _("opens"), null=True, blank=True, help_text=_("The registration; the hand-in where nobody registers.")
    )
    registration_closes_at = models.DateTimeField(
        _("registration closes"), null=True, blank=True, help_text=_("Empty: when it is due.")
    )
    late_policy = models.CharField(
        _("late hand-ins"),
        max_length=10,
        choices=LatePolicy,
        default=LatePolicy.ACCEPTED,
        db_default=LatePolicy.ACCEPTED,
    )
    grace_minutes = models.PositiveSmallIntegerField(
        _("minutes of grace"),
        default=0,
        db_default=0,
        help_text=_(
            "Where late hand-ins are refused: so long after the deadline they still are in time. Students read it."
        ),
    )
    late_percent = models.PositiveSmallIntegerField(
        _("deduction in percent for each begun day"),
        default=0,
        db_default=0,
        help_text=_(
            "Of the points that a team gets, for each 24 hours that begin after its deadline. 0 unless late hand-ins count with a deduction."
        ),
    )
    late_cutoff_hours = models.PositiveSmallIntegerField(
        _("hours after the deadline in which a late hand-in is kept"),
        default=48,
        help_text=_("Until then it is taken; without meaning where late hand-ins are refused."),
    )
    assessed_by = models.DateTimeField(
        pgettext_lazy("until when", "assessed by"),
        null=True,
        blank=True,
        help_text=_("When everyone's result is needed, such as for the admission to the exam."),
    )
    teaming = models.CharField(_("teams"), max_length=10, choices=Teaming, default=Teaming.INVITED)
    team_min = models.PositiveSmallIntegerField(_("smallest team"), default=1)
    team_max = models.PositiveSmallIntegerField(
        _("largest team"), default=1, help_text=_("Where it has topics, each says how large its teams are.")
    )
    hand_in = models.CharField(_("handed in as"), max_length=10, choices=HandIn, default=HandIn.FILES)
    grading = models.CharField(_("grading"), max_length=10, choices=Grading, default=Grading.PASSED)
    max_points = models.DecimalField(_("most points"), max_digits=6, decimal_places=2, null=True, blank=True)
    pass_percent = models.PositiveSmallIntegerField(
        _("pass mark in percent"),
        default=50,
        db_default=50,
        help_text=_("Of the most points, where it gives points: with so many it is passed."),
    )
    question_days = models.PositiveSmallIntegerField(
        _("days for questions"),
        default=7,
        db_default=7,
        help_text=_(
            "So long after its points are published each student may ask once about each task. 0: no questions."
        ),
    )
    counts = models.BooleanField(_("counts"), default=True, help_text=_("Otherwise it is an exercise only."))
    topics_given = models.CharField(
        _("how topics are given"),
        max_length=10,
        choices=TopicsGiven,
        blank=True,
        default=TopicsGiven.FIRST_COME,
    )
    wishes_close_at = models.DateTimeField(_("wishes until"), null=True, blank=True)
    wishes_min = models.PositiveSmallIntegerField(_("fewest wishes"), default=3)
    wishes_max = models.PositiveSmallIntegerField(_("most wishes"), default=10)
    hours = models.PositiveSmallIntegerField(_("working hours"), null=True, blank=True)
    ects = models.DecimalField(_("ECTS"), max_digits=4, decimal_places=1, null=True, blank=True)
    is_mandatory = models.BooleanField(_("mandatory"), default=False)
    description = CleanTextField(_("description"), blank=True, help_text=_("Markdown."))
    takes_own_ideas = models.BooleanField(
        _("students may propose an own idea"), default=True, help_text=_("The staff accept or decline it.")
    )
    kinds_of_files = ArrayField(
        models.CharField(max_length=10, choices=[(suffix, suffix) for suffix in HAND_IN_SUFFIXES]),
        verbose_name=_("kinds of files"),
        default=default_suffixes,
        help_text=_("Any of zip, pdf, ipynb, tar.gz, separated by commas."),
    )
    max_files = models.PositiveSmallIntegerField(_("most files in a hand-in"), default=10)
    max_file_megabytes = models.PositiveSmallIntegerField(_("largest file in MB"), default=50)
    max_total_megabytes = models.PositiveIntegerField(
        _("room for all hand-ins of a project in MB"),
        default=PROJECT_MEGABYTES,
        db_default=PROJECT_MEGABYTES,
        help_text=_("Every attempt stays. A team that has used its room up asks you: raise it here."),
    )

    objects: ClassVar[AssignmentQuerySet] = AssignmentQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("assignment")
        verbose_name_plural = _("assignments")
        ordering = ["course", "position", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["course", "title"],
                name="assignment_title_unique",
                violation_error_message=_("The course has an assignment with this title already."),
            ),
            models.UniqueConstraint(
                fields=["course"],
                condition=Q(is_main=True),
                name="assignment_one_main",
                violation_error_message=_("The course has its project already."),
            ),
            models.UniqueConstraint(
                fields=["course", "series", "number"],
                condition=~Q(series=""),
                name="assignment_number_unique",
                violation_error_message=_("The series has an assignment with this number already."),
            ),
            choices_hold("assignment_kind_valid", "kind", ["project", "sheet", "other"]),
            choices_hold("assignment_teaming_valid", "teaming", ["invited", "kept", "alone"]),
            choices_hold("assignment_hand_in_valid", "hand_in", ["files", "paper", "presented"]),
            choices_hold("assignment_grading_valid", "grading", ["passed", "points"]),
            choices_hold("assignment_late_policy_valid", "late_policy", ["accepted", "refused", "deducted"]),
            RowCheck(
                name="assignment_grace_of_refused",
                condition=Q(grace_minutes=0) | Q(late_policy="refused", grace_minutes__lte=1440),
                violation_error_message=_(
                    "Minutes of grace are for late hand-ins that are refused, at most 1440: else they are 0."
                ),
            ),
            RowCheck(
                name="assignment_deduction_valid",
                condition=(
                    ~Q(late_policy="deducted") & Q(late_percent=0)
                    | Q(late_policy="deducted", grading="points", late_percent__gte=1, late_percent__lte=100)
                ),
                violation_error_message=_(
                    "A deduction is 1 to 100 percent for each begun day, where points are given and late hand-ins count with "
                    "a deduction; else it is 0."
                ),
            ),
            RowCheck(
                name="assignment_deducted_is_taken",
                condition=~Q(late_policy="deducted") | Q(late_cutoff_hours__gte=1),
                violation_error_message=_("Late hand-ins that count with a deduction are taken for at least an hour."),
            ),
            choices_hold("assignment_topics_given_valid", "topics_given", ["", "first-come", "by-wish"]),
            RowCheck(
                name="assignment_project_has_topics",
                condition=Q(kind="project") ^ Q(topics_given=""),
                violation_error_message=_("A project has topics, and nothing else has."),
            ),
            RowCheck(
                name="assignment_main_is_project",
                condition=Q(is_main=False) | Q(kind="project"),
                violation_error_message=_("The course's project has topics."),
            ),
            RowCheck(
                name="assignment_series_numbered",
                condition=Q(series="", number__isnull=True) | (~Q(series="") & Q(number__isnull=False)),
                violation_error_message=_("In a series each has a number."),
            ),
            RowCheck(
                name="assignment_opens_before_due",
                condition=Q(kind="project")
                | Q(opens_at__isnull=True)
                | Q(due_at__isnull=True)
                | Q(opens_at__lt=F("due_at")),
                violation_error_message=_("It is due before it opens."),
            ),
            RowCheck(
                name="assignment_team_size_valid",
                condition=Q(team_min__gte=1, team_max__gte=F("team_min")),
                violation_error_message=_("The largest team can't be smaller than the smallest."),
            ),
            RowCheck(
                name="assignment_alone_is_one",
                condition=~Q(teaming="alone") | Q(team_max=1),
                violation_error_message=_("Where everyone works alone, a team is one person."),
            ),
            RowCheck(
                name="assignment_points_positive",
                condition=Q(max_points__isnull=True) | Q(max_points__gt=0),
                violation_error_message=_("The most points are more than none."),
            ),
            RowCheck(
                name="assignment_pass_mark_valid",
                condition=Q(pass_percent__gte=1, pass_percent__lte=100),
                violation_error_message=_("The pass mark lies between 1 and 100 percent."),
            ),
            RowCheck(
                name="assignment_question_days_valid",
                condition=Q(question_days__lte=365),
                violation_error_message=_("Questions are asked within a year at most."),
            ),
            RowCheck(
                name="assignment_wishes_in_order",
                condition=Q(wishes_min__gte=1, wishes_max__gte=F("wishes_min")),
                violation_error_message=_("The most wishes can't be fewer than the fewest."),
            ),
            RowCheck(
                name="assignment_registration_in_order",
                condition=Q(opens_at__isnull=True)
                | Q(registration_closes_at__isnull=True)
                | Q(opens_at__lt=F("registration_closes_at")),
                violation_error_message=_("Registration closes before it opens."),
            ),
            RowCheck(
                name="assignment_limits_positive",
                condition=Q(max_files__gte=1, max_file_megabytes__gte=1),
                violation_error_message=_("A hand-in takes at least one file of at least 1 MB."),
            ),
            RowCheck(
                name="assignment_total_holds_a_file",
                condition=Q(max_total_megabytes__gte=F("max_file_megabytes")),
                violation_error_message=_(
                    "All hand-ins of a project need room for at least one file of the largest size."
                ),
            ),
            RowCheck(
                name="assignment_kinds_valid",
                condition=Q(kinds_of_files__contained_by=list(HAND_IN_SUFFIXES)) & Q(kinds_of_files__len__gte=1),
                violation_error_message=_("Choose at least one of zip, pdf, ipynb, tar.gz."),
            ),
        ]
        triggers = [_KEEPS_ITS_WAY]

    def __str__(self) -> str:
        return self.title

    @property
    def has_topics(self) -> bool:
        """Whether teams work on topics."""
        return self.topics_given != self.TopicsGiven.NONE

    @property
    def gives_by_wish(self) -> bool:
        """Whether topics are given by ranked wishes."""
        return self.topics_given == self.TopicsGiven.BY_WISH

    @property
    def takes_questions(self) -> bool:
        """Whether students may ask about their points for a time."""
        return self.grading == self.Grading.POINTS and self.question_days > 0

    def is_visible_at(self, now: datetime) -> bool:
        """Return whether everyone who sees the course may see it."""
        return self.visible_from is None or self.visible_from <= now

    @property
    def starts_at(self) -> datetime | None:
        """From when students may do something for it: once it has opened, and they see it; None: from the beginning."""
        return max((at for at in (self.opens_at, self.visible_from) if at is not None), default=None)

    @property
    def is_handed_in_here(self) -> bool:
        """Whether files or a repository are handed in, and not paper or words."""
        return self.hand_in == self.HandIn.FILES

    @property
    def is_presented(self) -> bool:
        """Whether it is held before others, and not handed in."""
        return self.hand_in == self.HandIn.PRESENTED

    @property
    def said_hand_in(self) -> str:
        """How it is handed in, in words that are true before and after it is."""
        return str(_("As a presentation") if self.is_presented else self.get_hand_in_display())

    @property
    def is_done_alone(self) -> bool:
        """Whether there are no teams that anybody could be invited to, change or leave."""
        return self.teaming == self.Teaming.ALONE and not self.has_topics

    @property
    def takes_late(self) -> bool:
        """Whether anything is taken after the deadline: in a time of grace, or late."""
        is_refused = self.late_policy == self.LatePolicy.REFUSED
        return bool(self.grace_minutes if is_refused else self.late_cutoff_hours)

    @property
    def allowed_suffixes(self) -> set[str]:
        """The extensions that are taken, such as '.zip'."""
        return {f".{kind}" for kind in self.kinds_of_files}

    @property
    def max_bytes(self) -> int:
        """The largest file that is taken, in bytes."""
        return self.max_file_megabytes * 1024**2

    @property
    def max_total_bytes(self) -> int:
        """How many bytes all attempts of a project may have together."""
        return self.max_total_megabytes * 1024**2

    def clean_fields(self, exclude: Any = None) -> None:
        """Take '.ZIP' for 'zip', and no topics for what is no project."""
        if self._state.adding and self.kind != self.Kind.PROJECT:
            self.topics_given = self.TopicsGiven.NONE
        self.kinds_of_files = [kind.strip().lower().lstrip(".") for kind in self.kinds_of_files or []]
        super().clean_fields(exclude=exclude)

    def clean(self) -> None:
        """Refuse a promise that the server would not keep: it stops reading any upload at its own limit."""
        super().clean()
        limit = settings.MAX_UPLOAD_BYTES // 1024**2
        # What was no number is reported already, and stands here as None.
        if (self.max_file_megabytes or 0) > limit:
            message = _("This server takes files of up to %(limit)s MB. Choose at most that.")
            raise ValidationError(
                {"max_file_megabytes": ValidationError(message, code="above-server-limit", params={"limit": limit})}
            )
