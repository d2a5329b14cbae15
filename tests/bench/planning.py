"""The planning sweep for 100,000 reminders, as a ratio to a bare INSERT … SELECT of the same rows."""

import resource
import statistics
import time

from tests.bench.stage import stage

PEOPLE, ITEMS, ROUNDS = 10_000, 10, 3


def measure() -> list[dict[str, object]]:
    """Return seconds of both, medians of some rounds in turn; and how much memory the sweep took."""
    with stage():
        return _measure()


def _measure() -> list[dict[str, object]]:
    from django.db import connection

    from amls.mail.models import Notice
    from amls.mail.reminders import plan_reminders
    from tests.bench.stage import make_course

    _course, now = make_course(people=PEOPLE, items=ITEMS)
    total = PEOPLE * ITEMS
    bare, ours, again, memory = [], [], [], 0
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
        for _round in range(ROUNDS):
            cursor.execute("TRUNCATE mail_notice CASCADE")
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            started = time.perf_counter()
            assert plan_reminders(now=now) == total
            ours.append(time.perf_counter() - started)
            started = time.perf_counter()
            assert plan_reminders(now=now) == 0
            again.append(time.perf_counter() - started)
            memory = max(memory, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
            cursor.execute("DROP TABLE IF EXISTS kept")
            cursor.execute("CREATE TEMP TABLE kept AS SELECT * FROM mail_notice")
            cursor.execute("TRUNCATE mail_notice CASCADE")
            started = time.perf_counter()
            cursor.execute("INSERT INTO mail_notice SELECT * FROM kept")
            bare.append(time.perf_counter() - started)
            assert Notice.objects.count() == total
    fast, slow = statistics.median(bare), statistics.median(ours)
    return [
        {"case": "bare INSERT … SELECT of 100,000, s", "value": round(fast, 2), "ratio": 1.0, "aim": ""},
        {"case": "planning 100,000 reminders, s", "value": round(slow, 2), "ratio": round(fast / slow, 2), "aim": "≥ 0.5"},
        {"case": "the same sweep again, nothing new, s", "value": round(statistics.median(again), 2), "ratio": "", "aim": ""},
        {"case": "memory that planning took, MB", "value": round(memory / 1024, 1), "ratio": "", "aim": "flat"},
    ]  # fmt: skip


if __name__ == "__main__":
    for row in measure():
        print(row)
