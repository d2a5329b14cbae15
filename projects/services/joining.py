"""Teams for assignments for which nobody registers: the first hand-in makes them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection
from datetime import datetime
from functools import cache
from typing import NamedTuple, TypeVar

from django.db import transaction
from django.utils.translation import gettext as _

from amls.core.statements import Parameter, Statement, is_among
from amls.core.times import say_time
from amls.core.violations import RuleViolation
from amls.courses.models import STAFF_ROLES, Enrolment
from amls.courses.nameless import is_nameless_address
from projects.models import Assignment, Membership, Project
from projects.services.locks import active_membership, lock_enrolments, require_running
from projects.services.registration import add_member

T = TypeVar("T")


def require_open(assignment: Assignment, *, now: datetime) -> None:
    """Refuse what is done for an assignment without topics before it opens.

    Raises:
        RuleViolation: it opens later; with the exact time.
    """
    starts_at = assignment.starts_at
    if not assignment.has_topics and starts_at is not None and now < starts_at:
        opens = say_time(starts_at, assignment.course.zone, now=now)
        raise RuleViolation(_("It opens %(time)s.") % {"time": opens}, code="not-open")


def team_for(*, enrolment: Enrolment, assignment: Assignment, now: datetime) -> Project:
    """Return a person's team for an assignment without topics, which is made where there is none.

    Where teams are kept, it is made of those with whom the person worked last, as far as they did not go other ways
    since. Two of them at once get one team: all of them are locked, and looked at again.

    Raises:
        RuleViolation: the course does not run, it opens later, the person is no student of the course, or teams
            choose a topic first.
    """
    with transaction.atomic():
        return _team_once(enrolment, assignment, now=now)[0]


def in_team(act: Callable[[Project], T], *, enrolment: Enrolment, assignment: Assignment, now: datetime) -> T:
    """Do something with a person's team for an assignment without topics; one that is made for it stays only if it is done.

    Args:
        act: what is done, with the team.
        enrolment: whose team.
        assignment: for which.
        now: the request's clock.

    Raises:
        RuleViolation: as `team_for` and `act`; there is no new team then.
    """
    with transaction.atomic():
        project, is_new = _team_once(enrolment, assignment, now=now)
        if is_new:
            return act(project)
    # Outside of the transaction above, which locked people: the project comes before them.
    return act(project)


def _team_once(enrolment: Enrolment, assignment: Assignment, *, now: datetime) -> tuple[Project, bool]:
    """Do as `team_for` says, in the caller's transaction; return also whether the team is new."""
    existing = active_membership(enrolment, assignment)
    if existing is not None:
        return existing.project, False
    require_running(assignment.course)
    if assignment.has_topics:
        raise RuleViolation(_("Choose a topic first."), code="no-topic")
    if enrolment.is_staff or enrolment.course_id != assignment.course_id:
        raise RuleViolation(_("Only students of this course hand in."), code="not-a-student")
    require_open(assignment, now=now)
    people = lock_enrolments(enrolment.pk, *teammates_to_be(enrolment, assignment))
    # Whoever waited for the lock finds what the others did.
    existing = active_membership(enrolment, assignment)
    if existing is not None:
        return existing.project, False
    project = Project.objects.create(assignment=assignment, registered_at=now)
    for pk in [enrolment.pk, *teammates_to_be(enrolment, assignment)]:
        if pk in people:
            add_member(project, people[pk], now=now)
    return project, True


def teammates_to_be(enrolment: Enrolment, assignment: Assignment) -> list[int]:
    """Return the keys of those with whom a person's team will be made where they have none yet: 1 query.

    They are those with whom the person worked last, without those who are in a team for this assignment already; whose
    account was deleted, or who teaches by now, stays where they were, and goes along no further. Nobody, unless teams are kept.
    """
    if assignment.teaming != Assignment.Teaming.KEPT:
        return []
    places = _places_around([enrolment.pk], assignment)
    placed = {place.enrolment for place in places if place.assignment == assignment.pk}
    staying = {place.enrolment for place in places if is_nameless_address(place.email) or place.role in STAFF_ROLES}
    others = _together([enrolment.pk], places, assignment)[enrolment.pk] - {enrolment.pk}
    return sorted(others - placed - staying)[: assignment.team_max - 1]


def kept_members_of_each(enrolments: Collection[int], assignment: Assignment) -> dict[int, set[int]]:
    """Return, by their keys, of many people who would hand in with each: they and, where teams are kept, their last team.

    Somebody's last team is that of the newest assignment before this one that forms its teams alike; whoever has
    another one since is not in it. 1 query.
    """
    if assignment.teaming != Assignment.Teaming.KEPT:
        return {pk: {pk} for pk in enrolments}
    return _together(enrolments, _places_around(enrolments, assignment), assignment)


class _SeriesPlace(NamedTuple):
    """Somebody's place in a team for an assignment of a series.

    Attributes:
        order: where the assignment stands in the series: its position, number and key.
    """

    enrolment: int
    email: str
    role: str
    project: int
    position: int
    number: int | None
    assignment: int

    @property
    def order(self) -> tuple[int, bool, int, int]:
        return _order(self.position, self.number, self.assignment)


def _order(position: int, number: int | None, pk: int) -> tuple[int, bool, int, int]:
    return position, number is None, number or 0, pk


def _together(
    enrolments: Collection[int], places: Collection[_SeriesPlace], assignment: Assignment
) -> dict[int, set[int]]:
    this = _order(assignment.position, assignment.number, assignment.pk)
    before = sorted((place for place in places if place.order < this), key=lambda place: place.order)
    last = {place.enrolment: place.project for place in before}
    together: defaultdict[int, set[int]] = defaultdict(set)
    for pk, project in last.items():
        together[project].add(pk)
    return {pk: together[last[pk]] if pk in last else {pk} for pk in enrolments}


def _places_around(enrolments: Collection[int], assignment: Assignment) -> list[_SeriesPlace]:
    """Return all places, in this assignment and those that form their teams alike, of people and whoever was in a team with them."""
    given = {
        "enrolments": list(enrolments),
        "course": assignment.course_id,
        "kind": assignment.kind,
        "series": assignment.series,
    }
    return [_SeriesPlace(*row) for row in _places().run(given)]


@cache
def _places() -> Statement:
    alike = Membership.objects.active().filter(
        assignment__course=Parameter("course"),
        assignment__kind=Parameter("kind"),
        assignment__series=Parameter("series"),
        project__withdrawn_at__isnull=True,
    )
    theirs = alike.filter(is_among("enrolment_id", Parameter("enrolments")))
    around = alike.filter(project__in=theirs.order_by().values("project"))
    rows = alike.filter(enrolment__in=around.order_by().values("enrolment")).order_by("pk")
    return Statement.of(
        rows.values_list(
            "enrolment",
            "enrolment__user__email",
            "enrolment__role",
            "project",
            "assignment__position",
            "assignment__number",
            "assignment",
        )
    )
