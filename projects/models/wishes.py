"""Topics that teams wish for, and what the staff settle before topics are given."""

import pgtrigger
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from amls.core.constraints import RowCheck
from amls.core.text import LineField
from amls.core.triggers import differ, owner, refuses
from amls.courses.models import Enrolment, StaffMember, choices_hold
from projects.models.assignments import Assignment, enrolled_in_its_course
from projects.models.teams import Project
from projects.models.topics import Topic


def _of_one_assignment(name: str, assignment: str) -> pgtrigger.Trigger:
    """Return a trigger by which the database refuses a topic of another assignment than a row's.

    Args:
        name: of the trigger; the error says it.
        assignment: the SQL that finds the row's assignment.
    """
    where = differ(owner("assignment", "projects_topic", "topic"), assignment)
    return refuses(name, where=where, because="the topic is one of another assignment.")


class WishList(models.Model):
    """What a team wishes for: one list, which each of its members may change.

    Attributes:
        version: counts the changes, so that nobody changes a list that they have not seen.
    """

    project = models.OneToOneField(Project, models.CASCADE, related_name="wish_list", verbose_name=_("project"))
    version = models.PositiveIntegerField(_("version"), default=0)
    ranked_at = models.DateTimeField(_("ranked"))
    ranked_by = models.ForeignKey(Enrolment, models.SET_NULL, null=True, related_name="+", verbose_name=_("ranked by"))

    class Meta:
        verbose_name = _("list of wishes")
        verbose_name_plural = _("lists of wishes")
        ordering = ["project"]

    def __str__(self) -> str:
        return str(self.project)


class Wish(models.Model):
    """One topic on a team's list, and at which place."""

    wish_list = models.ForeignKey(WishList, models.CASCADE, related_name="wishes", verbose_name=_("list of wishes"))
    # Whoever wished for it is told why they don't get it: it can be closed, not deleted.
    topic = models.ForeignKey(Topic, models.PROTECT, related_name="wishes", verbose_name=_("topic"))
    rank = models.PositiveSmallIntegerField(_("rank"))

    class Meta:
        verbose_name = _("wish")
        verbose_name_plural = _("wishes")
        ordering = ["wish_list", "rank"]
        constraints = [
            models.UniqueConstraint(
                fields=["wish_list", "topic"],
                name="wish_topic_once",
                violation_error_message=_("This topic is on the list already."),
            ),
            models.UniqueConstraint(
                fields=["wish_list", "rank"],
                name="wish_rank_once",
                violation_error_message=_("Another topic has this place."),
            ),
            RowCheck(
                name="wish_rank_positive",
                condition=Q(rank__gte=1),
                violation_error_message=_("Places are counted from 1."),
            ),
        ]
        triggers = [
            _of_one_assignment(
                "wish_topic_of_assignment",
                "SELECT p.assignment_id FROM projects_project p "
                "JOIN projects_wishlist w ON w.project_id = p.id WHERE w.id = NEW.wish_list_id",
            )
        ]

    def __str__(self) -> str:
        return f"{self.rank}. {self.topic}"


class TopicPlacement(models.Model):
    """What the staff settle for a team before topics are given: that it gets a topic, or that it doesn't."""

    class Kind(models.TextChoices):
        PINNED = "pinned", _("Gets this topic")
        EXCLUDED = "excluded", _("Doesn't get this topic")

    project = models.ForeignKey(Project, models.CASCADE, related_name="placements", verbose_name=_("team"))
    topic = models.ForeignKey(Topic, models.CASCADE, related_name="placements", verbose_name=_("topic"))
    kind = models.CharField(_("what"), max_length=8, choices=Kind, default=Kind.PINNED)
    reason = LineField(_("reason"), max_length=300, blank=True, help_text=_("Seen by the staff only."))
    decided_at = models.DateTimeField(_("decided"), editable=False)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("decided by"),
    )

    class Meta:
        verbose_name = _("rule for a team and a topic")
        verbose_name_plural = _("rules for teams and topics")
        ordering = ["project", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["project"],
                condition=Q(kind="pinned"),
                name="topicplacement_one_pin",
                violation_error_message=_("This team is given another topic already. Delete that rule first."),
            ),
            models.UniqueConstraint(
                fields=["project", "topic"],
                name="topicplacement_once",
                violation_error_message=_("There is a rule for this team and this topic already."),
            ),
            choices_hold("topicplacement_kind_valid", "kind", ["pinned", "excluded"]),
        ]
        triggers = [
            _of_one_assignment(
                "topicplacement_of_assignment",
                "SELECT assignment_id FROM projects_project WHERE id = NEW.project_id",
            )
        ]

    def __str__(self) -> str:
        return f"{self.project}: {self.topic}"


class MentorLimit(models.Model):
    """How many teams a mentor looks after at most."""

    assignment = models.ForeignKey(
        Assignment, models.CASCADE, related_name="mentor_limits", verbose_name=_("assignment")
    )
    mentor = models.ForeignKey(StaffMember, models.CASCADE, related_name="mentor_limits", verbose_name=_("mentor"))
    most = models.PositiveSmallIntegerField(_("most teams"))

    class Meta:
        verbose_name = _("limit of a mentor")
        verbose_name_plural = _("limits of mentors")
        ordering = ["assignment", "mentor"]
        constraints = [
            models.UniqueConstraint(
                fields=["assignment", "mentor"],
                name="mentorlimit_once",
                violation_error_message=_("This mentor has a limit already. Change that one."),
            ),
        ]
        triggers = [
            refuses(
                "mentorlimit_of_same_course",
                where=differ(
                    owner("course", "courses_staffmember", "mentor"),
                    owner("course", "projects_assignment", "assignment"),
                ),
                because="the mentor is one of another course.",
            )
        ]

    def __str__(self) -> str:
        return f"{self.mentor}: {self.most}"


class WishChange(models.Model):
    """That the staff changed what a team wishes for, also after the deadline; the team reads why.

    Attributes:
        before, after: the keys of the topics, the best first.
    """

    project = models.ForeignKey(Project, models.CASCADE, related_name="wish_changes", verbose_name=_("team"))
    before = ArrayField(models.PositiveBigIntegerField(), verbose_name=_("wishes before"), default=list, blank=True)
    after = ArrayField(models.PositiveBigIntegerField(), verbose_name=_("wishes after"), default=list, blank=True)
    reason = LineField(_("reason"), max_length=300)
    changed_at = models.DateTimeField(_("changed"))
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name=_("changed by")
    )

    class Meta:
        verbose_name = _("change of wishes")
        verbose_name_plural = _("changes of wishes")
        ordering = ["project", "-changed_at", "-pk"]
        constraints = [
            RowCheck(
                name="wishchange_has_reason",
                condition=~Q(reason=""),
                violation_error_message=_("Say why: the team reads it."),
            ),
        ]

    def __str__(self) -> str:
        return self.reason


class MatchRequest(models.Model):
    """That a person wishes to be matched with others, before topics are given by wish."""

    enrolment = models.ForeignKey(Enrolment, models.CASCADE, related_name="match_requests", verbose_name=_("student"))
    assignment = models.ForeignKey(
        Assignment, models.CASCADE, related_name="match_requests", verbose_name=_("assignment")
    )
    asked_at = models.DateTimeField(_("asked"))

    class Meta:
        verbose_name = _("wish to be matched")
        verbose_name_plural = _("wishes to be matched")
        ordering = ["assignment", "asked_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["enrolment", "assignment"],
                name="matchrequest_once",
                violation_error_message=_("This person wishes to be matched already."),
            ),
        ]
        triggers = [enrolled_in_its_course("matchrequest_of_its_course")]

    def __str__(self) -> str:
        return str(self.enrolment.user)


class TeamMatching(models.Model):
    """That the staff made teams of people who wished to be matched: from what, and which.

    Attributes:
        seed: the same as of the runs of the solver.
        inputs: as `projects.allocation.matching` writes them.
        teams: the keys of the projects that came together; the first one's is the new team's.
    """

    assignment = models.ForeignKey(Assignment, models.CASCADE, related_name="matchings", verbose_name=_("assignment"))
    seed = models.CharField(_("seed"), max_length=64)
    inputs = models.JSONField(_("input"))
    teams = models.JSONField(_("teams"))
    made_at = models.DateTimeField(_("made"))
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name=_("made by")
    )

    class Meta:
        verbose_name = _("matching of people")
        verbose_name_plural = _("matchings of people")
        ordering = ["assignment", "made_at", "pk"]

    def __str__(self) -> str:
        return str(self.assignment)
