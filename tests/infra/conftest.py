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
        server = psutil.Process(int((var / "pg" / "postmaster.pid").read_text().splitlines()[0]))
        tools, user = Path(server.exe()).parent, "--username=postgres"
        there = f"--host={settings.DATABASES['default']['HOST']}"
        dump = subprocess.run([tools / "pg_dump", there, user, name], check=True, capture_output=True)
        load = [tools / "psql", f"--host={host}", user, "--quiet", "--set=ON_ERROR_STOP=1", "--output=/dev/null"]
        subprocess.run(load, input=dump.stdout, check=True)
