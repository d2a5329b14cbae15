"""The proposals on offer."""

from typing import Any, ClassVar

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

from amls.core.constraints import RowCheck
from amls.core.text import CleanTextField, LineField
from amls.core.triggers import refuses
from amls.courses.belonging import of_same_course, require_own_course
from amls.courses.models import Course, Enrolment, StaffMember, choices_hold
from projects.managers import TopicQuerySet
from projects.models.assignments import Assignment

# The track of students' own ideas, as it is stored.
OWN_IDEA = gettext_noop("Own idea")


def say_track(track: str) -> str:
    """Return a track in words: that of own ideas in the reader's language, any other as it was typed."""
    return gettext(OWN_IDEA) if track == OWN_IDEA else track


class Topic(models.Model):
    """A project proposal: of the staff, or an own idea of a student that the staff decide on."""

    class Proposal(models.TextChoices):
        NONE = "", _("Of the staff")
        OPEN = "open", _("Own idea, not decided")
        ACCEPTED = "accepted", _("Own idea, accepted")
        DECLINED = "declined", _("Own idea, declined")
        WITHDRAWN = "withdrawn", _("Own idea, taken back")

    course = models.ForeignKey(Course, models.CASCADE, related_name="topics", verbose_name=_("course"))
    assignment = models.ForeignKey(Assignment, models.CASCADE, related_name="topics", verbose_name=_("assignment"))
    track = LineField(_("track"), max_length=60, help_text=_("Such as 'Apache SystemDS', 'DAPHNE', 'ML pipeline'."))
    title = LineField(_("title"), max_length=300)
    description = CleanTextField(_("description"), blank=True, help_text=_("Markdown."))
    mentor = models.ForeignKey(
        StaffMember, models.SET_NULL, null=True, blank=True, related_name="topics", verbose_name=_("mentor")
    )
    skills = ArrayField(LineField(max_length=60), verbose_name=_("skills"), default=list, blank=True)
    links = ArrayField(models.URLField(max_length=500), verbose_name=_("links"), default=list, blank=True)
    team_min = models.PositiveSmallIntegerField(_("smallest team"), default=1)
    team_max = models.PositiveSmallIntegerField(_("largest team"), default=1)
    slots = models.PositiveSmallIntegerField(_("slots"), default=1, help_text=_("How many teams may take it."))
    taken = models.PositiveSmallIntegerField(_("taken slots"), default=0, editable=False)
    fewest_teams = models.PositiveSmallIntegerField(
        _("fewest teams"),
        default=0,
        db_default=0,
        help_text=_("Where topics are given by wish: it is held by so many teams, or by none."),
    )
    must_be_held = models.BooleanField(
        _("has to be held"), default=False, db_default=False, help_text=_("By so many teams in any case.")
    )
    is_open = models.BooleanField(_("open"), default=True)
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    proposal = models.CharField(_("proposal"), max_length=10, choices=Proposal, blank=True, default=Proposal.NONE)
    proposed_by = models.ForeignKey(
        Enrolment,
        models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="proposed_topics",
        verbose_name=_("proposed by"),
    )
    proposed_at = models.DateTimeField(_("proposed"), null=True, blank=True, editable=False)
    decision_reason = CleanTextField(_("reason of the decision"), blank=True)

    objects: ClassVar[TopicQuerySet] = TopicQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("topic")
        verbose_name_plural = _("topics")
        ordering = ["course", "position", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["assignment", "track", "title"],
                name="topic_unique",
                violation_error_message=_("This track has a topic with this title already."),
            ),
            RowCheck(
                name="topic_team_size_valid",
                condition=Q(team_min__gte=1, team_max__gte=F("team_min")),
                violation_error_message=_("The largest team can't be smaller than the smallest."),
            ),
            RowCheck(
                name="topic_slots_kept",
                condition=Q(taken__lte=F("slots")),
                violation_error_message=_("More teams than that have the topic. A slot that was given stays given."),
            ),
            RowCheck(
                name="topic_proposal_has_author",
                condition=Q(proposal="", proposed_by__isnull=True, proposed_at__isnull=True)
                | (~Q(proposal="") & Q(proposed_by__isnull=False, proposed_at__isnull=False)),
                violation_error_message=_("An own idea has an author."),
            ),
            choices_hold("topic_proposal_valid", "proposal", ["", "open", "accepted", "declined", "withdrawn"]),
        ]
        triggers = [
            of_same_course("topic_mentor_of_same_course", "mentor", "courses_staffmember"),
            of_same_course("topic_assignment_of_same_course", "assignment", "projects_assignment"),
            refuses(
                "topic_stays_with_its_teams",
                where="NEW.assignment_id <> OLD.assignment_id "
                "AND EXISTS (SELECT 1 FROM projects_project WHERE topic_id = NEW.id)",
                because="a team has or had it.",
                operation=pgtrigger.Update,
            ),
        ]

    def __str__(self) -> str:
        return str(self.title)

    @property
    def shown(self) -> tuple[Any, ...]:
        """Return all that a list shows of it: see `amls.pagecache.parts.SharedRow`."""
        return (
            self.pk, self.track, self.title, self.description, self.mentor.name if self.mentor else "", *self.skills, self.team_min,
            self.team_max, self.slots, self.taken, self.is_open, self.proposal,
        )  # fmt: skip

    def clean(self) -> None:
        """Refuse a mentor or an assignment of another course, and an assignment without topics."""
        super().clean()
        require_own_course(self, "mentor")
        if self.assignment_id is not None:
            require_own_course(self, "assignment")
            if not self.assignment.has_topics:
                raise ValidationError(_("This assignment has no topics. Choose one that has."), code="no-topics")

    def get_absolute_url(self) -> str:
        """Return the address of the topic's page."""
        return reverse("projects:topic", args=[self.course.slug, self.pk])

    @property
    def said_track(self) -> str:
        """The track in words: that of own ideas in the reader's language."""
        return say_track(self.track)

    @property
    def is_dropped(self) -> bool:
        """Whether it is an idea that came to nothing: declined, or taken back."""
        return self.proposal in (self.Proposal.DECLINED, self.Proposal.WITHDRAWN)

    @property
    def free(self) -> int:
        """How many slots are left."""
        return max(0, self.slots - self.taken)

    @property
    def is_available(self) -> bool:
        """Whether a team may take it: on offer or accepted, open, with a slot left."""
        return self.is_open and self.free > 0 and self.proposal in (self.Proposal.NONE, self.Proposal.ACCEPTED)
