"""A student's own project: team, deadline, attempts, result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Exists, OuterRef
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from amls.core.clock import is_open_until
from amls.core.violations import RuleViolation, add_violation
from amls.courses.access import Access, open_course
from amls.courses.models import Course
from amls.pagecache.signed_in import kept_for_reader
from projects.forms.pages import ExtensionForm, InviteForm
from projects.models import (
    Assignment,
    ExtensionRequest,
    Handout,
    Invitation,
    Membership,
    SeekingNote,
    Submission,
    Topic,
    TopicSwitch,
)
from projects.points import score_of
from projects.queries import TeamView, personal_result
from projects.receipts import receipt_code
from projects.services.extensions import request_extension, take_request_back
from projects.services.handin import pick_submission
from projects.services.registration import dissolve_project, leave_team
from projects.services.switching import switch_topic, take_switch_back
from projects.services.teams import invite_member, revoke_invitation, standing_of_invitation
from projects.teamrows import places_taken
from projects.views.access import Mine, mine_of, number, open_mine
from projects.works import own_works_for


def handouts_of(access: Access, assignments: Sequence[Assignment]) -> list[Handout]:
    """Return the files of assignments that the page's reader may open or expect; outsiders see none: 1 query."""
    if access.enrolment is None and not access.is_manager:
        return []
    rows = list(Handout.objects.filter(assignment__in=assignments).visible_at(access.now, is_manager=access.is_manager))
    of = {assignment.pk: assignment for assignment in assignments}
    for row in rows:
        row.assignment = of[row.assignment_id]
    return rows


def mine_context(mine: Mine) -> dict[str, Any]:
    """Return what the page of one's own project shows."""
    access, team = mine.access, mine.team
    context: dict[str, Any] = {
        "access": access,
        "course": mine.course,
        "tab": "projects",
        "team": team,
        "assignment": mine.assignment,
        "problem": mine.problem,
        "excuse": mine.excuse(),
        "may_ask_for_time": mine.may_ask_for_time,
        "own_base": mine.own_base,
        "invite_form": InviteForm(),
        "handouts": handouts_of(access, [mine.assignment] if mine.assignment is not None else []),
    }
    return context | (_without_team(mine) if team is None else _of_team(mine, team))


def _without_team(mine: Mine) -> dict[str, Any]:
    """Return what the page shows somebody who is in no team: until when, and their note, if they seek one."""
    due_at = mine.due_at
    closes_at = mine.deadlines.closes_at(due_at)
    notes = SeekingNote.objects.filter(enrolment=mine.enrolment, assignment=mine.assignment)
    teammates = mine.teammates_to_be()
    is_open = closes_at is None or mine.access.now < closes_at
    return {
        "due_at": due_at,
        "closes_at": closes_at,
        "is_open": is_open,
        "is_overdue": is_open and _is_overdue(mine, due_at),
        "opens_later": mine.opens_later,
        "teammates": teammates,
        "team_is_full": mine.assignment is not None and len(teammates) + 1 >= mine.assignment.team_max,
        "note": notes.select_related("topic").first(),
        "earlier": _handed_in_before(mine),
    }


def _handed_in_before(mine: Mine) -> list[tuple[Submission, str]]:
    """Return the attempts of teams that somebody without one was in when they were handed in: 1 query."""
    own, at = OuterRef("project"), OuterRef("received_at")
    places = Membership.objects.filter(project=own, enrolment=mine.enrolment, joined_at__lte=at, left_at__gte=at)
    rows = Submission.objects.filter(Exists(places), project__assignment=mine.assignment)
    rows = rows.select_related("project__topic", "project__assignment")
    return [(row, receipt_code(row.pk)) for row in rows.order_by("-received_at", "-pk")]


def _is_overdue(mine: Mine, due_at: datetime | None) -> bool:
    """Return whether what is handed in here is late from now on; in a course that is over nothing is taken."""
    if mine.assignment is None or due_at is None:
        return False
    is_taken = mine.assignment.is_handed_in_here and mine.course.state == Course.State.RUNNING
    return is_taken and not is_open_until(due_at, mine.access.now)


def _of_team(mine: Mine, team: TeamView) -> dict[str, Any]:
    """Return what the page shows of a team: attempts, result, invitations, requests, and what its reader may do."""
    now = mine.access.now
    invited = list(Invitation.objects.filter(project=team.project).open_at(now).select_related("seeker__user"))
    for invitation in invited:
        invitation.project = team.project
    standings = [standing_of_invitation(row, mine.deadlines, is_settled=team.is_settled, now=now) for row in invited]
    requests = list(ExtensionRequest.objects.filter(project=team.project).order_by("-decided_at", "-pk"))
    is_open = team.closes_at is None or now < team.closes_at
    assessment = team.published
    result = (
        personal_result(assessment, team.overrides.get(mine.enrolment.pk), mine.enrolment.pk) if assessment else None
    )
    return {
        "project": team.project,
        "topic": team.project.topic,
        "open_invitations": list(zip(invited, standings, strict=True)),
        "attempts": [(attempt, receipt_code(attempt.row.pk)) for attempt in team.attempts],
        "result": result,
        "score": score_of(assessment, team.project.assignment, mine.enrolment.pk)
        if assessment is not None and team.project.assignment.grading == Assignment.Grading.POINTS
        else None,
        "correction": assessment.correction_for(mine.enrolment.pk) if assessment is not None else "",
        "override": team.overrides.get(mine.enrolment.pk) if assessment else None,
        "request_open": next((asked for asked in requests if asked.state == ExtensionRequest.State.OPEN), None),
        "last_request": next((asked for asked in requests if asked.state != ExtensionRequest.State.OPEN), None),
        "switched": TopicSwitch.objects.to_take_back_at(now)
        .filter(project=team.project)
        .select_related("topic", "by__user")
        .first(),
        "is_open": is_open,
        "is_overdue": is_open and not team.counting and not team.waiting_late and _is_overdue(mine, team.due_at),
        "is_over": team.due_at is not None and not is_open_until(team.due_at, now),
        "may_pick": team.may_pick(now),
        "opens_later": mine.opens_later,
        "is_full": not team.is_settled and places_taken(team.members) + len(invited) >= team.project.team_max,
        "may_invite": not team.is_settled and places_taken(team.members) + len(invited) < team.project.team_max,
        # Teammates whose account was deleted keep nothing up.
        "is_alone": places_taken(team.members) <= 1,
    }


@login_required
@require_safe
@kept_for_reader
def mine(request: HttpRequest, slug: str, assignment: int | None = None) -> HttpResponse:
    """Show the own project, or how to get one."""
    access = open_course(request, slug)
    if access.enrolment is None and access.is_manager:
        return redirect("projects:topics" if assignment is None else "projects:assignments", slug=slug)
    return render(request, "projects/mine.html", mine_context(mine_of(access, assignment)))


@require_safe
@kept_for_reader
def assignments(request: HttpRequest, slug: str) -> HttpResponse:
    """Show all assignments of a course, and how one stands with each."""
    access = open_course(request, slug)
    works = own_works_for(access)
    handouts: dict[int, list[Handout]] = {}
    for row in handouts_of(access, [work.assignment for work in works]):
        handouts.setdefault(row.assignment_id, []).append(row)
    rows = [(work, handouts.get(work.assignment.pk, [])) for work in works]
    context = {"access": access, "course": access.course, "tab": "projects", "rows": rows}
    return render(request, "projects/assignments.html", context)


def _act(request: HttpRequest, slug: str, assignment: int | None, act: Callable[[Mine], str]) -> HttpResponse:
    """Do one thing with one's project, and say what came of it."""
    mine = open_mine(request, slug, assignment)
    mine.require_team()
    try:
        messages.success(request, act(mine))
    except RuleViolation as violation:
        messages.error(request, str(violation.message))
    return redirect(mine.address)


@login_required
@require_http_methods(["POST"])
def invite(request: HttpRequest, slug: str, assignment: int | None = None) -> HttpResponse:
    """Invite one more teammate."""
    mine = open_mine(request, slug, assignment)
    form = InviteForm(request.POST)
    project = mine.project_or_assignment
    if form.is_valid():
        try:
            email = form.cleaned_data["email"]
            invite_member(project=project, email=email, by=mine.enrolment, now=mine.access.now)
        except RuleViolation as violation:
            add_violation(form, violation)
        else:
            messages.success(request, _("%(email)s is invited.") % {"email": email})
            return redirect(mine.address)
    return render(request, "projects/mine.html", {**mine_context(mine), "invite_form": form}, status=422)


@login_required
@require_POST
def revoke(request: HttpRequest, slug: str, pk: int, assignment: int | None = None) -> HttpResponse:
    """Take an invitation back."""

    def act(mine: Mine) -> str:
        row = get_object_or_404(Invitation.objects.select_related("seeker__user"), project=mine.project, pk=pk)
        row = revoke_invitation(invitation=row, now=mine.access.now)
        if row.state == Invitation.State.ACCEPTED:
            return _("%(email)s has accepted already and is in your team.") % {"email": row.label}
        return _("The invitation of %(email)s is taken back.") % {"email": row.label}

    return _act(request, slug, assignment, act)


@login_required
@require_POST
def switch(request: HttpRequest, slug: str, assignment: int | None = None) -> HttpResponse:
    """Take another topic with the same team."""

    def act(mine: Mine) -> str:
        visible = Topic.objects.filter(course=mine.course).visible_to(mine.enrolment, now=mine.access.now)
        chosen = get_object_or_404(visible, pk=number(request.POST.get("topic")))
        switch_topic(project=mine.project, topic=chosen, by=mine.enrolment, now=mine.access.now)
        return _("Your team now works on: %(topic)s.") % {"topic": chosen.title}

    return _act(request, slug, assignment, act)


@login_required
@require_POST
def switch_back(request: HttpRequest, slug: str, assignment: int | None = None) -> HttpResponse:
    """Take the topic again that the team had before one of its members switched."""

    def act(mine: Mine) -> str:
        project = take_switch_back(project=mine.project, by=mine.enrolment, now=mine.access.now)
        return _("The switch is taken back. Your team works on: %(topic)s.") % {"topic": project.title}

    return _act(request, slug, assignment, act)


@login_required
@require_POST
def leave(request: HttpRequest, slug: str, assignment: int | None = None) -> HttpResponse:
    """Leave the team."""

    def act(mine: Mine) -> str:
        leave_team(project=mine.project, enrolment=mine.enrolment, now=mine.access.now)
        return _("You left the team.")

    return _act(request, slug, assignment, act)


@login_required
@require_POST
def dissolve(request: HttpRequest, slug: str, assignment: int | None = None) -> HttpResponse:
    """Give the project up, as the last one in its team."""

    def act(mine: Mine) -> str:
        project = mine.project
        dissolve_project(project=project, by=mine.enrolment, now=mine.access.now)
        if project.topic is None:
            return _("Your team is dissolved. What was handed in is kept, and opens by its receipt.")
        return _("The project is withdrawn and its slot is free again.")

    return _act(request, slug, assignment, act)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def extension(request: HttpRequest, slug: str, assignment: int | None = None) -> HttpResponse:
    """Ask for more time."""
    mine = open_mine(request, slug, assignment)
    project = mine.project_or_assignment
    form = ExtensionForm(request.POST if request.method == "POST" else None, zone=mine.course.zone)
    if request.method == "POST" and form.is_valid():
        try:
            request_extension(project=project, by=mine.enrolment, now=mine.access.now, **form.cleaned_data)
        except RuleViolation as violation:
            add_violation(form, violation)
        else:
            messages.success(request, _("Your request is with the staff. You get a mail when they decide."))
            return redirect(mine.address)
    teammates = mine.teammates_to_be()
    context = {
        "access": mine.access,
        "course": mine.course,
        "assignment": mine.assignment,
        "tab": "projects",
        "due_at": mine.due_at,
        "teammates": teammates,
        "is_alone": not teammates if mine.team is None else places_taken(mine.team.members) <= 1,
        "form": form,
    }
    return render(request, "projects/extension.html", context, status=422 if form.errors else 200)


@login_required
@require_POST
def take_back(request: HttpRequest, slug: str, pk: int, assignment: int | None = None) -> HttpResponse:
    """Take a request for more time back."""

    def act(mine: Mine) -> str:
        row = get_object_or_404(ExtensionRequest, project=mine.project, pk=pk)
        take_request_back(request=row, now=mine.access.now)
        return _("Your request is taken back.")

    return _act(request, slug, assignment, act)


@login_required
@require_POST
def pick(request: HttpRequest, slug: str, assignment: int | None = None) -> HttpResponse:
    """Choose which attempt counts."""

    def act(mine: Mine) -> str:
        value = request.POST.get("attempt")
        chosen = get_object_or_404(Submission, project=mine.project, attempt=number(value)) if value else None
        pick_submission(project=mine.project, submission=chosen, now=mine.access.now)
        if chosen is None:
            return _("The newest attempt counts.")
        return _("Attempt %(attempt)s counts.") % {"attempt": chosen.attempt}

    return _act(request, slug, assignment, act)
