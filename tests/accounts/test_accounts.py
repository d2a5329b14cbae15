"""What may change an account, who is told, and what is written down."""

import logging
import re
import time
from datetime import UTC, datetime, timedelta
from email.utils import parseaddr

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.core import mail
from django.core.cache import cache
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from amls.core.clock import database_clock
from amls.courses.models import AccountEvent, User
from amls.mail.account_mail import KIND
from amls.mail.models import Notice
from amls.mail.send import deliver_due
from amls.privacy.hooks.people import purge_account_events
from tests.cast import Cast
from tests.factors import code_of, with_app

pytestmark = pytest.mark.django_db
PASSWORD = "right-horse-battery"
SECOND = "second@example.org"


def owner(user: User, *more: str) -> User:
    """Give a person a password and proven addresses."""
    user.set_password(PASSWORD)
    user.save()
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    for address in more:
        EmailAddress.objects.create(user=user, email=address, verified=True)
    return user


def signed_in(user: User) -> Client:
    client = Client()
    client.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    assert client.session.get("_auth_user_id") == str(user.pk)
    return client


def prove(client: Client) -> None:
    assert client.post("/accounts/reauthenticate/", {"password": PASSWORD}).status_code == 302


def sent() -> list[tuple[str, str]]:
    """Deliver, and return to whom what was sent since the last time."""
    mail.outbox.clear()
    deliver_due(now=timezone.now())
    return sorted((parseaddr(message.to[0])[1], str(message.subject)) for message in mail.outbox)


def both(subject: str) -> list[tuple[str, str]]:
    return [(SECOND, subject), ("student@example.org", subject)]


def code_in_mail() -> str:
    code = re.search(r"^([A-Z0-9]{3,4}-[A-Z0-9]{3,4})$", mail.outbox[-1].body, re.MULTILINE)
    assert code is not None
    return code.group(1)


def set_up_app(client: Client) -> str:
    """Set an authenticator app up; return its secret."""
    prove(client)
    secret: str = client.get("/accounts/2fa/totp/activate/").context["form"].secret
    answer = client.post("/accounts/2fa/totp/activate/", {"code": code_of(secret)})
    assert answer.status_code == 302, answer.context["form"].errors
    return secret


# ── a fresh proof before anything changes ──


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("/accounts/email/", {"action_add": "1", "email": "thief@example.net"}),
        ("/accounts/email/", {"action_primary": "1", "email": SECOND}),
        ("/accounts/email/", {"action_remove": "1", "email": SECOND}),
        ("/accounts/2fa/totp/activate/", {"code": "123456"}),
        ("/accounts/2fa/webauthn/add/", {"name": "Mine", "credential": "{}"}),
        ("/accounts/sessions/", {}),
        ("/accounts/data/delete/", {"email": "student@example.org"}),
    ],
)
def test_a_stolen_session_changes_nothing_of_an_account(cast: Cast, path: str, data: dict[str, str]) -> None:
    user = owner(cast.student.user, SECOND)
    client = signed_in(user)
    before = list(EmailAddress.objects.order_by("pk").values())
    answer = client.post(path, data)
    assert (answer.status_code, answer.headers["Location"].split("?")[0]) == (302, "/accounts/reauthenticate/")
    assert list(EmailAddress.objects.order_by("pk").values()) == before
    user.refresh_from_db()
    assert user.is_active
    assert not Notice.objects.filter(kind=KIND).exists()


def test_who_has_neither_password_nor_factor_signs_in_again_with_a_code(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = cast.student.user
    user.set_unusable_password()
    user.save()
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    EmailAddress.objects.create(user=user, email=SECOND, verified=True)
    stale = cast.client("student")
    data = {"action_primary": "1", "email": SECOND}
    answer = stale.post("/accounts/email/", data)
    assert answer.headers["Location"] == "/accounts/sign-in-again/?next=%2Faccounts%2Femail%2F"
    assert "sign in with a new code" in stale.get(answer.headers["Location"]).content.decode()
    answer = stale.post("/accounts/sign-in-again/", {"next": "/accounts/email/"})
    assert answer.headers["Location"] == "/accounts/login/code/?next=%2Faccounts%2Femail%2F"
    assert "_auth_user_id" not in stale.session
    sign_in_by_code(stale, user.email)
    stale.post("/accounts/email/", data)
    user.refresh_from_db()
    assert user.email == SECOND
    # Half an hour later it is asked again.
    later = time.time() + 1800
    monkeypatch.setattr(time, "time", lambda: later)
    database_clock.set(datetime.fromtimestamp(later, UTC))
    answer = stale.post("/accounts/email/", {"action_remove": "1", "email": "student@example.org"})
    assert answer.headers["Location"].startswith("/accounts/sign-in-again/")


@pytest.mark.django_db(transaction=True)
def test_who_signed_up_by_code_sets_an_app_up_and_sees_the_recovery_codes() -> None:
    client = Client()
    asked = client.post("/accounts/signup/", {"email": "new@example.org", "password1": "", "password2": ""})
    sent()
    client.post(asked.headers["Location"], {"code": code_in_mail()})
    path = "/accounts/2fa/totp/activate/"
    secret: str = client.get(path).context["form"].secret
    answer = client.post(path, {"code": code_of(secret)}, follow=True)
    assert answer.redirect_chain == [("/accounts/2fa/recovery-codes/", 302)]
    codes = Authenticator.objects.get(user__email="new@example.org", type=Authenticator.Type.RECOVERY_CODES).wrap()
    assert all(code in answer.content.decode() for code in codes.get_unused_codes())
    assert AccountEvent.objects.get(what=AccountEvent.What.SIGNED_IN).how == "code"


def sign_in_by_code(client: Client, email: str) -> None:
    client.post("/accounts/login/code/", {"email": email})
    assert (email.lower(), "Your code to sign in") in sent()
    client.post("/accounts/login/code/confirm/", {"code": code_in_mail()})
    assert "_auth_user_id" in client.session


# ── every address hears of it ──


def test_each_address_is_told_of_each_change_of_addresses(cast: Cast) -> None:
    user = owner(cast.student.user, SECOND)
    client = signed_in(user)
    prove(client)
    client.post("/accounts/email/", {"action_primary": "1", "email": SECOND})
    subject = "The address of your account changed"
    assert sent() == [(SECOND, subject), ("student@example.org", subject)]
    client.post("/accounts/email/", {"action_remove": "1", "email": "student@example.org"})
    subject = "An address was removed from your account"
    assert sent() == [(SECOND, subject), ("student@example.org", subject)]
    text = mail.outbox[0].body
    assert "student@example.org was removed from your account" in text
    assert "(Europe/Berlin), from the IP address 127.0.0.1" in text
    assert "choose a new password at once" in " ".join(text.split())


def test_an_address_that_is_added_is_told_to_the_others(cast: Cast) -> None:
    user = owner(cast.student.user)
    client = signed_in(user)
    prove(client)
    client.post("/accounts/email/", {"action_add": "1", "email": "Thief@Example.net"})
    assert sent() == [("thief@example.net", "Your code to confirm this address")]
    client.post("/accounts/confirm-email/", {"code": code_in_mail()})
    assert EmailAddress.objects.get(email="thief@example.net").verified
    assert sent() == [("student@example.org", "An address was added to your account")]


def test_passwords_factors_sessions_and_the_end_are_told(cast: Cast) -> None:
    user = owner(cast.student.user, SECOND)
    client = signed_in(user)
    new = "tee kran müllmann zug"
    client.post("/accounts/password/change/", {"oldpassword": PASSWORD, "password1": new, "password2": new})
    assert sent() == both("Your password was changed")
    user.refresh_from_db()
    user.set_password(PASSWORD)
    user.save()
    client = signed_in(user)
    signed_in(user)
    prove(client)
    client.post("/accounts/sessions/")
    assert sent() == both("Your other sessions were ended")
    User.objects.filter(pk=user.pk).update(language="de")
    client.post("/accounts/data/delete/", {"email": user.email})
    assert [to for to, _subject in sent()] == [SECOND, "student@example.org"]
    assert Notice.objects.filter(kind=KIND, recipient=None).count() >= 2


# ── a factor in this session ──


@pytest.fixture
def strict(settings: Settings) -> None:
    settings.STAFF_NEEDS_SECOND_FACTOR = True


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("strict")
def test_a_session_opened_by_password_alone_ends_when_a_factor_is_set_up_elsewhere(cast: Cast) -> None:
    user = owner(cast.lecturer.user)
    stolen, own = signed_in(user), signed_in(user)
    set_up_app(own)
    assert own.get("/admin/").status_code == 200
    assert "_auth_user_id" not in Client(headers={"cookie": f"sessionid={stolen.cookies['sessionid'].value}"}).session
    assert stolen.get("/admin/", follow=True).redirect_chain[-1][0].startswith("/accounts/login/")


@pytest.mark.usefixtures("strict")
def test_a_factor_counts_in_the_session_in_which_it_was_proven(cast: Cast) -> None:
    user = owner(cast.lecturer.user)
    client = signed_in(user)
    # Past the site's own pages: the session stays, and is none of the staff's.
    secret = with_app(user)
    for path in ("/admin/", "/amls/staff/gradebook/"):
        answer = client.get(path, follow=True)
        assert answer.redirect_chain[-1][0].startswith("/accounts/2fa/reauthenticate/"), path
        assert "You signed in without your second factor" in answer.content.decode()
    assert client.post("/amls/staff/gradebook/").status_code in (302, 405)
    # The password doesn't help, and no further factor either.
    prove(client)
    assert client.get("/amls/staff/gradebook/").status_code == 302
    client.post("/accounts/2fa/reauthenticate/", {"code": code_of(secret)})
    assert client.get("/amls/staff/gradebook/").status_code == 200
    assert client.get("/admin/").status_code == 200


@pytest.mark.usefixtures("strict")
def test_a_sign_in_with_a_factor_opens_what_staff_see(cast: Cast) -> None:
    user = owner(cast.lecturer.user)
    secret = with_app(user)
    client = Client()
    client.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    assert "_auth_user_id" not in client.session
    client.post("/accounts/2fa/authenticate/", {"code": code_of(secret)})
    assert client.get("/amls/staff/gradebook/").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_other_sessions_end_when_a_factor_goes(cast: Cast) -> None:
    user = owner(cast.student.user)
    client = signed_in(user)
    secret = set_up_app(client)
    other = Client()
    other.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    # The code was used to set the app up, and opens once only.
    cache.clear()
    other.post("/accounts/2fa/authenticate/", {"code": code_of(secret)})
    assert "_auth_user_id" in other.session
    prove(client)
    client.post("/accounts/2fa/totp/deactivate/")
    assert not Authenticator.objects.exists()
    assert other.get("/accounts/profile/").status_code == 302
    assert client.get("/accounts/profile/").status_code == 200


# ── written down ──


def test_what_happens_to_an_account_is_logged_without_addresses(cast: Cast, caplog: pytest.LogCaptureFixture) -> None:
    user = owner(cast.student.user, SECOND)
    caplog.set_level(logging.INFO, "amls.accounts")
    client = Client(REMOTE_ADDR="203.0.113.77")
    client.post("/accounts/login/", {"login": user.email, "password": "wrong"})
    client.post("/accounts/login/", {"login": "nobody@example.org", "password": "wrong"})
    Client(REMOTE_ADDR="203.0.113.77").post("/accounts/login/code/", {"email": SECOND})
    client.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    prove(client)
    client.post("/accounts/email/", {"action_primary": "1", "email": SECOND})
    client.post("/accounts/email/", {"action_remove": "1", "email": "student@example.org"})
    client.post("/accounts/logout/")
    lines = [record.getMessage() for record in caplog.records if record.name == "amls.accounts"]
    who, network = f"user={user.pk}", "network=203.0.113.0/24"
    assert lines == [
        f"failed {who} how=password {network}",
        f"failed user=- how=password {network}",
        f"code-asked {who} how=login_code {network}",
        f"signed-in {who} how=password {network}",
        f"address-changed {who} how=- {network}",
        f"address-removed {who} how=- {network}",
        f"signed-out {who} how=- {network}",
    ]
    assert AccountEvent.objects.filter(user=user).count() == 6
    assert purge_account_events(timezone.now() + timedelta(days=91), False) == 7


def test_people_see_their_sign_ins_in_local_time_with_its_zone(cast: Cast) -> None:
    user = owner(cast.student.user)
    client = Client(REMOTE_ADDR="203.0.113.77", headers={"user-agent": "<b>Łynx</b>/2.0"})
    client.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    AccountEvent.objects.update(at="2024-07-08T22:30:00Z")
    page = client.get("/accounts/sessions/").content.decode()
    assert "All times are in the zone Europe/Berlin." in page
    assert "Tue 9 Jul 2024, 00:30" in " ".join(page.split())
    assert "203.0.113.0/24" in page
    # A program that nobody knows is called by its first word, which stays words.
    assert "&lt;b&gt;" in page
    assert "<b>Łynx" not in page
    assert "Signed in" in page


# ── an address that those who run the site enter ──


def enter(cast: Cast, user: User, email: str) -> str:
    """Enter an address at the desk; return the page that follows."""
    data = {"email": email, "display_name": user.display_name, "language": "", "is_active": "on"}
    answer = cast.client("admin").post(f"/admin/courses/user/{user.pk}/change/", data, follow=True)
    return " ".join(answer.content.decode().split())


def test_an_address_entered_at_the_desk_counts_once_it_is_proven(cast: Cast) -> None:
    user = owner(cast.student.user, SECOND)
    assert "A mail asks for a sign-in with a code that is sent to new@example.org" in enter(
        cast, user, "New@Example.ORG"
    )
    user.refresh_from_db()
    assert user.email == "student@example.org"
    entered = "A new address was entered for your account"
    assert sent() == [("new@example.org", "Your account gets this address"), *both(entered)]
    # Until then the old one opens the account.
    signed_in(user)
    client = Client()
    sign_in_by_code(client, "NEW@example.org")
    assert client.session["_auth_user_id"] == str(user.pk)
    user.refresh_from_db()
    assert user.email == "new@example.org"
    rows = EmailAddress.objects.filter(user=user).values_list("email", "verified", "primary")
    assert list(rows) == [("new@example.org", True, True)]
    changed = "The address of your account changed"
    assert sent() == [("new@example.org", changed), *both(changed)]
    for old in ("student@example.org", SECOND):
        out = Client()
        out.post("/accounts/login/", {"login": old, "password": PASSWORD})
        assert "_auth_user_id" not in out.session


def test_an_account_that_nobody_entered_gets_its_address_at_once(cast: Cast) -> None:
    user = cast.student.user
    enter(cast, user, "New@Example.org")
    user.refresh_from_db()
    assert user.email == "new@example.org"
    sign_in_by_code(Client(), "new@example.org")
    cast.client("admin").post("/admin/courses/user/add/", {"email": "Made@example.org", "is_active": "on"})
    sign_in_by_code(Client(), "made@example.org")


def test_an_address_of_another_account_is_refused_at_the_desk(cast: Cast) -> None:
    owner(cast.other_student.user, SECOND)
    user = owner(cast.student.user)
    assert "This address has an account already." in enter(cast, user, SECOND.upper())
    assert "This address has an account already." in enter(cast, user, "Other@example.org")
    assert not EmailAddress.objects.filter(user=user, verified=False).exists()


def test_addresses_are_kept_in_lower_case() -> None:
    made = User.objects.create_user("Anna@Example.ORG", PASSWORD)
    assert (made.email, User.objects.get(email="ANNA@example.org")) == ("anna@example.org", made)
    with pytest.raises(IntegrityError, match="user_email_lower"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE courses_user SET email = 'Anna@example.org' WHERE id = %s", [made.pk])


def test_who_has_a_password_is_asked_for_it_before_an_account_changes(cast: Cast) -> None:
    client, address = cast.client("student"), "/accounts/sign-in-again/?next=/accounts/email/"
    assert b"You have no password" in client.get(address).content
    cast.student.user.set_password("right-horse-battery")
    cast.student.user.save()
    client.force_login(cast.student.user, backend="amls.courses.accounts.AccountBackend")
    for ask in (client.get, client.post):
        answer = ask(address)
        assert (answer.status_code, answer.headers["Location"]) == (
            302, "/accounts/reauthenticate/?next=%2Faccounts%2Femail%2F"
        )  # fmt: skip
    assert "_auth_user_id" in client.session
