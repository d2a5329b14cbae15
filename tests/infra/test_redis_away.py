"""Redis goes away and comes back empty: people sign in all the while, every worker works again, nothing is lost."""

import http.cookiejar
import re
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from celery import Celery
from django.conf import settings
from kombu import pools

from amls.core.redis_url import broker_settings
from amls.embedded import connect, running
from amls.portal.management.commands.serve import QUEUES, web_server
from tests.infra.test_mail_for_real import House, Post, kill, settings_socket, wait_for
from tests.patience import SECONDS
from tests.ports import free_port

pytestmark = pytest.mark.xdist_group("serve")
# The issue speaks of a minute; what counts is that it is longer than every patience of the processes.
AWAY_SECONDS = 20
PASSWORD = "correct horse battery"
_ACCOUNTS = f"""
import django
django.setup()
from amls.courses.models import User
from allauth.account.models import EmailAddress
for number in range(3):
    user = User.objects.create_superuser(f"p{{number}}@example.org", {PASSWORD!r})
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
"""
_WRITE = """
import sys
import django
django.setup()
from amls.core import clock
from amls.courses.models import User
from amls.mail.outbox import notify
for user in User.objects.order_by("pk"):
    notify(key=f"{sys.argv[1]}:{user.pk}", kind="portal.strays", now=clock.now(), recipient=user, references={"missing": 1, "unnamed": 0})
"""


class _Follower(urllib.request.HTTPRedirectHandler):
    """Follows where an answer leads, and keeps what else it said."""

    headers: Any = None

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        self.headers = headers
        return super().redirect_request(req, fp, code, msg, headers, newurl)


class Visitor:
    """Somebody with a browser's cookies."""

    def __init__(self, port: int) -> None:
        self.site = f"http://127.0.0.1:{port}"
        self.follower = _Follower()
        cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self.opener = urllib.request.build_opener(cookies, self.follower)

    def sign_in(self, email: str, password: str = PASSWORD) -> tuple[int, str]:
        """Fill in the page and follow where it leads; return the status, and the address or what hinders."""
        with self._send("/accounts/login/", login=email, password=password) as page:
            is_bounded = "Too many attempts" in page.read().decode()
            return int(page.status), "bounded" if is_bounded else str(page.url).removeprefix(self.site)

    def ask_for_code(self, email: str) -> str:
        """Have a code sent; return the number of the request that did so."""
        with self._send("/accounts/login/code/", email=email):
            return str(self.follower.headers["X-Request-ID"])

    def prove(self, code: str) -> str:
        """Type the code of an app after the password; return where it leads."""
        with self._send("/accounts/2fa/authenticate/", code=code) as page:
            return str(page.url).removeprefix(self.site)

    def _send(self, path: str, **form: str) -> Any:
        with self.opener.open(f"{self.site}{path}", timeout=SECONDS) as page:
            token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.read().decode())
        assert token is not None
        body = urllib.parse.urlencode({"csrfmiddlewaretoken": token[1], **form}).encode()
        return self.opener.open(f"{self.site}{path}", body, timeout=SECONDS)


class Staffed(House):
    """A house with a worker for each queue and a web server."""

    def queue_worker(self, queue: str, **extra: str) -> "subprocess.Popen[bytes]":
        worker = [sys.executable, "-m", "amls.background", "worker", "--queues", queue, "--concurrency", "1"]
        return self.spawn([*worker, "--hostname", f"{queue}@here", "--loglevel", "warning"], **extra)

    def done(self) -> dict[str, int]:
        """Return how many tasks each worker that answers has run."""
        broker = broker_settings(self.environment["REDIS_URL"], folder=self.var)
        # Those of the last time may lead to a Redis that is gone.
        pools.reset()
        with Celery(set_as_current=False) as asking:
            asking.config_from_object(SimpleNamespace(**broker), namespace="CELERY")
            workers = asking.control.inspect(timeout=3, limit=len(QUEUES)).stats() or {}
        return {name.split("@")[0]: sum(stats["total"].values()) for name, stats in workers.items()}

    def have_all_done_more(self, than: dict[str, int]) -> bool:
        """Whether every worker answers and has run a task since."""
        now = self.done()
        return set(now) == set(QUEUES) and all(count > than.get(queue, 0) for queue, count in now.items())


@pytest.fixture
def post() -> Iterator[tuple[Post, int]]:
    post = Post()
    controller = Controller(post, hostname="127.0.0.1", port=free_port())
    controller.start()
    yield post, controller.port
    controller.stop()


@pytest.mark.usefixtures("migrated")
def test_redis_that_was_away_is_an_inconvenience(var: Path, post: tuple[Post, int]) -> None:
    log, port = var / "log", free_port()
    with ExitStack() as stack:
        stack.enter_context(running(var))
        house = Staffed(var, post[1], free_port(), stack)

        def run(script: str, *arguments: str) -> None:
            command = [sys.executable, "-c", script, *arguments]
            subprocess.run(command, cwd=settings.BASE_DIR, env=house.environment, check=True)

        run(_ACCOUNTS)
        workers = {queue: house.queue_worker(queue) for queue in QUEUES}
        beat = house.beat("one")
        house.spawn(web_server("amls.wsgi:application", host="127.0.0.1", port=port, workers=1), DEBUG="0")
        wait_for(lambda: house.have_all_done_more({}), log)
        assert Visitor(port).sign_in("p0@example.org") == (200, "/")
        assert house.redis is not None
        kill(house.redis)
        gone = time.monotonic()
        run(_WRITE, "away")
        assert Visitor(port).sign_in("p1@example.org") == (200, "/")
        # Limits hold meanwhile.
        guesses = [Visitor(port).sign_in("p0@example.org", f"guess {number}")[1] for number in range(6)]
        assert guesses == ["/accounts/login/"] * 5 + ["bounded"]
        time.sleep(max(0.0, AWAY_SECONDS - (time.monotonic() - gone)))
        assert {queue: worker.poll() for queue, worker in workers.items()} == dict.fromkeys(QUEUES)
        assert beat.poll() is None
        house.start_redis()
        wait_for(lambda: len(post[0].taken) == 3, log)
        before = house.done()
        wait_for(lambda: house.have_all_done_more(before), log)
        assert Visitor(port).sign_in("p2@example.org") == (200, "/")
        with connect(settings_socket(var)) as connection:
            states = connection.execute(
                "SELECT state, count(*) FROM mail_notice WHERE kind = 'portal.strays' GROUP BY state"
            ).fetchall()
    assert states == [("sent", 3)]
    assert set(post[0].taken.values()) == {1}
