"""The PDFs themselves: tagged, with language and title, fonts embedded, nothing fetched, no errors."""

import io
import re
import subprocess
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone, translation
from pypdf import PdfReader
from pytest_django import Settings

from amls.agenda.services import reconcile
from amls.courses.models import Course, User
from amls.exports import pdf
from amls.exports.jobs import work_once
from amls.exports.models import Export
from amls.exports.services import make_order, request_export
from lectures.models import Deadline, Lecture
from tests.cast import Cast
from tests.factories import (
    CourseFactory,
    ExamFactory,
    LectureFactory,
    PartFactory,
    StaffMemberFactory,
    WeeklySlotFactory,
)
from tests.seed import import_seed

pytestmark = pytest.mark.django_db


def make(
    course: Course | None, kind: str, language: str = "en", user: User | None = None, **parameters: object
) -> Export:
    with translation.override(language):
        order = make_order(kind=kind, now=timezone.now(), user=user, course=course, parameters=parameters)
        export = request_export(order=order)
    assert work_once(now=timezone.now())
    export.refresh_from_db()
    return export


def content_of(export: Export, tmp_path: Path) -> Path:
    return tmp_path / "media" / str(export.file)


def check_pdf(path: Path, *, language: str, title: str) -> PdfReader:
    """Look at a PDF with four independent tools."""
    assert subprocess.run(["qpdf", "--check", path], check=False, capture_output=True).returncode == 0
    info = subprocess.run(["pdfinfo", path], check=True, capture_output=True, text=True).stdout
    assert re.search(r"Tagged:\s+yes", info)
    assert re.search(rf"Title:\s+{re.escape(title)}", info), info
    fonts = subprocess.run(["pdffonts", path], check=True, capture_output=True, text=True).stdout.splitlines()[2:]
    assert fonts
    # Columns from the right: object and generation, unicode, subset, embedded.
    assert {line.split()[-5] for line in fonts} == {"yes"}, fonts
    reader = PdfReader(path)
    root: Any = reader.trailer["/Root"]
    assert root["/Lang"] == language
    assert root["/MarkInfo"]["/Marked"]
    assert b"pdfuaid" in root["/Metadata"].get_object().get_data()
    return reader


@pytest.mark.parametrize(("language", "title"), [("en", "Schedule: "), ("de", "Zeitplan: ")])
def test_a_schedule_of_every_kind_says_what_is_what_and_what_is_open(
    tmp_path: Path, complaints: list[str], language: str, title: str
) -> None:
    course = CourseFactory.create(slug="amls")
    WeeklySlotFactory.create(course=course, kind="exercise", weekday=4, room="TEL 0811")
    LectureFactory.create(course=course, number="01", title="Joins", starts_at=datetime(2024, 4, 18, 14, tzinfo=UTC))
    Lecture.objects.create(course=course, number="02", title="Größe")
    Lecture.objects.create(course=course, kind="exercise", number="1", title="SQL", day=date(2024, 4, 19))
    Deadline.objects.create(course=course, title="Sheet 1", day=date(2024, 5, 3))
    reconcile(course, now=timezone.now())
    for kind in ("portal.schedule", "portal.schedule-long"):
        export = make(course, kind, language)
        reader = check_pdf(content_of(export, tmp_path), language=language, title=title + str(course))
        text = " ".join(reader.pages[0].extract_text().split())
        words = ["Exercise 1", "time open", "date open", "Fri 3 May, time open"]
        if language == "de":
            words = ["Übung 1", "Uhrzeit offen", "Termin offen", "Fr 3. Mai, Uhrzeit offen"]
        assert [word for word in words if word not in text] == []
    assert complaints == []


@pytest.mark.parametrize(("language", "title"), [("en", "Schedule: "), ("de", "Zeitplan: ")])
def test_the_schedule_is_one_page_for_a_door(tmp_path: Path, complaints: list[str], language: str, title: str) -> None:
    course = import_seed()
    reconcile(course, now=timezone.now())
    export = make(course, "portal.schedule", language)
    assert (export.state, export.error) == ("done", "")
    reader = check_pdf(content_of(export, tmp_path), language=language, title=title + str(course))
    assert len(reader.pages) == 1
    text = reader.pages[0].extract_text()
    assert "Data- and Task-Parallel Execution" in text
    assert text.count("H 0111") == 1
    assert ("Thu 18 Apr, 16:00–18:00" if language == "en" else "Do 18. April, 16:00–18:00") in text
    assert complaints == []


def test_a_course_of_30_lectures_still_fits_one_page(cast: Cast, tmp_path: Path, complaints: list[str]) -> None:
    part = PartFactory.create(course=cast.course)
    for number in range(30):
        LectureFactory.create(course=cast.course, part=part, number=f"{number:02}")
    export = make(cast.course, "portal.schedule")
    assert len(PdfReader(content_of(export, tmp_path)).pages) == 1


@pytest.mark.parametrize(("count", "is_one_page"), [(24, True), (180, False)])
def test_every_key_date_stands_on_the_schedule_for_a_door(
    cast: Cast, tmp_path: Path, complaints: list[str], count: int, is_one_page: bool
) -> None:
    days = [date(2024, 5, 3) + timedelta(days=number) for number in range(count)]
    for number, day in enumerate(days):
        Deadline.objects.create(course=cast.course, title=f"Größe{number}", day=day)
    ExamFactory.create(course=cast.course, title="Łukasz’ Klausur", starts_at=datetime(2025, 2, 3, 9, tzinfo=UTC))
    reconcile(cast.course, now=timezone.now())
    reader = PdfReader(content_of(make(cast.course, "portal.schedule"), tmp_path))
    texts = [" ".join(page.extract_text().split()) for page in reader.pages]
    said = "|".join(texts)
    assert [number for number in range(count) if f"Größe{number} " not in said] == []
    assert "Łukasz’ Klausur" in said
    assert (len(texts) == 1) is is_one_page
    # What goes on on another page says there of what it is a page.
    assert [f"Schedule: {cast.course}" in text for text in texts] == [False, *[True] * (len(texts) - 1)]
    assert complaints == []


def test_the_long_schedule_has_the_abstracts(cast: Cast, tmp_path: Path, complaints: list[str]) -> None:
    StaffMemberFactory.create(course=cast.course)
    LectureFactory.create(
        course=cast.course, title="Fusion", abstract="# Why\n\nFewer *intermediates*.\n\n- one\n- two"
    )
    export = make(cast.course, "portal.schedule-long")
    text = "".join(page.extract_text() for page in PdfReader(content_of(export, tmp_path)).pages)
    assert "Fewer intermediates." in text
    assert complaints == []


def test_the_same_content_gives_the_same_bytes(cast: Cast) -> None:
    LectureFactory.create(course=cast.course)
    first = make(cast.course, "portal.schedule").sha256
    Export.objects.all().delete()
    time.sleep(1.1)
    assert make(cast.course, "portal.schedule").sha256 == first


@pytest.mark.parametrize(
    "title",
    [
        "x" * 10_000,
        "Ünï ∑ 漢字 \u202e evil " * 500,
        "<script>alert(1)</script><img src='file:///etc/passwd'>",
        "a " * 5_000,
    ],
)
def test_a_monstrous_title_stays_a_document(cast: Cast, tmp_path: Path, complaints: list[str], title: str) -> None:
    LectureFactory.create(course=cast.course)
    order = make_order(kind="portal.schedule", now=timezone.now(), user=None, course=cast.course)
    cast.course.title = title
    content = pdf.render_pdf("portal/pdf/schedule.html", {"parts": []}, title=title, order=order)
    assert len(PdfReader(io.BytesIO(content)).pages) >= 1
    assert b"root:x" not in content


@pytest.mark.parametrize(
    "address", ["file:///etc/passwd", "http://127.0.0.1:1/x.png", "https://example.org/x.png", "ftp://x/y"]
)
def test_nothing_is_fetched_from_anywhere(
    cast: Cast, complaints: list[str], address: str, tmp_path: Path, settings: Settings
) -> None:
    (tmp_path / "evil.html").write_text(
        '{% extends "exports/pdf/base.html" %}{% block content %}<p>Here</p><img alt="x" src="'
        + address
        + '">{% endblock %}'
    )
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [*settings.TEMPLATES[0]["DIRS"], tmp_path]}]
    order = make_order(kind="x", now=timezone.now(), user=None, course=cast.course)
    pdf.render_pdf("evil.html", {}, title="T", order=order)
    assert len(complaints) == 1
    assert "disallowed protocol" in complaints[0]


def test_all_my_dates_hold_each_course_once(cast: Cast, tmp_path: Path) -> None:
    from icalendar import Calendar

    cast.other_course.enrolments.create(user=cast.student.user)
    for course, number in ((cast.course, "01"), (cast.other_course, "02")):
        LectureFactory.create(course=course, number=number, starts_at=timezone.now() + timedelta(days=1))
        reconcile(course, now=timezone.now())
    export = make(None, "portal.my-dates", user=cast.student.user)
    calendar = Calendar.from_ical(content_of(export, tmp_path).read_bytes())
    assert sorted(str(event["SUMMARY"])[:2] for event in calendar.walk("VEVENT")) == ["01", "02"]
    assert len(calendar.walk("VTIMEZONE")) == 1
    assert Lecture.objects.count() == 2
