"""PostgreSQL goes away and comes back: whoever comes meanwhile is told so at once, and afterwards everything works again."""

import http.client
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlencode

import pytest
from django.conf import settings

from amls.embedded import revive, running
from amls.embedded import stop as stop_postgres
from amls.portal.management.commands.serve import web_server
from tests.infra.test_mail_for_real import kill
from tests.infra.test_serve import environment
from tests.patience import SECONDS
from tests.ports import free_port
from tests.projects.servers import wait_for

pytestmark = pytest.mark.xdist_group("serve")
# More than a process has connections.
AT_ONCE = 24
EMAIL, PASSWORD, TOKEN = "ada@example.org", "correct horse battery", "k" * 32
_ACCOUNT = f"""
import django
django.setup()
from amls.courses.models import User
from allauth.account.models import EmailAddress
user = User.objects.create_user({EMAIL!r}, {PASSWORD!r})
EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
"""
Answer = tuple[int, str | None, str]


@pytest.fixture
def port(var: Path, migrated: None) -> Iterator[int]:
    """A web process with a pool, beside a database of its own."""
    given = environment(AMLS_VAR_DIR=str(var), AMLS_DB_POOL="1", DEBUG="0", DJANGO_SETTINGS_MODULE="amls.settings")
    with running(var), (var / "log").open("w") as log:
        subprocess.run([sys.executable, "-c", _ACCOUNT], cwd=settings.BASE_DIR, env=given, check=True)
        port = free_port()
        command = web_server("amls.wsgi:application", host="127.0.0.1", port=port, workers=1)
        server = subprocess.Popen(
            command, cwd=settings.BASE_DIR, env=given, stdout=log, stderr=log, start_new_session=True
        )
        try:
            wait_for(port, server)
            yield port
        finally:
            kill(server)


def ask(port: int, path: str, form: dict[str, str] | None = None) -> Answer:
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    try:
        if form is None:
            line.request("GET", path)
        else:
            headers = {"Cookie": f"csrftoken={TOKEN}", "Content-Type": "application/x-www-form-urlencoded"}
            line.request("POST", path, urlencode({"csrfmiddlewaretoken": TOKEN, **form}), headers)
        answer = line.getresponse()
        return answer.status, answer.headers["Retry-After"], answer.read().decode()
    finally:
        line.close()


def sign_in(port: int) -> Answer:
    return ask(port, "/accounts/login/", {"login": EMAIL, "password": PASSWORD})


def many(port: int) -> set[int]:
    """Return the answers to people who come at once and want something of the database, each something else."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return {
            status for status, _again, _page in pool.map(lambda number: ask(port, f"/none-{number}/"), range(AT_ONCE))
        }


def test_whoever_comes_while_the_database_is_away_is_told_so_and_served_once_it_is_back(port: int, var: Path) -> None:
    assert (many(port), sign_in(port)[0]) == ({404}, 302)
    stop_postgres(var)
    # Those at once, with connections that are over and with none; and those who come one after the other, each anew.
    assert [many(port), many(port)] == [{503}, {503}]
    for status, again, page in [sign_in(port), *(ask(port, "/") for _each in range(AT_ONCE))]:
        assert (status, again, "does not answer" in page) == (503, "5", True)
    assert '"database": "does not answer"' in ask(port, "/readyz")[2]
    assert revive(var)
    # The header is a promise.
    time.sleep(5)
    assert (sign_in(port)[0], many(port), ask(port, "/")[0]) == (302, {404}, 200)


def test_nobody_is_given_a_connection_that_ended_while_nobody_came(port: int, var: Path) -> None:
    assert many(port) == {404}
    stop_postgres(var)
    assert revive(var)
    assert (sign_in(port)[0], many(port)) == (302, {404})
