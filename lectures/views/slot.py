"""The staff's page that moves the remaining sessions of a weekly time: chosen, shown, agreed to, and taken back if it was a mistake."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core import signing
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from amls.core.keys import primary_key
from amls.core.preview import AGREED, SEAL, Preview, is_wanted, preview_of, without_trace
from amls.core.sent_twice import SentTwice, add_once, token_of
from amls.core.violations import RuleViolation, add_violation
from amls.courses.access import Access, open_course_as_manager
from amls.courses.accounts import user_of
from amls.courses.models import Course
from amls.courses.services import holding, is_quiet, quietly
from amls.mail.changes import is_any_soon
from lectures.collisions import collisions_of, order_of
from lectures.services.slots import (
    MovedSession,
    OnFree,
    SlotMove,
    SlotMoved,
    move_slot,
    said_changed,
    say_taken_back,
    say_when_and_where,
    take_move_back,
)
from lectures.slotform import SEEN, SlotMoveForm
from lectures.timetable import WeeklyTime, sessions_of, weekly_times

_SALT = "lectures.slots"
_SECONDS = 3600


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def move_sessions(request: HttpRequest, slug: str) -> HttpResponse:
    """Ask which sessions of a weekly time move where; show what comes of it, and do it once that was seen."""
    access = open_course_as_manager(request, slug)
    if request.method != "POST":
        return _ask(request, access)
    try:
        with holding(access.course):
            return _once(request, access)
    except SentTwice:
        messages.info(request, _("These sessions are moved already."))
        return redirect(access.course)


def _once(request: HttpRequest, access: Access) -> HttpResponse:
    """Move what was agreed to once, however often it is sent; what is only shown is not noted.

    Raises:
        SentTwice: it is done already.
    """
    if not is_wanted(request.POST):
        return _ask(request, access)
    with transaction.atomic():
        add_once(request, but=(AGREED, SEAL, SEEN))
        answer = _ask(request, access)
        if answer.status_code != 302:
            transaction.set_rollback(True)
    return answer


@dataclass(frozen=True, slots=True)
class _Chosen:
    """What the page is about: a weekly time, and from which day on.

    Attributes:
        problem: what is wrong with the day that was typed.
    """

    weekly: WeeklyTime
    times: Sequence[WeeklyTime]
    since: date
    problem: str = ""


def _ask(request: HttpRequest, access: Access) -> HttpResponse:
    chosen = _chosen(request, access)
    context: dict[str, Any] = {"access": access, "course": access.course, "once": token_of(request)}
    if chosen is None and request.method == "POST":
        transaction.set_rollback(True)
        messages.error(request, _("Nothing was saved: no session of this weekly time is to come any more."))
        return redirect("lectures:move_sessions", access.course.slug)
    if chosen is None:
        return render(request, "lectures/move_sessions.html", context)
    offered, over = sessions_of(access.course, chosen.weekly, chosen.times, since=chosen.since, now=access.now)
    form = SlotMoveForm(request.POST if request.method == "POST" else None, weekly=chosen.weekly, offered=offered)
    context |= {"chosen": chosen, "form": form, "over": over}
    if form.is_bound and form.is_valid():
        try:
            with quietly(is_wanted="_quiet" in request.POST):
                shown = _MoveShown.of(request, access, form)
                if shown.preview.is_agreed:
                    return _move(request, access, form)
            context |= shown.context()
        except RuleViolation as violation:
            add_violation(form, violation)
    return render(request, "lectures/move_sessions.html", context, status=422 if form.errors else 200)


def _chosen(request: HttpRequest, access: Access) -> _Chosen | None:
    """Return which weekly time was asked for, the first by default; None where none is left, or the sent one is gone."""
    sent = request.POST if request.method == "POST" else request.GET
    times = weekly_times(access.course, now=access.now)
    today = access.now.astimezone(access.course.zone).date()
    session = (
        access.course.lectures.filter(pk=primary_key(sent.get("session", "")) or 0).select_related("course").first()
    )
    if session is not None:
        alike = [weekly for weekly in times if weekly.kind == session.kind]
        weekly = next((weekly for weekly in alike if weekly.has(session)), next(iter(alike), None))
        return _Chosen(weekly, times, max(session.held_on or today, today)) if weekly is not None else None
    first = None if request.method == "POST" else next(iter(times), None)
    weekly = next((weekly for weekly in times if weekly.key == sent.get("slot")), first)
    if weekly is None:
        return None
    typed = sent.get("from", "")
    since = _day_in(typed)
    problem = _("Give the first day as a date.") if typed and since is None else ""
    return _Chosen(weekly, times, since or today, problem)


def _day_in(text: str) -> date | None:
    try:
        day = parse_date(text)
    except ValueError:
        return None
    return day if day is not None and 2000 <= day.year <= 9000 else None


@dataclass(frozen=True, slots=True)
class _MoveShown:
    """What a move would do, as the page shows it."""

    access: Access
    moved: SlotMoved
    against: dict[int, list[str]]
    order: list[str]
    overtaken: list[str]
    move: SlotMove
    preview: Preview

    @classmethod
    def of(cls, request: HttpRequest, access: Access, form: SlotMoveForm) -> _MoveShown:
        """Do it, look at it, and leave no trace."""
        move, reader = form.move(), user_of(request)
        changed = form.changed_since()
        overtaken = [said_changed(lecture) for lecture in changed] if is_wanted(request.POST) else []

        def act() -> tuple[SlotMoved, dict[int, list[str]], list[str]]:
            moved = move_slot(course=access.course, move=move, seen=_as_it_stands(form), now=access.now)
            against = collisions_of(access.course, moved.sessions, reader=reader)
            return moved, against, order_of(access.course, moved.sessions)

        moved, against, order = without_trace(act)
        seal = (
            [(row.lecture.pk, row.before, row.after, row.free and row.free.pk, row.why_kept) for row in moved.sessions],
            [change.shown for change in moved.changes], moved.slot, sorted(against.items()), order, is_quiet(),
        )  # fmt: skip
        return cls(access, moved, against, order, overtaken, move, preview_of(request.POST, seal))

    def context(self) -> dict[str, Any]:
        """Return what the template shows."""
        course = self.access.course
        is_told = course.state == Course.State.RUNNING and not is_quiet()
        return {
            "preview": self.preview,
            "overtaken": self.overtaken,
            "lines": [self._line(row) for row in self.moved.sessions],
            "moved": self.moved.moved,
            "collisions": len(self.against),
            "order": self.order,
            "slot": self.moved.slot,
            "changes": [(course, change) for change in self.moved.changes],
            "is_hurried": is_told and is_any_soon(self.moved.changes, self.access.now),
        }

    def _line(self, row: MovedSession) -> dict[str, Any]:
        choice = self.move.on_free.get(row.lecture.pk, OnFree.KEEP)
        return {
            "lecture": row.lecture,
            "before": say_when_and_where(row.lecture, row.before, beside=row.after),
            "after": say_when_and_where(row.lecture, row.after, beside=row.before),
            "has_moved": row.has_moved,
            "is_new_link": row.before["call_in"] != row.after["call_in"],
            "why_kept": row.why_kept,
            "free": row.free,
            "choices": [(value, label, value == choice) for value, label in OnFree.choices],
            "against": self.against.get(row.lecture.pk, []),
        }


def _as_it_stands(form: SlotMoveForm) -> dict[int, str]:
    """Return what names the sessions as they are by now: the page that is about to be shown says so."""
    parts = (part.split(":") for part in form.shown.split())
    return {int(pk): name for pk, name in parts}


def _move(request: HttpRequest, access: Access, form: SlotMoveForm) -> HttpResponse:
    moved = move_slot(course=access.course, move=form.move(), seen=form.seen, now=access.now)
    count = len(moved.moved)
    said = ngettext("%(count)d session is moved", "%(count)d sessions are moved", count) % {"count": count}
    said = _("%(what)s, in everyone's calendar too.") % {"what": said}
    token = signing.dumps([moved.undo, is_quiet()], salt=_SALT, compress=True)
    undo = reverse("lectures:move_sessions_undo", args=[access.course.slug])
    messages.success(request, said, extra_tags=f"at 0 {undo} {token}")
    return redirect(access.course)


@login_required
@require_POST
def undo_move(request: HttpRequest, slug: str) -> HttpResponse:
    """Put back what was moved within the last hour, but for what somebody changed since."""
    access = open_course_as_manager(request, slug)
    try:
        kept, was_quiet = signing.loads(request.POST.get("token", ""), salt=_SALT, max_age=_SECONDS)
        with quietly(is_wanted=was_quiet):
            count, others = take_move_back(course=access.course, kept=kept, now=access.now)
    except signing.BadSignature:
        messages.error(request, _("This is too long ago to be taken back here. Move the sessions again."))
    except RuleViolation as violation:
        messages.error(request, str(violation.message))
    else:
        (messages.success if count else messages.error)(request, say_taken_back(count, others))
    return redirect(access.course)
