"""What teams wish for, at the desk: all lists of an assignment, and one that the staff change, also late."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.contrib import messages
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _

from amls.core.keys import primary_key
from amls.core.meanwhile import CODE
from amls.core.request import now_of
from amls.core.violations import RuleViolation
from amls.courses.accounts import user_of
from projects.admin.pages import KeptAdmin
from projects.models import Assignment, Project, Topic, Wish, WishChange, WishList
from projects.services.wishes import change_wishes, require_not_given
from projects.teamrows import members_by_project
from projects.wishlists import fewest_wishes, ranked_topics


@dataclass(frozen=True, slots=True)
class ListedTeam:
    """A team with what it wishes for.

    Attributes:
        missing: how many more wishes it takes for the list to count.
    """

    project: Project
    names: str
    wishes: list[str]
    missing: int
    ranked_at: datetime | None


def list_wishes(desk: KeptAdmin, request: HttpRequest, assignment: Assignment) -> HttpResponseBase:
    """Show what every team without a topic wishes for: those whose list doesn't count first."""
    wishes = Wish.objects.select_related("topic").order_by("rank")
    lists = Prefetch("wish_list", WishList.objects.prefetch_related(Prefetch("wishes", wishes)))
    teams = list(Project.objects.active().filter(assignment=assignment, topic=None).prefetch_related(lists))
    members, fewest = members_by_project(teams), fewest_wishes(assignment)
    listed = []
    for team in teams:
        row: WishList | None = getattr(team, "wish_list", None)
        titles = [wish.topic.title for wish in row.wishes.all()] if row is not None else []
        names = ", ".join(str(person.user) for person in members[team.pk])
        missing = max(0, fewest - len(titles))
        listed.append(ListedTeam(team, names, titles, missing, row.ranked_at if row is not None else None))
    context = {
        "title": _("%(assignment)s: wishes") % {"assignment": assignment},
        "assignment": assignment,
        "teams": sorted(listed, key=lambda team: (not team.missing, team.project.pk)),
        "problem": _given(assignment),
    }
    return desk.page(request, "admin/projects/wishes.html", context)


def _given(assignment: Assignment) -> str:
    try:
        require_not_given(assignment)
    except RuleViolation as violation:
        return str(violation.message)
    return ""


def change_team(desk: KeptAdmin, request: HttpRequest, assignment: Assignment, pk: int) -> HttpResponseBase:
    """Add or change what one team wishes for, with the reason, and show what the staff changed before."""
    waiting = Project.objects.active().filter(assignment=assignment, topic=None).select_related("assignment__course")
    project = get_object_or_404(waiting, pk=pk)
    wanted = [topic for value in request.POST.getlist("topic") if (topic := primary_key(value))]
    reason, status = request.POST.get("reason", ""), 200
    seen, is_told = primary_key(request.POST.get("version")) or 0, True
    if request.method == "POST":
        try:
            change_wishes(
                project=project,
                topics=wanted,
                version=seen,
                reason=reason[:300],
                by=user_of(request),
                now=now_of(request),
            )
        except RuleViolation as violation:
            messages.error(request, str(violation.message))
            status, is_told = 422, violation.code == CODE
        else:
            messages.success(
                request,
                _("The team's wishes are changed; its members are told in five minutes, unless you change them back."),
            )
            return redirect("admin:projects_allocation_wishes", assignment.pk)
    known = ranked_topics(project, None)
    chosen = wanted if request.method == "POST" else [topic.pk for topic in known.ranked]
    places = chosen + [0] * (assignment.wishes_max - len(chosen))
    (members,) = members_by_project([project]).values()
    context = {
        "title": _("#%(number)d: wishes") % {"number": project.pk},
        "assignment": assignment,
        "names": ", ".join(str(person.user) for person in members),
        "list": known,
        # Only who was told what the list says by now has seen it.
        "version": known.version if is_told else seen,
        "places": list(enumerate(places, 1)),
        "topics": [*known.ranked, *known.others],
        "reason": reason,
        "changes": _changes(project),
        "problem": _given(assignment),
    }
    return desk.page(request, "admin/projects/team_wishes.html", context, status=status)


def _changes(project: Project) -> list[tuple[WishChange, list[str], list[str]]]:
    """Return what the staff changed, the newest first, with the topics' titles: 2 queries."""
    changes = list(WishChange.objects.filter(project=project).select_related("changed_by"))
    keys = {topic for change in changes for topic in (*change.before, *change.after)}
    titles = dict(Topic.objects.filter(pk__in=keys).values_list("pk", "title"))
    return [
        (change, [titles.get(pk, "–") for pk in change.before], [titles.get(pk, "–") for pk in change.after])
        for change in changes
    ]
