"""No log holds an address that opens something by itself."""

import io
import logging
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

from amls.agenda.feeds import personal_feed_url
from amls.core.logs import redact
from amls.courses.models import Course
from tests.cast import Cast
from tests.patience import SECONDS, wait_until
from tests.ports import free_port

# Each starts processes of its own.
pytestmark = pytest.mark.real


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What a handler at the root writes, with exceptions."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    logging.getLogger().addHandler(handler)
    yield stream
    logging.getLogger().removeHandler(handler)


@pytest.mark.parametrize(
    ("said", "hidden"),
    [
        ("Not Found: /calendar/7-aB_c.ics", "Not Found: /calendar/[hidden].ics"),
        ("webcal://host/calendar/7-ab.ics?x=1", "webcal://host/calendar/[hidden].ics?x=1"),
        ("GET /calendar/7-ab HTTP/1.1", "GET /calendar/[hidden] HTTP/1.1"),
        ("/unsubscribe/Ab:1c/ and /receipts/K7QX/", "/unsubscribe/[hidden]/ and /receipts/[hidden]/"),
        ("'/login/?next=%2Fcalendar%2F7-ab.ics&b=2'", "'/login/?next=%2Fcalendar%2F[hidden].ics&b=2'"),
        ("next=%2Freceipts%2FK7QX%2F", "next=%2Freceipts%2F[hidden]%2F"),
        ("/amls/calendar.ics /amls/me/ /calendar/", "/amls/calendar.ics /amls/me/ /calendar/"),
    ],
)
def test_secret_addresses_are_hidden_once(said: str, hidden: str) -> None:
    assert redact(said) == hidden
    assert redact(hidden) == hidden


@pytest.mark.parametrize(
    ("message", "arguments"),
    [
        ("Fetched /calendar/7-secret.ics", ()),
        ("Fetched %s by %s", ("/calendar/7-secret.ics", "khal")),
        ("Fetched /calendar/%s.ics", ("7-secret",)),
        ('"%(method)s %(path)s"', ({"method": "GET", "path": "/calendar/7-secret.ics"},)),
    ],
)
def test_every_way_to_log_hides_it(log: io.StringIO, message: str, arguments: tuple) -> None:
    logging.getLogger("somebody.else").warning(message, *arguments)
    assert "secret" not in log.getvalue()
    assert "/calendar/[hidden].ics" in log.getvalue()


def test_tracebacks_and_stacks_hide_it_and_others_are_left_whole(log: io.StringIO) -> None:
    try:
        raise ValueError("/receipts/K7QX/ is broken")
    except ValueError:
        logging.getLogger("x").exception("It broke at 100 %", stack_info=True)
    try:
        raise ValueError("something else")
    except ValueError:
        logging.getLogger("x").exception("Other")
    assert "K7QX" not in log.getvalue()
    assert "ValueError: /receipts/[hidden]/ is broken" in log.getvalue()
    assert "ValueError: something else" in log.getvalue()
    assert log.getvalue().count("Traceback") == 2


@pytest.mark.django_db
def test_a_feed_that_is_missing_and_one_that_breaks_log_no_token(cast: Cast, log: io.StringIO) -> None:
    address = personal_feed_url(cast.student).removeprefix("http://localhost:8000")
    token = address.removeprefix("/calendar/").removesuffix(".ics")
    client = Client(raise_request_exception=False)
    assert client.get(address.replace(token, f"{token}x")).status_code == 404
    Course.objects.filter(pk=cast.course.pk).update(timezone="Nowhere/At-all")
    assert client.get(address).status_code == 500
    said = log.getvalue()
    assert token not in said
    assert "Not Found: /calendar/[hidden].ics" in said
    assert "Internal Server Error: /calendar/[hidden].ics" in said
    assert "ZoneInfoNotFoundError" in said


def test_the_web_server_with_its_access_log_writes_no_token(tmp_path: Path) -> None:
    port, log = free_port(), tmp_path / "server.log"
    unset = ("SECRET_KEY", "DATABASE_URL", "SITE_URL", "REDIS_URL")
    environment = {name: value for name, value in os.environ.items() if name not in unset}
    # Without a database: the feed of a well-formed token is a server error.
    environment |= {"AMLS_VAR_DIR": str(tmp_path / "var"), "DEBUG": "1"}
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--port", str(port), "--no-ws"]
    with log.open("w") as said:
        server = subprocess.Popen(
            [*command, "--access-log", "amls.wsgi:application"],
            cwd=settings.BASE_DIR, env=environment, stdout=said, stderr=said,
        )  # fmt: skip
    try:
        answers = [_status(port, path) for path in ("/calendar/nobodys.ics", "/calendar/7-somebodys.ics")]
        wait_until(lambda: log.read_text().count('"GET /calendar/') >= 2, said=log.read_text)
    finally:
        server.terminate()
        server.wait()
    text = log.read_text()
    assert answers == [404, 500], text
    assert text.count('"GET /calendar/[hidden].ics HTTP/1.1"') == 2, text
    assert "OperationalError" in text
    assert "nobodys" not in text
    assert "somebodys" not in text


def _status(port: int, path: str) -> int:
    end = time.monotonic() + SECONDS
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=SECONDS) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            assert time.monotonic() < end
            time.sleep(0.2)
