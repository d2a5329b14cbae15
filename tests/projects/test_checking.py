"""An attempt counts from its start, also where its files can only be looked into later; and what a team may send."""

import uuid
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError
from django.utils import timezone
from pytest_django import Settings

from amls.core.violations import RuleViolation
from amls.courses.models import Enrolment
from amls.files.limited.slots import place
from amls.mail.models import Notice
from projects.deadlines import is_counting
from projects.hooks.letters.handins import attempt_refused
from projects.models import Assignment, Project, Submission
from projects.services import handin
from projects.services.handin import hand_in, restore_submission
from projects.services.registration import register_project
from projects.tasks import check_attempts
from tests.cast import Cast
from tests.factories import AssignmentFactory, TopicFactory
from tests.files import hostile_files
from tests.files.installation import bare_installation

pytestmark = pytest.mark.django_db


@pytest.fixture
def rules(cast: Cast) -> Assignment:
    due = timezone.now() + timedelta(days=9)
    return AssignmentFactory.create(course=cast.course, max_files=3, max_file_megabytes=2, due_at=due)


@pytest.fixture
def project(cast: Cast, rules: Assignment) -> Project:
    topic = TopicFactory.create(course=cast.course)
    return register_project(enrolment=cast.student, topic=topic, now=timezone.now())


def send(project: Project, by: Enrolment, content: bytes, name: str = "work.zip") -> Submission:
    now = timezone.now()
    upload = SimpleUploadedFile(name, content)
    return hand_in(project=project, by=by, uploads=[upload], request_key=uuid.uuid4(), began_at=now, now=now)


@pytest.fixture
def no_place(settings: Settings, tmp_path: Path) -> None:
    settings.VAR_DIR, settings.CHECKS_AT_ONCE, settings.CHECK_PATIENCE = tmp_path, 1, 0


def send_unjudged(project: Project, by: Enrolment, content: bytes) -> Submission:
    with place("requests", most=1, patience=0):
        return send(project, by, content)


def test_an_attempt_that_nobody_had_time_to_look_into_is_kept_and_counts(
    cast: Cast, project: Project, no_place: None
) -> None:
    submission = send_unjudged(project, cast.student, hostile_files.archive())
    assert submission.check_due_at is not None
    assert is_counting(submission)
    page = cast.client("student").get("/amls/projects/mine/").content.decode()
    assert "Being checked" in page
    assert check_attempts() == 1
    checked = Submission.objects.get()
    assert (checked.check_due_at, checked.withdrawn_at) == (None, None)
    assert check_attempts() == 0
    assert not Notice.objects.filter(kind="projects.attempt-refused").exists()


def test_an_attempt_that_is_refused_later_is_told_and_can_be_brought_back(
    cast: Cast, project: Project, no_place: None
) -> None:
    before = send_unjudged(project, cast.student, hostile_files.archive())
    submission = send_unjudged(project, cast.student, b"no archive")
    assert check_attempts() == 2
    before.refresh_from_db()
    submission.refresh_from_db()
    assert is_counting(before)
    assert not is_counting(submission)
    notice = Notice.objects.get(kind="projects.attempt-refused", recipient=cast.student.user)
    letter = attempt_refused(notice, timezone.now())
    assert letter is not None
    assert "is not a ZIP archive" in letter.text
    assert "Attempt 1 counts now." in letter.text
    page = cast.client("student").get("/amls/projects/mine/").content.decode()
    assert "is not a ZIP archive" in page
    restore_submission(submission=submission, now=timezone.now())
    submission.refresh_from_db()
    assert is_counting(submission)


def test_a_worker_that_finds_no_place_refuses_nothing(
    cast: Cast, project: Project, no_place: None, settings: Settings
) -> None:
    submission = send_unjudged(project, cast.student, hostile_files.archive())
    settings.CHECK_SECONDS = 0
    with place("workers", most=1, patience=0):
        check_attempts()
    submission.refresh_from_db()
    assert submission.withdrawn_at is None
    assert submission.check_due_at is not None
    assert submission.check_due_at > timezone.now()


def test_what_an_installation_cant_read_while_its_packages_are_replaced_counts_and_is_read_later(
    cast: Cast, project: Project, settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    whole = settings.BASE_DIR
    settings.BASE_DIR = bare_installation(tmp_path)
    submission = send(project, cast.student, hostile_files.archive())
    for _each in range(5):
        # Were it the file's fault, the third time would be the last.
        Submission.objects.update(check_due_at=timezone.now())
        assert check_attempts() == 1
        submission.refresh_from_db()
        assert (submission.withdrawn_at, submission.check_attempts) == (None, 0)
        assert submission.check_due_at is not None
    assert "The limited child could not load amls.files.judges.archives:judge_zip" in caplog.text
    settings.BASE_DIR = whole
    Submission.objects.update(check_due_at=timezone.now())
    assert check_attempts() == 1
    submission.refresh_from_db()
    assert (submission.withdrawn_at, submission.check_due_at) == (None, None)


def test_what_is_out_of_account_is_not_checked(cast: Cast, project: Project) -> None:
    submission = send(project, cast.student, hostile_files.archive())
    with pytest.raises(IntegrityError, match="submission_withdrawn_is_not_checked"):
        Submission.objects.filter(pk=submission.pk).update(withdrawn_at=timezone.now(), check_due_at=timezone.now())


def test_a_team_sends_so_many_times_within_minutes_and_refused_ones_count(
    cast: Cast, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = send(project, cast.student, hostile_files.archive())
    for _each in range(19):
        with pytest.raises(RuleViolation) as caught:
            send(project, cast.student, b"", "empty.zip")
        assert caught.value.code == "empty"
    with pytest.raises(RuleViolation, match="What was kept stays and counts") as caught:
        send(project, cast.student, hostile_files.archive())
    assert caught.value.code == "too-often"
    assert list(project.submissions.all()) == [kept]


def test_a_team_sends_so_much_a_day_and_at_least_ten_full_attempts(
    cast: Cast, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Sixty megabytes are ten attempts of three files of two megabytes.
    monkeypatch.setattr(handin, "_BYTES_A_DAY", 0)
    Assignment.objects.update(max_files=1, max_file_megabytes=1)
    full = b" " * (1024**2 - 100)
    for _each in range(10):
        send(project, cast.student, b'{"nbformat": 4}' + full, "work.ipynb")
    with pytest.raises(RuleViolation, match="more than 10 MB within a day"):
        send(project, cast.student, b'{"nbformat": 4}' + full, "work.ipynb")
    assert project.submissions.count() == 10
