"""When and by what feeds are fetched: counted in the cache, written down by beat.

Of a person's feed the last fetch is kept, for that person to see. Of a public feed it is only
counted how many calendars of which program fetched it on a day: the same program at the same
network address is one. What tells them apart is a keyed hash; its key lives for a day, in the
cache, and is written down nowhere.
"""

import hashlib
import secrets
import threading
import time
from contextlib import suppress
from datetime import date, datetime, timedelta

from allauth.account.adapter import get_adapter
from django.core.cache import cache
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.http import HttpRequest
from redis.exceptions import RedisError

from amls.agenda.models import FeedToken, FeedUse
from amls.core import clock
from amls.core.peers import line_of
from amls.core.request import now_of
from amls.courses.models import Course, Enrolment

_PREFIX, _PUBLIC = "feed-fetch:", "feed-use:"
# A client that polls every minute need not be noted each time.
_NOTED_EVERY_SECONDS = 600
_KEPT_SECONDS = 24 * 60 * 60
_MOST_NOTED = 50_000
# What calls itself otherwise is counted together: names come from strangers.
OTHER = "?"
_CLIENTS = (
    ("google", "Google Calendar"),
    ("outlook", "Outlook"),
    ("exchange", "Outlook"),
    ("microsoft", "Outlook"),
    ("thunderbird", "Thunderbird"),
    ("icsx5", "ICSx⁵"),
    ("dataaccessd", "Apple Calendar"),
    ("calendaragent", "Apple Calendar"),
    ("ios/", "Apple Calendar"),
    ("macos", "Apple Calendar"),
    ("nextcloud", "Nextcloud"),
    ("vdirsyncer", "vdirsyncer"),
    ("khal", "khal"),
    ("mozilla", "Browser"),
)

_PROGRAMS = (*dict.fromkeys(name for _needle, name in _CLIENTS), OTHER)

_noted: dict[int, float] = {}
_seen: set[tuple[int, str]] = set()
_keys: dict[date, str] = {}
_lock = threading.Lock()


def client_name(user_agent: str) -> str:
    """Return the calendar program behind a User-Agent, or its first word."""
    lowered = user_agent.lower()
    for needle, name in _CLIENTS:
        if needle in lowered:
            return name
    return user_agent.split("/", maxsplit=1)[0].split(" ", maxsplit=1)[0][:40] or "?"


def note_fetch(enrolment_pk: int, request: HttpRequest) -> None:
    """Note in the cache that a person's feed was fetched; writes nothing to the database's tables of record."""
    now = time.monotonic()
    with _lock:
        if now - _noted.get(enrolment_pk, -_NOTED_EVERY_SECONDS) < _NOTED_EVERY_SECONDS:
            return
        if len(_noted) > _MOST_NOTED:
            _noted.clear()
        _noted[enrolment_pk] = now
    moment = now_of(request).isoformat()
    # A feed is answered also while the cache is away.
    with suppress(RedisError):
        cache.set(
            f"{_PREFIX}{enrolment_pk}", (moment, client_name(request.headers.get("User-Agent", ""))), _KEPT_SECONDS
        )


def note_public_fetch(course_pk: int, request: HttpRequest) -> None:
    """Count in the cache that a calendar fetched a course's public feed, once a day for each."""
    # A feed is not refused to whose address is not known, or while the cache is away or has just been emptied.
    with suppress(RedisError, ValueError, PermissionDenied, ImproperlyConfigured):
        _count(
            course_pk,
            line_of(get_adapter().get_client_ip(request)),
            request.headers.get("User-Agent", ""),
            now_of(request).date(),
        )


def _count(course_pk: int, address: str, user_agent: str, day: date) -> None:
    name = client_name(user_agent)
    client = name if name in _PROGRAMS else OTHER
    who = hashlib.blake2b(f"{address} {client}".encode(), key=_key_of(day).encode(), digest_size=12).hexdigest()
    with _lock:
        if (course_pk, who) in _seen:
            return
        if len(_seen) > _MOST_NOTED:
            _seen.clear()
        _seen.add((course_pk, who))
    if cache.add(f"{_PUBLIC}seen:{course_pk}:{who}", 1, _KEPT_SECONDS):
        count = _count_key(day, course_pk, client)
        cache.add(count, 0, 2 * _KEPT_SECONDS)
        cache.incr(count)


def _key_of(day: date) -> str:
    """Return the day's key, the same in every process."""
    key = _keys.get(day)
    if key is None:
        key = str(cache.get_or_set(f"{_PUBLIC}key:{day}", secrets.token_hex(16), _KEPT_SECONDS))
        with _lock:
            # Another day begins: what the last one's key told apart is forgotten.
            _keys.clear()
            _seen.clear()
            _keys[day] = key
    return key


def _count_key(day: date, course_pk: int, client: str) -> str:
    return f"{_PUBLIC}count:{day}:{course_pk}:{_PROGRAMS.index(client)}"


def forget_noted() -> None:
    """Forget which fetches this process has noted."""
    with _lock:
        _noted.clear()
        _seen.clear()
        _keys.clear()


def flush_fetches() -> int:
    """Write down what the cache knows of fetches; return how many addresses were written."""
    _flush_public()
    pks = Enrolment.objects.values_list("pk", flat=True)
    fetches = cache.get_many([f"{_PREFIX}{pk}" for pk in pks])
    for key, (moment, client) in fetches.items():
        FeedToken.objects.update_or_create(
            enrolment_id=int(key.removeprefix(_PREFIX)),
            defaults={"last_fetched_at": datetime.fromisoformat(moment), "last_client": client},
        )
    cache.delete_many(fetches)
    return len(fetches)


def _flush_public() -> None:
    """Write down the counts of yesterday and today; a cache that was emptied meanwhile takes nothing back."""
    today = clock.now().date()
    places = {
        _count_key(day, pk, client): FeedUse(course_id=pk, day=day, client=client, count=0)
        for day in (today - timedelta(days=1), today)
        for pk in Course.objects.public().values_list("pk", flat=True)
        for client in _PROGRAMS
    }
    counts = cache.get_many(places)
    known = {
        (row.course_id, row.day, row.client): row.count
        for row in FeedUse.objects.filter(day__gte=today - timedelta(days=1))
    }
    rows = []
    for key, count in counts.items():
        row = places[key]
        row.count = int(count)
        if row.count > known.get((row.course_id, row.day, row.client), 0):
            rows.append(row)
    FeedUse.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["course", "day", "client"], update_fields=["count"]
    )
