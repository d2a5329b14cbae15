"""Pages and feeds rendered once per revision, then answered from memory.

A view marks an answer with `cacheable()`. The middleware keeps it in this process and
gives it again, after one query for the revisions that it was made of, until one of them
changes or the next time boundary passes. It stands before sessions, languages and
security headers: what it keeps is the whole answer with all its headers.
"""

import gzip
import hashlib
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

import brotli
from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response
from django.utils.translation import get_language_from_request

from amls.core.request import now_of
from amls.courses.models import Course, Enrolment
from amls.pagecache.boundaries import next_boundary

OnAnswer = Callable[[HttpRequest], None]
# What was asked: scheme, host, path and query, 'part' or nothing, and the language where it matters.
Key = tuple[str, ...]

# What is asked with more characters than any address of ours is answered, but not kept; nor are such headers.
_LONGEST_KEY = 1000
_LONGEST_HEADER = 200
# Below this many bytes compression costs more than it saves.
_WORTH_COMPRESSING = 600
_COURSE_STAMP = "SELECT revision FROM courses_course WHERE id = %s"
# How many courses a person has shows in the titles of their dates.
_ENROLMENT_STAMP = (
    "SELECT c.revision, e.revision, ("
    "SELECT count(*) FROM courses_enrolment o JOIN courses_course oc ON oc.id = o.course_id AND oc.state = 'running'"
    " WHERE o.user_id = e.user_id) FROM courses_enrolment e"
    " JOIN courses_course c ON c.id = e.course_id"
    " JOIN courses_user u ON u.id = e.user_id AND u.is_active"
    " WHERE e.id = %s"
)


@dataclass(frozen=True, slots=True)
class Mark:
    """What `cacheable()` notes on a response for the middleware."""

    query: str
    pk: int
    stamp: tuple[int, ...]
    valid_until: datetime
    is_for_everyone: bool
    on_answer: OnAnswer | None


def cacheable(
    response: HttpResponse,
    *,
    course: Course,
    now: datetime,
    enrolment: Enrolment | None = None,
    is_for_everyone: bool = False,
    on_answer: OnAnswer | None = None,
) -> HttpResponse:
    """Let the answer to this GET be given again until something that it shows changes.

    It must hold no form token, nonce or live number. A page is kept for visitors without
    a session, per language.

    Args:
        response: the complete answer, status 200.
        course: as loaded before anything else was read for the answer, so that what is
            kept can only be fresher than its revision.
        now: the request's clock.
        enrolment: whose feed it is; then this person's revision counts too.
        is_for_everyone: the answer is the same with or without a session and in any
            language (feeds).
        on_answer: called each time that the kept answer is given.
    """
    if enrolment is None:
        query, pk = _COURSE_STAMP, course.pk
        stamp: tuple[int, ...] = (course.revision,)
    else:
        query, pk = _ENROLMENT_STAMP, enrolment.pk
        stamp = (course.revision, enrolment.revision, enrolment.course_count)
    valid_until = next_boundary(course, now)
    response.amls_mark = Mark(query, pk, stamp, valid_until, is_for_everyone, on_answer)  # type: ignore[attr-defined]
    return response


@dataclass(frozen=True, slots=True)
class KeptPage:
    """A rendered answer with its encodings."""

    mark: Mark
    headers: dict[str, str]
    bodies: dict[str, bytes]
    etag: str

    @classmethod
    def from_response(cls, response: HttpResponse, mark: Mark) -> "KeptPage":
        """Keep a response's body, compressed where that helps, and its headers."""
        body = response.content
        headers = dict(response.items())
        for name in ("Content-Length", "ETag"):
            headers.pop(name, None)
        bodies = {"": body}
        if headers.get("Content-Type", "").startswith("text/html") and len(body) > _WORTH_COMPRESSING:
            bodies["br"] = brotli.compress(body, mode=brotli.MODE_TEXT, quality=6)
            bodies["gzip"] = gzip.compress(body, mtime=0)
            vary = [value for value in headers.get("Vary", "").split(", ") if value]
            headers["Vary"] = ", ".join([*vary, "Accept-Encoding"])
        if mark.is_for_everyone:
            headers.pop("Vary", None)
            headers.pop("Content-Language", None)
        headers.setdefault("Cache-Control", "no-cache")
        digest = hashlib.sha256(body + headers.get("Content-Language", "").encode()).hexdigest()[:32]
        return cls(mark, headers, bodies, digest)

    @property
    def size(self) -> int:
        """Roughly how many bytes of memory it takes."""
        return sum(map(len, self.bodies.values())) + 2000

    def is_current(self, now: datetime) -> bool:
        """Return whether nothing that it shows has changed: one query, and none once its time is over."""
        if now >= self.mark.valid_until:
            return False
        with connection.cursor() as cursor:
            cursor.execute(self.mark.query, [self.mark.pk])
            return bool(cursor.fetchone() == self.mark.stamp)

    def answer(self, request: HttpRequest) -> HttpResponse:
        """Return the answer to `request`: 304 where the client has it already (RFC 9110, 13)."""
        accepted = request.META.get("HTTP_ACCEPT_ENCODING", "")
        encoding = next((name for name in ("br", "gzip") if name in self.bodies and name in accepted), "")
        etag = f'"{self.etag}-{encoding}"' if encoding else f'"{self.etag}"'
        body = self.bodies[encoding]
        response = HttpResponse(b"" if request.method == "HEAD" else body, headers=self.headers)
        response.headers["ETag"] = etag
        response.headers["Content-Length"] = str(len(body))
        if encoding:
            response.headers["Content-Encoding"] = encoding
        if self.mark.on_answer is not None:
            self.mark.on_answer(request)
        not_modified = get_conditional_response(request, etag=etag, response=response)
        return response if not_modified is None else not_modified


def _size_of(key: Key) -> int:
    """Return how many bytes of memory a key takes."""
    return sys.getsizeof(key) + sum(map(sys.getsizeof, key))


class Keepable(Protocol):
    """Something that is kept in memory."""

    @property
    def size(self) -> int:
        """Roughly how many bytes of memory it takes."""


K = TypeVar("K", bound=Keepable)


class PageStore:
    """The kept answers and parts of pages of this process, the least recently given dropped first."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self._pages: OrderedDict[Key, Keepable] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, key: Key, kind: type[K]) -> K | None:
        """Return what is kept for `key`, of the kind that is kept there."""
        with self._lock:
            page = self._pages.get(key)
            if not isinstance(page, kind):
                return None
            self._pages.move_to_end(key)
            return page

    def put(self, key: Key, page: Keepable) -> None:
        """Keep an answer or a part, within the bound on memory."""
        with self._lock:
            self._discard(key)
            self._pages[key] = page
            self._bytes += page.size + _size_of(key)
            while self._bytes > self.max_bytes and self._pages:
                self._discard(next(iter(self._pages)))

    def discard(self, key: Key) -> None:
        """Forget what is kept for `key`."""
        with self._lock:
            self._discard(key)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._pages.clear()
            self._bytes = 0

    def _discard(self, key: Key) -> None:
        page = self._pages.pop(key, None)
        if page is not None:
            self._bytes -= page.size + _size_of(key)


store = PageStore(settings.PAGE_CACHE_BYTES)


class PageCacheMiddleware:
    """Give a kept answer before any other work is done, and keep what views mark."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self._languages: dict[tuple[str, str], str] = {}

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer from memory where that is right."""
        part = "part" if request.META.get("HTTP_HX_REQUEST", "") == "true" else ""
        # The scheme and the host as sent: hosts that aren't allowed never get an answer to keep.
        where: Key = (request.scheme or "", request.META.get("HTTP_HOST", ""), request.get_full_path(), part)
        if request.method not in ("GET", "HEAD") or sum(map(len, where)) > _LONGEST_KEY:
            return self.get_response(request)
        now = now_of(request)
        is_personal = settings.SESSION_COOKIE_NAME in request.COOKIES or "messages" in request.COOKIES
        keys: list[Key] = [where] if is_personal else [where, (*where, self._language(request))]
        for key in keys:
            page = store.get(key, KeptPage)
            if page is not None:
                if page.is_current(now):
                    return page.answer(request)
                store.discard(key)
        response = self.get_response(request)
        mark: Mark | None = getattr(response, "amls_mark", None)
        if mark is None or response.status_code != 200 or response.cookies:
            return response
        if is_personal and not mark.is_for_everyone:
            return response
        if request.method == "HEAD" and not response.content:
            return response
        page = KeptPage.from_response(response, mark)
        store.put(where if mark.is_for_everyone else keys[-1], page)
        return page.answer(request)

    def _language(self, request: HttpRequest) -> str:
        asked = (
            request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, ""),
            request.META.get("HTTP_ACCEPT_LANGUAGE", ""),
        )
        language = self._languages.get(asked)
        if language is None:
            language = get_language_from_request(request)
            if len(self._languages) > 1000:
                self._languages.clear()
            if max(map(len, asked)) <= _LONGEST_HEADER:
                self._languages[asked] = language
        return language
