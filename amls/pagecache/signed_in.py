"""A course's pages for whoever reads them, kept until a write may have changed what this person sees.

`kept_for_reader` stands on views that show a course to those who take part in it. What they answer is kept for the one
person that it was made for, and given again after one query: for how the person stands in the course, and which writes
concerned them (`amls.courses.models.Invalidation`, written by triggers of the database, whoever writes). Nothing is given
once a boundary in time has passed, nor after five minutes. Forms' tokens are put in anew each time.
"""

import re
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import wraps
from typing import Any

from django.contrib.messages import get_messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.csrf import get_token
from django.utils.crypto import get_random_string
from django.utils.translation import get_language

from amls.core.request import now_of
from amls.core.statements import rows_of
from amls.courses.models import Course, Role, User
from amls.pagecache.boundaries import next_own_boundary
from amls.pagecache.parts import boundary_of
from amls.pagecache.store import Key, store

# What follows from a time by other rules than those of the agenda is shown this much too late at most.
_LONGEST = timedelta(minutes=5)
_LONGEST_QUERY = 200
# Whoever is not signed in; writes that concern everybody are noted with the same number.
_NOBODY = 0
_TOKEN = re.compile(rb'(name="csrfmiddlewaretoken" value=")[A-Za-z0-9]{64}(")')
# Nobody outside of this process can write it into a page.
_PLACE_OF_TOKEN = get_random_string(40).encode()
# No older writes than those of half an hour, or a day on which many sign up would make each page dearer: what is kept is five
# minutes old at most, and no transaction takes the rest. By fives, so that a write that grows old does not end every page.
_STAMP = """
SELECT c.id, c.revision, c.state, c.timezone, e.id, e.role, i.rows, i.sum, i.newest
FROM courses_course c
LEFT JOIN courses_enrolment e ON e.course_id = c.id AND e.user_id = %(user)s
CROSS JOIN LATERAL (
  SELECT count(*) AS rows, sum(id) AS sum, max(id) AS newest FROM courses_invalidation
  WHERE course_id IN (c.id, 0) AND user_id IN (%(user)s, 0)
    AND at >= date_bin('5 minutes', statement_timestamp(), 'epoch') - interval '30 minutes'
) i
WHERE c.slug = %(slug)s
"""
_WRITES = """
SELECT c.id, i.rows, i.sum, i.newest FROM unnest(%(courses)s::bigint[]) AS c (id)
CROSS JOIN LATERAL (
  SELECT count(*) AS rows, sum(id) AS sum, max(id) AS newest FROM courses_invalidation
  WHERE course_id IN (c.id, 0) AND user_id = 0
) i
"""
# How many writes there were, the sum of their numbers and the newest. Rows that are committed late and rows that were purged
# both make another one.
Writes = tuple[int, int | None, int | None]


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a page for one person was made of: what is kept is right while this is equal.

    Attributes:
        course: its pk.
        revision: of the course.
        state: of the course.
        timezone: of the course.
        enrolment: the person's pk there, None for visitors.
        role: the person's there, None for visitors.
        writes: those that concerned the person.
    """

    course: int
    revision: int
    state: str
    timezone: str
    enrolment: int | None
    role: str | None
    writes: Writes


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """A page as one person got it, packed, without its forms' tokens."""

    stamp: Stamp
    valid_until: datetime
    packed: bytes
    headers: dict[str, str]

    @property
    def size(self) -> int:
        """Roughly how many bytes of memory it takes."""
        return len(self.packed) + 500

    def answer(self, request: HttpRequest) -> HttpResponse:
        """Return the page with this request's token in its forms."""
        body = zlib.decompress(self.packed)
        if _PLACE_OF_TOKEN in body:
            body = body.replace(_PLACE_OF_TOKEN, get_token(request).encode())
        return HttpResponse(body, headers=self.headers)


def kept_for_reader(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Keep a view's pages for each person that is signed in; the view takes the course's `slug`.

    The view must read nothing but the database and the request's address, and write nothing. Pages of whoever runs the course
    are not kept, nor those that `amls.pagecache.store` keeps for all strangers; others are kept for all strangers here.
    """

    @wraps(view)
    def answer(request: HttpRequest, slug: str, *args: Any, **kwargs: Any) -> HttpResponse:
        user, now = request.user, now_of(request)
        query = request.META.get("QUERY_STRING", "")
        is_superuser = isinstance(user, User) and user.is_superuser
        if is_superuser or len(query) > _LONGEST_QUERY or len(get_messages(request)):
            return view(request, slug, *args, **kwargs)
        reader = user.pk or _NOBODY
        key = _key(request, reader)
        stamp = stamp_of(reader, slug)
        if stamp is None or stamp.state == Course.State.DRAFT or stamp.role not in (None, Role.STUDENT):
            return view(request, slug, *args, **kwargs)
        kept = store.get(key, KeptAnswer)
        if kept is not None and kept.stamp == stamp and now < kept.valid_until:
            return kept.answer(request)
        response = view(request, slug, *args, **kwargs)
        if _is_page(response):
            body = _TOKEN.sub(rb"\g<1>" + _PLACE_OF_TOKEN + rb"\g<2>", response.content)
            packed = zlib.compress(body, 3)
            store.put(key, KeptAnswer(stamp, _valid_until(stamp, now), packed, dict(response.items())))
        return response

    return answer


def _key(request: HttpRequest, reader: int) -> Key:
    asks_for = request.META.get("HTTP_HX_REQUEST", ""), request.META.get("HTTP_HX_TARGET", "")[:50]
    where = request.scheme or "", request.META.get("HTTP_HOST", ""), request.get_full_path()
    return "reader", str(reader), *where, *asks_for, get_language() or ""


def stamp_of(reader: int, slug: str) -> Stamp | None:
    """Return what pages of the course are made of now for a person (their key, or 0), None without such a course: 1 query."""
    rows = rows_of(_STAMP, {"user": reader, "slug": slug})
    if not rows:
        return None
    (row,) = rows
    course, revision, state, zone, enrolment, role, *writes = row
    return Stamp(course, revision, state, zone, enrolment, role, (writes[0], writes[1], writes[2]))


def writes_to(courses: Iterable[int]) -> dict[int, Writes]:
    """Return which writes concerned everybody who sees one of some courses: 1 query.

    What is read after that, and shown to all of an audience alike, is right as long as they are the same.
    """
    rows = rows_of(_WRITES, {"courses": list(courses)})
    return {course: (count, total, newest) for course, count, total, newest in rows}


def _is_page(response: HttpResponseBase) -> bool:
    is_page = isinstance(response, HttpResponse) and response.status_code == 200 and not response.cookies
    return is_page and not hasattr(response, "amls_mark")


def _valid_until(stamp: Stamp, now: datetime) -> datetime:
    """Return when the page looks different without any write: 1 query for the person, some for the course, once per revision."""
    own = next_own_boundary(stamp.enrolment, now) if stamp.enrolment is not None else None
    shared = boundary_of(Course(pk=stamp.course, revision=stamp.revision, timezone=stamp.timezone), now)
    return min(now + _LONGEST, shared, own or shared)
