"""Reminders per second end to end, as a ratio to a bare smtplib loop on one connection.

By one process that delivers and does nothing else, and by one worker of Celery as the README
starts it, from the sweep that plans them to the last mark.
"""

import os
import signal
import smtplib
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.bench.stage import ROOT, redis, stage
from tests.ports import free_port

ROUNDS = 5
# Of the worker, as in the README.
PROCESSES = 4
# A worker of several processes needs more than a batch each.
MANY = 2000


def measure() -> list[dict[str, object]]:
    """Return mails per second of both, medians of some rounds in turn."""
    port = free_port()
    server = subprocess.Popen([sys.executable, "-m", "tests.bench.smtp_sink", str(port)], cwd=ROOT)
    try:
        with redis() as address, stage(EMAIL_URL=f"smtp://127.0.0.1:{port}", REDIS_URL=address):
            return _measure(port)
    finally:
        server.terminate()
        server.wait()


@contextmanager
def _worker() -> Iterator[None]:
    """Run one worker for mail, as the README starts it, and wait until it takes work."""
    from amls.celery import app

    with app.connection_for_write() as connection:
        # What rang before is not of this round.
        app.amqp.queues["mail"].bind(connection).purge()
    command = [sys.executable, "-m", "celery", "--app", "amls", "worker", "-Q", "mail", "-c", str(PROCESSES)]
    command += ["--loglevel", "warning"]
    worker = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        while not app.control.ping(timeout=1):
            pass
        yield
    finally:
        os.killpg(worker.pid, signal.SIGTERM)
        worker.wait()


def _measure(port: int) -> list[dict[str, object]]:
    import logging

    from amls.mail.connection import Postman
    from amls.mail.models import Notice
    from amls.mail.reminders import plan_reminders
    from amls.mail.render import preview
    from amls.mail.send import deliver_due
    from tests.bench.stage import make_course

    logging.getLogger("amls").setLevel("WARNING")
    _course, now = make_course(people=MANY, items=1)
    plan_reminders(now=now)
    message = preview(Notice.objects.select_related("recipient", "course")[0], now)
    assert message is not None
    body = message.message().as_bytes().replace(b"\n", b"\r\n")
    bare, process, worker = [], [], []
    for _round in range(ROUNDS):
        bare.append(_bare(port, body))
        Notice.objects.all().delete()
        started, sent, postman = time.perf_counter(), 0, Postman()
        plan_reminders(now=now)
        while sent < MANY and (count := deliver_due(now=now, postman=postman)):
            sent += count
        postman.close()
        process.append(sent / (time.perf_counter() - started))
        assert Notice.objects.filter(state="sent").count() == sent
        Notice.objects.all().delete()
        with _worker():
            started = time.perf_counter()
            assert plan_reminders(now=now) == MANY
            while Notice.objects.filter(state="sent").count() < MANY:
                time.sleep(0.05)
            worker.append(MANY / (time.perf_counter() - started))
    fast = statistics.median(bare)
    rows: list[dict[str, object]] = [
        {"case": "bare smtplib loop, mails/s", "value": round(fast), "ratio": 1.0, "aim": ""}
    ]
    for case, values, aim in (
        ("reminders end to end, one process, mails/s", process, ""),
        (f"the same, one worker of {PROCESSES} processes", worker, "≥ 0.5"),
    ):
        value = statistics.median(values)
        rows.append({"case": case, "value": round(value), "ratio": round(value / fast, 2), "aim": aim})
    return rows


def _bare(port: int, body: bytes) -> float:
    started = time.perf_counter()
    with smtplib.SMTP("127.0.0.1", port) as server:
        for number in range(MANY):
            server.sendmail("no-reply@localhost", [f"p{number}@example.org"], body)
    return MANY / (time.perf_counter() - started)


if __name__ == "__main__":
    for row in measure():
        print(row)
