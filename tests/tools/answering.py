"""A live server that says when it has answered all that it was asked, and is asked for no more than the real one.

A page asks for more by itself, and goes on doing so while the test ends. What is still being answered holds locks, and the
flush that empties the database meets them.
"""

import select
import threading
from collections.abc import Callable, Iterable
from typing import Any

from django.conf import settings
from django.core.servers.basehttp import ThreadedWSGIServer
from django.test.testcases import LiveServerThread
from pytest_django.live_server_helper import LiveServer

from tests.patience import SECONDS

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class AnsweringServer(ThreadedWSGIServer):
    """Counts the connections that it has taken and not yet closed."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._open = 0
        self._changed = threading.Condition()

    def set_app(self, application: Application) -> None:  # type: ignore[override] # wsgiref's may be None
        """Serve by it."""
        super().set_app(kept_by_browsers(application))

    def get_request(self) -> tuple[Any, Any]:
        """Take a connection, which is counted from the moment on at which nobody else can see it waiting."""
        with self._changed:
            taken: tuple[Any, Any] = super().get_request()
            self._open += 1
        return taken

    def shutdown_request(self, request: Any) -> None:
        """Close a connection, and before it those of its thread to the database."""
        try:
            super().shutdown_request(request)
        finally:
            with self._changed:
                self._open -= 1
                self._changed.notify_all()

    def wait_until_all_is_answered(self) -> None:
        """Wait until no connection is open, and none waits to be taken.

        Raises:
            TimeoutError: if one stays open although the test is over.
        """
        with self._changed:
            while self._open or self._is_asked():
                if not self._changed.wait(SECONDS):
                    raise TimeoutError(f"{self._open} connections to the live server are still open.")

    def _is_asked(self) -> bool:
        return bool(select.select([self], [], [], 0)[0])


def kept_by_browsers(application: Application) -> Application:
    """Have browsers keep static files as long as they keep those of an installation, whose names have hashes."""

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            if status.startswith("200"):
                headers = [*headers, ("Cache-Control", "max-age=315360000, public, immutable")]
            return start_response(status, headers, *more)

        is_static = environ["PATH_INFO"].startswith(settings.STATIC_URL)
        return application(environ, start if is_static else start_response)

    return answer


def serve_by_it() -> None:
    """From now on, have live servers be of this kind."""
    LiveServerThread.server_class = AnsweringServer


def wait_for(server: LiveServer) -> None:
    """Wait until it has answered all."""
    httpd = server.thread.httpd
    assert isinstance(httpd, AnsweringServer)
    httpd.wait_until_all_is_answered()
