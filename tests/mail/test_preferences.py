"""People decide what they get; what is decided about them always comes."""

import re

import pytest
from allauth.account.models import EmailAddress
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from amls.courses.models import User
from amls.mail.account_mail import KIND as ACCOUNT
from amls.mail.announcements import mail_announcements
from amls.mail.models import Announcement, Notice, Preference
from amls.mail.send import deliver_due
from amls.mail.tokens import Subscription, read_token, unsubscribe_url
from amls.mail.wording import site_path
from tests.cast import Cast
from tests.mail.conftest import Postbox

pytestmark = pytest.mark.django_db


def announced(cast: Cast, postbox: Postbox) -> str:
    """Send an announcement; return the address by which the student stops such mails."""
    now = timezone.now()
    Announcement.objects.create(course=cast.course, title="Hello", text="World", publish_at=now, audience="students")
    mail_announcements(now=now)
    deliver_due(now=now)
    mail = next(mail for mail in postbox.mails if "student@example.org" in mail["To"])
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    link = re.search(r"<http://localhost:8000(/unsubscribe/[^>]+/)>", mail["List-Unsubscribe"].strip())
    assert link is not None
    return link.group(1)


def test_one_click_stops_a_topic_as_rfc_8058_says(cast: Cast, postbox: Postbox) -> None:
    address = announced(cast, postbox)
    program = Client(enforce_csrf_checks=True)
    assert program.get(address).status_code == 200
    assert not Preference.objects.exists()
    answer = program.post(address, {"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    assert "sessionid" not in answer.cookies
    postbox.mails.clear()
    Announcement.objects.update(mailed_at=None)
    Notice.objects.all().delete()
    mail_announcements(now=timezone.now())
    deliver_due(now=timezone.now())
    assert [mail["To"].addresses[0].addr_spec for mail in postbox.mails] == ["other@example.org"]
    # Twice is once, and it can be taken back on the same page.
    assert program.post(address, {"List-Unsubscribe": "One-Click"}).status_code == 200
    assert Preference.objects.get().is_on is False
    program.post(address, {"again": "1"})
    assert Preference.objects.get().is_on is True


@pytest.mark.parametrize("spoil", ["{0}x", "x{0}", "1-1-reminders~abc", "nonsense"])
def test_a_forged_address_stops_nothing(cast: Cast, spoil: str) -> None:
    url = unsubscribe_url(Subscription(cast.student.user.pk, cast.course.pk, "changes"))
    token = url.rstrip("/").rpartition("/")[2]
    assert read_token(token) == Subscription(cast.student.user.pk, cast.course.pk, "changes")
    assert Client().post(f"/unsubscribe/{spoil.format(token)}/").status_code == 404
    assert not Preference.objects.exists()


def test_my_page_shows_what_i_got_and_why(cast: Cast, postbox: Postbox) -> None:
    announced(cast, postbox)
    page = cast.client("student").get("/amls/me/mail/").content.decode()
    assert "<b>Hello</b>" in page
    assert "You get this mail because you take part in Architecture of Machine Learning Systems, SS2024." in page
    assert "can&#x27;t be switched off" in page or "can't be switched off" in page
    client = cast.client("student")
    client.post("/amls/me/mail/", {"reminders": "on", "materials": "on"})
    assert dict(Preference.objects.values_list("topic", "is_on")) == {
        "reminders": True, "changes": False, "announcements": False, "materials": True,
    }  # fmt: skip
    assert cast.client("lecturer").get("/amls/me/mail/").content.decode().count("<b>Hello</b>") == 0


@pytest.fixture(autouse=True)
def _nobody_has_asked_yet() -> None:
    """How often one address of the network may ask for codes is counted beyond a test."""
    cache.clear()


def test_account_mail_goes_through_the_outbox_sealed_and_is_wiped(
    cast: Cast, postbox: Postbox, settings: Settings
) -> None:
    EmailAddress.objects.create(user=cast.student.user, email="student@example.org", verified=True, primary=True)
    client = Client()
    client.post("/accounts/login/code/", {"email": "student@example.org"})
    notice = Notice.objects.get(kind=ACCOUNT)
    assert notice.recipient == cast.student.user
    assert notice.due_at is not None
    assert (notice.due_at - notice.created_at).total_seconds() == 900
    deliver_due(now=timezone.now())
    text = postbox.mails[0].get_body(("plain",)).get_content()
    code = re.search(r"^([A-Z0-9]{3,4}-[A-Z0-9]{3,4})\s*$", text, re.MULTILINE)
    assert code is not None
    assert code.group(1) not in str(notice.references)
    assert postbox.mails[0]["List-Unsubscribe"] is None
    notice.refresh_from_db()
    assert notice.references == {"language": "en"}
    assert code.group(1) not in f"{notice.subject}{notice.reason}"
    client.post("/accounts/login/code/confirm/", {"code": code.group(1)})
    assert "_auth_user_id" in client.session


@pytest.mark.parametrize(("language", "said"), [("en", "It is valid for 15 minutes."), ("de", "Er gilt 15 Minuten.")])
@pytest.mark.parametrize("path", ["/accounts/login/code/", "/accounts/signup/"])
def test_pages_and_mails_say_the_same_of_how_long_a_code_is_valid(
    cast: Cast, postbox: Postbox, path: str, language: str, said: str
) -> None:
    User.objects.filter(pk=cast.student.user.pk).update(language=language)
    EmailAddress.objects.create(user=cast.student.user, email="student@example.org", verified=True, primary=True)
    email = f"new-{language}@example.org" if "signup" in path else "student@example.org"
    client = Client(headers={"accept-language": language})
    assert said in " ".join(client.get("/accounts/login/").content.decode().split())
    asked = client.post(path, {"email": email}, follow=True)
    assert said in " ".join(asked.content.decode().split())
    deliver_due(now=timezone.now())
    for kind in ("plain", "html"):
        assert said in " ".join(postbox.mails[0].get_body((kind,)).get_content().split())


@pytest.mark.parametrize(("language", "said"), [("en", "valid for 3 days."), ("de", "Der Link gilt 3 Tage.")])
def test_the_mail_with_a_link_to_a_new_password_says_how_long_it_is_valid(
    cast: Cast, postbox: Postbox, language: str, said: str
) -> None:
    User.objects.filter(pk=cast.student.user.pk).update(language=language)
    EmailAddress.objects.create(user=cast.student.user, email="student@example.org", verified=True, primary=True)
    Client().post("/accounts/password/reset/", {"email": "student@example.org"})
    deliver_due(now=timezone.now())
    for kind in ("plain", "html"):
        assert said in " ".join(postbox.mails[0].get_body((kind,)).get_content().split())


def test_a_code_that_opens_nothing_any_more_is_wiped_unsent(cast: Cast, postbox: Postbox) -> None:
    Client().post("/accounts/login/code/", {"email": "student@example.org"})
    notice = Notice.objects.get(kind=ACCOUNT)
    assert notice.due_at is not None
    deliver_due(now=notice.due_at)
    notice.refresh_from_db()
    assert (notice.state, notice.references, postbox.mails) == ("dropped", {"language": "en"}, [])


@pytest.mark.parametrize(
    ("path", "data", "subject"),
    [
        ("/accounts/password/reset/", {"email": "student@example.org"}, "Choose a new password"),
        ("/accounts/password/reset/", {"email": "nobody@example.org"}, "There is no account with this address"),
        ("/accounts/login/code/", {"email": "nobody@example.org"}, "There is no account with this address"),
        (
            "/accounts/signup/",
            {"email": "new@example.org", "password1": "correct horse 7", "password2": "correct horse 7"},
            "Your code to confirm this address",
        ),
        (
            "/accounts/signup/",
            {"email": "student@example.org", "password1": "correct horse 7", "password2": "correct horse 7"},
            "You have an account already",
        ),
    ],
)
def test_every_account_mail_reads_as_ours(
    cast: Cast, postbox: Postbox, path: str, data: dict[str, str], subject: str
) -> None:
    EmailAddress.objects.create(user=cast.student.user, email="student@example.org", verified=True, primary=True)
    assert Client().post(path, data).status_code == 302
    assert deliver_due(now=timezone.now()) == 1
    assert postbox.mails[0]["Subject"] == subject
    assert postbox.recipients == [data["email"]]
    html = postbox.mails[0].get_body(("html",)).get_content()
    assert "http://testserver" not in html
    assert User.objects.exists()


def test_who_has_no_account_comes_by_the_mail_to_where_they_wanted(cast: Cast, postbox: Postbox) -> None:
    asked = Client().post("/accounts/login/code/", {"email": "neu+1@example.org", "next": "/amls/enrol/"}, follow=True)
    assert "the mail has no code but the way to make one" in asked.content.decode()
    deliver_due(now=timezone.now())
    address = re.findall(r"http\S+/accounts/signup/\S*", postbox.mails[0].get_body(("plain",)).get_content())[0]
    page = Client().get(site_path(address)).content.decode()
    assert 'value="neu+1@example.org"' in page
    assert 'value="/amls/enrol/"' in page
    # Nobody is led off the site.
    Client().post("/accounts/login/code/", {"email": "neu@example.org", "next": "https://example.com/"})
    deliver_due(now=timezone.now())
    assert "example.com" not in postbox.mails[1].as_string()


def test_a_changed_password_is_told(cast: Cast, postbox: Postbox) -> None:
    user = cast.student.user
    user.set_password("correct horse 7")
    user.save()
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    client = Client()
    client.post("/accounts/login/", {"login": user.email, "password": "correct horse 7"})
    client.post(
        "/accounts/password/change/",
        {"oldpassword": "correct horse 7", "password1": "battery staple 8", "password2": "battery staple 8"},
    )
    deliver_due(now=timezone.now())
    assert "The password of your account was changed." in postbox.mails[-1].get_body(("plain",)).get_content()
