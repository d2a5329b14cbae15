"""Codes of authenticator apps on a server whose own clock is wrong."""

from datetime import timedelta

import pytest
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.test import Client
from django.utils import timezone

from amls.core import clock
from amls.core.clock import DatabaseClock
from amls.courses.models import User
from tests.accounts.test_accounts import PASSWORD, owner, prove
from tests.cast import Cast
from tests.factors import code_of, with_app

pytestmark = pytest.mark.django_db
# By so many seconds the database is ahead of this server.
SKEW = 305


@pytest.fixture
def behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """This server's clock is five minutes behind the database's, which apps and people go by."""
    right = DatabaseClock()
    right.set(timezone.now() + timedelta(seconds=SKEW))
    monkeypatch.setattr(clock, "database_clock", right)


def half_signed_in(user: User) -> Client:
    client = Client()
    client.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    assert "_auth_user_id" not in client.session
    return client


def opens(client: Client, code: str) -> bool:
    client.post("/accounts/2fa/authenticate/", {"code": code})
    return "_auth_user_id" in client.session


@pytest.mark.usefixtures("behind")
def test_code_of_the_right_time_opens_on_a_server_with_a_wrong_clock(cast: Cast) -> None:
    user = owner(cast.lecturer.user)
    secret = with_app(user)
    client = half_signed_in(user)
    assert not opens(client, code_of(secret))
    now = code_of(secret, later=SKEW)
    assert opens(client, f"{now[:3]} {now[3:]}")


@pytest.mark.usefixtures("behind")
def test_app_is_set_up_on_a_server_with_a_wrong_clock(cast: Cast) -> None:
    client = Client()
    client.force_login(owner(cast.student.user), backend="amls.courses.accounts.AccountBackend")
    prove(client)
    path = "/accounts/2fa/totp/activate/"
    secret: str = client.get(path).context["form"].secret
    assert client.post(path, {"code": code_of(secret)}).status_code == 200
    assert client.post(path, {"code": code_of(secret, later=SKEW)}).status_code == 302


@pytest.mark.parametrize("later", [-30, 0, 30])
def test_code_opens_once_for_as_long_as_it_counts(cast: Cast, later: int, monkeypatch: pytest.MonkeyPatch) -> None:
    user = owner(cast.lecturer.user)
    secret = with_app(user)
    code = code_of(secret, later=30)
    assert opens(half_signed_in(user), code)
    # Whoever looked over a shoulder comes when the app shows another code.
    right = DatabaseClock()
    right.set(timezone.now() + timedelta(seconds=30 + later))
    monkeypatch.setattr(clock, "database_clock", right)
    assert not opens(half_signed_in(user), code)


def test_code_of_nobody_opens_nothing(cast: Cast) -> None:
    user = owner(cast.lecturer.user)
    with_app(user)
    client = half_signed_in(user)
    assert not any(opens(client, code) for code in ("000", "abcdef", "١٢٣٤٥٦", "0" * 500))


def test_pages_that_ask_for_a_code_say_what_else_opens(cast: Cast) -> None:
    user = owner(cast.lecturer.user)
    with_app(user)
    backup = RecoveryCodes.activate(user).get_unused_codes()
    client = half_signed_in(user)
    page = client.get("/accounts/2fa/authenticate/").content.decode()
    assert "One of your recovery codes opens as well" in page
    assert "write to whoever runs this site" in page
    assert opens(client, backup[0])
    assert "One of your recovery codes opens as well" in client.get("/accounts/2fa/reauthenticate/").content.decode()
    client.post("/accounts/2fa/reauthenticate/", {"code": backup[1]})
    assert client.get("/accounts/2fa/recovery-codes/").status_code == 200
