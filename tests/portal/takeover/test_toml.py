"""What a course.toml says of kinds, weekly slots, open dates, free days and deadlines."""

import re
from dataclasses import fields, is_dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import get_args, get_origin, get_type_hints

import pytest
from django.conf import settings
from django.utils import timezone

from amls.courses.models import Course
from amls.portal.takeover.apply import import_course
from amls.portal.takeover.export import export_course
from amls.portal.takeover.spec import (
    CourseFileError,
    CourseSpec,
    DeadlineSpec,
    ExamRulesSpec,
    FreeDaySpec,
    GradingSpec,
    LectureSpec,
    SlotSpec,
)
from amls.portal.takeover.toml import dump_toml, load_toml
from exams.models import ExamRules

HEAD = 'format = 1\n[course]\nslug = "a"\ntitle = "b"\nterm = "c"\n'
FULL = (
    HEAD
    + """
[[slots]]
weekday = "tuesday"
start = 10:15:00
end = 11:45:00
room = "H 0107"

[[slots]]
kind = "exercise"
weekday = "friday"

[[lectures]]
title = "First"
starts_at = 2024-04-16T10:15:00
ends_at = 2024-04-16T11:45:00
number = "01"

[[lectures]]
title = "Sparse kernels"
kind = "exercise"
day = 2024-04-19
number = "1"

[[lectures]]
title = "Outlook"

[[free_days]]
date = 2024-05-09
title = "Ascension Day"

[[free_days]]
date = 2024-05-20
last = 2024-05-24

[[deadlines]]
title = "Sheet 1"
kind = "sheet"
due_at = 2024-05-03T23:59:00
url = "https://example.org/sheet-1"

[[deadlines]]
title = "Quiz"
day = 2024-05-10
"""
)


def test_a_file_says_kinds_slots_open_dates_free_days_and_deadlines() -> None:
    spec = load_toml(FULL)
    assert spec == CourseSpec(
        slug="a",
        title="b",
        term="c",
        slots=(
            SlotSpec(weekday="tuesday", start=time(10, 15), end=time(11, 45), room="H 0107"),
            SlotSpec(kind="exercise", weekday="friday"),
        ),
        lectures=(
            LectureSpec(
                title="First",
                starts_at=datetime(2024, 4, 16, 10, 15),
                ends_at=datetime(2024, 4, 16, 11, 45),
                number="01",
            ),
            LectureSpec(title="Sparse kernels", kind="exercise", day=date(2024, 4, 19), number="1"),
            LectureSpec(title="Outlook"),
        ),
        free_days=(
            FreeDaySpec(date=date(2024, 5, 9), title="Ascension Day"),
            FreeDaySpec(date=date(2024, 5, 20), last=date(2024, 5, 24)),
        ),
        deadlines=(
            DeadlineSpec(
                title="Sheet 1", kind="sheet", due_at=datetime(2024, 5, 3, 23, 59), url="https://example.org/sheet-1"
            ),
            DeadlineSpec(title="Quiz", day=date(2024, 5, 10)),
        ),
    )
    assert load_toml(dump_toml(spec)) == spec


def test_the_slot_of_older_files_is_the_only_one() -> None:
    spec = load_toml(HEAD + '[slot]\nweekday = "thursday"\nstart = 16:00:00\n')
    assert spec.slots == (SlotSpec(weekday="thursday", start=time(16)),)
    assert load_toml(HEAD + "[slot]\n").slots == ()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('[slot]\nweekday = "friday"\n[[slots]]\nweekday = "friday"\n', r"line 6: slot stands beside \[\[slots\]\]"),
        ("[slot]\nweekday = 4\n", r"line 7: slot\.weekday must be text in quotes, found 4"),
        ("[[free_days]]\ntitle = 'x'\n", r"line 6: free_days\[0\]\.date is missing"),
        ("[[deadlines]]\nday = 2024-05-10\n", r"line 6: deadlines\[0\]\.title is missing"),
        ("[[free_days]]\ntitle = 2024-05-10\n", r"title must be text in quotes, found 2024-05-10"),
        (
            "[[exams]]\nstarts_at = 2024-07-18T16:00:00+02:00\n",
            r"starts_at must have no time zone: write it as clocks in the course show it, such as 2024-07-18T16:00:00",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_place(text: str, why: str) -> None:
    with pytest.raises(CourseFileError, match=why):
        load_toml(HEAD + text)


@pytest.mark.django_db
def test_the_example_of_the_guide_makes_a_course() -> None:
    guide = (Path(settings.BASE_DIR) / "docs" / "operating" / "course-file.md").read_text()
    (example,) = re.findall(r"^```toml\n(.+?)^```$", guide, re.DOTALL | re.MULTILINE)
    spec = load_toml(example)
    import_course(spec=spec, now=timezone.now())
    made = export_course(Course.objects.get())
    assert (made.slots, made.assignments, made.admission) == (spec.slots, spec.assignments, spec.admission)


def fields_by_table() -> dict[str, list[str]]:
    """The fields of all tables of a course file, by how each table is written."""
    tables: dict[str, list[str]] = {"[course]": []}
    waiting: list[tuple[str, type]] = [("", CourseSpec)]
    while waiting:
        path, kind = waiting.pop(0)
        hints = get_type_hints(kind)
        own = tables.setdefault(path or "[course]", [])
        for item in fields(kind):
            if not item.compare:
                continue
            inner = next((hint for hint in (hints[item.name], *get_args(hints[item.name])) if is_dataclass(hint)), None)
            if inner is None or inner is kind:
                own.append(item.name)
            else:
                name = ".".join([*filter(None, [path.strip("[]")]), item.name])
                waiting.append((f"[[{name}]]" if get_origin(hints[item.name]) is tuple else f"[{name}]", inner))
    return tables


def test_the_page_about_the_course_file_names_every_field() -> None:
    text = (Path(settings.BASE_DIR) / "docs" / "operating" / "course-file.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\[.+\])` \| (.+) \|$", text[text.index("## Every field") :], re.MULTILINE)
    assert {table: names.split(", ") for table, names in rows} == fields_by_table()


def test_every_setting_of_the_exam_rules_is_in_the_course_file() -> None:
    """The rule of admission is `[[admission]]`, whose project is the switch in `[grading]`; extra points are steps."""
    said = {item.name for kind in (ExamRulesSpec, GradingSpec) for item in fields(kind)}
    assert {field.name for field in ExamRules._meta.concrete_fields} - said == {
        "id",
        "course",
        "rule",
        "extra_points_rule",
    }
