"""Installations of their own, each under a folder of its own."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from django.conf import settings

from amls.embedded import connect, running, socket_dir
from tests.infra.machine import make_base
from tests.tools import template


@pytest.fixture
def var() -> Iterator[Path]:
    """A place for an installation's data with a short path, for the socket."""
    folder = Path(tempfile.mkdtemp(prefix="amls-", dir="/tmp"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def debian(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the disks of fresh machines begin with."""
    return make_base(tmp_path_factory.mktemp("debian"))


@pytest.fixture
def migrated(var: Path) -> None:
    """Give it a database with all migrations, for a test of something else: migrating takes half a minute."""
    if (name := template.ensure()) is None:
        return
    with running(var):
        load(var, dump(var, of_tests(), name), "postgres")


def tools(var: Path) -> Path:
    """Return where the programs of the running server of `var` are."""
    server = psutil.Process(int((var / "pg" / "postmaster.pid").read_text().splitlines()[0]))
    return Path(server.exe()).parent


def dump(var: Path, host: str, name: str, *options: str) -> bytes:
    """Return a database as SQL, with the programs of the running server of `var`."""
    command = [tools(var) / "pg_dump", f"--host={host}", "--username=postgres", *options, name]
    return subprocess.run(command, check=True, capture_output=True).stdout


def load(var: Path, sql: bytes, name: str) -> None:
    """Run SQL in a database of the running server of `var`."""
    command = [
        str(tools(var) / "psql"),
        f"--host={socket_dir(var)}",
        "--username=postgres",
        "--quiet",
        "--output=/dev/null",
    ]
    subprocess.run([*command, "--set=ON_ERROR_STOP=1", name], input=sql, check=True)


def of_tests() -> str:
    """Return where the server of the tests listens."""
    return str(settings.DATABASES["default"]["HOST"])


def schema(var: Path, host: str, name: str) -> list[str]:
    """Return the lines that make a database's tables, triggers and the like."""
    options = ("--schema-only", "--no-owner", "--no-privileges", "--no-comments")
    said = dump(var, host, name, *options)
    with connect(socket_dir(var)) as server:
        server.execute("CREATE DATABASE said_again")
        try:
            # Restored once, PostgreSQL says all conditions in the same words.
            load(var, said, "said_again")
            lines = dump(var, socket_dir(var), "said_again", *options).decode().splitlines()
        finally:
            server.execute("DROP DATABASE said_again WITH (FORCE)")
    # Those with a backslash hold what is drawn anew for each dump.
    return [line for line in lines if not line.startswith("\\")]
