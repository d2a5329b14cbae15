"""The live server of tests is waited for before the database is emptied under it."""

import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.servers.basehttp import WSGIRequestHandler

from tests.patience import SECONDS
from tests.tools.answering import AnsweringServer

ASKED = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture
def server() -> Iterator[AnsweringServer]:
    with AnsweringServer(("127.0.0.1", 0), WSGIRequestHandler) as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_what_nobody_waits_for_any_more_is_answered_before_the_flush(server: AnsweringServer) -> None:
    said, is_waiting = list[str](), threading.Event()

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        assert is_waiting.wait(SECONDS)
        said.append("answered")
        start_response("204 No Content", [])
        return []

    server.set_app(answer)
    for _client in range(3):
        with socket.create_connection(server.server_address) as client:
            client.sendall(ASKED)
    is_waiting.set()
    server.wait_until_all_is_answered()
    assert said == ["answered"] * 3


def test_nobody_waits_where_nothing_was_asked(server: AnsweringServer) -> None:
    server.wait_until_all_is_answered()


def test_browsers_keep_static_files_and_no_pages(server: AnsweringServer) -> None:
    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        start_response("404 Not Found" if "gone" in environ["PATH_INFO"] else "200 OK", [("Content-Length", "0")])
        return []

    def is_kept(path: str) -> bool:
        with socket.create_connection(server.server_address) as client:
            client.sendall(ASKED.replace(b"/", path.encode(), 1))
            with client.makefile("rb") as answered:
                return any(b"immutable" in line for line in iter(answered.readline, b"\r\n"))

    server.set_app(answer)
    assert [is_kept(path) for path in ("/static/css/amls.css", "/static/gone.css", "/")] == [True, False, False]
