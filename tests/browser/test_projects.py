"""Projects from the first click to the receipt: alone, as a team, without a script, over a broken line."""

import re
import uuid
from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone
from playwright.sync_api import Page, Route, expect

from amls.courses.models import Course, Enrolment, User
from amls.mail.send import deliver_due
from projects.models import Assignment, Invitation, Project, Submission, Topic
from projects.receipts import receipt_code
from projects.services.handin import hand_in
from projects.services.registration import register_project
from projects.services.teams import invite_member
from projects.tickets import LASTS
from tests.browser.conftest import Open, let_in
from tests.browser.looks import problems_at

NOTEBOOK = b'{"nbformat": 4, "cells": []}'
FILE = {"name": "work.ipynb", "mimeType": "application/x-ipynb+json", "buffer": NOTEBOOK}
SUBMIT = "/amls/projects/mine/submit/"


@pytest.fixture
def topic(site: str) -> Topic:
    """A topic of the demo for teams of up to three."""
    return Topic.objects.filter(course__slug="amls", team_max=3, proposal="").order_by("position")[0]


@pytest.fixture
def project(topic: Topic) -> Project:
    """The project of a demo student who has none yet."""
    return register_project(enrolment=student(), topic=topic, now=timezone.now())


def student() -> Enrolment:
    return Enrolment.objects.get(course__slug="amls", user__email="student9@example.org")


def mails_to(address: str) -> list[str]:
    deliver_due(now=timezone.now() + timedelta(seconds=1))
    return [str(message.body) for message in mail.outbox if any(address in to for to in message.to)]


def test_alone_from_the_topic_to_the_receipt(open_page: Open, site: str, topic: Topic) -> None:
    page = open_page("/amls/projects/", user="student9")
    page.get_by_role("link", name=topic.title).click()
    page.get_by_role("button", name="Register this project").click()
    expect(page.get_by_text("Your project is registered")).to_be_visible()
    assert topic.title in "".join(mails_to("student9@example.org"))
    page.get_by_role("link", name="Hand in", exact=True).click()
    expect(page.get_by_text("This will be attempt 1")).to_be_visible()
    # Dropped as from the desktop, when the scripts are there.
    page.wait_for_load_state()
    page.locator("[data-drop]").evaluate(
        """(zone, text) => {
            const data = new DataTransfer();
            data.items.add(new File([text], "work.ipynb"));
            zone.dispatchEvent(new DragEvent("drop", {dataTransfer: data, bubbles: true, cancelable: true}));
        }""",
        NOTEBOOK.decode(),
    )
    expect(page.get_by_text(re.compile(r"✓ work\.ipynb"))).to_be_visible()
    page.evaluate(
        """window.steps = 0; new MutationObserver(() => { window.steps += 1; sessionStorage.steps = window.steps; })
        .observe(document.querySelector("progress"), {attributes: true})"""
    )
    page.get_by_role("button", name="Hand in").click()
    expect(page.get_by_role("heading", name="Receipt of attempt 1")).to_be_visible()
    assert int(page.evaluate("sessionStorage.steps")) > 0
    submission = Submission.objects.get(submitted_by=student())
    kept = submission.files.get()
    expect(page.get_by_text(kept.sha256)).to_be_visible()
    expect(page.get_by_text("work.ipynb")).to_be_visible()
    receipts = [body for body in mails_to("student9@example.org") if "/receipts/" in body]
    assert page.url.removeprefix(site) in receipts[0]
    outside = open_page(page.url.removeprefix(site))
    expect(outside.get_by_text("Received in time")).to_be_visible()
    expect(outside.get_by_text(kept.sha256)).to_be_visible()
    seen = outside.locator("main").inner_text()
    for secret in ("work.ipynb", str(submission.submitted_by.user), topic.title, "student9@example.org"):
        assert secret not in seen


def test_a_team_of_three_forms_by_mail(open_page: Open, site: str, topic: Topic) -> None:
    page = open_page(f"/amls/projects/topics/{topic.pk}/", user="student9")
    page.get_by_label("E-mail addresses of your teammates").fill("stranger@example.org\nnew@example.org")
    page.get_by_role("button", name="Register this project").click()
    expect(page.get_by_text("Your project is registered")).to_be_visible()
    expect(page.get_by_text("new@example.org ·")).to_be_visible()
    (letter,) = mails_to("new@example.org")
    address = re.search(r"https?://\S+/projects/invitations/\d+/", letter)
    assert address is not None, letter
    newcomer = open_page("/")
    newcomer.goto(address.group())
    newcomer.get_by_role("link", name=re.compile("sign up", re.IGNORECASE)).first.click()
    newcomer.get_by_label("Email").first.fill("new@example.org")
    newcomer.get_by_role("button", name="Send me a code").click()
    newcomer.get_by_label("Code").wait_for()
    code = re.search(r"^([A-Z0-9]{3,4}-[A-Z0-9]{3,4})$", mails_to("new@example.org")[-1], re.MULTILINE)
    assert code is not None, mail.outbox[-1].body
    newcomer.get_by_label("Code").fill(code.group(1))
    newcomer.get_by_role("button", name=re.compile("Confirm", re.IGNORECASE)).first.click()
    newcomer.wait_for_url(address.group())
    newcomer.get_by_role("link", name="Enrol in this course").click()
    newcomer.get_by_role("button", name="Enrol").click()
    newcomer.wait_for_url(address.group())
    newcomer.get_by_role("button", name="Join this team").click()
    expect(newcomer.get_by_text("You are in the team.")).to_be_visible()
    (letter,) = mails_to("stranger@example.org")
    declined = re.search(r"/amls/projects/invitations/\d+/", letter)
    assert declined is not None
    course = Course.objects.get(slug="amls")
    Enrolment.objects.create(course=course, user=User.objects.get(email="stranger@example.org"))
    stranger = open_page(declined.group(), user="stranger")
    stranger.get_by_role("button", name="Decline").click()
    expect(stranger.get_by_text("You declined. The team is told.")).to_be_visible()
    assert sorted(Invitation.objects.values_list("email", "state")) == [
        ("new@example.org", "accepted"),
        ("stranger@example.org", "declined"),
    ]
    told = "".join(mails_to("student9@example.org"))
    assert "accepted your team's invitation" in told
    assert "declined" in told
    page.reload()
    expect(page.get_by_role("link", name="new@example.org")).to_be_visible()


def test_handing_in_without_javascript(open_page: Open, project: Project) -> None:
    page = open_page(SUBMIT, user="student9", script=False)
    page.get_by_label("Files").set_input_files({**FILE, "name": "work.pdf"})
    page.get_by_role("button", name="Hand in").click()
    expect(page.get_by_text("is not a PDF").first).to_be_visible()
    expect(page.get_by_text("Nothing was handed in. Browsers forget")).to_be_visible()
    # What is wrong with files is said of their field, and leads to it.
    expect(page.get_by_role("alert").get_by_role("link", name="Files")).to_have_attribute("href", "#files")
    files = page.get_by_label("Files")
    expect(files).to_have_attribute("aria-invalid", "true")
    expect(files).to_have_accessible_description(re.compile("is not a PDF"))
    page.get_by_label("Files").set_input_files(FILE)
    page.get_by_role("button", name="Hand in").click()
    expect(page.get_by_role("heading", name="Receipt of attempt 1")).to_be_visible()
    expect(page.get_by_text("Attempt 1 is kept")).to_be_visible()


def test_a_start_that_never_reached_the_server_is_not_promised(open_page: Open, project: Project) -> None:
    page = open_page(SUBMIT, user="student9")
    page.get_by_label("Files").set_input_files(FILE)
    page.route(
        f"**{SUBMIT}**",
        lambda route: route.abort("connectionreset") if route.request.method == "POST" else route.continue_(),
    )
    page.get_by_role("button", name="Hand in").click()
    said = page.get_by_role("alert").filter(has_text="The upload broke off")
    expect(said).to_have_count(1)
    expect(said).to_contain_text("the time of that try counts")
    page.unroute(f"**{SUBMIT}**")
    due_at = timezone.now() - timedelta(minutes=1)
    Assignment.objects.filter(course=project.course).update(due_at=due_at)
    page.get_by_role("button", name="Hand in").click()
    expect(page.get_by_role("heading", name="Receipt of attempt 1")).to_be_visible()
    assert Submission.objects.get(submitted_by=student()).began_at > due_at


def test_nothing_is_lost_by_a_session_that_ends_before_handing_in(open_page: Open, site: str, project: Project) -> None:
    page = open_page(SUBMIT, user="student9")
    page.get_by_label("Files").set_input_files(FILE)
    comment = page.get_by_label("Comment")
    comment.fill("Gemessen auf Größe 2¹⁰")
    page.wait_for_load_state()
    # Signed out in another tab, where somebody else comes, and then they again.
    page.context.clear_cookies()
    page.get_by_role("button", name="Hand in").click()
    expect(page.get_by_role("alert").filter(has_text="you are signed out by now")).to_be_visible()
    expect(page.get_by_role("link", name="Sign in in a new tab")).to_have_attribute(
        "href", f"/accounts/login/?next={SUBMIT}"
    )
    other = page.context.new_page()
    let_in(other, site, "student10")
    register_project(
        enrolment=Enrolment.objects.get(course=project.course, user__email="student10@example.org"),
        topic=next(
            row for row in Topic.objects.with_room().filter(proposal="") if row.assignment == project.assignment
        ),
        now=timezone.now(),
    )
    page.get_by_role("button", name="Hand in").click()
    expect(page.get_by_role("alert").filter(has_text="somebody else is signed in by now")).to_be_visible()
    let_in(other, site, "student9")
    expect(comment).to_have_value("Gemessen auf Größe 2¹⁰")
    expect(page.locator("[data-chosen] > li")).to_have_count(1)
    page.get_by_role("button", name="Hand in").click()
    expect(page.get_by_role("heading", name="Receipt of attempt 1")).to_be_visible()
    row = Submission.objects.get(project=project)
    assert (row.comment, row.files.count()) == ("Gemessen auf Größe 2¹⁰", 1)


def test_a_broken_upload_is_repeated_and_its_start_kept(open_page: Open, project: Project) -> None:
    page = open_page(SUBMIT, user="student9")
    page.get_by_label("Files").set_input_files(FILE)
    broken: list[str] = []

    def break_off(route: Route) -> None:
        if route.request.method == "POST" and not broken:
            broken.append(route.request.url)
            route.abort("connectionreset")
        else:
            route.continue_()

    page.route(f"**{SUBMIT}", break_off)
    page.get_by_role("button", name="Hand in").click()
    expect(page.get_by_text("the time at which you began is kept for 30 minutes")).to_be_visible()
    # The list holds them still: nobody is asked to choose again.
    expect(page.locator("[data-chosen] > li")).to_have_count(1)
    expect(page.get_by_text("your files are still chosen").filter(visible=True)).to_have_count(1)
    assert len(broken) == 1
    assert project.submissions.count() == 0
    # Meanwhile the deadline passes: the whole minute of it is over now.
    closed = timezone.now()
    Assignment.objects.filter(course=project.course).update(due_at=closed - timedelta(minutes=1))
    page.get_by_role("button", name="Hand in").click()
    expect(page.get_by_text("Received in time")).to_be_visible()
    submission = Submission.objects.get(submitted_by=student())
    assert closed - LASTS < submission.began_at < closed < submission.received_at


def test_on_a_phone_by_keyboard_alone(open_page: Open, site: str, topic: Topic) -> None:
    page = open_page(f"/amls/projects/topics/{topic.pk}/", user="student9", width=390)
    tab_to(page, "Register this project")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Your project is registered")).to_be_visible()
    tab_to(page, "Hand in")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{SUBMIT}")
    tab_to(page, "", "INPUT[type=url]")
    page.keyboard.type("https://git.example.org/team/work")
    page.keyboard.press("Tab")
    page.keyboard.type("4f2a91c")
    tab_to(page, "Hand in", "BUTTON")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Receipt of attempt 1")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert Submission.objects.get(submitted_by=student()).commit == "4f2a91c"


def tab_to(page: Page, text: str, selector: str = "*") -> None:
    """Press Tab until the element with this text has the focus, which must be seen."""
    page.wait_for_load_state()
    for _press in range(80):
        page.keyboard.press("Tab")
        if page.evaluate(
            "([text, selector]) => document.activeElement.matches(selector) && document.activeElement.textContent.trim() === text",
            [text, selector],
        ):
            assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
            return
    raise AssertionError(f"{text or selector} can't be reached by keyboard.")


@pytest.fixture
def pages(site: str, topic: Topic) -> dict[str | None, list[str]]:
    """Every page of projects with something on it, by who sees it."""
    now, course = timezone.now(), Course.objects.get(slug="amls")
    Enrolment.objects.create(course=course, user=User.objects.get(email="stranger@example.org"))
    project = register_project(enrolment=student(), topic=topic, now=now)
    invitation = invite_member(project=project, email="stranger@example.org", by=student(), now=now)
    for number in range(2):
        hand_in(
            project=project, by=student(), repository_url="https://git.example.org/a/very/long/address/" + "x" * 80,
            commit="4f2a91c", comment="A comment " * number, request_key=uuid.uuid4(),
            began_at=now, now=now,
        )  # fmt: skip
    receipt = f"/receipts/{receipt_code(project.submissions.order_by('attempt')[0].pk)}/"
    topic_page = f"/amls/projects/topics/{topic.pk}/"
    return {
        None: ["/amls/projects/", topic_page, receipt],
        "student9": ["/amls/projects/", topic_page, "/amls/projects/mine/", SUBMIT, "/amls/projects/mine/extension/", receipt],
        "stranger": [
            topic_page, "/amls/projects/mine/", "/amls/projects/propose/", f"/amls/projects/invitations/{invitation.pk}/",
        ],
        "lecturer": ["/amls/projects/", topic_page, receipt],
    }  # fmt: skip


def test_pages_of_projects_are_accessible_and_fit_and_log_no_error_in_every_look(
    open_page: Open, site: str, pages: dict[str | None, list[str]]
) -> None:
    complaints = {}
    for user, paths in pages.items():
        page = open_page("/", user=user)
        for path in paths:
            if problems := problems_at(page, f"{site}{path}"):
                complaints[user, path] = problems
    assert complaints == {}
