"""The desk of somebody whose courses are in several zones: each moment is read and shown by the clock of its course."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from amls.agenda.services import reconcile
from amls.core.clock import database_clock
from amls.courses.models import Course, Role
from amls.mail.models import Announcement
from exams.models import Exam, Registration, Result
from lectures.models import Deadline, Lecture, Material, OfficeHour
from tests.agreement import agree_to
from tests.cast import Cast
from tests.desk.test_writes import form_of
from tests.factories import (
    AssignmentFactory,
    CourseFactory,
    EnrolmentFactory,
    ExamFactory,
    LectureFactory,
    OfficeHourFactory,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("one_factor")]
NOW = datetime(2024, 6, 12, tzinfo=UTC)
AUCKLAND = "Pacific/Auckland"
BERLIN = "Europe/Berlin"
CHOSEN = "Times here are those of the course that you choose; its zone stands behind its name."
BESIDE = "Each time is that of its course, whose zone stands beside it."
LECTURES = "/admin/lectures/lecture/"
DEADLINES = "/admin/lectures/deadline/"
ANNOUNCEMENTS = "/admin/mail/announcement/"


@pytest.fixture
def far(cast: Cast) -> Course:
    """A course of the lecturer on the other side of the world, which stands before their others."""
    course = CourseFactory.create(slug="aaa", title="Far away", timezone=AUCKLAND)
    EnrolmentFactory.create(course=course, user=cast.lecturer.user, role=Role.LECTURER)
    for taught in (cast.course, course):
        reconcile(taught, now=NOW)
    return course


def text_of(page: str) -> str:
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)))


def foot_of(page: str) -> str:
    return text_of(page[page.index('desk-help">') + 11 :].partition("</p>")[0]).strip()


def rows_of(page: str) -> list[str]:
    return [text_of(row) for row in re.findall(r"<tr.*?</tr>", page.partition("<tbody>")[2], re.DOTALL)]


def deadline(client: Client, course: Course, address: str = f"{DEADLINES}add/", **values: object) -> dict[str, Any]:
    """Return what a browser sends of a deadline's form in which this was typed."""
    typed = {"title": "Sheet 1", "due_at_0": "2024-12-20", "due_at_1": "10:00", **values}
    return {**form_of(client, address), "course": course.pk, **typed}


def test_a_new_row_counts_by_the_clock_of_the_course_that_its_form_chooses(cast: Cast, far: Course) -> None:
    client = cast.client("lecturer")
    for course, hour in ((cast.course, 9), (far, -3)):
        shown = client.post(f"{DEADLINES}add/", deadline(client, course))
        assert f"Fri 20 Dec 2024, 10:00 ({course.timezone})" in text_of(shown.content.decode())
        assert foot_of(shown.content.decode()) == f"All times are those of {course.timezone}."
        assert agree_to(client, f"{DEADLINES}add/", deadline(client, course), shown).status_code == 302
        assert Deadline.objects.get(course=course).due_at == datetime(2024, 12, 20, tzinfo=UTC) + timedelta(hours=hour)


def test_what_stands_within_a_new_row_counts_by_that_clock_too(cast: Cast, far: Course) -> None:
    client = cast.client("lecturer")
    data = {
        **form_of(client, f"{LECTURES}add/"), "course": cast.course.pk, "number": "07", "title": "Trees",
        "starts_at_0": "2024-06-20", "starts_at_1": "14:00", "ends_at_0": "2024-06-20", "ends_at_1": "16:00",
        "materials-TOTAL_FORMS": "1", "materials-0-kind": "other", "materials-0-title": "Notes",
        "materials-0-url": "https://example.org/", "materials-0-audience": "public", "materials-0-position": "0",
        "materials-0-visible_from_0": "2024-06-20", "materials-0-visible_from_1": "18:00",
    }  # fmt: skip
    assert agree_to(client, f"{LECTURES}add/", data).status_code == 302
    assert Lecture.objects.get(title="Trees").starts_at == datetime(2024, 6, 20, 12, tzinfo=UTC)
    assert Material.objects.get(title="Notes").visible_from == datetime(2024, 6, 20, 16, tzinfo=UTC)


def test_a_form_that_is_sent_back_shows_and_counts_what_was_typed(cast: Cast, far: Course) -> None:
    client = cast.client("lecturer")
    answer = client.post(f"{DEADLINES}add/", deadline(client, cast.course, title=""))
    page = answer.content.decode()
    assert 'name="due_at_1" value="10:00"' in page
    assert foot_of(page) == CHOSEN
    # What Berlin's clock skips is no time there, whatever Auckland's does.
    skipped = client.post(f"{DEADLINES}add/", deadline(client, cast.course, due_at_0="2024-03-31", due_at_1="02:30"))
    assert skipped.status_code == 200
    assert "2024-03-31" in skipped.content.decode()
    assert Deadline.objects.count() == 0


def test_a_row_that_goes_to_another_course_is_typed_by_its_clock(cast: Cast, far: Course) -> None:
    client = cast.client("lecturer")
    row = Deadline.objects.create(course=cast.course, title="Sheet 1", due_at=datetime(2024, 12, 20, 9, tzinfo=UTC))
    address = f"{DEADLINES}{row.pk}/change/"
    page = client.get(address).content.decode()
    assert 'value="10:00:00"' in page
    assert foot_of(page) == f"All times are those of {BERLIN}."
    agree_to(client, address, deadline(client, cast.course, address))
    row.refresh_from_db()
    assert row.due_at == datetime(2024, 12, 20, 9, tzinfo=UTC)
    agree_to(client, address, deadline(client, far, address))
    row.refresh_from_db()
    assert row.due_at == datetime(2024, 12, 19, 21, tzinfo=UTC)


def test_a_form_says_by_whose_clock_it_counts(cast: Cast, far: Course) -> None:
    client = cast.client("lecturer")
    page = client.get(f"{DEADLINES}add/").content.decode()
    assert [f"{course} ({course.timezone})</option>" in page for course in (cast.course, far)] == [True, True]
    assert text_of(page).count(CHOSEN) == 2
    # Of one zone nothing is said beside the courses.
    Course.objects.update(timezone=AUCKLAND)
    page = client.get(f"{DEADLINES}add/").content.decode()
    assert f"{cast.course}</option>" in page
    assert foot_of(page) == f"All times are those of {AUCKLAND}."
    # Nor where no time is asked for.
    Course.objects.filter(pk=far.pk).update(timezone=BERLIN)
    assert f"{far}</option>" in client.get("/admin/lectures/part/add/").content.decode()


def test_another_date_begins_by_the_clock_of_the_one_that_it_is_like(cast: Cast, far: Course) -> None:
    row = Deadline.objects.create(course=cast.course, title="Sheet 1", due_at=datetime(2024, 12, 20, 9, tzinfo=UTC))
    page = cast.client("lecturer").get(f"{DEADLINES}add/", {"like": row.pk}).content.decode()
    assert re.findall(r'value="(2024-12-27|10:00:00|22:00:00)"', page) == ["2024-12-27", "10:00:00"]


def test_an_announcement_begins_at_once_only_where_it_is_known_by_which_clock(cast: Cast, far: Course) -> None:
    database_clock.set(NOW)
    client = cast.client("lecturer")

    def begins(**query: object) -> list[str]:
        page = client.get(f"{ANNOUNCEMENTS}add/", query).content.decode()
        return re.findall(r'name="publish_at_1" value="([^"]*)"', page)

    assert begins() == []
    assert begins(course=cast.course.pk) == ["02:00:00"]
    assert begins(course=far.pk) == ["12:00:00"]
    assert not Announcement.objects.exists()


def test_rows_of_a_list_are_each_in_the_zone_of_their_course(cast: Cast, far: Course) -> None:
    at = datetime(2024, 12, 20, 9, tzinfo=UTC)
    for course in (cast.course, far):
        Deadline.objects.create(course=course, title=f"Of {course.slug}", due_at=at)
        ExamFactory.create(course=course, starts_at=at)
    client = cast.client("lecturer")
    for path in (DEADLINES, "/admin/exams/exam/"):
        page = client.get(path).content.decode()
        assert foot_of(page) == BESIDE
        said = {zone: row for row in rows_of(page) for zone in (BERLIN, AUCKLAND) if zone in row}
        assert {zone: re.findall(r"\d\d:\d\d", row) for zone, row in said.items()} == {
            BERLIN: ["10:00"], AUCKLAND: ["22:00"],
        }  # fmt: skip
        # Of one course the foot says it for all.
        client.get(path, {"of": cast.course.pk})
        page = client.get(path).content.decode()
        assert foot_of(page) == f"All times are those of {BERLIN}."
        assert "field-time_zone" not in page
        client.get(path, {"of": "all"})
    # Of courses of one zone, too.
    Course.objects.update(timezone=AUCKLAND)
    page = client.get(DEADLINES).content.decode()
    assert foot_of(page) == f"All times are those of {AUCKLAND}."
    assert "field-time_zone" not in page


def test_where_all_rows_are_of_one_zone_it_is_told_once(cast: Cast, far: Course) -> None:
    Deadline.objects.create(course=far, title="Sheet 1", due_at=NOW)
    page = cast.client("lecturer").get(DEADLINES).content.decode()
    assert "In every row: time zone Pacific/Auckland" in text_of(page)
    assert "field-time_zone" not in page


@pytest.mark.parametrize("rows", [1, 3])
def test_courses_of_rows_are_read_with_them(cast: Cast, far: Course, rows: int, django_assert_num_queries: Any) -> None:
    for course in (cast.course, far):
        for enrolment in EnrolmentFactory.create_batch(rows, course=course):
            held = Registration.objects.create(
                course=course, exam=ExamFactory.create(course=course), enrolment=enrolment, state="attended",
                arrived_at=NOW, created_at=NOW, changed_at=NOW,
            )  # fmt: skip
            Result.objects.create(registration=held, points=50)
    client = cast.client("lecturer")
    client.get("/admin/exams/result/")
    with django_assert_num_queries(7):
        page = client.get("/admin/exams/result/").content.decode()
    assert len(rows_of(page)) == rows * 2


def edit(client: Client, row: Lecture, **typed: object) -> Any:
    data: Mapping[str, object] = {
        "form-TOTAL_FORMS": "1", "form-INITIAL_FORMS": "1", "form-0-id": row.pk, "_save": "Save",
        "form-0-starts_at": "2024-06-20T14:00", "form-0-ends_at": "2024-06-20T16:00", "form-0-room": "H 0111",
        "form-0-mode": row.mode, "form-0-state": row.state, **typed,
    }  # fmt: skip
    return agree_to(client, f"{LECTURES}?edit={row.pk}", data)


def test_what_is_edited_in_a_list_is_shown_and_counts_by_the_clock_of_its_row(cast: Cast, far: Course) -> None:
    client = cast.client("lecturer")
    at = datetime(2024, 6, 20, 12, tzinfo=UTC)
    rows = [
        LectureFactory.create(course=course, starts_at=at, ends_at=at + timedelta(hours=2))
        for course in (cast.course, far)
    ]
    for row, shown in zip(rows, ("2024-06-20T14:00", "2024-06-21T00:00"), strict=True):
        assert f'value="{shown}"' in client.get(LECTURES, {"edit": row.pk}).content.decode()
    for row, begins in zip(rows, (at, datetime(2024, 6, 20, 2, tzinfo=UTC)), strict=True):
        assert edit(client, row, **{"form-0-room": "A 1"}).status_code == 302
        row.refresh_from_db()
        assert (row.starts_at, row.room) == (begins, "A 1")


def test_exceptions_of_office_hours_are_moved_by_the_clock_of_their_course(cast: Cast, far: Course) -> None:
    client = cast.client("lecturer")
    hour: OfficeHour = OfficeHourFactory.create(course=cast.course)
    address = reverse("admin:lectures_officehour_change", args=[hour.pk])
    data = {
        **form_of(client, address), "exceptions-TOTAL_FORMS": "1", "exceptions-0-day": "2024-06-18",
        "exceptions-0-moved_to_start_0": "2024-06-20", "exceptions-0-moved_to_start_1": "14:00",
        "exceptions-0-moved_to_end_0": "2024-06-20", "exceptions-0-moved_to_end_1": "15:00",
    }  # fmt: skip
    agree_to(client, address, data)
    assert hour.exceptions.get().moved_to_start == datetime(2024, 6, 20, 12, tzinfo=UTC)


def test_the_first_page_says_each_time_by_the_clock_of_its_course(cast: Cast, far: Course) -> None:
    database_clock.set(NOW)
    at = datetime(2024, 6, 20, 14, tzinfo=UTC)
    for course in (cast.course, far):
        LectureFactory.create(course=course, starts_at=at, ends_at=at + timedelta(hours=2))
    # In Auckland it was the next day.
    past = LectureFactory.create(course=cast.course, starts_at=datetime(2024, 6, 10, 14, tzinfo=UTC))
    page = text_of(cast.client("lecturer").get("/admin/").content.decode())
    assert f"Thu 20 Jun, 16:00–18:00 ({BERLIN})" in page
    assert f"Fri 21 Jun, 02:00–04:00 ({AUCKLAND})" in page
    assert f"{past}, Mon 10 Jun" in page
    assert BESIDE in page


def test_teams_of_several_zones_name_theirs(cast: Cast, far: Course) -> None:
    for course in (cast.course, far):
        AssignmentFactory.create(course=course, assessed_by=datetime(2024, 8, 1, 10, tzinfo=UTC))
    client = cast.client("lecturer")
    assert foot_of(client.get("/admin/projects/project/").content.decode()) == BESIDE
    page = client.get("/admin/projects/project/", {"course": far.pk}).content.decode()
    assert foot_of(page) == f"All times are those of {AUCKLAND}."


def test_exams_to_filter_by_have_the_day_that_they_have_in_their_course(cast: Cast, far: Course) -> None:
    exam: Exam = ExamFactory.create(course=cast.course, starts_at=datetime(2024, 7, 1, 14, tzinfo=UTC))
    ExamFactory.create(course=far)
    page = cast.client("lecturer").get("/admin/exams/registration/").content.decode()
    assert f"{exam}, Mon 1 Jul 2024" in unescape(page)


def test_forms_of_their_own_name_the_zone_of_each_course_that_they_offer(cast: Cast, far: Course) -> None:
    for course in (cast.course, far):
        AssignmentFactory.create(course=course)
    client = cast.client("lecturer")
    for address in (reverse("admin:projects_assignment_add_series"), reverse("admin:projects_extension_add")):
        page = client.get(address).content.decode()
        assert [f"{course} ({course.timezone})</option>" in page for course in (cast.course, far)] == [True, True]
        assert "In the zone of the course that you choose" in page
        assert foot_of(page) == CHOSEN
