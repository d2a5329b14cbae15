"""Whether the installation lives, and whether it can work."""

from datetime import datetime

from celery import current_app
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from kombu.exceptions import OperationalError

from amls.core.middleware import front_stamp
from amls.exports.health import health as export_health
from amls.mail.health import health as mail_health

# More than clocks that are kept by NTP ever differ.
_MOST_SKEW_SECONDS = 2


@require_safe
@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    """Answer that the process is alive; asks nothing of anyone."""
    return HttpResponse("ok", content_type="text/plain; charset=utf-8")


@require_safe
@never_cache
def readyz(request: HttpRequest) -> HttpResponse:
    """Answer 200 when database, migrations and broker are ready, else 503 with what is not."""
    states = {"database": _database(), "migrations": "unknown", "broker": _broker()}
    if states["database"] == "ok":
        states["migrations"] = _migrations()
    is_ready = all(state == "ok" for state in states.values())
    now: datetime = request.now  # type: ignore[attr-defined]
    detail: dict[str, object] = {"clocks": _clocks(request, now)} if states["database"] == "ok" else {}
    if states["migrations"] == "ok":
        detail |= {"mail": _mail(now), "exports": _exports(now)}
    return JsonResponse(states | detail, status=200 if is_ready else 503)


def _clocks(request: HttpRequest, now: datetime) -> str:
    """Return which clocks differ from the database's, by which everything is judged: one to look after, no fault."""
    # This request has no body: it came to the front server when it came here.
    clocks = {"this server": timezone.now(), "the front server": front_stamp(request)}
    skews = {name: round((time - now).total_seconds()) for name, time in clocks.items() if time is not None}
    said = [
        f"{name} is {abs(skew)} s {'ahead of' if skew > 0 else 'behind'} the database"
        for name, skew in skews.items()
        if abs(skew) > _MOST_SKEW_SECONDS
    ]
    return "; ".join(said) or "ok"


def _mail(now: datetime) -> dict[str, object]:
    """Return how mail flows: late mail is for people to look at, it does not take the site out of service."""
    state = mail_health(now=now)
    return {
        "waiting": state.waiting,
        "oldest_due_seconds": _age(state.oldest_due_at, now),
        "last_beat_seconds": int((now - state.last_beat_at).total_seconds()) if state.last_beat_at else None,
        "failed_last_day": state.failed,
    }


def _exports(now: datetime) -> dict[str, object]:
    """Return how exports come along; that, too, is for people to look at."""
    state = export_health(now=now)
    return {
        "waiting": state.waiting,
        "oldest_due_seconds": _age(state.oldest_due_at, now),
        "failed_last_day": state.failed,
    }


def _age(moment: datetime | None, now: datetime) -> int:
    return int((now - moment).total_seconds()) if moment else 0


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return "does not answer"
    return "ok"


def _migrations() -> str:
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return f"{len(missing)} to apply" if missing else "ok"


def _broker() -> str:
    try:
        with current_app.connection_for_write() as broker:
            broker.ensure_connection(max_retries=1, interval_start=0, timeout=2)
    except (OperationalError, OSError):
        return "does not answer"
    return "ok"
