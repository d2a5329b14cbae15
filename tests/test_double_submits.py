"""A form that is sent twice at the same moment does once what it says, and never fails."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import models
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from amls.agenda.services import reconcile
from amls.courses.models import Course, Enrolment
from amls.mail.models import Announcement, Notice
from exams.models import Exam, Registration
from lectures.models import Lecture
from projects.models import ExtensionRequest, Invitation, Membership, Project, Submission, Topic
from projects.services.registration import register_project
from tests.agreement import agreeing_in
from tests.cast import Cast, make_cast
from tests.factories import AssignmentFactory, LectureFactory, OpenExamFactory, TopicFactory
from tests.projects.servers import notebook
from tests.races import at_once

pytestmark = pytest.mark.django_db(transaction=True)
Post = Callable[[Client], Any]


@pytest.fixture
def cast(settings: Settings) -> Cast:
    """The cast in a course whose projects and exam are open."""
    settings.STAFF_NEEDS_SECOND_FACTOR = False
    made, now = make_cast(), timezone.now()
    AssignmentFactory.create(course=made.course, due_at=now + timedelta(days=9), opens_at=now - timedelta(days=9))
    TopicFactory.create(course=made.course, slots=3, team_max=3)
    OpenExamFactory.create(
        course=made.course, starts_at=now + timedelta(days=30), opens_at=now - timedelta(days=1),
        closes_at=now + timedelta(days=20), withdraw_until=now + timedelta(days=25), capacity=5,
    )  # fmt: skip
    # What is due already is asked of nobody who saves something else.
    reconcile(made.course, now=now)
    return made


def send_twice(cast: Cast, part: str, post: Post) -> list[int]:
    """Send the same form from two windows of one person at the same moment; return how each was answered."""
    clients = [cast.client(part), cast.client(part)]
    for client in clients:
        client.raise_request_exception = False
    return [answer.status_code for answer in at_once([partial(post, client) for client in clients])]


def _project(cast: Cast) -> Project:
    return register_project(enrolment=cast.student, topic=Topic.objects.get(), now=timezone.now())


def _register_for_exam(cast: Cast) -> tuple[str, Post, type[models.Model]]:
    (exam,) = cast.course.exams.all()
    return "student", lambda client: client.post(f"/amls/exams/{exam.pk}/register/"), Registration


def _register_project(cast: Cast) -> tuple[str, Post, type[models.Model]]:
    data = {"topic": Topic.objects.get().pk, "emails": ""}
    return "student", lambda client: client.post("/amls/projects/register/", data), Membership


def _hand_in(cast: Cast) -> tuple[str, Post, type[models.Model]]:
    _project(cast)
    key = str(uuid.uuid4())

    def post(client: Client) -> Any:
        files = SimpleUploadedFile("1.ipynb", notebook(2000))
        return client.post("/amls/projects/mine/submit/", {"request_key": key, "files": files, "ticket": ""})

    return "student", post, Submission


def _invite(cast: Cast) -> tuple[str, Post, type[models.Model]]:
    _project(cast)
    data = {"do": "invite", "email": "new@example.org", "action": "invite"}
    return "student", lambda client: client.post("/amls/projects/mine/invite/", data), Invitation


def _ask_for_time(cast: Cast) -> tuple[str, Post, type[models.Model]]:
    _project(cast)
    wanted = f"{timezone.localtime() + timedelta(days=12):%Y-%m-%dT%H:%M}"
    data = {"reason": "Ill", "wanted_until": wanted}
    return "student", lambda client: client.post("/amls/projects/mine/extension/", data), ExtensionRequest


def _enrol(cast: Cast) -> tuple[str, Post, type[models.Model]]:
    Course.objects.filter(pk=cast.course.pk).update(enrolment_policy="open")
    return "stranger", lambda client: client.post("/amls/enrol/"), Enrolment


def _announce(cast: Cast) -> tuple[str, Post, type[models.Model]]:
    address, writer = reverse("admin:mail_announcement_add"), cast.client("lecturer")
    page = writer.get(address).content.decode()
    token = page.partition('name="_once" value="')[2].partition('"')[0]
    data = {
        "course": cast.course.pk, "title": "Room", "text": "H 0105", "audience": "all", "by_mail": "on",
        "_once": token,
        "publish_at": "2026-03-02T10:00", "publish_at_0": "2026-03-02", "publish_at_1": "10:00", "on_page_until": "",
    }  # fmt: skip
    agreed = {**data, **agreeing_in(writer.post(address, data))}
    return "lecturer", lambda client: client.post(address, agreed), Announcement


def _hold_weekly(cast: Cast) -> tuple[str, Post, type[models.Model]]:
    first = LectureFactory.create(course=cast.course)
    reconcile(cast.course, now=timezone.now())
    address = reverse("admin:lectures_lecture_hold_weekly", args=[first.pk])
    assert first.held_on is not None
    again = (first.held_on + timedelta(weeks=1)).isoformat()
    writer = cast.client("lecturer")
    page = writer.get(address, {"until": again}).content.decode()
    data = {"days": [again], "_once": page.partition('name="_once" value="')[2].partition('"')[0]}
    agreed = {**data, **agreeing_in(writer.post(address, data))}
    return "lecturer", lambda client: client.post(address, agreed), Lecture


def _plan_oral_exam(cast: Cast) -> tuple[str, Post, type[models.Model]]:
    address, writer = "/amls/staff/oral-exams/", cast.client("lecturer")
    days = [(timezone.now() + timedelta(days=number)).strftime("%Y-%m-%d") for number in (40, 9)]
    data = {
        "day": days[:1], "begins": "09:00", "ends": "09:30", "minutes": "30", "gap_minutes": "0", "place": "E-N 123",
        "examiners": "Dr. Größe", "capacity": "1", "opens_at": "", "closes_at": f"{days[1]}T12:00",
        "withdraw_until": f"{days[1]}T12:00",
    }  # fmt: skip
    page = writer.get(address).content.decode()
    data["_once"] = page.partition('name="_once" value="')[2].partition('"')[0]
    agreed = {**data, **agreeing_in(writer.post(address, data))}
    return "lecturer", lambda client: client.post(address, agreed), Exam


@pytest.mark.parametrize(
    "form",
    [
        _register_for_exam,
        _register_project,
        _hand_in,
        _invite,
        _ask_for_time,
        _enrol,
        _announce,
        _hold_weekly,
        _plan_oral_exam,
    ],
)
def test_a_form_that_is_sent_twice_does_it_once(cast: Cast, form: Callable[[Cast], Any]) -> None:
    part, post, model = form(cast)
    before = model._default_manager.count()
    answered = send_twice(cast, part, post)
    assert max(answered) < 500
    assert model._default_manager.count() == before + 1, answered
    keys = list(Notice.objects.exclude(kind="mail.account").values_list("kind", "recipient"))
    assert len(keys) == len({*keys})


def test_a_form_of_the_desk_that_is_filled_in_anew_adds_another_row(cast: Cast) -> None:
    _part, post, _model = _announce(cast)
    client = cast.client("lecturer")
    first, again = post(client), post(client)
    assert (first.status_code, again.headers["Location"], Announcement.objects.count()) == (
        302, "/admin/mail/announcement/", 1,
    )  # fmt: skip
    assert "It was added already." in client.get("/admin/mail/announcement/").content.decode()
    # Back in the browser's history, changed, and saved: the form has the token of the first.
    token = {
        "_once": "t",
        "course": cast.course.pk,
        "audience": "all",
        "publish_at_0": "2026-03-02",
        "publish_at_1": "10:00",
        "on_page_until_0": "2044-03-02",
        "on_page_until_1": "10:00",
    }
    for title in ("Room", "Other room", "Other room"):
        client.post(
            "/admin/mail/announcement/add/", {**token, "publish_at": "2026-03-02T10:00", "title": title, "text": "x"}
        )
    assert sorted(Announcement.objects.values_list("title", flat=True)) == ["Other room", "Room", "Room"]
