"""Teams for assignments for which nobody registers: the first hand-in makes them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from amls.core.times import say_time
from amls.core.violations import RuleViolation
from amls.courses.models import Enrolment
from projects.models import Assignment, Membership, Project
from projects.services.locks import active_membership, lock_enrolments, require_running
from projects.services.registration import add_member


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
        existing = active_membership(enrolment, assignment)
        if existing is not None:
            return existing.project
        require_running(assignment.course)
        if assignment.has_topics:
            raise RuleViolation(_("Choose a topic first."), code="no-topic")
        if enrolment.is_staff or enrolment.course_id != assignment.course_id:
            raise RuleViolation(_("Only students of this course hand in."), code="not-a-student")
        require_open(assignment, now=now)
        people = lock_enrolments(*kept_members(enrolment, assignment))
        # Whoever waited for the lock finds what the others did.
        existing = active_membership(enrolment, assignment)
        if existing is not None:
            return existing.project
        kept = kept_members(enrolment, assignment) & people.keys()
        taken = Membership.objects.active().filter(assignment=assignment, enrolment__in=kept)
        others = kept - set(taken.values_list("enrolment", flat=True)) - {enrolment.pk}
        # Whose account was deleted stays where they were, and goes along no further.
        free = sorted(pk for pk in others if not people[pk].user.is_nameless)
        project = Project.objects.create(assignment=assignment, registered_at=now)
        for pk in [enrolment.pk, *free][: assignment.team_max]:
            add_member(project, people[pk], now=now)
    return project


def kept_members(enrolment: Enrolment, assignment: Assignment) -> set[int]:
    """Return the keys of those who would hand in with a person: they and, where teams are kept, their last team.

    Somebody's last team is that of the newest assignment before this one that forms its teams alike; whoever has
    another one since is not in it. 3 queries.
    """
    return kept_members_of_each([enrolment.pk], assignment)[enrolment.pk]


def kept_members_of_each(enrolments: Collection[int], assignment: Assignment) -> dict[int, set[int]]:
    """Return `kept_members` of each of many people, by their keys: as many queries for many as for one."""
    if assignment.teaming != Assignment.Teaming.KEPT:
        return {pk: {pk} for pk in enrolments}
    before = _before(assignment)
    theirs = Membership.objects.active().filter(enrolment__in=enrolments, assignment__in=before)
    teams = Membership.objects.active().filter(project__in=theirs.values("project"))
    last = _last_teams({*teams.values_list("enrolment", flat=True), *enrolments}, before)
    together: defaultdict[int, set[int]] = defaultdict(set)
    for pk, project in last.items():
        together[project].add(pk)
    return {pk: together[last[pk]] if pk in last else {pk} for pk in enrolments}


def _before(assignment: Assignment) -> list[int]:
    """Return the keys of the assignments before this one, in their order, whose teams this one may keep."""
    rows = Assignment.objects.filter(course=assignment.course_id, kind=assignment.kind, series=assignment.series)
    order = list(rows.order_by("position", "number", "pk").values_list("pk", flat=True))
    return order[: order.index(assignment.pk)]


def _last_teams(enrolments: Collection[int], before: list[int]) -> dict[int, int]:
    """Return the last project of each of these people, by their keys."""
    rows = Membership.objects.active().filter(
        enrolment__in=enrolments, assignment__in=before, project__withdrawn_at__isnull=True
    )
    ordered = sorted(rows.values_list("enrolment", "project", "assignment"), key=lambda row: before.index(row[2]))
    return {enrolment: project for enrolment, project, _assignment in ordered}
