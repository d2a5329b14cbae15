"""The Dockerfile, executed: its steps in the root of a fresh Debian, then every role of the image as its user on a disk that it only reads.

`make test ARGS='-m machine'`. The image that it begins with is Debian with Python; the rest is done as written. What is not
run: the engine's own work (layers, `compose`, its health checks); see docs/operating/containers.md.
"""

import os
import shutil
import signal
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from amls.embedded import connect
from tests.infra.dockerfile import Image, build
from tests.infra.machine import can_be_made
from tests.infra.test_debian_guide import repository
from tests.ports import free_port
from tests.tools import template

ROOT = Path(__file__).resolve().parent.parent.parent
pytestmark = [
    pytest.mark.machine,
    pytest.mark.real,
    pytest.mark.xdist_group("machines"),
    pytest.mark.skipif(not can_be_made(), reason="needs root and mmdebstrap"),
]
BASES = {
    "python:3.11-slim-bookworm": "apt-get update -qq && apt-get install -y -qq --no-install-recommends python3-venv ca-certificates && ln -s python3 /usr/bin/python"
}


def database_socket() -> Path:
    return Path(settings.DATABASES["default"]["HOST"], ".s.PGSQL.5432")


@pytest.fixture(scope="module")
def image(debian: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    context = repository(tmp_path_factory.mktemp("context"))
    shutil.rmtree(context / ".git")
    with build(
        ROOT / "deploy" / "Dockerfile", context, bases=BASES, debian=debian, folder=tmp_path_factory.mktemp("image")
    ) as built:
        yield built


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A database on the tests' server, and what containers are told."""
    name, migrated = f"container_{os.getpid()}", template.ensure()
    with connect(settings.DATABASES["default"]["HOST"]) as server:
        # What migrates an empty one is the same in a container as elsewhere (test_serve.py), and takes half a minute.
        server.execute(f"CREATE DATABASE {name}" + (f" TEMPLATE {migrated}" if migrated else ""))
        server.execute("CREATE ROLE container LOGIN SUPERUSER")
        try:
            yield {
                "SECRET_KEY": "k" * 50,
                "SITE_URL": "http://localhost",
                "DATABASE_URL": f"postgres://container:@//run/database/{name}",
                "REDIS_URL": os.environ["TEST_REDIS_URL"].removesuffix("/0") + "/7",
                "EMAIL_URL": "filemail:///var/lib/amls/mail",
                "PULSE_SECONDS": "2",
                "BEAT_SECONDS": "2",
            }
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")
            server.execute("DROP ROLE container")


def test_every_role_of_the_image_does_its_work(image: Image, environment: dict[str, str]) -> None:
    port = free_port()
    socket = {database_socket(): "/run/database/.s.PGSQL.5432"}
    environment |= {"PORT": str(port), "HOST": "127.0.0.1"}
    setup = image.start("setup", environment=environment, shared=socket)
    assert setup.wait(900) == 0
    said = image.start(
        "start",
        "--email=ada@example.org",
        "--name=Ada",
        "--password=",
        "--no-input",
        environment=environment,
        shared=socket,
    )
    assert said.wait(120) == 0
    roles = [(), ("worker", "mail", "1"), ("worker", "default", "1"), ("worker", "exports", "1"), ("beat",)]
    running = [image.start(*role, environment=environment, shared=socket) for role in roles]
    try:
        wait_until_ready(port)
        # Every one as the image's user, who can write to its volume alone.
        assert image.user == "10001"
        probe = image.start(
            "shell", "--no-imports", "-c", "open('/opt/amls/x', 'w')", environment=environment, shared=socket
        )
        assert probe.wait(120) != 0
        assert [process.poll() for process in running] == [None] * len(roles)
    finally:
        for process in running:
            process.send_signal(signal.SIGTERM)
        codes = [process.wait(120) for process in running]
    assert codes == [0] * len(roles)


def wait_until_ready(port: int) -> None:
    end = time.monotonic() + 240
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=20) as answer:
                said = answer.read().decode()
            if '"problems": {}' in said or time.monotonic() > end:
                assert '"problems": {}' in said, said
                return
        except OSError:
            assert time.monotonic() < end
        time.sleep(1)
