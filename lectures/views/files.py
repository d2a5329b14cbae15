"""A material's file and the pictures of its pages, for those who may open it."""

import hashlib

from django.db.models.fields.files import FieldFile
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_safe

from amls.courses.access import Access, open_course
from amls.courses.accounts import user_or_none
from amls.courses.models import Audience
from amls.files.serving import ServedFile, serve_file
from amls.files.versions import served_version
from lectures.counts import note_download
from lectures.models import Material, MaterialFile, Passage


@require_safe
def material(request: HttpRequest, slug: str, pk: int, filename: str) -> HttpResponseBase:
    """Send the newest version; the name of an older one leads to it."""
    access = open_course(request, slug)
    material, current = _open(access, pk)
    if filename != current.filename:
        address = reverse("lectures:material", args=[slug, pk, current.filename])
        return redirect(f"{address}?download" if "download" in request.GET else address)
    response = serve_file(request, served_version(current, is_public=_is_public(access, material)))
    if _is_download(request, material, response):
        note_download(file=current, user=user_or_none(request), now=access.now)
    return response


@require_safe
def slide(request: HttpRequest, slug: str, pk: int, number: int) -> HttpResponseBase:
    """Send the picture of a page."""
    return _picture(request, slug, pk, number, is_small=False)


@require_safe
def thumb(request: HttpRequest, slug: str, pk: int, number: int) -> HttpResponseBase:
    """Send the small picture of a page."""
    return _picture(request, slug, pk, number, is_small=True)


def _open(access: Access, pk: int) -> tuple[Material, MaterialFile]:
    """Return a material and its newest version.

    Raises:
        Http404: there is none, or the person may not open it.
    """
    visible = Material.objects.visible_to(access.enrolment, now=access.now, is_manager=access.is_manager)
    material = visible.filter(lecture__course=access.course).select_related("current").filter(pk=pk).first()
    if material is None or material.current is None:
        raise Http404
    return material, material.current


def _is_public(access: Access, material: Material) -> bool:
    return material.audience == Audience.PUBLIC and access.course.state != access.course.State.DRAFT


def _is_download(request: HttpRequest, material: Material, response: HttpResponseBase) -> bool:
    """Return whether this is the first piece of a file that somebody asked for: players load theirs by themselves."""
    if request.method != "GET" or response.status_code not in (200, 206):
        return False
    if material.kind in (Material.Kind.MP4, Material.Kind.CAPTIONS) and "download" not in request.GET:
        return False
    return request.headers.get("Range", "bytes=0-").startswith("bytes=0-")


def _picture(request: HttpRequest, slug: str, pk: int, number: int, *, is_small: bool) -> HttpResponseBase:
    access = open_course(request, slug)
    material, current = _open(access, pk)
    passage = Passage.objects.filter(file=current, number=number).defer("vector", "text", "cues").first()
    picture: FieldFile | None = (passage.thumb if is_small else passage.image) if passage is not None else None
    if not picture or not picture.name:
        raise Http404
    served = ServedFile(
        name=picture.name,
        filename=f"{current.filename.rsplit('.', 1)[0]}-{number}.webp",
        content_type="image/webp",
        size=None,
        # Its name is random and never used again: what it names is always the same.
        sha256=hashlib.sha256(picture.name.encode()).hexdigest(),
        changed_at=current.uploaded_at,
        is_inline_safe=True,
        is_public=_is_public(access, material),
    )
    response = serve_file(request, served)
    if request.GET.get("v") == str(current.version):
        # The address names the version: within the hour a browser need not ask again.
        response.headers["Cache-Control"] = "private, max-age=3600"
    return response
