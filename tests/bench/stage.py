"""What the benchmarks of background work stand on: a database of their own, and rows in it."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from amls.embedded import running
from tests.ports import free_port

ROOT = Path(__file__).resolve().parent.parent.parent
VAR = ROOT / "var" / "bench-work"


@contextmanager
def stage(**extra: str) -> Iterator[None]:
    """Set Django up on a database of its own, emptied."""
    os.environ |= {"AMLS_VAR_DIR": str(VAR), "DEBUG": "0", "DJANGO_SETTINGS_MODULE": "amls.settings", **extra}
    for name in ("queue", "queue-control", "media"):
        (VAR / name).mkdir(parents=True, exist_ok=True)
    with running(VAR):
        import django

        django.setup()
        from django.core.management import call_command
        from django.db import connections

        call_command("migrate", verbosity=0)
        call_command("createcachetable", verbosity=0)
        call_command("collectstatic", verbosity=0, interactive=False)
        call_command("flush", verbosity=0, interactive=False)
        yield
        connections.close_all()


@contextmanager
def redis() -> Iterator[str]:
    """Run the broker and cache that an installation has; yield its address."""
    port = free_port()
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        server.terminate()
        server.wait()


def make_course(*, people: int, items: int):  # type: ignore[no-untyped-def]
    """Make a course with people who are all to be reminded of each of its deadlines now; return it and the time."""
    from django.utils import timezone

    from amls.agenda.models import AgendaItem
    from amls.courses.models import Course, Enrolment, User
    from amls.mail.reminders import ensure_rules

    now = timezone.now()
    course = Course.objects.create(slug="bench", title="Bench", term="SS2024", state="running")
    users = User.objects.bulk_create(
        [User(email=f"p{number}@example.org") for number in range(people)], batch_size=2000
    )
    Enrolment.objects.bulk_create([Enrolment(user=user, course=course) for user in users], batch_size=2000)
    Enrolment.objects.update(created_at=now - timedelta(days=99))
    due = now + timedelta(hours=20)
    AgendaItem.objects.bulk_create(
        AgendaItem(
            course=course, key=f"bench.due:{number}", kind="deadline", title=f"Deadline {number}", path="/bench/",
            starts_at=due - timedelta(minutes=30), ends_at=due + timedelta(minutes=number), created_at=now, changed_at=now,
        )
        for number in range(items)
    )  # fmt: skip
    ensure_rules(course)
    return course, now
