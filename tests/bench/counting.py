"""SQL queries of one request, counted on the server when the benchmark asks for it."""

from collections.abc import Callable, Iterable
from typing import Any

from django.db import connection

HEADER = "X-Bench-Count-Queries"
_KEY = "HTTP_" + HEADER.upper().replace("-", "_")

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def counting(application: Application) -> Application:
    """Return the application that says, when asked by a header, how many queries it ran.

    The answer's header of the same name holds the count: all statements through Django's
    connection of this thread, from the first middleware until the answer is closed.
    Requests without the header pass after one look into their environment.
    """

    def count(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if _KEY not in environ:
            return application(environ, start_response)
        queries, started = 0, list[tuple[str, list[tuple[str, str]]]]()

        def note(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
            nonlocal queries
            queries += 1
            return execute(sql, params, many, context)

        def start(status: str, headers: list[tuple[str, str]], _error: Any = None) -> None:
            started.append((status, headers))

        with connection.execute_wrapper(note):
            answer = application(environ, start)
            body = b"".join(answer)
            close = getattr(answer, "close", None)
            if close is not None:
                close()
        status, headers = started[-1]
        start_response(status, [*headers, (HEADER, str(queries))])
        return [body]

    return count
