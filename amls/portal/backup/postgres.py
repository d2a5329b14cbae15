"""PostgreSQL's own tools on this installation's database."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from django.conf import settings
from django.db import connection

# What an address may say beside host and name, and how the tools are told (PostgreSQL, 34.15 Environment Variables).
_OPTIONS = {
    "sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT", "sslcert": "PGSSLCERT", "sslkey": "PGSSLKEY",
    "service": "PGSERVICE", "passfile": "PGPASSFILE", "connect_timeout": "PGCONNECT_TIMEOUT",
}  # fmt: skip
_SHOWN = 2000


class BackupError(Exception):
    """A backup can't be made, restored or verified; the message says why and what to do."""


@contextmanager
def cleaned_up_when_stopped() -> Iterator[None]:
    """Have SIGTERM, by which systemd stops a unit, end the block like an error: what is half done is taken away then."""
    before = signal.signal(signal.SIGTERM, _exit)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _exit(number: int, _frame: Any) -> None:
    # As a shell says it of a process that a signal has ended.
    sys.exit(128 + number)


def run_tool(name: str, arguments: Sequence[str | Path]) -> None:
    """Run `pg_dump` or `pg_restore` on the database of the settings. The password stands in no list of processes.

    Raises:
        BackupError: it is missing, older than the server, or fails.
    """
    command = [_tool(name), "--dbname", str(connection.settings_dict["NAME"]), *map(str, arguments)]
    done = subprocess.run(command, env=_environment(), capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise BackupError(f"{name} failed: {done.stderr[-_SHOWN:].strip()}")


def _tool(name: str) -> str:
    connection.ensure_connection()
    server = connection.connection.info.server_version // 10000
    # Debian has each version in a folder of its own.
    places = [_embedded_tools()] if settings.IS_DATABASE_EMBEDDED else [Path(f"/usr/lib/postgresql/{server}/bin")]
    path = next((str(place / name) for place in places if (place / name).exists()), None) or shutil.which(name)
    if path is None:
        raise BackupError(f"There is no {name}: install postgresql-client-{server}.")
    said = subprocess.run([path, "--version"], capture_output=True, text=True, check=True).stdout  # noqa: S603
    version = re.search(r"(\d+)", said)
    if version is None or int(version[1]) < server:
        raise BackupError(
            f"{said.strip()} is older than the server, PostgreSQL {server}: install postgresql-client-{server}."
        )
    return path


def _embedded_tools() -> Path:
    """Return where the tools of the running embedded server are: it is of a version of its own."""
    pid = int((settings.VAR_DIR / "pg" / "postmaster.pid").read_text().splitlines()[0])
    return Path(psutil.Process(pid).exe()).parent


def _environment() -> dict[str, str]:
    at = connection.settings_dict
    said = {"PGHOST": at["HOST"], "PGPORT": at["PORT"], "PGUSER": at["USER"], "PGPASSWORD": at["PASSWORD"]}
    said |= {_OPTIONS[name]: value for name, value in at.get("OPTIONS", {}).items() if name in _OPTIONS}
    return {**os.environ, **{name: str(value) for name, value in said.items() if value}}
