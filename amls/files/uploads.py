"""Uploads as they come in: one that grows too large, or that the disk can't take, is stopped while it is read."""

from __future__ import annotations

import errno
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, Any, NoReturn, TypeVar

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, TemporaryFileUploadHandler
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.shortcuts import render
from django.utils.translation import gettext as _

from amls.core.sizes import say_size
from amls.core.unsent import came_from
from amls.files.checks import clean_filename

logger = logging.getLogger(__name__)

_CHUNK = 256 * 1024
# What stands in a request beside its files, at most.
_FIELDS = settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1024**2
# How many of the largest files fit into a request to an address that does not say itself what it takes.
_USUAL_FILES = 2

View = TypeVar("View", bound=Callable[..., Any])


class UploadRefused(MultiPartParserError):
    """The body of a request is not read on; `UploadLimitMiddleware` says why."""


def upload_limit(request: HttpRequest) -> int:
    """Return how many bytes one file of this request may have: staff bring recordings."""
    is_staff = bool(getattr(getattr(request, "user", None), "is_staff", False))
    ours: int = settings.MAX_UPLOAD_BYTES
    return max(ours, settings.MAX_MATERIAL_BYTES) if is_staff else ours


@dataclass(frozen=True, slots=True)
class FormBounds:
    """What a view's form says of its files.

    Attributes:
        most_bytes: of all of them together.
        of_one: bytes of one file, so that whoever is stopped before reads the same.
    """

    most_bytes: int
    of_one: int


def takes_files(bounds: Callable[..., FormBounds | None]) -> Callable[[View], View]:
    """Say, as a decorator of a view, how many bytes the files of one request may have.

    Args:
        bounds: called like the view, before the body is read; None where it has no such form.
    """

    def mark(view: View) -> View:
        view.amls_form_bounds = bounds  # type: ignore[attr-defined]
        return view

    return mark


@dataclass(frozen=True, slots=True)
class RequestBounds:
    """What one request may bring.

    Attributes:
        of_one: bytes of one file.
        said: what the page's form says of one file: at most that.
        most_bytes: of all files together; None for the staff: as many as they like.
    """

    of_one: int
    said: int
    most_bytes: int | None

    @classmethod
    def of(cls, request: HttpRequest) -> RequestBounds:
        """Return that of a request whose body is not read yet."""
        user, ours = getattr(request, "user", None), upload_limit(request)
        if user is None or not user.is_authenticated:
            return cls(ours, ours, 0)
        form = _form_bounds(request)
        said = ours if form is None else min(ours, form.of_one)
        usual: int = _USUAL_FILES * settings.MAX_UPLOAD_BYTES
        return cls(ours, said, None if user.is_staff else max(usual, form.most_bytes if form is not None else 0))


def _form_bounds(request: HttpRequest) -> FormBounds | None:
    match = request.resolver_match
    asked = getattr(match.func, "amls_form_bounds", None) if match is not None else None
    if asked is None or match is None:
        return None
    bounds: FormBounds | None = asked(request, *match.args, **match.kwargs)
    return bounds


def refuse(request: HttpRequest, *, status: int, message: str) -> UploadRefused:
    """Note on the request what the answer will be, and return what to raise while its body is read."""
    for handler in request.upload_handlers:
        # Closing a file may try once more to write what a full disk did not take.
        with suppress(OSError):
            handler.upload_interrupted()
    request.amls_refused_upload = (status, message)  # type: ignore[attr-defined]
    return UploadRefused(message)


class LimitedUploadHandler(FileUploadHandler):
    """Stands before Django's handlers and counts; what it lets through they keep."""

    request: HttpRequest

    def handle_raw_input(
        self,
        input_data: IO[bytes],
        META: dict[str, Any],  # noqa: N803 - Django's name
        content_length: int,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        """Remember where the body comes from, and what its sender may send.

        Raises:
            UploadRefused: the request says itself that it is larger than that.
        """
        bounds = RequestBounds.of(self.request)
        self._body, self._received = input_data, 0
        self._limit, self._said, self._total = bounds.of_one, bounds.said, bounds.most_bytes
        if self._total and content_length > self._total + _FIELDS:
            # Known before the first byte: nothing of it is written to the disk.
            self._stop_all(self._total)
        if not connection.in_atomic_block:
            # Who it is was asked of the database: a slow upload must not keep one of the few connections for itself.
            connection.close()

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """Let a file begin.

        Raises:
            UploadRefused: nobody is signed in.
        """
        super().new_file(*args, **kwargs)
        if self._total == 0:
            message = _(
                "'%(name)s' was not taken, because you are not signed in. "
                "Nothing was kept. Sign in, go back to the page and upload it again."
            )
            self._stop(message % {"name": clean_filename(self.file_name or "")})

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        """Pass a piece on, unless the file, or all files together, are larger than allowed with it.

        Raises:
            UploadRefused: they are.
        """
        self._received += len(raw_data)
        if start + len(raw_data) > self._limit:
            message = _(
                "'%(name)s' is larger than %(limit)s, the most that one file may have here. "
                "Nothing was kept. Make it smaller and upload it again."
            )
            self._stop(message % {"name": clean_filename(self.file_name or ""), "limit": say_size(self._said)})
        if self._total is not None and self._received > self._total:
            self._stop_all(self._total)
        return raw_data

    def file_complete(self, file_size: int) -> UploadedFile[Any] | None:
        """Leave the file to the next handler."""
        return None

    def _stop_all(self, limit: int) -> NoReturn:
        message = _(
            "Your files have more than %(limit)s together, the most that can be sent at once here. "
            "Nothing was kept. Send fewer of them, or make them smaller."
        )
        self._stop(message % {"limit": say_size(limit)})

    def _stop(self, message: str) -> NoReturn:
        self._read_on()
        raise refuse(self.request, status=413, message=message)

    def _read_on(self) -> None:
        # Browsers show an answer only after they have sent everything. What is left is thrown away, up to
        # as much again as a file may have; beyond that the connection is simply closed.
        left = self._limit
        while left > 0 and (piece := self._body.read(min(_CHUNK, left))):
            left -= len(piece)


class CarefulTemporaryFileUploadHandler(TemporaryFileUploadHandler):
    """Django's handler of large files, which says so when the disk is full."""

    request: HttpRequest

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        """Keep a piece.

        Raises:
            UploadRefused: there is no room for it.
        """
        try:
            super().receive_data_chunk(raw_data, start)
            self.file.flush()
        except OSError as error:
            raise _no_room(self.request, error, self.file_name) from error
        return None

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """Make room for a file.

        Raises:
            UploadRefused: there is none.
        """
        try:
            super().new_file(*args, **kwargs)
        except OSError as error:
            raise _no_room(self.request, error, self.file_name) from error


def _no_room(request: HttpRequest, error: OSError, name: str | None) -> Exception:
    if error.errno not in (errno.ENOSPC, errno.EDQUOT):
        return error
    logger.error("The disk with the temporary files of uploads is full.")
    message = _(
        "'%(name)s' could not be received: the server's disk is full. Nothing was kept; tell whoever runs this installation."
    ) % {"name": clean_filename(name or "")}
    return refuse(request, status=507, message=message)


class UploadLimitMiddleware:
    """Answers requests whose upload was refused; the innermost, so that the page knows language and person."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Put the words in the place of whatever came of a body that was not read."""
        response = self.get_response(request)
        refused: tuple[int, str] | None = getattr(request, "amls_refused_upload", None)
        if refused is None:
            return response
        status, message = refused
        # The page with the form: browsers go back to it with everything that was typed.
        context = {"message": message, "back": came_from(request) or "/"}
        return render(request, "refused_upload.html", context, status=status)
