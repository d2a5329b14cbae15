"""Uploads that grow too large, and disks that are full: said clearly, and nothing left behind."""

import errno
import os
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.storage import FileSystemStorage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from amls.files.storing import MARK
from lectures.models import Lecture, MaterialFile
from projects.services.registration import register_project
from tests.cast import Cast
from tests.factories import AssignmentFactory, LectureFactory, TopicFactory

MEGABYTE = 1024**2
TOKEN = "a" * 32
CAPTIONS = b"WEBVTT\n\nNOTE "


class FullStorage(FileSystemStorage):
    """A storage whose disk fills up in the middle of a file."""

    def _save(self, name: str, content: object) -> str:
        path = Path(self.path(name))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"the first half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.fixture(autouse=True)
def lecture(cast: Cast, settings: Settings, tmp_path: Path) -> Lecture:
    """A lecture to upload to, and limits of 2 and 6 MB."""
    settings.MAX_UPLOAD_BYTES, settings.MAX_MATERIAL_BYTES = 2 * MEGABYTE, 6 * MEGABYTE
    settings.FILE_UPLOAD_TEMP_DIR = tmp_path / "uploads"
    settings.FILE_UPLOAD_TEMP_DIR.mkdir()
    settings.FILE_UPLOAD_MAX_MEMORY_SIZE = 64 * 1024
    return LectureFactory.create(course=cast.course, number="05")


def captions(size: int, name: str = "05.vtt") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, CAPTIONS + b"x" * (size - len(CAPTIONS)))


def left_behind(settings: Settings) -> list[Path]:
    folders = (Path(settings.FILE_UPLOAD_TEMP_DIR), Path(settings.MEDIA_ROOT))
    return [path for folder in folders for path in folder.rglob("*") if path.is_file() and path.name != MARK]


def with_form_token(client: Client) -> Client:
    """Check form tokens as in a browser: that reads the body before the view does."""
    client.handler.enforce_csrf_checks = True
    client.cookies["csrftoken"] = TOKEN
    return client


@pytest.mark.parametrize(
    ("part", "size", "status"),
    [
        ("lecturer", 6 * MEGABYTE, 302),
        ("lecturer", 6 * MEGABYTE + 1, 413),
        ("student", 2 * MEGABYTE, 404),
        ("student", 2 * MEGABYTE + 1, 413),
        ("anonymous", 2 * MEGABYTE, 413),
        ("anonymous", 2 * MEGABYTE + 1, 413),
    ],
)
def test_a_file_may_have_as_much_as_its_sender_may_send(
    cast: Cast, settings: Settings, part: str, size: int, status: int
) -> None:
    data = {"csrfmiddlewaretoken": TOKEN, "files": [captions(MEGABYTE, "05.vtt"), captions(size)]}
    answer = with_form_token(cast.client(part)).post("/amls/lectures/05/upload/", data)
    assert answer.status_code == status
    if status == 413:
        said = {
            "lecturer": "is larger than 6 MB",
            "student": "is larger than 2 MB",
            "anonymous": "was not taken, because you are not signed in",
        }
        assert f"&#x27;05.vtt&#x27; {said[part]}" in answer.content.decode()
    assert len(left_behind(settings)) == MaterialFile.objects.count() == (2 if status == 302 else 0)


def test_the_words_come_in_german(cast: Cast, settings: Settings) -> None:
    client = with_form_token(Client(headers={"accept-language": "de"}))
    client.force_login(cast.student.user, backend="amls.courses.accounts.AccountBackend")
    answer = client.post("/amls/lectures/05/upload/", {"files": captions(3 * MEGABYTE)})
    assert answer.status_code == 413
    assert "ist größer als 2 MB" in answer.content.decode()
    assert left_behind(settings) == []


@pytest.mark.parametrize(
    ("part", "status", "said"),
    [("anonymous", 413, "you are not signed in"), ("student", 413, "more than 4 MB together"), ("lecturer", 302, "")],
)
def test_many_files_are_not_taken_where_none_is_asked_for(
    cast: Cast, settings: Settings, part: str, status: int, said: str
) -> None:
    files = [captions(2 * MEGABYTE), captions(2 * MEGABYTE), captions(1)]
    answer = cast.client(part).post(
        "/language/", {"language": "en", "files": files}, headers={"sec-fetch-site": "same-origin"}
    )
    assert answer.status_code == status
    assert said in answer.content.decode()
    assert left_behind(settings) == []


def test_who_is_not_signed_in_may_send_a_form_of_several_parts(cast: Cast) -> None:
    answer = cast.client("anonymous").post("/language/", {"language": "de"}, headers={"sec-fetch-site": "same-origin"})
    assert answer.status_code == 302


@pytest.mark.parametrize(("sizes", "status"), [([2, 2, 2], 422), ([2, 2, 2, 1], 413)])
def test_a_hand_in_may_have_as_much_as_its_course_takes(
    cast: Cast, settings: Settings, sizes: list[int], status: int
) -> None:
    due = timezone.now() + timedelta(days=9)
    AssignmentFactory.create(course=cast.course, max_files=3, max_file_megabytes=2, due_at=due)
    register_project(enrolment=cast.student, topic=TopicFactory.create(course=cast.course), now=timezone.now())
    files = [captions(size * MEGABYTE) for size in sizes]
    answer = with_form_token(cast.client("student")).post(
        "/amls/projects/mine/submit/", {"csrfmiddlewaretoken": TOKEN, "request_key": str(uuid.uuid4()), "files": files}
    )
    assert answer.status_code == status
    assert ("more than 6 MB together" in answer.content.decode()) == (status == 413)
    assert left_behind(settings) == []


def test_who_has_no_form_token_sends_for_nothing(cast: Cast, settings: Settings) -> None:
    client = Client(enforce_csrf_checks=True)
    assert client.post("/amls/lectures/05/upload/", {"files": captions(3 * MEGABYTE)}).status_code == 403
    assert left_behind(settings) == []


def test_the_desk_says_it_too(cast: Cast, settings: Settings) -> None:
    answer = cast.client("lecturer").post(
        reverse("admin:lectures_lecture_upload_files"), {"course": cast.course.pk, "files": captions(7 * MEGABYTE)}
    )
    assert (answer.status_code, left_behind(settings)) == (413, [])


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if done.returncode:
        pytest.skip("Only root may mount a file system here.")
    (folder / MARK).write_text("tests")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_really_full_disk_of_files_is_said(cast: Cast, settings: Settings, tiny_disk: Path) -> None:
    settings.MEDIA_ROOT = tiny_disk
    client = cast.client("lecturer")
    answer = client.post("/amls/lectures/05/upload/", {"files": captions(2 * MEGABYTE)}, follow=True)
    assert answer.status_code == 200
    assert "&#x27;05.vtt&#x27; could not be stored: the disk is full" in answer.content.decode()
    assert (MaterialFile.objects.count(), left_behind(settings)) == (0, [])
    # What fits is still kept.
    client.post("/amls/lectures/05/upload/", {"files": captions(MEGABYTE // 2)})
    assert MaterialFile.objects.count() == 1


def test_a_really_full_disk_of_temporary_files_is_said(cast: Cast, settings: Settings, tiny_disk: Path) -> None:
    settings.FILE_UPLOAD_TEMP_DIR = tiny_disk
    answer = cast.client("lecturer").post("/amls/lectures/05/upload/", {"files": captions(3 * MEGABYTE)})
    assert answer.status_code == 507
    assert "the server&#x27;s disk is full" in answer.content.decode()
    assert (MaterialFile.objects.count(), left_behind(settings)) == (0, [])


def test_why_a_file_is_not_stored_is_said_in_the_reader_s_language(
    cast: Cast, settings: Settings, tiny_disk: Path
) -> None:
    settings.MEDIA_ROOT = tiny_disk
    client = cast.client("lecturer")
    german = {"headers": {"accept-language": "de"}, "follow": True}
    full = client.post("/amls/lectures/05/upload/", {"files": captions(2 * MEGABYTE)}, **german)
    assert "„05.vtt“ konnte nicht gespeichert werden: Der Datenträger ist voll." in full.content.decode()
    subprocess.run(["mount", "-o", "remount,ro", str(tiny_disk)], check=True)
    read_only = client.post("/amls/lectures/05/upload/", {"files": captions(MEGABYTE // 2)}, **german)
    assert (
        "konnte nicht gespeichert werden: Auf den Datenträger kann nicht geschrieben werden."
        in read_only.content.decode()
    )


@pytest.mark.parametrize("address", ["/amls/lectures/05/upload/", "/admin/lectures/lecture/upload/"])
def test_a_disk_that_fills_up_halfway_is_said(cast: Cast, settings: Settings, address: str) -> None:
    settings.STORAGES = {**settings.STORAGES, "default": {"BACKEND": "tests.files.test_uploads.FullStorage"}}
    data = {"files": captions(MEGABYTE), "course": cast.course.pk}
    answer = cast.client("lecturer").post(address, data, follow=True)
    assert "could not be stored: the disk is full" in answer.content.decode()
    assert (MaterialFile.objects.count(), left_behind(settings)) == (0, [])


def test_the_form_of_a_lecture_at_the_desk_says_it(cast: Cast, lecture: Lecture, settings: Settings) -> None:
    settings.STORAGES = {**settings.STORAGES, "default": {"BACKEND": "tests.files.test_uploads.FullStorage"}}
    data = {
        "course": lecture.course_id, "part": "", "kind": "lecture", "number": "05", "title": lecture.title,
        "starts_at_0": "2024-05-21", "starts_at_1": "16:00", "ends_at_0": "2024-05-21", "ends_at_1": "18:00",
        "room": lecture.room, "mode": lecture.mode, "state": lecture.state, "call_in": "", "abstract": "",
        "materials-TOTAL_FORMS": "1", "materials-INITIAL_FORMS": "0", "materials-0-kind": "captions",
        "materials-0-title": "", "materials-0-url": "", "materials-0-audience": "public",
        "materials-0-position": "0", "materials-0-upload": captions(MEGABYTE),
    }  # fmt: skip
    client, address = cast.client("lecturer"), reverse("admin:lectures_lecture_change", args=[lecture.pk])
    asked = client.post(address, data)
    assert "These files are not sent along: 05.vtt." in asked.content.decode()
    agreed = {"materials-0-upload": captions(MEGABYTE), "_agreed": "1", "_shown": asked.context["preview"].seal}
    answer = client.post(address, {**data, **agreed}, follow=True)
    assert answer.redirect_chain != []
    assert "could not be stored: the disk is full" in answer.content.decode()
    assert (MaterialFile.objects.count(), lecture.materials.count(), left_behind(settings)) == (0, 0, [])


@pytest.mark.django_db(transaction=True)
def test_a_browser_that_sends_far_too_much_gets_the_answer(
    live_server: LiveServer, cast: Cast, settings: Settings
) -> None:
    session = cast.client("student").cookies["sessionid"].value
    with tempfile.NamedTemporaryFile(suffix=".vtt") as file:
        file.write(bytes(3 * MEGABYTE))
        file.flush()
        address = f"{live_server.url}/amls/lectures/05/upload/"
        command = [
            "curl",
            "-s",
            "-b",
            f"csrftoken={TOKEN}; sessionid={session}",
            "-H",
            "Expect:",
            "-w",
            "%{http_code}",
            "-F",
            f"files=@{file.name}",
            address,
        ]
        said = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    assert said.endswith("413")
    assert "is larger than 2 MB" in said
    assert left_behind(settings) == []


def test_who_is_stopped_reads_the_limit_of_the_form_and_finds_back(cast: Cast, settings: Settings) -> None:
    due = timezone.now() + timedelta(days=9)
    AssignmentFactory.create(course=cast.course, max_files=3, max_file_megabytes=1, due_at=due)
    register_project(enrolment=cast.student, topic=TopicFactory.create(course=cast.course), now=timezone.now())
    path = "/amls/projects/mine/submit/"
    for referer, back in ((f"http://testserver{path}", path), ("https://evil.example/", "/")):
        data = {"csrfmiddlewaretoken": TOKEN, "request_key": str(uuid.uuid4()), "files": captions(2 * MEGABYTE + 1)}
        answer = with_form_token(cast.client("student")).post(path, data, headers={"referer": referer})
        page = answer.content.decode()
        assert answer.status_code == 413
        assert "is larger than 1 MB" in page
        assert f'href="{back}">Back to the form' in page


def test_a_request_that_says_that_it_is_too_large_is_stopped_before_its_first_file(
    cast: Cast, settings: Settings
) -> None:
    # Read, the first file alone would be refused for its own size.
    files = [captions(3 * MEGABYTE) for _each in range(3)]
    answer = with_form_token(cast.client("student")).post(
        "/amls/lectures/05/upload/", {"csrfmiddlewaretoken": TOKEN, "files": files}
    )
    assert answer.status_code == 413
    assert "more than 4 MB together" in answer.content.decode()


def test_what_one_account_sends_in_large_bodies_is_bounded(cast: Cast) -> None:
    def asked(part: str, size: object) -> int:
        return cast.client(part).get("/accounts/signed-in/", headers={"x-body-bytes": str(size)}).status_code

    size = 500 * 1024**2
    assert [asked("student", size) for _each in range(5)] == [204, 204, 204, 204, 403]
    # What is small costs nothing, and what is no size is none.
    assert {asked("student", said) for said in (1024**2, "", "x", "-1", "1e9", "٣", "9" * 50)} == {204}
    assert (asked("stranger", size), asked("anonymous", size)) == (204, 401)
    # Recordings are larger than what students may send within an hour.
    assert (asked("stranger", 2100 * 1024**2), asked("assistant", 2100 * 1024**2)) == (403, 204)
