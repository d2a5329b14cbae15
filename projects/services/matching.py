"""People without a team who wish to be matched with others, and the teams that the staff make of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from amls.agenda.services import follow_people
from amls.core.violations import RuleViolation
from amls.courses.models import Enrolment, User
from amls.courses.services import lock_course
from projects.allocation.matching import MatchInput, common_wishes, match_to_json
from projects.allocation.problem import Team
from projects.models import (
    Assignment,
    MatchRequest,
    Membership,
    Project,
    TeamMatching,
    Topic,
    TopicPlacement,
    WishList,
)
from projects.services.locks import (
    active_membership,
    lock_enrolment,
    lock_members,
    lock_teams,
    require_registration_open,
    tell_teams,
)
from projects.services.registration import add_member, close_projects, end_membership
from projects.services.wishes import form_team, require_by_wish, require_not_given, seed_of, write_list
from projects.teamrows import members_by_project


def ask_for_match(*, enrolment: Enrolment, assignment: Assignment, now: datetime) -> MatchRequest:
    """Note that a person wishes to be matched with others; asked twice it is the same.

    Who has no team gets one of their own, so that they can rank topics. A team of several is matched when each of
    its members wishes so.

    Raises:
        RuleViolation: topics are given, or not by wish; registration is not open, or the person is no student of the
            course.
    """
    with transaction.atomic():
        enrolment = lock_enrolment(enrolment.pk)
        require_by_wish(assignment)
        require_not_given(assignment)
        require_registration_open(assignment, now=now)
        if active_membership(enrolment, assignment) is None:
            form_team(assignment=assignment, enrolment=enrolment, now=now)
        request, _is_new = MatchRequest.objects.get_or_create(
            enrolment=enrolment, assignment=assignment, defaults={"asked_at": now}
        )
    return request


def take_match_back(*, enrolment: Enrolment, assignment: Assignment) -> None:
    """Match a person with nobody: they stay in the team that they have."""
    with transaction.atomic():
        # Who is being matched at this moment is matched, or not: the staff's write locks everyone whom it reads.
        lock_enrolment(enrolment.pk)
        MatchRequest.objects.filter(enrolment=enrolment, assignment=assignment).delete()


@dataclass(frozen=True, slots=True)
class Matchable:
    """Those who wish to be matched, as teams, and what is made from.

    Attributes:
        members: by the project's key.
    """

    problem: MatchInput
    members: dict[int, list[Enrolment]]


def matchable(assignment: Assignment, *, largest: int) -> Matchable:
    """Return the teams of which every member wishes to be matched, and which have no topic: 8 queries.

    A team that the staff gave a topic in any case is not among them.
    """
    asked = set(MatchRequest.objects.filter(assignment=assignment).values_list("enrolment", flat=True))
    pinned = TopicPlacement.objects.filter(kind=TopicPlacement.Kind.PINNED).values("project")
    waiting = Project.objects.active().filter(assignment=assignment, topic=None).exclude(pk__in=pinned)
    members = members_by_project(waiting.filter(memberships__enrolment__in=asked).distinct())
    willing = {key: team for key, team in members.items() if team and all(person.pk in asked for person in team)}
    topics = Topic.objects.with_room().filter(assignment=assignment)
    room = dict(topics.values_list("pk", "team_max"))
    lists = WishList.objects.filter(project__in=willing).prefetch_related("wishes")
    wishes = {
        row.project_id: tuple(
            wish.topic_id for wish in sorted(row.wishes.all(), key=lambda wish: wish.rank) if wish.topic_id in room
        )
        for row in lists
    }
    teams = tuple(Team(key, len(team), wishes.get(key, ())) for key, team in sorted(willing.items()))
    return Matchable(MatchInput(teams, room, largest, seed_of(assignment)), willing)


def usual_team_size(assignment: Assignment) -> int:
    """Return how many people most topics on offer take at most, of equally many the smaller number: 1 query."""
    sizes = Counter(Topic.objects.with_room().filter(assignment=assignment).values_list("team_max", flat=True))
    return min(sizes, key=lambda size: (-sizes[size], size)) if sizes else assignment.team_max


def make_teams(
    *, assignment: Assignment, teams: Sequence[Sequence[int]], seen: MatchInput, by: User, now: datetime
) -> TeamMatching:
    """Make teams of those who wish to be matched, as the staff saw them. Everyone who got somebody is told.

    Args:
        assignment: whose topics are given by wish, and are not given yet.
        teams: the keys of the projects that come together; the first one's goes on with all of them and what they
            wish for in common. Who is alone in theirs stays, and goes on waiting.
        seen: what they were made from.
        by: whose decision it is.
        now: the request's clock.

    Raises:
        RuleViolation: topics are given, others wish to be matched by now, somebody is in two teams or in none, or a
            team has more people than any topic takes.
    """
    with transaction.atomic():
        course = lock_course(assignment.course_id)
        require_by_wish(assignment)
        require_not_given(assignment)
        keys = [key for team in teams for key in team]
        _topics, projects = lock_teams(*keys)
        lock_members(*projects.values())
        people = matchable(assignment, largest=seen.largest)
        if match_to_json(people.problem) != match_to_json(seen):
            raise RuleViolation(
                _("Meanwhile other people wish to be matched, or wish for other topics. Look at the teams again."),
                code="changed-meanwhile",
            )
        if sorted(keys) != sorted(people.members):
            raise RuleViolation(_("Everyone has to be in one team, and nobody in two."), code="not-in-one-team")
        matching = TeamMatching.objects.create(
            assignment=assignment,
            seed=people.problem.seed,
            inputs=match_to_json(people.problem),
            teams=[list(team) for team in teams],
            made_at=now,
            made_by=by,
        )
        made = {team[0]: _join([projects[key] for key in team], people, now=now) for team in teams if len(team) > 1}
        everyone = [person for team in made.values() for person in team]
        MatchRequest.objects.filter(assignment=assignment, enrolment__in=everyone).delete()
        tell_teams("projects.matched", made, references={"matching": matching.pk}, now=now)
        for person in everyone:
            person.course = course
        follow_people(everyone, now=now, sources=["wishes"])
    return matching


def _join(group: Sequence[Project], people: Matchable, *, now: datetime) -> list[Enrolment]:
    """Put everyone into the first one's team, with what they wish for in common; return who is in it."""
    target, *others = group
    joining = [person for project in others for person in people.members[project.pk]]
    if len(people.members[target.pk]) + len(joining) > target.team_max:
        raise RuleViolation(
            _("No topic takes teams of more than %(count)d. Make smaller ones.") % {"count": target.team_max},
            code="team-full",
        )
    wishes = common_wishes(people.problem, [project.pk for project in group], most=target.assignment.wishes_max)
    left = {project.pk: project for project in others}
    for membership in Membership.objects.active().filter(project__in=left).select_related("enrolment__course"):
        end_membership(membership, left[membership.project_id], now=now)
    # Without anybody in them, nobody is told that they are given up.
    close_projects({}, others, now=now)
    for person in joining:
        add_member(target, person, now=now)
    excluded = TopicPlacement.objects.filter(project__in=others).exclude(
        topic__in=TopicPlacement.objects.filter(project=target).values("topic")
    )
    for topic in set(excluded.values_list("topic", flat=True)):
        moved = excluded.filter(topic=topic).first()
        if moved is not None:
            moved.project = target
            moved.save(update_fields=["project"])
    row = WishList.objects.select_for_update(of=("self",)).filter(project=target).first()
    write_list(row or WishList(project=target), wishes, by=None, now=now)
    return [*people.members[target.pk], *joining]
