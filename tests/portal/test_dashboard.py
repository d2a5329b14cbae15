"""The desk's first page: what needs a hand, and how courses fill."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from amls.courses.models import Course, Enrolment
from amls.mail.health import beat_seen
from amls.mail.models import Notice
from amls.portal.desk.activity import activity_plots
from amls.portal.desk.needs import Need, lectures_in, needs_of
from exams.grading import usual_table
from exams.models import Exam, Registration, Room
from exams.services.closing import close_exam
from exams.services.door import correct_attendance, make_mark
from exams.services.gradetable import set_grade_table
from exams.services.points import enter_points
from exams.services.registration import register
from exams.services.results import publish_results
from exams.services.seating import assign_seats, release_seats
from projects.models import Membership, Project
from tests.cast import Cast
from tests.exams.people import make_students
from tests.factories import (
    AssignmentFactory,
    CourseFactory,
    EnrolmentFactory,
    LectureFactory,
    OpenExamFactory,
    TopicFactory,
)

pytestmark = pytest.mark.django_db
NOW = datetime(2024, 6, 12, 10, tzinfo=UTC)  # a Wednesday
# Queries of the first page, for an assistant with courses; more where numbers contradict each other.
COST, CONTRADICTIONS = 13, 3


def open_exam(course: Course, now: datetime, **more: Any) -> Exam:
    return OpenExamFactory.create(
        course=course, starts_at=now + timedelta(days=30), opens_at=now - timedelta(days=1), closes_at=None,
        withdraw_until=None, **more,
    )  # fmt: skip


def needs(cast: Cast, part: str = "assistant") -> list[Need]:
    user = cast.users()[part]
    assert user is not None
    courses = [cast.course] if part == "assistant" else [cast.other_course]
    return needs_of(courses, lectures_in(courses), user=user, now=NOW)


def test_exams_that_people_wait_for_stand_first(cast: Cast) -> None:
    beat_seen(now=NOW)
    exam = OpenExamFactory.create(course=cast.course, capacity=1)
    for enrolment in make_students(cast.course, 3):
        register(enrolment=enrolment, exam_pk=exam.pk, now=NOW)
    first = needs(cast)[0]
    assert (first.title, first.detail, first.at) == (str(exam), "2 people wait for a seat", exam.starts_at)
    assert first.address == f"/amls/exams/{exam.pk}/staff/"
    assert needs(cast, "foreign lecturer") == []


def test_seats_and_results_are_asked_for_when_it_is_time(cast: Cast) -> None:
    now = NOW
    beat_seen(now=now)
    exam = open_exam(cast.course, now)
    Exam.objects.update(starts_at=now + timedelta(days=4))
    register(enrolment=cast.student, exam_pk=exam.pk, now=now)

    Notice.objects.all().delete()

    def details(at: timedelta) -> list[str]:
        beat_seen(now=now + at)
        return [
            need.detail
            for need in needs_of([cast.course], lectures_in([cast.course]), user=cast.assistant.user, now=now + at)
        ]

    assert details(timedelta(0)) == []
    # Without rooms, as oral exams are and those whose place says it all, there are no seats to be told.
    assert details(timedelta(days=2)) == []
    Room.objects.create(exam=exam, name="H 0107", rows=1, seats_per_row=1)
    assert details(timedelta(days=2)) == ["people don't know their seats yet"]
    assign_seats(exam_pk=exam.pk, order="name", now=now)
    release_seats(exam_pk=exam.pk, now=now)
    Notice.objects.all().delete()
    assert details(timedelta(days=2)) == []
    register(enrolment=cast.other_student, exam_pk=exam.pk, now=now)
    Notice.objects.all().delete()
    assert details(timedelta(0)) == ["1 person has no seat that fits"]
    assert details(timedelta(days=5)) == ["results are not published"]
    Registration.objects.update(state="excused", closed_at=now)
    assert details(timedelta(days=5)) == []


def test_results_are_asked_for_when_the_exam_is_closed_too_and_those_that_come_late(cast: Cast) -> None:
    beat_seen(now=NOW)
    exam = open_exam(cast.course, NOW)
    held, unseen = (
        register(enrolment=enrolment, exam_pk=exam.pk, now=NOW) for enrolment in (cast.student, cast.other_student)
    )
    Notice.objects.all().delete()
    Exam.objects.update(starts_at=NOW - timedelta(days=1), opens_at=None, closes_at=None, withdraw_until=None)
    make_mark(registration_pk=held.pk, exam_pk=exam.pk, action="present", key=uuid4(), now=NOW)
    close_exam(exam_pk=exam.pk, now=NOW)

    def details() -> list[str]:
        return [need.detail for need in needs(cast)]

    assert details() == ["results are not published"]
    Registration.objects.filter(pk=held.pk).update(state="absent")
    # Nobody was there: nobody waits for a result.
    assert details() == []
    Registration.objects.filter(pk=held.pk).update(state="attended")
    set_grade_table(exam_pk=exam.pk, steps=usual_table(exam.max_points).steps, now=NOW)
    enter_points(exam_pk=exam.pk, points={held.pk: Decimal(50)}, by=None, now=NOW)
    assert details() == ["results are not published"]
    publish_results(exam_pk=exam.pk, by=None, now=NOW)
    Notice.objects.all().delete()
    assert details() == []
    correct_attendance(
        registration_pk=unseen.pk, exam_pk=exam.pk, attended=True, reason="On the list", by=None, now=NOW
    )
    assert details() == ["1 result is not published"]
    enter_points(exam_pk=exam.pk, points={unseen.pk: Decimal(50)}, by=None, now=NOW)
    assert details() == ["1 result is not published"]
    assert needs(cast, "foreign lecturer") == []
    publish_results(exam_pk=exam.pk, by=None, now=NOW)
    Notice.objects.all().delete()
    assert details() == []


def test_mail_that_fails_or_does_not_flow_is_said_to_those_it_concerns(cast: Cast) -> None:
    now = NOW
    assert [need.title for need in needs(cast)] == ["Mail does not flow"]
    beat_seen(now=now)
    assert needs(cast) == []
    Notice.objects.create(
        kind="projects.receipt", key="k", course=cast.course, recipient=cast.student.user, state="failed",
        not_before=now, due_at=now + timedelta(days=1), created_at=now, failed_at=now,
    )  # fmt: skip
    assert [need.title for need in needs(cast)] == ["1 mail failed within a day"]
    assert needs(cast, "foreign lecturer") == []


def test_lectures_without_files_are_one_row_with_their_number(cast: Cast) -> None:
    now = NOW
    beat_seen(now=now)
    for days in (9, 2, -5):
        LectureFactory.create(course=cast.course, starts_at=now - timedelta(days=days), ends_at=now - timedelta(days=days, hours=-2))  # fmt: skip
    assert [(need.title, len(need.rows)) for need in needs(cast)] == [
        ("2 past lectures without slides", 2),
        ("2 past lectures without a recording", 2),
    ]


def test_plots_count_by_the_courses_weeks(cast: Cast) -> None:
    course = CourseFactory.create(slug="zone", timezone="Pacific/Auckland")
    # Sunday 23:30 UTC is Monday in Auckland: another week.
    now = NOW.replace(hour=12)
    sunday = (now - timedelta(days=now.weekday() + 1)).replace(hour=23, minute=30)
    exam = OpenExamFactory.create(course=course, capacity=10)
    for number, enrolment in enumerate(make_students(course, 3)):
        register(enrolment=enrolment, exam_pk=exam.pk, now=now)
        Registration.objects.filter(enrolment=enrolment).update(created_at=sunday - timedelta(days=number and 1))
    [(_course, [plot])] = activity_plots([course], now=now)
    assert (plot.name, [bar.value for bar in plot.bars]) == ("zone-registrations", [0, 0, 2, 1])


def test_teams_of_sheets_are_no_projects(cast: Cast) -> None:
    for kind, title in (("sheet", "Übungsblatt 1"), ("project", "Project")):
        is_sheet = kind == "sheet"
        work = AssignmentFactory.create(
            course=cast.course,
            kind=kind,
            title=title,
            is_main=not is_sheet,
            topics_given="" if is_sheet else "first-come",
        )
        Project.objects.create(
            assignment=work, registered_at=NOW, topic=TopicFactory.create(course=cast.course) if work.is_main else None
        )
    [(_course, [plot])] = activity_plots([cast.course], now=NOW)
    assert (plot.name, plot.total) == ("amls-projects", 1)


def test_the_first_page_costs_the_same_with_many_rows(cast: Cast) -> None:
    client, now = cast.client("assistant"), timezone.now()
    client.get("/admin/")

    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert client.get("/admin/").status_code == 200
        return len(queries)

    def add(count: int) -> None:
        for enrolment in make_students(cast.course, count, prefix=f"s{count}x"):
            exam = open_exam(cast.course, now, capacity=1)
            register(enrolment=enrolment, exam_pk=exam.pk, now=now)
            LectureFactory.create(course=cast.course, starts_at=now - timedelta(days=1))
            TopicFactory.create(course=cast.course)

    add(1)
    assert cost() == COST
    add(3)
    assert cost() == COST + CONTRADICTIONS
    # Nor does it matter in how many courses.
    for number in range(3):
        course = CourseFactory.create(slug=f"more-{number}", timezone=("Europe/Berlin", "Asia/Tokyo", "UTC")[number])
        Enrolment.objects.create(user=cast.assistant.user, course=course, role="assistant")
        LectureFactory.create(course=course, starts_at=now - timedelta(days=1))
        register(
            enrolment=make_students(course, 1, prefix=f"m{number}x")[0], exam_pk=open_exam(course, now).pk, now=now
        )
    assert cost() == COST + CONTRADICTIONS


def test_long_lists_show_their_first_rows_and_how_many_more_there_are(cast: Cast) -> None:
    beat_seen(now=NOW)
    for days in range(23):
        LectureFactory.create(course=cast.course, starts_at=NOW - timedelta(days=40 - days))
    slides, _recordings = needs(cast)
    assert (slides.title, len(slides.rows), slides.more) == ("23 past lectures without slides", 20, 3)
    assert "and 3 more" in cast.client("assistant").get("/admin/").content.decode()


def test_of_several_courses_it_is_said_which_has_undecided_projects(cast: Cast) -> None:
    courses = [cast.course, cast.other_course]
    for course in courses:
        topic = TopicFactory.create(course=course)
        project = Project.objects.create(assignment=topic.assignment, topic=topic, registered_at=NOW)
        enrolment = EnrolmentFactory.create(course=course)
        Membership.objects.create(
            project=project, assignment=topic.assignment, enrolment=enrolment, joined_at=NOW
        )  # fmt: skip
    for shown, said in ((courses, {str(course) for course in courses}), (courses[:1], {""})):
        waiting = needs_of(shown, lectures_in(shown), user=cast.assistant.user, now=NOW)
        assert {need.detail for need in waiting if need.title == "1 project without a decision"} == said


def test_one_place_of_the_menu_is_where_one_is(cast: Cast) -> None:
    client = cast.client("assistant")
    for path, here in (
        ("/admin/", ["Today"]),
        ("/admin/lectures/lecture/upload/", ["Upload files"]),
        ("/admin/lectures/lecture/add/", ["Lectures"]),
        ("/admin/mail/notice/health/", ["Does mail flow?"]),
        ("/admin/projects/extensionrequest/", ["Requests for more time"]),
    ):
        groups = client.get(path).context["desk_sidebar"].groups
        assert [item["title"] for group in groups for item in group["items"] if item["active"]] == here


def test_the_page_shows_what_waits_and_how_the_course_fills(cast: Cast) -> None:
    now = timezone.now()
    exam = open_exam(cast.course, now, capacity=1)
    for enrolment in make_students(cast.course, 2):
        register(enrolment=enrolment, exam_pk=exam.pk, now=now)
    page = cast.client("assistant").get("/admin/").content.decode()
    for words in ("1 person waits for a seat", "Sign-ups for exams by week", "How Architecture of", "as a table"):
        assert words in page, words
    assert "waits for a seat" not in cast.client("foreign lecturer").get("/admin/").content.decode()
