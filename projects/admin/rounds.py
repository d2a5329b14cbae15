"""What the desk shows above the runs: for each assignment whose topics are given by wish, what a run is made from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, QuerySet

from amls.courses.models import Enrolment
from projects.models import (
    Allocation,
    Assignment,
    MatchRequest,
    Membership,
    MentorLimit,
    Project,
    Topic,
    TopicPlacement,
)


@dataclass(frozen=True, slots=True)
class WishRound:
    """What there is to give the topics of an assignment.

    Attributes:
        teams: that have no topic yet.
        ranked: how many of them have a list that counts.
        teamless: students of the course without a team.
        asked: people who wish to be matched with others.
        placements, limits: rules for teams and topics, and limits of mentors.
        is_given: whether a run is published.
    """

    assignment: Assignment
    teams: int
    ranked: int
    teamless: int
    asked: int
    placements: int
    limits: int
    is_given: bool


def rounds_of(assignments: Iterable[Assignment]) -> list[WishRound]:
    """Return what there is for each assignment: 8 queries, however many."""
    rows = list(assignments)
    waiting = (
        Project.objects.active().filter(assignment__in=rows, topic=None).annotate(wishes=Count("wish_list__wishes"))
    )
    lists = list(waiting.values_list("assignment", "wishes"))
    on_offer = _counted(Topic.objects.with_room().filter(assignment__in=rows))
    fewest = {row.pk: min(row.wishes_min, on_offer[row.pk]) for row in rows}
    courses = {row.course_id for row in rows}
    students = Counter(Enrolment.objects.filter(course__in=courses).students().values_list("course", flat=True))
    members = _counted(Membership.objects.active().filter(assignment__in=rows, project__withdrawn_at__isnull=True))
    in_waiting = {"enrolment__memberships__project__in": waiting.values("pk"), "enrolment__memberships__left_at": None}
    asked = _counted(MatchRequest.objects.filter(assignment__in=rows, **in_waiting).distinct())
    placements = TopicPlacement.objects.filter(project__assignment__in=rows, project__withdrawn_at__isnull=True)
    placed = Counter(placements.values_list("project__assignment", flat=True))
    limits = _counted(MentorLimit.objects.filter(assignment__in=rows))
    given = _counted(Allocation.objects.filter(assignment__in=rows, published_at__isnull=False))
    return [
        WishRound(
            row,
            teams=sum(1 for pk, _wishes in lists if pk == row.pk),
            ranked=sum(1 for pk, wishes in lists if pk == row.pk and wishes >= fewest[row.pk]),
            teamless=max(0, students[row.course_id] - members[row.pk]),
            asked=asked[row.pk],
            placements=placed[row.pk],
            limits=limits[row.pk],
            is_given=bool(given[row.pk]),
        )
        for row in rows
    ]


def _counted(rows: QuerySet[Any]) -> Counter[int]:
    return Counter(rows.values_list("assignment", flat=True))
