"""Ranking topics together, where a course gives them by wish."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from amls.core.keys import primary_key
from amls.core.request import htmx_of
from amls.core.violations import RuleViolation, add_violation
from amls.courses.access import Access, open_course
from projects.allocation.problem import to_bytes
from projects.deadlines import Deadlines
from projects.forms.pages import TeamForm
from projects.models import Allocation, Assignment, MatchRequest, Topic
from projects.queries import TeamView, team_of
from projects.services.matching import ask_for_match, take_match_back
from projects.services.wishes import form_team, rank_topics, require_not_given, require_wishes_open
from projects.wishlists import RankedTopics, ranked_topics, told_team


@dataclass(frozen=True, slots=True)
class WishesPage:
    """An assignment whose topics are given by wish, as one of the course's people has it."""

    access: Access
    assignment: Assignment
    team: TeamView | None

    @property
    def address(self) -> str:
        """The page's own address."""
        return reverse("projects:wishes_for", args=[self.access.course.slug, self.assignment.pk])

    def topics(self) -> RankedTopics | None:
        """Return the team's list, where there is a team."""
        return None if self.team is None else ranked_topics(self.team.project, self.access.enrolment)

    def refusal(self) -> str:
        """Return why nothing may be ranked now, or an empty text."""
        try:
            require_not_given(self.assignment)
            require_wishes_open(self.assignment, now=self.access.now)
        except RuleViolation as violation:
            return str(violation.message)
        return ""


def _open(request: HttpRequest, slug: str, pk: int | None) -> WishesPage:
    """Return the assignment, the first one with wishes unless it is named.

    Raises:
        Http404: the course is not to be seen, the person is neither enrolled nor of its staff, or topics are not
            given by wish.
    """
    access = open_course(request, slug)
    if access.enrolment is None and not access.is_manager:
        raise Http404
    by_wish = Assignment.objects.filter(course=access.course, topics_given=Assignment.TopicsGiven.BY_WISH)
    if not access.is_manager:
        by_wish = by_wish.exclude(visible_from__gt=access.now)
    assignment = (by_wish.filter(pk=pk) if pk is not None else by_wish.order_by("position", "pk")).first()
    if assignment is None:
        raise Http404
    assignment.course = access.course
    team = None
    if access.enrolment is not None:
        team = team_of(access.enrolment, assignment, Deadlines.of(assignment), with_files=False)
    return WishesPage(access, assignment, team)


def _asked(page: WishesPage) -> set[int]:
    """Return who of the reader's team wishes to be matched with others: 1 query, none without a team."""
    if page.team is None:
        return set()
    rows = MatchRequest.objects.filter(assignment=page.assignment, enrolment__in=page.team.members)
    return set(rows.values_list("enrolment", flat=True))


def _context(page: WishesPage, **more: Any) -> dict[str, Any]:
    allocation = Allocation.objects.filter(assignment=page.assignment, published_at__isnull=False).first()
    team = page.team
    return {
        "access": page.access,
        "course": page.access.course,
        "tab": "projects",
        "page": page,
        "assignment": page.assignment,
        "team": team,
        "list": page.topics(),
        "problem": page.refusal(),
        "allocation": allocation,
        "told": told_team(allocation, team.project) if allocation is not None and team is not None else None,
        "asked": _asked(page),
        "may_be_matched": team is None or len(team.members) < team.project.team_max,
        "is_student": page.access.enrolment is not None and not page.access.enrolment.is_staff,
        **more,
    }


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def wishes(request: HttpRequest, slug: str, pk: int | None = None) -> HttpResponse:
    """Show what the team wishes for, and change it: each press of a button is kept at once."""
    page = _open(request, slug, pk)
    if request.method != "POST":
        return render(request, "projects/wishes.html", {"form": TeamForm(), **_context(page)})
    if page.team is None or page.access.enrolment is None:
        raise Http404
    wanted, moved = _wanted(request)
    said, status, conflict = "", 200, None
    try:
        rank_topics(
            project=page.team.project,
            topics=wanted,
            version=primary_key(request.POST.get("version")) or 0,
            by=page.access.enrolment,
            now=page.access.now,
        )
    except RuleViolation as violation:
        said, status = str(violation.message), 409 if violation.code == "changed-meanwhile" else 422
        conflict = _titled(wanted, page) if violation.code == "changed-meanwhile" else None
    else:
        said = _say(wanted, moved)
        if not htmx_of(request):
            messages.success(request, said)
            return redirect(f"{page.address}#wishes")
    is_part = bool(htmx_of(request))
    context = _context(page, said=said, is_refused=status != 200, conflict=conflict, form=TeamForm(), is_part=is_part)
    # htmx shows what it is answered, also a refusal.
    template = "projects/_wishes.html" if is_part else "projects/wishes.html"
    return render(request, template, context, status=200 if is_part else status)


def _wanted(request: HttpRequest) -> tuple[list[int], int]:
    """Return the list that a pressed button asks for, and the topic that it moves; 0 for none."""
    ranked = [primary_key(value) or 0 for value in request.POST.getlist("topic")]
    for act in ("up", "down", "add", "remove"):
        moved = primary_key(request.POST.get(act)) or 0
        if moved:
            return _acted(ranked, act, moved), moved
    return ranked, 0


def _acted(ranked: list[int], act: str, moved: int) -> list[int]:
    if act == "add":
        return ranked if moved in ranked else [*ranked, moved]
    if moved not in ranked:
        return ranked
    at = ranked.index(moved)
    rest = [topic for topic in ranked if topic != moved]
    if act == "remove":
        return rest
    to = max(0, at - 1) if act == "up" else at + 1
    return [*rest[:to], moved, *rest[to:]]


def _say(wanted: Sequence[int], moved: int) -> str:
    title = Topic.objects.filter(pk=moved).values_list("title", flat=True).first()
    if title is None:
        return _("Kept.")
    if moved not in wanted:
        return _("%(topic)s is off the list.") % {"topic": title}
    return _("%(topic)s is wish number %(rank)d.") % {"topic": title, "rank": wanted.index(moved) + 1}


def _titled(wanted: Sequence[int], page: WishesPage) -> list[Topic]:
    titled = Topic.objects.filter(assignment=page.assignment).in_bulk(wanted)
    return [titled[pk] for pk in wanted if pk in titled]


@login_required
@require_POST
def team(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Form a team, and invite teammates."""
    page = _open(request, slug, pk)
    if page.access.enrolment is None:
        raise Http404
    form = TeamForm(request.POST)
    if form.is_valid():
        try:
            form_team(
                assignment=page.assignment,
                enrolment=page.access.enrolment,
                emails=form.addresses(),
                now=page.access.now,
            )
        except RuleViolation as violation:
            add_violation(form, violation)
        else:
            messages.success(request, _("Your team is there. Rank topics together now."))
            return redirect(page.address)
    return render(request, "projects/wishes.html", _context(page, form=form), status=422)


@login_required
@require_POST
def match(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Wish to be matched with others, or no longer."""
    page = _open(request, slug, pk)
    if page.access.enrolment is None:
        raise Http404
    try:
        if "back" in request.POST:
            take_match_back(enrolment=page.access.enrolment, assignment=page.assignment)
            messages.success(request, _("You are not matched with anybody."))
        else:
            ask_for_match(enrolment=page.access.enrolment, assignment=page.assignment, now=page.access.now)
            messages.success(request, _("Noted: you are matched with others before topics are given. You get a mail."))
    except RuleViolation as violation:
        messages.error(request, str(violation.message))
    return redirect(page.address)


@login_required
@require_safe
def allocation_file(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Send the published allocation, by which anyone in the course can check it."""
    page = _open(request, slug, pk)
    allocation = Allocation.objects.filter(assignment=page.assignment, published_at__isnull=False).first()
    if allocation is None:
        raise Http404
    response = HttpResponse(to_bytes(allocation.to_json()), content_type="application/json")
    response["Content-Disposition"] = f'attachment; filename="allocation-{slug}-{allocation.number}.json"'
    return response
