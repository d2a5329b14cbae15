"""Searches a second with two web processes, and what each costs, beside the bare query through the same server.

What is found is kept for whoever types the same, so both are measured: searches that nobody made before, and those that
others made. Beside them two bare views behind our middleware, which ask the index for the words of the query: one answers
with its rows alone, the other renders as many bytes as the search answers with.
"""

import os
import signal
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psutil

from tests.ports import free_port

ROOT = Path(__file__).resolve().parent.parent.parent
CLIENTS, ROUNDS, SECONDS = 8, 3, 3
# So many times in a round each of the queries is typed in another way: more than are answered.
ANEW = 30
# The bare twin of a search: the words of a query asked of the index, in some courses.
BARE = (
    "SELECT id, number, title FROM lectures_passage WHERE vector @@ (to_tsquery('english', %s) && %s::tsquery) LIMIT 60"
)
_LUA = """
local paths, at = {}, 0
for path in io.lines(os.getenv("BENCH_PATHS")) do paths[#paths + 1] = path end
request = function()
  at = at % #paths + 1
  return wrk.format("GET", paths[at])
end
"""


def bare_parameters(text: str, courses: Sequence[int]) -> list[str]:
    """Return what `BARE` is given to look for words that were typed."""
    return [" & ".join(f"'{word}'" for word in text.split()), " | ".join(f"'course/{pk}'" for pk in courses)]


def throughput(
    var: Path, slug: str, course: int, typed: Sequence[str], cookie: str, where: str
) -> Iterator[dict[str, Any]]:
    """Yield searches a second and milliseconds of CPU for each, of a stranger and of somebody signed in.

    Args:
        var: the folder of the database's server.
        slug: the course's address.
        course: its primary key.
        typed: what is looked for, in turn.
        cookie: the header by which a server knows somebody.
        where: what the database holds, in words.
    """
    bare = f"/bare-search/{course}/"
    taken: dict[str, list[tuple[float, float, float]]] = {}
    with _served(_keep_answers(var, slug, typed)) as (port, server):
        postmaster = psutil.Process(int((var / "pg" / "postmaster.pid").read_text().split()[0]))
        for turn in range(ROUNDS + 1):
            new = [anew(text, turn * ANEW + time) for time in range(ANEW) for text in typed]
            cases = {
                "a stranger's first": (_paths(f"/{slug}/search/", new), ""),
                "a stranger's": (_paths(f"/{slug}/search/", typed), ""),
                "somebody's first": (_paths(f"/{slug}/search/", new), cookie),
                "somebody's": (_paths(f"/{slug}/search/", typed), cookie),
                "bare": (_paths(bare, typed), ""),
                "bare, the same bytes": (_paths(bare, typed, number=True), ""),
            }
            for case, (paths, sent) in cases.items():
                before = [_used(process) for process in (server, postmaster)]
                answered, rate = _ask(var, port, paths, sent)
                web, database = (
                    _used(process) - used for process, used in zip((server, postmaster), before, strict=True)
                )
                if turn:
                    taken.setdefault(case, []).append((rate, 1000 * web / answered, 1000 * database / answered))
    medians = {
        case: [statistics.median(values) for values in zip(*rounds, strict=True)] for case, rounds in taken.items()
    }
    bare_rate, *bare_cpu = medians.pop("bare")
    _rate, *same_cpu = medians.pop("bare, the same bytes")
    for case, (rate, web, database) in medians.items():
        yield {
            "case": f"search: {case}, {where}", "per_second": round(rate), "web_ms": round(web, 2),
            "database_ms": round(database, 2), "bare_per_second": round(bare_rate), "bare_ms": round(sum(bare_cpu), 2),
            "same_bytes_ms": round(sum(same_cpu), 2), "to_bare": round((web + database) / sum(bare_cpu), 1),
            "to_same_bytes": round((web + database) / sum(same_cpu), 1),
        }  # fmt: skip


def anew(text: str, number: int) -> str:
    """Return what finds the same as a text that was typed, as nobody has typed it yet: in other capitals, with other signs."""
    turned = "".join(letter.upper() if number >> place & 1 else letter for place, letter in enumerate(text))
    return f"{turned} {'.' * number}"


def _paths(address: str, typed: Sequence[str], *, number: bool = False) -> list[str]:
    return [
        f"{address}?{urlencode({'q': text, 'case': place} if number else {'q': text})}"
        for place, text in enumerate(typed)
    ]


def _keep_answers(var: Path, slug: str, typed: Sequence[str]) -> dict[str, str]:
    """Keep what the site answers, for the bare view with the same bytes; return how its server finds them."""
    from django.test import Client

    folder = var / "answers"
    folder.mkdir(exist_ok=True)
    for place, text in enumerate(typed):
        answer = Client().get(f"/{slug}/search/", {"q": text}, headers={"hx-request": "true"})
        (folder / str(place)).write_bytes(answer.content)
    return {"BENCH_ANSWERS": str(folder)}


@contextmanager
def _served(extra: dict[str, str]) -> Iterator[tuple[int, psutil.Process]]:
    port = free_port()
    options = (
        f"--interface wsgi --host 127.0.0.1 --port {port} --workers 2 --blocking-threads 16 --no-ws --log-level error"
    )
    command = [sys.executable, "-m", "amls.web", *options.split(), "tests.bench.wsgi:application"]
    server = subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, **extra, "AMLS_DB_POOL": "1"}, start_new_session=True
    )
    try:
        for _attempt in range(600):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=20).close()
                break
            except OSError:
                time.sleep(0.1)
        yield port, psutil.Process(server.pid)
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait()


def _used(process: psutil.Process) -> float:
    """Return the seconds of CPU of a process and all below it."""
    return sum(sum(member.cpu_times()[:2]) for member in (process, *process.children(recursive=True)))


def _ask(var: Path, port: int, paths: Sequence[str], cookie: str) -> tuple[int, float]:
    """Return how many searches were answered, and how many in a second."""
    (var / "search.lua").write_text(_LUA)
    (var / "paths").write_text("\n".join(paths))
    command = [
        "wrk",
        "--timeout",
        "60s",
        "-t",
        "1",
        "-c",
        str(CLIENTS),
        "-d",
        f"{SECONDS}s",
        "-s",
        str(var / "search.lua"),
        "-H",
        "HX-Request: true",
    ]
    command += [*(["-H", f"Cookie: {cookie}"] if cookie else []), f"http://127.0.0.1:{port}"]
    environment = {**os.environ, "BENCH_PATHS": str(var / "paths")}
    said = subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout
    if "Non-2xx" in said or "Socket errors" in said:
        raise RuntimeError(said)
    return int(said.split(" requests in")[0].split()[-1]), float(said.split("Requests/sec:")[1].split()[0])
