"""PDFs per minute with one and two workers, as a ratio to bare WeasyPrint per document; what a slip and a receipt cost."""

import statistics
import subprocess
import sys
import time
from datetime import timedelta

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
    """Return documents per minute, and the seconds of a processor of those that people wait for."""
    with stage():
        return [*_measure(), *_measure_quick()]


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


def _measure_quick() -> list[dict[str, object]]:
    """Return what an admission slip and a receipt cost this process, which has set other documents before."""
    from django.utils import timezone

    from amls.courses.models import Course, Enrolment
    from amls.exports.jobs import work_once
    from amls.exports.models import Export
    from amls.exports.services import make_order, request_export
    from exams.models import Room
    from exams.services.registration import staff_register
    from exams.services.seating import assign_seats, release_seats
    from projects.models import Submission
    from projects.services.teams import register_team
    from tests.factories import AssignmentFactory, ExamFactory, TopicFactory

    now, course, student = timezone.now(), Course.objects.get(), Enrolment.objects.get()
    exam = ExamFactory.create(course=course, starts_at=now + timedelta(days=20), capacity=40)
    Room.objects.create(exam=exam, name="H 0107", rows=4, seats_per_row=6)
    held = staff_register(enrolment=student, exam_pk=exam.pk, reason="By hand", now=now)
    assign_seats(exam_pk=exam.pk, order="name", now=now)
    release_seats(exam_pk=exam.pk, now=now)
    AssignmentFactory.create(course=course, due_at=now + timedelta(days=9))
    project = register_team(enrolment=student, topic=TopicFactory.create(course=course), now=now)
    attempt = Submission.objects.create(
        project=project,
        attempt=1,
        submitted_by=student,
        began_at=now,
        received_at=now,
        repository_url="https://example.org/a",
    )
    rows: list[dict[str, object]] = []
    for kind, parameters in (
        ("exams.slip", {"registration": held.pk}),
        ("projects.receipt", {"submission": attempt.pk}),
    ):
        took = []
        for language in ("en", "de", "en", "de"):
            # Nothing is made twice that is there already.
            Export.objects.all().delete()
            order = make_order(
                kind=kind,
                now=timezone.now(),
                user=student.user,
                course=course,
                parameters=parameters,
                language=language,
            )
            request_export(order=order)
            started = time.process_time()
            assert work_once(now=timezone.now())
            took.append(time.process_time() - started)
        rows.append(
            {
                "case": f"{kind}, seconds of a processor",
                "value": round(statistics.median(took), 2),
                "ratio": "",
                "aim": "≤ 1",
            }
        )
    return rows


if __name__ == "__main__":
    for row in measure():
        print(row)
