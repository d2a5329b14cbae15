"""Settings from the environment: what production needs is named, and what it has is safe."""

import os
import subprocess
import sys

import pytest
from django.conf import settings

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
    ],
)
def test_a_setting_that_means_nothing_is_named(name: str, value: str, why: str) -> None:
    done = run("manage.py", "check", **{**PRODUCTION, name: value})
    assert done.returncode != 0
    assert why in done.stderr


def test_the_check_for_production_finds_nothing() -> None:
    done = run("manage.py", "check", "--deploy", "--fail-level", "INFO", **PRODUCTION)
    assert (done.returncode, "no issues" in done.stdout) == (0, True), done.stderr


def test_the_pool_keeps_what_the_address_of_the_database_says() -> None:
    script = "from amls.settings import DATABASES; print(DATABASES['default']['OPTIONS'])"
    done = run("-c", script, **PRODUCTION, AMLS_DB_POOL="1")
    assert "'sslmode': 'require'" in done.stdout
    assert "'pool'" in done.stdout
