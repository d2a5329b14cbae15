"""Whoever watches the site is told of each worker and beat that is gone, and a number leads from a page to its mail."""

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from amls.embedded import running
from amls.portal.management.commands.serve import QUEUES, web_server
from tests.infra.test_clocks import SKEW, skewed
from tests.infra.test_mail_for_real import Post, kill, wait_for
from tests.infra.test_redis_away import _ACCOUNTS, Staffed, Visitor
from tests.infra.test_redis_away import post as post  # noqa: PLC0414 - the fixture
from tests.patience import SECONDS
from tests.ports import free_port

pytestmark = pytest.mark.xdist_group("serve")


class Watched(Staffed):
    """A house that somebody watches."""

    def look(self, port: int) -> tuple[int, set[str]]:
        """Return what `/readyz` answers: the status, and what is wrong."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=SECONDS) as answer:
                status, body = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            status, body = error.code, error.read()
        except OSError:
            return 0, set()
        names = {name.partition("@")[0] for name in json.loads(body)["problems"]}
        # How full this machine's disk is, and what waits for whom is stopped, is not what this is about.
        return int(status), {name for name in names if not name.startswith(("disk", "waiting", "round"))}

    def lines(self) -> list[dict[str, Any]]:
        """Return what all of them have written to the log."""
        return [json.loads(line) for line in (self.var / "log").read_text().splitlines() if line.startswith("{")]


@pytest.mark.usefixtures("migrated")
def test_each_process_that_is_gone_is_named_and_a_mail_has_the_number_of_its_page(
    var: Path, post: tuple[Post, int]
) -> None:
    log, port = var / "log", free_port()
    with ExitStack() as stack:
        stack.enter_context(running(var))
        house = Watched(var, post[1], free_port(), stack)
        house.environment |= {"PULSE_SECONDS": "2", "LOG_FORMAT": "json"}
        subprocess.run([sys.executable, "-c", _ACCOUNTS], cwd=settings.BASE_DIR, env=house.environment, check=True)
        house.spawn(web_server("amls.wsgi:application", host="127.0.0.1", port=port, workers=1), DEBUG="0")
        wait_for(lambda: house.look(port)[0] == 503, log)
        workers = {queue: house.queue_worker(queue) for queue in QUEUES}
        beat = house.beat("one")
        wait_for(lambda: house.look(port) == (200, set()), log)
        # One ends in order, one hangs, one is killed.
        workers["exports"].terminate()
        os.killpg(workers["default"].pid, signal.SIGSTOP)
        kill(beat)
        gone = {"queue-exports", "queue-default", "process-default", "beat", "process-beat"}
        wait_for(lambda: house.look(port) == (200, gone), log)
        # No beat rings now: what leaves, leaves because of this page.
        number = Visitor(port).ask_for_code("p0@example.org")
        wait_for(lambda: post[0].taken["p0@example.org"] == 1, log)
        wait_for(lambda: any(line["message"].startswith("mail sent") for line in house.lines()), log)
        sent = [line["request_id"] for line in house.lines() if line["message"].startswith("mail sent")]
        assert sent == [number]
        kill(workers["mail"])
        wait_for(lambda: house.look(port)[0] == 503, log)
        house.queue_worker("mail", **skewed(SKEW))
        wait_for(lambda: house.look(port)[0] == 200 and "clock-mail" in house.look(port)[1], log)
