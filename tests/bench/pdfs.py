"""PDFs per minute with one and two workers, as a ratio to bare WeasyPrint per document."""

import statistics
import subprocess
import sys
import time

from tests.bench.stage import ROOT, stage

COUNT, ROUNDS = 20, 3
_WORKER = """
import django, sys, time
django.setup()
import logging; logging.getLogger("amls").setLevel("WARNING")
from django.utils import timezone
from amls.exports.pdf import warm_up
from amls.exports.jobs import work_once
warm_up()
print("warm", flush=True)
sys.stdin.readline()
done = 0
while work_once(now=timezone.now()):
    done += 1
print(done, flush=True)
"""


def measure() -> list[dict[str, object]]:
    """Return documents per minute."""
    with stage():
        return _measure()


def _measure() -> list[dict[str, object]]:
    import weasyprint
    from django.utils import timezone

    from amls.exports import pdf
    from amls.exports.models import Export
    from amls.exports.services import make_order, request_export
    from amls.portal.hooks.exports import LONG, _schedule_context
    from tests.bench.stage import make_course
    from tests.factories import LectureFactory

    course, _now = make_course(people=1, items=3)
    for number in range(14):
        LectureFactory.create(course=course, number=f"{number:02}", abstract="Some *words* about it. " * 30)

    def order(number: int) -> None:
        made = make_order(kind=LONG, now=timezone.now(), user=None, course=course, parameters={"n": number})
        request_export(order=made)

    def work(workers: int) -> float:
        Export.objects.all().delete()
        for number in range(COUNT):
            order(number)
        command = [sys.executable, "-c", _WORKER]
        children = [
            subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            for _each in range(workers)
        ]
        for child in children:
            assert child.stdout is not None
            assert child.stdout.readline() == "warm\n"
        started = time.perf_counter()
        for child in children:
            assert child.stdin is not None
            child.stdin.write("\n")
            child.stdin.flush()
        done = sum(int(child.stdout.readline()) for child in children if child.stdout is not None)
        seconds = time.perf_counter() - started
        for child in children:
            child.wait()
        assert done == COUNT
        assert Export.objects.filter(state="done").count() == COUNT
        return seconds

    # The very HTML that the export sets.
    made = make_order(kind=LONG, now=timezone.now(), user=None, course=course, parameters={"n": -1})
    context = {**_schedule_context(made), "is_long": True}
    html = pdf.render_html("portal/pdf/schedule.html", context, title="Schedule", order=made)
    bare, alone, paired = [], [], []
    for _round in range(ROUNDS):
        started = time.perf_counter()
        for _each in range(COUNT):
            weasyprint.HTML(string=html, url_fetcher=pdf._fetcher()).write_pdf(pdf_variant="pdf/ua-1")
        bare.append(time.perf_counter() - started)
        alone.append(work(1))
        paired.append(work(2))
    fast, single, double = (statistics.median(values) for values in (bare, alone, paired))
    return [
        {"case": "bare WeasyPrint, PDFs/min", "value": round(COUNT * 60 / fast), "ratio": 1.0, "aim": ""},
        {"case": "one worker, PDFs/min (time per document)", "value": round(COUNT * 60 / single), "ratio": round(single / fast, 2), "aim": "≤ 1.25"},
        {"case": "two workers, PDFs/min (time in all)", "value": round(COUNT * 60 / double), "ratio": round(double / fast, 2), "aim": ""},
    ]  # fmt: skip


if __name__ == "__main__":
    for row in measure():
        print(row)
