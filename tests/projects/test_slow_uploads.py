"""Slow lines across the deadline: at granian itself and behind nginx, whose buffering is Debian's."""

import hashlib
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import timezone

from amls.core.clock import deadline_closes_at
from amls.courses.models import Enrolment
from projects.deadlines import is_counting
from projects.models import Assignment, Project, Submission
from projects.receipts import receipt_code, submission_pk_of
from projects.services.registration import register_project
from projects.tickets import issue_ticket
from tests.factories import AssignmentFactory, CourseFactory, EnrolmentFactory, TopicFactory
from tests.patience import SECONDS
from tests.projects.servers import form, get, granian, nginx, notebook, send, signed_in

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("slow")]
PATH = "/amls/projects/mine/submit/"
UPLOADS, SIZE = 60, 160_000


@pytest.fixture
def rules() -> Assignment:
    """A course whose deadline a test moves."""
    course = CourseFactory.create(slug="amls")
    return AssignmentFactory.create(course=course, due_at=timezone.now() + timedelta(days=1))


def make_team(rules: Assignment) -> tuple[Enrolment, Project]:
    enrolment = EnrolmentFactory.create(course=rules.course)
    topic = TopicFactory.create(course=rules.course)
    return enrolment, register_project(enrolment=enrolment, topic=topic, now=timezone.now())


def close_at(rules: Assignment, moment: datetime) -> None:
    """Put the deadline so that its whole minute is over at `moment`."""
    rules.due_at = moment - timedelta(minutes=1)
    rules.save()


@pytest.fixture(params=["granian", "nginx"])
def port(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[int]:
    """A server with two processes; the second time behind nginx."""
    if request.param == "granian":
        with granian(tmp_path) as served:
            yield served
    else:
        settings.MEDIA_ROOT.mkdir(parents=True, exist_ok=True)
        with (
            granian(tmp_path, {"REQUEST_BEGAN_HEADER": "RequestBegan"}) as behind,
            nginx(tmp_path, behind) as served,
        ):
            yield served


def test_sixty_uploads_across_the_deadline_all_count(rules: Assignment, port: int) -> None:
    teams = [make_team(rules) for _each in range(UPLOADS)]
    cookies = [signed_in(enrolment.user) for enrolment, _project in teams]
    bodies = [form({"work.ipynb": notebook(SIZE, f"team {index}")}) for index in range(UPLOADS)]
    reader = signed_in(EnrolmentFactory.create(course=rules.course).user)
    have_begun, may_end = threading.Barrier(UPLOADS + 1), threading.Event()

    def wait_in_the_middle() -> None:
        have_begun.wait(SECONDS)
        may_end.wait(SECONDS)

    def upload(index: int) -> tuple[int, str]:
        body, kind = bodies[index]
        return send(
            port, PATH, cookie=cookies[index], body=body, kind=kind, pieces=16, pause=0.1, halfway=wait_in_the_middle
        )

    with ThreadPoolExecutor(UPLOADS) as pool:
        running = [pool.submit(upload, index) for index in range(UPLOADS)]
        try:
            have_begun.wait(SECONDS)
            # Other pages are still answered, and no visitor waits for the uploads.
            assert [get(port, "/amls/projects/", reader)[0] for _visit in range(10)] == [200] * 10
            closes = timezone.now()
            close_at(rules, closes)
        finally:
            may_end.set()
        uploaded = [run.result() for run in running]
    assert all(submission.received_at > closes for submission in Submission.objects.all())
    assert Counter(status for status, _location in uploaded) == {302: UPLOADS}
    submissions = list(Submission.objects.select_related("project__topic__course").prefetch_related("files"))
    assert len(submissions) == UPLOADS
    late = [submission.began_at - closes for submission in submissions if submission.began_at >= closes]
    assert late == []
    assert all(is_counting(submission) for submission in submissions)
    receipts = {location for _status, location in uploaded}
    assert receipts == {f"/receipts/{receipt_code(submission.pk)}/" for submission in submissions}
    assert {submission_pk_of(receipt.split("/")[2]) for receipt in receipts} == {
        submission.pk for submission in submissions
    }
    for submission in submissions:
        (kept,) = submission.files.all()
        with kept.file.open() as stream:
            content = stream.read()
        assert (kept.size, kept.sha256) == (SIZE, hashlib.sha256(content).hexdigest())


def test_an_upload_that_began_too_late_is_late(rules: Assignment, port: int) -> None:
    enrolment, _project = make_team(rules)
    close_at(rules, timezone.now())
    body, kind = form({"work.ipynb": notebook(2000)})
    # A client that says it began long ago gains nothing: nginx overwrites it, and without nginx it is ignored.
    stamp = (timezone.now() - timedelta(hours=1)).timestamp()
    forged = f"RequestBegan: {stamp:.3f}\r\nRequest-Began: {stamp:.3f}\r\nRequest_Began: {stamp:.3f}\r\n"
    status, _location = send(port, PATH, cookie=signed_in(enrolment.user), body=body, kind=kind, extra=forged)
    assert status == 302
    submission = Submission.objects.get()
    assert submission.began_at >= deadline_closes_at(rules.due_at or datetime.now(UTC))
    assert not is_counting(submission)


def test_a_ticket_proves_an_earlier_start_over_http(rules: Assignment, port: int) -> None:
    enrolment, _project = make_team(rules)
    other, _another = make_team(rules)
    content, now = notebook(3000), timezone.now()
    files = [(len(content), hashlib.sha256(content).hexdigest())]
    close_at(rules, now)
    earlier = now - timedelta(minutes=5)
    sealed = issue_ticket(assignment=rules, by=enrolment, files=files, now=earlier)
    of_another = issue_ticket(assignment=rules, by=other, files=files, now=earlier)
    expired = issue_ticket(assignment=rules, by=enrolment, files=files, now=now - timedelta(minutes=31))
    cookie = signed_in(enrolment.user)

    def counts(ticket: str, what: bytes) -> bool:
        body, kind = form({"work.ipynb": what}, ticket=ticket)
        status, location = send(port, PATH, cookie=cookie, body=body, kind=kind)
        assert status == 302
        newest = Submission.objects.get(pk=submission_pk_of(location.split("/")[2]) or 0)
        return is_counting(newest)

    assert counts(sealed, content)
    assert not counts(sealed, notebook(3000, "other"))
    assert not counts(of_another, content)
    assert not counts(expired, content)
    assert not counts(sealed[:-3] + "abc", content)


def test_what_nginx_sends_and_what_it_leaves_alone(rules: Assignment, tmp_path: Path) -> None:
    """Files through X-Accel-Redirect, pages compressed, calendars not."""
    enrolment, _project = make_team(rules)
    settings.MEDIA_ROOT.mkdir(parents=True, exist_ok=True)
    extra = {"REQUEST_BEGAN_HEADER": "RequestBegan", "X_ACCEL_REDIRECT_PREFIX": "/protected/"}
    with granian(tmp_path, extra, workers=1) as behind, nginx(tmp_path, behind) as port:
        cookie = signed_in(enrolment.user)
        content = notebook(5000)
        body, kind = form({"work.ipynb": content})
        assert send(port, PATH, cookie=cookie, body=body, kind=kind)[0] == 302
        kept = Submission.objects.get().files.get()
        status, headers, delivered = get(port, f"/amls/projects/files/{kept.pk}/work.ipynb", cookie)
        assert (status, delivered) == (200, content)
        assert "x-accel-redirect" not in headers
        assert get(port, f"/protected/{kept.file.name}")[0] == 404
        for path, encoding in (("/amls/", "gzip"), ("/amls/calendar.ics", None)):
            status, headers, _body = get(port, path, **{"Accept-Encoding": "gzip"})
            assert (status, headers.get("content-encoding")) == (200, encoding), path
