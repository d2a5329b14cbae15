"""What a team is told of late hand-ins: before the deadline, after it, and when nothing is taken any more."""

from datetime import timedelta

import pytest
from bs4 import BeautifulSoup
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from amls.core.clock import deadline_closes_at
from amls.core.times import say_time
from amls.mail.letters import letter_kinds
from amls.mail.models import Notice
from projects.addresses import address_of
from projects.models import Assignment
from projects.services.extensions import extend
from projects.services.handin import pick_submission
from projects.services.joining import team_for
from tests.projects.conftest import World
from tests.projects.test_assignments import give, sheet
from tests.projects.test_wishes_pages import signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("one_factor")]
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)

KEPT, ONLY_IF = "Late hand-ins are kept until", "They count only if the staff accept them."
NEWEST = "The newest attempt counts unless your team picks another one."


def said(client: Client, address: str) -> str:
    """Return what the page's own part says, with single spaces."""
    main = BeautifulSoup(client.get(address).content, "html.parser").main
    assert main is not None
    return " ".join(main.get_text(" ").split())


def on_both(world: World, assignment: Assignment) -> list[str]:
    client = signed_in(world.student)
    return [said(client, address_of(assignment, *page)) for page in ((), ("submit",))]


@pytest.mark.parametrize("has_team", [False, True])
def test_before_the_deadline_both_pages_say_what_becomes_of_late_ones(world: World, has_team: bool) -> None:
    due_at = timezone.now() + DAY
    kept = sheet(world, 1, due_at=due_at, late_cutoff_hours=48)
    strict = sheet(world, 2, due_at=due_at, late_cutoff_hours=0)
    deducted = sheet(world, 3, due_at=due_at, late_policy="deducted", late_percent=10)
    for row in (kept, strict, deducted) if has_team else ():
        team_for(enrolment=world.student, assignment=row, now=timezone.now())
    until = (due_at + 2 * DAY).astimezone(world.course.zone)
    for page in on_both(world, kept):
        assert f"{KEPT} {until:%a} {until.day} {until:%b, %H:%M}" in page.replace(f" {until:%Y},", ",")
        assert page.count(ONLY_IF) == 1
    assert ["After the deadline nothing is taken." in page for page in on_both(world, strict)] == [True, True]
    assert [(ONLY_IF in page, "10 % of the points are deducted" in page) for page in on_both(world, deducted)] == [
        (False, True), (False, True)
    ]  # fmt: skip


def test_a_new_attempt_is_never_said_to_count_instead_of_one_in_time_that_there_is_not(world: World) -> None:
    now = timezone.now()
    assignment = sheet(world, 1, due_at=now - HOUR, late_policy="deducted", late_percent=10)
    team = team_for(enrolment=world.student, assignment=assignment, now=now - DAY)
    give(team, world.student, now - MINUTE)
    late_too = "it counts instead of attempt 1, which is late too"
    assert [(word in on_both(world, assignment)[0]) for word in ("the one in time", late_too)] == [False, True]
    in_time = sheet(world, 2, due_at=now - HOUR, late_policy="deducted", late_percent=10)
    team = team_for(enrolment=world.student, assignment=in_time, now=now - DAY)
    first = give(team, world.student, now - DAY)
    page, form = on_both(world, in_time)
    assert "it counts instead of the one in time" in page
    assert "It counts instead of attempt 1, which was in time" in form
    # What the team picked goes on counting, and so a late one doesn't take its place.
    pick_submission(project=team, submission=first, now=now)
    page, form = on_both(world, in_time)
    assert "attempt 1 goes on counting until you let another one count" in page
    assert "If it counts, 10 % of its points are deducted." in form
    assert "it goes on counting until you let another one count" in form
    assert [word in page + form for word in ("instead of", "unless the staff")] == [False, False]


def test_the_newest_of_those_that_wait_for_the_staff_is_not_said_to_count(world: World) -> None:
    now = timezone.now()
    assignment = sheet(world, 1, due_at=now - HOUR)
    form = on_both(world, assignment)[1]
    assert "It is kept, but counts only if the staff accept it." in form
    assert NEWEST not in form
    team = team_for(enrolment=world.student, assignment=assignment, now=now - DAY)
    give(team, world.student, now - DAY)
    page, form = on_both(world, assignment)
    assert "Attempt 1 goes on counting unless the staff accept a later one." in form
    assert NEWEST not in form
    assert "A new attempt is late, and counts only if the staff accept it." in page


@pytest.mark.parametrize("has_team", [False, True])
@pytest.mark.parametrize(
    ("values", "minutes", "words"),
    [
        ({"late_policy": "refused", "grace_minutes": 15}, 15, "With the time of grace hand-ins were taken until"),
        ({"late_policy": "deducted", "late_percent": 10, "late_cutoff_hours": 1}, 60, "Late hand-ins were taken until"),
        ({"late_cutoff_hours": 1}, 60, "Late hand-ins were kept until"),
    ],
)
def test_both_pages_name_the_same_last_minute(
    world: World, has_team: bool, values: dict[str, object], minutes: int, words: str
) -> None:
    due_at = timezone.now() - DAY
    assignment = sheet(world, 1, due_at=due_at, **values)
    if has_team:
        team_for(enrolment=world.student, assignment=assignment, now=timezone.now())
    last = (deadline_closes_at(due_at) + (minutes - 1) * MINUTE).astimezone(world.course.zone)
    for page in on_both(world, assignment):
        after = page.partition(words)[2]
        assert f"{last:%H:%M} ({world.course.timezone})" in after[:60]
        assert [word in page for word in ("are kept", "are taken")] == [False, False]


@pytest.mark.parametrize("has_team", [False, True])
def test_more_time_of_ones_own_is_said_before_anything_is_handed_in(world: World, has_team: bool) -> None:
    now = timezone.now()
    assignment = sheet(world, 1, teaming="alone", team_max=1, due_at=now - HOUR)
    if has_team:
        team_for(enrolment=world.student, assignment=assignment, now=now)
    plain = on_both(world, assignment)
    extend(assignment=assignment, by=world.staff, reason="x", enrolment=world.student, delta=DAY, now=now)
    due_at = assignment.due_at.astimezone(world.course.zone)
    for before, page in zip(plain, on_both(world, assignment), strict=True):
        said_so = "Extended for you The assignment's deadline is"
        assert [said_so in text for text in (before, page)] == [False, True]
        assert f"{due_at:%H:%M} ." in page.partition(said_so)[2][:40]
        assert [word in page for word in ("Extended for your team", "course's deadline")] == [False, False]
    # In how long it is belongs to what is due for oneself.
    assert on_both(world, assignment)[0].index("tomorrow") < on_both(world, assignment)[0].index("Extended for you")
    others = said(signed_in(world.other), address_of(assignment))
    assert "Extended" not in others
    extend(assignment=assignment, by=world.staff, reason="x", delta=2 * DAY, now=now)
    assert "Extended for you" not in on_both(world, assignment)[0]


def test_the_receipt_of_a_late_one_names_the_deadline_also_where_it_counts(world: World) -> None:
    now = timezone.now()
    deducted = sheet(world, 1, due_at=now - HOUR, late_policy="deducted", late_percent=10)
    kept = sheet(world, 2, due_at=now - HOUR)
    in_time = sheet(world, 3, due_at=now + DAY)
    texts = []
    for row in (deducted, kept, in_time):
        team = team_for(enrolment=world.student, assignment=row, now=now)
        submission = give(team, world.student, now)
        notice = Notice.objects.get(kind="projects.receipt", references__submission=submission.pk)
        letter = letter_kinds["projects.receipt"].writer(notice, now)
        assert letter is not None
        texts.append(letter.text)
    said = f"The deadline was **{say_time(deducted.due_at, world.course.zone, now=now)}**."
    assert [said in text for text in texts] == [True, True, False]


@pytest.mark.parametrize(("grading", "label"), [("points", "Without points"), ("passed", "Without a result")])
def test_the_filter_names_what_is_given(world: World, grading: str, label: str) -> None:
    values = {"max_points": None} if grading == "passed" else {}
    assignment = sheet(world, 1, grading=grading, **values)
    page = world.cast.client("assistant").get(reverse("projects:points", args=[world.course.slug, assignment.pk]))
    options = BeautifulSoup(page.content, "html.parser").select("select#show option")
    assert options[1].get_text().partition(" (")[0] == label
