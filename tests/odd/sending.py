"""Requests as bytes, sent as somebody, judged, and taken back."""

from __future__ import annotations

import re
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import quote_from_bytes

import pytest
from django.core.cache import cache
from django.core.signals import got_request_exception
from django.db import connection, transaction
from django.http import QueryDict
from django.test import Client

from amls.pagecache import store as pagecache

_BOUNDARY = b"0dd1nput"
_TOKEN = "t" * 32
SAFE = ("GET", "HEAD", "OPTIONS")
# Who is signed in where is noted by every request.
_WRITTEN_BY_GET = ('"django_session"', '"usersessions_usersession"')
_WRITES = re.compile(r'\b(INSERT INTO|UPDATE "|DELETE FROM|TRUNCATE|COPY|MERGE INTO)\b')


@dataclass(frozen=True, slots=True)
class File:
    """A file of a form."""

    name: bytes
    content: bytes
    content_type: bytes = b"application/octet-stream"


Fields = Sequence[tuple[bytes, bytes | File]]


@dataclass(frozen=True, slots=True)
class Sent:
    """A request; what is odd about it is said in `what`."""

    what: str
    path: str
    method: str = "GET"
    query: Sequence[tuple[bytes, bytes]] = ()
    fields: Fields = ()
    is_multipart: bool = False
    # A content type and bytes instead of fields.
    body: tuple[str, bytes] | None = None
    headers: dict[str, str] = field(default_factory=dict)
    cookies: dict[str, str] = field(default_factory=dict)

    def address(self) -> str:
        """Return path and query."""
        return f"{self.path}?{_encoded(self.query)}" if self.query else self.path

    def content(self) -> tuple[str, bytes]:
        """Return the content type and the body."""
        if self.body is not None:
            return self.body
        if self.method in SAFE:
            return "", b""
        if self.is_multipart:
            return f"multipart/form-data; boundary={_BOUNDARY.decode()}", _multipart(self.fields)
        flat = [(name, value.content if isinstance(value, File) else value) for name, value in self.fields]
        return "application/x-www-form-urlencoded", _encoded(flat).encode()


def _encoded(pairs: Sequence[tuple[bytes, bytes]]) -> str:
    return "&".join(f"{quote_from_bytes(name, '')}={quote_from_bytes(value, '')}" for name, value in pairs)


def _multipart(fields: Fields) -> bytes:
    parts = []
    for name, value in fields:
        head = b'--%s\r\nContent-Disposition: form-data; name="%s"' % (_BOUNDARY, name)
        if isinstance(value, File):
            head += b'; filename="%s"\r\nContent-Type: %s' % (value.name, value.content_type)
        content = value.content if isinstance(value, File) else value
        parts.append(head + b"\r\n\r\n" + content + b"\r\n")
    return b"".join([*parts, b"--%s--\r\n" % _BOUNDARY])


class Sender:
    """Somebody's browser, whose requests leave nothing behind."""

    def __init__(self, client: Client) -> None:
        client.raise_request_exception = False
        client.handler.enforce_csrf_checks = True
        client.cookies["csrftoken"] = _TOKEN
        self._client, self._cookies = client, {name: cookie.value for name, cookie in client.cookies.items()}

    def get(self, path: str) -> tuple[Any, set[str]]:
        """Return what a proper request gets, without judging it, and which names of the query were looked for."""
        with _undone(), _names_looked_for() as names:
            return self._send(Sent("nothing", path)), names

    def faults(self, sent: Sent) -> Iterator[tuple[str, str]]:
        """Send a request and yield what should not have come of it."""
        errors: list[str] = []
        writes: list[str] = []

        def note_error(sender: Any, **kwargs: Any) -> None:
            errors.append(traceback.format_exc())

        # How many writes there were at each savepoint: what is rolled back, as where the desk shows what a deletion would do,
        # is not written.
        before: dict[str, int] = {}

        def note_write(execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
            words = sql if isinstance(sql, str) else ""
            if words.startswith("SAVEPOINT "):
                before[words.removeprefix("SAVEPOINT ")] = len(writes)
            elif words.startswith("ROLLBACK TO SAVEPOINT "):
                del writes[before[words.removeprefix("ROLLBACK TO SAVEPOINT ")] :]
            elif _WRITES.search(words) and not any(name in words for name in _WRITTEN_BY_GET):
                writes.append(words)
            return execute(sql, params, many, context)

        got_request_exception.connect(note_error, weak=False)
        try:
            with _undone(), connection.execute_wrapper(note_write):
                response = self._send(sent)
                status = response.status_code
                try:
                    # What is streamed is made only now.
                    _read(response)
                except Exception:  # whatever it is, it is a fault
                    errors.append(traceback.format_exc())
                if not connection.needs_rollback:
                    connection.check_constraints()
        except Exception:  # a fault that no handler saw
            status = 599
            errors.append(traceback.format_exc())
        finally:
            got_request_exception.disconnect(note_error)
        # No worker lives in tests: whoever asks whether the site is ready is told so.
        is_meant = status == 503 and sent.path == "/readyz"
        if errors or (status >= 500 and not is_meant):
            kind, said = _where(errors)
            yield f"{status}: {kind}", said
        if sent.method in SAFE and writes:
            yield f"{sent.method} writes", writes[0]

    def _send(self, sent: Sent) -> Any:
        self._client.cookies = SimpleCookie()
        for name, value in {**self._cookies, **sent.cookies}.items():
            self._client.cookies[name] = ""
            # As it is sent, not as a library would quote it.
            self._client.cookies[name].set(name, value, _wire(value))
        content_type, body = sent.content()
        extra: dict[str, Any] = {"HTTP_X_CSRFTOKEN": _TOKEN, "HTTP_SEC_FETCH_SITE": "same-origin"}
        for name, value in sent.headers.items():
            meta = name.upper().replace("-", "_")
            extra[meta if meta.startswith("CONTENT_") else f"HTTP_{meta}"] = _wire(value)
        return self._client.generic(sent.method, sent.address(), body, content_type, **extra)


def _wire(value: str) -> str:
    return value.encode("utf-8", "surrogateescape").decode("latin-1")


def _read(response: Any) -> None:
    if getattr(response, "streaming", False):
        for _piece in response:
            pass


def _where(errors: list[str]) -> tuple[str, str]:
    """Return what kind of error it was and where, then what it said: one kind is told of once."""
    if not errors:
        return "no exception was seen", ""
    lines = errors[-1].strip().splitlines()
    places = [line.strip() for line in lines if line.startswith('  File "') and "/tests/odd/" not in line]
    ours = [place for place in places if "/site-packages/" not in place]
    kind, _colon, said = next(line for line in reversed(lines) if line and not line.startswith(" ")).partition(":")
    return f"{kind} | {ours[-1] if ours else ''} | {places[-1] if places else ''}", said.strip()


@contextmanager
def _names_looked_for() -> Iterator[set[str]]:
    """Collect the names that whatever answers looks for in a query."""
    names: set[str] = set()

    def noting(method: Any) -> Any:
        def look(query: QueryDict, name: str, *args: Any, **kwargs: Any) -> Any:
            # Forms ask their own fields of what was posted, which is no query.
            if not query._mutable:
                names.add(name)
            return method(query, name, *args, **kwargs)

        return look

    with pytest.MonkeyPatch.context() as patched:
        for method in ("__getitem__", "get", "getlist", "__contains__"):
            patched.setattr(QueryDict, method, noting(getattr(QueryDict, method)))
        yield names


@contextmanager
def _undone() -> Iterator[None]:
    try:
        with transaction.atomic():
            yield
            transaction.set_rollback(True)
    finally:
        cache.clear()
        pagecache.store.clear()


def send_all(sender: Sender, requests: Iterator[Sent] | Sequence[Sent], part: str) -> list[str]:
    """Send requests as `part`; return each kind of fault once, with the first request that showed it and how many did."""
    first: dict[str, str] = {}
    count: Counter[str] = Counter()
    for sent in requests:
        for fault, said in sender.faults(sent):
            count[fault] += 1
            first.setdefault(fault, f"{part}: {sent.method} {sent.address()[:300]} ({sent.what[:200]}): {said[:200]!a}")
    return [f"{fault}\n    {where} and {count[fault] - 1} more" for fault, where in first.items()]


def bent(sent: Sent, what: str, **changes: Any) -> Sent:
    """Return a request with something changed."""
    return replace(sent, what=what, **changes)
