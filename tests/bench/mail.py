"""Reminders per second end to end, as a ratio to a bare smtplib loop on one connection."""

import smtplib
import socket
import statistics
import subprocess
import sys
import time

from tests.bench.stage import ROOT, stage

PEOPLE, ROUNDS = 500, 3


def measure() -> list[dict[str, object]]:
    """Return mails per second of both, medians of some rounds in turn."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen([sys.executable, "-m", "tests.bench.smtp_sink", str(port)], cwd=ROOT)
    try:
        with stage(EMAIL_URL=f"smtp://127.0.0.1:{port}"):
            return _measure(port)
    finally:
        server.terminate()
        server.wait()


def _measure(port: int) -> list[dict[str, object]]:
    import logging

    from amls.notifications.composing import preview
    from amls.notifications.delivery import deliver_due
    from amls.notifications.models import Notice
    from amls.notifications.postman import Postman
    from amls.notifications.reminders import plan_reminders
    from tests.bench.stage import make_course

    logging.getLogger("amls").setLevel("WARNING")
    _course, now = make_course(people=PEOPLE, items=1)
    plan_reminders(now=now)
    message = preview(Notice.objects.select_related("recipient", "course")[0], now)
    assert message is not None
    body = message.message().as_bytes().replace(b"\n", b"\r\n")
    bare, ours = [], []
    for _round in range(ROUNDS):
        bare.append(_bare(port, body))
        Notice.objects.all().delete()
        started, sent, postman = time.perf_counter(), 0, Postman()
        plan_reminders(now=now)
        while count := deliver_due(now=now, postman=postman):
            sent += count
        postman.close()
        ours.append(sent / (time.perf_counter() - started))
        assert Notice.objects.filter(state="sent").count() == PEOPLE
    fast, slow = statistics.median(bare), statistics.median(ours)
    return [
        {"case": "bare smtplib loop, mails/s", "value": round(fast), "ratio": 1.0, "aim": ""},
        {"case": "reminders end to end, one worker, mails/s", "value": round(slow), "ratio": round(slow / fast, 2), "aim": "≥ 0.5"},
    ]  # fmt: skip


def _bare(port: int, body: bytes) -> float:
    started = time.perf_counter()
    with smtplib.SMTP("127.0.0.1", port) as server:
        for number in range(PEOPLE):
            server.sendmail("no-reply@localhost", [f"p{number}@example.org"], body)
    return PEOPLE / (time.perf_counter() - started)


if __name__ == "__main__":
    for row in measure():
        print(row)
