"""Downloads as browsers, players and download managers expect them (RFC 9110, 13 and 14)."""

import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import IO, TypeVar
from urllib.parse import quote

from django.conf import settings
from django.core.files.storage import default_storage
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.utils.cache import get_conditional_response
from django.utils.http import content_disposition_header, http_date

from amls.files.missing import tell_of_missing

Guarded = TypeVar("Guarded", bound=HttpResponseBase)
logger = logging.getLogger(__name__)

_CHUNK = 256 * 1024
# What a storage that can fetch a part of a file has as `read_range`.
ReadsRanges = Callable[[str, range], Iterator[bytes]]
# Longer numbers than any file has bytes are none: the whole is sent.
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
# Nothing in an uploaded file may run as this site. PDF viewers of browsers need the frame's own
# document unsandboxed, so that PDFs get a policy without the sandbox.
SANDBOX = "sandbox; default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'"
PDF_POLICY = "default-src 'none'; object-src 'self'; plugin-types application/pdf; frame-ancestors 'self'"
_MEDIA_POLICY = (
    "default-src 'none'; media-src 'self'; img-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'self'"
)


@dataclass(frozen=True, slots=True)
class ServedFile:
    """A stored file and what its answer says.

    Attributes:
        name: in the storage.
        filename: as people see it.
        size: in bytes; None where only the storage knows.
        is_inline_safe: whether a browser may show it within this site.
        is_public: whether shared caches may keep it.
    """

    name: str
    filename: str
    content_type: str
    size: int | None
    sha256: str
    changed_at: datetime
    is_inline_safe: bool
    is_public: bool


def serve_file(request: HttpRequest, file: ServedFile) -> HttpResponseBase:
    """Return the answer to a GET or HEAD: whole, one range (206), not modified (304), or 416.

    Where X_ACCEL_REDIRECT_PREFIX is set, the front server sends the bytes and sees to ranges.

    What the storage does not have at the moment, or does not give, is answered by 503 in words.
    """
    etag = f'"{file.sha256[:32]}"'
    changed = int(file.changed_at.timestamp())
    headers = _headers(request, file, etag, changed)
    fresh = get_conditional_response(request, etag=etag, last_modified=changed, response=HttpResponse(headers=headers))
    if fresh is not None and fresh.status_code in (304, 412):
        return guarded(fresh, headers["Content-Security-Policy"])
    if settings.X_ACCEL_REDIRECT_PREFIX:
        if not default_storage.exists(file.name):
            logger.error("A stored file is missing: %s", file.name)
            return _away(request, file)
        path = f"{settings.X_ACCEL_REDIRECT_PREFIX.rstrip('/')}/{quote(file.name)}"
        return HttpResponse(headers={**headers, "X-Accel-Redirect": path})
    return _send(request, file, headers, etag, changed)


def _headers(request: HttpRequest, file: ServedFile, etag: str, changed: int) -> dict[str, str]:
    is_download = "download" in request.GET or not file.is_inline_safe
    policy = SANDBOX
    if file.is_inline_safe:
        policy = PDF_POLICY if file.content_type == "application/pdf" else _MEDIA_POLICY
    return {
        "Content-Type": file.content_type,
        "Content-Disposition": content_disposition_header(is_download, file.filename) or "attachment",
        "ETag": etag,
        "Last-Modified": http_date(changed),
        "Accept-Ranges": "bytes",
        "Cache-Control": "public, no-cache" if file.is_public else "private, no-cache",
        **_guards(policy),
    }


def _guards(policy: str) -> dict[str, str]:
    return {
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "SAMEORIGIN",
        "Content-Security-Policy": policy,
        "Cross-Origin-Resource-Policy": "same-origin",
    }


def guarded(response: Guarded, policy: str) -> Guarded:
    """Return an answer with what protects people from a file.

    Each answer about a file needs it, also one without a body: else middlewares give it the site's own policy, and
    what a 304 says browsers take for the file that they have kept (RFC 9110, 15.4.5; RFC 9111, 4.3.4).
    """
    for name, value in _guards(policy).items():
        response.headers[name] = value
    return response


def _send(request: HttpRequest, file: ServedFile, headers: dict[str, str], etag: str, changed: int) -> HttpResponseBase:
    try:
        size = default_storage.size(file.name) if file.size is None else file.size
        asked = _asked_range(request, size, etag, changed)
        if asked is not None and not asked:
            unmet = {"Content-Range": f"bytes */{size}", "Content-Type": "text/plain; charset=utf-8"}
            return guarded(HttpResponse(status=416, headers=unmet), headers["Content-Security-Policy"])
        window = asked or range(size)
        pieces = _pieces(file.name, window if request.method == "GET" else range(0))
    except OSError:
        logger.exception("A stored file can't be read: %s", file.name)
        return _away(request, file)
    headers["Content-Length"] = str(len(window))
    if asked:
        headers["Content-Range"] = f"bytes {window.start}-{window.stop - 1}/{size}"
    status = 206 if asked else 200
    if request.method == "HEAD":
        return HttpResponse(status=status, headers=headers)
    return StreamingHttpResponse(pieces, status=status, headers=headers)


def _away(request: HttpRequest, file: ServedFile) -> HttpResponse:
    """Say that a file is not here at the moment: never 'not found', which clients remember, and never 'damaged'."""
    tell_of_missing()
    response = render(request, "files/away.html", {"filename": file.filename}, status=503)
    response.headers["Retry-After"] = "60"
    response.headers["Cache-Control"] = "no-store"
    return response


def _asked_range(request: HttpRequest, size: int, etag: str, changed: int) -> range | None:
    """Return the one range asked for; None for the whole file; an empty range if it can't be met."""
    match = _RANGE.fullmatch(request.headers.get("Range", "").replace(" ", ""))
    if match is None or not any(match.groups()):
        # Several ranges or another unit: a server may send the whole (RFC 9110, 14.2).
        return None
    condition = request.headers.get("If-Range")
    if condition is not None and condition not in (etag, http_date(changed)):
        return None
    first, last = match.groups()
    if not first:
        length = min(int(last), size)
        return range(size - length, size)
    stop = min(int(last), size - 1) + 1 if last else size
    if last and int(last) < int(first):
        return None
    return range(int(first), stop) if int(first) < size else range(0)


def _pieces(name: str, window: range) -> Iterator[bytes]:
    """Return the bytes of a stored file from a window of it.

    Raises:
        FileNotFoundError: the storage doesn't have it.
        OSError: the storage can't be read.
    """
    ranged: ReadsRanges | None = getattr(default_storage, "read_range", None)
    if ranged is not None:
        return ranged(name, window)
    stream = default_storage.open(name, "rb")
    return _chunks(stream.file or stream, window)


def _chunks(stream: IO[bytes], window: range) -> Iterator[bytes]:
    with stream:
        stream.seek(window.start)
        left = len(window)
        while left > 0:
            chunk = stream.read(min(_CHUNK, left))
            if not chunk:
                return
            left -= len(chunk)
            yield chunk
