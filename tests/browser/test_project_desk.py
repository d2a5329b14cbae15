"""A teaching assistant from the open hand-in to the published result, on a desk and on a phone, by keyboard where it counts."""

import re
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from amls.mail.models import Notice
from projects.models import Assessment, AssessmentDraft, Extension, ExtensionRequest, Project, Topic
from projects.services.snippets import keep_snippets
from tests.browser.conftest import PATIENCE, Open, let_held_acts_happen
from tests.browser.looks import problems_in_each_scheme_at, wait_for_answers

LIST = "/admin/projects/project/"


def undecided() -> Project:
    return Project.objects.get(topic__course__slug="amls", topic__title="Compressed federated aggregates")


@pytest.mark.parametrize("width", [390, 1280])
def test_from_the_open_hand_in_to_the_published_result(open_page: Open, width: int) -> None:
    project = undecided()
    page = open_page(f"{LIST}?assessor=me&needs=ungraded", user="assistant", width=width)
    expect(page.get_by_text("2 of 5 decided")).to_be_visible()
    page.get_by_role("link", name=f"#{project.pk} Sam Student, Alex Nguyen").click()
    expect(page.get_by_text("1 of 2")).to_be_visible()
    page.get_by_role("link", name="↔ attempt 1").click()
    differences = page.frame_locator("iframe[name=reading]")
    expect(differences.get_by_role("heading", name="measurements.ipynb")).to_contain_text("new")
    page.get_by_role("radio", name="Passed").check()
    page.get_by_label("Extra points", exact=True).select_option("3.5")
    page.get_by_label("Feedback", exact=True).fill("A **careful** study.")
    page.get_by_role("button", name="Preview the feedback").click()
    expect(page.get_by_role("region", name="Preview of the feedback").locator("strong")).to_have_text("careful")
    expect(page.get_by_role("region", name="Preview of the feedback")).to_be_focused()
    page.get_by_role("button", name="Save and next").click()
    expect(page.get_by_text(f"#{project.pk}: Saved as a draft.")).to_be_visible()
    assert Assessment.objects.get(project=project).published_at is None
    page.goto(page.url.split("/admin/")[0] + f"{LIST}?state=assessed")
    page.locator("input.action-select").first.check()
    page.locator("input.action-select").nth(1).check()
    page.get_by_label("Select action to perform").or_(page.locator("select[name=action]")).first.select_option(
        "publish"
    )
    page.get_by_role("button", name="Run").or_(page.locator("button[name=index]")).first.click()
    expect(page.get_by_role("heading", name="This is the mail")).to_be_visible()
    before = Notice.objects.filter(kind="projects.result").count()
    page.get_by_role("button", name="Publish in five minutes").click()
    expect(page.get_by_text("Publish 2 decisions: it happens at")).to_be_visible()
    expect(page.get_by_role("button", name="Undo")).to_be_visible()
    assert Notice.objects.filter(kind="projects.result").count() == before
    let_held_acts_happen()
    assert Notice.objects.filter(kind="projects.result").count() == before + 4
    assert Assessment.objects.get(project=project).published_at is not None


def test_a_number_of_a_snippet_is_one_where_a_word_begins(open_page: Open) -> None:
    project = undecided()
    keep_snippets(course=project.course, texts=["Łukasz: siehe Teil b", "Rechenfehler"], now=timezone.now())
    page = open_page(reverse("admin:projects_project_assess", args=[project.pk]), user="assistant")
    page.wait_for_load_state()
    feedback = page.get_by_label("Feedback", exact=True)
    feedback.press_sequentially("mid = (lo + hi)//2 in https://x.org//2 //2 und\n//1 ")
    expect(feedback).to_have_value("mid = (lo + hi)//2 in https://x.org//2 Rechenfehler und\nŁukasz: siehe Teil b ")


def test_the_keyboard_walks_through_the_list(open_page: Open) -> None:
    page = open_page(f"{LIST}?course=all", user="assistant")
    first, second = (page.locator("#result_list tbody th a").nth(number) for number in (0, 1))
    addresses = [link.get_attribute("href") or "" for link in (first, second)]
    first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/assess/**")
    assert addresses[0].split("?")[0] in page.url
    page.keyboard.press("j")
    page.wait_for_url(f"**{addresses[1].split('?')[0]}**")
    page.keyboard.press("k")
    page.wait_for_url(f"**{addresses[0].split('?')[0]}**")
    page.get_by_label("Feedback", exact=True).focus()
    page.keyboard.type("jk")
    expect(page.get_by_label("Feedback", exact=True)).to_have_value("jk")
    page.get_by_label("Single keys").uncheck()
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    page.keyboard.press("j")
    page.get_by_role("button", name="Next →").focus()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{addresses[1].split('?')[0]}**")
    # The button sent the form, and nothing before it.
    assert len(sent) == 1


def test_projects_are_assessed_and_read_by_keyboard_alone(open_page: Open) -> None:
    page = open_page(f"{LIST}?course=all", user="assistant")
    page.locator("#result_list tbody th a").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/assess/**")
    first = page.url
    read = page.frame_locator("iframe[name=reading]")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if request.is_navigation_request() else None)
    # A decision with points: 3.5 of them, and on to the next one. It may only become fewer keys and fewer pages.
    for key in ("p", "3", "+", "Control+Enter"):
        page.keyboard.press(key)
    expect(page.get_by_text("Saved as a draft.")).to_be_visible()
    wait_for_answers(page)
    assert page.url != first
    assert len([url for url in asked if "/files/" not in url]) == 2
    project = Project.objects.get(pk=first.split("/assess/")[0].rpartition("/")[2])
    assert (project.assessment.outcome, project.assessment.extra_points) == ("passed", Decimal("3.5"))
    page.keyboard.press("b")
    page.wait_for_url(first.split("?")[0] + "**")
    expect(page.get_by_role("radio", name="Passed")).to_be_checked()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys of this page")).to_be_visible()
    page.keyboard.press("Escape")
    page.goto(f"{page.url.split('/admin/')[0]}{LIST}{undecided().pk}/assess/")
    expect(read.get_by_role("heading", name="README.md")).to_be_visible()
    page.keyboard.press("]")
    expect(read.get_by_role("heading", name="src/main.py")).to_be_visible()
    page.keyboard.press("d")
    expect(read.get_by_role("heading", name="From attempt 1 to attempt 2")).to_be_visible()
    # Keys of somebody who reads in the frame are those of the page, once it wears the page's colours.
    expect(read.locator("html")).to_have_class(re.compile("is-(dark|light)"))
    read.locator("body").click()
    page.keyboard.press("c")
    expect(page.get_by_label("Feedback", exact=True)).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_label("Feedback", exact=True)).not_to_be_focused()


def test_a_decision_works_without_scripts_on_a_phone(open_page: Open) -> None:
    project = undecided()
    page = open_page(f"{LIST}{project.pk}/assess/", user="assistant", width=390, script=False)
    page.get_by_role("radio", name="Failed").check()
    page.get_by_label("Feedback", exact=True).fill("Tests are missing.")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Saved as a draft.")).to_be_visible()
    assert Assessment.objects.get(project=project).outcome == "failed"
    page.get_by_role("button", name="Withdraw attempt 2").click()
    page.get_by_role("button", name="Do it in five minutes").click()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("taken back. Nothing happened.")).to_be_visible()


@pytest.mark.parametrize("script", [True, False], ids=["with scripts", "without"])
def test_what_is_typed_is_there_again_after_next(open_page: Open, script: bool) -> None:
    page = open_page(f"{LIST}{undecided().pk}/assess/", user="assistant", script=script)
    page.get_by_role("radio", name="Passed").check()
    page.get_by_label("Feedback", exact=True).fill("A careful study.")
    page.get_by_role("button", name="Next →").or_(page.get_by_role("button", name="← Previous")).first.click()
    expect(page.get_by_text("What you typed is kept since")).to_be_visible()
    page.get_by_role("link", name="Open it again").click()
    expect(page.get_by_role("radio", name="Passed")).to_be_checked()
    expect(page.get_by_label("Feedback", exact=True)).to_have_value("A careful study.")
    assert not Assessment.objects.filter(project=undecided()).exists()


def wait_until_kept(page: Page, project: Project, text: str) -> None:
    """What is sent while a page is left arrives beside the next page's own requests, in any order."""
    for _turn in range(PATIENCE // 50):
        if any(text in str(draft.typed) for draft in AssessmentDraft.objects.filter(project=project)):
            return
        page.wait_for_timeout(50)
    pytest.fail(f"{text!r} was not kept.")


def test_what_is_on_its_way_when_the_page_is_left_is_kept(open_page: Open) -> None:
    project = undecided()
    page = open_page(f"{LIST}{project.pk}/assess/", user="assistant")
    # One bar: the line takes the text and never answers.
    page.route("**/assess/**", lambda route: route.request.resource_type == "fetch" or route.continue_())
    with page.expect_request(lambda request: request.resource_type == "fetch"):
        page.get_by_label("Feedback", exact=True).fill("On its way.")
    page.locator("a", has_text="All of the history").evaluate("link => link.click()")
    page.wait_for_url("**/history/")
    wait_until_kept(page, project, "On its way.")


def test_what_is_typed_is_kept_by_itself_and_on_any_way_off_the_page(open_page: Open) -> None:
    project = undecided()
    page = open_page(f"{LIST}{project.pk}/assess/", user="assistant", width=390)
    page.get_by_label("Feedback", exact=True).fill("First thought.")
    expect(page.get_by_text("for you alone. It is not saved yet.")).to_be_visible()
    page.get_by_label("Feedback", exact=True).fill("Second thought.")
    # At once, before it is kept by itself.
    page.locator("a", has_text="All of the history").evaluate("link => link.click()")
    page.wait_for_url("**/history/")
    wait_until_kept(page, project, "Second thought.")
    page.goto(page.url.replace("history", "assess"))
    expect(page.get_by_label("Feedback", exact=True)).to_have_value("Second thought.")
    page.get_by_role("button", name="Throw away what I typed").click()
    expect(page.get_by_label("Feedback", exact=True)).to_have_value("")
    page.context.set_offline(True)
    page.get_by_label("Feedback", exact=True).fill("Third thought.")
    expect(page.get_by_text("What you type is not kept")).to_be_visible()


def pages() -> list[str]:
    project = undecided()
    request, extension = ExtensionRequest.objects.get(), Extension.objects.earliest("pk")
    return [
        LIST,
        f"{LIST}{project.pk}/assess/",
        f"{LIST}{Project.objects.filter(assessment__published_at__isnull=False).earliest('pk').pk}/assess/",
        f"{LIST}import/",
        "/admin/projects/topic/",
        f"/admin/projects/topic/{Topic.objects.get(proposal='open').pk}/decide/",
        "/admin/projects/extensionrequest/",
        f"/admin/projects/extensionrequest/{request.pk}/change/",
        "/admin/projects/extension/",
        "/admin/projects/extension/add/",
        f"/admin/projects/extension/{extension.pk}/change/",
        "/admin/projects/earlierpass/",
        "/admin/projects/earlierpass/import/",
        "/admin/projects/invitation/",
        "/admin/projects/assignment/",
        "/amls/staff/gradebook/",
    ]


# Lists of django-unfold scroll within themselves; the page never does.
def test_the_desk_of_projects_is_accessible_and_fits_and_logs_no_error(open_page: Open, site: str) -> None:
    page = open_page("/admin/", user="assistant")
    assert {path: problems for path in pages() if (problems := problems_in_each_scheme_at(page, f"{site}{path}"))} == {}
