"""A material's file, for those who may open it."""

from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_safe

from amls.courses.access import open_course
from amls.courses.models import Audience
from amls.files.serving import ServedFile, serve_file
from lectures.models import Material
from lectures.services.materials import INLINE_SUFFIXES


@require_safe
def material(request: HttpRequest, slug: str, pk: int, filename: str) -> HttpResponseBase:
    """Send the newest version; the name of an older one leads to it."""
    access = open_course(request, slug)
    visible = Material.objects.visible_to(access.enrolment, now=access.now, is_manager=access.is_manager)
    found = visible.filter(lecture__course=access.course).select_related("current").filter(pk=pk).first()
    if found is None or found.current is None:
        raise Http404
    current = found.current
    if filename != current.filename:
        address = reverse("lectures:material", args=[slug, pk, current.filename])
        return redirect(f"{address}?download" if "download" in request.GET else address)
    served = ServedFile(
        name=current.file.name or "",
        filename=current.filename,
        content_type=current.content_type,
        size=current.size,
        sha256=current.sha256,
        changed_at=current.uploaded_at,
        is_inline_safe=any(current.filename.lower().endswith(suffix) for suffix in INLINE_SUFFIXES),
        is_public=found.audience == Audience.PUBLIC and access.course.state != access.course.State.DRAFT,
    )
    return serve_file(request, served)
