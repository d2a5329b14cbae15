"""What breaks is told to Sentry, where there is one: with the request's number, and without what is somebody's."""

import gzip
import http.server
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import brotli
import pytest
from django.conf import settings

from tests.core.test_settings import PRODUCTION
from tests.ports import free_port

pytestmark = pytest.mark.real
_BREAK = """
import django
django.setup()
from django.test import Client
client = Client(raise_request_exception=False)
client.cookies["secret"] = "a-cookie"
answer = client.get("/calendar/7-secret.ics?q=secret-word", headers={"host": "courses.example.org", "x-forwarded-proto": "https"})
import sentry_sdk
sentry_sdk.flush()
print(answer.status_code, answer.headers["X-Request-ID"])
"""


@pytest.fixture
def sentry() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """What takes faults, and which it took."""
    taken: list[dict[str, Any]] = []

    class Taking(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            unpack = {"gzip": gzip.decompress, "br": brotli.decompress}.get(self.headers["Content-Encoding"], bytes)
            text = unpack(body).decode()
            parts = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
            taken.extend(part for part in parts if "exception" in part)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *args: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Taking)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://key@127.0.0.1:{server.server_port}/1", taken
    server.shutdown()
    server.server_close()


def test_a_fault_is_told_with_its_number_and_without_secrets(
    sentry: tuple[str, list[dict[str, Any]]], tmp_path: Path
) -> None:
    dsn, taken = sentry
    unset = ("DJANGO_ALLOW_ASYNC_UNSAFE", "DEBUG", "REDIS_URL")
    environment = {name: value for name, value in os.environ.items() if name not in unset}
    environment |= {
        **PRODUCTION,
        "DATABASE_URL": f"postgres://nobody@127.0.0.1:{free_port()}/none",
        "SENTRY_DSN": dsn,
        "DJANGO_SETTINGS_MODULE": "amls.settings",
        "AMLS_VAR_DIR": str(tmp_path),
    }
    done = subprocess.run(
        [sys.executable, "-c", _BREAK],
        cwd=settings.BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    status, number = done.stdout.split()
    assert status == "500"
    told = [event for event in taken if event["tags"].get("request_id") == number]
    assert told
    assert told[0]["environment"] == "courses.example.org"
    said = json.dumps(taken)
    assert "OperationalError" in said
    assert "secret" not in said.replace("7-[hidden]", "")
    assert "a-cookie" not in said
