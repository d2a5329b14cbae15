"""What a faculty asks of AMLS: the processor time of each kind of request, the nodes that follow, and its mix on loopback.

Time on the clock says little on a machine that others use too. The costs are seconds of a processor: of the process that
answers, of the children that judge uploads, and of PostgreSQL, for requests through all middlewares, without sockets.
Run alone: `python -m tests.bench faculty`.
"""

import asyncio
import json
import os
import random
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import psutil
from django.db import connection
from django.db.transaction import atomic

from tests.bench.projects import HAND_IN_BYTES, TOKEN, _multipart, _notebook, _signed_in
from tests.bench.signups import _answer, _serve
from tests.bench.stage import make_course, redis, stage

PEOPLE, LECTURES, TIMES, MAILS = 240, 24, 100, 400
# The day of a faculty of 100 courses and 20,000 students, and which part of it falls into its busiest hour.
FEEDS_PER_DAY, PAGES_PER_DAY = 2_000_000, 200_000


@dataclass(frozen=True)
class Kind:
    """A kind of request: how many a faculty sends in its busiest hour, and why so many."""

    name: str
    per_hour: int
    why: str


KINDS = (
    Kind("feed, unchanged (304)", int(FEEDS_PER_DAY * 0.9 / 24 * 1.5), "2 million polls a day, 90 % of nothing new"),
    Kind("feed of a course, whole", int(FEEDS_PER_DAY * 0.03 / 24 * 1.5), "3 % of them"),
    Kind("feed of a person, whole", int(FEEDS_PER_DAY * 0.07 / 24 * 1.5), "7 % of them"),
    Kind(
        "page, as everyone sees it",
        int(PAGES_PER_DAY * 0.5 * 0.12),
        "10 pages a day for each student, half of them public",
    ),
    Kind("page, signed in", int(PAGES_PER_DAY * 0.5 * 0.12), "the other half"),
    Kind("sign-up for an exam", 5_000, "the hour in which the office opens five large exams"),
    Kind("hand-in of 2 MB", 2_000, "the last hour before the deadlines of 20 courses"),
    Kind("mail", 20_000, "reminders and a change in 20 courses"),
)


@dataclass
class FacultyScene:
    """What was made: a course, who is signed in, and where the requests go."""

    slug: str
    exam: int
    feed: str
    students: list[str]
    teams: list[str]


def measure() -> list[dict[str, object]]:
    """Return the cost of each kind, what follows for a faculty, and how its mix behaves as it grows."""
    with stage():
        with atomic():
            scene = _make_scene()
        rows = _costs(scene)
    with stage(), redis() as broker:
        with atomic():
            scene = _make_scene()
        with _serve(broker) as port:
            steps = asyncio.run(_ramp(port, scene, rows))
    return [*rows, *steps]


def _make_scene() -> FacultyScene:
    """Make a course in mid-term with its people, all signed in, half of them with a project."""
    from django.utils import timezone

    from amls.agenda.feeds import personal_feed_url
    from amls.agenda.services import reconcile
    from amls.courses.models import Enrolment, User
    from projects.services.registration import register_project
    from tests.factories import AssignmentFactory, CourseFactory, LectureFactory, OpenExamFactory, TopicFactory

    now = timezone.now()
    course = CourseFactory.create(slug="faculty", state="running")
    for number in range(LECTURES):
        LectureFactory.create(
            course=course, number=f"{number:02}", starts_at=now + timedelta(days=7 * (number - 12), hours=1)
        )
    AssignmentFactory.create(course=course, due_at=now + timedelta(days=1))
    exam = OpenExamFactory.create(
        course=course, capacity=PEOPLE, starts_at=now + timedelta(days=30), opens_at=now - timedelta(days=1),
        closes_at=now + timedelta(days=20), withdraw_until=now + timedelta(days=25),
    )  # fmt: skip
    topic = TopicFactory.create(course=course, slots=PEOPLE)
    users = User.objects.bulk_create(
        User(email=f"p{number}@faculty.example.org", display_name=f"Łukasz Żółć {number}") for number in range(PEOPLE)
    )
    people = Enrolment.objects.bulk_create(Enrolment(user=user, course=course) for user in users)
    for person in people[PEOPLE // 2 :]:
        register_project(enrolment=Enrolment.objects.get(pk=person.pk), topic=topic, now=now)
    reconcile(course, now=now)
    feed = (
        "/"
        + personal_feed_url(Enrolment.objects.select_related("course", "user").get(pk=people[0].pk)).split("/", 3)[3]
    )
    cookies = [_signed_in(user) for user in users]
    return FacultyScene("faculty", exam.pk, feed, cookies[: PEOPLE // 2], cookies[PEOPLE // 2 :])


@contextmanager
def _counted(costs: list[float], times: int) -> Iterator[None]:
    """Add the milliseconds of a processor that each of some requests took: here, in children that ended, in PostgreSQL."""
    before = _used()
    yield
    costs.append(1000 * (_used() - before) / times)


def _used() -> float:
    own, backend = os.times(), connection.connection
    # What the server tidies up meanwhile is not of these requests.
    served = sum(psutil.Process(backend.info.backend_pid).cpu_times()[:2]) if backend else 0.0
    return own.user + own.system + own.children_user + own.children_system + served


def _costs(scene: FacultyScene) -> list[dict[str, object]]:
    from django.test import Client

    client = Client(SERVER_NAME="localhost")
    public = f"/{scene.slug}/calendar.ics"
    etag = client.get(public).headers["ETag"]

    def get(path: str, status: int, **headers: str) -> Callable[[int], None]:
        def ask(_number: int) -> None:
            answer = client.get(path, **headers)
            b"".join(answer)
            _require(answer.status_code, status, path)

        return ask

    def sign_up(number: int) -> None:
        path = f"/{scene.slug}/exams/{scene.exam}/register/"
        _require(client.post(path, HTTP_COOKIE=scene.students[number]).status_code, 302, path)

    def hand_in(number: int) -> None:
        path = f"/{scene.slug}/projects/mine/submit/"
        kind, body = _multipart(_notebook(number, HAND_IN_BYTES), request_key=str(uuid.uuid4()))
        answer = client.post(path, body, content_type=kind, HTTP_COOKIE=scene.teams[number])
        _require(answer.status_code, 302, path)

    asked: dict[str, tuple[Callable[[int], None], int]] = {
        "feed, unchanged (304)": (get(public, 304, HTTP_IF_NONE_MATCH=etag), TIMES),
        "feed of a course, whole": (get(public, 200), TIMES),
        "feed of a person, whole": (get(scene.feed, 200), TIMES),
        "page, as everyone sees it": (get(f"/{scene.slug}/", 200), TIMES),
        "page, signed in": (get(f"/{scene.slug}/me/", 200, HTTP_COOKIE=scene.students[0]), TIMES),
        "sign-up for an exam": (sign_up, 100),
        "hand-in of 2 MB": (hand_in, 40),
    }
    costs: dict[str, float] = {}
    for name, (ask, times) in asked.items():
        warm = min(5, times // 4)
        for number in range(warm):
            ask(number)
        spent: list[float] = []
        with _counted(spent, times - warm):
            for number in range(warm, times):
                ask(number)
        costs[name] = spent[0]
    costs["mail"] = _cost_of_mail()
    return [_row(kind, costs[kind.name]) for kind in KINDS]


def _cost_of_mail() -> float:
    """Return what a reminder costs from the plan to the last mark, less the mail server."""
    from django.core import mail
    from django.test.utils import override_settings

    from amls.mail.connection import Postman
    from amls.mail.models import Notice
    from amls.mail.reminders import plan_reminders
    from amls.mail.send import deliver_due

    spent: list[float] = []
    Notice.objects.all().delete()
    _course, now = make_course(people=MAILS, items=1)
    with override_settings(EMAIL_BACKEND="django.core.mail.backends.locmem.EmailBackend"):
        mail.outbox = []
        postman = Postman()
        with _counted(spent, 1):
            plan_reminders(now=now)
            while deliver_due(now=now, postman=postman):
                pass
        postman.close()
    _require(len(mail.outbox) >= MAILS, True, "mails")
    return spent[0] / len(mail.outbox)


def _row(kind: Kind, cost: float) -> dict[str, object]:
    """Say what a kind costs, how many a core answers in a second, and how many cores the faculty's busiest hour takes."""
    return {
        "case": kind.name,
        "value": f"{cost:.1f} ms",
        "ratio": round(1000 / cost),
        "aim": f"1/s and core; busiest hour {kind.per_hour / 3600:.1f}/s = {kind.per_hour / 3600 * cost / 1000:.3f} cores",
        "milliseconds": round(cost, 2),
        "cores": round(kind.per_hour / 3600 * cost / 1000, 4),
    }


def _require(got: object, wanted: object, what: str) -> None:
    if got != wanted:
        raise RuntimeError(f"{what}: {got} instead of {wanted}")


# The faculty's busiest hour, so many times smaller or larger, for some seconds each.
STEPS, SECONDS, CONNECTIONS = (0.5, 1.0, 2.0, 4.0), 10, 48


async def _ramp(port: int, scene: FacultyScene, rows: list[dict[str, object]]) -> list[dict[str, object]]:
    """Send the mix at a rate that grows, whatever is answered when; return the waiting times at each."""
    public = f"/{scene.slug}/calendar.ics"
    etag = (await _ask(port, f"GET {public} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()))[1]
    heads = {
        "feed, unchanged (304)": f"GET {public} HTTP/1.1\r\nHost: localhost\r\nIf-None-Match: {etag}\r\n\r\n",
        "feed of a course, whole": f"GET {public} HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "feed of a person, whole": f"GET {scene.feed} HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "page, as everyone sees it": f"GET /{scene.slug}/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "page, signed in": f"GET /{scene.slug}/me/ HTTP/1.1\r\nHost: localhost\r\nCookie: {scene.students[0]}\r\n\r\n",
    }
    students = iter(scene.students)

    def request(kind: str) -> bytes:
        if kind in heads:
            return heads[kind].encode()
        body = f"csrfmiddlewaretoken={TOKEN}"
        return (
            f"POST /{scene.slug}/exams/{scene.exam}/register/ HTTP/1.1\r\nHost: localhost\r\nCookie: {next(students, scene.students[0])}\r\n"
            f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\nOrigin: http://localhost\r\n\r\n{body}"
        ).encode()

    kinds = [kind for kind in KINDS if kind.name in heads or kind.name.startswith("sign-up")]
    drawn = random.Random(15)
    loads: list[dict[str, object]] = []
    for step in STEPS:
        rate = step * sum(kind.per_hour for kind in kinds) / 3600
        chosen = drawn.choices([kind.name for kind in kinds], [kind.per_hour for kind in kinds], k=int(rate * SECONDS))
        times = sorted(await _send(port, [request(kind) for kind in chosen], rate, drawn))
        loads.append(
            {
                "case": f"mix of the busiest hour, times {step}: {rate:.0f}/s",
                "value": f"{1000 * times[len(times) // 2]:.0f} ms",
                "ratio": f"{1000 * times[int(len(times) * 0.95)]:.0f}",
                "aim": f"p50, p95; p99 {1000 * times[int(len(times) * 0.99)]:.0f} ms",
            }
        )
    return loads


async def _send(port: int, requests: list[bytes], rate: float, drawn: random.Random) -> list[float]:
    """Send each at its time, over some connections; return the seconds from when it was due to its answer."""
    due, queue = time.perf_counter() + 0.5, asyncio.Queue[tuple[float, bytes] | None]()
    for request in requests:
        due += drawn.expovariate(rate)
        queue.put_nowait((due, request))
    times: list[float] = []

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while not queue.empty():
            item = queue.get_nowait()
            assert item is not None
            await asyncio.sleep(max(0.0, item[0] - time.perf_counter()))
            writer.write(item[1])
            await writer.drain()
            status = await _answer(reader)
            if status >= 400:
                raise RuntimeError(f"answered {status}")
            times.append(time.perf_counter() - item[0])
        writer.close()

    await asyncio.gather(*(client() for _each in range(CONNECTIONS)))
    return times


async def _ask(port: int, request: bytes) -> tuple[int, str]:
    """Return the status of one answer, and its ETag."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    writer.close()
    etags = [line.split(":", 1)[1].strip() for line in head.splitlines() if line.lower().startswith("etag:")]
    return int(head.split()[1]), etags[0] if etags else ""


if __name__ == "__main__":
    for row in measure():
        print(json.dumps(row, ensure_ascii=False))
