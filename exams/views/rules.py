"""The builder of a course's rule of admission: blocks added, moved and removed by buttons, and what a change would do."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from amls.core.keys import primary_key
from amls.core.meanwhile import CODE
from amls.core.preview import preview_of, seal_of_shown
from amls.core.violations import RuleViolation
from amls.courses.access import Access, open_course_as_manager
from amls.courses.accounts import user_or_none
from amls.courses.models import Course
from amls.courses.services import holding
from amls.desk.history import last_change
from amls.grading.facts import Facts, facts_of_course
from amls.grading.tree import AllBlock, dump
from amls.grading.words import say_block
from exams.admission import LABELS
from exams.builder import DO, KINDS, RuleDraft
from exams.queries import exam_rules
from exams.services.rules import effect_of, set_rule, whole_rule


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def admission_rule(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the rule as a form; show what a changed one would do to whom, and let it hold once that was seen."""
    access = open_course_as_manager(request, slug)
    if request.method != "POST":
        return _show(request, access)
    with holding(access.course):
        return _show(request, access)


def _show(request: HttpRequest, access: Access) -> HttpResponse:
    course, problem = access.course, ""
    try:
        before = whole_rule(course)
    except RuleViolation as violation:
        before, problem = AllBlock(), str(violation.message)
    draft = RuleDraft.sent(request.POST) if request.method == "POST" else RuleDraft.of_rule(before)
    known = facts_of_course(course)
    reason = request.POST.get("reason", "")
    context: dict[str, Any] = {
        "access": access, "course": course, "draft": draft, "known": known, "kinds": KINDS.items(), "reason": reason,
        "taken": request.POST.getlist("take"),
    }  # fmt: skip
    draft.look_up(known)
    seen = seal_of_shown(dump(before))
    # Only who was told what holds by now has seen it.
    sent = request.POST.get("seen", seen)
    if request.POST.get(DO):
        draft.change(request.POST[DO], request.POST.dict())
    elif request.method == "POST":
        try:
            if request.POST.get("seen", seen) != seen:
                sent = seen
                raise _changed_meanwhile(course, before, known)
            rule = draft.rule()
            effect = effect_of(course=course, rule=rule, now=access.now)
            preview = preview_of(request.POST, (dump(before), dump(rule), effect.seal))
            said = [say_block(part, known) for part in rule.parts]
            counts = [(LABELS[state], *both) for state, both in effect.counts.items() if any(both)]
            context |= {"effect": effect, "preview": preview, "said": said, "counts": counts}
            if preview.is_agreed:
                return _hold(request, access, rule)
        except RuleViolation as violation:
            problem = str(violation.message)
    context |= {"problem": problem, "seen": sent}
    return render(request, "exams/rule.html", context, status=422 if problem and request.method == "POST" else 200)


def _changed_meanwhile(course: Course, rule: AllBlock, known: Facts) -> RuleViolation:
    by, _said = last_change(exam_rules(course), "rule") or (None, "")
    parts = "; ".join(str(say_block(part, known)) for part in rule.parts)
    said = _(
        "%(name)s changed the rule meanwhile. It asks now: %(rule)s. If yours is to hold, show again what it would do."
    )
    return RuleViolation(said % {"name": by or _("Somebody"), "rule": parts or "–"}, code=CODE)


def _hold(request: HttpRequest, access: Access, rule: AllBlock) -> HttpResponse:
    by = user_or_none(request)
    assert by is not None  # noqa: S101 - who is signed in
    taking_back = [primary_key(key) for key in request.POST.getlist("take")]
    reason = request.POST.get("reason", "")
    count = set_rule(course=access.course, rule=rule, by=by, now=access.now, taking_back=taking_back, reason=reason)
    said = ngettext(
        "The rule holds from now on. %(count)d admission was taken back; the person is told.",
        "The rule holds from now on. %(count)d admissions were taken back; the people are told.",
        count,
    )
    messages.success(request, said % {"count": count} if count else _("The rule holds from now on."))
    return redirect("exams:rule", access.course.slug)
