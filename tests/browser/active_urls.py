"""Files that would run scripts if they could, sent as a stored file is, but to be opened and not only downloaded."""

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.urls import path
from django.utils import timezone

from amls.files.serving import ServedFile, serve_file

# What is there before a script runs, and what one makes of it: its own, or another file of the site.
FILES = {
    "page.html": (
        "text/html",
        (
            '<p id="said">kept</p><script>document.getElementById("said").textContent = "ran"</script>'
            '<script src="/script.js"></script>'
        ),
    ),
    "drawing.svg": (
        "image/svg+xml",
        (
            '<svg xmlns="http://www.w3.org/2000/svg"><text id="said" y="20">kept</text>'
            '<script>document.getElementById("said").textContent = "ran"</script><script href="/script.js"/></svg>'
        ),
    ),
}
CHANGED_AT = timezone.now()
answered: list[int] = []


def active(request: HttpRequest, name: str, *, is_inline_safe: bool) -> HttpResponseBase:
    """Send a file as `serve_file` does, less the word that it is a download."""
    kind, content = FILES[name]
    where = f"active/{name}"
    if not default_storage.exists(where):
        settings.MEDIA_ROOT.mkdir(parents=True, exist_ok=True)
        default_storage.save(where, ContentFile(content.encode()))
    response = serve_file(
        request,
        ServedFile(
            name=where, filename=name, content_type=kind, size=len(content), sha256=f"{len(content):064d}",
            changed_at=CHANGED_AT, is_inline_safe=is_inline_safe, is_public=False,
        ),
    )  # fmt: skip
    response.headers.pop("Content-Disposition", None)
    answered.append(response.status_code)
    return response


def script(_request: HttpRequest) -> HttpResponse:
    """A script of the site itself, which its pages may run."""
    said = 'document.getElementById("said").textContent = "ran"'
    return HttpResponse(said, content_type="text/javascript")


def frame(_request: HttpRequest, address: str) -> HttpResponse:
    """A page of the site that shows another in a frame."""
    if not address.startswith(("files/", "admin/")):
        raise Http404
    return HttpResponse(f'<iframe name="reading" src="/{address}"></iframe>')


urlpatterns = [
    path("script.js", script),
    path("frame/<path:address>", frame),
    *(
        path(f"{prefix}{kind}/<name>", active, {"is_inline_safe": kind == "own"})
        for prefix in ("files/", "admin/")
        for kind in ("handed-in", "own")
    ),
]
