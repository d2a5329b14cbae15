"""How far it is to the work at the desk: presses, pixels to the first row and kB of lists, which may only fall."""

from datetime import timedelta

from django.utils import timezone
from playwright.sync_api import Page, expect

from amls.courses.models import Course
from projects.models import Assignment, Project, Submission
from tests.browser.conftest import Open

LIST = "/admin/projects/project/"
# By list: how many pixels lie above its first row at 1280, and at most how many kB it has.
FIRST_ROWS = {
    LIST: 250,
    "/admin/projects/topic/": 250,
    "/admin/courses/enrolment/": 250,
    "/admin/lectures/lecture/": 250,
    "/admin/exams/registration/": 250,
}
FIRST_ROW = "document.querySelector('#result_list tbody tr').getBoundingClientRect().top + scrollY"


class Presses:
    """Presses what is on a page, and counts."""

    def __init__(self, page: Page) -> None:
        self.page, self.count = page, 0

    def button(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()
        self.count += 1


def late_in(course: Course) -> None:
    """Let an attempt wait that came a day after the deadline."""
    project = Project.objects.active().filter(assignment__course=course, submissions=None).earliest("pk")
    at = timezone.now() - timedelta(hours=1)
    Assignment.objects.filter(pk=project.assignment_id).update(due_at=at - timedelta(days=1))
    Submission.objects.create(
        project=project, submitted_by=project.memberships.earliest("pk").enrolment, attempt=1, began_at=at, received_at=at,
        repository_url="https://example.org/r", commit="abcdef1",
    )  # fmt: skip


def test_lists_begin_near_the_top_and_work_on_many_takes_two_presses(open_page: Open, site: str) -> None:
    page, course = open_page("/admin/", user="lecturer"), Course.objects.get(slug="amls")
    page.goto(f"{site}/admin/?of={course.pk}")
    late_in(course)
    tops = {}
    for path in FIRST_ROWS:
        page.goto(f"{site}{path}")
        tops[path] = page.evaluate(FIRST_ROW)
    assert {path: top for path, top in tops.items() if top > FIRST_ROWS[path]} == {}
    wide = dict(page.viewport_size or {})
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{site}{LIST}")
    assert page.evaluate(FIRST_ROW) <= 300
    page.set_viewport_size(wide)
    presses = {}
    for name, first, second, said in (
        ("publish", "Publish what is decided", "Publish in five minutes", "it happens at"),
        ("late", "Accept late hand-ins", "Do it in five minutes", "it happens at"),
        ("split", "Split what is nobody's", "Split", "Given out"),
    ):
        Project.objects.filter(assessment=None).update(assessor=None)
        page.goto(f"{site}{LIST}")
        hands = Presses(page)
        hands.button(first)
        hands.button(second)
        expect(page.get_by_text(said).first).to_be_visible()
        presses[name] = hands.count
    assert presses == {"publish": 2, "late": 2, "split": 2}


def test_anything_is_found_by_the_keyboard_alone(open_page: Open) -> None:
    page = open_page("/admin/", user="lecturer")
    page.keyboard.press("/")
    # In one go: what is found for the half of it would give way to the rest.
    page.keyboard.insert_text("kohler")
    expect(page.get_by_role("dialog").get_by_role("link").first).to_contain_text("Köhler")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Mail to this person")).to_be_visible()
    page.wait_for_load_state()
    page.keyboard.press("Control+k")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
