"""Uploads in a bucket: a real S3 server on loopback, two nodes, a server that fails, and a file that is not here."""

import hashlib
import re
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from moto.server import ThreadedMotoServer
from pytest_django import Settings

from amls.core.media_url import media_storage
from amls.core.violations import RuleViolation
from amls.files import marks, missing
from amls.files.rows import find_strays
from amls.files.storing import is_lost
from lectures.models import Extraction, Lecture, MaterialFile, Passage
from lectures.services.materials import upload_for_lecture
from lectures.tasks import extract
from tests.factories import LectureFactory
from tests.lectures.files import pdf

BUCKET = "courses"


class Wire:
    """A way to a server that counts the bytes that come back."""

    def __init__(self, port: int) -> None:
        self.received = 0
        self._to = port
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listening.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _address = self._listening.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self._to))
            threading.Thread(target=self._pass_on, args=[client, server, False], daemon=True).start()
            threading.Thread(target=self._pass_on, args=[server, client, True], daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket, is_answer: bool) -> None:
        try:
            while data := source.recv(65536):
                if is_answer:
                    self.received += len(data)
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            target.close()


@pytest.fixture(scope="module")
def server() -> Iterator[int]:
    """An S3 server with an empty bucket."""
    running = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    _host, port = running.get_host_and_port()
    client = boto3.client(
        "s3", endpoint_url=f"http://127.0.0.1:{port}", aws_access_key_id="key", aws_secret_access_key="secret",
        region_name="us-east-1",
    )  # fmt: skip
    client.create_bucket(Bucket=BUCKET)
    yield port
    running.stop()


@pytest.fixture
def wire(server: int, settings: Settings) -> Iterator[Wire]:
    """Uploads go to the bucket, over a counted way."""
    way = Wire(server)
    use(settings, way.port)
    yield way
    way.close()


def use(settings: Settings, port: int) -> None:
    url = f"s3://key:secret@127.0.0.1:{port}/{BUCKET}/media?tls=no&region=us-east-1"
    settings.STORAGES = {**settings.STORAGES, "default": media_storage(url)}
    marks.forget()


def upload(lecture: Lecture, content: bytes | None = None, name: str = "Größe & Łukasz.pdf") -> MaterialFile:
    sent = SimpleUploadedFile(name, content or pdf(["Caching", "and partitioning"]))
    return upload_for_lecture(lecture=lecture, kind="pdf", upload=sent, by=None, now=timezone.now())


def address_of(file: MaterialFile) -> str:
    return f"/{file.material.lecture.course.slug}/materials/{file.material_id}/{file.filename}"


@pytest.mark.django_db(transaction=True)
def test_an_upload_lies_in_the_bucket_and_is_served_read_and_deleted_there(wire: Wire, client: Client) -> None:
    lecture = LectureFactory.create()
    content = pdf(["Caching", "and partitioning"], ["Fusion"])
    file = upload(lecture, content)
    extract()
    answer = client.get(address_of(file))
    assert answer.status_code == 200
    assert b"".join(answer.streaming_content) == content  # type: ignore[attr-defined]
    assert file.sha256 == hashlib.sha256(content).hexdigest()
    assert Passage.objects.filter(file=file).count() == 2
    picture = client.get(f"/{lecture.course.slug}/materials/{file.material_id}/slides/1.webp")
    assert picture.status_code == 200
    assert b"".join(picture.streaming_content)[8:12] == b"WEBP"  # type: ignore[attr-defined]
    strays = find_strays(now=timezone.now())
    assert (strays.unnamed, strays.missing) == ((), ())
    lecture.delete()
    assert default_storage.listdir("materials")[1] == []
    assert is_lost(file.file.name or "")


@pytest.mark.django_db(transaction=True)
def test_a_piece_of_a_large_file_fetches_only_that_piece(wire: Wire, client: Client) -> None:
    content = pdf(["Large"]) + b"\n%" + b"x" * 40_000_000 + b"\n%%EOF"
    file = MaterialFile.objects.get(pk=upload(LectureFactory.create()).pk)
    name = default_storage.save("materials/large.pdf", ContentFile(content))
    MaterialFile.objects.filter(pk=file.pk).update(file=name, size=len(content))
    before = wire.received
    answer = client.get(address_of(file), headers={"range": "bytes=30000000-30000099"})
    assert (answer.status_code, answer["Content-Range"]) == (206, f"bytes 30000000-30000099/{len(content)}")
    assert b"".join(answer.streaming_content) == b"x" * 100  # type: ignore[attr-defined]
    assert wire.received - before < 1_000_000


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("storage", ["bucket", "folder"])
def test_what_one_node_took_another_gives_and_reads(
    storage: str, server: int, settings: Settings, tmp_path: Path, client: Client
) -> None:
    def be_node(number: int) -> None:
        # Each node has a disk of its own; uploads lie where the setting says.
        settings.MEDIA_ROOT = tmp_path / ("shared" if storage == "folder" else f"node-{number}")
        if storage == "bucket":
            use(settings, server)

    marks.forget()
    files = []
    for number in range(12):
        be_node(number % 2)
        files.append(upload(LectureFactory.create(), pdf([f"Slide of {number}"])))
    be_node(0)
    extract()
    assert set(Extraction.objects.values_list("state", "problem")) == {("done", "")}
    for number in range(2):
        be_node(number)
        assert [client.get(address_of(file)).status_code for file in files] == [200] * 12


@pytest.mark.django_db(transaction=True)
def test_a_file_that_is_not_here_is_neither_unknown_nor_damaged_and_is_read_once_it_is(
    client: Client, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rung: list[str] = []
    monkeypatch.setattr(missing, "ring", rung.append)
    monkeypatch.setattr(missing, "_told_at", None)
    here = settings.MEDIA_ROOT
    file = upload(LectureFactory.create(), name="Übung.pdf")
    settings.MEDIA_ROOT = tmp_path / "elsewhere"
    extract()
    reading = Extraction.objects.get(file=file)
    assert (reading.state, reading.problem, reading.attempts) == ("failed", "missing", 0)
    for headers in ({}, {"range": "bytes=0-9"}):
        answer = client.get(address_of(file), headers=headers)
        assert (answer.status_code, answer["Retry-After"], answer["Cache-Control"]) == (503, "60", "no-store")
        assert "is not on this server at the moment" in answer.text
    # Asked for once an hour, however many ask.
    assert rung == ["amls.portal.tasks.look_for_strays"]
    settings.MEDIA_ROOT = here
    extract()
    assert Extraction.objects.get(file=file).state == "failed"
    Extraction.objects.update(finished_at=timezone.now() - timedelta(minutes=11))
    extract()
    assert Extraction.objects.get(file=file).state == "done"
    assert client.get(address_of(file)).status_code == 200


class Moody(BaseHTTPRequestHandler):
    """An S3 server that answers as its server's `mood` says."""

    protocol_version = "HTTP/1.1"
    server: Any

    def log_message(self, *_arguments: Any) -> None:
        pass

    def answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        match self.server.mood:
            case "refuses":
                self.rfile.read(length)
                self.respond(403, b"<Error><Code>AccessDenied</Code><Message>no</Message></Error>")
            case "hangs up":
                self.rfile.read(min(length, 1000))
                self.close_connection = True
                self.connection.close()
            case "lies":
                self.respond(206, b"short", {"Content-Range": "bytes 0-4/5"})
            case "stops":
                self.send_response(206)
                self.send_header("Content-Length", "10")
                self.end_headers()
                self.wfile.write(b"half")
                self.wfile.flush()
                self.close_connection = True
                self.connection.close()
            case "stalls":
                if self.command == "GET":
                    self.send_response(206)
                    self.send_header("Content-Length", "10")
                    self.end_headers()
                    self.wfile.write(b"half")
                    self.wfile.flush()
                # Says nothing more for longer than anybody waits.
                self.server.is_over.wait()
                self.close_connection = True

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return self.answer
        raise AttributeError(name)

    def respond(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


@pytest.fixture
def moody(settings: Settings) -> Iterator[Callable[[str], None]]:
    running: Any = ThreadingHTTPServer(("127.0.0.1", 0), Moody)
    running.is_over = threading.Event()
    threading.Thread(target=running.serve_forever, daemon=True).start()

    def be(mood: str) -> None:
        running.mood = mood
        use(settings, running.server_address[1])
        if mood == "stalls":
            # People wait 20 seconds.
            storage: Any = default_storage
            storage.client_config = storage.client_config.merge(Config(read_timeout=0.2))

    yield be
    running.is_over.set()
    running.shutdown()
    running.server_close()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("mood", "why"),
    [
        ("refuses", "the storage refused it (403)"),
        ("hangs up", "the storage does not answer"),
        ("stalls", "the storage does not answer"),
    ],
)
def test_an_upload_that_the_bucket_does_not_take_says_so_and_leaves_nothing(
    moody: Callable[[str], None], mood: str, why: str
) -> None:
    moody(mood)
    lecture = LectureFactory.create()
    with pytest.raises(RuleViolation) as refused:
        upload(lecture)
    said, _number, number = str(refused.value).partition(" They find it in the log by the number ")
    assert said == (
        f"'Größe & Łukasz.pdf' could not be stored: {why}. Nothing was kept; tell whoever runs this installation."
    )
    # A request's; what a worker stores has none.
    assert re.fullmatch(r"([0-9a-f]{32}\.)?", number)
    assert not MaterialFile.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("mood", ["refuses", "hangs up", "lies"])
def test_a_bucket_that_does_not_give_a_file_is_said_in_words(
    moody: Callable[[str], None], mood: str, client: Client, settings: Settings
) -> None:
    file = upload(LectureFactory.create())
    moody(mood)
    answer = client.get(address_of(file), headers={"range": "bytes=0-9"})
    assert answer.status_code == 503
    assert "is not on this server at the moment" in answer.text
    extract()
    assert Extraction.objects.get(file=file).problem == "missing"
    assert not is_lost(file.file.name or "")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("mood", ["stops", "stalls"])
def test_an_answer_that_breaks_off_is_no_whole_file(moody: Callable[[str], None], client: Client, mood: str) -> None:
    file = upload(LectureFactory.create())
    moody(mood)
    answer = client.get(address_of(file), headers={"range": "bytes=0-9"})
    assert (answer.status_code, answer["Content-Length"]) == (206, "10")
    with pytest.raises(OSError, match="the storage does not answer"):
        b"".join(answer.streaming_content)  # type: ignore[attr-defined]


def test_media_url_is_read_whole() -> None:
    assert media_storage("")["BACKEND"] == "amls.files.marks.FolderStorage"
    assert media_storage("s3://k%2F1:s%40@minio.example.org:9000/amls/ss%2024?region=de&tls=no")["OPTIONS"] == {
        "bucket_name": "amls", "location": "ss 24", "access_key": "k/1", "secret_key": "s@", "region_name": "de",
        "endpoint_url": "http://minio.example.org:9000",
    }  # fmt: skip
    assert media_storage("s3:///amls")["OPTIONS"] == {"bucket_name": "amls", "location": ""}


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("https://example.org/x", "begins with 'https'"),
        ("s3://key:secret@host", "names no bucket"),
        ("s3://key@host/bucket", "needs the key and its secret"),
        ("s3://key:secret@host/bucket?acl=public", "doesn't know 'acl'"),
        ("s3://key:secret@host/bucket#x", "doesn't know anything after #"),
        ("s3://key:se/cret@host:port/bucket", "can't be read"),
    ],
)
def test_an_address_of_no_storage_says_what_is_wrong(url: str, why: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=why.replace("?", r"\?")):
        media_storage(url)
