"""Uploads are what they say, and downloads are what clients expect."""

import gzip
import io
import struct
import subprocess
import tarfile
import tracemalloc
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfWriter
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from amls.core.violations import RuleViolation
from amls.files.checks import check_upload, clean_filename
from amls.files.storing import MARK
from lectures.filenames import recognise
from lectures.models import Material, MaterialFile
from lectures.services.materials import upload_for_lecture, upload_version
from tests.factories import CourseFactory, LectureFactory
from tests.files.samples import whole
from tests.patience import wait_until
from tests.ports import free_port
from tests.races import at_once, refusals


def check(name: str, content: bytes, *, limit: int = 10**8):  # type: ignore[no-untyped-def]
    return check_upload(io.BytesIO(content), name, size=len(content), max_bytes=limit)


def zipped(*entries: tuple[str, bytes], link: str = "", level: int = zipfile.ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", level) as archive:
        for name, content in entries:
            archive.writestr(name, content)
        if link:
            info = zipfile.ZipInfo(link)
            info.external_attr = 0o120777 << 16
            archive.writestr(info, "/etc/passwd")
    return stream.getvalue()


def tarred(*entries: tuple[str, bytes], **special: Any) -> bytes:
    """Return a gzipped tar archive; `special` are attributes of one more entry."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name, content in entries:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        if special:
            info = tarfile.TarInfo(special.pop("name", "inside"))
            for attribute, value in special.items():
                setattr(info, attribute, value)
            archive.addfile(info)
    return stream.getvalue()


def lying_tar() -> bytes:
    """Return an archive whose one header claims a name of 3 GiB, to be read into memory."""
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 3 * 1024**3
    return gzip.compress(info.tobuf(tarfile.GNU_FORMAT) + bytes(1024))


def wordy_tar() -> bytes:
    """Return an archive whose few entries have long headers, which are read into memory one by one."""
    info = tarfile.TarInfo("long")
    info.pax_headers = {f"{key}": "v" * 90 for key in range(9_000)}
    return gzip.compress(info.tobuf(tarfile.PAX_FORMAT) * 60 + bytes(1024))


def endless_listing() -> bytes:
    """Return an archive that lists 300,000 files in 14 MB, all of them the same."""
    entry = struct.pack("<4s4B4HL2L5H2L", b"PK\1\2", 20, 0, 20, *[0] * 8, 1, *[0] * 6) + b"a"
    return entry * 300_000 + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, len(entry) * 300_000, 0, 0)


def notebook(inside: bytes) -> bytes:
    return b'{"nbformat":4,"cells":[' + inside + b"]}"


def encrypted_pdf() -> bytes:
    writer, stream = PdfWriter(), io.BytesIO()
    writer.add_blank_page(100, 100)
    writer.encrypt("secret")
    writer.write(stream)
    return stream.getvalue()


def test_real_files_are_recognised() -> None:
    pdf = check("05.pdf", whole(".pdf"))
    assert (pdf.content_type, pdf.pages, pdf.is_tagged) == ("application/pdf", 5, True)
    assert check("05.PPTX", whole(".pptx")).pages == 5
    assert (check("05.mp4", whole(".mp4")).content_type, check("05.mp4", whole(".mp4")).seconds) == ("video/mp4", 60)
    assert check("a.vtt", b"\xef\xbb\xbfWEBVTT - title\n\n").suffix == ".vtt"
    assert check("a.ipynb", b'{"nbformat": 4, "cells": []}').suffix == ".ipynb"
    assert check("a.zip", zipped(("src/main.py", b"print()"))).suffix == ".zip"
    tarball = check("a.TAR.gz", tarred(("src/main.py", b"print()"), ("x" * 300, b""), name="src", type=tarfile.DIRTYPE))
    assert (tarball.suffix, tarball.content_type, tarball.filename) == (".tar.gz", "application/gzip", "a.TAR.gz")


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("a.pdf", b"", "empty"),
        ("a.exe", b"MZ", "kind-not-allowed"),
        ("a.pdf", b"<html>", "not-pdf"),
        ("a.pdf", b"%PDF-1.7 and nothing else", "not-pdf"),
        ("a.pdf", encrypted_pdf(), "encrypted"),
        ("a.pptx", b"PK\x03\x04 broken", "not-pptx"),
        ("a.pptx", zipped(("readme.txt", b"hi")), "not-pptx"),
        ("a.mp4", b"\x00\x00\x00\x18ftypisom" + b"\x00" * 40, "not-mp4"),
        ("a.mp4", b"RIFF....AVI", "not-mp4"),
        ("a.vtt", b"1\n00:00 --> 00:01\nSRT", "not-vtt"),
        ("a.vtt", b"WEBVTT\n\n\xff\xfe", "not-text"),
        ("a.ipynb", b"not json", "not-notebook"),
        ("a.ipynb", b"[]", "not-notebook"),
        ("a.ipynb", lambda: notebook(b"[" * 100_000), "not-notebook"),
        ("a.ipynb", lambda: notebook(b"[]," * 500_000 + b"0"), "notebook-too-long"),
        ("a.ipynb", lambda: notebook(b"{}," * 500_000 + b"0"), "notebook-too-long"),
        ("a.ipynb", lambda: notebook(b"0," * 1_000_000 + b"0"), "notebook-too-long"),
        ("a.ipynb", lambda: notebook(b'"' + b"x" * 20 * 1024**2 + b'"'), "notebook-too-large"),
        ("a.zip", endless_listing, "too-many-entries"),
        ("a.pptx", endless_listing, "too-many-entries"),
        ("a.tar.gz", wordy_tar, "zip-bomb"),
        ("a.zip", lambda: zipped(("bomb", b"\0" * 120_000_000)), "zip-bomb"),
        ("a.zip", zipped(("../../etc/cron", b"x")), "zip-path"),
        ("a.zip", zipped(("C:/x", b"x")), "zip-path"),
        ("a.zip", zipped(link="inside"), "zip-link"),
        ("a.zip", b"nothing", "not-zip"),
        ("a.tar.gz", lambda: tarred(("bomb", b"\0" * 120_000_000)), "zip-bomb"),
        ("a.tar.gz", lambda: tarred() + gzip.compress(b"\0" * 120_000_000), "zip-bomb"),
        ("a.tar.gz", lying_tar, "zip-bomb"),
        ("a.tar.gz", tarred(("../../etc/cron", b"x")), "zip-path"),
        ("a.tar.gz", tarred(("/etc/cron", b"x")), "zip-path"),
        ("a.tar.gz", tarred(("..\\cron", b"x")), "zip-path"),
        ("a.tar.gz", tarred(type=tarfile.SYMTYPE, linkname="/etc/passwd"), "zip-link"),
        ("a.tar.gz", tarred(type=tarfile.LNKTYPE, linkname="../etc/passwd"), "zip-link"),
        ("a.tar.gz", tarred(type=tarfile.CHRTYPE), "tar-device"),
        ("a.tar.gz", lambda: tarred(*((f"{number}", b"") for number in range(10_001))), "too-many-entries"),
        ("a.tar.gz", tarred(("main.py", b"print()" * 100))[:-40], "not-tar"),
        ("a.tar.gz", gzip.compress(b"no tar file"), "not-tar"),
        ("a.tar.gz", b"nothing", "not-tar"),
        ("a.gz", gzip.compress(b"text"), "kind-not-allowed"),
    ],
)
def test_hostile_and_broken_files_are_refused(name: str, content: bytes | Callable[[], bytes], code: str) -> None:
    with pytest.raises(RuleViolation) as caught:
        check(name, content() if callable(content) else content)
    assert caught.value.code == code
    assert "a." in str(caught.value.message)


def test_a_hostile_archive_takes_little_memory() -> None:
    bomb, endless = tarred(("bomb", b"\0" * 200_000_000)), endless_listing()
    tracemalloc.start()
    with pytest.raises(RuleViolation):
        check("a.tar.gz", bomb)
    with pytest.raises(RuleViolation):
        check("a.tar.gz", lying_tar())
    with pytest.raises(RuleViolation):
        check("a.zip", endless)
    assert tracemalloc.get_traced_memory()[1] < 20_000_000
    tracemalloc.stop()


def test_a_hostile_notebook_is_refused_before_it_is_parsed() -> None:
    hostile = notebook(b"[]," * 6_000_000 + b"0")
    tracemalloc.start()
    with pytest.raises(RuleViolation, match="Clear its outputs"):
        check("a.ipynb", hostile)
    assert tracemalloc.get_traced_memory()[1] < 2 * len(hostile)
    tracemalloc.stop()


def test_a_large_notebook_with_pictures_is_one() -> None:
    assert check("a.ipynb", notebook(b'{"image/png":"' + b"iVBOR" * 4_000_000 + b'"}')).suffix == ".ipynb"


def test_one_byte_over_the_limit_is_too_large() -> None:
    assert check("a.txt", b"x" * 100, limit=100).suffix == ".txt"
    with pytest.raises(RuleViolation, match="are allowed"):
        check("a.txt", b"x" * 101, limit=100)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("C:\\Users\\me\\05.pdf", "05.pdf"),
        ("../../etc/passwd", "passwd"),
        ("a\u202efdp.exe", "afdp.exe"),
        ("x" * 300 + ".pdf", "x" * 196 + ".pdf"),
        ("عرض.pdf", "عرض.pdf"),
        ("x" * 300 + ".tar.gz", "x" * 193 + ".tar.gz"),
        ("...", "file"),
        ("new\nline.pdf", "new line.pdf"),
    ],
)
def test_names_are_cleaned(sent: str, kept: str) -> None:
    assert clean_filename(sent) == kept


@given(st.text(max_size=400))
def test_any_name_becomes_a_safe_one(name: str) -> None:
    clean = clean_filename(name)
    assert 0 < len(clean) <= 200
    assert "/" not in clean
    assert clean not in (".", "..")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "number", "kind"),
    [
        ("05_DataTaskParallel.pdf", "05", "pdf"),
        ("AMLS_2024_05.pptx", "05", "pptx"),
        ("lecture-07 recording.mp4", "07", "mp4"),
        ("08-captions.vtt", "08", "captions"),
        ("Parameter Servers.pdf", "06", "pdf"),
        ("2024 L5.pdf", "05", "pdf"),
        ("05_DataTaskParallel2.pdf", "05", "pdf"),
        ("AmlsLecture05v7.pdf", "05", "pdf"),
        ("holiday.pdf", None, "pdf"),
        ("07 transcript.txt", "07", "transcript"),
    ],
)
def test_lecture_and_kind_are_read_from_the_name(name: str, number: str | None, kind: str) -> None:
    course = CourseFactory.create()
    known = [
        LectureFactory.create(course=course, number=number, title=title)
        for number, title in (
            ("05", "Data- and Task-Parallel"),
            ("06", "Parameter Servers"),
            ("07", "Hybrid"),
            ("08", "Caching"),
        )
    ]
    recognised = recognise(name, known)
    assert (recognised.lecture.number if recognised.lecture else None, recognised.kind) == (number, kind)


@pytest.fixture
def version(db: None) -> MaterialFile:
    lecture = LectureFactory.create(course__slug="amls", number="05")
    upload = SimpleUploadedFile("05 Parallel.pdf", whole(".pdf"))
    return upload_for_lecture(lecture=lecture, kind="pdf", upload=upload, by=None, now=timezone.now())


def address(version: MaterialFile) -> str:
    return version.material.get_absolute_url()


def body(answer) -> bytes:  # type: ignore[no-untyped-def]
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


def test_a_download_says_what_it_is(client: Client, version: MaterialFile) -> None:
    answer = client.get(address(version))
    assert body(answer) == whole(".pdf")
    assert (answer["Content-Type"], answer["Content-Length"]) == ("application/pdf", str(len(whole(".pdf"))))
    assert answer["Content-Disposition"] == 'inline; filename="05 Parallel.pdf"'
    assert (answer["X-Content-Type-Options"], answer["Accept-Ranges"], answer["X-Frame-Options"]) == (
        "nosniff",
        "bytes",
        "SAMEORIGIN",
    )
    assert answer["ETag"] == f'"{version.sha256[:32]}"'
    assert client.get(address(version) + "?download")["Content-Disposition"].startswith("attachment")


@pytest.mark.parametrize(
    ("asked", "status", "part"),
    [
        ("bytes=0-9", 206, slice(0, 10)),
        ("bytes=100-", 206, slice(100, None)),
        ("bytes=-50", 206, slice(-50, None)),
        ("bytes=0-999999999", 206, slice(0, None)),
        ("bytes=5-2", 200, slice(0, None)),
        ("bytes=0-1,5-6", 200, slice(0, None)),
        ("lines=0-1", 200, slice(0, None)),
        ("bytes=-", 200, slice(0, None)),
    ],
)
def test_ranges(client: Client, version: MaterialFile, asked: str, status: int, part: slice) -> None:
    answer = client.get(address(version), headers={"range": asked})
    assert (answer.status_code, body(answer)) == (status, whole(".pdf")[part])
    assert answer["Content-Length"] == str(len(whole(".pdf")[part]))
    if status == 206:
        start = range(len(whole(".pdf")))[part].start
        assert answer["Content-Range"] == f"bytes {start}-{start + len(whole('.pdf')[part]) - 1}/{len(whole('.pdf'))}"


def test_a_range_that_cannot_be_met_is_416(client: Client, version: MaterialFile) -> None:
    answer = client.get(address(version), headers={"range": f"bytes={len(whole('.pdf'))}-"})
    assert (answer.status_code, answer["Content-Range"]) == (416, f"bytes */{len(whole('.pdf'))}")


def test_conditions(client: Client, version: MaterialFile) -> None:
    first = client.get(address(version))
    etag, changed = first["ETag"], first["Last-Modified"]
    assert client.get(address(version), headers={"if-none-match": etag}).status_code == 304
    assert client.get(address(version), headers={"if-modified-since": changed}).status_code == 304
    for fresh in (etag, changed):
        assert client.get(address(version), headers={"range": "bytes=0-1", "if-range": fresh}).status_code == 206
    assert client.get(address(version), headers={"range": "bytes=0-1", "if-range": '"other"'}).status_code == 200
    head = client.head(address(version))
    assert (head.status_code, head["Content-Length"], body(head)) == (200, str(len(whole(".pdf"))), b"")


GUARDS = ("Content-Security-Policy", "X-Content-Type-Options", "X-Frame-Options", "Cross-Origin-Resource-Policy")


@pytest.mark.parametrize("address_of", ["file", "download"])
def test_what_is_said_of_a_file_that_a_browser_has_guards_it_as_the_file_did(
    client: Client, version: MaterialFile, address_of: str
) -> None:
    where = address(version) + ("?download" if address_of == "download" else "")
    first = client.get(where)
    guards = {name: first[name] for name in GUARDS}
    assert guards["Content-Security-Policy"].startswith("default-src 'none'")
    for status, headers in (
        (304, {"if-none-match": first["ETag"]}),
        (304, {"if-modified-since": first["Last-Modified"]}),
        (412, {"if-match": '"other"'}),
        (416, {"range": "bytes=999999999-"}),
    ):
        again = client.get(where, headers=headers)
        assert (again.status_code, {name: again.get(name) for name in GUARDS}) == (status, guards)


def test_the_same_content_again_is_no_new_version(version: MaterialFile) -> None:
    again = upload_version(
        material=version.material, upload=SimpleUploadedFile("renamed.pdf", whole(".pdf")), by=None, now=timezone.now()
    )
    assert (again.pk, again.filename) == (version.pk, "renamed.pdf")
    assert MaterialFile.objects.count() == 1


def stored(settings: Settings) -> list[Path]:
    return [path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file() and path.name != MARK]


def test_a_refused_upload_leaves_nothing_behind(version: MaterialFile, settings: Settings) -> None:
    with pytest.raises(RuleViolation):
        upload_version(
            material=version.material, upload=SimpleUploadedFile("x.pdf", b"no"), by=None, now=timezone.now()
        )
    Material.objects.all().delete()
    with pytest.raises(Material.DoesNotExist):
        upload_version(
            material=version.material,
            upload=SimpleUploadedFile("x.vtt".replace("vtt", "pdf"), whole(".pdf") + b"\n"),
            by=None,
            now=timezone.now(),
        )
    assert len(stored(settings)) == 1


@pytest.mark.django_db(transaction=True)
def test_two_uploads_at_once_give_two_versions() -> None:
    lecture = LectureFactory.create(course__slug="amls", number="05")

    def upload(index: int) -> None:
        content = SimpleUploadedFile("05.vtt", f"WEBVTT\n\nNOTE {index}\n".encode())
        upload_for_lecture(lecture=lecture, kind="captions", upload=content, by=None, now=timezone.now())

    assert refusals(at_once([partial(upload, index) for index in range(4)])) == {}
    assert sorted(MaterialFile.objects.values_list("version", flat=True)) == [1, 2, 3, 4]
    material = Material.objects.get()
    assert material.current is not None
    assert material.current.version == 4


@pytest.mark.django_db(transaction=True)
def test_nginx_sends_the_bytes(live_server: LiveServer, settings: Settings, tmp_path: Path) -> None:
    # Here nginx is in no group of ours, as it is where it is installed.
    settings.FILE_UPLOAD_PERMISSIONS, settings.FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o644, 0o755
    lecture = LectureFactory.create(course__slug="amls", number="05")
    version = upload_for_lecture(
        lecture=lecture, kind="pdf", upload=SimpleUploadedFile("05.pdf", whole(".pdf")), by=None, now=timezone.now()
    )
    settings.X_ACCEL_REDIRECT_PREFIX = "/protected/"
    port = free_port()
    Path(settings.MEDIA_ROOT).chmod(0o755)
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == 0 and str(folder).startswith("/tmp/"):
            folder.chmod(folder.stat().st_mode | 0o055)
    (tmp_path / "nginx.conf").write_text(
        f"daemon off; pid {tmp_path}/pid; error_log {tmp_path}/error.log; events {{}}\n"
        f"http {{ access_log off; client_body_temp_path {tmp_path}/b; proxy_temp_path {tmp_path}/p; fastcgi_temp_path {tmp_path}/f;"
        f" uwsgi_temp_path {tmp_path}/u; scgi_temp_path {tmp_path}/s;\n"
        f" server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass {live_server.url}; proxy_set_header Host localhost; }}\n"
        f" location /protected/ {{ internal; alias {settings.MEDIA_ROOT}/; }} }} }}\n"
    )
    server = subprocess.Popen(["nginx", "-c", str(tmp_path / "nginx.conf"), "-p", str(tmp_path)])
    try:
        url = f"http://127.0.0.1:{port}{address(version)}"
        wait_until(
            lambda: subprocess.run(["curl", "-sf", url], capture_output=True, check=False).stdout == whole(".pdf")
        )
        part = subprocess.run(["curl", "-s", "-D", "-", "-r", "10-19", url], capture_output=True, check=True).stdout
        head, _gap, content = part.partition(b"\r\n\r\n")
        assert b" 206 " in head.split(b"\r\n")[0]
        assert content == whole(".pdf")[10:20]
        assert b"Content-Type: application/pdf" in head
        assert b"X-Accel-Redirect" not in head
        outside = subprocess.run(
            [
                "curl",
                "-s",
                "-o",
                "/dev/null",
                "-w",
                "%{http_code}",
                f"http://127.0.0.1:{port}/protected/{version.file.name}",
            ],
            capture_output=True,
            check=True,
        )
        assert outside.stdout == b"404"
    finally:
        server.terminate()
        server.wait()
