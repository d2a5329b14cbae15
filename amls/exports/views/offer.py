"""A document at an address of its own: served if it is made, else a page that offers to make it."""

from collections.abc import Mapping
from typing import Any

from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render

from amls.core.request import now_of
from amls.core.violations import RuleViolation
from amls.courses.access import access_to
from amls.courses.accounts import user_or_none
from amls.courses.models import Course
from amls.exports.kinds import kinds
from amls.exports.models import Export
from amls.exports.services import find_export, make_order, request_export
from amls.files.serving import ServedFile, serve_file


def document(
    request: HttpRequest, *, kind: str, course: Course | None = None, parameters: Mapping[str, Any] | None = None
) -> HttpResponseBase:
    """Return a document for a view at its own address.

    GET and HEAD serve the file where it is made already, lead to its page while it is
    being made or where there is something to know of the file, and else show a page with a button; they write nothing. POST orders it and
    leads to the page with its progress.

    Raises:
        Http404: the person may not have it.
    """
    order = make_order(kind=kind, now=now_of(request), user=user_or_none(request), course=course, parameters=parameters)
    if not kinds[kind].allows(order):
        raise Http404
    if request.method == "POST":
        try:
            return redirect(request_export(order=order))
        except RuleViolation as violation:
            raise Http404 from violation
    export = find_export(order=order)
    if export is not None and export.state == Export.State.DONE and not export.remark:
        return serve_export(request, export)
    if export is not None and export.state != Export.State.FAILED:
        return redirect(export)
    context = {"kind": kinds[kind], "course": course, "access": access_to(request, course) if course else None}
    response = render(request, "exports/offer.html", context)
    response.headers["Cache-Control"] = "private, no-store"
    return response


def serve_export(request: HttpRequest, export: Export) -> HttpResponseBase:
    """Return the file of an export that is ready; the caller has seen to permission."""
    media = kinds[export.kind].media
    assert export.finished_at is not None  # noqa: S101 - a constraint says so
    return serve_file(
        request,
        ServedFile(
            name=export.file.name or "",
            filename=export.filename,
            content_type=media.content_type,
            size=export.bytes,
            sha256=export.sha256,
            changed_at=export.finished_at,
            is_inline_safe=media.is_inline_safe,
            is_public=False,
        ),
    )
