"""`/readyz` says what is down, with everything real."""

import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from celery import current_app
from django.conf import settings
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client, override_settings
from django.utils import timezone
from kombu import pools
from pytest_django import Settings

from amls.core import clock
from amls.core.models import RunningProcess
from amls.core.processes import SILENT_AFTER, queues
from amls.core.pulse import note_pulse
from amls.exports.models import Export
from amls.mail.health import beat_seen
from tests.ports import free_port
from tests.rights import BOUNDED

OK = {"database": "ok", "migrations": "ok", "broker": "ok", "work": "ok"}


class DiskUsage(NamedTuple):
    """What `shutil.disk_usage` returns."""

    total: int
    used: int
    free: int


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


@pytest.fixture
def staffed(db: None) -> None:
    """A worker for every queue, and a beat."""
    note_pulse(name="all@here", queues=queues())
    note_pulse(name="beat@here", queues=[])
    beat_seen(now=clock.now())


def state(client: Client) -> tuple[int, dict[str, str]]:
    answer = client.get("/readyz")
    report = answer.json()
    return answer.status_code, {
        name: report[name] for name in ("database", "migrations", "broker", "work") if name in report
    }


def problems(client: Client) -> dict[str, str]:
    reported: dict[str, str] = client.get("/readyz").json()["problems"]
    # How full the disk of the machine is that runs these tests is not theirs.
    return {name: said for name, said in reported.items() if not name.startswith("disk")}


@pytest.mark.usefixtures("staffed")
def test_all_is_well(client: Client, broker: None) -> None:
    assert state(client) == (200, OK)
    assert problems(client) == {}


@pytest.mark.usefixtures("staffed")
def test_what_waits_or_failed_is_counted_and_takes_nothing_out_of_service(client: Client, broker: None) -> None:
    now = timezone.now()
    asked: dict[str, Any] = {"kind": "x", "language": "en", "created_at": now, "expires_at": now + timedelta(days=1)}
    Export.objects.create(**asked, fingerprint="1", not_before=now - timedelta(minutes=6))
    Export.objects.create(
        **asked, fingerprint="2", not_before=now, state="failed", finished_at=now, error="Out of paper"
    )
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["waiting"]["amls.exports.tasks.work"]) == (200, 1)
    assert set(problems(client)) == {"waiting-amls.exports.tasks.work", "failed-exports"}


@pytest.mark.usefixtures("staffed")
def test_a_silent_doorbell_is_said_and_pages_are_served_all_the_same(client: Client, broker: None) -> None:
    use_broker(f"redis://127.0.0.1:{free_port()}/0")
    assert state(client) == (200, {**OK, "broker": "does not answer"})
    assert set(problems(client)) == {"broker"}


@pytest.mark.usefixtures("staffed")
def test_migrations_that_are_missing_are_counted(client: Client, broker: None) -> None:
    applied = MigrationRecorder(connection).migration_qs
    newest = applied.filter(app="portal").latest("id")
    assert applied.filter(pk=newest.pk).delete()[0] == 1
    assert state(client) == (503, {"database": "ok", "migrations": "1 to apply", "broker": "ok"})


@pytest.mark.usefixtures("staffed")
def test_two_minutes_after_all_workers_and_beat_died_no_server_is_ready(client: Client, broker: None) -> None:
    RunningProcess.objects.filter(name="beat@here").update(seen_at=clock.now() - SILENT_AFTER)
    assert state(client)[0] == 200
    assert set(problems(client)) == {"beat", "process-beat@here"}
    RunningProcess.objects.update(seen_at=clock.now() - SILENT_AFTER)
    assert state(client) == (503, {**OK, "work": "no worker and no beat is alive"})


@pytest.mark.usefixtures("staffed")
@pytest.mark.parametrize("queue", ["default", "exports", "mail"])
def test_each_queue_that_nobody_serves_is_named(client: Client, broker: None, queue: str) -> None:
    RunningProcess.objects.filter(name="all@here").update(queues=[name for name in queues() if name != queue])
    assert set(problems(client)) == {f"queue-{queue}"}


@pytest.mark.usefixtures("staffed")
def test_a_disk_that_fills_is_named_and_one_that_is_only_small_is_not(
    client: Client, broker: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    least = 2 * 1024**3
    small, large, named = least - 2, 100 * least, {}
    for free, size in ((small, small), (small // 2 - 1, small), (large, large), (least, large), (least - 1, large)):
        # How full the disks of this machine are is not these tests' to say.
        monkeypatch.setattr(shutil, "disk_usage", lambda _path, sizes=(size, size - free, free): DiskUsage(*sizes))
        with override_settings(LEAST_FREE_BYTES=least):
            reported = client.get("/readyz").json()["problems"]
        named[free, size] = any(name.startswith("disk-") for name in reported)
    assert named == {
        (small, small): False, (small // 2 - 1, small): True,
        (large, large): False, (least, large): False, (least - 1, large): True,
    }  # fmt: skip


@pytest.mark.usefixtures("staffed")
def test_a_worker_whose_clock_is_wrong_is_named(client: Client, broker: None) -> None:
    RunningProcess.objects.filter(name="all@here").update(skew=-2.6)
    assert problems(client) == {"clock-all@here": "Clock of all@here: 3 s behind the database. Let NTP set it."}


@pytest.mark.usefixtures("staffed")
@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"REMOTE_ADDR": "127.0.0.1"}, 200),
        ({"REMOTE_ADDR": "::ffff:127.0.0.1"}, 200),
        ({"REMOTE_ADDR": "192.0.2.7"}, 404),
        ({"REMOTE_ADDR": ""}, 404),
        # From this machine's front server, of which this site is told nothing.
        ({"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "127.0.0.1"}, 404),
        ({"REMOTE_ADDR": "192.0.2.7", "HTTP_AUTHORIZATION": "Bearer watch-me"}, 200),
        ({"REMOTE_ADDR": "192.0.2.7", "HTTP_AUTHORIZATION": "Bearer "}, 404),
        ({"REMOTE_ADDR": "192.0.2.7", "HTTP_AUTHORIZATION": "Bearer größer"}, 404),
    ],
)
@pytest.mark.parametrize("path", ["/readyz", "/metrics"])
def test_only_who_watches_the_site_sees_how_it_is(
    client: Client, broker: None, path: str, sent: dict[str, str], status: int
) -> None:
    with override_settings(MONITOR_TOKEN="watch-me"):
        assert client.get(path, **sent).status_code == status
    with override_settings(MONITOR_TOKEN="", MONITOR_NETWORKS=[ip_network("192.0.2.0/24")]):
        assert client.get(path, REMOTE_ADDR="192.0.2.7", HTTP_AUTHORIZATION="Bearer ").status_code == 200
        assert client.get(path, REMOTE_ADDR="127.0.0.1", HTTP_AUTHORIZATION="Bearer ").status_code == 404


@pytest.mark.usefixtures("staffed")
def test_behind_a_front_server_the_visitors_address_counts(client: Client, broker: None) -> None:
    with override_settings(ALLAUTH_TRUSTED_PROXY_COUNT=1):
        for visitor, status in (("192.0.2.7", 404), ("127.0.0.1, 192.0.2.7", 404), ("127.0.0.1", 200)):
            assert client.get("/readyz", headers={"x-forwarded-for": visitor}).status_code == status


def said_without_a_database(script: str, **more: str) -> list[str]:
    """Return the lines that `script` prints in a process of its own, with the rights of an ordinary user over files."""
    unset = ("SECRET_KEY", "DATABASE_URL", "SITE_URL", "AMLS_VAR_DIR")
    environment = {name: value for name, value in os.environ.items() if name not in unset}
    environment |= {
        "DJANGO_SETTINGS_MODULE": "amls.settings",
        "SECRET_KEY": uuid.uuid4().hex,
        "DATABASE_URL": f"postgres://nobody@127.0.0.1:{free_port()}/none",
        "SITE_URL": "http://localhost",
        "REDIS_URL": os.environ["TEST_REDIS_URL"],
        **more,
    }
    whole = (
        "import django; django.setup()\n"
        "from django.test import Client\n"
        "answer = Client().get('/readyz', headers={'host': 'localhost'})\n"
        "report = answer.json()\n" + script
    )
    done = subprocess.run(
        [*BOUNDED, sys.executable, "-c", whole], cwd=settings.BASE_DIR, env=environment, capture_output=True, text=True, check=True
    )  # fmt: skip
    return done.stdout.splitlines()


def test_a_folder_that_can_t_be_written_to_any_more_is_named(tmp_path: Path) -> None:
    (media := tmp_path / "uploads").mkdir()
    (temporary := tmp_path / "tmp").mkdir()
    script = (
        "import os; from pathlib import Path\n"
        "folders = [Path(os.environ[name]) for name in ('MEDIA_ROOT', 'TMPDIR')]\n"
        "for folder in folders: folder.chmod(0o555)\n"
        "later = Client().get('/readyz', headers={'host': 'localhost'}).json()\n"
        "for said in (report, later):\n"
        "    print(*(f'{name} {text}' for name, text in said['problems'].items() if name.startswith('folder')), sep='; ')"
    )
    advice = "Uploads are refused, and exports wait or fail. Look whether its disk is mounted read-only, and whether it belongs to the user of AMLS."
    said = [f"folder-{place} Folder {place}: can't be written to. {advice}" for place in (media, temporary)]
    assert said_without_a_database(script, MEDIA_ROOT=str(media), TMPDIR=str(temporary)) == ["", "; ".join(said)]


def test_a_database_that_is_down_is_named_and_nothing_breaks() -> None:
    script = (
        "print(answer.status_code, [report[name] for name in ('database', 'migrations', 'broker')])\n"
        "print(Client().get('/healthz', headers={'host': 'localhost'}).status_code)"
    )
    assert said_without_a_database(script) == [
        "503 ['does not answer', 'unknown', 'ok']",
        "200",
    ]


@pytest.mark.django_db
@pytest.mark.parametrize("host", ["10.1.2.3:8000", "node-2", "[fd00::1]:8000"])
def test_a_load_balancer_asks_each_server_by_its_own_address(client: Client, settings: Settings, host: str) -> None:
    settings.SITE_HOST, settings.ALLOWED_HOSTS = "amls.example.org", ["amls.example.org"]
    assert client.get("/healthz", headers={"host": host}).status_code == 200
    assert client.get("/readyz", headers={"host": host}).status_code in (200, 503)
    assert client.get("/", headers={"host": host}).status_code == 400
