"""Asking for more time: whoever may hand in may ask, also where nothing is handed in yet."""

from datetime import timedelta

import pytest
from bs4 import BeautifulSoup
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from amls.core.violations import RuleViolation
from projects.addresses import address_of
from projects.deadlines import deadline_of
from projects.models import ExtensionRequest, Project
from projects.services.extensions import grant_request, request_extension
from projects.services.joining import team_for
from projects.services.teams import move_member
from projects.teamrows import members_of
from tests.markup import shows
from tests.projects.conftest import NOW, World
from tests.projects.test_assignments import sheet
from tests.projects.test_wishes_pages import signed_in

pytestmark = pytest.mark.django_db


def text_of(page: HttpResponse) -> str:
    """Return what the page's own part says, without the frame."""
    main = BeautifulSoup(page.content, "html.parser").main
    assert main is not None
    return main.get_text()


@pytest.mark.parametrize("late", ["accepted", "refused"])
def test_who_has_handed_nothing_in_asks_for_more_time_before_and_after_the_deadline(world: World, late: str) -> None:
    now = timezone.now()
    due_at = {"accepted": now + timedelta(days=1), "refused": now - timedelta(days=1)}[late]
    asked = sheet(world, 1, teaming="alone", team_max=1, due_at=due_at, late_policy=late)
    client = signed_in(world.student)
    address = address_of(asked, "extension")
    assert f'href="{address}"' in client.get(address_of(asked)).content.decode()
    if late == "refused":
        assert f'href="{address}"' in client.get(address_of(asked, "submit")).content.decode()
    page = client.get(address)
    assert shows(text_of(page), "You have time until")
    assert not shows(text_of(page), "team")
    assert client.post(address, {"reason": " "}).status_code == 422
    assert not Project.objects.filter(assignment=asked).exists()
    assert client.post(address, {"reason": "Fever"}).status_code == 302
    wish = ExtensionRequest.objects.get()
    assert (wish.enrolment, wish.reason, [row.pk for row in members_of(wish.project)]) == (
        world.student, "Fever", [world.student.pk]
    )  # fmt: skip
    assert shows(text_of(client.get(address_of(asked))), "The staff have not decided yet")
    assert f'href="{address}"' not in client.get(address_of(asked, "submit")).content.decode()
    until = now + timedelta(days=2)
    grant_request(request=wish, by=world.staff, now=now, due_at=until)
    assert deadline_of(world.student, asked) == until
    assert deadline_of(world.other, asked) == due_at


def test_a_request_makes_the_team_that_the_first_hand_in_would_and_nothing_before_it_opens(world: World) -> None:
    pair = team_for(enrolment=world.student, assignment=sheet(world, 1), now=NOW)
    move_member(enrolment=world.other, to=pair, by=world.staff, now=NOW)
    now = timezone.now()
    due_at = now + timedelta(days=9)
    following = sheet(world, 2, due_at=due_at)
    page = signed_in(world.student).get(address_of(following, "extension"))
    assert shows(
        text_of(page), f"Your request is for your team: you and, as you worked together last, {world.other.user}."
    )
    wish = request_extension(project=following, by=world.student, reason="Flu", wanted_until=None, now=now)
    assert {row.pk for row in members_of(wish.project)} == {world.student.pk, world.other.pk}
    with pytest.raises(RuleViolation) as refusal:
        request_extension(project=following, by=world.other, reason="Flu", wanted_until=None, now=now)
    assert refusal.value.code == "asked-already"
    later = sheet(world, 3, due_at=due_at, opens_at=now + timedelta(days=2))
    address = address_of(later, "extension")
    assert f'href="{address}"' not in signed_in(world.student).get(address_of(later)).content.decode()
    assert shows(text_of(signed_in(world.student).post(address, {"reason": "Flu"})), "It opens")
    assert not Project.objects.filter(assignment=later).exists()


def test_a_stranger_and_who_has_no_topic_ask_for_no_time(world: World) -> None:
    asked = sheet(world, 1)
    stranger = Client()
    stranger.force_login(world.cast.stranger, backend="amls.courses.accounts.AccountBackend")
    assert stranger.post(address_of(asked, "extension"), {"reason": "Flu"}).status_code == 404
    assert signed_in(world.student).get("/amls/projects/mine/extension/").status_code == 404
    assert not ExtensionRequest.objects.exists()
