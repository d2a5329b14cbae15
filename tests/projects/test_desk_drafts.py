"""Nothing that an assessor types is lost, whatever they press and wherever they go."""

from decimal import Decimal

import pytest
from django.test import Client

from projects.models import Assessment, AssessmentDraft, Project, StaffNote
from projects.services.assessing import assess
from tests.projects.conftest import NOW, World
from tests.projects.teams import assess_url, list_url, make_teams

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("one_factor")]


@pytest.fixture
def desk(world: World) -> Client:
    return world.cast.client("assistant")


def page_of(client: Client, project: Project, **changes: str) -> dict[str, str]:
    """Everything that the page's one form sends, with what is typed."""
    context = client.get(assess_url(project)).context
    sent = {"seen": context["seen"]}
    for name in ("form", "note_form", "time_form", "move_form", "merge_form", "assessor_form"):
        form = context[name] or ()
        sent |= {field.name: str(form[field.name].value() or "") for field in form if field.name != "seen"}
    return {**sent, **changes}


def shown(client: Client, project: Project) -> dict[str, str]:
    page = page_of(client, project)
    return {name: page[name] for name in ("outcome", "extra_points", "feedback", "text")}


TYPED = {"outcome": "passed", "extra_points": "2.5", "feedback": "Careful work.", "text": "Ask about tests"}


@pytest.mark.parametrize(
    ("way", "leads_to"), [("previous", 0), ("next", 2), ("list", None)], ids=["previous", "next", "list"]
)
def test_what_is_typed_is_kept_on_every_way_through_the_list(
    world: World, desk: Client, way: str, leads_to: int | None
) -> None:
    teams = make_teams(world, 3)
    answer = desk.post(assess_url(teams[1]), {**page_of(desk, teams[1], **TYPED), "go": way}, follow=True)
    target = list_url() if leads_to is None else f"{assess_url(teams[leads_to])}?from={teams[1].pk}"
    assert answer.redirect_chain == [(target, 302)]
    text = answer.content.decode()
    assert f"#{teams[1].pk}: What you typed is kept since" in text
    assert f'href="{assess_url(teams[1])}"' in text
    assert not Assessment.objects.exists()
    assert not StaffNote.objects.exists()
    assert shown(desk, teams[1]) == TYPED
    assert "for you alone. It is not saved yet." in desk.get(assess_url(teams[1])).content.decode()


@pytest.mark.parametrize(
    "act",
    [{"accept": "1"}, {"withdraw_attempt": "1"}, {"extend": "1"}, {"move": "1"}, {"merge": "1"}, {"publish": "1"},
     {"preview": "1"}, {"show_letter": "1"}, {"go": "back"}, {"keep": "1"}, {"assign": "1"},
     {"withdraw": "1"}, {"save": "1", "extra_points": "9"}, {"nonsense": "1"}],
    ids=lambda act: next(iter(act)),
)  # fmt: skip
def test_whatever_is_pressed_keeps_what_was_typed(world: World, desk: Client, act: dict[str, str]) -> None:
    (team,) = make_teams(world, 1)
    desk.post(assess_url(team), {**page_of(desk, team, **TYPED), **act})
    kept = AssessmentDraft.objects.get()
    assert {name: kept.typed[name] for name in TYPED} == {
        **TYPED,
        **{name: value for name, value in act.items() if name in TYPED},
    }
    assert (kept.author, kept.project) == (world.staff, team)


def test_what_is_saved_is_no_longer_a_draft_and_the_rest_stays_one(world: World, desk: Client) -> None:
    (team,) = make_teams(world, 1)
    desk.post(assess_url(team), {**page_of(desk, team, **TYPED), "save": "1"})
    assert Assessment.objects.get().feedback == "Careful work."
    assert AssessmentDraft.objects.get().typed == {"text": "Ask about tests"}
    desk.post(assess_url(team), {**page_of(desk, team, feedback="Better."), "note": "1"})
    assert StaffNote.objects.get().text == "Ask about tests"
    assert shown(desk, team) == {"outcome": "passed", "extra_points": "2.5", "feedback": "Better.", "text": ""}
    desk.post(assess_url(team), {**page_of(desk, team), "save": "1"})
    assert not AssessmentDraft.objects.exists()


def test_typing_back_what_is_saved_leaves_no_draft(world: World, desk: Client) -> None:
    (team,) = make_teams(world, 1)
    desk.post(assess_url(team), {**page_of(desk, team, **TYPED), "keep": "quietly"})
    empty = dict.fromkeys(TYPED, "") | {"extra_points": "0.0"}
    answer = desk.post(assess_url(team), {**page_of(desk, team), **empty, "keep": "quietly"})
    assert (answer.status_code, answer.content) == (200, b"")
    assert not AssessmentDraft.objects.exists()


def test_a_published_decision_is_not_changed_on_the_way(world: World, desk: Client) -> None:
    first, second = make_teams(world, 2)
    desk.post(assess_url(first), {**page_of(desk, first, **TYPED), "save_publish": "1"})
    desk.post(assess_url(first), {**page_of(desk, first, outcome="failed"), "go": "next"})
    assert Assessment.objects.get().outcome == "passed"
    assert shown(desk, first)["outcome"] == "failed"
    assert AssessmentDraft.objects.get(project=first).typed["outcome"] == "failed"
    assert not AssessmentDraft.objects.filter(project=second).exists()


def test_drafts_are_ones_own(world: World, desk: Client) -> None:
    (team,) = make_teams(world, 1)
    desk.post(assess_url(team), {**page_of(desk, team, **TYPED), "go": "list"})
    lecturer = world.cast.client("lecturer")
    assert shown(lecturer, team) == {"outcome": "", "extra_points": "0.0", "feedback": "", "text": ""}
    lecturer.post(assess_url(team), {"discard": "1"})
    assert shown(desk, team) == TYPED
    desk.post(assess_url(team), {"discard": "1"})
    assert not AssessmentDraft.objects.exists()


@pytest.mark.parametrize("act", ["save", "go"])
def test_who_was_overtaken_sees_both_and_may_save(world: World, desk: Client, act: str) -> None:
    (team,) = make_teams(world, 1)
    page = page_of(desk, team, **TYPED)
    assess(
        project=team, outcome="failed", extra_points=Decimal(0), feedback="No.", by=world.cast.lecturer.user, now=NOW
    )
    answer = desk.post(assess_url(team), {**page, act: "1"})
    assert answer.status_code == (422 if act == "save" else 302)
    text = desk.get(assess_url(team)).content.decode()
    assert f"{world.cast.lecturer.user} decided while you typed: Failed, extra points 0." in text
    assert shown(desk, team) == TYPED
    assert Assessment.objects.get().feedback == "No."
    desk.post(assess_url(team), {**page_of(desk, team), "save": "1"})
    assert Assessment.objects.get().feedback == "Careful work."


@pytest.mark.parametrize(
    "odd", ["\x00NUL", "\ud800", "x" * 200_000, "'\"><script>alert(1)</script>", "山田太郎 Żółć ß"]
)
def test_whatever_is_typed_is_kept(world: World, desk: Client, odd: str) -> None:
    (team,) = make_teams(world, 1)
    text = odd.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    desk.post(assess_url(team), {**page_of(desk, team, feedback=text), "keep": "quietly"})
    assert AssessmentDraft.objects.get().typed["feedback"] == text.replace("\x00", "")
    assert "<script>alert(1)" not in desk.get(assess_url(team)).content.decode()


def test_what_was_just_saved_is_reached_again_when_it_left_the_list(world: World, desk: Client) -> None:
    teams = make_teams(world, 3)
    filters, seen = "?_changelist_filters=needs%3Dungraded", []
    address = f"{assess_url(teams[0])}{filters}"
    while "/assess/" in address:
        answer = desk.post(
            address, {"outcome": "passed", "extra_points": "1.0", "seen": "", "save_next": "1"}, follow=True
        )
        assert f'<a class="underline" href="{address}">Open it again</a>' in answer.content.decode()
        assert desk.get(address).status_code == 200
        seen.append(address)
        address = answer.redirect_chain[-1][0].partition("&from=")[0]
    assert seen == [f"{assess_url(team)}{filters}" for team in teams]
    assert address == list_url("needs=ungraded")
    assert Assessment.objects.count() == 3


def test_nobody_else_keeps_anything_on_the_page(world: World) -> None:
    (team,) = make_teams(world, 1)
    for part in ("student", "stranger", "foreign lecturer", "anonymous"):
        world.cast.client(part).post(assess_url(team), {**TYPED, "keep": "quietly"})
    assert not AssessmentDraft.objects.exists()
