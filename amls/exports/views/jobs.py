"""An export's page: how far it is, its file, or why it failed."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from amls.core.request import htmx_of, now_of
from amls.core.violations import RuleViolation
from amls.courses.access import access_to
from amls.courses.accounts import user_of, user_or_none
from amls.exports.kinds import kinds
from amls.exports.models import Export
from amls.exports.services import may_have, retry_export
from amls.exports.views.offer import serve_export


def _load(request: HttpRequest, pk: UUID) -> Export:
    export = get_object_or_404(Export.objects.select_related("course", "requested_by"), pk=pk)
    if not may_have(export, user_or_none(request), now=now_of(request)):
        raise Http404
    if export.course is not None:
        timezone.activate(export.course.zone)
    return export


@require_safe
@never_cache
def show(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The page of one export; htmx asks for the part that changes until it is ready."""
    export = _load(request, pk)
    course = export.course
    context = {"export": export, "kind": kinds[export.kind], "course": course, "States": Export.State}
    context["access"] = access_to(request, course) if course is not None else None
    is_part = bool(htmx_of(request))
    response = render(request, "exports/_progress.html" if is_part else "exports/export.html", context)
    # 286 tells htmx to stop asking.
    if is_part and not export.is_pending:
        response.status_code = 286
    return response


@require_POST
def retry(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Try again what failed."""
    export = _load(request, pk)
    try:
        retry_export(export=export, now=now_of(request))
    except RuleViolation as violation:
        messages.info(request, str(violation.message))
    return redirect(export)


@require_safe
def download(request: HttpRequest, pk: UUID, filename: str) -> HttpResponseBase:
    """The file, to whom it was made for."""
    export = _load(request, pk)
    if export.state != Export.State.DONE:
        return redirect(export)
    return serve_export(request, export)


@login_required
@require_safe
@never_cache
def mine(request: HttpRequest) -> HttpResponse:
    """What was made for me in the last week."""
    user, now = user_of(request), now_of(request)
    made = Export.objects.of_person(user).filter(expires_at__gt=now).select_related("course", "requested_by")
    rows = [(row, kinds[row.kind].label) for row in made if may_have(row, user, now=now)]
    return render(request, "exports/mine.html", {"rows": rows})
