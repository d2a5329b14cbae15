"""Slow senders without a front server: real sockets at granian as `manage.py serve` starts it."""

import select
import socket
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import pytest

from amls.core.bodies import MOST_OF_ONE_ADDRESS
from tests.factories import UserFactory
from tests.patience import SECONDS
from tests.projects.servers import TOKEN, get, granian, head, send, signed_in

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("slow")]
FORM = "application/x-www-form-urlencoded"
SLOW = 260


def test_slow_senders_who_are_not_signed_in_keep_the_site_from_nobody(tmp_path: Path) -> None:
    user = UserFactory.create(email="ada@example.org")
    with granian(tmp_path, workers=1) as port, ExitStack() as stack:
        lines = []
        for _each in range(SLOW):
            line = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=SECONDS))
            # A cookie that is none changes nothing.
            line.sendall(head("/accounts/login/", port=port, cookie="sessionid=x", length=500, kind=FORM) + b"login=")
            lines.append(line)
        # All that have no place are answered, although their bodies never come.
        answers: Counter[bytes] = Counter()
        while answers.total() < SLOW - MOST_OF_ONE_ADDRESS:
            readable, _none, _nothing = select.select(lines, [], [], SECONDS)
            assert readable, answers
            for line in readable:
                answers[line.recv(12)] += 1
                lines.remove(line)
        assert answers == {b"HTTP/1.1 503": SLOW - MOST_OF_ONE_ADDRESS}
        assert select.select(lines, [], [], 0)[0] == []
        assert get(port, "/")[0] == 200
        body = f"csrfmiddlewaretoken={TOKEN}&language=de&next=/".encode()
        assert send(port, "/language/", cookie=signed_in(user), body=body, kind=FORM)[0] < 500
        # Others who are not signed in have places of their own.
        with socket.create_connection(("127.0.0.1", port), timeout=SECONDS, source_address=("127.0.0.2", 0)) as other:
            other.sendall(head("/accounts/login/", port=port, cookie="", length=len(body), kind=FORM) + body)
            assert other.recv(12) == b"HTTP/1.1 403"
