"""A backup restored elsewhere is equal in rows, files, receipts and feeds, and mails nobody again; nothing is half done."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import psycopg
import pytest
from django.conf import settings
from psycopg import sql

from tests.patience import SECONDS, wait_until
from tests.tools import template
from tests.tools.run import PRODUCTION

_FILL = """
import uuid
import django
django.setup()
from datetime import timedelta
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from amls.agenda.feeds import personal_feed_url
from amls.agenda.models import AgendaItem
from amls.agenda.services import reconcile
from amls.courses.models import Enrolment
from amls.mail.outbox import notify
from lectures.services.materials import upload_for_lecture
from projects.services.handin import hand_in
from projects.services.registration import register_project
from tests.cast import make_cast
from tests.factories import AssignmentFactory, LectureFactory, TopicFactory
now = timezone.now()
cast = make_cast()
lecture = LectureFactory.create(course=cast.course, number="05", title="Größe und Form")
upload = SimpleUploadedFile("05.vtt", b"WEBVTT\\n\\n00:00.000 --> 00:01.000\\nHello\\n")
upload_for_lecture(lecture=lecture, kind="captions", upload=upload, by=None, now=now)
AssignmentFactory.create(course=cast.course, due_at=now + timedelta(hours=20))
project = register_project(enrolment=cast.student, topic=TopicFactory.create(course=cast.course), now=now)
hand_in(project=project, by=cast.student, uploads=[SimpleUploadedFile("work.ipynb", b'{"nbformat": 4}')],
        request_key=uuid.uuid4(), began_at=now, now=now)
Enrolment.objects.update(created_at=now - timedelta(days=99))
reconcile(cast.course, now=now)
personal_feed_url(cast.student)
notify(key="told", kind="portal.strays", now=now, recipient=cast.admin, references={"missing": 1, "unnamed": 0})
"""
_SERVE = """
import django
django.setup()
from django.test import Client
from amls.agenda.feeds import personal_feed_url
from projects.models import Submission
from projects.receipts import receipt_code
client = Client(headers={"host": "amls.example.org", "x-forwarded-proto": "https"})
attempt = Submission.objects.get()
feed = client.get(personal_feed_url(attempt.submitted_by).removeprefix("https://amls.example.org"))
print(feed.status_code, feed["ETag"], client.get("/amls/calendar.ics")["ETag"], receipt_code(attempt.pk))
"""
_WORK = """
import django
django.setup()
from amls.mail.tasks import deliver, sweep
print(sweep(), deliver())
"""
# Commands as they are given, one in each argument, in one process for all: what each says, in a line of its own.
_COMMANDS = """
import shlex
import sys
import django
django.setup()
from django.core.management import CommandError, call_command
for given in sys.argv[1:]:
    try:
        call_command(*shlex.split(given), verbosity=0)
    except CommandError as error:
        print(" ".join(str(error).split()))
"""
KEY = PRODUCTION["SECRET_KEY"]
_EQUAL = "Equal: all rows, all files, all receipts and feeds."


def tools() -> str:
    """Where the tests' server has PostgreSQL's programs of its own version."""
    pid = int((settings.VAR_DIR / "pg" / "postmaster.pid").read_text().splitlines()[0])
    return str(Path(psutil.Process(pid).exe()).parent)


class Site:
    """An installation on the tests' server, with a database and a folder of its own."""

    def __init__(self, folder: Path, name: str, *, copied: bool) -> None:
        self.folder, self.name = folder, name
        folder.mkdir()
        self.sql(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template.NAME))
            if copied
            else sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
        )

    def sql(self, statement: sql.Composed, database: str = "postgres") -> None:
        server = settings.DATABASES["default"]
        with psycopg.connect(host=server["HOST"], user=server["USER"], dbname=database, autocommit=True) as connection:
            connection.execute(statement)

    def start(self, *command: str, **more: str) -> "subprocess.Popen[str]":
        server = settings.DATABASES["default"]
        url = f"postgres://{server['USER']}:@/{server['HOST']}/{self.name}"
        environment = {
            **os.environ, **PRODUCTION, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "amls.settings", "REDIS_URL": "",
            "AMLS_VAR_DIR": str(self.folder), "EMAIL_URL": f"filemail://{self.folder}/mail",
            "PATH": f"{tools()}:{os.environ['PATH']}", **more,
        }  # fmt: skip
        return subprocess.Popen(
            [sys.executable, *command], cwd=settings.BASE_DIR, env=environment, text=True, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )  # fmt: skip

    def run(self, *command: str, **more: str) -> subprocess.CompletedProcess[str]:
        with self.start(*command, **more) as process:
            said = process.communicate()
        return subprocess.CompletedProcess(command, process.returncode, *said)

    def do(self, *command: str, **more: str) -> str:
        done = self.run(*command, **more)
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    def mails(self) -> int:
        return sum(path.read_text().count("Message-ID:") for path in (self.folder / "mail").glob("*"))


def broken_copy(backup: Path, name: str, content: str | None) -> Path:
    """Return a copy of a backup in which one file holds this, or is missing."""
    copy = backup.with_name(f"{name}-{len(list(backup.parent.iterdir()))}")
    shutil.copytree(backup, copy)
    (copy / name).unlink()
    if content is not None:
        (copy / name).write_text(content)
    return copy


@pytest.fixture
def folder(var: Path) -> Iterator[Path]:
    """A place for installations, and the end of their databases."""
    template.ensure()
    yield var
    server = settings.DATABASES["default"]
    with psycopg.connect(host=server["HOST"], user=server["USER"], dbname="postgres", autocommit=True) as connection:
        for name in (f"backup_old_{os.getpid()}", f"backup_new_{os.getpid()}"):
            statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
            connection.execute(statement)


@pytest.mark.skipif("TEST_SERVER_IS_NEW" not in os.environ, reason="needs the tests' own server")
def test_a_backup_is_restored_as_it_was_and_mails_nobody_again(folder: Path) -> None:
    old = Site(folder / "old", f"backup_old_{os.getpid()}", copied=True)
    backup = folder / "backup"
    said = old.do("-c", f"{_FILL}{_COMMANDS}", f"backup {backup}", f"verify {backup}")
    assert "2 files. It holds the key" in said
    assert _EQUAL in said
    assert [path.stat().st_mode & 0o077 for path in (backup, backup / "keys.json")] == [0, 0]
    # After the backup the old one mails what is due, and is lost.
    *before, refused, worked = old.do("-c", f"{_SERVE}{_COMMANDS}{_WORK}", f"restore {backup}").splitlines()
    planned, sent = worked.split()
    assert (int(planned) > 0, int(sent) > 0, old.mails() > 0) == (True, True, True)
    assert before[0].startswith("200 ")
    assert "The database is not empty" in refused
    now = datetime.now(UTC).isoformat()

    # What does not fit is refused before anything is written.
    new = Site(folder / "new", f"backup_new_{os.getpid()}", copied=False)
    refused = new.run("manage.py", "restore", str(backup), SECRET_KEY=KEY[::-1]).stderr
    assert "SECRET_KEY is another one than the backup's: set it to what stands in" in refused
    (new.folder / "media").mkdir()
    (new.folder / "media" / "photo.jpg").write_bytes(b"x")
    assert "media is not empty (1 files)" in new.run("manage.py", "restore", str(backup)).stderr
    shutil.rmtree(new.folder / "media")
    name = next(iter(json.loads((backup / "manifest.json").read_text())["media"]))
    damaged = folder / "damaged"
    shutil.copytree(backup, damaged)
    (damaged / "media" / name).write_bytes((backup / "media" / name).read_bytes() + b"?")
    broken: dict[str, list[str | None]] = {
        "keys.json": [None, "{", "[]", '{"SECRET_KEY": 1, "SECRET_KEY_FALLBACKS": []}'],
        "manifest.json": ["[]", '{"format": 1}', '{"format": 1, "made_at": "", "media": {}, "database": []}'],
    }
    copies = [broken_copy(backup, name, content) for name, contents in broken.items() for content in contents]
    of_damaged, of_another, *of_broken = new.do(
        "-c", _COMMANDS, f"restore {damaged}", f"restore {folder}", *(f"restore {copy}" for copy in copies)
    ).splitlines()
    assert "is damaged: take another backup. Nothing was restored." in of_damaged
    assert "is no backup that was finished" in of_another
    assert [("damaged: take another backup." in said, "is no backup: " in said) for said in of_broken] == [
        *[(True, False)] * 4,
        (False, True),
        *[(True, False)] * 2,
    ]
    assert [path for path in (new.folder / "media").rglob("*") if path.is_file()] == []
    assert "The database is empty: restore the backup first" in new.do("-c", _COMMANDS, f"verify {backup}")

    new.do("manage.py", "restore", str(backup))
    # Nothing leaves until it is said what had been sent, and then nothing of that.
    said = new.do("-c", f"{_COMMANDS}{_SERVE}{_WORK}", f"verify {backup}")
    assert _EQUAL in said
    assert (said.splitlines()[-2:], new.mails()) == ([*before, "0 0"], 0)
    # A key that was replaced counts. Where one that counted in the backup is gone, what it signed is not valid.
    assert _EQUAL in new.do("-c", _COMMANDS, f"verify {backup}", SECRET_KEY=KEY[::-1], SECRET_KEY_FALLBACKS=KEY)
    keys = json.dumps({"SECRET_KEY": KEY, "SECRET_KEY_FALLBACKS": [KEY[::-1]]})
    rotated = broken_copy(backup, "keys.json", keys)
    of_keys, refused = new.do("-c", _COMMANDS, f"verify {rotated}", f"restore {rotated}").splitlines()[-2:]
    assert ("1 differences." in of_keys, "SECRET_KEY_FALLBACKS lacks 1 of the backup's" in refused) == (True, True)
    # What differs is said.
    (new.folder / "media" / name).unlink()
    made_at = datetime.fromisoformat(json.loads((backup / "manifest.json").read_text())["made_at"])
    day, local, early, future, released, again, *differs, worked = new.do(
        "-c", f"{_COMMANDS}{_WORK}", f"release_mail --lost-at {now[:10]}", f"release_mail --lost-at {now[:19]}",
        f"release_mail --lost-at {(made_at - timedelta(seconds=1)).isoformat()}",
        "release_mail --lost-at 2999-01-01T00:00+00:00", f"release_mail --lost-at {now}",
        "release_mail --nothing-was-sent", f"verify {backup}",
    ).splitlines()  # fmt: skip
    assert ["write day, time and zone" in said for said in (day, local)] == [True, True]
    assert "is before the backup" in early
    assert "is still to come" in future
    assert f"{sent} that had been sent before are not sent again" in released
    assert "No mail is held back." in again
    assert f"file {name} is missing" in "\n".join(differs)
    assert (worked.split(), new.mails()) == (["0", "0"], 0)


@pytest.mark.skipif("TEST_SERVER_IS_NEW" not in os.environ, reason="needs the tests' own server")
def test_a_target_that_fills_up_or_is_there_leaves_nothing(folder: Path) -> None:
    site = Site(folder / "old", f"backup_old_{os.getpid()}", copied=True)
    (site.folder / "media" / "lectures").mkdir(parents=True)
    (site.folder / "media" / "lectures" / "05.mp4").write_bytes(b"x" * 300_000)
    script = "import resource, signal, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)); signal.signal(signal.SIGXFSZ, signal.SIG_IGN); sys.argv = ['manage.py', 'backup', sys.argv[1]]; import runpy; runpy.run_path('manage.py', run_name='__main__')"
    full = site.run("-c", script, str(folder / "backup"))
    assert "The backup could not be written to" in full.stderr
    assert "Nothing was left there." in full.stderr
    (folder / "taken").mkdir()
    assert "is there already" in site.run("manage.py", "backup", str(folder / "taken")).stderr
    assert sorted(path.name for path in folder.iterdir()) == ["old", "taken"]


@pytest.mark.skipif("TEST_SERVER_IS_NEW" not in os.environ, reason="needs the tests' own server")
def test_a_backup_that_is_stopped_leaves_nothing(folder: Path) -> None:
    site = Site(folder / "old", f"backup_old_{os.getpid()}", copied=True)
    media = site.folder / "media"
    media.mkdir()
    # Where it waits until it is stopped: nobody writes into this file.
    os.mkfifo(media / "endless")
    backup = site.start("manage.py", "backup", str(folder / "backup"))
    wait_until((folder / "backup.partial" / "media").exists)
    backup.terminate()
    said = backup.communicate(timeout=SECONDS)
    assert (backup.returncode, said) == (128 + signal.SIGTERM, ("", ""))
    assert [path.name for path in folder.iterdir()] == ["old"]


@pytest.mark.skipif("TEST_SERVER_IS_NEW" not in os.environ, reason="needs the tests' own server")
def test_two_migrations_started_at_once_are_done_once(folder: Path) -> None:
    site = Site(folder / "old", f"backup_old_{os.getpid()}", copied=True)
    for statement in (
        "DROP TABLE held_heldact",
        "DELETE FROM django_migrations WHERE app = 'held'",
    ):
        site.sql(sql.SQL(statement).format(), site.name)
    hold = "import django; django.setup(); from django.db import connection; from amls.core.management.commands.migrate import _LOCK; c = connection.cursor(); c.execute('SELECT pg_advisory_lock(%s)', [_LOCK]); import sys; print('held', flush=True); sys.stdin.readline()"
    server = settings.DATABASES["default"]
    environment = {
        **os.environ, **PRODUCTION, "DATABASE_URL": f"postgres://{server['USER']}:@/{server['HOST']}/backup_old_{os.getpid()}",
        "DJANGO_SETTINGS_MODULE": "amls.settings", "REDIS_URL": "", "AMLS_VAR_DIR": str(site.folder),
    }  # fmt: skip

    def start(*command: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, *command], cwd=settings.BASE_DIR, env=environment, text=True, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    holder = start("-c", hold)
    assert holder.stdout is not None
    while holder.stdout.readline().strip() != "held":
        pass
    both = [start("manage.py", "migrate", "--no-input") for _each in range(2)]
    for process in both:
        assert process.stdout is not None
        while "Another migration runs: waiting for it." not in process.stdout.readline():
            pass
    holder.communicate("go on\n")
    said = [process.communicate()[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert sum("Applying held.0001" in text for text in said) == 1
    assert sum("No migrations to apply" in text for text in said) == 1
