"""The desk says in words how the installation is, to those who run it."""

import pytest
from django.test import Client
from pytest_django import Settings

from amls.core import clock
from amls.core.models import RunningProcess
from amls.core.processes import queues
from amls.core.pulse import note_pulse
from amls.mail.health import beat_seen
from tests.cast import Cast

pytestmark = pytest.mark.django_db
PAGE = "/admin/installation/"


@pytest.fixture(autouse=True)
def _staffed(settings: Settings) -> None:
    settings.STAFF_NEEDS_SECOND_FACTOR = False
    settings.LEAST_FREE_BYTES = 0
    note_pulse(name="all@here", queues=queues())
    note_pulse(name="beat@here", queues=[])
    beat_seen(now=clock.now())


def words(client: Client, language: str = "en") -> str:
    return " ".join(client.get(PAGE, headers={"accept-language": language}).content.decode().split())


def test_it_is_for_those_who_run_the_site(cast: Cast) -> None:
    status = {part: cast.client(part).get(PAGE).status_code for part in ("stranger", "student", "lecturer", "admin")}
    assert status == {"stranger": 302, "student": 302, "lecturer": 403, "admin": 200}
    assert f'href="{PAGE}"' in cast.client("admin").get("/admin/").content.decode()
    assert f'href="{PAGE}"' not in cast.client("lecturer").get("/admin/").content.decode()


def test_it_says_what_is_wrong_and_what_to_do(cast: Cast) -> None:
    assert "Everything runs." in words(cast.client("admin"))
    RunningProcess.objects.filter(name="all@here").update(queues=["default", "exports"], skew=5)
    said = words(cast.client("admin"))
    assert "Workers of the queue &#x27;mail&#x27;: none" in said
    assert "Nobody serves it: no mail leaves. Start its worker." in said
    assert "Clock of all@here: 5 s ahead of the database" in said
    assert "Everything runs." not in said
    in_german = words(cast.client("admin"), "de")
    assert "Niemand bedient sie: Es geht keine Mail hinaus. Starten Sie ihren Worker." in in_german
