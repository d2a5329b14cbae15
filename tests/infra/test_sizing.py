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
from redis import Redis

from amls.core.processes import queues
from amls.embedded import connect, running, socket_dir
from tests.infra.test_mail_for_real import House, wait_for
from tests.infra.test_units import started
from tests.mail.conftest import free_port

pytestmark = pytest.mark.xdist_group("serve")
# Each worker: one from which it takes work, one for whoever asks how it is, with one more each to write. Beat writes.
REDIS = {"default": 3, "exports": 3, "mail": 3, "beat": 1}


def of_unit(name: str, *, queue: str = "", port: int = 0) -> list[str]:
    """Return a unit's command as systemd runs it, with this checkout's programs."""
    filled = {"%i": queue, "%%": "%", "${CONCURRENCY}": "2", "8000": str(port)}
    words = [re.sub("|".join(map(re.escape, filled)), lambda found: filled[found[0]], word) for word in started(name)]
    return [word.replace("/srv/amls/app/.venv/bin", str(Path(sys.executable).parent)) for word in words]


def weight(process: subprocess.Popen[bytes]) -> tuple[float, int, float]:
    """Return the MiB of a process and those below it, how many they are, and the seconds of CPU that they have used.

    What several of them share counts for each by its part (PSS).
    """
    tree = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    shares = [
        re.search(r"^Pss:\s+(\d+)", Path(f"/proc/{each.pid}/smaps_rollup").read_text(), re.MULTILINE) for each in tree
    ]
    used = sum(sum(each.cpu_times()[:2]) for each in tree)
    return sum(int(share[1]) for share in shares if share) / 1024, len(tree), used


@pytest.mark.usefixtures("migrated")
def test_a_node_takes_few_connections(var: Path) -> None:
    log, port = var / "log", free_port()
    with ExitStack() as stack:
        stack.enter_context(running(var))
        house = House(var, free_port(), free_port(), stack)
        house.environment["BEAT_SECONDS"] = "2"
        for prepare in (["createcachetable"], ["collectstatic", "--no-input", "--verbosity=0"]):
            command = [sys.executable, "manage.py", *prepare]
            subprocess.run(command, cwd=settings.BASE_DIR, env=house.environment, check=True)
        node = {queue: house.spawn(of_unit("amls-worker@.service", queue=queue)) for queue in queues()}
        node["beat"] = house.spawn(of_unit("amls-beat.service"))
        redis = Redis(port=int(house.redis_port or 0))
        wait_for(lambda: said(house, "SELECT count(*) FROM core_runningprocess") == 4, 240, log)
        # Beat's calls are taken: every process has had something to do.
        wait_for(lambda: said(house, "SELECT count(*) FROM mail_pulse") > 0, 120, log)
        by_process: dict[str, int] = dict.fromkeys(node, 0)
        pids = {
            pid.pid: name
            for name, process in node.items()
            for pid in [psutil.Process(process.pid), *psutil.Process(process.pid).children()]
        }
        for connection in psutil.net_connections("tcp4"):
            if connection.raddr and connection.raddr.port == house.redis_port and connection.pid in pids:
                by_process[pids[connection.pid]] += 1
        print(by_process, len(redis.client_list()))
        backends = said(house, "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'")
        print("postgres of workers", backends)
        node["web"] = house.spawn(of_unit("amls-web.service", port=port), AMLS_DB_POOL="1", DEBUG="0")
        wait_for(lambda: asked(port) == 200, 120, log)
        with ThreadPoolExecutor(32) as pool:
            assert set(pool.map(lambda _number: asked(port), range(128))) == {200}
        print(
            "all",
            len(redis.client_list()),
            said(house, "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"),
        )
        for name, process in node.items():
            print(name, weight(process))
        print(sum(weight(process)[0] for process in node.values()))


def asked(port: int) -> int:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/accounts/login/", timeout=60) as answer:
            return int(answer.status)
    except OSError:
        return 0


def said(house: House, query: str) -> int:
    with connect(socket_dir(house.var)) as server:
        return int((server.execute(query).fetchone() or (0,))[0])
