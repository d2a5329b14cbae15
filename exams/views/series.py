"""The staff's page that plans many oral exams in one act: typed, shown, agreed to, and taken back if it was a mistake."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core import signing
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from amls.core.preview import AGREED, SEAL, preview_of
from amls.core.sent_twice import SentTwice, add_once, token_of
from amls.core.violations import RuleViolation, add_violation
from amls.courses.access import Access, open_course_as_manager
from amls.courses.services import quietly
from exams.seriesform import OralSeriesForm
from exams.services.series import (
    MOST_SLOTS,
    OralSeries,
    plan_oral_exams,
    preview_oral_exams,
    say_taken_back,
    take_slots_back,
)

_SALT = "exams.series"
_SECONDS = 3600
# What the form sends to tell nobody.
QUIET = "_quiet"


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def plan_oral(request: HttpRequest, slug: str) -> HttpResponse:
    """Ask for a series of oral exams; show each slot of it, and make them once that was seen."""
    access = open_course_as_manager(request, slug)
    form = OralSeriesForm(request.POST if request.method == "POST" else None, zone=access.course.zone)
    context: dict[str, Any] = {}
    if form.is_bound and form.is_valid():
        try:
            with quietly(is_wanted=QUIET in request.POST):
                planned = preview_oral_exams(course=access.course, series=form.series(), now=access.now)
                preview = preview_of(request.POST, planned.shown)
                if preview.is_agreed:
                    return _make(request, access, form.series())
            days = groupby(planned.slots, key=lambda slot: slot.exam.starts_at.astimezone(access.course.zone).date())
            context |= {
                "planned": planned,
                "changes": [(access.course, change) for change in planned.changes],
                "preview": preview,
                "days": [(slots[0].exam.starts_at, slots) for slots in (list(of_day) for _day, of_day in days)],
                "overlapping": [slot for slot in planned.slots if slot.against],
            }
        except RuleViolation as violation:
            add_violation(form, violation)
    context |= {"access": access, "course": access.course, "tab": "exams", "form": form, "most": MOST_SLOTS}
    context["once"] = token_of(request)
    return render(request, "exams/plan_oral.html", context, status=422 if form.errors else 200)


def _make(request: HttpRequest, access: Access, series: OralSeries) -> HttpResponse:
    try:
        with transaction.atomic():
            add_once(request, but=(AGREED, SEAL))
            exams, _changes = plan_oral_exams(course=access.course, series=series, now=access.now)
    except SentTwice as violation:
        messages.info(request, str(violation.message))
        return redirect("exams:exams", access.course.slug)
    said = ngettext("%(count)d oral exam is planned.", "%(count)d oral exams are planned.", len(exams))
    token = signing.dumps([exam.pk for exam in exams], salt=_SALT, compress=True)
    undo = reverse("exams:plan_oral_undo", args=[access.course.slug])
    messages.success(request, said % {"count": len(exams)}, extra_tags=f"at 0 {undo} {token}")
    return redirect("exams:exams", access.course.slug)


@login_required
@require_POST
def undo_plan(request: HttpRequest, slug: str) -> HttpResponse:
    """Remove the slots that were planned within the last hour, but those on whose list somebody stands by now."""
    access = open_course_as_manager(request, slug)
    try:
        made = signing.loads(request.POST.get("token", ""), salt=_SALT, max_age=_SECONDS)
    except signing.BadSignature:
        messages.error(request, _("This is too long ago to be taken back here. Delete the dates at the desk."))
    else:
        gone, kept = take_slots_back(course=access.course, exam_pks=made, now=access.now)
        messages.success(request, say_taken_back(gone, kept))
    return redirect("exams:exams", access.course.slug)
