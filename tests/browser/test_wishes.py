"""Topics by wish, from a phone to the mail: ranked with buttons, keys and fingers, with scripts and without."""

from datetime import timedelta

import pytest
from django.core import mail
from django.db.models import Count
from django.utils import timezone
from playwright.sync_api import Page, expect

from amls.courses.models import Enrolment, StaffMember, User
from amls.held.models import HeldAct
from amls.held.services import HOLD
from amls.mail.models import Notice
from amls.mail.send import deliver_due
from projects.models import Assignment, Project, Topic, Wish
from projects.services.assignments import keep_assignment
from projects.services.wishes import form_team, rank_topics
from projects.tasks import allocate_topics
from tests.browser.conftest import Open, let_held_acts_happen
from tests.browser.looks import axe
from tests.factories import TopicFactory

PRESS_AGAIN_AT_ONCE = """() => {
  window.isSamePage = true;
  new MutationObserver((_changes, watch) => { watch.disconnect(); document.activeElement.click(); })
    .observe(document.querySelector("main"), {childList: true, subtree: true});
}"""


@pytest.fixture
def seminar(site: str) -> Assignment:
    """A piece of work of the demo's course beside its project, with three topics that are given by wish."""
    course = Enrolment.objects.get(course__slug="amls", user__email="student9@example.org").course
    row = Assignment(course=course, title="Seminar", topics_given=Assignment.TopicsGiven.BY_WISH, wishes_min=2)
    row.wishes_close_at = timezone.now() + timedelta(days=3)
    keep_assignment(row, now=timezone.now())
    for title in ("Sparse kernels", "Größe & Gewicht", "山田's cache"):
        TopicFactory.create(course=course, assignment=row, title=title, team_max=2)
    return row


def ranked() -> list[str]:
    wishes = Wish.objects.filter(wish_list__project__memberships__enrolment__user__email="student9@example.org")
    return list(wishes.order_by("rank").values_list("topic__title", flat=True))


def shown(page: Page) -> list[str]:
    return page.locator(".wishes:not(.more) .what a").all_inner_texts()


@pytest.mark.parametrize("has_scripts", [True, False], ids=["with scripts", "without"])
def test_a_student_ranks_topics_with_buttons_and_keys(open_page: Open, seminar: Assignment, has_scripts: bool) -> None:
    page = open_page(f"/amls/wishes/{seminar.pk}/", user="student9", width=390, script=has_scripts)
    page.get_by_role("button", name="Form a team").click()
    for title in ("Sparse kernels", "Größe & Gewicht", "山田's cache"):
        page.get_by_role("button", name=f"{title}: wish for it").click()
        expect(page.locator(".wishes:not(.more)").get_by_role("link", name=title)).to_be_visible()
    up = page.get_by_role("button", name="山田's cache: one up")
    up.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".wishes:not(.more) li").nth(1)).to_contain_text("山田's cache")
    assert shown(page) == ranked() == ["Sparse kernels", "山田's cache", "Größe & Gewicht"]
    if has_scripts:
        # The keys go on where they were.
        expect(up).to_be_focused()
        expect(page.get_by_role("status").filter(has_text="wish number 2")).to_be_visible()
        assert axe(page) == []
        # Whoever presses in the very moment of a change stays on the page, and goes on where they were.
        up = page.get_by_role("button", name="Größe & Gewicht: one up")
        page.evaluate(PRESS_AGAIN_AT_ONCE)
        up.press("Enter")
        expect(page.locator(".wishes:not(.more) li").first).to_contain_text("Größe & Gewicht")
        assert page.evaluate("window.isSamePage")
        expect(up).to_be_focused()


def test_a_wish_is_dragged_to_another_place(open_page: Open, seminar: Assignment) -> None:
    enrolment = Enrolment.objects.get(course__slug="amls", user__email="student9@example.org")
    form_team(assignment=seminar, enrolment=enrolment, now=timezone.now())
    page = open_page(f"/amls/wishes/{seminar.pk}/", user="student9", width=390)
    for title in ("Sparse kernels", "Größe & Gewicht"):
        page.get_by_role("button", name=f"{title}: wish for it").click()
        expect(page.locator(".wishes:not(.more)").get_by_role("link", name=title)).to_be_visible()
    # Whoever goes on by keyboard finds the next topic under their finger.
    expect(page.get_by_role("button", name="山田's cache: wish for it")).to_be_focused()
    grip, first = page.locator("[data-grip]").nth(1), page.locator(".wishes:not(.more) li").first
    # Where it stands once nothing moves any more.
    grip.hover()
    start, target = grip.bounding_box(), first.bounding_box()
    assert start is not None
    assert target is not None
    page.mouse.move(start["x"] + 4, start["y"] + 4)
    page.mouse.down()
    page.mouse.move(target["x"] + 20, target["y"] + 4, steps=5)
    page.mouse.up()
    expect(page.get_by_role("status").filter(has_text="Kept.")).to_be_visible()
    assert shown(page) == ranked() == ["Größe & Gewicht", "Sparse kernels"]


def test_from_the_allocation_to_the_mail_and_the_reason(open_page: Open, seminar: Assignment) -> None:
    now = timezone.now()
    topics = list(Topic.objects.filter(assignment=seminar).order_by("pk"))
    for number in (9, 10):
        enrolment = Enrolment.objects.get(course__slug="amls", user__email=f"student{number}@example.org")
        form_team(assignment=seminar, enrolment=enrolment, now=now)
        page = open_page(f"/amls/wishes/{seminar.pk}/", user=f"student{number}")
        for topic in topics[:2]:
            page.get_by_role("button", name=f"{topic.title}: wish for it").click()
            expect(page.locator(".wishes:not(.more)").get_by_role("link", name=topic.title)).to_be_visible()
    Assignment.objects.filter(pk=seminar.pk).update(wishes_close_at=now - timedelta(days=1))
    page = open_page(f"/amls/wishes/{seminar.pk}/", user="lecturer")
    page.get_by_role("link", name="Give the topics at the desk").click()
    page.get_by_role("button", name="Ask for a run").click()
    allocate_topics()
    page.get_by_role("link", name="Look again").click()
    expect(page.get_by_text("2 of 2 teams would get a topic")).to_be_visible()
    page.get_by_role("link", name="Publish").click()
    page.get_by_role("button", name="Do it in five minutes").click()
    expect(page.get_by_text("it happens at")).to_be_visible()
    let_held_acts_happen()
    deliver_due(now=timezone.now() + timedelta(seconds=1))
    told = [str(message.body) for message in mail.outbox if "topic" in message.subject]
    assert len(told) == 2
    assert sum("the published seed drew another one" in " ".join(body.split()) for body in told) == 1
    second = Project.objects.get(assignment=seminar, topic=topics[1])
    user = User.objects.get(enrolments__memberships__project=second)
    page = open_page(f"/amls/wishes/{seminar.pk}/", user=user.email.split("@")[0])
    expect(page.get_by_text("the published seed drew another one")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="File to check").click()
    assert b'"seed"' in download.value.path().read_bytes()


def test_staff_pin_exclude_and_limit_and_read_which_rules_clash(open_page: Open, seminar: Assignment) -> None:
    now = timezone.now()
    topics = list(Topic.objects.filter(assignment=seminar).order_by("pk"))
    for number in (9, 10):
        enrolment = Enrolment.objects.get(course__slug="amls", user__email=f"student{number}@example.org")
        team = form_team(assignment=seminar, enrolment=enrolment, now=now)
        rank_topics(project=team, topics=[topic.pk for topic in topics], version=0, by=enrolment, now=now)
    page = open_page("/admin/", user="lecturer")

    def settle(team: int, topic: Topic, kind: str) -> None:
        page.goto(page.url.split("/admin/")[0] + "/admin/projects/topicplacement/add/")
        page.locator("select[name=project]").select_option(index=team)
        page.locator("select[name=topic]").select_option(str(topic.pk))
        page.locator("select[name=kind]").select_option(kind)
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.get_by_text("was added successfully").first).to_be_visible()

    def ask() -> None:
        page.get_by_role("link", name="Topics by wish").first.click()
        page.get_by_role("button", name="Ask for a run").click()
        allocate_topics()
        page.get_by_role("link", name="Look again").click()

    settle(1, topics[1], "pinned")
    settle(2, topics[0], "excluded")
    page.goto(page.url.split("/admin/")[0] + "/admin/projects/mentorlimit/add/")
    mentor = StaffMember.objects.filter(course=seminar.course).earliest("pk").pk
    page.locator("select[name=assignment]").select_option(str(seminar.pk))
    page.locator("select[name=mentor]").select_option(str(mentor))
    page.get_by_label("Most teams").fill("0")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("was added successfully").first).to_be_visible()
    Topic.objects.filter(pk=topics[2].pk).update(fewest_teams=2, slots=2)
    ask()
    # One has what it was given; the other neither what is excluded nor what takes two teams, nor a pinned slot.
    expect(page.get_by_role("heading", name="1 of 2 teams would get a topic")).to_be_visible()
    for reason in ("The staff excluded it for your team.", "It is not held: too few teams would have come together"):
        expect(page.get_by_text(reason)).to_have_count(1)
    settle(2, topics[1], "pinned")
    ask()
    expect(page.get_by_text("These rules can't be kept together.")).to_be_visible()
    expect(page.get_by_text("Größe & Gewicht has 1 slot.")).to_be_visible()


def test_people_without_a_team_are_matched_and_the_staff_add_late_wishes(open_page: Open, seminar: Assignment) -> None:
    for number in (9, 10):
        page = open_page(f"/amls/wishes/{seminar.pk}/", user=f"student{number}", width=390)
        page.get_by_role("button", name="Match me with others").click()
        expect(page.get_by_text("You wish to be matched with others")).to_be_visible()
    page = open_page("/admin/projects/allocation/", user="lecturer")
    page.get_by_role("link", name="Match them").click()
    expect(page.get_by_text("Has ranked nothing")).to_have_count(2)
    page.get_by_role("button", name="Make these teams in five minutes").click()
    expect(page.get_by_text("Seminar: match people: it happens at")).to_be_visible()
    expect(page.get_by_role("button", name="Undo")).to_be_visible()
    matched = Project.objects.filter(assignment=seminar).annotate(people=Count("memberships")).filter(people__gt=1)
    letters = Notice.objects.filter(kind="projects.matched")
    assert (matched.count(), letters.count()) == (0, 0)
    let_held_acts_happen()
    assert HeldAct.objects.get().outcome == "1 team is made."
    assert (matched.count(), letters.count()) == (1, 2)
    page.get_by_role("link", name="Their wishes").click()
    page.get_by_role("link", name="Change the wishes of team").click()
    page.get_by_label("Wish number 1", exact=True).select_option(label="山田's cache")
    page.get_by_label("Wish number 2", exact=True).select_option(label="Sparse kernels")
    page.get_by_label("Reason").fill("Asked by mail")
    page.get_by_role("button", name="Change the wishes, and tell the team in five minutes").click()
    expect(page.get_by_text("The team's wishes are changed; its members are told in five minutes")).to_be_visible()
    deliver_due(now=timezone.now() + HOLD)
    told = [message.subject for message in mail.outbox]
    assert told.count("Your teammates for Seminar") == 2
    assert told.count("Your team's wishes for Seminar were changed") == 2
    page = open_page(f"/amls/wishes/{seminar.pk}/", user="student10", width=390)
    assert shown(page) == ranked() == ["山田's cache", "Sparse kernels"]
    assert axe(page) == []
