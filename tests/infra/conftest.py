"""Installations of their own, each under a folder of its own."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from django.conf import settings

from amls.embedded import running
from tests.tools import template


@pytest.fixture
def var() -> Iterator[Path]:
    """A place for an installation's data with a short path, for the socket."""
    folder = Path(tempfile.mkdtemp(prefix="amls-", dir="/tmp"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def migrated(var: Path) -> None:
    """Give it a database with all migrations, for a test of something else: migrating takes half a minute."""
    if (name := template.ensure()) is None:
        return
    with running(var) as host:
        load = [str(tools(var) / "psql"), f"--host={host}", "--username=postgres", "--quiet", "--set=ON_ERROR_STOP=1"]
        subprocess.run([*load, "--output=/dev/null"], input=dump(var, of_tests(), name), check=True)


def tools(var: Path) -> Path:
    """Return where the programs of the running server of `var` are."""
    server = psutil.Process(int((var / "pg" / "postmaster.pid").read_text().splitlines()[0]))
    return Path(server.exe()).parent


def dump(var: Path, host: str, name: str, *options: str) -> bytes:
    """Return a database as SQL, with the programs of the running server of `var`."""
    command = [tools(var) / "pg_dump", f"--host={host}", "--username=postgres", *options, name]
    return subprocess.run(command, check=True, capture_output=True).stdout


def of_tests() -> str:
    """Return where the server of the tests listens."""
    return str(settings.DATABASES["default"]["HOST"])


def schema(var: Path, host: str, name: str) -> list[str]:
    """Return the lines that make a database's tables, triggers and the like."""
    said = dump(var, host, name, "--schema-only", "--no-owner", "--no-privileges", "--no-comments").decode()
    # Those with a backslash hold what is drawn anew for each dump.
    return [line for line in said.splitlines() if not line.startswith("\\")]
