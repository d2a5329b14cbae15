"""Pages of the desk that join what the apps know: what is found, and one page for each person."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from amls.core.request import htmx_of, now_of
from amls.courses.accounts import user_of
from amls.courses.models import Enrolment
from amls.desk.chosen_course import chosen_course, courses_of
from amls.grading.notes import keep_note, note_field
from amls.portal.desk.person import accommodation_of, exams_of, history_of, mails_to, sign_in_of, teams_of
from amls.portal.desk.search import find_at_desk
from amls.portal.gradebook.columns import columns_of
from amls.portal.gradebook.rows import lines_of
from amls.portal.gradebook.standings import standing_of


@require_safe
@never_cache
def search(request: HttpRequest) -> HttpResponse:
    """Show what is found at the desk: as a page, or as the part of it that is asked for while somebody types."""
    typed = request.GET.get("q", "").strip()
    chosen = chosen_course(request)
    kinds = find_at_desk(typed, courses=courses_of(request), chosen=chosen)
    context = {"typed": typed, "kinds": kinds, "chosen": chosen}
    if htmx_of(request):
        return TemplateResponse(request, "admin/_hits.html", context)
    title = _("Search the desk")
    return TemplateResponse(
        request, "admin/search.html", {**admin.site.each_context(request), "title": title, **context}
    )


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def person(request: HttpRequest, pk: int) -> HttpResponse:
    """Show all that the staff of a course know of somebody in it, and let their note be changed.

    Raises:
        Http404: there is nobody of this key in a course that the person teaches.
    """
    rows = Enrolment.objects.filter(course__in=courses_of(request)).select_related(
        "user", "course", "person_note__written_by"
    )
    enrolment = rows.filter(pk=pk).first()
    if enrolment is None:
        raise Http404
    now = now_of(request)
    timezone.activate(enrolment.course.zone)
    field = note_field(getattr(enrolment, "person_note", None))
    if request.method == "POST":
        field = keep_note(enrolment=enrolment, sent=request.POST, by=user_of(request), now=now)
        if not field.problem:
            messages.success(request, _("Saved."))
            return redirect("desk_person", pk)
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        **_standing(enrolment, now),
        "title": str(enrolment.user),
        "person": enrolment,
        "elsewhere": rows.filter(user=enrolment.user).exclude(pk=pk),
        "teams": teams_of(enrolment),
        "registrations": exams_of(enrolment),
        "accommodation": accommodation_of(enrolment),
        "mails": mails_to(enrolment),
        "sign_in": sign_in_of(enrolment),
        "events": history_of(enrolment),
        "note": field,
        "problem": field.problem,
        "now": now,
    }
    return TemplateResponse(request, "admin/person.html", context, status=422 if field.problem else 200)


def _standing(enrolment: Enrolment, now: datetime) -> dict[str, Any]:
    """Return how a student stands; staff have no points."""
    if enrolment.is_staff:
        return {}
    columns = columns_of(enrolment.course)
    row = standing_of(enrolment, now=now, columns=columns)
    return {"row": row, **lines_of(row, columns)}
