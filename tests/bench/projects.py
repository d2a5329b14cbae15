"""Projects under load: registrations for too few slots, hand-ins of projects and of a sheet in the last minute, the TA's list."""

import http.client
import json
import shutil
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

PEOPLE, TOPICS, SLOTS = 1000, 24, 30
HAND_INS, HAND_IN_BYTES = 300, 2 * 1024**2
SHEETS, SHEET_BYTES = 600, 200 * 1024
CLIENTS, TOKEN = 32, "a" * 32
LISTED = (20, 2000)


@dataclass(frozen=True)
class Prepared:
    """What was made before the server started; models can't be imported before Django is set up."""

    slug: str
    topics: list[int]
    registering: list[str]
    handing_in: list[str]
    sheet: int


def prepare() -> Prepared:
    """Make a course with 24 topics, 1,000 people who want one, and 300 who have a project; all are signed in."""
    from django.db import connection
    from django.utils import timezone

    from amls.courses.models import Enrolment, User
    from projects.models import Assignment
    from projects.services.registration import register_project
    from tests.factories import AssignmentFactory, CourseFactory, TopicFactory

    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS bench_row (id bigserial PRIMARY KEY, text varchar(60) NOT NULL)")
    now, slug = timezone.now(), f"bench-{uuid.uuid4().hex[:8]}"
    course = CourseFactory.create(slug=slug)
    AssignmentFactory.create(course=course, due_at=now + timedelta(days=1))
    topics = [TopicFactory.create(course=course, slots=SLOTS) for _each in range(TOPICS)]
    users = User.objects.bulk_create(
        User(email=f"{number}@{slug}.example.org", display_name=f"Person {number}")
        for number in range(PEOPLE + HAND_INS)
    )
    people = Enrolment.objects.bulk_create(Enrolment(user=user, course=course) for user in users)
    room = TopicFactory.create(course=course, slots=HAND_INS)
    for person in people[PEOPLE:]:
        register_project(enrolment=Enrolment.objects.get(pk=person.pk), topic=room, now=now)
    sheet = Assignment.objects.create(
        course=course, kind="sheet", topics_given="", title="Sheet 1", teaming="alone", due_at=now + timedelta(days=1)
    )
    cookies = [_signed_in(user) for user in users]
    return Prepared(slug, [topic.pk for topic in topics], cookies[:PEOPLE], cookies[PEOPLE:], sheet.pk)


def _signed_in(user: Any) -> str:
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore

    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "amls.courses.accounts.AccountBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return f"{settings.SESSION_COOKIE_NAME}={session.session_key}; csrftoken={TOKEN}"


def measure(port: int, prepared: Prepared) -> list[dict[str, object]]:
    """Measure on the server at `port`, check what came of it, and return the rows.

    Raises:
        RuntimeError: a slot was given twice, a hand-in was lost, or a receipt is not valid.
    """
    try:
        return [
            *_registrations(port, prepared),
            *_hand_ins(port, prepared),
            *_sheets(port, prepared),
            *_list_of_staff(prepared),
        ]
    finally:
        from django.conf import settings

        # 1.2 GB that nobody needs any more.
        shutil.rmtree(settings.MEDIA_ROOT, ignore_errors=True)


def _registrations(port: int, prepared: Prepared) -> list[dict[str, object]]:
    from django.db.models import Count, F, Q

    from projects.models import Membership, Project, Topic

    path = f"/{prepared.slug}/projects/register/"
    kind = "application/x-www-form-urlencoded"
    requests: list[Request] = [
        (path, cookie, kind, _words(topic=str(prepared.topics[number % TOPICS]), emails=""))
        for number, cookie in enumerate(prepared.registering)
    ]
    bare: list[Request] = [("/insert/", "", kind, _words(text="a registration")) for _each in requests]
    bare_rate, _answers = _rate(port, bare)
    rate, answers = _rate(port, requests)
    statuses = Counter(status for status, _location in answers)
    topics = Topic.objects.filter(pk__in=prepared.topics)
    rows = Count("projects", filter=Q(projects__withdrawn_at__isnull=True))
    given = Project.objects.active().filter(topic__in=topics).count()
    members = Membership.objects.active().filter(project__topic__in=topics)
    _require(statuses == {302: TOPICS * SLOTS, 422: PEOPLE - TOPICS * SLOTS}, f"answers: {statuses}")
    _require(given == TOPICS * SLOTS == members.count(), f"{given} projects on {TOPICS * SLOTS} slots")
    _require(not topics.annotate(rows=rows).exclude(taken=F("rows")).exists(), "counters differ from rows")
    return [
        _row("bare INSERT, our middleware", bare_rate, bare_rate),
        _row(f"registrations: {PEOPLE} for {TOPICS * SLOTS} slots", rate, bare_rate),
    ]


def _hand_ins(port: int, prepared: Prepared) -> list[dict[str, object]]:
    """Hand projects in, and look at every receipt."""
    from projects.models import Assignment

    assignment = Assignment.objects.get(course__slug=prepared.slug, is_main=True)
    path = f"/{prepared.slug}/projects/mine/submit/"
    bare_rate, rate, locations = _last_minute(port, assignment, path, prepared.handing_in, HAND_IN_BYTES)
    checked = {location: _get(port, location) for location in locations}
    valid = [b"Received in time" in page for status, page in checked.values() if status == 200]
    _require(len(valid) == HAND_INS and all(valid), f"{sum(valid)} valid receipts of {HAND_INS}")
    return [
        _row("bare upload of 2 MB, our middleware", bare_rate, bare_rate),
        _row(f"hand-ins of 2 MB: {HAND_INS} in the last minute", rate, bare_rate),
    ]


def _sheets(port: int, prepared: Prepared) -> list[dict[str, object]]:
    """Hand a sheet in, for which nobody has registered: the hand-in makes the team."""
    from projects.models import Assignment, Membership

    sheet = Assignment.objects.get(pk=prepared.sheet)
    path = f"/{prepared.slug}/assignments/{sheet.pk}/submit/"
    bare_rate, rate, _locations = _last_minute(port, sheet, path, prepared.registering[:SHEETS], SHEET_BYTES)
    members = Membership.objects.active().filter(assignment=sheet)
    people = members.values("enrolment").distinct().count()
    _require(members.count() == SHEETS == people, f"{members.count()} memberships of {people} people")
    return [
        _row("bare upload of 200 kB, our middleware", bare_rate, bare_rate),
        _row(f"a sheet of 200 kB: {SHEETS} in the last minute", rate, bare_rate),
    ]


def _last_minute(
    port: int, assignment: Any, path: str, cookies: Sequence[str], size: int
) -> tuple[float, float, list[str]]:
    """Hand in for all of these people in the last minute; return the bare rate, the rate, and where each was led.

    Raises:
        RuntimeError: a hand-in was lost or is late.
    """
    from django.utils import timezone

    from projects.deadlines import Deadlines
    from projects.models import Submission

    def request(path: str, cookie: str, number: int) -> Request:
        return path, cookie, *_multipart(_notebook(number, size), request_key=str(uuid.uuid4()))

    # Files are taken from who is signed in only.
    bare_rate, _answers = _rate(
        port, [partial(request, "/upload/", cookie, number) for number, cookie in enumerate(cookies)]
    )
    # The deadline's last minute has just begun: it closes 60 seconds from now.
    assignment.due_at = timezone.now()
    assignment.save()
    rate, answers = _rate(port, [partial(request, path, cookie, number) for number, cookie in enumerate(cookies)])
    statuses = Counter(status for status, _location in answers)
    _require(statuses == {302: len(cookies)}, f"answers: {statuses}")
    submissions = Submission.objects.filter(project__assignment=assignment).select_related("project")
    _require(submissions.count() == len(cookies), f"{submissions.count()} hand-ins of {len(cookies)}")
    deadlines = Deadlines.of(assignment)
    due_at = deadlines.for_all
    _require(all(deadlines.counts(submission, due_at) for submission in submissions), "a hand-in is late")
    return bare_rate, rate, [location for _status, location in answers]


def _list_of_staff(prepared: Prepared) -> list[dict[str, object]]:
    """Count the queries of the TA's list of projects, if the desk has one."""
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext
    from django.urls import NoReverseMatch, reverse
    from django.utils import timezone

    from amls.courses.models import Enrolment, Role, User
    from projects.models import Membership, Project, Submission
    from tests.factories import AssignmentFactory, CourseFactory, EnrolmentFactory, TopicFactory

    try:
        path = reverse("admin:projects_project_changelist")
    except NoReverseMatch:
        return [{"case": "the TA's list", "note": "not there yet"}]
    now, rows = timezone.now(), []
    for count in LISTED:
        course = CourseFactory.create(slug=f"{prepared.slug}-{count}")
        AssignmentFactory.create(course=course, due_at=now)
        topic = TopicFactory.create(course=course, slots=count, taken=count)
        users = User.objects.bulk_create(User(email=f"{number}@{course.slug}.example.org") for number in range(count))
        people = Enrolment.objects.bulk_create(Enrolment(user=user, course=course) for user in users)
        projects = Project.objects.bulk_create(
            Project(assignment=topic.assignment, topic=topic, registered_at=now) for _each in people
        )
        pairs = list(zip(projects, people, strict=True))
        Membership.objects.bulk_create(
            Membership(project=project, assignment=project.assignment, enrolment=who, joined_at=now)
            for project, who in pairs
        )
        Submission.objects.bulk_create(
            Submission(
                project=project, submitted_by=who, attempt=1, began_at=now, received_at=now,
                repository_url="https://example.org/r", commit="abcdef1",
            )
            for project, who in pairs
        )  # fmt: skip
        assistant = EnrolmentFactory.create(
            course=course, role=Role.ASSISTANT, user__email=f"ta@{course.slug}.example.org"
        )
        client = Client(headers={"host": "localhost"})
        client.force_login(assistant.user, backend="amls.courses.accounts.AccountBackend")
        client.get(path)
        began = time.perf_counter()
        with CaptureQueriesContext(connection) as queries:
            answer = client.get(path)
        seconds = time.perf_counter() - began
        _require(answer.status_code == 200, f"{path}: {answer.status_code}")
        rows.append(
            {"case": f"the TA's list, {count} hand-ins", "queries": len(queries), "milliseconds": round(seconds * 1000)}
        )
    return rows


Request = tuple[str, str, str, bytes]


def _rate(port: int, requests: Sequence[Request | Callable[[], Request]]) -> tuple[float, list[tuple[int, str]]]:
    """Send them all with some clients at once; return how many were answered per second, and the answers."""
    local = threading.local()

    def send(request: Request | Callable[[], Request]) -> tuple[int, str]:
        path, cookie, kind, body = request() if callable(request) else request
        if not hasattr(local, "line"):
            local.line = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        local.line.request("POST", path, body, {"Content-Type": kind, "Cookie": cookie})
        answer = local.line.getresponse()
        answer.read()
        return answer.status, answer.headers.get("Location", "")

    began = time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as pool:
        answers = list(pool.map(send, requests))
    return len(requests) / (time.perf_counter() - began), answers


def _get(port: int, path: str) -> tuple[int, bytes]:
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    line.request("GET", path)
    answer = line.getresponse()
    status_and_body = answer.status, answer.read()
    line.close()
    return status_and_body


def _words(**values: str) -> bytes:
    return urlencode({"csrfmiddlewaretoken": TOKEN, **values}).encode()


def _notebook(number: int, size: int) -> bytes:
    start, end = json.dumps({"nbformat": 4, "cells": [], "team": number, "text": ""})[:-2], '"}'
    return (start + "x" * (size - len(start) - len(end)) + end).encode()


def _multipart(content: bytes, **values: str) -> tuple[str, bytes]:
    limit = uuid.uuid4().hex
    body = b"".join(
        f'--{limit}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in {"csrfmiddlewaretoken": TOKEN, **values}.items()
    )
    body += f'--{limit}\r\nContent-Disposition: form-data; name="files"; filename="work.ipynb"\r\n\r\n'.encode()
    return f"multipart/form-data; boundary={limit}", body + content + f"\r\n--{limit}--\r\n".encode()


def _require(is_so: bool, otherwise: str) -> None:
    if not is_so:
        raise RuntimeError(otherwise)


def _row(case: str, rate: float, bare: float) -> dict[str, object]:
    return {"case": case, "per_second": round(rate, 1), "to_bare": round(rate / bare, 2)}


def report(rows: Sequence[dict[str, object]], folder: Path) -> None:
    """Print the table, and write it to projects.json."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "projects.json").write_text(json.dumps(rows, indent=1))
    for row in rows:
        print(f"{row['case']!s:45}", *(f"{name}: {value}" for name, value in row.items() if name != "case"))
