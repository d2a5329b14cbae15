"""The page on which assignments are given extra points: steps, what they would do to whom, and the button by which they hold."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from amls.core.meanwhile import CODE
from amls.core.preview import preview_of, seal_of_shown
from amls.core.violations import RuleViolation
from amls.courses.access import Access, open_course_as_manager
from amls.courses.accounts import user_or_none
from amls.courses.services import holding
from amls.desk.history import last_change
from amls.grading.extra import dump_extra
from amls.grading.facts import facts_of_course
from exams.extraform import ExtraPointsForm
from exams.extrapoints import extra_rule_of
from exams.queries import exam_rules
from exams.services.extra import effect_of_extra, set_extra_points


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def extra_points(request: HttpRequest, slug: str) -> HttpResponse:
    """Show from how many percent on assignments give how many extra points; show what a change would do, then let it hold."""
    access = open_course_as_manager(request, slug)
    if request.method != "POST":
        return _show(request, access)
    with holding(access.course):
        return _show(request, access)


def _show(request: HttpRequest, access: Access) -> HttpResponse:
    course, problem = access.course, ""
    rules, before = exam_rules(course), extra_rule_of(course)
    stands = (dump_extra(before), rules.max_extra_points)
    form = ExtraPointsForm(request.POST if request.method == "POST" else None, rule=before, most=rules.max_extra_points)
    seen = sent = seal_of_shown(stands)
    pieces = [piece for piece in facts_of_course(course).pieces.values() if piece.counts and piece.most is not None]
    context: dict[str, Any] = {"access": access, "course": course, "form": form, "pieces": pieces}
    if request.method == "POST":
        sent = request.POST.get("seen", seen)
        try:
            if sent != seen:
                # Whoever sends it again was told of it.
                sent = seen
                by, _said = last_change(rules, "extra_points_rule") or (None, "")
                said = _("%(name)s changed this meanwhile. Look at your steps, and show again what they would do.")
                raise RuleViolation(said % {"name": by or _("Somebody")}, code=CODE)
            if form.is_valid():
                rule, most = form.rule(), form.cleaned_data["most"]
                effect = effect_of_extra(course=course, rule=rule, most=most, now=access.now)
                preview = preview_of(request.POST, (stands, dump_extra(rule), most, effect.seal))
                if preview.is_agreed:
                    set_extra_points(course=course, rule=rule, most=most, by=user_or_none(request), now=access.now)
                    messages.success(request, _("The extra points are as shown from now on."))
                    return redirect("exams:extra", course.slug)
                context |= {"effect": effect, "preview": preview}
        except RuleViolation as violation:
            problem = form.refuse(violation)
    context |= {"problem": problem, "seen": sent}
    is_refused = request.method == "POST" and "effect" not in context
    return render(request, "exams/extra_points.html", context, status=422 if is_refused else 200)
