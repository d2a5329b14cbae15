"""Dates of exams that are not held, and what is said of late hand-ins, through a course file and into a new term."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from amls.agenda.models import AgendaItem
from amls.courses.models import Course
from amls.courses.services import finish_course_change
from amls.mail.models import Notice
from amls.portal.takeover.apply import import_course
from amls.portal.takeover.export import export_course
from amls.portal.takeover.rollover import roll_over
from amls.portal.takeover.spec import CourseFileError, CourseSpec
from amls.portal.takeover.toml import dump_toml, load_toml
from exams.models import Exam, Registration
from exams.services.cancelling import cancel_exam, hold_after_all
from exams.services.registration import register
from projects.models import Assignment
from tests.cast import Cast
from tests.factories import AssignmentFactory, OpenExamFactory

pytestmark = pytest.mark.django_db
NOW = timezone.now().replace(second=0, microsecond=0)
WHY = "Der Hörsaal ist gesperrt: „Wasserschaden“, Größe unbekannt"


@pytest.fixture
def exam(cast: Cast) -> Exam:
    """A date in which a student has a seat."""
    made: Exam = OpenExamFactory.create(
        course=cast.course, title="Klausur Łódź", starts_at=NOW + timedelta(days=9), closes_at=NOW + timedelta(days=8)
    )
    register(enrolment=cast.student, exam_pk=made.pk, now=NOW)
    finish_course_change(cast.course, now=NOW)
    return made


def read_again(course: Course, **changes: Any) -> CourseSpec:
    """The course as its file would be read again."""
    return replace(load_toml(dump_toml(export_course(course))), **changes)


def with_reason(course: Course, reason: str) -> CourseSpec:
    spec = read_again(course)
    return replace(spec, exams=tuple(replace(row, cancelled=reason) for row in spec.exams))


def test_a_date_that_is_cancelled_is_so_in_the_file_and_in_the_course_that_is_made_of_it(
    cast: Cast, exam: Exam
) -> None:
    cancel_exam(exam_pk=exam.pk, reason=WHY, now=NOW)
    text = dump_toml(export_course(cast.course))
    assert load_toml(text) == export_course(cast.course)
    assert load_toml(text).exams[0].cancelled == WHY
    assert not import_course(spec=load_toml(text), now=NOW)
    import_course(spec=load_toml(text), slug="again", now=NOW)
    again = Course.objects.get(slug="again")
    assert dump_toml(export_course(again)) == text.replace(f'slug = "{cast.course.slug}"', 'slug = "again"')
    copy = Exam.objects.get(course=again)
    assert (copy.is_cancelled, copy.cancelled_because) == (True, WHY)
    # Everybody's calendar has it as cancelled, too.
    assert AgendaItem.objects.get(course=again, key=f"exams.exam:{copy.pk}").status == "cancelled"


def test_a_file_cancels_a_date_as_its_page_does(cast: Cast, exam: Exam) -> None:
    shown = import_course(spec=with_reason(cast.course, WHY), now=NOW, dry_run=True)
    assert not Exam.objects.get().is_cancelled
    told = [line for line in shown.warnings if "is told in five minutes" in line]
    assert len(told) == 1
    diff = import_course(spec=with_reason(cast.course, WHY), now=NOW)
    assert [(entry.name, entry.before, entry.after) for entry in diff.entries] == [("reason of the cancellation", "", WHY)]  # fmt: skip
    assert Exam.objects.get().cancelled_because == WHY
    assert Registration.objects.get().state == Registration.State.CANCELLED
    assert Notice.objects.filter(kind="exams.cancelled", recipient=cast.student.user).exists()
    assert not import_course(spec=with_reason(cast.course, WHY), now=NOW)
    # Another reason holds from then on.
    import_course(spec=with_reason(cast.course, "Streik"), now=NOW)
    assert Exam.objects.get().cancelled_because == "Streik"


def test_a_file_that_does_not_say_so_holds_no_date_that_is_cancelled(cast: Cast, exam: Exam) -> None:
    before = read_again(cast.course)
    cancel_exam(exam_pk=exam.pk, reason=WHY, now=NOW)
    diff = import_course(spec=before, now=NOW)
    assert Exam.objects.get().cancelled_because == WHY
    assert [line for line in diff.warnings if "is cancelled here, and the file doesn't say so" in line]
    hold_after_all(exam_pk=exam.pk, now=NOW)
    assert not import_course(spec=before, now=NOW).warnings


@pytest.mark.parametrize(
    ("change", "reason", "why"),
    [({"closed_at": NOW}, WHY, "is closed: it was held"), ({}, "x" * 301, "at most 300 characters")],
)
def test_a_date_that_was_held_or_a_reason_that_is_too_long_is_refused_with_its_date(
    cast: Cast, exam: Exam, change: dict[str, Any], reason: str, why: str
) -> None:
    spec = with_reason(cast.course, reason)
    Exam.objects.update(**change)
    with pytest.raises(CourseFileError, match=rf"Exam {exam.starts_at:%Y-%m}-\d\d[\s\S]*{why}"):
        import_course(spec=spec, now=NOW)
    assert not Exam.objects.get().is_cancelled


def test_a_new_term_plans_a_cancelled_date_anew_and_says_what_it_left_out(cast: Cast) -> None:
    held = datetime(2024, 7, 18, 14, tzinfo=cast.course.zone)
    exam = Exam.objects.create(course=cast.course, title="Klausur Łódź", starts_at=held)
    Exam.objects.create(course=cast.course, title="Zweite", starts_at=held.replace(month=10))
    cancel_exam(exam_pk=exam.pk, reason=WHY, now=NOW)
    Course.objects.filter(pk=cast.course.pk).update(first_day=date(2024, 4, 15))
    course = Course.objects.get(pk=cast.course.pk)
    diff = roll_over(course=course, new_slug="next", start=date(2025, 4, 14), now=NOW)
    (line,) = [line for line in diff.warnings if line.startswith("Cancelled in the old term")]
    assert "without the reason: Klausur Łódź (Thu 17 Jul 2025, 14:00)." in line
    assert list(Exam.objects.filter(course__slug="next").values_list("cancelled_at", "cancelled_because")) == [(None, "")] * 2  # fmt: skip
    assert WHY not in "".join(map(str, diff.entries))


LATE = [
    {"late_policy": "accepted", "late_cutoff_hours": 72, "grace_minutes": 0, "late_percent": 0},
    {"late_policy": "refused", "late_cutoff_hours": 48, "grace_minutes": 15, "late_percent": 0},
    {"late_policy": "deducted", "late_cutoff_hours": 96, "grace_minutes": 0, "late_percent": 20},
]


@pytest.mark.parametrize("rule", LATE, ids=[str(rule["late_policy"]) for rule in LATE])
@pytest.mark.parametrize("is_main", [True, False])
def test_how_late_hand_ins_are_taken_comes_back_from_a_file_and_into_a_new_term(
    cast: Cast, rule: dict[str, Any], is_main: bool
) -> None:
    Course.objects.filter(pk=cast.course.pk).update(first_day=date(2024, 4, 15))
    course = Course.objects.get(pk=cast.course.pk)
    due = datetime(2024, 6, 30, 23, 59, tzinfo=course.zone)
    dated = {"due_at": due, "grading": "points", "max_points": 20, "position": 0 if is_main else 1}
    AssignmentFactory.create(course=course, is_main=is_main, **dated, **rule)
    text = dump_toml(export_course(course))
    assert load_toml(text) == export_course(course)
    assert not import_course(spec=load_toml(text), now=NOW)
    import_course(spec=load_toml(text), slug="again", now=NOW)
    roll_over(course=course, new_slug="next", start=date(2025, 4, 14), now=NOW)
    for slug in ("again", "next"):
        assert Assignment.objects.filter(course__slug=slug).values(*rule).get() == rule
    # A file that says another rule gives the course that one.
    other = {"late_policy": "accepted", "late_cutoff_hours": 24, "grace_minutes": 0, "late_percent": 0}
    spec = load_toml(text)
    if is_main:
        assert spec.projects is not None
        spec = replace(spec, projects=replace(spec.projects, **other))
    else:
        spec = replace(spec, assignments=tuple(replace(row, **other) for row in spec.assignments))
    assert import_course(spec=spec, now=NOW)
    assert Assignment.objects.filter(course=course).values(*other).get() == other
