"""Settings from the environment: what production needs is named, and what it has is safe."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.test import override_settings

from amls.core.checks import check_front_stamp
from amls.core.email_url import email_settings
from tests.rights import BOUNDED

# Each starts processes of its own.
pytestmark = pytest.mark.real

PRODUCTION = {
    "SECRET_KEY": "an-example-that-is-long-enough-for-every-check-of-django-0123456789",
    "DATABASE_URL": "postgres://amls:secret@db.example.org/amls?sslmode=require",
    "SITE_URL": "https://courses.example.org",
    "EMAIL_URL": "smtp+tls://user:secret@mail.example.org:587",
}


def run(*arguments: str, given: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    unset = {*PRODUCTION, "REDIS_URL", "DJANGO_ALLOW_ASYNC_UNSAFE", "DJANGO_SETTINGS_MODULE", "DEBUG"}
    env = {**{name: value for name, value in os.environ.items() if name not in unset}, **environment}
    command = [*BOUNDED, sys.executable, *arguments]
    return subprocess.run(
        command, cwd=settings.BASE_DIR, env=env, check=False, capture_output=True, text=True, input=given
    )


@pytest.mark.parametrize("missing", ["SECRET_KEY", "DATABASE_URL", "SITE_URL"])
def test_a_start_without_a_needed_setting_names_it(missing: str) -> None:
    given = {name: value for name, value in PRODUCTION.items() if name != missing}
    done = run("manage.py", "serve", **given)
    assert done.returncode != 0
    assert f"Set {missing} in the environment or in .env" in done.stderr


# What each says of a value that means nothing.
ODD = [
    ("SITE_URL", "courses.example.org", "SITE_URL must be a whole address"),
    ("DATABASE_URL", "mysql://amls@db.example.org/amls", "DATABASE_URL must be a PostgreSQL's"),
    ("DATABASE_URL", "nonsense", "DATABASE_URL must be a PostgreSQL's"),
    ("DATABASE_URL", "postgres://amls@127.0.0.1:99999/amls", "DATABASE_URL can't be read as postgres://"),
    ("DATABASE_URL", "postgres://amls:p@ss#w/rd@host/amls", "are written as %40, %3A, %2F and %23"),
    ("DATABASE_URL", "postgres://amls:p/w@host/amls", "are written as %40, %3A, %2F and %23"),
    ("DATABASE_URL", "postgres://amls:12/34@host/amls", "are written as %40, %3A, %2F and %23"),
    ("DATABASE_URL", "postgres://amls@host", "DATABASE_URL names no database"),
    ("SENTRY_DSN", "foo", "SENTRY_DSN must be what Sentry shows as DSN"),
    ("SENTRY_DSN", "https://key@sentry.example.org:port/1", "SENTRY_DSN must be what Sentry shows as DSN"),
    ("EMAIL_URL", "mail.example.org", "EMAIL_URL begins with '', which is no way to send mail. Write smtp://host"),
    ("EMAIL_URL", "https://mail.example.org", "EMAIL_URL begins with 'https'"),
    ("EMAIL_URL", "smtp://", "EMAIL_URL names no mail server"),
    ("EMAIL_URL", "smtp://mail.example.org:smtp", "EMAIL_URL can't be read: a port is a number"),
    ("EMAIL_URL", "smtp://user:pass#word@mail.example.org", "written as %40, %3A, %2F and %23"),
    ("EMAIL_URL", "smtp://mail.example.org/?tls=1", "EMAIL_URL takes nothing after ? or #"),
    ("EMAIL_URL", "filemail://srv/mail", "filemail:///folder"),
    ("SITE_URL", "https://example.org/courses", "The site takes a host of its own"),
    ("SITE_URL", "https://example.org:port", "SITE_URL must be a whole address"),
    ("SECRET_KEY", "short", "SECRET_KEY has 5 characters and needs 32"),
    ("REDIS_URL", "127.0.0.1:6379/0", "REDIS_URL must be an address such as redis://host:6379/0"),
    ("REDIS_URL", "redis:///0", "REDIS_URL must be an address"),
    ("REDIS_URL", "redis://host/first", "REDIS_URL must be an address"),
    ("MONITOR_NETWORKS", "10.0.0.0/8,10.0.0.0/88", "MONITOR_NETWORKS must be networks with commas between"),
    ("STAFF_NEEDS_SECOND_FACTOR", "enabled", "STAFF_NEEDS_SECOND_FACTOR must be 1 or 0, not 'enabled'"),
    ("AMLS_DB_POOL", "2", "AMLS_DB_POOL must be 1 or 0, not '2'"),
    ("MAX_UPLOAD_BYTES", "100MB", "MAX_UPLOAD_BYTES must be a whole number, such as 20, not '100MB'"),
    ("MAX_UPLOAD_BYTES", "-1", "MAX_UPLOAD_BYTES must be a whole number"),
    ("TRUSTED_PROXIES", "yes", "TRUSTED_PROXIES must be a whole number, such as 20, not 'yes'"),
    ("EMAIL_TIMEOUT", "0", "EMAIL_TIMEOUT must be a whole number, such as 20, from 1 to 86400, not '0'"),
    ("AMLS_DB_POOL_SIZE", "0", "AMLS_DB_POOL_SIZE must be a whole number"),
    ("BEAT_SECONDS", "0", "BEAT_SECONDS must be a whole number"),
    ("BEAT_SECONDS", "100000000000000", "BEAT_SECONDS must be a whole number"),
    ("PULSE_SECONDS", "0", "PULSE_SECONDS must be a number, such as 2.5, from 0.1 to 86400.0, not '0.0'"),
    ("MAIL_LEASE_SECONDS", "0", "MAIL_LEASE_SECONDS must be a whole number"),
    ("MAX_MATERIAL_BYTES", "0", "MAX_MATERIAL_BYTES must be a whole number"),
    ("EXTRACTION_MEMORY_MB", "0", "EXTRACTION_MEMORY_MB must be a whole number"),
    ("EXTRACTION_WORKERS", "0", "EXTRACTION_WORKERS must be a whole number"),
    ("CHECKS_AT_ONCE", "0", "CHECKS_AT_ONCE must be a whole number"),
    ("LONG_EXPORTS_AT_ONCE", "0", "LONG_EXPORTS_AT_ONCE must be a whole number"),
    (
        "ALLOWED_HOSTS",
        "https://courses.example.org",
        "ALLOWED_HOSTS must be names with commas between, without https://",
    ),
    (
        "ALLOWED_HOSTS",
        "localhost,other.example",
        "ALLOWED_HOSTS must have the host of SITE_URL among its names, 'courses.example.org'",
    ),
    ("ALLOWED_HOSTS", "localhost,courses.example.org:8000", "ALLOWED_HOSTS must be names with commas between"),
    ("X_ACCEL_REDIRECT_PREFIX", "protected", "X_ACCEL_REDIRECT_PREFIX must begin and end with a slash"),
    ("REQUEST_BEGAN_HEADER", "Request Began:", "REQUEST_BEGAN_HEADER must be the name of a header"),
    ("KEEP_COURSE_YEARS", "0", "KEEP_COURSE_YEARS must be a number, such as 2.5, from 0.1 to 100.0, not '0.0'"),
    ("KEEP_COURSE_YEARS", "9999999999", "KEEP_COURSE_YEARS must be a number"),
    ("KEEP_COURSE_YEARS", "ten", "KEEP_COURSE_YEARS must be a number, such as 2.5, not 'ten'"),
    ("KEEP_COURSE_YEARS", "inf", "KEEP_COURSE_YEARS must be a number"),
    ("LOG_LEVEL", "verbose", "LOG_LEVEL must be one of DEBUG, INFO, WARNING, ERROR, CRITICAL, not 'verbose'"),
    ("LOG_FORMAT", "xml", "LOG_FORMAT must be one of json, line, not 'xml'"),
    ("SITE_TIMEZONE", "Mars/Phobos", "SITE_TIMEZONE must be a time zone by its IANA name"),
    ("SITE_TIMEZONE", "Europe", "SITE_TIMEZONE must be a time zone by its IANA name"),
    ("MATRICULATION_NUMBER_PATTERN", "[0-9", "MATRICULATION_NUMBER_PATTERN must be a regular expression"),
    ("DEFAULT_FROM_EMAIL", "the chair", "DEFAULT_FROM_EMAIL must be an address, such as AMLS <"),
    (
        "MEDIA_ROOT",
        "/srv/not-mounted",
        "MEDIA_ROOT must be a folder that is there, mounted, and that AMLS",
    ),
]
READ_EACH = """
import json, os, runpy, sys
from django.core.exceptions import ImproperlyConfigured
said = []
for changes in json.load(sys.stdin):
    before = dict(os.environ)
    os.environ.update(changes)
    try:
        read = runpy.run_module("amls.settings")
        said.append({name: str(read.get(name)) for name in changes})
    except ImproperlyConfigured as error:
        said.append(str(error))
    os.environ.clear()
    os.environ.update(before)
json.dump(said, sys.stdout)
"""


def read_each(*changes: dict[str, str]) -> list[dict[str, str] | str]:
    """Return what the settings make of each change to those of a production, or why they refuse it."""
    done = run("-c", READ_EACH, given=json.dumps([{**PRODUCTION, **change} for change in changes]))
    assert done.returncode == 0, done.stderr
    read: list[dict[str, str] | str] = json.loads(done.stdout)
    return read


def test_a_setting_that_means_nothing_is_refused_and_named() -> None:
    said = read_each(*({name: value} for name, value, _why in ODD))
    assert [
        (name, value, answer) for (name, value, why), answer in zip(ODD, said, strict=True)
        if not isinstance(answer, str) or why not in answer or not answer.startswith(name)
    ] == []  # fmt: skip


def test_no_refusal_has_a_piece_of_a_password() -> None:
    addresses = ("://ada:lion@ti#ger/cub@host:1/it", "://ada:lion/tiger@host/it", "://ada:1/tiger@host/it")
    schemes = {"DATABASE_URL": "postgres", "EMAIL_URL": "smtp+tls", "REDIS_URL": "redis", "MEDIA_URL": "s3"}
    said = read_each(*({name: scheme + address} for name, scheme in schemes.items() for address in addresses))
    pieces = ("lion", "ti", "ger", "cub")
    assert [
        answer for answer in said
        if not isinstance(answer, str) or any(re.search(rf"\b{piece}\b", answer) for piece in (*pieces, "tiger"))
    ] == []  # fmt: skip


def test_a_folder_of_uploads_need_only_be_read(tmp_path: Path) -> None:
    """A backup has it read-only (deploy/systemd/amls-backup.service)."""
    folder, said = tmp_path / "uploads", {}
    for mode in (0o555, 0o000):
        folder.mkdir(mode=mode)
        ask = "from amls.settings import MEDIA_ROOT; print(MEDIA_ROOT)"
        done = run("-c", ask, **PRODUCTION, MEDIA_ROOT=str(folder))
        said[mode] = done.stdout.strip() or done.stderr.splitlines()[-1].partition(": ")[2]
        folder.rmdir()
    refusal = (
        f"MEDIA_ROOT must be a folder that is there, mounted, and that AMLS' own user can read: '{folder}' is not."
    )
    assert said == {0o555: str(folder), 0o000: refusal}


def test_other_names_of_the_domain_are_left_alone_unless_it_is_said() -> None:
    names = ("SECURE_HSTS_INCLUDE_SUBDOMAINS", "SECURE_HSTS_PRELOAD")
    read = read_each(dict.fromkeys(names, ""), dict.fromkeys(names, "1"))
    assert [[answer[name] for name in names] for answer in read if isinstance(answer, dict)] == [
        ["False", "False"],
        ["True", "True"],
    ]


def test_a_command_ends_with_what_is_wrong_with_a_setting() -> None:
    done = run("manage.py", "check", **{**PRODUCTION, "TRUSTED_PROXIES": "yes"})
    assert done.returncode != 0
    assert "ImproperlyConfigured: TRUSTED_PROXIES must be a whole number" in done.stderr


def test_what_is_meant_is_read_however_it_is_typed(tmp_path: Path) -> None:
    typed = [
        ("STAFF_NEEDS_SECOND_FACTOR", "No", "False"), ("STAFF_NEEDS_SECOND_FACTOR", "", "True"),
        ("AMLS_DB_POOL", "on", "None"), ("LOG_LEVEL", "debug", "DEBUG"), ("MAX_UPLOAD_BYTES", "", str(100 * 1024**2)),
        ("SITE_URL", "https://example.org/", "https://example.org"), ("MEDIA_ROOT", str(tmp_path), str(tmp_path)),
        ("MONITOR_NETWORKS", "10.1.2.3/8, ::1", "[IPv4Network('10.0.0.0/8'), IPv6Network('::1/128')]"),
        ("DEFAULT_FROM_EMAIL", "AMLS <ada@example.org>", "AMLS <ada@example.org>"), ("LOG_FORMAT", "", "json"),
        ("ALLOWED_HOSTS", "localhost, Courses.example.org ,", "['localhost', 'Courses.example.org']"), ("SECRET_KEY_FALLBACKS", "", "[]"),
        ("SECRET_KEY_FALLBACKS", " k1, k0", "['k1', 'k0']"),
        ("ALLOWED_HOSTS", "*,.example.org,[::1]", "['*', '.example.org', '[::1]']"), ("MAIL_PER_MINUTE", "0", "0"),
        ("KEEP_COURSE_YEARS", "0.5", "0.5"), ("X_ACCEL_REDIRECT_PREFIX", "/protected/", "/protected/"),
        ("ALLOWED_HOSTS", " ", "['courses.example.org', 'localhost', '127.0.0.1', '[::1]']"),
        ("REDIS_URL", "rediss://user:pass@host", "rediss://user:pass@host"), ("SITE_TIMEZONE", "", "None"),
    ]  # fmt: skip
    said = read_each(*({name: value} for name, value, _read in typed))
    assert [
        answer[name] if isinstance(answer, dict) else answer for (name, _v, _r), answer in zip(typed, said, strict=True)
    ] == [read for _name, _value, read in typed]


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
