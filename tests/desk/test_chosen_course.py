"""The course that the desk is about: chosen once, in every list and form, and never a way to see more."""

import re
from datetime import UTC, datetime, time
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from amls.agenda.services import reconcile
from amls.courses.models import Course, Enrolment, Role
from amls.mail.models import Announcement
from amls.portal.home.setup import setup_steps
from lectures.models import Lecture, OfficeHour
from projects.models import Project
from tests.agreement import agree_to
from tests.cast import Cast
from tests.factories import (
    AssignmentFactory,
    CourseFactory,
    EnrolmentFactory,
    ExamFactory,
    LectureFactory,
    PartFactory,
    TopicFactory,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("one_factor")]
NOW = datetime(2024, 6, 12, tzinfo=UTC)
LECTURES = "/admin/lectures/lecture/"


@pytest.fixture
def second(cast: Cast) -> Course:
    """Another course that the lecturer teaches, too."""
    course = CourseFactory.create(slug="dia", title="Data Integration")
    EnrolmentFactory.create(course=course, user=cast.lecturer.user, role=Role.LECTURER)
    LectureFactory.create(course=cast.course, number="05", title="Kept in the first")
    LectureFactory.create(course=course, number="05", title="Kept in the second")
    for taught in (cast.course, course):
        reconcile(taught, now=NOW)
    return course


def choose(client: Client, course: Course | None, path: str = LECTURES) -> None:
    answer = client.get(path, {"of": course.pk if course else "all", "p": "1"})
    assert (answer.status_code, answer.headers["Location"]) == (302, f"{path}?p=1")


def switch_of(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page[page.index("desk-switch") :].partition("</details>")[0]))


def titles(client: Client, path: str = LECTURES, **query: object) -> set[str]:
    page = client.get(path, query).content.decode()
    return set(re.findall(r"Kept in the \w+", page))


def test_a_course_is_chosen_once_for_every_list(cast: Cast, second: Course) -> None:
    client = cast.client("lecturer")
    assert titles(client) == {"Kept in the first", "Kept in the second"}
    choose(client, second, "/admin/exams/exam/")
    assert titles(client) == {"Kept in the second"}
    page = client.get(LECTURES).content.decode()
    assert str(second) in switch_of(page)
    assert f'href="{LECTURES}?of={cast.course.pk}"' in page
    assert f'href="{LECTURES}?of=all"' in page
    choose(client, None)
    assert titles(client) == {"Kept in the first", "Kept in the second"}


def test_whoever_teaches_one_course_works_in_it(cast: Cast, second: Course) -> None:
    page = cast.client("assistant").get(LECTURES).content.decode()
    assert "desk-switch" not in page
    assert "desk-only" in page
    assert "field-course" not in page


def test_a_list_of_one_course_has_no_column_and_no_filter_for_it(cast: Cast, second: Course) -> None:
    client, path = cast.client("lecturer"), reverse("admin:courses_enrolment_changelist")
    wide = client.get(path).content.decode()
    choose(client, cast.course, path)
    narrow = client.get(path).content.decode()
    assert [("field-course" in page, "course__id__exact" in page) for page in (wide, narrow)] == [
        (True, True), (False, False),
    ]  # fmt: skip


def test_an_address_that_names_a_course_is_of_that_course(cast: Cast, second: Course) -> None:
    client = cast.client("lecturer")
    choose(client, second)
    assert titles(client, course__id__exact=cast.course.pk) == {"Kept in the first"}


@pytest.mark.parametrize("part", ["assistant", "foreign lecturer"])
def test_nobody_chooses_a_course_that_they_do_not_teach(cast: Cast, second: Course, part: str) -> None:
    client = cast.client(part)
    assert client.get(LECTURES, {"of": second.pk}).status_code == 404
    assert client.get(LECTURES, {"of": "x"}).status_code == 404
    # Nor by what their browser sends.
    client.cookies["desk_course"] = str(second.pk)
    assert "Kept in the second" not in client.get(LECTURES).content.decode()
    page = client.get(LECTURES).content.decode()
    assert str(second) not in page


def test_a_new_row_begins_in_the_chosen_course_and_offers_what_is_its_own(cast: Cast, second: Course) -> None:
    client = cast.client("lecturer")
    PartFactory.create(course=cast.course, title="Of the first")
    PartFactory.create(course=second, title="Of the second")
    choose(client, second)
    page = client.get(f"{LECTURES}add/").content.decode()
    assert f'<option value="{second.pk}" selected>' in page
    assert ("Of the first" in page, "Of the second" in page) == (False, True)


def test_a_form_is_judged_by_permissions_whatever_was_chosen_since_it_was_opened(cast: Cast, second: Course) -> None:
    client = cast.client("lecturer")
    choose(client, second)
    answer = client.post(
        reverse("admin:lectures_part_add"), {"course": cast.course.pk, "letter": "Z", "title": "Kept", "position": 1}
    )
    assert answer.status_code == 302
    assert cast.course.parts.filter(letter="Z").exists()


def test_a_row_of_another_course_stays_open_and_leads_back_to_its_list(cast: Cast, second: Course) -> None:
    client, lecture = cast.client("lecturer"), Lecture.objects.get(title="Kept in the first")
    choose(client, second)
    page = client.get(reverse("admin:lectures_lecture_change", args=[lecture.pk])).content.decode()
    assert f'href="{LECTURES}?of={cast.course.pk}"' in page


def test_an_action_is_about_the_list_from_which_it_was_sent(cast: Cast, second: Course) -> None:
    client, path = cast.client("lecturer"), reverse("admin:courses_enrolment_changelist")
    mine = EnrolmentFactory.create(course=second, user__matriculation_number="500002")
    other = EnrolmentFactory.create(course=cast.course, user__matriculation_number="500001")
    choose(client, cast.course, path)
    page = client.get(path).content.decode()
    assert f'name="_of" value="{cast.course.pk}"' in page
    # In another window the other course was chosen since.
    choose(client, second, path)
    sent = {"action": "verify_numbers", "_selected_action": other.pk, "select_across": "1", "index": "0"}
    client.post(path, {**sent, "_of": cast.course.pk})
    assert Enrolment.objects.get(pk=other.pk).verified_number == "500001"
    assert Enrolment.objects.get(pk=mine.pk).verified_number == ""


def test_the_first_page_and_the_teams_are_of_the_chosen_course(cast: Cast, second: Course) -> None:
    client = cast.client("lecturer")
    for course, title in ((cast.course, "Kept in the first"), (second, "Kept in the second")):
        assignment = AssignmentFactory.create(course=course)
        topic = TopicFactory.create(course=course, assignment=assignment, title=title)
        Project.objects.create(assignment=assignment, topic=topic, registered_at=NOW)
    Lecture.objects.update(
        starts_at=datetime(2100, 5, 21, 14, tzinfo=UTC), ends_at=datetime(2100, 5, 21, 16, tzinfo=UTC)
    )
    choose(client, second, "/admin/")
    assert titles(client, "/admin/") == {"Kept in the second"}
    assert titles(client, reverse("admin:projects_project_changelist")) == {"Kept in the second"}
    choose(client, None, "/admin/")
    assert titles(client, "/admin/") == {"Kept in the first", "Kept in the second"}


def test_ways_from_a_course_to_the_desk_choose_it(cast: Cast, second: Course) -> None:
    page = cast.client("lecturer").get(second.get_absolute_url()).content.decode()
    assert f'href="/admin/?of={second.pk}"' in page


def test_another_exam_begins_as_the_one_that_it_is_like_four_weeks_later(cast: Cast, second: Course) -> None:
    client = cast.client("lecturer")
    exam = ExamFactory.create(course=second, title="Klausur", place="Audimax", starts_at=NOW, duration_minutes=75)
    answer = client.get(reverse("admin:exams_exam_make_another", args=[exam.pk]))
    assert (answer.status_code, answer.headers["Location"]) == (302, f"/admin/exams/exam/add/?like={exam.pk}")
    page = client.get(answer.headers["Location"]).content.decode()
    for said in ('value="Klausur"', 'value="Audimax"', 'value="75"', 'value="2024-07-10"'):
        assert said in page, said
    # Nothing of a course that somebody else teaches.
    page = cast.client("foreign lecturer").get(answer.headers["Location"]).content.decode()
    assert "Audimax" not in page


def test_another_lecture_and_office_hour_begin_as_those_that_they_are_like(cast: Cast) -> None:
    client = cast.client("lecturer")
    # From summer to winter time: 16:00 stays 16:00.
    lecture = LectureFactory.create(
        course=cast.course, title="Übung", number="03", room="MAR 0.001", kind="exercise",
        starts_at=datetime(2024, 10, 24, 14, tzinfo=UTC), ends_at=datetime(2024, 10, 24, 16, tzinfo=UTC),
    )  # fmt: skip
    hour = OfficeHour.objects.create(course=cast.course, weekday=2, start=time(10, 15), end=time(11), room="TEL 0811")
    begun: dict[tuple[str, int], dict[str, Any]] = {
        ("lectures_lecture", lecture.pk): {
            "title": "Übung", "number": None, "room": "MAR 0.001", "kind": "exercise", "day": None,
            "starts_at": datetime(2024, 10, 31, 16, tzinfo=cast.course.zone), "course": cast.course.pk,
        },
        ("lectures_officehour", hour.pk): {"room": "TEL 0811", "start": time(10, 15), "course": cast.course.pk},
    }  # fmt: skip
    for (name, pk), wanted in begun.items():
        page = client.get(reverse(f"admin:{name}_make_another", args=[pk]), follow=True)
        initial = page.context["adminform"].form.initial
        assert {field: initial.get(field) for field in wanted} == wanted


def test_what_goes_out_by_mail_is_shown_with_its_people_before_it_is_saved(cast: Cast) -> None:
    client, address = cast.client("lecturer"), reverse("admin:mail_announcement_add")
    sent = {
        "course": cast.course.pk, "title": "Der Raum ändert sich", "text": "Wir sind im **Audimax**.", "audience": "students",
        "publish_at_0": "2024-06-12", "publish_at_1": "10:00", "by_mail": "on",
    }  # fmt: skip
    shown = client.post(address, sent)
    page = shown.content.decode()
    count = Enrolment.objects.students().filter(course=cast.course).count()
    assert f"mail it to {count} " in page
    assert "<strong>Audimax</strong>" in page
    assert cast.student.user.email in page
    assert not Announcement.objects.exists()
    assert agree_to(client, address, sent, shown).status_code == 302
    assert Announcement.objects.get().title == "Der Raum ändert sich"


def test_a_draft_lists_what_is_still_to_be_set_up_for_its_staff(cast: Cast) -> None:
    Course.objects.filter(pk=cast.course.pk).update(state="draft")
    LectureFactory.create(course=cast.course, number="05")
    page = cast.client("lecturer").get(cast.course.get_absolute_url()).content.decode()
    assert f'href="/admin/exams/exam/add/?of={cast.course.pk}"' in page
    steps = {step.title: step.count for step in setup_steps(cast.course)}
    assert (steps["Sessions with a date"], steps["Exams"]) == (1, 0)
    Course.objects.filter(pk=cast.course.pk).update(state="running")
    assert "Setting the course up" not in cast.client("lecturer").get(cast.course.get_absolute_url()).content.decode()
