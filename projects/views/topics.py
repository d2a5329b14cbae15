"""The topics, and taking one."""

from __future__ import annotations

import json
from collections.abc import Container, Sequence
from functools import cache
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from amls.core.folding import LETTERS
from amls.core.keys import primary_key
from amls.core.statements import ModelStatement, Parameter
from amls.core.violations import RuleViolation, add_violation
from amls.courses.access import Access, open_course
from amls.courses.models import Enrolment
from amls.exports.views.offer import document
from amls.pagecache.parts import Shared
from amls.pagecache.signed_in import kept_for_reader
from projects.addresses import address_of, topics_of
from projects.deadlines import Deadlines
from projects.forms.pages import SeekingForm, TeamForm
from projects.hooks.exports import TOPICS
from projects.models import Assignment, SeekingNote, Topic
from projects.models.topics import say_track
from projects.queries import TeamView, assignments_of, team_of
from projects.services.locks import active_membership
from projects.services.switching import require_room
from projects.services.teams import invite_seeker, register_team, remove_seeking_note, write_seeking_note
from projects.topicfilter import WantedTopics
from projects.views.access import mine_of, number, open_mine, registration_problem


def _own(access: Access, assignment: Assignment | None, deadlines: Deadlines) -> dict[str, Any]:
    """Return what the pages say of the reader: whether they may take a topic, and why not."""
    return {"is_student": _student(access) is not None, "problem": registration_problem(access, assignment, deadlines)}


def _student(access: Access) -> Enrolment | None:
    return access.enrolment if access.enrolment is not None and not access.enrolment.is_staff else None


@require_safe
@kept_for_reader
def topics(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the topics by track; those that the filter leaves out are there and hidden, so that it works at once."""
    access = open_course(request, slug)
    several = assignments_of(access.course, visible_at=None if access.is_manager else access.now)
    wanted = primary_key(request.GET.get("assignment"))
    assignment = next(
        (row for row in several if row.has_topics and (row.pk == wanted if wanted else row.is_main)), None
    )
    if assignment is None and several:
        return redirect("projects:assignments", slug=slug)
    rows = _seen(access, assignment) if assignment is not None else []
    offered = [row for row in rows if not row.proposal]
    asked = WantedTopics.asked_by(request.GET)
    shown = {row.pk for row in rows if asked.fits(row)}
    deadlines, student = Deadlines.of(assignment), _student(access)
    context = {
        "access": access,
        "shared": Shared(access),
        "course": access.course,
        "tab": "projects",
        "assignment": assignment,
        "has_several": len(several) > 1,
        "closes_at": deadlines.registration_closes_at,
        "due_at": deadlines.for_all,
        "is_extended": deadlines.for_all != deadlines.base,
        "tracks": _by_track(rows, shown),
        "shown_count": len(shown),
        "count": len(offered),
        "is_printed": assignment is not None and bool(offered) and assignment.is_visible_at(access.now),
        "with_room": sum(row.is_available for row in offered),
        "asked": asked,
        "track_choices": asked.track_choices(rows),
        "skill_choices": asked.skill_choices(rows),
        "letters": json.dumps(LETTERS, ensure_ascii=False),
        **_seekers(access, assignment=assignment),
        # A note may be on an idea that only its author and the staff see.
        "seen_topics": {row.pk for row in rows},
        # Of their team, this page says its topic alone.
        "team": active_membership(student, assignment) if student is not None and assignment is not None else None,
        **_own(access, assignment, deadlines),
    }
    return render(request, "projects/topics.html", context)


def _seen(access: Access, assignment: Assignment) -> list[Topic]:
    """Return the topics and ideas of an assignment that the reader may see, as they stand: 1 query."""
    viewer = access.enrolment
    statement = _all_of(is_member=viewer is not None, is_manager=access.is_manager)
    rows = statement.read(
        {"assignment": assignment.pk, "viewer": viewer.pk if viewer is not None else None, "now": access.now}
    )
    for row in rows:
        row.course = access.course
    return rows


@cache
def _all_of(*, is_member: bool, is_manager: bool) -> ModelStatement[Topic]:
    """Return what reads the topics and ideas of an assignment for who may see them."""
    rows = Topic.objects.filter(assignment=Parameter("assignment")).exclude(proposal__in=["declined", "withdrawn"])
    viewer = Parameter("viewer") if is_member else None
    rows = rows.visible_to(viewer, now=Parameter("now"), is_manager=is_manager)
    return ModelStatement.of(rows.order_by("position", "pk"), along=["mentor"])


def _by_track(rows: Sequence[Topic], shown: Container[int]) -> list[tuple[str, list[tuple[Topic, bool]], bool]]:
    """Return the topics of each track, each with whether the filter shows it, and whether it shows any of the track."""
    tracks: dict[str, list[tuple[Topic, bool]]] = {}
    for row in rows:
        tracks.setdefault(row.track, []).append((row, row.pk in shown))
    return [
        (say_track(track), topics, any(is_shown for _topic, is_shown in topics)) for track, topics in tracks.items()
    ]


def _seekers(access: Access, *, assignment: Assignment | None = None, topic: Topic | None = None) -> dict[str, Any]:
    """Return the notes of people who look for teammates, newest first, and the form for one's own.

    Args:
        access: of the reader, who sees notes where they may see who else is enrolled.
        assignment: for which these people look for a team.
        topic: on which.
    """
    shown = []
    if access.sees_enrolled and topic is not None:
        shown = _notes(of_topic=True).read({"topic": topic.pk})
    elif access.sees_enrolled and assignment is not None:
        shown = _notes(of_topic=False).read({"assignment": assignment.pk})
    mine = access.enrolment.pk if access.enrolment is not None else None
    return {
        "notes": shown,
        "own_note": next((note for note in shown if note.enrolment_id == mine), None),
        "seeking_form": SeekingForm(),
    }


@cache
def _notes(*, of_topic: bool) -> ModelStatement[SeekingNote]:
    rows = SeekingNote.objects.all()
    rows = rows.filter(topic=Parameter("topic")) if of_topic else rows.filter(assignment=Parameter("assignment"))
    return ModelStatement.of(rows, along=["enrolment__user", "topic"])


@require_http_methods(["GET", "HEAD", "POST"])
def topics_pdf(request: HttpRequest, slug: str) -> HttpResponseBase:
    """The topics as PDF: those of the course's project, or of another assignment that the query names."""
    access = open_course(request, slug)
    wanted = primary_key(request.GET.get("assignment"))
    return document(request, kind=TOPICS, course=access.course, parameters={"assignment": wanted} if wanted else None)


def _topic_context(access: Access, topic: Topic, form: TeamForm | None = None) -> dict[str, Any]:
    assignment = topic.assignment
    deadlines, student = Deadlines.of(assignment), _student(access)
    team = team_of(student, assignment, deadlines, with_files=False) if student is not None else None
    return {
        "access": access,
        "course": access.course,
        "tab": "projects",
        "topic": topic,
        "assignment": assignment,
        "form": form or TeamForm(),
        **_seekers(access, topic=topic),
        "team": team,
        "is_mine": team is not None and team.project.topic_id == topic.pk,
        "switch_problem": _switch_problem(topic, team) if team is not None else "",
        **_own(access, assignment, deadlines),
    }


def _switch_problem(topic: Topic, team: TeamView) -> str:
    """Return why a team can't switch to a topic that is on offer, or an empty text."""
    try:
        require_room(topic, team.members)
    except RuleViolation as violation:
        return str(violation.message)
    return ""


def _visible_topic(access: Access, pk: int) -> Topic:
    viewer, statement = access.enrolment, _one_of(is_member=access.enrolment is not None, is_manager=access.is_manager)
    topic = statement.first(
        {
            "course": access.course.pk,
            "viewer": viewer.pk if viewer is not None else None,
            "topic": pk,
            "now": access.now,
        }
    )
    if topic is None:
        raise Http404
    topic.course = topic.assignment.course = access.course
    return topic


@cache
def _one_of(*, is_member: bool, is_manager: bool) -> ModelStatement[Topic]:
    """Return what reads one topic of a course for who may see it."""
    rows = Topic.objects.filter(course=Parameter("course"), pk=Parameter("topic"))
    viewer = Parameter("viewer") if is_member else None
    rows = rows.visible_to(viewer, now=Parameter("now"), is_manager=is_manager)
    return ModelStatement.of(rows, along=["mentor", "proposed_by__user", "assignment"])


@require_safe
@kept_for_reader
def topic(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Show one topic, who looks for teammates on it, and the team builder."""
    access = open_course(request, slug)
    return render(request, "projects/topic.html", _topic_context(access, _visible_topic(access, pk)))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def register(request: HttpRequest, slug: str) -> HttpResponse:
    """Take a topic, alone or with teammates."""
    access = open_course(request, slug)
    if access.enrolment is None:
        raise Http404
    if request.method != "POST" and "topic" not in request.GET:
        return redirect("projects:topics", slug=slug)
    chosen = _visible_topic(access, number(request.POST.get("topic") or request.GET.get("topic")))
    form = TeamForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            register_team(enrolment=access.enrolment, topic=chosen, emails=form.addresses(), now=access.now)
        except RuleViolation as violation:
            if violation.code == "topic-gone":
                messages.error(request, str(violation.message))
                return redirect(topics_of(chosen.assignment))
            add_violation(form, violation)
        else:
            messages.success(request, _("Your project is registered. You get a mail that confirms it."))
            return redirect(address_of(chosen.assignment))
    chosen.refresh_from_db(fields=["taken"])
    context = _topic_context(access, chosen, form)
    return render(request, "projects/topic.html", context, status=422 if form.errors else 200)


@login_required
@require_POST
def seek(request: HttpRequest, slug: str) -> HttpResponse:
    """Write or take back a note, or invite who wrote one."""
    mine = open_mine(request, slug, primary_key(request.POST.get("assignment")) or None)
    now = mine.access.now
    topic_pk = request.POST.get("topic", "")
    chosen = _visible_topic(mine.access, number(topic_pk)) if topic_pk else None
    if chosen is not None and chosen.assignment != mine.assignment:
        mine = mine_of(mine.access, chosen.assignment_id)
    # A note on no topic stands on the page of all of them.
    back = redirect(chosen) if chosen else redirect(topics_of(mine.require_assignment()))
    try:
        if "remove" in request.POST:
            remove_seeking_note(enrolment=mine.enrolment, assignment=mine.require_assignment())
            messages.success(request, _("Your note is gone."))
        elif "invite" in request.POST:
            notes = SeekingNote.objects.filter(assignment=mine.assignment).select_related("enrolment__user")
            note = get_object_or_404(notes, pk=number(request.POST["invite"]))
            invite_seeker(project=mine.project, note=note, by=mine.enrolment, now=now)
            messages.success(request, _("%(name)s is invited.") % {"name": note.name})
        else:
            text = request.POST.get("text", "")
            write_seeking_note(
                enrolment=mine.enrolment, assignment=mine.require_assignment(), topic=chosen, text=text, now=now
            )
            messages.success(request, _("Your note is online. Others in the course can read it and invite you."))
    except RuleViolation as violation:
        messages.error(request, str(violation.message))
    return back
