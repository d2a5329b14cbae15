"""What docs/architecture.md says of five flows: something that is sent through passes these functions, in this order."""

import ast
import re
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.conf import settings as django_settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from amls.agenda.feeds import personal_feed_url
from amls.courses.models import Enrolment, User
from amls.mail.tasks import deliver
from exams.models import Registration
from lectures.models import Lecture
from lectures.tasks import extract
from projects.models import Project
from tests.cast import Cast
from tests.exams.conftest import Rings, rings  # noqa: F401
from tests.factories import AssignmentFactory, LectureFactory, OpenExamFactory, TopicFactory
from tests.lectures.files import pdf, zipped
from tests.lectures.test_in_place import move
from tests.mail.conftest import Postbox, postbox  # noqa: F401
from tests.portal.takeover.test_views import imported

pytestmark = pytest.mark.django_db
ROOT = Path(django_settings.BASE_DIR)
FOLDERS = ("amls", "lectures", "projects", "exams")
# What runs in the limited child, which is a process of its own.
IN_THE_CHILD = re.compile(r"amls/files/limited/child\.py|amls/files/judges/.*|lectures/extraction/readers\.py")
PAGE = """Architecture of Machine Learning Systems, SS2024
Lectures Tuesdays, 16:00-18:00, H 0111

16.04.2024 Introduction
23.04.2024 Data- and Task-Parallel Execution
"""
Passed = list[tuple[str, str]]


def flow(number: int) -> tuple[Passed, int]:
    """Return what a flow passes, as files with functions or classes, and how many files these are said to be."""
    text = (ROOT / "docs" / "architecture.md").read_text()
    text = text[text.index("## Five flows") : text.index("## What keeps it from decaying")]
    (said,) = re.findall(rf"^{number}\. (.*?)(?=^\d\. |^$)", text, re.MULTILINE | re.DOTALL)
    passed: Passed = []
    files = [str(path.relative_to(ROOT)) for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")]
    file = ""
    for word in re.findall(r"`([\w/.]+)`", said.partition(":")[2]):
        if word.endswith(".py"):
            (file,) = (path for path in files if f"/{path}".endswith(f"/{word}"))
        elif not word.endswith("/"):
            passed.append((file, word))
    (count,) = re.findall(r"\((\d+)(?: files and the \d+ of `understanding/`)?; \d+\)", said.partition(":")[0])
    return passed, int(count)


@contextmanager
def noted() -> Iterator[Passed]:
    """Note which functions of ours are called, in the order of their first calls: each as itself and as of its class."""
    calls: dict[tuple[str, str], None] = {}
    places = tuple(f"{ROOT / folder}/" for folder in FOLDERS)
    passed: Passed = []

    def note(frame: FrameType, event: str, _about: Any) -> None:
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(places):
            for name in code.co_qualname.split("."):
                calls.setdefault((code.co_filename.removeprefix(f"{ROOT}/"), name))

    sys.setprofile(note)
    try:
        yield passed
    finally:
        sys.setprofile(None)
        passed += calls


def check(number: int, passed: Passed) -> None:
    """See that what passed is what the document says."""
    said, count = flow(number)
    here = [place for place in said if not IN_THE_CHILD.fullmatch(place[0])]
    assert [place for place in passed if place in set(here)] == here
    for file, name in set(said) - set(here):
        assert name in {node.name for node in ast.parse((ROOT / file).read_text()).body if hasattr(node, "name")}
    assert len({file for file, _name in said if "/understanding/" not in file}) == count


def feed_of(enrolment: Enrolment) -> str:
    answer = Client().get(personal_feed_url(enrolment).removeprefix(django_settings.SITE_URL))
    return answer.content.decode().replace("\r\n ", "")


def sign_in(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="amls.courses.accounts.AccountBackend")
    return client


@pytest.fixture
def proven(cast: Cast, settings: Settings) -> Cast:
    """The cast, whose students have proven their addresses, and whose staff need no second factor."""
    settings.STAFF_NEEDS_SECOND_FACTOR = False
    for student in (cast.student, cast.other_student):
        EmailAddress.objects.create(user=student.user, email=student.user.email, verified=True, primary=True)
    return cast


def test_a_pasted_page_comes_into_the_feed(proven: Cast) -> None:
    with noted() as passed:
        imported(proven.client("lecturer"), {"text": PAGE})
        assert "Data- and Task-Parallel Execution" in feed_of(proven.student)
    check(1, passed)


def test_an_upload_is_receipted_by_mail(proven: Cast, postbox: Postbox) -> None:  # noqa: F811
    AssignmentFactory.create(course=proven.course, due_at=timezone.now() + timedelta(days=9))
    topic = TopicFactory.create(course=proven.course)
    client = proven.client("student")
    client.post("/amls/projects/register/", {"topic": topic.pk})
    assert Project.objects.get().topic == topic
    deliver()
    postbox.mails.clear()
    upload = SimpleUploadedFile("work.zip", zipped({"main.py": b"print()"}))
    with noted() as passed:
        client.post("/amls/projects/mine/submit/", {"request_key": uuid.uuid4(), "files": [upload]})
        deliver()
    assert [mail["Subject"] for mail in postbox.mails] == [f"Receipt: attempt 1 of {topic.title}"]
    check(2, passed)


def test_who_waits_for_an_exam_is_promoted(proven: Cast, postbox: Postbox, rings: Rings) -> None:  # noqa: F811
    now = timezone.now()
    exam = OpenExamFactory.create(
        course=proven.course, capacity=1, starts_at=now + timedelta(days=30), opens_at=now - timedelta(days=1),
        closes_at=now + timedelta(days=9), withdraw_until=now + timedelta(days=9),
    )  # fmt: skip
    first, second = sign_in(proven.student.user), sign_in(proven.other_student.user)
    with noted() as passed:
        with rings():
            first.post(f"/amls/exams/{exam.pk}/register/")
            second.post(f"/amls/exams/{exam.pk}/register/")
        with rings():
            first.post(f"/amls/exams/{exam.pk}/withdraw/")
        deliver()
    assert Registration.objects.get(enrolment=proven.other_student).state == "registered"
    assert postbox.mails[-1]["Subject"] == f"You have a seat for {exam}"
    check(3, passed)


def test_a_moved_lecture_moves_in_the_feed(proven: Cast) -> None:
    starts_at = datetime(timezone.now().year + 1, 5, 21, 14, tzinfo=UTC)
    lecture = LectureFactory.create(
        course=proven.course, number="05", starts_at=starts_at, ends_at=starts_at + timedelta(hours=2)
    )
    with noted() as passed:
        move(proven.client("assistant"), lecture)
        assert "H 0111" in feed_of(proven.student)
    check(4, passed)


def test_a_slide_is_found(proven: Cast) -> None:
    LectureFactory.create(course=proven.course, number="04")
    upload = SimpleUploadedFile("04.pdf", pdf(["Operator Fusion", "Overview"]))
    with noted() as passed:
        proven.client("assistant").post("/amls/lectures/04/upload/", {"files": [upload]})
        extract()
        page = proven.client("student").get("/amls/search/?q=fusion").content.decode()
    assert Lecture.objects.get().get_absolute_url() + "#page=1" in page
    check(5, passed)
