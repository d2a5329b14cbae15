"""The gradebook goes out, is corrected in a spreadsheet, comes back, and is taken back; exam points by the stack."""

import io
import re
import subprocess
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Dialog, expect

from amls.courses.models import Course, Enrolment, User
from amls.grading.tasks import TaskWish
from exams.models import Exam, Registration, Result
from exams.services.tasks import set_exam_tasks
from projects.models import Assignment
from projects.queries import assignments_of
from projects.services.assessing import publish_assessments
from projects.services.points import give_points, team_for_points
from projects.services.teamsheets import Given
from projects.works import works_of
from tests.browser.conftest import Open
from tests.browser.looks import problems_at


def a_sheet() -> tuple[Assignment, Enrolment]:
    """Make a sheet on which a student has 7.25 published points."""
    now = timezone.now()
    course = Course.objects.get(slug="amls")
    sheet = Assignment.objects.create(
        course=course, kind="sheet", title="Blatt 1", topics_given="", grading="points", max_points=20, teaming="alone",
        hand_in="paper", due_at=now - timedelta(days=3),
    )  # fmt: skip
    student = Enrolment.objects.get(course=course, user__email="student@example.org")
    team = team_for_points(enrolment=student, assignment=sheet, now=now)
    by = User.objects.get(email="lecturer@example.org")
    give_points(project=team, given={None: Given(Decimal("7.25"))}, by=by, now=now)
    publish_assessments(projects=[team], now=now)
    return sheet, student


def points_of(sheet: Assignment, student: Enrolment) -> Decimal | None:
    works = works_of(assignments_of(sheet.course), [student], now=timezone.now())
    return works[student.pk][sheet.pk].points


def test_a_table_goes_out_is_edited_comes_back_and_is_taken_back(open_page: Open, site: str, tmp_path: Path) -> None:
    sheet, student = a_sheet()
    page = open_page("/amls/staff/gradebook/", user="lecturer")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download as XLSX").click()
    file = tmp_path / "Punkte.xlsx"
    download.value.save_as(file)
    book = openpyxl.load_workbook(io.BytesIO(file.read_bytes()))
    heads = [cell.value for cell in book.active[1]]
    for row in book.active.iter_rows(min_row=2):
        if row[heads.index("e-mail")].value == "student@example.org":
            row[heads.index("Blatt 1")].value = 8.5
        elif row[heads.index("e-mail")].value == "other@example.org":
            row[heads.index("Blatt 1")].value = "4,12E+05"
    book.save(file)
    page.get_by_role("link", name="Corrections from a table").click()
    page.get_by_label("Table").set_input_files(file)
    page.get_by_role("button", name="Show what it changes").click()
    changes = page.get_by_role("region", name="Changes", exact=True)
    expect(changes).to_contain_text(re.compile(r"Blatt 1:\s+7.25\s+→\s+8.5"))
    expect(page.get_by_text("Published points of 1 person change")).to_be_visible()
    assert points_of(sheet, student) == Decimal("7.25")
    page.get_by_label("Reason, if published points change").fill("Rückseite übersehen")
    page.get_by_role("button", name="Import 1 line").click()
    expect(page.get_by_text("Corrected for 1 person.")).to_be_visible()
    assert points_of(sheet, student) == Decimal("8.5")
    page.get_by_role("link", name="Undo it").click()
    page.get_by_role("button", name=re.compile("^Undo")).first.click()
    expect(page.get_by_text("1 row is as before.")).to_be_visible()
    assert points_of(sheet, student) == Decimal("7.25")


def test_points_of_an_exam_are_entered_by_the_stack_with_the_keyboard_alone(open_page: Open, site: str) -> None:
    now = timezone.now()
    exam = Exam.objects.create(course=Course.objects.get(slug="amls"), title="Probe", starts_at=now - timedelta(days=1))
    for number, email in (("412300", "student@example.org"), ("399999", "other@example.org")):
        enrolment = Enrolment.objects.filter(course=exam.course, user__email=email).first()
        if enrolment is None:
            user = User.objects.create(email=email, display_name="Łukasz Żółć")
            enrolment = Enrolment.objects.create(user=user, course=exam.course)
        User.objects.filter(email=email).update(matriculation_number=number)
        Registration.objects.create(
            exam=exam, course=exam.course, enrolment=enrolment, state="attended", created_at=now, changed_at=now, arrived_at=now,
            closed_at=now,
        )  # fmt: skip
    tasks = [TaskWish("Joins", Decimal(30)), TaskWish("Größe", Decimal(10))]
    set_exam_tasks(exam_pk=exam.pk, tasks=tasks, by=None, now=now)
    address = f"/amls/exams/{exam.pk}/results/tasks/people/"
    page = open_page(address, user="lecturer")
    expect(page.get_by_text("number 1 of 2 in the stack")).to_be_visible()
    expect(page.get_by_label("Joins")).to_be_focused()
    for text in ("12.5", "Enter", "7.25", "Enter", "Enter"):
        if text == "Enter":
            page.keyboard.press(text)
        else:
            page.keyboard.type(text)
    expect(page.get_by_text("number 2 of 2 in the stack")).to_be_visible()
    assert Result.objects.get(registration__exam=exam).points == Decimal("19.75")
    for path in (
        address,
        f"/amls/exams/{exam.pk}/results/tasks/",
        "/amls/staff/gradebook/",
        "/amls/staff/gradebook/import/",
    ):
        assert problems_at(page, f"{site}{path}") == [], path


def many_sheets(count: int) -> list[Assignment]:
    return [
        Assignment.objects.create(
            course=Course.objects.get(slug="amls"), kind="sheet", title=f"Blatt {number}: Joins", topics_given="", grading="points",
            max_points=20, teaming="alone", hand_in="paper", due_at=timezone.now() - timedelta(days=number),
        )
        for number in range(1, count + 1)
    ]  # fmt: skip


@pytest.mark.parametrize("count", [9, 24])
@pytest.mark.parametrize(
    "paper", [{"prefer_css_page_size": True}, {"format": "A4"}, {"format": "A4", "landscape": True}]
)
def test_on_paper_the_gradebook_has_all_people_and_all_columns(
    open_page: Open, site: str, tmp_path: Path, paper: dict[str, Any], count: int
) -> None:
    sheets = many_sheets(count)
    page = open_page("/amls/staff/gradebook/", user="lecturer")
    page.pdf(path=tmp_path / "gradebook.pdf", **paper)
    read = subprocess.run(
        ["pdftotext", "-raw", tmp_path / "gradebook.pdf", "-"], check=True, capture_output=True, text=True
    )
    # Words may break anywhere.
    printed = "".join(read.stdout.split())
    people = Enrolment.objects.filter(course__slug="amls", role="student").select_related("user")
    wanted = [*(str(enrolment.user) for enrolment in people), *(sheet.title for sheet in sheets), "Sum", "Mean"]
    assert len(wanted) > 15
    assert [name for name in wanted if "".join(name.split()) not in printed] == []
    assert "Colours" not in printed


# What the focus is on, where something lies over the middle of it.
COVERED = """() => {
  const at = document.activeElement, box = at.getClientRects()[0];
  if (at === document.body || !box) return null;
  const above = document.elementFromPoint(box.x + Math.min(box.width, 20) / 2, box.y + box.height / 2);
  return above && (at.contains(above) || above.contains(at)) ? null : at.outerHTML;
}"""


def test_nothing_that_sticks_lies_over_what_has_the_focus(open_page: Open, site: str) -> None:
    many_sheets(9)
    page = open_page("/amls/staff/gradebook/", user="lecturer")
    page.wait_for_load_state()
    # As it is while one presses quickly.
    page.emulate_media(reduced_motion="reduce")
    covered = []
    for key in ["Tab"] * 120 + ["Shift+Tab"] * 100:
        page.keyboard.press(key)
        covered.append(page.evaluate(COVERED))
    assert [link for link in covered if link] == []


def test_the_menu_of_the_account_closes_when_the_focus_goes_on(open_page: Open, site: str) -> None:
    page = open_page("/amls/staff/gradebook/", user="lecturer")
    page.wait_for_load_state()
    page.locator(".account summary").focus()
    page.keyboard.press("Enter")
    last = page.get_by_role("button", name="Sign out")
    expect(last).to_be_visible()
    last.focus()
    page.keyboard.press("Tab")
    expect(last).to_be_hidden()


@pytest.mark.parametrize("with_scripts", [True, False])
def test_points_that_are_typed_come_along_when_the_table_is_filtered(
    open_page: Open, site: str, *, with_scripts: bool
) -> None:
    sheet, student = a_sheet()
    others = Enrolment.objects.filter(course=sheet.course, role="student").exclude(pk=student.pk)
    typed, wanted = others.select_related("user").order_by("user__sort_name", "pk")[:2]
    address = reverse("projects:points", args=["amls", sheet.pk])
    page = open_page(address, user="lecturer", script=with_scripts)
    asked: list[str] = []

    def agree(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", agree)
    page.get_by_label(f"Points: {typed.user}").fill("4,5")
    words = page.get_by_label("Name, number, address or team")
    words.fill(wanted.user.email)
    words.press("Enter")
    expect(page.get_by_text("What you typed into 1 row is not saved yet.")).to_be_visible()
    expect(page.locator("tbody tr")).to_have_count(2)
    expect(page.get_by_label(f"Points: {typed.user}")).to_have_value("4,5")
    page.get_by_label(f"Points: {wanted.user}").fill("3")
    page.get_by_role("button", name="Save the points").click()
    expect(page.get_by_text("2 rows are saved.")).to_be_visible()
    expect(page.locator("tbody tr")).to_have_count(1)
    assert [points_of(sheet, person) for person in (typed, wanted)] == [Decimal("4.5"), Decimal(3)]
    page.get_by_role("button", name="Show all").click()
    page.wait_for_url(lambda url: url.endswith(address))
    assert asked == []
