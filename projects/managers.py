"""Reading topics, teams and hand-ins."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING

from allauth.account.models import EmailAddress
from django.db import models
from django.db.models import Count, Expression, F, Q
from django.db.models.functions import Coalesce, Lower

from amls.core.statements import ModelStatement, Parameter
from amls.courses.models import Course, Enrolment, User

if TYPE_CHECKING:
    from projects.models import (  # noqa: F401
        Assignment,
        Handout,
        Invitation,
        Membership,
        Project,
        Submission,
        Topic,
        TopicSwitch,
    )


def _visible_at(now: datetime | Expression, of: str = "") -> Q:
    """Return the condition that an assignment may be seen by everyone who sees the course.

    Args:
        now: aware.
        of: what leads to the assignment, such as 'assignment__'.
    """
    return Q(**{f"{of}visible_from__isnull": True}) | Q(**{f"{of}visible_from__lte": now})


class AssignmentQuerySet(models.QuerySet["Assignment"]):
    """Assignments."""

    def main_of(self, course: Course) -> Assignment | None:
        """Return the course's project, or None: 1 query."""
        return _mains(self.model).first({"course": course.pk})

    def visible_at(self, now: datetime | Expression, *, is_manager: bool = False) -> AssignmentQuerySet:
        """Return those that everyone who sees the course may see; its staff see all."""
        return self if is_manager else self.filter(_visible_at(now))


@cache
def _mains(assignments: type[Assignment]) -> ModelStatement[Assignment]:
    return ModelStatement.of(assignments.objects.filter(course=Parameter("course"), is_main=True))


class HandoutQuerySet(models.QuerySet["Handout"]):
    """Files of assignments."""

    def visible_at(self, now: datetime, *, is_manager: bool = False) -> HandoutQuerySet:
        """Return what a member of the course may see: once it and its assignment are visible; its staff see all."""
        rows = self.select_related("current")
        if is_manager:
            return rows
        own = Q(visible_from__isnull=True) | Q(visible_from__lte=now)
        return rows.filter(own, _visible_at(now, "assignment__"))


class TopicQuerySet(models.QuerySet["Topic"]):
    """Topics."""

    def of_staff(self) -> TopicQuerySet:
        """Return what the staff offer: without students' own ideas."""
        return self.filter(proposal="")

    def of_visible_at(self, now: datetime | Expression) -> TopicQuerySet:
        """Return those of assignments that everyone who sees the course may see."""
        return self.filter(_visible_at(now, "assignment__"))

    def visible_to(
        self, enrolment: Enrolment | Expression | None, *, now: datetime | Expression, is_manager: bool = False
    ) -> TopicQuerySet:
        """Return what a member of the course may see, or anybody: once its assignment is visible; its staff see all."""
        return self.all() if is_manager else self.of_visible_at(now).offered_to(enrolment)

    def offered_to(self, enrolment: Enrolment | Expression | None) -> TopicQuerySet:
        """Return what is on offer to everyone, and own ideas to their author and their team."""
        visible = Q(proposal="")
        if enrolment is not None:
            visible |= Q(proposed_by=enrolment)
            visible |= Q(
                pk__in=self.model.objects.filter(
                    projects__memberships__enrolment=enrolment, projects__memberships__left_at__isnull=True
                ).values("pk")
            )
        return self.filter(visible)

    def waiting_of(self, enrolment: Enrolment) -> TopicQuerySet:
        """Return a person's own ideas on which the staff have not decided yet."""
        return self.filter(proposed_by=enrolment, proposal="open")

    def unused(self) -> TopicQuerySet:
        """Return own ideas that were not accepted, and on which nothing of others hangs all the same."""
        ideas = self.exclude(proposal__in=["", "accepted"])
        return ideas.filter(
            projects__isnull=True, switched_from__isnull=True, wishes__isnull=True, seeking_notes__isnull=True
        )

    def rankable_by(self, enrolment: Enrolment | None, assignment: Assignment) -> TopicQuerySet:
        """Return what a team may wish for, by the member who ranks, or the staff: on offer, and nobody else's idea."""
        offered = self.filter(assignment=assignment, is_open=True, proposal__in=["", "accepted"], slots__gt=F("taken"))
        return offered if enrolment is None else offered.offered_to(enrolment)

    def with_room(self) -> TopicQuerySet:
        """Return those that a team may still take: on offer or accepted, open, with a slot left."""
        return self.filter(is_open=True, taken__lt=F("slots"), proposal__in=["", "accepted"])


_SIZE = Count("memberships", filter=Q(memberships__left_at__isnull=True))
# How many people a project's team needs: as `Project.team_min`.
SMALLEST = Coalesce(F("topic__team_min"), F("assignment__team_min"))


class ProjectQuerySet(models.QuerySet["Project"]):
    """Projects."""

    def active(self) -> ProjectQuerySet:
        """Return those that hold their slot."""
        return self.filter(withdrawn_at__isnull=True)

    def of_course(self, course: Course) -> ProjectQuerySet:
        """Return the projects of one course."""
        return self.filter(assignment__course=course)

    def of_member(self, enrolment: Enrolment, assignment: Assignment) -> ProjectQuerySet:
        """Return the project in which a person is now for an assignment: at most one."""
        mine = {"memberships__enrolment": enrolment, "memberships__left_at__isnull": True}
        return self.active().filter(assignment=assignment, **mine)

    def below_minimum(self) -> ProjectQuerySet:
        """Return the teams that are smaller than their topic or assignment wants, with their `size`."""
        return self.active().annotate(size=_SIZE).filter(size__lt=SMALLEST)


class MembershipQuerySet(models.QuerySet["Membership"]):
    """Memberships."""

    def active(self) -> MembershipQuerySet:
        """Return those that have not ended."""
        return self.filter(left_at__isnull=True)


class TopicSwitchQuerySet(models.QuerySet["TopicSwitch"]):
    """Switches of topics."""

    def holding(self) -> TopicSwitchQuerySet:
        """Return those for whose team a slot is held, also where its day is over and nobody gave it back yet."""
        return self.filter(closed_at__isnull=True)

    def to_take_back_at(self, now: datetime) -> TopicSwitchQuerySet:
        """Return those that the team can still take back."""
        return self.holding().filter(held_until__gt=now, project__withdrawn_at__isnull=True)


class InvitationQuerySet(models.QuerySet["Invitation"]):
    """Invitations."""

    def open_at(self, now: datetime | Expression) -> InvitationQuerySet:
        """Return those that can still be answered."""
        return self.filter(state="open", expires_at__gt=now)

    def of_visible_at(self, now: datetime | Expression, *, is_manager: bool = False) -> InvitationQuerySet:
        """Return those to teams for assignments that everyone who sees the course may see; its staff see all."""
        return self if is_manager else self.filter(_visible_at(now, "project__assignment__"))

    def to_user(self, user: User | Expression) -> InvitationQuerySet:
        """Return those that went to a confirmed address of the person."""
        addresses = EmailAddress.objects.filter(user=user, verified=True).values(lowered=Lower("email"))
        return self.annotate(lowered=Lower("email")).filter(lowered__in=addresses)


class SubmissionQuerySet(models.QuerySet["Submission"]):
    """Hand-ins."""

    def standing(self) -> SubmissionQuerySet:
        """Return those that are not withdrawn."""
        return self.filter(withdrawn_at__isnull=True)

    def to_check_at(self, now: datetime) -> SubmissionQuerySet:
        """Return those whose files a worker is to judge now."""
        return self.filter(check_due_at__lte=now)
