"""2,000 reminders through two workers and two beats, while workers, beat, broker and database are killed."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, suppress
from email import message_from_bytes
from pathlib import Path
from typing import cast

import psutil
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from django.conf import settings

from amls.embedded import connect, revive, running
from amls.embedded import stop as stop_postgres
from tests.infra.test_serve import environment
from tests.patience import wait_until
from tests.ports import free_port

pytestmark = pytest.mark.xdist_group("serve")

_PREPARE = """
import sys
import django
django.setup()
from datetime import timedelta
from django.utils import timezone
from amls.agenda.models import AgendaItem
from amls.courses.models import Course, Enrolment, User
now = timezone.now()
course = Course.objects.create(slug="amls", title="AMLS", term="SS2024", state="running")
users = User.objects.bulk_create([User(email=f"p{n}@example.org") for n in range(int(sys.argv[1]))])
Enrolment.objects.bulk_create([Enrolment(user=user, course=course) for user in users])
Enrolment.objects.update(created_at=now - timedelta(days=99))
due = now + timedelta(hours=20)
AgendaItem.objects.create(course=course, key="tests.due", kind="deadline", title="Project submission", starts_at=due - timedelta(minutes=30), ends_at=due, created_at=now, changed_at=now)
"""


class Post:
    """A mail server that counts, takes its time, and does something at certain mails, before it says that it took them."""

    def __init__(self, pause: float = 0) -> None:
        self.pause = pause
        self.taken: Counter[str] = Counter()
        self.ids: dict[str, set[str]] = {}
        self.at: dict[int, Callable[[int], None]] = {}
        self.count = 0
        self._lock = threading.Lock()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        mail = message_from_bytes(cast("bytes", envelope.content))
        await asyncio.sleep(self.pause)
        with self._lock:
            self.count += 1
            action = self.at.pop(self.count, None)
            for address in envelope.rcpt_tos:
                self.taken[address] += 1
                self.ids.setdefault(address, set()).add(mail["Message-ID"])
        if action is not None:
            action(int(session.peer[1]))  # type: ignore[index]
        return "250 OK"


class House:
    """PostgreSQL, a broker, workers and beats of their own."""

    def __init__(self, var: Path, post_port: int, redis_port: int | None, stack: ExitStack) -> None:
        self.var, self.stack = var, stack
        self.redis_port = redis_port
        self.redis: subprocess.Popen[bytes] | None = None
        extra = {
            "AMLS_VAR_DIR": str(var), "EMAIL_URL": f"smtp://127.0.0.1:{post_port}", "MAIL_LEASE_SECONDS": "15",
            "BEAT_SECONDS": "1", "DJANGO_SETTINGS_MODULE": "amls.settings", "EMAIL_TIMEOUT": "60",
        }  # fmt: skip
        if redis_port is not None:
            extra["REDIS_URL"] = f"redis://127.0.0.1:{redis_port}/0"
            self.start_redis()
        self.environment = environment(LOG_LEVEL="INFO", **extra)

    def start_redis(self) -> None:
        command = ["redis-server", "--port", str(self.redis_port), "--bind", "127.0.0.1", "--save", ""]
        self.redis = self.spawn(command)

    def spawn(self, command: list[str], **extra: str) -> subprocess.Popen[bytes]:
        log = self.stack.enter_context((self.var / "log").open("ab"))
        child = subprocess.Popen(
            command, cwd=settings.BASE_DIR, env={**getattr(self, "environment", os.environ), **extra}, stdout=log,
            stderr=log, start_new_session=True,
        )  # fmt: skip
        self.stack.callback(kill, child)
        return child

    def worker(self, name: str, **extra: str) -> subprocess.Popen[bytes]:
        worker = [sys.executable, "-m", "amls.background", "worker", "--queues", "mail", "--concurrency", "1"]
        return self.spawn([*worker, "--hostname", f"{name}@here", "--loglevel", "warning", "--without-mingle"], **extra)

    def beat(self, name: str) -> subprocess.Popen[bytes]:
        beat = [sys.executable, "-m", "amls.background", "beat", "--pidfile", "", "--loglevel", "warning"]
        return self.spawn([*beat, "--schedule", str(self.var / f"beat-{name}"), "--max-interval", "1"])


def kill(child: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def owner_of(port: int) -> int:
    """Return the process that sends from this port of loopback."""
    for connection in psutil.net_connections("tcp4"):
        if connection.laddr and connection.laddr.port == port and connection.pid not in (None, os.getpid()):
            return int(connection.pid)
    raise AssertionError(f"Nobody has port {port}.")


def wait_for(condition: Callable[[], bool], log: Path) -> None:
    """Wait until a condition holds, or tell what the processes wrote."""
    wait_until(condition, said=lambda: log.read_text()[-4000:])


@pytest.mark.usefixtures("migrated")
@pytest.mark.parametrize(("broker", "people"), [("redis", 2000), ("file system", 400)])
def test_nobody_gets_none_and_only_what_was_in_flight_comes_twice(var: Path, broker: str, people: int) -> None:
    post = Post()
    controller = Controller(post, hostname="127.0.0.1", port=free_port())
    with ExitStack() as stack:
        controller.start()
        stack.callback(controller.stop)
        stack.enter_context(running(var))
        house = House(var, controller.port, free_port() if broker == "redis" else None, stack)
        subprocess.run(
            [sys.executable, "-c", _PREPARE, str(people)], cwd=settings.BASE_DIR, env=house.environment, check=True
        )
        workers = [house.worker("one"), house.worker("two")]
        beats = [house.beat("one"), house.beat("two")]
        in_flight: list[str] = []

        def kill_sender(port: int) -> None:
            # The server has the mail; the worker dies before it hears so: between send and mark.
            in_flight.append("process")
            os.kill(owner_of(port), signal.SIGKILL)

        def kill_worker(port: int) -> None:
            in_flight.append("worker")
            pid = owner_of(port)
            mine = next(
                worker for worker in workers if pid in [child.pid for child in psutil.Process(worker.pid).children()]
            )
            kill(mine)
            workers[workers.index(mine)] = house.worker("three")

        def restart_redis(port: int) -> None:
            if house.redis is not None:
                kill(house.redis)
                house.start_redis()

        def restart_postgres(port: int) -> None:
            in_flight.extend(["database"] * 2)
            stop_postgres(var)
            revive(var)

        def kill_beat(port: int) -> None:
            kill(beats[0])

        steps = [kill_sender, kill_worker, restart_redis, restart_postgres, kill_beat]
        post.at = {people * (number + 1) // 7: step for number, step in enumerate(steps)}
        try:
            wait_for(lambda: len(post.taken) == people, var / "log")
            with connect(str(settings_socket(var))) as connection:
                wait_for(
                    lambda: connection.execute(
                        "SELECT count(*) FROM mail_notice WHERE state = 'sent'"
                    ).fetchone() == (people,),
                    var / "log",
                )  # fmt: skip
                rows = connection.execute("SELECT count(*) FROM mail_notice").fetchone()
        finally:
            print((var / "log").read_text()[-3000:])
    assert post.at == {}
    assert rows == (people,)
    # Each mail is a line in the workers' log, but for those whose worker died; nobody's address is.
    said = (var / "log").read_text()
    assert people - len(in_flight) <= said.count("mail sent notice=") <= people
    assert "@example.org" not in said
    twice = {address: count for address, count in post.taken.items() if count > 1}
    assert sum(count - 1 for count in twice.values()) <= len(in_flight) == 4
    # Whoever got it twice got the same Message-ID: their mail program shows one.
    assert {len(ids) for ids in post.ids.values()} == {1}


def settings_socket(var: Path) -> str:
    return (var / "pg.socket").read_text().strip()
