"""A web server for the benchmark, and what is asked of it: answers, answers per second, queries of one request."""

import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.counting import HEADER
from tests.ports import free_port

ROOT = Path(__file__).resolve().parent.parent.parent
CLIENTS, SECONDS = 8, 2


@contextmanager
def serve(application: str, extra: dict[str, str]) -> Iterator[int]:
    """Run a server with two processes; yield its port."""
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "granian",
        "--interface",
        "wsgi",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--workers",
        "1",
    ]
    command += ["--blocking-threads", "16", "--no-ws", "--log-level", "error", application]
    server = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **extra}, start_new_session=True)
    try:
        for _attempt in range(200):
            try:
                fetch(port, "/healthz", {})
                break
            except OSError:
                time.sleep(0.1)
        yield port
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait()


def fetch(port: int, path: str, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
    """Return status, headers and body of one GET."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, dict(answer.getheaders()), body


def rate(port: int, path: str, headers: dict[str, str], status: int) -> float:
    """Return answers per second with some clients at once; a wrong status is an error."""
    got = fetch(port, path, headers)[0]
    if got != status:
        raise RuntimeError(f"{path}: {got} instead of {status}")
    words = [word for name, value in headers.items() for word in ("-H", f"{name}: {value}")]
    command = ["wrk", "-t", "2", "-c", str(CLIENTS), "-d", f"{SECONDS}s", *words, f"http://127.0.0.1:{port}{path}"]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    if "Non-2xx" in said or "Socket errors" in said:
        raise RuntimeError(f"{path}: {said}")
    return float(said.split("Requests/sec:")[1].split()[0])


def queries(port: int, path: str, headers: dict[str, str], status: int) -> int:
    """Return how many SQL queries one more request takes, after the timed ones have warmed everything."""
    got, answered, _body = fetch(port, path, {**headers, HEADER: "1"})
    if got != status:
        raise RuntimeError(f"{path}: {got} instead of {status}")
    return int(next(value for name, value in answered.items() if name.lower() == HEADER.lower()))
