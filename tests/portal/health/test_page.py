"""The desk says in words how the installation is, to those who run it."""

from datetime import timedelta

import pytest
from django.test import Client
from pytest_django import Settings

from amls.core import clock
from amls.core.models import RunningProcess
from amls.core.processes import queues
from amls.core.pulse import note_pulse
from amls.mail.health import beat_seen
from amls.mail.models import Notice
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


def test_a_mailbox_that_is_none_is_no_problem_of_the_installation(cast: Cast) -> None:
    now = clock.now()
    values = {
        "kind": "mail.test",
        "created_at": now,
        "not_before": now,
        "attempts": 1,
        "state": "failed",
        "failed_at": now,
    }
    unknown = "SMTPRecipientsRefused: {'bogus@nowhere.example': (550, b'5.1.1 no such user')}"
    Notice.objects.create(key="k", address="bogus@nowhere.example", last_error=unknown, **values)
    assert cast.client("admin").get("/readyz").json()["problems"] == {}
    assert 'amls_problem{name="failed-mail"} 0.0' in cast.client("admin").get("/metrics").content.decode()
    assert (
        "bogus@nowhere.example"
        in cast.client("admin").get("/admin/mail/notice/?state=failed", follow=True).content.decode()
    )
    Notice.objects.create(key="l", address="ada@example.org", last_error="SMTPDataError: (554, b'spam')", **values)
    assert set(cast.client("admin").get("/readyz").json()["problems"]) == {"failed-mail"}


def test_it_says_for_whom_its_reader_is_taken(cast: Cast, settings: Settings) -> None:
    assert "you come from 127.0.0.1, by 0 front servers" in words(cast.client("admin"))
    client = cast.client("admin")
    passed_on = client.get(PAGE, headers={"x-forwarded-for": "203.0.113.7"}).content.decode()
    assert "set TRUSTED_PROXIES to how many there are" in passed_on
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    passed_on = client.get(PAGE, headers={"x-forwarded-for": "203.0.113.7"}).content.decode()
    assert "you come from 203.0.113.7, by 1 front server" in passed_on
    assert "set TRUSTED_PROXIES" not in passed_on


def test_a_setting_that_the_mail_server_does_not_agree_with_is_named_until_its_mails_are_gone(cast: Cast) -> None:
    now = clock.now()
    notice = Notice.objects.create(
        key="k", kind="projects.receipt", course=cast.course, recipient=cast.student.user, not_before=now + timedelta(minutes=4),
        created_at=now, attempts=3, last_error="EMAIL_URL: SMTPAuthenticationError: (535, b'5.7.8 Error: authentication failed')",
    )  # fmt: skip
    refused = "Mail server (EMAIL_URL): 1 mail was not taken"
    assert refused in words(cast.client("admin"))
    probed = cast.client("admin").get("/readyz").json()["problems"]
    assert set(probed) == {"mail-server"}
    assert probed["mail-server"].startswith(f"{refused}. It is away, or takes no mail from here: look at host, port,")
    numbers = cast.client("admin").get("/metrics").content.decode()
    assert "amls_mails_not_taken 1.0" in numbers
    assert 'amls_problem{name="mail-server"} 1.0' in numbers
    for page in ("/admin/", "/admin/mail/notice/health"):
        assert "EMAIL_URL" in cast.client("lecturer").get(page, follow=True).content.decode(), page
    Notice.objects.filter(pk=notice.pk).update(state="sent", sent_at=now, last_error="")
    assert cast.client("admin").get("/readyz").json()["problems"] == {}
    assert "Sender of mails (DEFAULT_FROM_EMAIL)" in words(cast.client("admin"))
