"""A term with twelve sheets, from making the series to the admission to the exam."""

import re
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from amls.agenda.services import reconcile
from amls.core.clock import from_wall_clock
from amls.courses.models import Course, Enrolment, Role, User
from exams.models import ExamRules
from lectures.models import FreeDay
from projects.models import Assignment, Project
from projects.services.assessing import publish_assessments
from projects.services.excuses import excuse
from projects.services.points import give_points, team_for_points
from projects.services.teamsheets import Given, most_by_task
from tests.browser.conftest import Open, let_held_acts_happen
from tests.browser.looks import axe
from tests.factories import CourseFactory, EnrolmentFactory, OpenExamFactory

NOTEBOOK = b'{"cells": [{"cell_type": "markdown", "metadata": {}, "source": ["# 1"]}], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'


@pytest.fixture
def course(site: str) -> Course:
    """A course of two students, with a holiday on the day on which the second sheet would be due."""
    course = CourseFactory.create(slug="analysis", title="Analysis für Größen")
    holiday = (timezone.now().astimezone(course.zone) + timedelta(days=8)).date()
    FreeDay.objects.create(course=course, first=holiday, title="Himmelfahrt")
    reconcile(course, now=timezone.now())
    ExamRules.objects.create(course=course, needs_matriculation_number=False)
    now = timezone.now()
    OpenExamFactory.create(
        course=course, starts_at=now + timedelta(days=120), opens_at=now - timedelta(days=1),
        closes_at=now + timedelta(days=110), withdraw_until=now + timedelta(days=115),
    )  # fmt: skip
    for number in (9, 10):
        EnrolmentFactory.create(course=course, user=User.objects.get(email=f"student{number}@example.org"))
    EnrolmentFactory.create(course=course, user=User.objects.get(email="lecturer@example.org"), role=Role.LECTURER)
    return course


def make_sheets(staff: Page, course: Course) -> list[Assignment]:
    """Make the series at the desk, the first due tomorrow at 10:00."""
    staff.get_by_label("Course", exact=True).select_option(label=str(course))
    staff.get_by_label("Name", exact=True).fill("Sheet")
    tomorrow = timezone.now().astimezone(course.zone) + timedelta(days=1)
    staff.get_by_label("The first is due").fill(f"{tomorrow:%Y-%m-%d}T10:00")
    staff.get_by_label("Most points").fill("10")
    staff.get_by_role("button", name="Show when each is due").click()
    expect(staff.locator(".desk-note").filter(has_text="Sheet 2")).to_contain_text("no class on")
    staff.get_by_role("button", name="Make them").click()
    expect(staff.get_by_text("12 assignments are made.")).to_be_visible()
    sheets = list(Assignment.objects.filter(course=course).select_related("course").order_by("number"))
    due = from_wall_clock(datetime.combine(tomorrow.date(), datetime.min.time().replace(hour=10)), course.zone)
    weeks = [0, *range(2, 13)]
    assert [sheet.due_at and sheet.due_at.astimezone(course.zone).date() for sheet in sheets] == [
        (due.astimezone(course.zone) + timedelta(weeks=week)).date() for week in weeks
    ]
    return sheets


def hand_in(page: Page) -> None:
    page.locator("#files").set_input_files({"name": "blatt.ipynb", "mimeType": "application/json", "buffer": NOTEBOOK})
    page.get_by_role("button", name="Hand in").click()
    expect(page.get_by_role("heading", name="Receipt of attempt 1")).to_be_visible()


def grade(staff: Page, site: str, project: Project, growth: str, proof: str) -> None:
    staff.goto(f"{site}/admin/projects/project/{project.pk}/assess/")
    staff.get_by_label("Growth, of 6", exact=True).fill(growth)
    staff.get_by_label("Proof, of 4", exact=True).fill(proof)
    staff.get_by_role("button", name="Save and publish").click()
    expect(staff.get_by_text("Publish 1 decision: it happens at")).to_be_visible()
    let_held_acts_happen()


def build_rule(staff: Page, site: str) -> None:
    """At least half of the points of the best ten, and one presentation."""
    staff.goto(f"{site}/analysis/staff/admission/")
    for kind in ("A share of the points", "Attendance or presentations, from a list"):
        staff.get_by_label("Another block").select_option(label=kind)
        staff.get_by_role("button", name="Add", exact=True).click()
    staff.get_by_label("The weakest that don't count").fill("2")
    staff.get_by_role("button", name="Show what it would do").last.click()
    expect(staff.get_by_role("link", name=re.compile("Choose a list"))).to_be_visible()
    assert axe(staff) == []
    staff.get_by_label("List", exact=True).select_option(label="At the board")
    staff.get_by_role("button", name="Show what it would do").last.click()
    expect(staff.get_by_text("At least 50 % of all points, without the 2 weakest", exact=True)).to_be_visible()
    staff.get_by_role("button", name="Let this rule hold").click()
    expect(staff.get_by_text("The rule holds from now on.")).to_be_visible()


def test_a_term_with_twelve_sheets_from_the_series_to_the_admission(open_page: Open, site: str, course: Course) -> None:
    staff = open_page("/admin/projects/assignment/series", user="lecturer")
    sheets = make_sheets(staff, course)
    first = sheets[0]
    staff.goto(f"{site}/analysis/staff/assignments/{first.pk}/tasks/")
    staff.get_by_label("Tasks").fill("Growth | 6\nProof | 4")
    staff.get_by_role("button", name="Show what it would do").click()
    staff.get_by_role("button", name="Save the tasks").click()
    expect(staff.get_by_text("The tasks are saved.")).to_be_visible()

    students = [
        open_page(f"/analysis/assignments/{first.pk}/submit/", user=name, width=390)
        for name in ("student9", "student10")
    ]
    for student in students:
        hand_in(student)
    people = list(Enrolment.objects.students().filter(course=course).select_related("user", "course").order_by("pk"))
    for person, points in zip(people, (("4.5", "2,25"), ("1", "0")), strict=True):
        grade(staff, site, Project.objects.get(assignment=first, memberships__enrolment=person), *points)
    lecturer = User.objects.get(email="lecturer@example.org")
    excuse(enrolment=people[0], assignment=sheets[1], by=lecturer, now=timezone.now())

    staff.goto(f"{site}/analysis/staff/lists/")
    staff.get_by_label("Title").fill("At the board")
    staff.get_by_role("button", name="Make the list").click()
    staff.get_by_label(f"{people[0].user}: was there").fill("1")
    staff.get_by_role("button", name="Save", exact=True).first.click()
    build_rule(staff, site)

    mine = students[0]
    mine.goto(f"{site}/analysis/me/")
    # Of twelve sheets one is excused: the best nine of eleven count, 45 of 90 points, of which 6.75 are there.
    expect(mine.get_by_text("38.25 more points").first).to_be_visible()
    mine.get_by_text("1 condition is met").click()
    expect(mine.get_by_text("At the board: at least 1 times: 1 of 1").first).to_be_visible()
    for sheet in sheets[2:]:
        project = team_for_points(enrolment=people[0], assignment=sheet, now=timezone.now())
        given = {task: Given(Decimal(5)) for task in most_by_task(sheet)}
        give_points(project=project, given=given, by=lecturer, now=timezone.now())
        publish_assessments(projects=[project], now=timezone.now())
    mine.reload()
    expect(mine.get_by_text("more points")).to_have_count(0)
    mine.goto(f"{site}/analysis/exams/")
    expect(mine.get_by_role("region", name="Admission").locator(".chip")).to_contain_text("✓ Admitted")
