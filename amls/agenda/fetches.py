"""When and by what a feed was last fetched: counted in the cache, written down by beat."""

import threading
import time
from datetime import UTC, datetime

from django.core.cache import cache
from django.http import HttpRequest

from amls.agenda.models import FeedToken
from amls.courses.models import Enrolment

_PREFIX = "feed-fetch:"
# A client that polls every minute need not be noted each time.
_NOTED_EVERY_SECONDS = 600
_KEPT_SECONDS = 24 * 60 * 60
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

_noted: dict[int, float] = {}
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
        if len(_noted) > 50_000:
            _noted.clear()
        _noted[enrolment_pk] = now
    moment = datetime.now(UTC).isoformat()
    cache.set(f"{_PREFIX}{enrolment_pk}", (moment, client_name(request.headers.get("User-Agent", ""))), _KEPT_SECONDS)


def forget_noted() -> None:
    """Forget which fetches this process has noted."""
    with _lock:
        _noted.clear()


def flush_fetches() -> int:
    """Write down what the cache knows of fetches; return how many addresses were written."""
    pks = Enrolment.objects.values_list("pk", flat=True)
    found = cache.get_many([f"{_PREFIX}{pk}" for pk in pks])
    for key, (moment, client) in found.items():
        FeedToken.objects.update_or_create(
            enrolment_id=int(key.removeprefix(_PREFIX)),
            defaults={"last_fetched_at": datetime.fromisoformat(moment), "last_client": client},
        )
    cache.delete_many(found)
    return len(found)
