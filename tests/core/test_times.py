"""Times are said in one way: the functions, who may format, and one day on everything that people see."""

import re
import subprocess
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings
from django.template import Context, Template
from django.utils import formats, timezone, translation

from amls.agenda.models import AgendaItem
from amls.agenda.services import reconcile
from amls.core import times
from amls.core.markdown import plain_text
from amls.exports.jobs import work_once
from amls.exports.services import make_order, request_export
from amls.mail.letters import letter_kinds
from amls.mail.models import Notice
from exams.services.registration import register
from tests.cast import Cast
from tests.factories import OpenExamFactory

BERLIN = ZoneInfo("Europe/Berlin")
EXAM = datetime(2024, 7, 18, 14, 0, tzinfo=UTC)
NOW = datetime(2024, 6, 3, 8, 0, tzinfo=UTC)
ROOT = Path(settings.BASE_DIR)


@pytest.mark.parametrize(
    ("say", "english", "german"),
    [
        (lambda: times.say_day(EXAM), "Thu 18 Jul 2024", "Do 18. Juli 2024"),
        (lambda: times.say_day(EXAM, now=NOW), "Thu 18 Jul", "Do 18. Juli"),
        (lambda: times.say_day(EXAM, now=datetime(2025, 1, 1, tzinfo=UTC)), "Thu 18 Jul 2024", "Do 18. Juli 2024"),
        (lambda: times.say_day(date(2024, 7, 18)), "Thu 18 Jul 2024", "Do 18. Juli 2024"),
        (lambda: times.say_day(EXAM + timedelta(hours=9)), "Fri 19 Jul 2024", "Fr 19. Juli 2024"),
        (lambda: times.say_day(EXAM, ZoneInfo("Pacific/Kiritimati")), "Fri 19 Jul 2024", "Fr 19. Juli 2024"),
        (lambda: times.say_date(EXAM), "18 Jul", "18. Juli"),
        (lambda: times.say_day_of_month(EXAM), "18", "18."),
        (lambda: times.say_month(EXAM), "July 2024", "Juli 2024"),
        (lambda: times.say_month(EXAM, with_year=False), "July", "Juli"),
        (lambda: times.say_weekday(EXAM), "Thursday", "Donnerstag"),
        (lambda: times.say_weekday(EXAM, is_short=True), "Thu", "Do"),
        (lambda: times.say_clock(EXAM), "16:00", "16:00"),
        (lambda: times.say_clock(time(9, 5)), "09:05", "09:05"),
        (lambda: times.say_clock(datetime(2024, 7, 18, 9, 5)), "09:05", "09:05"),
        (lambda: times.say_clock(EXAM, UTC, to_the_second=True), "14:00:00", "14:00:00"),
        (lambda: times.say_span(EXAM, EXAM + timedelta(hours=2)), "16:00–18:00", "16:00–18:00"),
        (lambda: times.say_span(time(16), time(18)), "16:00–18:00", "16:00–18:00"),
        (lambda: times.say_span(time(16), None), "16:00", "16:00"),
        (lambda: times.say_span(EXAM, EXAM + timedelta(hours=8)), "16:00–00:00", "16:00–00:00"),
        (lambda: times.say_span(EXAM, EXAM + timedelta(hours=9)), "16:00–Fri 19 Jul, 01:00", "16:00–Fr 19. Juli, 01:00"),
        (lambda: times.say_moment(EXAM), "Thu 18 Jul 2024, 16:00", "Do 18. Juli 2024, 16:00"),
        (lambda: times.say_moment(EXAM, now=NOW), "Thu 18 Jul, 16:00", "Do 18. Juli, 16:00"),
        (lambda: times.say_time(EXAM, BERLIN), "Thu 18 Jul 2024, 16:00 (Europe/Berlin)", "Do 18. Juli 2024, 16:00 (Europe/Berlin)"),
        (lambda: times.say_distance(EXAM, NOW), "in 45 days", "in 45 Tagen"),
        (lambda: times.say_distance(EXAM, EXAM), "today", "heute"),
        (lambda: times.say_length(timedelta(days=3, hours=4)), "3 days 4 h", "3 Tage 4 h"),
        (lambda: times.say_minutes(90 * 60), "90 minutes", "90 Minuten"),
        (lambda: times.stamp(EXAM), "2024-07-18 16:00", "2024-07-18 16:00"),
        # What Django's forms and the desk's lists make of it.
        (lambda: formats.localize(timezone.localtime(EXAM)), "Thu 18 Jul 2024, 16:00", "Do 18. Juli 2024, 16:00"),
        (lambda: formats.localize(date(2024, 7, 18)), "Thu 18 Jul 2024", "Do 18. Juli 2024"),
        (lambda: formats.date_format(EXAM, "SHORT_DATE_FORMAT"), "18 Jul 2024", "18. Juli 2024"),
        (lambda: formats.date_format(EXAM, "MONTH_DAY_FORMAT"), "18 Jul", "18. Juli"),
    ],
)  # fmt: skip
def test_a_time_is_said_in_the_manner_of_the_language(say: Callable[[], str], english: str, german: str) -> None:
    for language, words in (("en", english), ("de", german), ("en-gb", english)):
        with translation.override(language), timezone.override(BERLIN):
            assert say() == words


def test_without_a_language_times_are_said_in_the_sites() -> None:
    translation.deactivate_all()
    assert times.say_day(EXAM, BERLIN) == "Thu 18 Jul 2024"


def test_a_moment_on_a_page_is_that_of_its_zone_language_and_year_however_often_it_is_written() -> None:
    page = Template("{% load amls %}{% moment at 'full' end %}")
    # An hour that comes twice: to Python its local times are equal.
    twice = datetime(2024, 10, 27, 2, 30, tzinfo=BERLIN)
    for _again in range(2):
        for zone, language, at, now, written in (
            (BERLIN, "en", EXAM, NOW, '<time datetime="2024-07-18T16:00+02:00">Thu 18 Jul, 16:00–17:00</time>'),
            (BERLIN, "de", EXAM, NOW, '<time datetime="2024-07-18T16:00+02:00">Do 18. Juli, 16:00–17:00</time>'),
            (BERLIN, "en", EXAM, NOW + timedelta(days=365), '<time datetime="2024-07-18T16:00+02:00">Thu 18 Jul 2024, 16:00–17:00</time>'),
            (ZoneInfo("Europe/Lisbon"), "en", EXAM, NOW, '<time datetime="2024-07-18T15:00+01:00">Thu 18 Jul, 15:00–16:00</time>'),
            (BERLIN, "en", twice, NOW, '<time datetime="2024-10-27T02:30+02:00">Sun 27 Oct, 02:30</time>'),
            (BERLIN, "en", twice.replace(fold=1), NOW, '<time datetime="2024-10-27T02:30+01:00">Sun 27 Oct, 02:30</time>'),
        ):  # fmt: skip
            end = at + timedelta(hours=1) if at == EXAM else None
            with translation.override(language), timezone.override(zone):
                assert page.render(Context({"at": at, "end": end, "now": now})) == written


# Formats for programs and for form fields: the whole of ISO 8601's day, its month, and what <input> elements take.
_FOR_PROGRAMS = {"%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%H:%M"}
_MODULE = "amls/core/times.py"


def _sources(pattern: str, *folders: str) -> list[tuple[str, int, str]]:
    paths = (path for folder in folders for path in (ROOT / folder).rglob(pattern) if path.is_file())
    return [
        (str(path.relative_to(ROOT)), number, line)
        for path in sorted(paths)
        if "migrations" not in path.parts and not str(path.relative_to(ROOT)).startswith(_MODULE)
        for number, line in enumerate(path.read_text().splitlines(), 1)
    ]


def test_no_other_module_formats_times_for_people() -> None:
    strange = []
    for path, number, line in _sources("*.py", "amls", "lectures", "projects", "exams"):
        written = re.findall(r"\{[^{}:]*:(%[^{}]*)\}", line) + re.findall(r"strftime\(\"([^\"]*)", line)
        if re.search(
            r"\b(date_format|time_format|dateformat)\b|(amls|lectures|projects|exams)\S*\.templatetags", line
        ) or not (set(written) <= _FOR_PROGRAMS):
            strange.append(f"{path}:{number}: {line.strip()}")
        if re.search(r"\{[^{}:]*:%H:%M\}", line):
            strange.append(f"{path}:{number}: {line.strip()}")
    assert strange == []


def test_templates_say_times_by_our_tags_alone() -> None:
    strange = [
        f"{path}:{number}: {line.strip()}"
        for path, number, line in _sources("*", "templates")
        for written in re.findall(r"\|(?:date|time)\b(?::\"([^\"]*)\")?", line)
        if written not in {"Y-m", "Y-m-d"}
    ]
    assert strange == []


@pytest.mark.django_db
def test_one_day_reads_the_same_on_all_that_people_see(cast: Cast, tmp_path: Path) -> None:
    course = cast.course
    course.language = "de"
    course.save()
    exam = OpenExamFactory.create(course=course)
    reconcile(course, now=NOW)
    cast.student.user.language = "de"
    cast.student.user.save()
    register(enrolment=cast.student, exam_pk=exam.pk, now=NOW)
    with translation.override("de"), timezone.override(BERLIN):
        notice = Notice.objects.get(kind="exams.registered")
        letter = letter_kinds[notice.kind].writer(notice, NOW)
        assert letter is not None
        order = make_order(kind="portal.schedule", now=timezone.now(), user=None, course=course, parameters={})
        export = request_export(order=order)
    assert work_once(now=timezone.now())
    export.refresh_from_db()
    client = cast.client("student")
    desk = cast.client("admin")
    desk.cookies[settings.LANGUAGE_COOKIE_NAME] = client.cookies[settings.LANGUAGE_COOKIE_NAME] = "de"
    pdf = subprocess.run(
        ["pdftotext", "-raw", tmp_path / "media" / str(export.file), "-"], check=True, capture_output=True, text=True
    ).stdout
    seen = {
        "mail": plain_text(letter.text),
        "schedule": client.get("/amls/schedule/").content.decode(),
        "exams": client.get("/amls/exams/").content.decode(),
        "desk": desk.get("/admin/exams/exam/").content.decode(),
        "pdf": pdf,
    }
    assert {name: bool(re.search(r"Do\s18\.\sJuli", text)) for name, text in seen.items()} == dict.fromkeys(seen, True)
    titles = [*AgendaItem.objects.base().filter(course=course).values_list("title", flat=True)]
    seen["titles"] = "\n".join(titles)
    seen["feed"] = client.get("/amls/calendar.ics").content.decode()
    assert "Prüfung am 18. Juli: Anmeldung endet" in titles
    wrong = r"18 Jul|18\. Jul\b|18\.0?7\.|July"
    assert {name: re.findall(wrong, text) for name, text in seen.items()} == {name: [] for name in seen}
