"""`python -m tests.tools.release`: keep what an installation of this version looks like, for the upgrades to come.

Run at a release, in its very commit: `tests/infra/test_upgrade.py` migrates every kept one from then on.
"""

import lzma
import os
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

import psutil

from amls.embedded import running

ROOT = Path(__file__).resolve().parent.parent.parent
KEPT = ROOT / "tests" / "data" / "releases"
# Accounts' sessions and counters are of no use later, and PostgreSQL 16 reads what 18 wrote without this setting.
_LEFT_OUT = ("django_session", "core_spending")
_UNKNOWN_BEFORE_17 = "SET transaction_timeout = 0;\n"


def newest() -> Path:
    """Return the SQL of the newest release."""
    return max(KEPT.glob("*.sql.xz"), key=lambda path: [int(part) for part in path.name.split(".")[:3]])


def keep() -> Path:
    """Write the SQL of a new installation with demo data; return the file, named by the version of pyproject.toml."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    with tempfile.TemporaryDirectory(prefix="amls-", dir="/tmp") as folder:
        var = Path(folder)
        environment = {**os.environ, "AMLS_VAR_DIR": folder, "DEBUG": "0"}
        for command in (["migrate", "--verbosity=0"], ["createcachetable"], ["demo", "--verbosity=0"]):
            subprocess.run([sys.executable, "manage.py", *command], cwd=ROOT, env=environment, check=True)
        with running(var) as host:
            server = psutil.Process(int((var / "pg" / "postmaster.pid").read_text().splitlines()[0]))
            dump = [str(Path(server.exe()).parent / "pg_dump"), f"--host={host}", "--username=postgres", "postgres"]
            dump += ["--no-owner", "--no-privileges", "--no-comments", "--inserts", "--rows-per-insert=200"]
            dump += [f"--exclude-table-data={name}" for name in _LEFT_OUT]
            sql = subprocess.run(dump, check=True, capture_output=True, text=True).stdout
    lines = (line for line in sql.splitlines(keepends=True) if not line.startswith("\\") and line != _UNKNOWN_BEFORE_17)
    path = KEPT / f"{version}.sql.xz"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(lzma.compress("".join(lines).encode(), preset=9))
    return path


if __name__ == "__main__":
    print(keep())
