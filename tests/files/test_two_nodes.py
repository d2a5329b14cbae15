"""Two web servers as processes of their own: what one has taken both give, from a shared folder and from a bucket."""

import uuid
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from projects.models import Submission, SubmissionFile
from projects.services.registration import register_project
from tests.factories import AssignmentFactory, CourseFactory, EnrolmentFactory, TopicFactory
from tests.files.test_objects import BUCKET
from tests.files.test_objects import server as server  # noqa: PLC0414 - the fixture
from tests.projects.servers import form, get, granian, notebook, send, signed_in

UPLOADS = 12


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("place", ["folder", "bucket"])
def test_what_either_node_has_taken_both_give(place: str, server: int, tmp_path: Path) -> None:
    course = CourseFactory.create(slug="amls")
    AssignmentFactory.create(course=course, due_at=timezone.now() + timedelta(days=1))
    person = EnrolmentFactory.create(course=course)
    register_project(enrolment=person, topic=TopicFactory.create(course=course), now=timezone.now())
    cookie = signed_in(person.user)
    contents = [notebook(50_000, f"attempt {number} {uuid.uuid4()}") for number in range(UPLOADS)]
    database = settings.DATABASES["default"]
    shared = {
        "SECRET_KEY": settings.SECRET_KEY,
        "SITE_URL": "http://localhost",
        "DATABASE_URL": f"postgres://{database['USER']}:@/{database['HOST']}/{database['NAME']}",
        "CHECK_PATIENCE": "60",
    }
    if place == "bucket":
        shared["MEDIA_URL"] = f"s3://key:secret@127.0.0.1:{server}/{BUCKET}/two-nodes?tls=no"
    with ExitStack() as stack:
        ports = []
        for name in ("one", "two"):
            # Of its own: where it keeps what is not uploads.
            folder = tmp_path / name
            folder.mkdir()
            ports.append(stack.enter_context(granian(folder, {**shared, "AMLS_VAR_DIR": str(folder)}, workers=1)))
        for number, content in enumerate(contents):
            body, kind = form({"work.ipynb": content})
            status, _where = send(ports[number % 2], "/amls/projects/mine/submit/", cookie=cookie, body=body, kind=kind)
            assert status == 302
        files = list(SubmissionFile.objects.order_by("submission__attempt"))
        assert (Submission.objects.count(), len(files)) == (UPLOADS, UPLOADS)
        for file, content in zip(files, contents, strict=True):
            for port in ports:
                status, _headers, body_found = get(
                    port, reverse("projects:file", args=["amls", file.pk, file.filename]), cookie
                )
                assert (status, body_found) == (200, content)
