"""What projects say to the agenda."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from typing import NamedTuple

from django.db.models import Case, DateTimeField, F, IntegerField, Value, When
from django.urls import reverse
from django.utils.translation import gettext as _

from amls.agenda.sources import Item, deadline, in_each_language, opening, registry
from amls.core.statements import ModelStatement, Parameter, Statement, is_among
from amls.courses.models import Audience, Course, Enrolment
from projects.addresses import QUESTIONS, address_of, key_of
from projects.deadlines import Deadlines
from projects.models import Assignment, EarlierPass, Excuse, Membership, Submission
from projects.queries import assignments_shown, part_of
from projects.services.questions import asks_until
from projects.workrows import IS_PUBLISHED


@registry.items.named("projects")
def items(course: Course) -> Iterator[Item]:
    """Yield the opening and closing of registration and the deadlines, extended for all: 2 queries."""
    assignments = assignments_shown(course)
    deadlines = Deadlines.of_each(assignments)
    for assignment in assignments:
        if not assignment.is_main:
            yield from _items_of(assignment, deadlines[assignment.pk])
    main = next((assignment for assignment in assignments if assignment.is_main), None)
    if main is None:
        return
    path = reverse("projects:topics", args=[course.slug])
    if main.opens_at:
        yield opening(
            key="projects.registration-opens",
            title=in_each_language(lambda: _("Project registration opens")),
            opens_at=main.opens_at,
            path=path,
        )
    yield from _closes(main)
    due_at = deadlines[main.pk].for_all
    if due_at is not None:
        yield _due(main, due_at)


def _items_of(assignment: Assignment, deadlines: Deadlines) -> Iterator[Item]:
    """Yield the dates of an assignment that is not the course's project; of the registration where there is one."""
    path = address_of(assignment)
    if assignment.has_topics and assignment.opens_at:
        title = in_each_language(lambda: _("%(title)s: registration opens") % {"title": assignment})
        yield opening(key=key_of(assignment, "opens"), title=title, opens_at=assignment.opens_at, path=path)
    yield from _closes(assignment)
    due_at = deadlines.for_all
    if due_at is not None:
        yield _due(assignment, due_at)


def _closes(assignment: Assignment) -> Iterator[Item]:
    """Yield until when teams register for an assignment, where that has a date."""
    closes_at = assignment.registration_closes_at
    if closes_at is None or not (assignment.is_main or assignment.has_topics):
        return
    if assignment.is_main:
        title = in_each_language(lambda: _("Project registration closes"))
        key, path = "projects.registration-closes", reverse("projects:topics", args=[assignment.course.slug])
    else:
        title = in_each_language(lambda: _("%(title)s: registration closes") % {"title": assignment})
        key, path = key_of(assignment, "registration-closes"), address_of(assignment)
    yield deadline(key=key, title=title, due_at=closes_at, path=path)


def _due(assignment: Assignment, due_at: datetime) -> Item:
    if assignment.is_main and assignment.is_presented:
        title = in_each_language(lambda: _("Deadline of the project presentations"))
    elif assignment.is_main:
        title = in_each_language(lambda: _("Project submission deadline"))
    elif assignment.is_presented:
        title = in_each_language(lambda: _("%(title)s: to be presented") % {"title": assignment})
    else:
        title = in_each_language(lambda: _("%(title)s due") % {"title": assignment})
    key = "projects.submission" if assignment.is_main else key_of(assignment, "due")
    return deadline(key=key, title=title, due_at=due_at, path=address_of(assignment))


class _TeamsAndExcuses(NamedTuple):
    """Where people of a course stand.

    Attributes:
        teams: who is in their projects, by project.
        team_of: each one's project for an assignment.
        published: since when who has a result by it knows it, by person and assignment.
        excused: who is excused from what.
    """

    teams: dict[int, list[int]]
    team_of: dict[tuple[int, int], int]
    published: dict[tuple[int, int], datetime]
    excused: set[tuple[int, int]]


@registry.personal_items.named("projects")
def personal_items(course: Course, enrolments: Sequence[Enrolment]) -> dict[int, list[Item]]:
    """Return the deadlines for whom they differ, with an extension or done, and until when they ask about their points.

    4 queries for any number of either. Who has a team has done with the registration, and who is excused with all of it.
    """
    assignments = assignments_shown(course)
    known = Deadlines.of_each(assignments)
    dated = [assignment for assignment in assignments if known[assignment.pk].for_all is not None]
    registered = [(assignment, closes) for assignment in assignments for closes in _closes(assignment)]
    asked = [assignment for assignment in assignments if assignment.takes_questions]
    if not dated and not registered and not asked:
        return {}
    standing = _teams_and_excuses(enrolments)
    items: dict[int, list[Item]] = {}
    for enrolment, until in _questions(asked, enrolments, standing):
        items.setdefault(enrolment, []).append(until)
    for assignment, closes in registered:
        for person in enrolments:
            place = (person.pk, assignment.pk)
            # The registration for the course's project is no date of whoever has one: see `irrelevant`.
            if place in standing.excused or (place in standing.team_of and not assignment.is_main):
                items.setdefault(person.pk, []).append(replace(closes, is_done=True))
    for enrolment, due in _own_dues({row: known[row.pk] for row in dated}, enrolments, standing):
        items.setdefault(enrolment, []).append(due)
    return items


def _own_dues(
    dated: Mapping[Assignment, Deadlines],
    enrolments: Sequence[Enrolment],
    standing: _TeamsAndExcuses,
) -> Iterator[tuple[int, Item]]:
    """Yield the deadlines of those who have more time, are done or excused: 1 query."""
    attempts: dict[int, list[Submission]] = {pk: [] for pk in standing.teams}
    for attempt in _attempts().read({"projects": list(attempts)}) if attempts else ():
        attempts[attempt.project_id].append(attempt)
    alike: dict[tuple[int, datetime], Item] = {}
    for assignment, deadlines in dated.items():
        for person in enrolments:
            place = (person.pk, assignment.pk)
            project = standing.team_of.get(place, 0)
            due_at = deadlines.for_team(project, standing.teams.get(project, [person.pk]))
            is_done = place in standing.excused or any(
                deadlines.counts(attempt, due_at) for attempt in attempts.get(project, [])
            )
            if due_at is not None and (due_at != deadlines.for_all or is_done):
                shown = (assignment.pk, due_at)
                if shown not in alike:
                    alike[shown] = _due(assignment, due_at)
                yield person.pk, replace(alike[shown], is_done=is_done)


@cache
def _attempts() -> ModelStatement[Submission]:
    return ModelStatement.of(Submission.objects.filter(is_among("project_id", Parameter("projects"))))


def _questions(
    assignments: Sequence[Assignment],
    enrolments: Sequence[Enrolment],
    standing: _TeamsAndExcuses,
) -> Iterator[tuple[int, Item]]:
    """Yield until when who may ask about their points; who is excused has none any more."""
    alike: dict[tuple[int, datetime], Item] = {}
    for assignment in assignments:
        for person in enrolments:
            place = (person.pk, assignment.pk)
            until = asks_until(assignment, standing.published.get(place))
            if until is None or place in standing.excused:
                continue
            shown = (assignment.pk, until)
            if shown not in alike:
                alike[shown] = _asked_until(assignment, until)
            yield person.pk, alike[shown]


def _asked_until(assignment: Assignment, until: datetime) -> Item:
    title = in_each_language(lambda: _("%(title)s: questions about points") % {"title": assignment})
    return deadline(
        key=key_of(assignment, QUESTIONS),
        title=title,
        # As typed: the last minute in which one may ask.
        due_at=until - timedelta(minutes=1),
        path=address_of(assignment, "my_points"),
        audience=Audience.ENROLLED,
    )


def _teams_and_excuses(enrolments: Sequence[Enrolment]) -> _TeamsAndExcuses:
    """Return in which projects these people are, and from what they are excused: 1 query."""
    standing = _TeamsAndExcuses({}, {}, {}, set())
    rows = _places().run({"people": [enrolment.pk for enrolment in enrolments]})
    for project, enrolment, assignment, published_at in rows:
        if project is None:
            standing.excused.add((enrolment, assignment))
            continue
        standing.teams.setdefault(project, []).append(enrolment)
        standing.team_of[enrolment, assignment] = project
        if published_at is not None:
            standing.published[enrolment, assignment] = published_at
    return standing


@cache
def _places() -> Statement:
    """Return who is in the teams of some people, since when these know their results, and, without a project, their excuses."""
    active = Membership.objects.active().filter(project__withdrawn_at__isnull=True).order_by()
    theirs = active.filter(is_among("enrolment_id", Parameter("people"))).values("project")
    # Who joined after the publication has no result by that, and nothing to ask about.
    known_at = Case(When(IS_PUBLISHED, then=F("project__assessment__published_at")), default=None)
    members = active.filter(project__in=theirs).values_list("project", "enrolment", "assignment", known_at)
    excused = Excuse.objects.filter(is_among("enrolment_id", Parameter("people"))).order_by()
    nothing = Value(None, IntegerField()), Value(None, DateTimeField())
    return Statement.of(members.union(excused.values_list(nothing[0], "enrolment", "assignment", nothing[1]), all=True))


@registry.irrelevant_keys.named("projects")
def irrelevant(enrolment: Enrolment, now: datetime) -> Iterator[str]:
    """Yield the registration's dates for who has a project, and all dates for who passed in an earlier term.

    At most 2 queries, none where `read_part` was there before.
    """
    if enrolment.is_staff:
        return
    known = part_of(enrolment)
    if known is not None:
        has_project, has_passed = known.result.team is not None, known.result.earlier is not None
    else:
        has_project = Membership.objects.active().filter(enrolment=enrolment, assignment__is_main=True).exists()
        has_passed = not has_project and EarlierPass.objects.filter(enrolment=enrolment).exists()
    has_passed = has_passed and not has_project
    if has_project or has_passed:
        yield from ("projects.registration-opens", "projects.registration-closes")
    if has_passed:
        yield "projects.submission"
