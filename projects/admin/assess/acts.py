"""What each button of the page does: one view per button."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _

from amls.core.keys import primary_key
from amls.core.request import now_of
from amls.core.violations import RuleViolation, add_violation
from amls.held.corrections import say_corrected
from projects.admin.assess.drafts import fields_of
from projects.admin.assess.page import PEOPLE, AssessPage
from projects.forms.points import TaskPointsForm, decision_form
from projects.forms.staff import AssessForm, AssessorForm, MergeForm, MoreTimeForm, MoveForm, NoteForm, assessors_for
from projects.heldacts import TeamAct
from projects.models import Extension, Project, Submission
from projects.moretime import warn_if_over
from projects.publication import publication_of, refuse_overtaken
from projects.publishing import hold_publication, say_overtaken
from projects.services.assessing import assess, assign_assessor, confirm_decision, note_for_staff
from projects.services.corrections import correct
from projects.services.drafts import forget_draft
from projects.services.extensions import extend
from projects.services.points import give_points

# Answers a button, or returns None where the page is to be shown again.
Act = Callable[[AssessPage], HttpResponse | None]
# Does one thing, and returns what to say of it.
Deed = Callable[[AssessPage], str]

# By the name of the button.
acts: dict[str, Act] = {}


def button(*names: str) -> Callable[[Act], Act]:
    """Let a view answer the buttons of these names."""

    def register(act: Act) -> Act:
        acts.update(dict.fromkeys(names, act))
        return act

    return register


def deed(name: str, *, undo: Callable[[AssessPage], str] = lambda _page: "") -> Callable[[Deed], Deed]:
    """Let a button do one thing: what came of it is said, and what was typed for it is no draft any more.

    Args:
        name: of the button.
        undo: the address that undoes it by POST, and after spaces a field's name and value.
    """

    def register(do: Deed) -> Deed:
        def act(page: AssessPage) -> HttpResponse:
            is_done = page.desk.attempt(page.request, lambda: do(page), undo=undo(page))
            return _lead_back(page, *([name] if is_done else []))

        acts[name] = act
        return do

    return register


def _lead_back(page: AssessPage, *done: str) -> HttpResponse:
    """Show the page again; what was typed for the buttons that have done their work is no draft any more."""
    for name in done:
        forget_draft(project=page.project, by=page.user, fields=fields_of(name, page.view))
    return redirect(page.address())


def _held(page: AssessPage, act: TeamAct, *fields_named: str) -> HttpResponse:
    """Show who gets what of an act, and hold it back once that was agreed to."""
    try:
        asked = page.desk.hold(page.request, act, back=page.place)
    except RuleViolation as violation:
        messages.error(page.request, str(violation.message))
        asked = None
    return asked if asked is not None else _lead_back(page, *fields_named)


def _act(page: AssessPage, name: str, title: str, **values: Any) -> TeamAct:
    what = f"#{page.project.pk}: {title}"
    return TeamAct(name=name, values=values, course=page.project.course, title=what, by=page.user)


def sent_form(name: str, make: Callable[[AssessPage], forms.Form]) -> Callable[[Callable[[AssessPage, Any], str]], Any]:
    """Let a button do what its form says; the form is shown again with what is wrong with it.

    Args:
        name: of the button and of the form.
        make: makes the form of what was sent.
    """

    def register(do: Callable[[AssessPage, Any], str]) -> Callable[[AssessPage, Any], str]:
        def act(page: AssessPage) -> HttpResponse | None:
            form = page.shown[name] = make(page)
            if not form.is_valid():
                return None
            try:
                said = do(page, form)
            except RuleViolation as violation:
                add_violation(form, violation)
                return None
            messages.success(page.request, said, extra_tags=f"undo {page.undo}" if page.undo else "")
            return _lead_back(page, name)

        acts[name] = act
        return do

    return register


# ── on the way, with what is typed kept ──


@button("discard")
def discard(page: AssessPage) -> HttpResponse:
    """Throw away what was typed."""
    forget_draft(project=page.project, by=page.user)
    messages.success(page.request, _("What you typed is thrown away; here is what is saved."))
    return redirect(page.address())


@button("keep", "go")
def walk(page: AssessPage) -> HttpResponse:
    """Keep what is typed, and lead to where the person goes next."""
    kept, post = page.kept, page.request.POST
    said = kept.words(page.project.course.zone)
    if post.get("keep") == "quietly":
        return HttpResponse(said, content_type="text/plain; charset=utf-8")
    if post.get("keep") == PEOPLE:
        here = page.address()
        return redirect(f"{here}{'&' if '?' in here else '?'}{PEOPLE}=1#{PEOPLE}")
    _keys, before, after = page.around
    target = {"previous": before, "next": after, "back": page.last}.get(post.get("go", ""))
    if target is None and post.get("go") != "list":
        target = page.project.pk
    if kept.draft is not None and target != page.project.pk:
        messages.info(page.request, f"#{page.project.pk}: {said}", extra_tags=f"open {page.place}")
    return redirect(page.address(target) if target is not None else page.list_address)


# ── the decision ──


@button("preview", "show_letter")
def preview(page: AssessPage) -> None:
    """Show the feedback, or the mail, as the team would read it."""
    form = page.shown["assess"] = decision_form(page.request.POST, view=page.view)
    form.full_clean()


@button("save", "save_next", "save_publish")
def save(page: AssessPage) -> HttpResponse | None:
    """Save the decision; go on to the next project, or publish it."""
    request, view, project = page.request, page.view, page.project
    form = decision_form(request.POST, view=view)
    page.shown["assess"] = form
    if not form.is_valid():
        return None
    # Where to go next is known before the decision takes the project out of a filtered list.
    _keys, _before, after = page.around
    try:
        now = now_of(request)
        corrected = correct(project=project, do=lambda: _decide(page, form), by=page.user, now=now)
        if "save_publish" in request.POST:
            said = _publish(page, otherwise=_("Saved."))
        else:
            _say_overtaken(page)
            said = _("Saved.") if view.published is not None else _("Saved as a draft.")
    except RuleViolation as violation:
        add_violation(form, violation)
        return None
    forget_draft(project=project, by=page.user, fields=fields_of("assess", view))
    target = after if "save_next" in request.POST else project.pk
    if corrected is not None:
        title = _("#%(number)d: correction saved") % {"number": project.pk}
        say_corrected(
            request, corrected, course=project.course, title=title, back=page.place, by=page.user, now=now,
            at_desk=True,
        )  # fmt: skip
    # What left the filtered list is still reached from here.
    tags = f"open {page.place}" if target != project.pk else ""
    if corrected is None or tags:
        messages.success(request, f"#{project.pk}: {said}", extra_tags=tags)
    if target is None:
        messages.info(request, _("This was the last one of the list."))
        return redirect(page.list_address)
    return redirect(page.address(target))


def _decide(page: AssessPage, form: AssessForm | TaskPointsForm) -> None:
    data = form.cleaned_data
    kept = {"feedback": data["feedback"], "by": page.user, "now": now_of(page.request), "seen": data["seen"]}
    if isinstance(form, TaskPointsForm):
        given, members = form.given(), form.own_points()
        is_for_newest = "newest" in page.request.POST
        give_points(
            project=page.project, given=given, members=members, reason=data["correction"], is_for_newest=is_for_newest,
            **kept,
        )  # fmt: skip
    else:
        outcome, points = data["outcome"], data["extra_points"]
        reason = data["correction"]
        assess(
            project=page.project,
            outcome=outcome,
            extra_points=points,
            overrides=form.overrides(),
            reason=reason,
            **kept,
        )


def _say_overtaken(page: AssessPage) -> None:
    now = now_of(page.request)
    refused = refuse_overtaken([page.project.pk], course=page.project.course, by=page.user, now=now)
    say_overtaken(page.request, refused)


def _publish(page: AssessPage, *, otherwise: str) -> str:
    """Hold the publication back, which says so itself; return what else is to be said."""
    wanted = publication_of([page.project], course=page.project.course, back=page.place)
    if wanted is None:
        _say_overtaken(page)
        return otherwise
    hold_publication(page.request, wanted, by=page.user, now=now_of(page.request), at_desk=True)
    return _("Saved as a draft.")


@deed("publish")
def publish(page: AssessPage) -> str:
    """Publish the decision."""
    return _publish(page, otherwise=_("There was nothing to publish."))


@deed("stands")
def let_stand(page: AssessPage) -> str:
    """Let the decision stand, made before what counts now was handed in."""
    confirm_decision(project=page.project, by=page.user, now=now_of(page.request))
    return _("The decision stands, on what counts now as well. Nobody is told.")


@sent_form("note", lambda page: NoteForm(page.request.POST))
def note(page: AssessPage, form: NoteForm) -> str:
    """Keep a note among the staff."""
    note_for_staff(project=page.project, text=form.cleaned_data["text"], by=page.user, now=now_of(page.request))
    return _("The note is kept.")


# ── attempts ──


def _attempt_of(page: AssessPage, name: str) -> Submission:
    return get_object_or_404(Submission, project=page.project, pk=primary_key(page.request.POST[name]))


@button("accept")
def accept(page: AssessPage) -> HttpResponse:
    """Let a late attempt count."""
    row = _attempt_of(page, "accept")
    said = _("Accept the late attempt %(attempt)d")
    if page.project.assignment.late_percent:
        said = _("Waive the deduction for the late attempt %(attempt)d")
    title = said % {"attempt": row.attempt}
    return _held(page, _act(page, "accept-late", title, attempts=[row.pk]))


@button("withdraw_attempt")
def withdraw_attempt(page: AssessPage) -> HttpResponse:
    """Let an attempt no longer count."""
    row = _attempt_of(page, "withdraw_attempt")
    title = _("Attempt %(attempt)d no longer counts") % {"attempt": row.attempt}
    return _held(page, _act(page, "withdraw-attempt", title, attempt=row.pk))


@button("restore_attempt")
def restore_attempt(page: AssessPage) -> HttpResponse:
    """Bring an attempt back."""
    row = _attempt_of(page, "restore_attempt")
    title = _("Bring attempt %(attempt)d back") % {"attempt": row.attempt}
    return _held(page, _act(page, "restore-attempt", title, attempt=row.pk))


# ── time ──


@sent_form("extend", lambda page: MoreTimeForm(page.request.POST, zone=page.project.course.zone))
def give_time(page: AssessPage, form: MoreTimeForm) -> str:
    """Give the team more time."""
    given = extend(
        projects=[page.project],
        by=page.user,
        reason=form.cleaned_data["reason"],
        now=now_of(page.request),
        **form.given(),
    )
    warn_if_over(page.request, given, now=now_of(page.request))
    page.undo = f"{page.place} revoke {given[0].pk}"
    return _("The team has more time, and is told in five minutes.")


@button("revoke")
def revoke(page: AssessPage) -> HttpResponse:
    """Take an extension back."""
    row = get_object_or_404(Extension, project=page.project, pk=primary_key(page.request.POST["revoke"]))
    return _held(page, _act(page, "revoke", _("Revoke the extension"), extensions=[row.pk]))


# ── people ──


@button("move")
def move(page: AssessPage) -> HttpResponse | None:
    """Put a member into another team."""
    form = page.shown["move"] = MoveForm(page.request.POST, view=page.view)
    if not form.is_valid():
        return None
    member, to = form.cleaned_data["member"], form.target()
    team, topic = (to.pk, None) if isinstance(to, Project) else (None, to.pk)
    title = _("Move %(name)s to %(what)s") % {"name": member.user, "what": to}
    act = _act(page, "move", title, member=member.pk, source=page.project.pk, team=team, topic=topic)
    return _held(page, act, "move")


@button("merge")
def merge(page: AssessPage) -> HttpResponse | None:
    """Put the whole team into another one."""
    form = page.shown["merge"] = MergeForm(page.request.POST, view=page.view)
    if not form.is_valid():
        return None
    target = form.cleaned_data["target"]
    title = _("Put everyone into %(project)s") % {"project": target}
    return _held(page, _act(page, "merge", title, source=page.project.pk, target=target.pk), "merge")


@button("assign")
def assign(page: AssessPage) -> HttpResponse | None:
    """Let somebody else assess it."""
    form, seen = (
        AssessorForm(page.request.POST, people=assessors_for(page.project)),
        page.request.POST.get("assessor-seen"),
    )
    if form.is_valid():
        try:
            assign_assessor(projects=[page.project], assessor=form.user(), seen=seen)
        except RuleViolation as violation:
            page.shown["assign"] = form
            add_violation(form, violation)
            return None
        messages.success(page.request, _("Assessor: %(name)s.") % {"name": form.user() or _("nobody")})
    return _lead_back(page, "assign")


@button("withdraw")
def withdraw(page: AssessPage) -> HttpResponse:
    """Withdraw the project."""
    return _held(page, _act(page, "withdraw", _("Withdraw the project"), projects=[page.project.pk]))


@button("restore")
def restore(page: AssessPage) -> HttpResponse:
    """Bring the project back."""
    return _held(page, _act(page, "restore", _("Bring the project back"), projects=[page.project.pk]))
