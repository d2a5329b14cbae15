"""`manage.py serve` and the embedded PostgreSQL, as real processes."""

import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from contextlib import suppress
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from urllib.parse import urljoin

import psutil
import pytest
from django.conf import settings
from django.core.management import CommandError

from amls.embedded import EmbeddedServerError, connect, kept_secret, known_port, running, served_port, socket_dir
from amls.portal.management.commands.serve import wait_until_ready
from tests.infra.conftest import of_tests, schema
from tests.patience import SECONDS, wait_until
from tests.ports import free_port
from tests.tools import template

pytestmark = pytest.mark.xdist_group("serve")
PRODUCTION = ("SECRET_KEY", "DATABASE_URL", "SITE_URL")


def environment(**extra: str) -> dict[str, str]:
    unset = (*PRODUCTION, "REDIS_URL", "AMLS_VAR_DIR", "DJANGO_ALLOW_ASYNC_UNSAFE")
    return {**{name: value for name, value in os.environ.items() if name not in unset}, **extra}


class Served:
    """A running `serve`, with what it said so far."""

    def __init__(self, var: Path, port: int, *more: str) -> None:
        self.log = var / "serve.log"
        command = [sys.executable, "manage.py", "serve", "--port", str(port), "--no-demo", "--workers", "1", *more]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                command, cwd=settings.BASE_DIR, env=environment(AMLS_VAR_DIR=str(var)), stdout=log, stderr=log
            )
        self.port = port

    def wait_for(self, words: str) -> None:
        # Migrating from nothing takes a while on a processor that others use too.
        wait_until(lambda: self._has_said(words), said=self.log.read_text, seconds=4 * SECONDS)

    def _has_said(self, words: str) -> bool:
        has_ended = self.process.poll() is not None
        is_said = words in self.log.read_text()
        assert is_said or not has_ended, self.log.read_text()
        return is_said

    def get(self, path: str) -> int:
        return self.read(path)[0]

    def read(self, path: str) -> tuple[int, str]:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=SECONDS) as answer:
            return int(answer.status), answer.read().decode("utf-8", "replace")

    def is_ready(self) -> bool:
        with suppress(OSError):
            return self.get("/readyz") == 200
        return False

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(SECONDS)


def postgres_of(var: Path) -> int:
    return int((var / "pg" / "postmaster.pid").read_text().splitlines()[0])


def static_files(served: Served, *paths: str) -> set[str]:
    """Return the styles, scripts and pictures of pages, and the fonts of their styles: all of them are there."""
    named = {file for path in paths for file in re.findall(r'"(/static/[^"]+)"', served.read(path)[1])}
    for style in [file for file in named if file.endswith(".css")]:
        named |= {urljoin(style, file) for file in re.findall(r'url\("?(?!data:)([^)"#?]+)', served.read(style)[1])}
    assert {served.get(file) for file in named} == {200}
    return named


# What the running workers leave alone, as it is for the day after tomorrow.
_MAIL = """
from datetime import timedelta
from django.core.management import call_command
from django.utils import timezone
from amls.courses.models import Course, RosterEntry
from amls.mail.outbox import notify
now = timezone.now()
course = Course.objects.create(slug='links', title='Größe', term='SS2026')
entry = RosterEntry.objects.create(course=course, email='lukasz@example.org')
notify(key='x', kind='portal.invited', now=now, address=entry.email, references={'entry': entry.pk}, not_before=now + timedelta(days=2))
call_command('send_reminders', now=(now + timedelta(days=3)).isoformat())
"""


def mailed_beside(var: Path) -> str:
    """Return the mail that a command sends while another process serves."""
    subprocess.run(
        [sys.executable, "manage.py", "shell", "-v", "0", "-c", _MAIL], cwd=settings.BASE_DIR, check=True,
        env=environment(AMLS_VAR_DIR=str(var)),
    )  # fmt: skip
    (mail,) = (var / "mail").iterdir()
    message = message_from_bytes(mail.read_bytes(), policy=default)
    body = message.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def test_serve_starts_stops_and_recovers(var: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    first = Served(var, port)
    first.wait_for("AMLS is ready")
    # Each process that makes PDFs has unpacked the fonts.
    wait_until(lambda: any(temporary.glob("amls-*/*/weasyprint-*/*")), said=first.log.read_text)
    assert (first.get("/healthz"), first.get("/readyz"), first.get("/")) == (200, 200, 200)
    # Those without a hash in their names are not collected.
    assert len(static_files(first, "/", "/admin/login/")) > 10
    with template.to_read() as upgraded:
        # Migrated from nothing it is what an installation of the newest release becomes.
        assert upgraded is None or schema(var, socket_dir(var), "postgres") == schema(var, of_tests(), upgraded)
    assert f"http://localhost:{port}/" in mailed_beside(var)
    below, postgres = first.children(), postgres_of(var)
    assert len(below) >= 3
    assert first.stop() == 0
    assert psutil.wait_procs(below, timeout=SECONDS)[1] == []
    assert not psutil.pid_exists(postgres)
    # Whatever is started and stopped for years leaves no temporary files.
    assert sorted(path.name for path in temporary.iterdir()) == []
    # Again: its data are there, and a killed database comes back while it runs.
    second = Served(var, port)
    second.wait_for("AMLS is ready")
    os.kill(postgres_of(var), signal.SIGKILL)
    second.wait_for("was started again")
    wait_until(second.is_ready, said=second.log.read_text)
    # A child that dies ends it, and nothing is left.
    web = next(child for child in second.children() if "amls.web" in " ".join(child.cmdline()))
    below = second.children()
    web.kill()
    assert second.process.wait(SECONDS) == 1
    assert "The web server ended" in second.log.read_text()
    assert psutil.wait_procs(below, timeout=SECONDS)[1] == []
    # Nor does one that was killed leave any.
    assert sorted(path.name for path in temporary.iterdir()) == []


def open_to_others(var: Path) -> list[str]:
    """Return what of an installation other users of the machine may read; the database's folders are its own."""
    ours = [path for path in var.iterdir() if path.name not in ("pg", "run", "serve.log", "libpango-1.0.so.0")]
    below = [path for folder in ours if folder.is_dir() for path in folder.rglob("*")]
    return sorted(str(path.relative_to(var)) for path in [*ours, *below] if path.lstat().st_mode & 0o077)


@pytest.mark.usefixtures("migrated")
def test_without_the_libraries_of_pdfs_it_stops_before_the_start_unless_told_to_go_on(
    var: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (var / "libpango-1.0.so.0").write_text("no library")
    monkeypatch.setenv("LD_LIBRARY_PATH", str(var))
    served = Served(var, free_port())
    assert served.process.wait(SECONDS) == 1
    said = served.log.read_text()
    assert "sh deploy/system_packages.sh run" in said
    assert "AMLS_WITHOUT_PDF=1" in said
    assert "PostgreSQL" not in said
    # And with a mail server, whose address has no folder to name.
    for name in ("mail", "media"):
        (var / name).mkdir(mode=0o755)
    monkeypatch.setenv("AMLS_WITHOUT_PDF", "1")
    monkeypatch.setenv("EMAIL_URL", "smtp://mail.example.org")
    served = Served(var, free_port())
    served.wait_for("Ctrl-C stops all of it.")
    assert "Mail leaves through mail.example.org:25" in served.log.read_text()
    assert "PDFs" not in served.log.read_text()
    assert served.get("/readyz") == 200
    assert open_to_others(var) == []
    assert served.stop() == 0


@pytest.mark.usefixtures("migrated")
def test_accounts_with_a_known_password_are_not_served_to_the_network(var: Path) -> None:
    script = (
        "import django; django.setup(); from amls.courses.models import User; from django.conf import settings\n"
        "User.objects.create_user('student7@example.org', settings.DEMO_PASSWORD)"
    )
    with running(var):
        subprocess.run(
            [sys.executable, "-c", script], cwd=settings.BASE_DIR, check=True,
            env=environment(AMLS_VAR_DIR=str(var), DJANGO_SETTINGS_MODULE="amls.settings"),
        )  # fmt: skip
    served = Served(var, free_port(), "--host", "0.0.0.0")
    assert served.process.wait(SECONDS) == 1
    said = served.log.read_text()
    assert "student7@example.org is a demo account, whose password everyone knows" in said
    assert "--no-demo" in said


def started(script: str) -> dict[str, "subprocess.Popen[bytes]"]:
    return {"web server": subprocess.Popen([sys.executable, "-c", script])}


def test_a_server_that_is_slow_to_begin_is_waited_for_while_it_works() -> None:
    port = free_port()
    script = (
        "import http.server, time\n"
        "while time.process_time() < 3: pass\n"
        "class Ready(http.server.BaseHTTPRequestHandler):\n"
        "    def do_GET(self): self.send_response(200); self.end_headers()\n"
        "    def log_message(self, *args): pass\n"
        f"http.server.HTTPServer(('127.0.0.1', {port}), Ready).serve_forever()\n"
    )
    children = started(script)
    try:
        wait_until_ready(f"http://127.0.0.1:{port}/readyz", children, patience=2)
    finally:
        children["web server"].kill()
        children["web server"].wait()


@pytest.mark.parametrize("kind", ["idle", "wrong"])
def test_a_server_that_gets_nowhere_is_given_up_with_what_it_said(kind: str) -> None:
    port = free_port()
    script = "import time; time.sleep(600)"
    if kind == "wrong":
        script = (
            "import http.server\n"
            "class Wrong(http.server.BaseHTTPRequestHandler):\n"
            "    def do_GET(self): self.send_response(503); self.end_headers(); self.wfile.write(b'broker: no answer')\n"
            "    def log_message(self, *args): pass\n"
            f"http.server.HTTPServer(('127.0.0.1', {port}), Wrong).serve_forever()\n"
        )
    children = started(script)
    try:
        with pytest.raises(CommandError, match="broker: no answer" if kind == "wrong" else "refused"):
            wait_until_ready(f"http://127.0.0.1:{port}/readyz", children, patience=2)
    finally:
        children["web server"].kill()
        children["web server"].wait()


@pytest.mark.usefixtures("migrated")
def test_a_taken_port_is_said(var: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        served = Served(var, other.getsockname()[1])
        assert served.process.wait(SECONDS) == 1
    assert "Is the port in use?" in served.log.read_text()


def test_a_stale_pid_of_somebody_else_does_not_hinder(var: Path) -> None:
    with running(var) as host, connect(str(host)) as connection:
        connection.execute("CREATE TABLE kept (id int)")
        pid_file = (var / "pg" / "postmaster.pid").read_text()
        server = psutil.Process(postgres_of(var))
        processes = [server, *server.children(recursive=True)]
        server.kill()
        assert psutil.wait_procs(processes, timeout=SECONDS)[1] == []
    # The number now belongs to this very process, as after a restart of the machine.
    (var / "pg" / "postmaster.pid").write_text("\n".join([str(os.getpid()), *pid_file.splitlines()[1:]]))
    with running(var) as host, connect(str(host)) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)


def test_three_starters_at_once_share_one_server_and_the_last_stops_it(var: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from amls.embedded import running, connect\n"
        "with running(Path(sys.argv[1])) as host, connect(str(host)):\n"
        "    print((Path(sys.argv[1]) / 'pg' / 'postmaster.pid').read_text().split()[0], flush=True)\n"
        "    sys.stdin.read()"
    )
    starters = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(var)], cwd=settings.BASE_DIR, env=environment(), text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )
        for _each in range(3)
    ]  # fmt: skip
    # Each stays until all of them are there.
    pids = {starter.stdout.readline().strip() for starter in starters}
    assert [starter.communicate()[0] for starter in starters] == [""] * 3
    assert [starter.returncode for starter in starters] == [0] * 3
    assert len(pids) == 1
    assert not psutil.pid_exists(int(pids.pop()))


def test_only_who_serves_is_believed_where_the_site_is(tmp_path: Path) -> None:
    assert served_port(tmp_path) is None
    with known_port(tmp_path, 8123):
        assert served_port(tmp_path) == 8123
        assert (tmp_path / "serve.port").stat().st_mode & 0o077 == 0
    # As one that was killed leaves it.
    assert (tmp_path / "serve.port").read_text() == "8123\n"
    assert served_port(tmp_path) is None


def test_the_kept_secret_is_drawn_once(tmp_path: Path) -> None:
    secret = kept_secret(tmp_path)
    assert len(secret) > 50
    assert kept_secret(tmp_path) == secret
    assert (tmp_path / "secret-key").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("given", [("SECRET_KEY",), ("DATABASE_URL", "SITE_URL"), ("SITE_URL", "SECRET_KEY")])
def test_a_start_without_a_needed_setting_names_it(given: tuple[str, ...]) -> None:
    values = {
        "SECRET_KEY": "x",
        "DATABASE_URL": "postgres://nobody@127.0.0.1:1/none",
        "SITE_URL": "https://amls.example.org",
    }
    extra = {name: values[name] for name in given}
    done = subprocess.run(
        [sys.executable, "-m", "django", "check"], cwd=settings.BASE_DIR, check=False, capture_output=True, text=True,
        env=environment(**extra, DJANGO_SETTINGS_MODULE="amls.settings"),
    )  # fmt: skip
    assert done.returncode != 0
    missing = [name for name in PRODUCTION if name not in given]
    assert f"Set {' and '.join(missing)} in the environment" in done.stderr


@pytest.mark.usefixtures("migrated")
def test_a_port_is_never_shared_with_another_installation(var: Path) -> None:
    # As a second AMLS would hold it: the kernel lets several listen, and each gets some of the requests.
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        served = Served(var, other.getsockname()[1])
        assert served.process.wait(SECONDS) == 1
    assert "Is the port in use?" in served.log.read_text()


@pytest.mark.parametrize("port", ["80x", "0", "65536", "-1", "8000.0"])
def test_what_is_no_port_is_refused_in_a_sentence(port: str) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "serve"], cwd=settings.BASE_DIR, check=False, capture_output=True, text=True,
        env=environment(PORT=port),
    )  # fmt: skip
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert f"'{port}' is no port: choose one from 1 to 65535" in done.stderr


@pytest.mark.parametrize("name", ["with space", "it's", "a$b", "(1)"])
def test_a_path_that_the_embedded_server_can_t_start_in_is_refused_at_once(tmp_path: Path, name: str) -> None:
    with pytest.raises(EmbeddedServerError, match="because of the"), running(tmp_path / name):
        pytest.fail("It runs.")


def test_a_folder_that_a_shell_leaves_alone_has_a_server(var: Path) -> None:
    with running(var / "Größe_1.0-@b") as host, connect(str(host)) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
