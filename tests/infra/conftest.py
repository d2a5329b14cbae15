"""Installations of their own, each under a folder of its own."""

import os
import shutil
import subprocess
import sys
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


_PREPARE = """
import os
import django
os.umask(0o077)
django.setup()
from amls.portal.management.commands.serve import Command
Command()._prepare(with_demo=False)
"""


@pytest.fixture(scope="session")
def prepared() -> Iterator[Path]:
    """An installation that stands as after the first start of `serve`: migrated, with collected static files."""
    folder = Path(tempfile.mkdtemp(prefix="amls-", dir="/tmp"))
    unset = ("DATABASE_URL", "REDIS_URL")
    environment = {name: value for name, value in os.environ.items() if name not in unset}
    environment |= {"AMLS_VAR_DIR": str(folder), "DJANGO_SETTINGS_MODULE": "amls.settings"}
    with running(folder), template.to_read() as name:
        if name is not None:
            load(folder, dump(folder, of_tests(), name), "postgres")
        subprocess.run([sys.executable, "-c", _PREPARE], cwd=settings.BASE_DIR, env=environment, check=True)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def migrated(var: Path, prepared: Path) -> None:
    """Give it what was prepared once, for a test of something else: to prepare it takes half a minute."""
    # With the owner of the database's files, who is another one than root.
    # What the database keeps of the key fits this one only.
    parts = [prepared / name for name in ("pg", "static", "secret-key")]
    subprocess.run(["cp", "-a", *parts, var], check=True)


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
