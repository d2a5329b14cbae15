"""Sign-ups through HTTP with two web processes, beside a hot row's UPDATE and an INSERT straight in PostgreSQL.

1,000 people press for 200 seats. Both are measured in turn on 8 connections, so that the ratio
says what the site costs, not what the machine is worth.
"""

import asyncio
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import psycopg

from tests.bench.stage import redis
from tests.ports import free_port

ROOT = Path(__file__).resolve().parent.parent.parent
PEOPLE, SEATS, CLIENTS, ROUNDS = 1000, 200, 8, 3


def run(results: Path) -> None:
    """Measure in rounds, print the medians, and write them to `results`/signups.json."""
    people = _prepare()
    rows = []
    for turn in range(ROUNDS):
        bare = _bare()
        with redis() as broker, _serve(broker) as port:
            rows.append({"round": turn, "bare_per_second": bare, **_press(port, people)})
    medians = {name: statistics.median(row[name] for row in rows) for name in rows[0] if name != "round"}
    medians["ratio"] = medians["per_second"] / medians["bare_per_second"]
    (results / "signups.json").write_text(json.dumps({"median": medians, "rounds": rows}, indent=1))
    print(
        f"sign-ups: {medians['per_second']:.0f}/s, p50 {medians['p50_ms']:.0f} ms, p99 {medians['p99_ms']:.0f} ms, "
        f"oversold {medians['oversold']:.0f}; hot row {medians['bare_per_second']:.0f}/s; ratio 1/{1 / medians['ratio']:.1f}"
    )


def _prepare() -> list[str]:
    """Make a course with 1,000 students; return the session cookie of each."""
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore
    from django.db import connections

    from amls.courses.models import Course, Enrolment, User
    from tests.factories import CourseFactory

    course = Course.objects.filter(slug="bench-exam").first() or CourseFactory.create(slug="bench-exam")
    if Enrolment.objects.filter(course=course).count() < PEOPLE:
        users = User.objects.bulk_create(
            [
                User(email=f"bench{number}@example.org", display_name=f"Bench {number}", password="!")
                for number in range(PEOPLE)
            ]
        )
        Enrolment.objects.bulk_create([Enrolment(user=user, course=course) for user in users])
    keys = []
    for enrolment in Enrolment.objects.filter(course=course).select_related("user")[:PEOPLE]:
        session = SessionStore()
        session[SESSION_KEY] = str(enrolment.user.pk)
        session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
        session[HASH_SESSION_KEY] = enrolment.user.get_session_auth_hash()
        session.create()
        keys.append(f"{settings.SESSION_COOKIE_NAME}={session.session_key}")
    connections.close_all()
    return keys


def _new_exam() -> int:
    from django.db import connections
    from django.utils import timezone

    from amls.courses.models import Course
    from exams.models import Exam, Registration
    from tests.factories import OpenExamFactory

    course, now = Course.objects.get(slug="bench-exam"), timezone.now()
    Registration.objects.filter(course=course).delete()
    Exam.objects.filter(course=course).delete()
    exam = OpenExamFactory.create(
        course=course, capacity=SEATS, starts_at=now + timedelta(days=30), opens_at=now - timedelta(days=1),
        closes_at=now + timedelta(days=20), withdraw_until=now + timedelta(days=25),
    )  # fmt: skip
    connections.close_all()
    return int(exam.pk)


@contextmanager
def _serve(broker: str) -> Iterator[int]:
    """Run the site with two processes; yield its port."""
    port = free_port()
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--workers", "2", "--blocking-threads", "8", "--no-ws", "--log-level", "error", "amls.wsgi:application"]
    environment = {**os.environ, "AMLS_DB_POOL": "1", "AMLS_DB_POOL_SIZE": "4", "REDIS_URL": broker}
    server = subprocess.Popen(command, cwd=ROOT, env=environment, start_new_session=True)
    try:
        for _attempt in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        time.sleep(2)
        yield port
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait()


def _press(port: int, people: list[str]) -> dict[str, float]:
    """Let everyone press once, 8 at a time over kept connections; return rate, latencies and what was sold."""
    from django.db import connections

    from exams.models import Exam, Registration

    # The processes load their code with the first requests.
    asyncio.run(_press_all(port, _new_exam(), people[: CLIENTS * 12]))
    exam_pk = _new_exam()
    started = time.perf_counter()
    times = sorted(asyncio.run(_press_all(port, exam_pk, people)))
    seconds = time.perf_counter() - started
    rows = Registration.objects.filter(exam=exam_pk)
    held, waiting = rows.filter(state="registered").count(), rows.filter(state="waitlisted").count()
    exam = Exam.objects.get(pk=exam_pk)
    if (held, waiting, exam.seats_taken) != (SEATS, len(people) - SEATS, SEATS):
        raise RuntimeError(f"{held} registered, {waiting} waiting, {exam.seats_taken} counted")
    connections.close_all()
    return {
        "per_second": len(people) / seconds,
        "p50_ms": 1000 * times[len(times) // 2],
        "p99_ms": 1000 * times[int(len(times) * 0.99)],
        "oversold": float(max(0, held - SEATS)),
    }


async def _press_all(port: int, exam_pk: int, people: list[str]) -> list[float]:
    waiting = iter(people)
    times: list[float] = []

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for cookie in waiting:
            token = "b" * 32
            body = f"csrfmiddlewaretoken={token}".encode()
            head = (
                f"POST /bench-exam/exams/{exam_pk}/register/ HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
                f"Cookie: {cookie}; csrftoken={token}\r\nContent-Type: application/x-www-form-urlencoded\r\n"
                f"Content-Length: {len(body)}\r\nOrigin: http://127.0.0.1:{port}\r\n\r\n"
            )
            started = time.perf_counter()
            writer.write(head.encode() + body)
            await writer.drain()
            status = await _answer(reader)
            times.append(time.perf_counter() - started)
            if status != 302:
                raise RuntimeError(f"register answered {status}")
        writer.close()

    await asyncio.gather(*(client() for _each in range(CLIENTS)))
    return times


async def _answer(reader: asyncio.StreamReader) -> int:
    """Read one answer; return its status."""
    return (await _headed(reader))[0]


async def _headed(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    """Read one answer; return its status and its headers, by names in small letters."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    lines = head.split("\r\n")
    headers = {name.lower(): value.strip() for name, _colon, value in (line.partition(":") for line in lines[1:])}
    if "content-length" in headers:
        await reader.readexactly(int(headers["content-length"]))
    elif headers.get("transfer-encoding") == "chunked":
        while size := int((await reader.readline()).strip(), 16):
            await reader.readexactly(size + 2)
        await reader.readline()
    return int(lines[0].split()[1]), headers


def _bare() -> float:
    """Return how many conditional UPDATE … RETURNING + INSERT a second one hot row takes on 8 connections."""
    from django.db import connection

    parameters = connection.get_connection_params()
    words = {name: parameters[name] for name in ("host", "port", "user", "password", "dbname") if parameters.get(name)}
    connection.close()
    with psycopg.connect(**words, autocommit=True) as setup:
        setup.execute("DROP TABLE IF EXISTS bench_hot, bench_taken")
        setup.execute("CREATE TABLE bench_hot (id int PRIMARY KEY, taken int NOT NULL, capacity int NOT NULL)")
        setup.execute("CREATE TABLE bench_taken (id bigserial PRIMARY KEY, person int NOT NULL, seat int NOT NULL)")
        setup.execute("INSERT INTO bench_hot VALUES (1, 0, 1000000)")
    code = "import sys; from tests.bench.signups import hot_row; hot_row(sys.argv[1], int(sys.argv[2]))"
    target = psycopg.conninfo.make_conninfo(**words)
    share = 2 * PEOPLE // CLIENTS
    workers = [subprocess.Popen([sys.executable, "-c", code, target, str(share)], cwd=ROOT, stdout=subprocess.PIPE) for _n in range(CLIENTS)]  # fmt: skip
    spans = [worker.communicate()[0].decode().split() for worker in workers]
    if any(worker.returncode for worker in workers):
        raise RuntimeError("The hot row could not be measured.")
    first, last = min(float(span[0]) for span in spans), max(float(span[1]) for span in spans)
    return share * CLIENTS / (last - first)


def hot_row(target: str, count: int) -> None:
    """Take `count` seats of the hot row in a transaction each; print when it began and ended."""
    with psycopg.connect(target) as connection:
        started = time.time()
        for person in range(count):
            row = connection.execute(
                "UPDATE bench_hot SET taken = taken + 1 WHERE id = 1 AND taken < capacity RETURNING taken"
            ).fetchone()
            assert row is not None
            connection.execute("INSERT INTO bench_taken (person, seat) VALUES (%s, %s)", (person, row[0]))
            connection.commit()
        print(started, time.time())
