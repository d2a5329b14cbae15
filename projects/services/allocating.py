"""Runs of the solver: asked for, changed by hand, published."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Max, QuerySet
from django.utils.translation import gettext as _

from amls.core.clock import is_open_until
from amls.core.jobs import Queue
from amls.core.times import say_time
from amls.core.violations import RuleViolation
from amls.courses.models import User
from amls.courses.services import finish_course_change, lock_course
from projects.allocation.figures import broken_demands
from projects.allocation.problem import AllocationInput, OfferedTopic, Team, input_from_json, input_to_json
from projects.models import Allocation, Assignment, MentorLimit, Project, Topic, TopicPlacement, WishList
from projects.services.locks import follow_in_feeds, lock_members, lock_teams, tell_teams
from projects.services.registration import take_slots
from projects.services.wishes import require_by_wish, require_not_given, seed_of
from projects.teamrows import members_by_project

ALLOCATE = "projects.tasks.allocate_topics"


class _Allocations(Queue[Allocation]):
    """Runs that wait for the solver."""

    model, task, lease, most_attempts = Allocation, ALLOCATE, timedelta(minutes=3), 3
    since_field = "asked_at"

    def waiting(self, *, now: datetime) -> QuerySet[Allocation]:
        """Return the runs on which no solver works yet."""
        return Allocation.objects.filter(state=Allocation.State.WAITING).exclude(leased_until__gt=now)

    def choose(self, *, now: datetime, limit: int) -> Iterable[Allocation]:
        """Return the runs that wait longest, locked."""
        return self.free(self.waiting(now=now)).order_by("asked_at", "pk")[:limit]


ALLOCATIONS = _Allocations()


def inputs_of(assignment: Assignment, *, seed: str) -> AllocationInput:
    """Return what an allocation is made from now: every team without a topic, and what is on offer: 7 queries.

    A list with fewer wishes than the fewest doesn't count, unless there were not so many topics to choose from. Of
    topics and mentors counts what teams that have a topic leave.
    """
    teams = list(Project.objects.active().filter(assignment=assignment, topic=None).order_by("pk"))
    topics = list(Topic.objects.filter(assignment=assignment).order_by("pk"))
    on_offer = {topic.pk for topic in topics if topic.is_available}
    members = members_by_project(teams)
    fewest = min(assignment.wishes_min, len(on_offer))
    wishes = {team.pk: list[int]() for team in teams}
    for row in WishList.objects.filter(project__in=teams).prefetch_related("wishes"):
        ranked = [wish.topic_id for wish in sorted(row.wishes.all(), key=lambda wish: wish.rank)]
        wishes[row.project_id] = ranked if len(ranked) >= fewest else []
    pins: dict[int, int] = {}
    blocks: set[tuple[int, int]] = set()
    for rule in TopicPlacement.objects.filter(project__in=teams):
        if rule.kind == TopicPlacement.Kind.PINNED:
            pins[rule.project_id] = rule.topic_id
        else:
            blocks.add((rule.project_id, rule.topic_id))
    return AllocationInput(
        teams=tuple(Team(team.pk, len(members[team.pk]), tuple(wishes[team.pk])) for team in teams),
        topics=tuple(_offered(topic, topic.pk in on_offer) for topic in topics),
        most=_left_to_mentors(assignment),
        pins=pins,
        blocks=frozenset(blocks),
        seed=seed,
    )


def _offered(topic: Topic, is_on_offer: bool) -> OfferedTopic:
    # Who has it already has made it large enough.
    fewest = max(topic.fewest_teams, int(topic.must_be_held)) - topic.taken if is_on_offer else 0
    return OfferedTopic(
        key=topic.pk,
        slots=topic.free if is_on_offer else 0,
        largest_team=topic.team_max,
        smallest=max(0, fewest),
        must_be_held=topic.must_be_held and is_on_offer,
        mentor=topic.mentor_id,
    )


def _left_to_mentors(assignment: Assignment) -> dict[int, int]:
    limits = dict(MentorLimit.objects.filter(assignment=assignment).values_list("mentor", "most"))
    has_topic = Project.objects.active().filter(assignment=assignment, topic__mentor__in=limits)
    busy = Counter(has_topic.values_list("topic__mentor", flat=True))
    return {mentor: max(0, most - busy[mentor]) for mentor, most in limits.items()}


def ask_allocation(*, assignment: Assignment, by: User, now: datetime) -> Allocation:
    """Let the worker find the best allocation of what there is now. Nobody is told, and nothing is given.

    Raises:
        RuleViolation: topics are not given by wish here, were given already, or a run is being worked out.
    """
    with transaction.atomic():
        lock_course(assignment.course_id)
        require_by_wish(assignment)
        require_not_given(assignment)
        rows = Allocation.objects.filter(assignment=assignment)
        if rows.filter(state=Allocation.State.WAITING).exists():
            raise RuleViolation(_("A run is being worked out. Wait for it."), code="is-running")
        seed = seed_of(assignment)
        allocation = Allocation.objects.create(
            assignment=assignment,
            number=_next_number(assignment),
            seed=seed,
            inputs=input_to_json(inputs_of(assignment, seed=seed)),
            asked_at=now,
            asked_by=by,
        )
        ALLOCATIONS.ring()
    return allocation


def _next_number(assignment: Assignment) -> int:
    last = Allocation.objects.filter(assignment=assignment).aggregate(last=Max("number"))["last"]
    return (last or 0) + 1


def change_allocation(
    *, allocation: Allocation, team: int, topic: int | None, reason: str = "", by: User, now: datetime
) -> Allocation:
    """Give a team another topic, or none, in a run of its own: the one that it is made from stays as it is.

    Args:
        allocation: that is done.
        team: its key in the input.
        topic: its key in the input; None takes the team's topic away.
        reason: for the staff.
        by: whose decision it is.
        now: the request's clock.

    Raises:
        RuleViolation: the run has no result, the team or the topic is not in it, or topics are given already.
    """
    with transaction.atomic():
        lock_course(allocation.assignment.course_id)
        require_not_given(allocation.assignment)
        problem = input_from_json(allocation.inputs)
        if allocation.state != Allocation.State.DONE:
            raise RuleViolation(_("This run has no result that could be changed."), code="no-result")
        if team not in problem.team_by_key or (topic is not None and topic not in problem.topic_by_key):
            raise RuleViolation(_("This team or topic is not part of the run."), code="not-in-it")
        changes = dict(allocation.changes) | {team: topic}
        solved = dict(allocation.result or [])
        return Allocation.objects.create(
            assignment=allocation.assignment,
            number=_next_number(allocation.assignment),
            state=Allocation.State.DONE,
            base=allocation,
            seed=allocation.seed,
            inputs=allocation.inputs,
            result=allocation.result,
            worst=allocation.worst,
            reasons=allocation.reasons,
            changes=sorted([key, value] for key, value in changes.items() if solved.get(key) != value),
            change_reason=reason,
            asked_at=now,
            asked_by=by,
            done_at=now,
        )


def publish_allocation(*, allocation: Allocation, by: User, now: datetime) -> Allocation:
    """Give the topics: slots, teams, agenda and mails, all or nothing. Published twice it is the same.

    Raises:
        RuleViolation: the run has no result; wishes are still open; another run was published; a rule is not kept
            after changes by hand; or teams, wishes, topics or rules changed since the run was asked for.
    """
    with transaction.atomic():
        course = lock_course(allocation.assignment.course_id)
        allocation = Allocation.objects.select_related("assignment__course").get(pk=allocation.pk)
        if allocation.is_published:
            return allocation
        assignment = allocation.assignment
        require_publishable(allocation, now=now)
        teams = Project.objects.active().filter(assignment=assignment, topic=None).values_list("pk", flat=True)
        offered = Topic.objects.filter(assignment=assignment).values_list("pk", flat=True)
        topics, projects = lock_teams(*teams, topics=offered)
        lock_members(*projects.values())
        require_unchanged(allocation)
        given = allocation.given()
        winners = [projects[team] for team in sorted(given)]
        for project in winners:
            project.topic = topics[given[project.pk]]
        Project.objects.bulk_update(winners, ["topic"])
        take_slots(topics, Counter(given.values()))
        allocation.published_at, allocation.published_by = now, by
        allocation.save(update_fields=["published_at", "published_by"])
        members = members_by_project(projects.values())
        tell_teams("projects.allocated", members, references={"allocation": allocation.pk}, now=now)
        follow_in_feeds((person for team in members.values() for person in team), now=now)
        finish_course_change(course, now=now)
    return allocation


def require_publishable(allocation: Allocation, *, now: datetime) -> None:
    """Refuse to publish a run, whatever changed since it was asked for; see `require_unchanged`.

    Raises:
        RuleViolation: topics are given, it has no result, wishes are still open, or a rule is not kept after changes
            by hand.
    """
    assignment = allocation.assignment
    require_not_given(assignment)
    if allocation.state != Allocation.State.DONE:
        raise RuleViolation(_("This run has no result that could be published."), code="no-result")
    closes = assignment.wishes_close_at
    if closes is not None and is_open_until(closes, now):
        raise RuleViolation(
            _("Wishes are open until %(time)s. Publish after that, with a new run.")
            % {"time": say_time(closes, assignment.course.zone, now=now)},
            code="wishes-open",
        )
    if broken_demands(input_from_json(allocation.inputs), allocation.given()):
        raise RuleViolation(_("After the changes by hand a rule is not kept. Look at the run."), code="rule-broken")


def require_unchanged(allocation: Allocation) -> None:
    """Refuse a run whose input is no longer what there is.

    Raises:
        RuleViolation: something changed since it was asked for; it says what (code 'changed-since').
    """
    now_there = input_to_json(inputs_of(allocation.assignment, seed=allocation.seed))
    if now_there != allocation.inputs:
        raise RuleViolation(
            _("Since this run was asked for, these changed: %(what)s. Ask for a new run.")
            % {"what": ", ".join(_differing(allocation.inputs, now_there))},
            code="changed-since",
        )


def _differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    words = {
        "teams": _("teams or their wishes"),
        "topics": _("topics"),
        "most": _("limits of mentors"),
        "pins": _("rules for teams and topics"),
        "blocks": _("rules for teams and topics"),
    }
    return list(dict.fromkeys(word for name, word in words.items() if before[name] != after[name]))
