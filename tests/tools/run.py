"""`make test`: linters, types, contracts, checks and all tests, against servers of its own."""

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from io import BufferedRandom
from pathlib import Path
from tempfile import TemporaryFile

from amls.embedded import connect, running
from tests.patience import wait_until
from tests.ports import free_port

ROOT = Path(__file__).resolve().parent.parent.parent
VAR = ROOT / "var" / "test"
PRODUCTION = {
    "SECRET_KEY": "k" * 30 + "Zr8-x2_Qm5!vB7@tY4#wE1$uI6%oP9^",
    "DATABASE_URL": "postgres://nobody@127.0.0.1:1/none",
    "SITE_URL": "https://amls.example.org",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "EMAIL_URL": "smtp+tls://user:secret@mail.example.org:587",
}
PROCESSORS = min(4, max(2, os.cpu_count() or 2))
# Two wait for a browser and for servers for half the time: the others have work for all processors.
WORKERS = PROCESSORS + 2
TESTS = "tests"
Check = tuple[str, list[str], dict[str, str]]
SETTINGS = (*PRODUCTION, "ALLOWED_HOSTS", "DEBUG", "MEDIA_ROOT", "X_ACCEL_REDIRECT_PREFIX")


def main(arguments: list[str]) -> int:
    """Run every step; stop at the first that fails. With arguments: only pytest, with these."""
    os.chdir(ROOT)
    VAR.mkdir(parents=True, exist_ok=True)
    with (VAR / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"Other tests run in {VAR}: wait for them, or stop them.", file=sys.stderr)
            return 1
        return _run(arguments)


def _run(arguments: list[str]) -> int:
    shutil.rmtree(VAR / "pg", ignore_errors=True)
    # Dozens of processes would each compile the whole program, where an image tells Python to keep nothing.
    left_out = (*SETTINGS, "PYTHONDONTWRITEBYTECODE")
    environment = {name: value for name, value in os.environ.items() if name not in left_out}
    environment |= {"AMLS_VAR_DIR": str(VAR), "DEBUG": "0", "DJANGO_ALLOW_ASYNC_UNSAFE": "1", "TEST_SERVER_IS_NEW": "1"}
    # No worker waits for what another has looked into.
    environment["CHECKS_AT_ONCE"] = str(2 * WORKERS)
    with ExitStack() as stack:
        stack.enter_context(_postgres())
        environment["TEST_REDIS_URL"] = _redis(stack)
        _node_packages(environment)
        pytest = [sys.executable, "-m", "pytest"]
        if arguments:
            return subprocess.run([*pytest, *arguments], env=environment, check=False).returncode
        # What is quick to fail comes before the tests, what takes long beside them: no processor waits for another.
        return _beside(_quick_checks(), environment) or _beside(
            [(TESTS, [*pytest, "-n", str(WORKERS), "--dist", "loadgroup"], {}), *_slow_checks()], environment
        )


def _beside(checks: list[Check], environment: dict[str, str]) -> int:
    """Run as many at once as there are processors; show what a failed one has said. Return the first bad exit code."""
    waiting = list(checks)
    running: list[tuple[str, subprocess.Popen[bytes], BufferedRandom]] = []
    with ExitStack() as stack:
        while waiting or running:
            while waiting and len(running) < PROCESSORS:
                name, command, extra = waiting.pop(0)
                said = stack.enter_context(TemporaryFile())
                # Tests say how far they are.
                heard = None if name == TESTS else said
                process = subprocess.Popen(command, env={**environment, **extra}, stdout=heard, stderr=heard)
                stack.callback(process.wait)
                # As by Ctrl+C: tests stop the servers that they started.
                stack.callback(process.send_signal, signal.SIGINT)
                running.append((name, process, said))
                if heard is None:
                    print(f"── {name}", flush=True)
            for run in [run for run in running if run[1].poll() is not None]:
                running.remove(run)
                name, process, said = run
                if name != TESTS:
                    print(f"── {name}", flush=True)
                if process.returncode:
                    said.seek(0)
                    print(said.read().decode(), end="", flush=True)
                    print(f"{name} failed with exit code {process.returncode}.", file=sys.stderr)
                    return process.returncode
            time.sleep(0.05)
    return 0


def _quick_checks() -> list[Check]:
    """Return each check's name, command and more of the environment: first of all what every test needs."""
    python, tools = sys.executable, Path(sys.executable).parent
    manage = [python, "manage.py"]
    return [
        ("database of the tests", [python, "-m", "tests.tools.template"], {}),
        ("ruff", [str(tools / "ruff"), "check", "."], {}),
        ("format", [str(tools / "ruff"), "format", "--check", "."], {}),
        ("scripts and styles", [str(VAR / "node_modules" / ".bin" / "biome"), "lint", "--error-on-warnings"], {}),
        ("import contracts", [str(tools / "lint-imports")], {}),
        # Each worker would compile all of them for itself at the same time.
        ("collection of the tests", [python, "-m", "pytest", "--collect-only", "-qqq"], {}),
        ("migrations", [*manage, "makemigrations", "--check", "--dry-run"], {}),
        ("system check", [*manage, "check", "--fail-level", "WARNING"], {}),
        (
            "deployment check",
            [python, "-m", "django", "check", "--deploy", "--fail-level", "WARNING"],
            {**PRODUCTION, "DJANGO_SETTINGS_MODULE": "amls.settings", "DJANGO_ALLOW_ASYNC_UNSAFE": ""},
        ),
        ("templates", [str(tools / "djlint"), "--lint", "--quiet", "templates"], {}),
    ]


def _slow_checks() -> list[Check]:
    """Return those that take long, and so run beside the tests."""
    python, tools = sys.executable, Path(sys.executable).parent
    return [
        ("types", [str(tools / "mypy"), "."], {}),
        ("languages", [python, "-m", "tests.tools.messages", "--check"], {}),
    ]


def _postgres() -> ExitStack:
    """Start the embedded server of the tests, quick rather than safe, with room for races."""
    with running(VAR) as host, connect(str(host)) as connection:
        for setting in ("fsync = off", "full_page_writes = off", "synchronous_commit = off", "max_connections = 400"):
            connection.execute(f"ALTER SYSTEM SET {setting}")
    stack = ExitStack()
    stack.enter_context(running(VAR))
    return stack


def _redis(stack: ExitStack) -> str:
    port = free_port()
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=VAR)
    stack.callback(server.wait)
    stack.callback(server.terminate)

    def answers() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    wait_until(answers, said=lambda: f"Redis does not start: exit code {server.poll()}.")
    return f"redis://127.0.0.1:{port}/0"


def _node_packages(environment: dict[str, str]) -> None:
    """Install the pinned packages that tests run in Node.js or in the browser."""
    stamp, wanted = VAR / "npm.stamp", (ROOT / "tests" / "package.json").read_text()
    if stamp.exists() and stamp.read_text() == wanted:
        return
    shutil.copy(ROOT / "tests" / "package.json", VAR / "package.json")
    command = ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--silent"]
    subprocess.run(command, cwd=VAR, env=environment, check=True)
    stamp.write_text(wanted)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
