"""Settings from the environment: what production needs is named, and what it has is safe."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.test import override_settings

from amls.core.checks import check_front_stamp
from amls.core.email_url import email_settings

# Each starts processes of its own.
pytestmark = pytest.mark.real

PRODUCTION = {
    "SECRET_KEY": "an-example-that-is-long-enough-for-every-check-of-django-0123456789",
    "DATABASE_URL": "postgres://amls:secret@db.example.org/amls?sslmode=require",
    "SITE_URL": "https://courses.example.org",
    "EMAIL_URL": "smtp+tls://user:secret@mail.example.org:587",
}


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    unset = {*PRODUCTION, "REDIS_URL", "DJANGO_ALLOW_ASYNC_UNSAFE", "DJANGO_SETTINGS_MODULE", "DEBUG"}
    env = {**{name: value for name, value in os.environ.items() if name not in unset}, **environment}
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=settings.BASE_DIR, env=env, check=False, capture_output=True, text=True)


@pytest.mark.parametrize("missing", ["SECRET_KEY", "DATABASE_URL", "SITE_URL"])
def test_a_start_without_a_needed_setting_names_it(missing: str) -> None:
    given = {name: value for name, value in PRODUCTION.items() if name != missing}
    done = run("manage.py", "serve", **given)
    assert done.returncode != 0
    assert f"Set {missing} in the environment or in .env" in done.stderr


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("SITE_URL", "courses.example.org", "SITE_URL must be a whole address"),
        ("DATABASE_URL", "mysql://amls@db.example.org/amls", "DATABASE_URL must be a PostgreSQL's"),
        ("DATABASE_URL", "nonsense", "DATABASE_URL must be a PostgreSQL's"),
        ("EMAIL_URL", "mail.example.org", "EMAIL_URL begins with '', which is no way to send mail. Write smtp://host"),
        ("EMAIL_URL", "https://mail.example.org", "EMAIL_URL begins with 'https'"),
        ("EMAIL_URL", "smtp://", "EMAIL_URL names no mail server"),
        ("EMAIL_URL", "smtp://mail.example.org:smtp", "EMAIL_URL can't be read (Port could not be cast"),
        ("EMAIL_URL", "smtp://user:pass#word@mail.example.org", "written as %40, %3A, %2F and %23"),
        ("EMAIL_URL", "smtp://mail.example.org/?tls=1", "EMAIL_URL takes nothing after ? or #"),
        ("EMAIL_URL", "filemail://srv/mail", "filemail:///folder"),
    ],
)
def test_a_setting_that_means_nothing_is_named(name: str, value: str, why: str) -> None:
    done = run("manage.py", "check", **{**PRODUCTION, name: value})
    assert done.returncode != 0
    assert why in done.stderr


def test_the_check_for_production_finds_nothing() -> None:
    done = run("manage.py", "check", "--deploy", "--fail-level", "INFO", **PRODUCTION)
    assert (done.returncode, "no issues" in done.stdout) == (0, True), done.stderr


def test_the_check_for_production_names_a_stamp_that_anybody_could_imitate() -> None:
    named = {}
    for name in ("HTTP_X_REQUEST_BEGAN", "HTTP_REQUESTBEGAN", ""):
        with override_settings(REQUEST_BEGAN_META=name):
            named[name] = [message.id for message in check_front_stamp()]
    assert named == {"HTTP_X_REQUEST_BEGAN": ["amls.W002"], "HTTP_REQUESTBEGAN": [], "": []}


def test_the_pool_keeps_what_the_address_of_the_database_says() -> None:
    script = "from amls.settings import DATABASES; print(DATABASES['default']['OPTIONS'])"
    done = run("-c", script, **PRODUCTION, AMLS_DB_POOL="1")
    assert "'sslmode': 'require'" in done.stdout
    assert "'pool'" in done.stdout


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://mail.example.org", ("smtp", "mail.example.org", 25, "", "", False, False)),
        ("smtp+tls://ada:p%40ss%23@mail.example.org", ("smtp", "mail.example.org", 587, "ada", "p@ss#", True, False)),
        ("smtp+ssl://ada@mail.example.org", ("smtp", "mail.example.org", 465, "ada", "", False, True)),
        ("smtps://mail.example.org:4650", ("smtp", "mail.example.org", 4650, "", "", False, True)),
    ],
)
def test_each_way_to_a_mail_server_has_its_port_and_its_kind_of_encryption(
    url: str, expected: tuple[object, ...]
) -> None:
    values = email_settings(url, folder=Path("/srv/mail"))
    names = ("HOST", "PORT", "HOST_USER", "HOST_PASSWORD", "USE_TLS", "USE_SSL")
    assert (values["EMAIL_BACKEND"].split(".")[-2], *(values[f"EMAIL_{name}"] for name in names)) == expected


def test_mail_to_files_and_to_the_console_needs_no_server() -> None:
    folder = Path("/srv/mail")
    assert email_settings("", folder=folder)["EMAIL_FILE_PATH"] == folder
    assert email_settings("filemail://", folder=folder)["EMAIL_FILE_PATH"] == folder
    assert email_settings("filemail:///tmp/out", folder=folder)["EMAIL_FILE_PATH"] == Path("/tmp/out")
    assert email_settings("consolemail://", folder=folder) == {
        "EMAIL_BACKEND": "django.core.mail.backends.console.EmailBackend"
    }


def test_each_file_that_was_read_is_told_to_operators_alone() -> None:
    asks = (
        "-c",
        "import django, logging; django.setup(); print(logging.getLogger('lectures.services.extraction').isEnabledFor(20))",
    )
    given = {"DJANGO_SETTINGS_MODULE": "amls.settings"}
    assert (run(*asks, **given).stdout, run(*asks, **given, **PRODUCTION).stdout) == ("False\n", "True\n")
