"""Teams and what they work on."""

from datetime import datetime, timedelta
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Max, Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from amls.core.constraints import RowCheck
from amls.core.text import CleanTextField, LineField
from amls.core.triggers import refuses
from amls.courses.belonging import of_same
from amls.courses.models import Course, Enrolment, choices_hold
from projects.managers import InvitationQuerySet, MembershipQuerySet, ProjectQuerySet, TopicSwitchQuerySet
from projects.models.assignments import Assignment, enrolled_in_its_course
from projects.models.topics import Topic


class Project(models.Model):
    """One team's work on one assignment. Of a topic it holds a slot from its registration until it is withdrawn.

    Attributes:
        topic: empty where the assignment has none, and where topics are given by wish until they are.
    """

    assignment = models.ForeignKey(Assignment, models.PROTECT, related_name="projects", verbose_name=_("assignment"))
    topic = models.ForeignKey(
        Topic, models.PROTECT, null=True, blank=True, related_name="projects", verbose_name=_("topic")
    )
    registered_at = models.DateTimeField(_("registered"))
    withdrawn_at = models.DateTimeField(_("withdrawn"), null=True, blank=True)
    picked = models.ForeignKey(
        "projects.Submission",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("picked hand-in"),
        help_text=_("Empty: the newest that counts."),
    )
    # What the staff let count after that comes before it: `counting_submission`.
    picked_at = models.DateTimeField(_("picked"), null=True, blank=True, editable=False)
    assessor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="assessed_projects",
        verbose_name=_("assessor"),
    )

    objects: ClassVar[ProjectQuerySet] = ProjectQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("project")
        verbose_name_plural = _("projects")
        ordering = ["pk"]
        constraints = [
            RowCheck(
                name="project_withdrawn_after_registered",
                condition=Q(withdrawn_at__isnull=True) | Q(withdrawn_at__gte=F("registered_at")),
                violation_error_message=_("A project can't be withdrawn before it is registered."),
            ),
            RowCheck(
                name="project_picked_at_a_time",
                condition=Q(picked__isnull=True) | Q(picked_at__isnull=False),
                violation_error_message=_("A hand-in is picked at a time."),
            ),
        ]
        triggers = [
            of_same("assignment", "project_topic_of_assignment", "topic", "projects_topic"),
            refuses(
                "project_has_its_topic",
                where="NEW.topic_id IS NULL AND "
                "(SELECT topics_given FROM projects_assignment WHERE id = NEW.assignment_id) = 'first-come'",
                because="this assignment is worked on by topics.",
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.title}"

    @property
    def course(self) -> Course:
        """The course of its assignment."""
        return self.assignment.course

    @property
    def title(self) -> str:
        """What it is called: by its topic, where it has one."""
        return str(self.topic if self.topic is not None else self.assignment)

    @property
    def team_min(self) -> int:
        """How many people its team needs."""
        return self.topic.team_min if self.topic is not None else self.assignment.team_min

    @property
    def team_max(self) -> int:
        """How many people its team may have; 1 query where its topic is given by wish, and is not yet."""
        if self.topic is not None:
            return self.topic.team_max
        offered = Topic.objects.filter(assignment=self.assignment_id, is_open=True) if self.waits_for_topic else None
        largest = None if offered is None else offered.aggregate(largest=Max("team_max"))["largest"]
        return max(self.assignment.team_max, largest or 1)

    @property
    def waits_for_topic(self) -> bool:
        """Whether its topic is given by wish, and is not yet."""
        return self.topic_id is None and self.assignment.gives_by_wish

    @property
    def is_active(self) -> bool:
        """Whether it holds its slot."""
        return self.withdrawn_at is None


class TopicSwitch(models.Model):
    """A team's change of topic by one of several members, which the others can take back for a day.

    The slot of the topic that it left is held for it so long: a place to go back to that anybody
    may take is none. One slot for a team, however often it switches, and it counts among the
    topic's taken ones.

    Attributes:
        topic: the one that the team had, whose slot is held.
        closed_at: when the slot was given back, or taken again; empty while it is held.
    """

    project = models.ForeignKey(Project, models.CASCADE, related_name="switches", verbose_name=_("project"))
    topic = models.ForeignKey(Topic, models.PROTECT, related_name="switched_from", verbose_name=_("topic before"))
    by = models.ForeignKey(
        Enrolment, models.SET_NULL, null=True, related_name="topic_switches", verbose_name=_("switched by")
    )
    switched_at = models.DateTimeField(_("switched"))
    held_until = models.DateTimeField(_("held until"))
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)

    objects: ClassVar[TopicSwitchQuerySet] = TopicSwitchQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("switch of a topic")
        verbose_name_plural = _("switches of topics")
        ordering = ["project", "switched_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["project"],
                condition=Q(closed_at__isnull=True),
                name="topicswitch_one_slot_held",
                violation_error_message=_("A slot is held for this team already."),
            ),
            RowCheck(
                name="topicswitch_held_after_switched",
                condition=Q(held_until__gt=F("switched_at")),
                violation_error_message=_("A slot is held from the switch on."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.project}: {self.topic}"


class Membership(models.Model):
    """A person's part in a team.

    Attributes:
        assignment: the project's, so that the database knows that nobody is in two teams of one.
    """

    project = models.ForeignKey(Project, models.PROTECT, related_name="memberships", verbose_name=_("project"))
    assignment = models.ForeignKey(
        Assignment, models.PROTECT, related_name="memberships", editable=False, verbose_name=_("assignment")
    )
    # Whoever took part in a project can't vanish from it: teammates' work hangs on it.
    enrolment = models.ForeignKey(Enrolment, models.PROTECT, related_name="memberships", verbose_name=_("member"))
    joined_at = models.DateTimeField(_("joined"))
    left_at = models.DateTimeField(_("left"), null=True, blank=True)

    objects: ClassVar[MembershipQuerySet] = MembershipQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        ordering = ["project", "joined_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["enrolment", "assignment"],
                condition=Q(left_at__isnull=True),
                name="membership_one_active",
                violation_error_message=_("This person is in a team for this assignment already."),
            ),
            RowCheck(
                name="membership_left_after_joined",
                condition=Q(left_at__isnull=True) | Q(left_at__gte=F("joined_at")),
                violation_error_message=_("A person can't leave before they joined."),
            ),
        ]
        triggers = [
            of_same("assignment", "membership_of_its_project", "project", "projects_project"),
            enrolled_in_its_course("membership_of_its_course"),
        ]

    def __str__(self) -> str:
        return str(self.enrolment.user)


def name_of_seeker(enrolment: Enrolment) -> str:
    """Return what others in the course call who looks for teammates: never the address."""
    return enrolment.user.display_name or str(_("somebody without a name"))


class Invitation(models.Model):
    """That somebody is asked to join a team, by an e-mail address that may have no account yet."""

    class State(models.TextChoices):
        OPEN = "open", _("Open")
        ACCEPTED = "accepted", _("Accepted")
        DECLINED = "declined", _("Declined")
        REVOKED = "revoked", _("Taken back")
        EXPIRED = "expired", _("Expired")

    project = models.ForeignKey(Project, models.CASCADE, related_name="invitations", verbose_name=_("project"))
    email = models.EmailField(_("e-mail address"))
    # Who wrote a note and is invited by it: their address is nobody's business before they accept.
    seeker = models.ForeignKey(
        Enrolment, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("looking for teammates")
    )
    invited_by = models.ForeignKey(Enrolment, models.PROTECT, related_name="+", verbose_name=_("invited by"))
    invited_at = models.DateTimeField(_("invited"))
    expires_at = models.DateTimeField(_("expires"))
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.OPEN)
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)

    objects: ClassVar[InvitationQuerySet] = InvitationQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")
        ordering = ["project", "invited_at", "pk"]
        constraints = [
            choices_hold("invitation_state_valid", "state", ["open", "accepted", "declined", "revoked", "expired"]),
            RowCheck(
                name="invitation_closed_unless_open",
                condition=Q(state="open", closed_at__isnull=True) | (~Q(state="open") & Q(closed_at__isnull=False)),
                violation_error_message=_("An invitation is either open or has been closed at a time."),
            ),
            models.UniqueConstraint(
                "project",
                Lower("email"),
                condition=Q(state="open"),
                name="invitation_one_open",
                violation_error_message=_("This address is invited already."),
            ),
        ]

    def __str__(self) -> str:
        return self.email

    @property
    def open_until(self) -> datetime:
        """Until when it can be answered, as deadlines are said: that whole minute counts."""
        return self.expires_at - timedelta(minutes=1)

    @property
    def label(self) -> str:
        """Who is invited, as the team may know it."""
        return self.email if self.seeker is None else name_of_seeker(self.seeker)


class SeekingNote(models.Model):
    """'Looking for teammates': a person's short note, on one topic or on any."""

    enrolment = models.ForeignKey(Enrolment, models.CASCADE, related_name="seeking_notes", verbose_name=_("student"))
    assignment = models.ForeignKey(
        Assignment, models.CASCADE, related_name="seeking_notes", verbose_name=_("assignment")
    )
    topic = models.ForeignKey(
        Topic, models.CASCADE, null=True, blank=True, related_name="seeking_notes", verbose_name=_("topic")
    )
    text = LineField(_("note"), max_length=300)
    written_at = models.DateTimeField(_("written"))

    class Meta:
        verbose_name = _("note of somebody who looks for teammates")
        verbose_name_plural = _("notes of people who look for teammates")
        ordering = ["-written_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["enrolment", "assignment"],
                name="seekingnote_unique",
                violation_error_message=_("There is a note of this person already."),
            ),
        ]
        triggers = [
            of_same("assignment", "seekingnote_topic_of_assignment", "topic", "projects_topic"),
            enrolled_in_its_course("seekingnote_of_its_course"),
        ]

    def __str__(self) -> str:
        return self.text

    @property
    def name(self) -> str:
        """Who looks for teammates, as others in the course may know it."""
        return name_of_seeker(self.enrolment)


class StaffNote(models.Model):
    """What staff note on a project, for staff."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="staff_notes", verbose_name=_("project"))
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name=_("author")
    )
    text = CleanTextField(_("note"))
    written_at = models.DateTimeField(_("written"))

    class Meta:
        verbose_name = _("staff note")
        verbose_name_plural = _("staff notes")
        ordering = ["project", "written_at", "pk"]

    def __str__(self) -> str:
        return self.text[:60]
