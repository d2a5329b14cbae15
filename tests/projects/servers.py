"""Real servers for a test: granian as `manage.py serve` starts it, and Debian's nginx before it."""

import http.client
import json
import os
import signal
import socket
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.test import Client

from amls.courses.models import User
from amls.portal.management.commands.serve import web_server
from tests.patience import SECONDS, wait_until
from tests.ports import free_port
from tests.rights import BOUNDED

TOKEN = "a" * 32
NGINX_EXAMPLE = Path(settings.BASE_DIR) / "deploy" / "nginx.conf"


@contextmanager
def granian(folder: Path, extra: Mapping[str, str] | None = None, *, workers: int = 2) -> Iterator[int]:
    """Serve the test's database; temporary files of uploads go to `folder`/tmp. Yield the port."""
    port, temporary = free_port(), folder / "tmp"
    settings.MEDIA_ROOT.mkdir(parents=True, exist_ok=True)
    temporary.mkdir(exist_ok=True)
    command = web_server("tests.projects.site_wsgi:application", host="127.0.0.1", port=port, workers=workers)
    environment = {
        **os.environ, "AMLS_DB_POOL": "1", "DEBUG": "0", "MEDIA_ROOT": str(settings.MEDIA_ROOT),
        "TMPDIR": str(temporary), "TEST_DATABASE": str(connection.settings_dict["NAME"]), **(extra or {}),
    }  # fmt: skip
    log = (folder / "granian.log").open("wb")
    server = subprocess.Popen(
        command, cwd=settings.BASE_DIR, env=environment, start_new_session=True, stdout=log, stderr=log
    )
    try:
        wait_for(port, server)
        yield port
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait()
        log.close()


@contextmanager
def nginx(folder: Path, upstream: int, *, is_up: bool = True) -> Iterator[int]:
    """Run Debian's nginx with the example of deploy/, its paths and ports replaced. Yield the port.

    Args:
        is_up: whether what is behind it answers.
    """
    port = free_port()
    example = NGINX_EXAMPLE.read_text()
    for there, here in {
        "server 127.0.0.1:8000;": f"server 127.0.0.1:{upstream};",
        "listen 80;": f"listen 127.0.0.1:{port};",
        "server_name amls.example.org;": "server_name localhost 127.0.0.1;",
        "alias /srv/amls/media/;": f"alias {settings.MEDIA_ROOT}/;",
        "/var/log/nginx/amls.log": f"{folder}/access.log",
    }.items():
        assert there in example, there
        example = example.replace(there, here)
    (folder / "site").write_text(example)
    temporary = "".join(
        f"{name}_temp_path {folder}/n-{name}; " for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root; " if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(
        f"daemon off; {user}pid {folder}/nginx.pid; error_log {folder}/nginx.log; events {{ worker_connections 1024; }}\n"
        f"http {{ access_log off; {temporary}include {folder}/site; }}\n"
    )
    server = subprocess.Popen([*BOUNDED, "nginx", "-c", str(folder / "nginx.conf"), "-p", str(folder)])
    try:
        wait_for(port, server, path="/healthz" if is_up else "/protected/")
        yield port
    finally:
        server.terminate()
        server.wait()


def wait_for(port: int, server: "subprocess.Popen[bytes]", path: str = "/healthz") -> None:
    """Wait until something on `port` answers to `path`."""

    def answers() -> bool:
        assert server.poll() is None
        with suppress(OSError):
            return get(port, path)[0] < 500
        return False

    wait_until(answers, said=lambda: "The server does not answer.")


def get(port: int, path: str, cookie: str = "", **more: str) -> tuple[int, dict[str, str], bytes]:
    """Return status, headers by their names in small letters, and body of one GET."""
    browser = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    try:
        browser.request("GET", path, headers={**({"Cookie": cookie} if cookie else {}), **more})
        answer = browser.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        browser.close()


def signed_in(user: User) -> str:
    """Return the cookies of a person who is signed in, and of the form token."""
    client = Client()
    client.force_login(user, backend="amls.courses.accounts.AccountBackend")
    return f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}; csrftoken={TOKEN}"


def notebook(size: int, text: str = "") -> bytes:
    """Return a notebook of exactly so many bytes."""
    start, end = json.dumps({"nbformat": 4, "cells": [], "text": text})[:-2], '"}'
    return (start + "x" * (size - len(start) - len(end)) + end).encode()


def form(files: Mapping[str, bytes], **values: str) -> tuple[bytes, str]:
    """Return the body of a hand-in's form and its content type."""
    limit = uuid.uuid4().hex
    values = {"csrfmiddlewaretoken": TOKEN, "request_key": str(uuid.uuid4()), **values}
    parts = [
        f'--{limit}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in values.items()
    ]
    parts += [
        f'--{limit}\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n'.encode()
        + b"Content-Type: application/octet-stream\r\n\r\n"
        + content
        + b"\r\n"
        for name, content in files.items()
    ]
    return b"".join(parts) + f"--{limit}--\r\n".encode(), f"multipart/form-data; boundary={limit}"


def head(path: str, *, port: int, cookie: str, length: int, kind: str, extra: str = "") -> bytes:
    """Return the head of a POST."""
    return (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nCookie: {cookie}\r\nContent-Type: {kind}\r\n"
        f"Content-Length: {length}\r\nConnection: close\r\n{extra}\r\n"
    ).encode()


def send(
    port: int,
    path: str,
    *,
    cookie: str,
    body: bytes,
    kind: str,
    pieces: int = 1,
    pause: float = 0,
    halfway: Callable[[], object] | None = None,
    extra: str = "",
) -> tuple[int, str]:
    """Send a POST, its body in so many pieces with a pause after each; return status and Location.

    Args:
        halfway: is called before the piece in the middle.
    """
    with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as line:
        line.sendall(head(path, port=port, cookie=cookie, length=len(body), kind=kind, extra=extra))
        step = -(-len(body) // pieces)
        for number, start in enumerate(range(0, len(body), step)):
            if halfway is not None and number == pieces // 2:
                halfway()
            line.sendall(body[start : start + step])
            time.sleep(pause)
        said = b""
        while piece := line.recv(65536):
            said += piece
    top = said.partition(b"\r\n\r\n")[0].decode("latin-1")
    lines = top.split("\r\n")
    location = next((line.split(":", 1)[1].strip() for line in lines if line.lower().startswith("location:")), "")
    return int(lines[0].split()[1]), location
