"""Clocks that are wrong by five minutes decide nothing: neither a worker's nor a web server's."""

import subprocess
import sys
import time
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from allauth.account.models import EmailAddress
from django.conf import global_settings, settings
from django.test import Client, override_settings
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from amls.agenda.services import reconcile
from amls.core.clock import Clock, DatabaseClock, now
from amls.courses.models import Course, User
from amls.embedded import running
from projects.deadlines import is_counting
from projects.models import Assignment, Submission
from projects.services.registration import register_project
from tests.factories import AssignmentFactory, CourseFactory, EnrolmentFactory, LectureFactory, TopicFactory
from tests.factors import code_of, with_app
from tests.infra.test_mail_for_real import _PREPARE, House, Post, wait_for
from tests.infra.test_redis_away import PASSWORD, Visitor
from tests.ports import free_port
from tests.projects.servers import form, get, granian, notebook, send, signed_in

pytestmark = pytest.mark.xdist_group("serve")
SKEW = 305


def skewed(seconds: int) -> dict[str, str]:
    """Return the environment of a process whose clock is so much ahead; its stopwatch is right."""
    said = subprocess.run(["faketime", "-f", f"{seconds:+}s", "env"], capture_output=True, text=True, check=True).stdout
    library = dict(line.split("=", 1) for line in said.splitlines() if line.startswith("LD_PRELOAD="))
    # FAKETIME_SHARED names what went with that process: whoever is told of it ends at once where its own number is that of
    # a process which was killed before.
    return {**library, "FAKETIME": f"{seconds:+}s", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


@pytest.mark.usefixtures("migrated")
def test_workers_with_wrong_clocks_mail_nobody_twice(var: Path) -> None:
    people, post = 300, Post(pause=0.02)
    controller = Controller(post, hostname="127.0.0.1", port=free_port())
    with ExitStack() as stack:
        controller.start()
        stack.callback(controller.stop)
        stack.enter_context(running(var))
        house = House(var, controller.port, free_port(), stack)
        prepare = [sys.executable, "-c", _PREPARE, str(people)]
        subprocess.run(prepare, cwd=settings.BASE_DIR, env=house.environment, check=True)
        for name, seconds in (("ahead", SKEW), ("behind", -SKEW), ("right", 0)):
            house.worker(name, MAIL_LEASE_SECONDS="60", **skewed(seconds))
        house.beat("one")
        wait_for(lambda: len(post.taken) == people, var / "log")
        # Whoever would send again what another is sending has had time to.
        time.sleep(3)
    assert {address: count for address, count in post.taken.items() if count > 1} == {}


@pytest.mark.django_db(transaction=True)
def test_web_servers_with_wrong_clocks_judge_hand_ins_alike(tmp_path: Path) -> None:
    course = CourseFactory.create(slug="amls")
    rules = AssignmentFactory.create(course=course, due_at=timezone.now() + timedelta(days=1))
    for name, seconds in (("ahead", SKEW), ("behind", -SKEW)):
        folder = tmp_path / name
        folder.mkdir()
        with granian(folder, skewed(seconds), workers=1) as port:
            for closed_for, counts in ((timedelta(minutes=2), False), (-timedelta(minutes=2), True)):
                assert _hand_in(port, rules, closed_for=closed_for) is counts, (name, closed_for)
            assert _signs_in_with_an_app(port), name
            assert _answers_of_a_calendar(port, course) == [200, 304, 200], name
            clocks = get(port, "/readyz")[2].decode()
        assert f'"clocks": "this server is {SKEW} s {name.replace("ahead", "ahead of")} the database"' in clocks


def _hand_in(port: int, rules: Assignment, *, closed_for: timedelta) -> bool:
    """Hand in by that server so long after the deadline; return whether it counts, with true times."""
    rules.due_at = timezone.now() + timedelta(days=1)
    rules.save()
    enrolment = EnrolmentFactory.create(course=rules.course)
    topic = TopicFactory.create(course=rules.course)
    project = register_project(enrolment=enrolment, topic=topic, now=timezone.now())
    rules.due_at = timezone.now() - closed_for - timedelta(minutes=1)
    rules.save()
    body, kind = form({"work.ipynb": notebook(2000)})
    before = timezone.now()
    status, _where = send(port, "/amls/projects/mine/submit/", cookie=signed_in(enrolment.user), body=body, kind=kind)
    after = timezone.now()
    assert status == 302
    kept = Submission.objects.get(project=project)
    assert before - timedelta(seconds=1) <= kept.began_at <= kept.received_at <= after + timedelta(seconds=1)
    return is_counting(kept)


def _signs_in_with_an_app(port: int) -> bool:
    """Whether the code that an app shows at the true time lets a person in."""
    with override_settings(PASSWORD_HASHERS=global_settings.PASSWORD_HASHERS):
        user = User.objects.create_user(f"app{port}@example.org", PASSWORD)
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    secret, visitor = with_app(user), Visitor(port)
    assert visitor.sign_in(user.email) == (200, "/accounts/2fa/authenticate/")
    # The home of the only course.
    return visitor.prove(code_of(secret)) == "/amls/"


def _answers_of_a_calendar(port: int, course: Course) -> list[int]:
    """Ask for it, again with what it said of itself, and again after it has changed; return the statuses."""
    path = f"/{course.slug}/calendar.ics"
    status, headers = get(port, path)[:2]
    known = {"If-None-Match": headers["etag"]}
    before = get(port, path, "", **known)[0]
    LectureFactory.create(course=course)
    reconcile(course, now=now())
    return [status, before, get(port, path, "", **known)[0]]


@pytest.mark.django_db
def test_requests_go_by_the_databases_clock_which_is_asked_now_and_then(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    ours = DatabaseClock()
    with django_assert_num_queries(1):
        first, second = ours.now(), ours.now()
    assert timedelta(0) <= second - first < timedelta(seconds=5)
    assert abs(first - now()) < timedelta(seconds=5)


def test_a_clock_goes_on_by_the_stopwatch() -> None:
    start = timezone.now()
    assert Clock(start, time.monotonic() - 90).now() - start >= timedelta(seconds=90)


@pytest.mark.django_db
def test_a_front_server_whose_clock_is_wrong_is_named(client: Client) -> None:
    stamp = {"x-request-began": f"{time.time() - SKEW:.3f}"}
    with override_settings(REQUEST_BEGAN_META="HTTP_X_REQUEST_BEGAN"):
        report = client.get("/readyz", headers=stamp).json()
    assert report["clocks"] == f"the front server is {SKEW} s behind the database"
