"""The command: what is missing is listed with the option that answers it, and nothing is written."""

import io
import json
from datetime import date, time
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from amls.agenda.models import AgendaItem
from amls.courses.models import Course
from lectures.models import Lecture
from tests.seed import PAGE

CASES = Path(__file__).parent / "cases"


def case(name: str) -> str:
    (path,) = CASES.glob(f"{name}*")
    return str(path)


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("import_course", *arguments, stdout=out, stderr=io.StringIO())
    return out.getvalue()


def refused(*arguments: str) -> CommandError:
    with pytest.raises(CommandError) as error:
        run(*arguments)
    return error.value


def test_what_is_missing_is_asked_with_its_option(db: None) -> None:
    error = refused(case("05"))
    assert error.returncode == 3
    assert str(error).split("\n") == [
        "Nothing was written: the source leaves questions open.",
        "- How is the course called? Answer with --title",
        "- In which term is the course held? (perhaps: Spring 2024) Answer with --term",
        "- In which time zone is the course held? Answer with --zone",
        "- 2 lectures have dates but no time. When do they meet? (perhaps: tuesday) Answer with --slot 'tuesday 10:15-11:45 H 0107'",
    ]
    assert not Course.objects.exists()


def test_the_options_answer_and_a_second_run_changes_nothing(db: None) -> None:
    options = ("--title", "Toy", "--term", "SS2024", "--zone", "Europe/Berlin", "--slot", "tuesday 10:15-11:45 H 0107")
    assert "this was a dry run" in run(case("05"), *options, "--dry-run")
    assert not Course.objects.exists()
    run(case("05"), *options)
    course = Course.objects.get(slug="toy-ss2024")
    assert (course.title, course.timezone) == ("Toy", "Europe/Berlin")
    first = Lecture.objects.get(course=course, title="Introduction")
    assert first.starts_at is not None
    assert (first.starts_at.astimezone(course.zone).date(), first.starts_at.astimezone(course.zone).time()) == (
        date(2024, 4, 16),
        time(10, 15),
    )
    assert run(case("05"), *options) == "Nothing changes.\n"


def test_weekly_exercises_come_into_the_schedule_and_the_calendars(db: None, tmp_path: Path) -> None:
    page = tmp_path / "page.txt"
    page.write_text(
        "Toy WiSe 2026/27\nVorlesung: Mi 10:00-12:00, H 0104\nÜbung: Fr 14:00-16:00, EN 731\n"
        "- 01 One [14.10.]\n- 02 Two [28.10.]\n- 23.10. vorlesungsfrei\n"
    )
    run(str(page), "--zone", "Europe/Berlin", "--answer", "weekly:exercise=each-week", "--slug", "toy")
    lectures = Lecture.objects.filter(course__slug="toy", kind="exercise").order_by("starts_at")
    assert [(row.number, row.title, f"{row.starts_at:%m-%d %H:%M}", row.room) for row in lectures] == [
        ("1", "Übung", "10-16 12:00", "EN 731"), ("2", "Übung", "10-30 13:00", "EN 731"),
    ]  # fmt: skip
    assert (
        AgendaItem.objects.filter(
            course__slug="toy", key__in=[f"lectures.lecture:{row.pk}" for row in lectures]
        ).count()
        == 2
    )
    assert run(str(page), "--answer", "weekly:exercise=each-week", "--slug", "toy") == "Nothing changes.\n"


def test_a_course_that_there_is_has_its_zone(db: None) -> None:
    assert refused(case("11")).returncode == 3
    run(case("11"), "--zone", "America/Chicago")
    assert run(case("11")) == "Nothing changes.\n"


def test_the_order_of_days_and_other_answers(db: None, tmp_path: Path) -> None:
    page = tmp_path / "page.txt"
    page.write_text("Toy 2024\nAll times are Eastern. Lectures take place at noon.\n- 01 One [3/4, 2pm]\n")
    assert refused(str(page)).returncode == 3
    run(str(page), "--order", "dm", "--slug", "toy-a")
    run(str(page), "--answer", "order=md", "--slug", "toy-b")
    days = [Lecture.objects.get(course__slug=slug).starts_at.date() for slug in ("toy-a", "toy-b")]
    assert days == [date(2024, 4, 3), date(2024, 3, 4)]


def test_the_page_of_the_real_course_asks_nothing(db: None) -> None:
    run(str(PAGE))
    assert Lecture.objects.filter(course__slug="amls-ss2024").count() == 12


def test_json_says_what_was_understood_of_every_line(db: None) -> None:
    report = json.loads(run(case("12"), "--zone", "Europe/Paris", "--json", "--dry-run"))
    assert report["counts"] == {
        "sessions": 2,
        "links": 0,
        "free_days": 1,
        "deadlines": 1,
        "exams": 1,
        "not_understood": 0,
    }
    assert [line["use"] for line in report["lines"]] == ["used"] * 7
    assert not Course.objects.exists()


def test_a_source_that_cannot_be_read(db: None, tmp_path: Path) -> None:
    assert "can't be read" in str(refused(str(tmp_path / "nothing.txt")))
    # Where it was looked for: the command may work in another folder than whoever types it.
    assert str(refused("nothing.txt")) == f"{Path.cwd() / 'nothing.txt'} can't be read: No such file or directory."
    assert "lies within this network" in str(refused("https://127.0.0.1/course"))
    pdf = tmp_path / "plan.pdf"
    pdf.write_bytes(b"%PDF-1.7 ...")
    assert "This is a PDF" in str(refused(str(pdf)))
