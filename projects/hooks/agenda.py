"""What projects say to the agenda."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _

from amls.agenda.sources import Item, deadline, in_each_language, opening, registry
from amls.courses.models import Course, Enrolment
from projects.deadlines import Deadlines, is_counting
from projects.models import Assignment, EarlierPass, Membership, Submission
from projects.queries import part_of


@registry.items.named("projects")
def items(course: Course) -> Iterator[Item]:
    """Yield the opening and closing of registration and the submission deadline, extended for all."""
    main = Assignment.objects.main_of(course)
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
    if main.registration_closes_at:
        yield deadline(
            key="projects.registration-closes",
            title=in_each_language(lambda: _("Project registration closes")),
            due_at=main.registration_closes_at,
            path=path,
        )
    due_at = Deadlines.of(main).for_all
    if due_at is not None:
        yield _submission(course, due_at)


def _submission(course: Course, due_at: datetime) -> Item:
    path = reverse("projects:mine", args=[course.slug])
    return deadline(
        key="projects.submission",
        title=in_each_language(lambda: _("Project submission deadline")),
        due_at=due_at,
        path=path,
    )


@registry.personal_items.named("projects")
def personal_items(course: Course, enrolments: Sequence[Enrolment]) -> dict[int, list[Item]]:
    """Return the submission deadline for whom it differs, with an extension or done: 4 queries for any number."""
    deadlines = Deadlines.of_main(course)
    for_all = deadlines.for_all
    if for_all is None:
        return {}
    teams, team_of = _teams_of(enrolments)
    attempts: dict[int, list[Submission]] = {pk: [] for pk in teams}
    for attempt in Submission.objects.filter(project__in=teams):
        attempts[attempt.project_id].append(attempt)
    alike: dict[datetime, Item] = {}
    items: dict[int, list[Item]] = {}
    for person in enrolments:
        project = team_of.get(person.pk, 0)
        due_at = deadlines.for_team(project, teams.get(project, [person.pk])) or for_all
        is_done = any(is_counting(attempt, due_at) for attempt in attempts.get(project, []))
        if due_at != for_all or is_done:
            if due_at not in alike:
                alike[due_at] = _submission(course, due_at)
            items[person.pk] = [replace(alike[due_at], is_done=is_done)]
    return items


def _teams_of(enrolments: Sequence[Enrolment]) -> tuple[dict[int, list[int]], dict[int, int]]:
    """Return who is in the projects of these people, by project, and each person's project: 1 query."""
    active = Membership.objects.active().filter(project__withdrawn_at__isnull=True, assignment__is_main=True)
    theirs = active.filter(enrolment__in=enrolments).values("project")
    teams: dict[int, list[int]] = {}
    for project, enrolment in active.filter(project__in=theirs).values_list("project", "enrolment").order_by("pk"):
        teams.setdefault(project, []).append(enrolment)
    return teams, {member: project for project, members in teams.items() for member in members}


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
