"""The rush: results are published, a deadline's last minutes, the opening of an exam's sign-up; beside bare views in one mix.

Everyone comes at a time of their own, whatever is answered when, reads for some seconds, and asks for the next thing over a
connection that is kept. The bare twin sends the same, at the same times, to views behind
the same middlewares on the same two web processes: session, user and one query for a page, one INSERT for a form, one file
stored for a hand-in. `RUSH_PEOPLE=30 RUSH_ROUNDS=1 make bench ONLY=rush` is a small run.
"""

import asyncio
import os
import random
import signal
import statistics
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.bench.projects import HAND_IN_BYTES, TOKEN, _multipart, _notebook, _signed_in
from tests.bench.signups import _headed
from tests.bench.stage import ROOT, VAR, redis, stage
from tests.ports import free_port

PEOPLE, ROUNDS = int(os.environ.get("RUSH_PEOPLE", "600")), int(os.environ.get("RUSH_ROUNDS", "5"))
# For 600 at results and deadline there are 1,000 at the opening of a sign-up, for 200 seats.
CROWD, SEATS = PEOPLE * 5 // 3, PEOPLE // 3
# How many come in a second: with the mails that tell of results, towards a deadline, and at the opening.
MAILED, LATE, OPENING = 100, 10, 100
_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Step:
    """What somebody asks for.

    Attributes:
        path: on the site; empty for where the answer before led to.
        twin: the address of the bare view.
        body: makes the kind and bytes of what is sent; None for a page.
    """

    path: str
    twin: str
    body: Callable[[], tuple[str, bytes]] | None = None

    @property
    def status(self) -> int:
        """What the site answers with when all is well."""
        return 200 if self.body is None else 302


Visit = tuple[str, Sequence[Step]]


@dataclass
class Waits:
    """What came of a rush: seconds to each answer, and the answers that were none."""

    seconds: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def milliseconds(self, share: float) -> float:
        """Return how long all but the slowest took at most."""
        ordered = sorted(self.seconds)
        return 1000 * ordered[min(len(ordered) - 1, int(len(ordered) * share))]


@dataclass(frozen=True)
class RushScene:
    """A course in which everyone is signed in: results are out, a deadline is near, a sign-up is open."""

    slug: str
    exam: int
    assignment: int
    topics: list[int]
    feeds: list[str]
    cookies: list[str]


def measure() -> list[dict[str, object]]:
    """Return the medians of some rounds, each in a new course: the site and its bare twin in turn."""
    waits_of: dict[tuple[str, str], list[Waits]] = {}
    with stage(), redis() as broker:
        from django.db import connection, connections

        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE IF NOT EXISTS bench_row (id bigserial PRIMARY KEY, text varchar(60) NOT NULL)")
        scenes = [_make_scene(f"rush-{number}") for number in range(ROUNDS)]
        answers = _keep_answers(scenes[0])
        connections.close_all()
        with _serve(broker, answers) as port:
            for number, scene in enumerate(scenes):
                for name, (visits, rate) in _rushes(scene).items():
                    kinds = ("site", "bare") if number % 2 else ("bare", "site")
                    for kind in kinds:
                        waits_of.setdefault((name, kind), []).append(asyncio.run(_rush(port, visits, rate, kind)))
                _check(scene)
                connections.close_all()
    names = dict.fromkeys(name for name, _kind in waits_of)
    return [row for name in names for row in _rows(name, waits_of[name, "site"], waits_of[name, "bare"])]


def _rows(name: str, site: list[Waits], bare: list[Waits]) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for share, aim in ((0.5, ""), (0.95, "≤ 1,000 ms")):
        here, there = (statistics.median(waits.milliseconds(share) for waits in rounds) for rounds in (site, bare))
        case = f"{name}, p{100 * share:.0f}"
        rows.append({"case": case, "value": f"{here:.0f} ms", "ratio": round(here / there, 1), "aim": aim})
    errors = [error for waits in site for error in waits.errors]
    asked = sum(len(waits.seconds) for waits in site)
    said = "; ".join([f"none of {asked} answers", *dict.fromkeys(errors)])
    rows.append({"case": f"{name}, errors", "value": len(errors), "ratio": sum(len(waits.errors) for waits in bare), "aim": said})  # fmt: skip
    return rows


def _make_scene(slug: str) -> RushScene:
    from django.utils import timezone

    from amls.agenda.feeds import personal_feed_url
    from amls.agenda.services import reconcile
    from amls.courses.models import Enrolment, User
    from tests.factories import AssignmentFactory, CourseFactory, LectureFactory, OpenExamFactory, TopicFactory

    now = timezone.now()
    course = CourseFactory.create(slug=slug, state="running")
    for number in range(12):
        LectureFactory.create(course=course, number=f"{number:02}", starts_at=now + timedelta(days=7 * number - 40))
    # 23:50: ten minutes are left.
    assignment = AssignmentFactory.create(course=course, due_at=now + timedelta(minutes=10 + 30 * ROUNDS))
    users = User.objects.bulk_create(
        User(email=f"p{number}@{slug}.example.org", display_name=f"Łukasz Żółć {number}", password="!")
        for number in range(CROWD)
    )
    people = Enrolment.objects.bulk_create(Enrolment(user=user, course=course) for user in users)
    topics = [TopicFactory.create(course=course, slots=PEOPLE).pk for _each in range(24)]
    _give_projects(topics[0], people[: PEOPLE // 2], now)
    _publish_results(course, people[:PEOPLE], now)
    exam = OpenExamFactory.create(
        course=course, capacity=SEATS, starts_at=now + timedelta(days=30), opens_at=now - timedelta(hours=1),
        closes_at=now + timedelta(days=20), withdraw_until=now + timedelta(days=25),
    )  # fmt: skip
    reconcile(course, now=now)
    known = Enrolment.objects.filter(course=course).select_related("course", "user").order_by("pk")
    feeds = ["/" + personal_feed_url(person).split("/", 3)[3] for person in known[: PEOPLE // 10]]
    return RushScene(slug, exam.pk, assignment.pk, topics, feeds, [_signed_in(user) for user in users])


def _give_projects(topic: int, people: Sequence[Any], now: datetime) -> None:
    from amls.courses.models import Enrolment
    from projects.models import Topic
    from projects.services.registration import register_project

    for person in people:
        register_project(enrolment=Enrolment.objects.get(pk=person.pk), topic=Topic.objects.get(pk=topic), now=now)


def _publish_results(course: Any, people: Sequence[Any], now: datetime) -> None:
    from exams.models import Exam, Registration, Result

    held = now - timedelta(days=9)
    exam = Exam.objects.create(
        course=course, starts_at=held, opens_at=held - timedelta(days=30), closes_at=held - timedelta(days=5),
        withdraw_until=held - timedelta(days=2), closed_at=now, results_published_at=now, seats_taken=len(people),
    )  # fmt: skip
    sat = Registration.objects.bulk_create(
        Registration(
            course=course, exam=exam, enrolment=person, created_at=held, changed_at=held, state="attended",
            arrived_at=held, closed_at=now,
        )
        for person in people
    )  # fmt: skip
    Result.objects.bulk_create(
        # Nobody passed: who passes is refused the second date, whose sign-up opens below.
        Result(registration=registration, points=Decimal(40), grade=Decimal("5.0"), state="published", published_at=now)
        for registration in sat
    )


def _page(scene: RushScene, name: str) -> Step:
    return Step(f"/{scene.slug}/{_PAGES[name]}", f"/signed-in/{name}/")


_PAGES = {"me": "me/", "exams": "exams/", "topics": "projects/", "submit": "projects/mine/submit/"}


def _keep_answers(scene: RushScene) -> dict[str, str]:
    """Keep the bytes of the pages for the bare views; return how the web processes find them."""
    from django.test import Client

    folder = VAR / "answers"
    folder.mkdir(exist_ok=True)
    asked = {name: f"/{scene.slug}/{path}" for name, path in _PAGES.items()} | {"feed": scene.feeds[0]}
    for name, path in asked.items():
        answer = Client(headers={"host": "localhost"}).get(path, HTTP_COOKIE=scene.cookies[0])
        if answer.status_code != 200:
            raise RuntimeError(f"{path}: {answer.status_code}")
        (folder / name).write_bytes(b"".join(answer))
    # A receipt is a page of that size.
    (folder / "receipt").write_bytes((folder / "submit").read_bytes())
    return {"BENCH_ANSWERS": str(folder)}


def _form(**values: str) -> Callable[[], tuple[str, bytes]]:
    words = "&".join(f"{name}={value}" for name, value in {"csrfmiddlewaretoken": TOKEN, "text": "x", **values}.items())
    return lambda: (_FORM, words.encode())


def _rushes(scene: RushScene) -> dict[str, tuple[list[Visit], float]]:
    """Return the three of them by name: who comes and asks for what, and how many come in a second."""
    me, exams, topics, submit = (_page(scene, name) for name in _PAGES)
    results: list[Visit] = [
        (cookie, [me, exams, exams, exams, *([Step(scene.feeds[number // 10], "/bare/feed/")] * (number % 10 == 0))])
        for number, cookie in enumerate(scene.cookies[:PEOPLE])
    ]
    receipt = Step("", "/signed-in/receipt/")
    handing_in: list[Visit] = [
        (cookie, [submit, Step(submit.path, "/upload/", _hand_in(number)), receipt])
        for number, cookie in enumerate(scene.cookies[: PEOPLE // 2])
    ]
    register = f"/{scene.slug}/projects/register/"
    choosing: list[Visit] = [
        (cookie, [topics, Step(register, "/insert/", _form(topic=str(scene.topics[number % 24]), emails=""))])
        for number, cookie in enumerate(scene.cookies[PEOPLE // 2 : PEOPLE])
    ]
    both = [visit for pair in zip(handing_in, choosing, strict=True) for visit in pair]
    sign_up = Step(f"/{scene.slug}/exams/{scene.exam}/register/", "/insert/", _form())
    opening: list[Visit] = [(cookie, [exams, sign_up, exams]) for cookie in scene.cookies]
    return {
        f"results for {PEOPLE}": (results, MAILED),
        f"23:50 for {PEOPLE}": (both, LATE),
        f"sign-up, {CROWD} for {SEATS} seats": (opening, OPENING),
    }


def _hand_in(number: int) -> Callable[[], tuple[str, bytes]]:
    return lambda: _multipart(_notebook(number, HAND_IN_BYTES), request_key=str(uuid.uuid4()))


async def _rush(port: int, visits: Sequence[Visit], rate: float, kind: str) -> Waits:
    """Let them come, at the same times for the site and its twin."""
    drawn, waits, beginning = random.Random(16), Waits(), time.perf_counter() + 0.5
    visitors = []
    for number, (cookie, steps) in enumerate(visits):
        reading = [drawn.uniform(1, 4) for _step in steps]
        visitors.append(_visit(port, cookie, steps, beginning + number / rate, reading, kind, waits))
    await asyncio.gather(*visitors)
    return waits


async def _visit(
    port: int, cookie: str, steps: Sequence[Step], due: float, reading: Sequence[float], kind: str, waits: Waits
) -> None:
    led_to = ""
    await asyncio.sleep(max(0.0, due - time.perf_counter()))
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError as error:
        waits.errors.append(repr(error))
        return
    for step, pause in zip(steps, reading, strict=True):
        path = step.twin if kind == "bare" else step.path or led_to
        request = _request(port, path, cookie, step)
        began = time.perf_counter()
        try:
            writer.write(request)
            await writer.drain()
            status, headers = await _headed(reader)
        except (OSError, asyncio.IncompleteReadError) as error:
            waits.errors.append(f"{path}: {error!r}")
            break
        waits.seconds.append(time.perf_counter() - began)
        wanted = 200 if kind == "bare" else step.status
        if status != wanted:
            waits.errors.append(f"{step.twin}: {status}")
        led_to = headers.get("location", led_to)
        await asyncio.sleep(pause)
    writer.close()


def _request(port: int, path: str, cookie: str, step: Step) -> bytes:
    head = f"{path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nCookie: {cookie}\r\n"
    if step.body is None:
        return f"GET {head}\r\n".encode()
    kind, body = step.body()
    sent = f"Origin: http://127.0.0.1:{port}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
    return f"POST {head}{sent}\r\n".encode() + body


def _check(scene: RushScene) -> None:
    """Look at what came of it.

    Raises:
        RuntimeError: a seat was sold twice, or a hand-in or registration was lost.
    """
    from exams.models import Exam, Registration
    from projects.models import Project, Submission

    rows = Registration.objects.filter(exam=scene.exam)
    got = {
        "seats": rows.filter(state="registered").count(),
        "waiting": rows.filter(state="waitlisted").count(),
        "counted": Exam.objects.get(pk=scene.exam).seats_taken,
        "hand-ins": Submission.objects.filter(project__assignment=scene.assignment).count(),
        "projects": Project.objects.active().filter(assignment=scene.assignment).count(),
    }
    wanted = {
        "seats": SEATS, "waiting": CROWD - SEATS, "counted": SEATS, "hand-ins": PEOPLE // 2, "projects": PEOPLE // 2 * 2,
    }  # fmt: skip
    if got != wanted:
        raise RuntimeError(f"{got} instead of {wanted}")


@contextmanager
def _serve(broker: str, answers: dict[str, str]) -> Iterator[int]:
    """Run the site and the bare views as `serve` runs the site, with two web processes; yield the port."""
    port = free_port()
    command = [sys.executable, "-m", "amls.web", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--workers", "2", "--blocking-threads", "8", "--no-ws", "--log-level", "error"]
    environment = {**os.environ, **answers, "AMLS_DB_POOL": "1", "AMLS_DB_POOL_SIZE": "4", "REDIS_URL": broker}
    server = subprocess.Popen([*command, "tests.bench.wsgi:application"], cwd=ROOT, env=environment, start_new_session=True)  # fmt: skip
    try:
        asyncio.run(_wait_for(port, server))
        yield port
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait()


async def _wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    while server.poll() is None:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(f"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
            status, _headers = await _headed(reader)
            writer.close()
            if status == 200:
                return
        except (OSError, asyncio.IncompleteReadError):
            pass
        await asyncio.sleep(0.2)
    raise RuntimeError("The web processes ended.")
