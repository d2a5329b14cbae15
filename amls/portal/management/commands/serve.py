"""Everything in the foreground: database, migrations, web server, worker, beat."""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from argparse import ArgumentParser, ArgumentTypeError
from contextlib import ExitStack, suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

import django
import psutil
from django.apps import apps
from django.conf import settings
from django.core.management import CommandError, call_command
from django.core.management.base import BaseCommand
from django.db import connections

from amls.core.checks import check_pdf_libraries
from amls.core.keyprint import WRONG_KEY, is_key_known
from amls.core.listening import try_port
from amls.core.peers import is_loopback
from amls.core.temporary import use_own_folder
from amls.courses.models import Course, User
from amls.embedded import EmbeddedServerError, known_port, revive, running, socket_dir
from amls.portal.demo.accounts import DEMO_ACCOUNTS, FELLOW_ADDRESSES

# The queues and how many processes serve each.
QUEUES = {"mail": "1", "default": "1", "exports": "2"}
# How long a start may stand still: without an answer and without work, or with the same wrong answer.
_PATIENCE_SECONDS = 60
# What counts as work, in seconds of CPU.
_WORK_SECONDS = 0.05
_STOP_SECONDS = 20
_HIGHEST_PORT = 65535

Child = subprocess.Popen[bytes]

# What no page asks for: of Django's scripts there are short ones, and pages have their own htmx. To pack them takes a third
# of all the time that collecting takes.
_NEEDLESS = ("django_htmx", "jquery.js", "xregexp.js")
# In a checkout Python finds the apps by the folder that it is started in.
_FOLDER = settings.BASE_DIR if settings.IS_CHECKOUT else None
# An upload on a slow line holds a thread from its first byte, and that is when it begins: before a deadline
# more come at once than there are people who read. Idle threads cost next to nothing.
THREADS = 128


def web_server(application: str, *, host: str, port: int, workers: int = 2, threads: int = THREADS) -> list[str]:
    """Return the command that serves `application`."""
    return [
        *(sys.executable, "-m", "amls.web", "--interface", "wsgi", "--host", host, "--port", str(port)),
        *("--workers", str(workers), "--blocking-threads", str(threads)),
        # Headers come soon or not at all; bodies are seen to by amls/core/bodies.py.
        *("--http", "1", "--http1-header-read-timeout", "20000"),
        *("--backlog", "2048", "--no-ws", "--log-level", "error", application),
    ]


# Beside the surroundings, by process.
_EXTRA = {"web server": {"AMLS_DB_POOL": "1"}}


class Command(BaseCommand):
    """`make run`, once the virtual environment stands."""

    help = "Runs everything on this machine: PostgreSQL if DATABASE_URL is unset, web server, worker and beat."
    requires_system_checks: list[str] = []
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the port, and how much to run of each."""
        parser.add_argument("--port", type=_port, default=os.environ.get("PORT") or "8000")
        parser.add_argument("--host", default="127.0.0.1", help="Address to listen on (default: this machine only).")
        parser.add_argument("--workers", type=int, default=2, help="Web processes.")
        parser.add_argument("--threads", type=int, default=THREADS, help="Threads of each web process.")
        parser.add_argument("--no-demo", action="store_true", help="Don't make demo data on the first start.")

    def handle(self, **options: Any) -> None:
        """Start everything, wait, stop everything."""
        # SIGTERM ends like Ctrl-C, so that nothing is left running; and Ctrl-C ends also where a shell
        # started this in the background, with SIGINT ignored.
        signal.signal(signal.SIGTERM, _interrupt)
        signal.signal(signal.SIGINT, _interrupt)
        use_own_folder()
        try:
            _check_port(options["host"], options["port"])
            _check_pdf_libraries()
            with ExitStack() as stack:
                if settings.IS_DATABASE_EMBEDDED:
                    self._say("Starting PostgreSQL …")
                    stack.enter_context(running(settings.VAR_DIR))
                    settings.DATABASES["default"]["HOST"] = socket_dir(settings.VAR_DIR)
                    connections["default"].settings_dict["HOST"] = socket_dir(settings.VAR_DIR)
                is_local = is_loopback(options["host"])
                self._prepare(with_demo=settings.IS_EMBEDDED and is_local and not options["no_demo"])
                if not is_local:
                    _refuse_known_passwords(options["host"])
                    connections.close_all()
                if settings.IS_EMBEDDED:
                    # Links in mail and feeds lead to where this installation really is, whichever command makes them.
                    stack.enter_context(known_port(settings.VAR_DIR, options["port"]))
                self._run(options)
        except EmbeddedServerError as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            self._say("Stopped.")

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()

    def _prepare(self, *, with_demo: bool) -> None:
        for name in ("queue", "queue-control", "mail", "media"):
            (settings.VAR_DIR / name).mkdir(parents=True, exist_ok=True)
            if name != "media" or not settings.X_ACCEL_REDIRECT_PREFIX:
                # Also what an earlier version left open.
                (settings.VAR_DIR / name).chmod(0o700)
        # What the web processes of the last time have counted.
        shutil.rmtree(settings.METRICS_DIR, ignore_errors=True)
        call_command("migrate", verbosity=0, interactive=False)
        call_command("createcachetable", verbosity=0)
        if not is_key_known():
            raise CommandError(WRONG_KEY)
        self._collect_static()
        if with_demo and not Course.objects.exists():
            self._say("Making demo data …")
            call_command("demo", verbosity=0)
        connections.close_all()

    def _collect_static(self) -> None:
        stamp_file = Path(settings.STATIC_ROOT) / ".stamp"
        stamp = _static_stamp()
        if stamp_file.exists() and stamp_file.read_text() == stamp:
            return
        self._say("Collecting static files …")
        call_command("collectstatic", verbosity=0, interactive=False, clear=True, ignore_patterns=list(_NEEDLESS))
        stamp_file.write_text(stamp)

    def _run(self, options: dict[str, Any]) -> None:
        host, port = options["host"], options["port"]
        environment = {**os.environ, "DEBUG": os.environ.get("DEBUG", "0")}
        if settings.IS_EMBEDDED:
            environment["AMLS_PORT"] = str(port)
        # Some machines have no other user than root; whoever runs this in the foreground knows who they are.
        python = [sys.executable, "-W", "ignore:You're running the worker with superuser privileges"]
        background = [*python, "-m", "amls.background"]
        commands = {
            "web server": web_server(
                "amls.wsgi:application", host=host, port=port, workers=options["workers"], threads=options["threads"]
            ),
            # One worker per queue, so that a long export never delays a mail.
            **{
                f"worker of {queue}": [
                    *(*background, "worker", "--queues", queue, "--hostname", f"{queue}@%h", "--concurrency", count),
                    *("--loglevel", "warning", "--without-gossip", "--without-mingle"),
                ]
                for queue, count in QUEUES.items()
            },
            "beat": [*background, "beat", "--loglevel", "warning", "--pidfile", ""],
        }
        children: dict[str, Child] = {}
        try:
            for name, command in commands.items():
                extra = _EXTRA.get(name, {})
                # Own sessions: Ctrl-C reaches this process only, which stops them in order.
                children[name] = subprocess.Popen(  # noqa: S603
                    command, env={**environment, **extra}, cwd=_FOLDER, start_new_session=True
                )
            wait_until_ready(f"http://{host}:{port}/readyz", children)
            self._announce(port)
            while True:
                check_children(children)
                if settings.IS_DATABASE_EMBEDDED and revive(settings.VAR_DIR):
                    self._say("PostgreSQL had ended by itself and was started again.")
                time.sleep(0.5)
        finally:
            _stop(children)

    def _announce(self, port: int) -> None:
        self._say(f"\nAMLS is ready: http://localhost:{port}/")
        if settings.IS_EMBEDDED:
            self._say(f"Demo accounts, all with the password {settings.DEMO_PASSWORD}:")
            for address, who in DEMO_ACCOUNTS.items():
                self._say(f"  {address:24} {who}")
            self._say(_where_mail_goes())
        self._say("Ctrl-C stops all of it.")


def wait_until_ready(address: str, children: dict[str, Child], *, patience: float = _PATIENCE_SECONDS) -> None:
    """Wait until `address` answers 200, for as long as all processes live and get on: a busy machine takes its time.

    Args:
        address: of `/readyz`.
        children: by their names.
        patience: seconds for which it may stand still.

    Raises:
        CommandError: a process ended, nothing moves any more, or the answer stays a wrong one.
    """
    processes = [psutil.Process(child.pid) for child in children.values()]
    worked, said, stands_since = 0.0, "", time.monotonic()
    while True:
        check_children(children)
        try:
            with urllib.request.urlopen(address, timeout=5):  # noqa: S310 - our own http address
                return
        except urllib.error.HTTPError as error:
            # A worker that is still beginning is what it waits for.
            answer = error.read().decode(errors="replace")
        except OSError as error:
            answer = str(error)
        total = sum(_work_of(process) for process in processes)
        is_moving = total > worked + _WORK_SECONDS
        worked = max(worked, total) if is_moving else worked
        if is_moving or answer != said:
            said, stands_since = answer, time.monotonic()
        elif time.monotonic() > stands_since + patience:
            raise CommandError(f"{address} is not ready, and nothing has changed for {patience:.0f} seconds: {said}")
        time.sleep(0.1)


def _work_of(process: psutil.Process) -> float:
    """Return the seconds of CPU that a process and those below it have had."""
    total = 0.0
    with suppress(psutil.NoSuchProcess):
        for running in (process, *process.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                times = running.cpu_times()
                total += times.user + times.system
    return total


def check_children(children: dict[str, Child]) -> None:
    """Raise CommandError if a process has ended."""
    for name, child in children.items():
        if child.poll() is not None:
            raise CommandError(f"The {name} ended with exit code {child.returncode}; what it said stands above.")


def _refuse_known_passwords(host: str) -> None:
    """Raise CommandError if somebody on the network could sign in with the demo's password."""
    demo = User.objects.filter(email__in=[*DEMO_ACCOUNTS, *FELLOW_ADDRESSES])
    email = next((user.email for user in demo if user.check_password(settings.DEMO_PASSWORD)), None)
    if email is not None:
        raise CommandError(
            f"{email} is a demo account, whose password everyone knows, so this site is not served on {host}. "
            "Leave --host out to keep it on this machine; or start a site without demo data in a folder of its own: "
            f"AMLS_VAR_DIR=… manage.py serve --host {host} --no-demo, and manage.py start for the first account."
        )


def _check_pdf_libraries() -> None:
    """Stop before the start where a main job can't be done, unless whoever starts it knows."""
    if settings.WITHOUT_PDF:
        return
    for problem in check_pdf_libraries():
        raise CommandError(f"{problem.msg}\n{problem.hint}\nTo go on without PDFs, set AMLS_WITHOUT_PDF=1.")


def _where_mail_goes() -> str:
    backend = settings.EMAIL_BACKEND.split(".")[-2]
    if backend == "filebased":
        return f"Mail is written to {getattr(settings, 'EMAIL_FILE_PATH', '')}."
    if backend == "smtp":
        return f"Mail leaves through {settings.EMAIL_HOST}:{settings.EMAIL_PORT}, to real addresses."
    return "Mail is printed here." if backend == "console" else "Mail is thrown away, as EMAIL_URL says."


def _port(said: str) -> int:
    # Written in digits, such as 8001.
    if said.isascii() and said.isdecimal() and 1 <= int(said) <= _HIGHEST_PORT:
        return int(said)
    raise ArgumentTypeError(f"'{said}' is no port: choose one from 1 to {_HIGHEST_PORT}, such as PORT=8001.")


def _check_port(host: str, port: int) -> None:
    """Refuse a port that another program listens on."""
    try:
        try_port(host, port)
    except OSError as error:
        raise CommandError(
            f"The web server can't listen on {host}:{port} ({error.strerror}). Is the port in use? "
            "Choose another with PORT=8001."
        ) from error


def _interrupt(_number: int, _frame: Any) -> None:
    raise KeyboardInterrupt


def _stop(children: dict[str, Child]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for child in reversed(children.values()):
        if child.poll() is None:
            child.terminate()
    deadline = time.monotonic() + _STOP_SECONDS
    for child in children.values():
        try:
            child.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        # What a child that was killed left behind: each leads a session of its own.
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)


def _static_stamp() -> str:
    """Return what the collected static files depend on: our own files, and the versions of the apps'."""
    digest = hashlib.sha256(f"{django.__version__}{_NEEDLESS}".encode())
    for config in sorted(apps.get_app_configs(), key=lambda config: config.name):
        digest.update(config.path.encode())
    for name in ("django-unfold", "django-import-export"):
        digest.update(version(name).encode())
    for directory in settings.STATICFILES_DIRS:
        for path in sorted(Path(directory).rglob("*")):
            status = path.stat()
            digest.update(f"{path}{status.st_mtime_ns}{status.st_size}".encode())
    return digest.hexdigest()
