"""Files that are not what they should be, disks that are full, lines that break: nothing is left behind."""

import errno
import io
import os
import socket
import tarfile
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from django.core.files.storage import FileSystemStorage
from django.test import Client
from django.utils import timezone
from pypdf import PdfWriter
from pytest_django import Settings

from amls.courses.models import User
from amls.files.models import KeptUpload
from amls.files.storing import MARK
from amls.mail.models import Notice
from projects.models import Assignment, Submission, SubmissionFile
from projects.services.handin import _TRIES
from projects.services.registration import register_project
from tests.factories import AssignmentFactory, CourseFactory, EnrolmentFactory, TopicFactory
from tests.markup import squeeze
from tests.patience import wait_until
from tests.projects.servers import TOKEN, form, get, granian, head, notebook, send, signed_in

PATH = "/amls/projects/mine/submit/"
MEGABYTE = 1024**2


@pytest.fixture
def student(transactional_db: None) -> Client:
    """A student of a running course, with a project, signed in."""
    return make_student()


def make_student() -> Client:
    course = CourseFactory.create(slug="amls")
    AssignmentFactory.create(
        course=course, due_at=timezone.now() + timedelta(days=1), max_files=3, max_file_megabytes=1
    )
    enrolment = EnrolmentFactory.create(course=course, user__email="student@example.org")
    register_project(enrolment=enrolment, topic=TopicFactory.create(course=course), now=timezone.now())
    client = Client(enforce_csrf_checks=True)
    client.force_login(enrolment.user, backend="amls.courses.accounts.AccountBackend")
    client.cookies["csrftoken"] = TOKEN
    return client


def hand_in(client: Client, *files: tuple[str, bytes]) -> Any:
    limit, body = "x" * 20, b""
    values = {"csrfmiddlewaretoken": TOKEN, "request_key": "6e3b5b3e-5a5c-4a44-8f56-000000000001"}
    for name, value in values.items():
        body += f'--{limit}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
    for name, content in files:
        body += f'--{limit}\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n'.encode()
        body += b"Content-Type: application/octet-stream\r\n\r\n" + content + b"\r\n"
    body += f"--{limit}--\r\n".encode()
    return client.post(PATH, data=body, content_type=f"multipart/form-data; boundary={limit}")


def stored(settings: Settings) -> list[Path]:
    return [path for path in (Path(settings.MEDIA_ROOT) / "submissions").rglob("*") if path.is_file()]


def waiting() -> list[str]:
    """Return what is kept for the next try."""
    return list(KeptUpload.objects.values_list("filename", flat=True))


def zipped(*names: str, content: bytes = b"print()", link: str = "") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, content)
        if link:
            info = zipfile.ZipInfo("inside")
            info.external_attr = 0o120777 << 16
            archive.writestr(info, link)
    return buffer.getvalue()


def tarred(name: str = "main.py", *, kind: bytes = tarfile.REGTYPE, size: int = 5, link: str = "") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        entry = tarfile.TarInfo(name)
        entry.type, entry.linkname = kind, link
        entry.size = size if kind == tarfile.REGTYPE else 0
        archive.addfile(entry, io.BytesIO(b"\0" * entry.size))
    return buffer.getvalue()


def real_pdf() -> bytes:
    writer, buffer = PdfWriter(), io.BytesIO()
    writer.add_blank_page(100, 100)
    writer.write(buffer)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("empty.pdf", b"", "is empty"),
        ("large.ipynb", lambda: notebook(MEGABYTE + 1), "at most 1 MB are allowed"),
        ("bomb.zip", lambda: zipped("bomb", content=b"\0" * 120_000_000), "unpack to far more"),
        ("up.zip", zipped("../../etc/cron.d/x"), "leads outside"),
        ("absolute.zip", zipped("/etc/passwd"), "leads outside"),
        ("link.zip", zipped(link="/etc/passwd"), "symbolic link"),
        ("half.zip", zipped("main.py")[:-30], "is not a ZIP archive"),
        ("fake.pdf", b"<html><script>alert(1)</script>", "is not a PDF"),
        ("fake2.pdf", b"%PDF-1.7\nand nothing else", "is not a PDF"),
        ("text.ipynb", b"this is no JSON", "is not a Jupyter notebook"),
        ("list.ipynb", b"[1, 2]", "is not a Jupyter notebook"),
        ("deep.ipynb", b"[" * 100_000, "is not a Jupyter notebook"),
        ("up.tar.gz", tarred("../../x"), "leads outside"),
        ("absolute.tar.gz", tarred("/etc/passwd"), "leads outside"),
        ("link.tar.gz", tarred("inside", kind=tarfile.SYMTYPE, link="/etc/passwd"), "link"),
        ("device.tar.gz", tarred("inside", kind=tarfile.CHRTYPE), "device.tar.gz"),
        ("bomb.tar.gz", lambda: tarred(size=200_000_000), "unpack to far more"),
        ("half.tar.gz", lambda: tarred(size=100_000)[:-20], "half.tar.gz"),
        ("virus.exe", b"MZ", "of a kind that is not taken"),
        ("virus.pdf.exe", b"MZ", "of a kind that is not taken"),
        ("slides.pptx", zipped("ppt/presentation.xml"), "of a kind that is not taken"),
    ],
    ids=lambda value: value if isinstance(value, str) and "." in value else "",
)
def test_a_bad_file_is_named_and_nothing_is_kept(
    student: Client, settings: Settings, name: str, content: bytes | Callable[[], bytes], said: str
) -> None:
    # The good one beside it is not handed in either: a hand-in is whole or it is none. It waits for the next try.
    answer = hand_in(student, ("good.zip", zipped("main.py")), (name, content() if callable(content) else content))
    page = answer.content.decode()
    assert answer.status_code == 422
    assert f"&#x27;{name}&#x27;" in page
    assert said in page
    assert "Nothing was handed in" in page
    assert (Submission.objects.count(), SubmissionFile.objects.count(), stored(settings)) == (0, 0, [])
    assert waiting() == ["good.zip"]
    assert not Notice.objects.filter(kind="projects.receipt").exists()


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("x" * 300 + ".pdf", "x" * 196 + ".pdf"),
        ("تقرير.pdf", "تقرير.pdf"),
        ("报告 最终版.pdf", "报告 最终版.pdf"),
        ("report\u202efdp.pdf", "reportfdp.pdf"),
        ("../../../etc/cron.d/a.pdf", "a.pdf"),
    ],
    ids=["long", "arabic", "chinese", "override", "path"],
)
def test_any_name_comes_back_in_the_download(student: Client, settings: Settings, sent: str, kept: str) -> None:
    assert hand_in(student, (sent, real_pdf())).status_code == 302
    (file,) = SubmissionFile.objects.all()
    assert file.filename == kept
    (path,) = stored(settings)
    assert path.suffix == ".pdf"
    assert len(path.name) == 36
    page = squeeze(student.get("/amls/projects/mine/").content.decode())
    assert kept in page
    address = page.split('class="file" href="')[1].split('"')[0]
    answer = student.get(address)
    assert b"".join(answer.streaming_content) == real_pdf()  # type: ignore[attr-defined]
    assert answer["Content-Disposition"].startswith("attachment")
    assert "\n" not in answer["Content-Disposition"]


def test_exactly_the_limit_is_taken_and_too_many_are_not(student: Client, settings: Settings) -> None:
    refused = hand_in(student, *[(f"{number}.zip", zipped("main.py")) for number in range(4)])
    assert refused.status_code == 422
    assert "at most 3 files" in refused.content.decode()
    assert (Submission.objects.count(), stored(settings)) == (0, [])
    assert hand_in(student, ("full.ipynb", notebook(MEGABYTE))).status_code == 302
    assert SubmissionFile.objects.get().size == MEGABYTE


class FillingUpStorage(FileSystemStorage):
    """A storage whose disk fills up in the middle of the second file."""

    saved = 0

    def _save(self, name: str, content: Any) -> str:
        self.saved += 1
        if self.saved < 2:
            save: Any = super()
            return str(save._save(name, content))
        path = Path(self.path(name))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.read(3))
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_is_said_and_leaves_nothing(student: Client, settings: Settings) -> None:
    files = [(f"{number}.zip", zipped("main.py")) for number in range(3)]
    disk = FillingUpStorage()
    # However often it is tried: the team has used nothing of what it may send.
    for _time in range(_TRIES.most + 1):
        disk.saved = 0
        with patch("amls.files.storing.default_storage", disk), patch("amls.files.shelf.default_storage", disk):
            answer = hand_in(student, *files)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "&#x27;1.zip&#x27; could not be stored: the disk is full" in page
    assert "tell whoever runs this installation" in page
    assert (Submission.objects.count(), stored(settings), waiting()) == (0, [], [])
    assert not [path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file() and path.name != MARK]
    assert not Notice.objects.filter(kind="projects.receipt").exists()
    # The same page sent again, with room, is kept.
    assert hand_in(student, *files).status_code == 302
    assert len(stored(settings)) == 3


@pytest.mark.xdist_group("slow")
@pytest.mark.parametrize("is_reset", [False, True], ids=["closed", "reset"])
def test_an_upload_that_breaks_off_leaves_nothing(
    student: Client, settings: Settings, tmp_path: Path, is_reset: bool
) -> None:
    Assignment.objects.update(max_file_megabytes=50)
    cookie = signed_in(User.objects.get(email="student@example.org"))
    body, kind = form({"work.ipynb": notebook(8 * MEGABYTE)})
    with granian(tmp_path, workers=1) as port:

        def half_done() -> list[Path]:
            """What the server keeps of an upload while it comes in, in a folder of its own below that for temporary files."""
            return [*(tmp_path / "tmp").rglob("*.upload*")]

        for _turn in range(3):
            with socket.create_connection(("127.0.0.1", port)) as line:
                line.sendall(head(PATH, port=port, cookie=cookie, length=len(body), kind=kind))
                line.sendall(body[: len(body) // 2])
                # The half was on the disk: it is not the test that never wrote anything.
                wait_until(half_done)
                if is_reset:
                    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            wait_until(lambda: not half_done())
        assert (Submission.objects.count(), stored(settings)) == (0, [])
        # The server goes on, and takes the whole.
        assert get(port, "/amls/projects/mine/", cookie)[0] == 200
        assert send(port, PATH, cookie=cookie, body=body, kind=kind)[0] == 302
        # The answer is out before the request's own things are closed.
        wait_until(lambda: not half_done())
    assert Submission.objects.get().attempt == 1
    assert len(stored(settings)) == 1
