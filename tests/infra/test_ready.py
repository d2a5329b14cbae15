"""`/readyz` says what is down, with everything real."""

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from celery import current_app
from django.conf import settings
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from django.utils import timezone
from kombu import pools

from amls.exports.models import Export
from tests.mail.conftest import free_port

OK = {"database": "ok", "migrations": "ok", "broker": "ok"}
EXPORTS = {"waiting": 0, "oldest_due_seconds": 0, "failed_last_day": 0}
MAIL = {"waiting": 0, "oldest_due_seconds": 0, "last_beat_seconds": None, "failed_last_day": 0}


@pytest.fixture
def broker() -> Iterator[None]:
    """The real Redis as the broker."""
    before, options = current_app.conf.broker_url, current_app.conf.broker_transport_options
    use_broker(os.environ["TEST_REDIS_URL"])
    yield
    use_broker(before, options)


def use_broker(url: str, options: dict[str, Any] | None = None) -> None:
    current_app.conf.update(
        broker_url=url, broker_write_url=url, broker_read_url=url, broker_transport_options=options or {}
    )
    # What is open leads to the old one; other tests send through this application too.
    pools.reset()
    current_app._after_fork()  # type: ignore[attr-defined]


def state(client: Client) -> tuple[int, dict[str, str]]:
    answer = client.get("/readyz")
    found = answer.json()
    # How mail and exports flow is told where it can be known; what is late does not take the site out of service.
    flow = {"mail": found.pop("mail"), "exports": found.pop("exports")} if found["migrations"] == "ok" else {}
    assert found.pop("clocks", "ok") == "ok"
    assert flow in ({}, {"mail": MAIL, "exports": EXPORTS})
    return answer.status_code, found


@pytest.mark.django_db
def test_all_is_well(client: Client, broker: None) -> None:
    assert state(client) == (200, OK)


@pytest.mark.django_db
def test_what_waits_or_failed_is_counted_and_takes_nothing_out_of_service(client: Client, broker: None) -> None:
    now = timezone.now()
    asked: dict[str, Any] = {"kind": "x", "language": "en", "created_at": now, "expires_at": now + timedelta(days=1)}
    Export.objects.create(**asked, fingerprint="1", not_before=now - timedelta(seconds=90))
    Export.objects.create(
        **asked, fingerprint="2", not_before=now, state="failed", finished_at=now, error="Out of paper"
    )
    answer = client.get("/readyz")
    found = answer.json()["exports"]
    assert answer.status_code == 200
    assert (found["waiting"], found["failed_last_day"]) == (1, 1)
    assert 90 <= found["oldest_due_seconds"] < 150


@pytest.mark.django_db
def test_a_broker_that_is_down_is_named(client: Client, broker: None) -> None:
    use_broker(f"redis://127.0.0.1:{free_port()}/0")
    assert state(client) == (503, {**OK, "broker": "does not answer"})


@pytest.mark.django_db
def test_migrations_that_are_missing_are_counted(client: Client, broker: None) -> None:
    applied = MigrationRecorder(connection).migration_qs
    newest = applied.filter(app="portal").latest("id")
    assert applied.filter(pk=newest.pk).delete()[0] == 1
    assert state(client) == (503, {**OK, "migrations": "1 to apply"})


def test_a_database_that_is_down_is_named_and_nothing_breaks() -> None:
    unset = ("SECRET_KEY", "DATABASE_URL", "SITE_URL", "AMLS_VAR_DIR")
    environment = {name: value for name, value in os.environ.items() if name not in unset}
    environment |= {
        "DJANGO_SETTINGS_MODULE": "amls.settings",
        "SECRET_KEY": uuid.uuid4().hex,
        "DATABASE_URL": f"postgres://nobody@127.0.0.1:{free_port()}/none",
        "SITE_URL": "http://localhost",
        "REDIS_URL": os.environ["TEST_REDIS_URL"],
    }
    script = (
        "import django; django.setup()\n"
        "from django.test import Client\n"
        "answer = Client().get('/readyz', headers={'host': 'localhost'})\n"
        "print(answer.status_code, answer.content.decode())\n"
        "print(Client().get('/healthz', headers={'host': 'localhost'}).status_code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=settings.BASE_DIR, env=environment, capture_output=True, text=True, check=True
    )  # fmt: skip
    assert done.stdout.splitlines() == [
        '503 {"database": "does not answer", "migrations": "unknown", "broker": "ok"}',
        "200",
    ]
