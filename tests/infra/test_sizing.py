"""What one node, started by the units of `deploy/`, takes of what others want too: connections to Redis and to PostgreSQL.

`make test ARGS='-s tests/infra/test_sizing.py'` prints what each process weighs besides: docs/operating/sizing.md.
"""

import re
import subprocess
import sys
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest
from django.conf import settings

from amls.core.processes import queues
from amls.embedded import connect, running, socket_dir
from tests.infra.test_mail_for_real import House, wait_for
from tests.infra.test_units import started
from tests.patience import SECONDS
from tests.ports import free_port

pytestmark = pytest.mark.xdist_group("serve")
# At most: a worker with two processes six, beat two.
REDIS = {"default": 6, "exports": 6, "mail": 6, "beat": 2}
CLIENTS = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"


def of_unit(name: str, *, queue: str = "", port: int = 0) -> list[str]:
    """Return a unit's command as systemd runs it, with this checkout's programs."""
    filled = {"%i": queue, "%%": "%", "${CONCURRENCY}": "2", "${LISTEN}": "127.0.0.1", "8000": str(port)}
    words = [
        re.sub("|".join(map(re.escape, filled)), lambda placeholder: filled[placeholder[0]], word)
        for word in started(name)
    ]
    return [word.replace("/srv/amls/app/.venv/bin", str(Path(sys.executable).parent)) for word in words]


def weight(process: subprocess.Popen[bytes]) -> tuple[float, int, float]:
    """Return the MiB of a process and those below it, how many they are, and the seconds of CPU that they have used.

    What several of them share counts for each by its part (PSS).
    """
    tree = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    shares = [
        re.search(r"^Pss:\s+(\d+)", Path(f"/proc/{member.pid}/smaps_rollup").read_text(), re.MULTILINE)
        for member in tree
    ]
    used = sum(sum(member.cpu_times()[:2]) for member in tree)
    return sum(int(share[1]) for share in shares if share) / 1024, len(tree), used


@pytest.mark.usefixtures("migrated")
def test_a_node_takes_few_connections(var: Path) -> None:
    log, port = var / "log", free_port()
    with ExitStack() as stack:
        stack.enter_context(running(var))
        house = House(var, free_port(), free_port(), stack)
        # Often enough to wait for, and seldom enough that everything rests in between.
        house.environment["BEAT_SECONDS"] = "5"
        node = {queue: house.spawn(of_unit("amls-worker@.service", queue=queue)) for queue in queues()}
        node["beat"] = house.spawn(of_unit("amls-beat.service"))
        wait_for(lambda: said(house, "SELECT count(*) FROM core_runningprocess") == 4, log)
        # Beat's calls are taken: every process has had something to do.
        wait_for(lambda: said(house, "SELECT count(*) FROM mail_pulse") > 0, log)
        by_process: dict[str, int] = dict.fromkeys(node, 0)
        pids = {
            pid.pid: name
            for name, process in node.items()
            for pid in [psutil.Process(process.pid), *psutil.Process(process.pid).children()]
        }
        for connection in psutil.net_connections("tcp4"):
            if connection.raddr and connection.raddr.port == house.redis_port and connection.pid in pids:
                by_process[pids[connection.pid]] += 1
        at_most = {name: count for name, count in by_process.items() if count > REDIS[name]}
        assert (at_most, set(by_process)) == ({}, set(REDIS))
        # At rest workers and beat hold none: the one is that by which it is asked.
        wait_for(lambda: said(house, CLIENTS) == 1, log)
        node["web"] = house.spawn(of_unit("amls-web.service", port=port), AMLS_DB_POOL="1", DEBUG="0")
        wait_for(lambda: asked(port) == 200, log)
        with ThreadPoolExecutor(32) as pool:
            assert set(pool.map(lambda _number: asked(port), range(128))) == {200}
        # What it has opened it keeps, and the workers rest again.
        wait_for(lambda: said(house, CLIENTS) <= 1 + 2 * settings_pool(), log)
        weights = {name: weight(process) for name, process in node.items()}
        for name, (mebibytes, processes, seconds) in weights.items():
            print(f"{name}: {mebibytes:.0f} MiB, {processes} processes, {seconds:.1f} s of a processor")
        print(f"together {sum(mebibytes for mebibytes, _processes, _seconds in weights.values()):.0f} MiB")


def settings_pool() -> int:
    """Return the most connections of one web process, as settings.md says."""
    table = (Path(settings.BASE_DIR) / "docs" / "operating" / "settings.md").read_text()
    row = re.search(r"`AMLS_DB_POOL_SIZE` \|.*\| off, (\d+) \|", table)
    assert row is not None
    return int(row[1])


def asked(port: int) -> int:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/accounts/login/", timeout=SECONDS) as answer:
            return int(answer.status)
    except OSError:
        return 0


def said(house: House, query: str) -> int:
    with connect(socket_dir(house.var)) as server:
        return int((server.execute(query).fetchone() or (0,))[0])
