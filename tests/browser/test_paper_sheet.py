"""A paper sheet: points for twenty people by keyboard, published; a student asks, is answered, and the mail says why."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.core import mail
from django.utils import timezone
from playwright.sync_api import expect

from amls.courses.models import Course, Enrolment, User
from amls.grading.tasks import TaskWish
from amls.mail.send import deliver_due
from projects.models import Assignment, TaskPoints
from projects.services.points import set_tasks
from tests.browser.conftest import Open, let_held_acts_happen
from tests.browser.looks import axe
from tests.factories import EnrolmentFactory, UserFactory

NAMES = (
    "Łukasz Żółć", "Ștefan Șahin", "山田太郎", "Jürgen Größe", "Zoë Ångström", "Nguyễn Thị Hương", "Óscar Ibáñez", "İrem Yılmaz",
)  # fmt: skip


@pytest.fixture
def sheet(site: str) -> Assignment:
    """A paper sheet of the demo's course with two tasks; the course then has twenty students or more."""
    course = Course.objects.get(slug="amls")
    for name in NAMES:
        EnrolmentFactory.create(course=course, user=UserFactory.create(display_name=name))
    while Enrolment.objects.students().filter(course=course).count() < 20:
        EnrolmentFactory.create(course=course)
    row = Assignment.objects.create(
        course=course, kind="sheet", title="Übungsblatt 7", topics_given="", grading="points", max_points=Decimal(20),
        teaming="alone", hand_in="paper", due_at=timezone.now() - timedelta(days=1), position=7,
    )  # fmt: skip
    by = User.objects.get(email="assistant@example.org")
    wishes = [TaskWish("Induktion", Decimal("7.5")), TaskWish("Größe von Graphen", Decimal("12.5"))]
    set_tasks(assignment=row, tasks=wishes, by=by, now=timezone.now())
    return row


def test_from_points_by_keyboard_to_the_answer_in_the_mail(open_page: Open, sheet: Assignment) -> None:
    desk = open_page(f"/amls/staff/assignments/{sheet.pk}/points/", user="assistant")
    fields = desk.locator("input.count")
    people = Enrolment.objects.students().filter(course=sheet.course).count()
    assert fields.count() == 2 * people >= 40
    fields.first.focus()
    for _person in range(people):
        for points in ("6,25", "9.5"):
            desk.keyboard.type(points)
            desk.keyboard.press("Enter")
    # Behind the last field comes the button.
    expect(desk.get_by_role("button", name="Save the points")).to_be_focused()
    desk.keyboard.press("Enter")
    expect(desk.get_by_role("status").first).to_contain_text(f"{people} rows are saved.")
    assert TaskPoints.objects.filter(assessment__project__assignment=sheet).count() == 2 * people
    assert axe(desk) == []
    fields.first.focus()
    desk.keyboard.press("ArrowDown")
    expect(fields.nth(2)).to_be_focused()
    desk.get_by_role("button", name="Save and publish").click()
    desk.get_by_role("button", name="Publish the points").click()
    expect(desk.get_by_text(f"Publish {people} decisions: it happens at")).to_be_visible()
    # What waits stands on the page itself, also without the message of the moment.
    desk.reload()
    expect(desk.get_by_role("button", name="Take it back")).to_be_visible()
    assert axe(desk) == []
    let_held_acts_happen()
    student = open_page(f"/amls/assignments/{sheet.pk}/", user="student9", width=390)
    expect(student.get_by_role("heading", name="15.75 of 20 points")).to_be_visible()
    assert axe(student) == []

    mine = f"/amls/assignments/{sheet.pk}/points/"
    student = open_page(mine, user="student9", width=390)
    expect(student.get_by_role("heading", name="Größe von Graphen: 9.5 / 12.5")).to_be_visible()
    student.get_by_text("Ask about this").nth(1).click()
    student.get_by_label("Your question").nth(1).fill("Teil b stand auf der Rückseite.")
    student.get_by_role("button", name="Send the question").click()
    expect(student.get_by_text("Not answered yet.")).to_be_visible()
    assert axe(student) == []

    desk = open_page("/admin/", user="assistant")
    desk.get_by_role("link", name="Übungsblatt 7").first.click()
    expect(desk.get_by_text("Teil b stand auf der Rückseite.")).to_be_visible()
    desk.get_by_label("Answer", exact=True).fill("Stimmt, die Rückseite war übersehen.")
    desk.get_by_label("Points, of 12.5").fill("11,75")
    desk.get_by_role("button", name="Send the answer").click()
    expect(desk.get_by_text("No question is open.")).to_be_visible()

    student = open_page(mine, user="student9", width=390)
    expect(student.get_by_role("heading", name="Größe von Graphen: 11.75 / 12.5")).to_be_visible()
    expect(student.get_by_text("Stimmt, die Rückseite war übersehen.").last).to_be_visible()
    deliver_due(now=timezone.now() + timedelta(hours=1))
    letters = [letter for letter in mail.outbox if "student9@example.org" in letter.to[0]]
    changed = next(letter for letter in letters if "was changed" in str(letter.subject))
    answered = next(letter for letter in letters if "is answered" in str(letter.subject))
    for letter in (changed, answered):
        assert "die Rückseite war übersehen" in str(letter.body)
    # How many there are now is on the site alone.
    assert "11.75" not in str(changed.body)


def test_cells_of_a_spreadsheet_go_down_the_columns_and_can_be_taken_back(open_page: Open, sheet: Assignment) -> None:
    desk = open_page(f"/amls/staff/assignments/{sheet.pk}/points/", user="assistant", width=1280)
    desk.context.grant_permissions(["clipboard-read", "clipboard-write"])
    fields = desk.locator("input.count")
    fields.nth(5).fill("3")

    def paste(place: int, text: str) -> None:
        desk.evaluate("text => navigator.clipboard.writeText(text)", text)
        fields.nth(place).focus()
        desk.keyboard.press("Control+V")

    # As Excel copies two columns of four rows, and three columns where the table has two.
    paste(2, "1,5\t2\r\n\t\r\n4,25\tfehlt\r\n")
    said = desk.locator("[data-pasted]")
    expect(said).to_have_text(
        "Pasted, and not saved yet. Fields filled: 4. Empty cells, which change nothing: 2."
        " Not a number, to be mended before you save: 1. Take the paste back",
        use_inner_text=True,
    )
    values = [fields.nth(place).input_value() for place in range(2, 8)]
    assert values == ["1,5", "2", "", "3", "4,25", "fehlt"]
    assert axe(desk) == []
    said.get_by_role("button", name="Take the paste back").click()
    expect(said).to_be_hidden()
    assert [fields.nth(place).input_value() for place in range(2, 8)] == ["", "", "", "3", "", ""]
    paste(fields.count() - 1, "7\t8\n9\t10")
    expect(said).to_contain_text("Fields filled: 1. Cells beyond the table, left out: 3.", use_inner_text=True)
    # A single cell is pasted as anywhere.
    fields.nth(0).fill("")
    paste(0, "6,5")
    assert fields.nth(0).input_value() == "6,5"
    desk.get_by_role("button", name="Save the points").click()
    expect(desk.get_by_role("status").first).to_contain_text("saved")
    kept = TaskPoints.objects.filter(assessment__project__assignment=sheet).values_list("points", flat=True)
    assert sorted(kept) == [Decimal(3), Decimal("6.5"), Decimal(7)]
