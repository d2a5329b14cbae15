"""What a sign-in by the university means afterwards: the second factor, the way out, and accounts that it knows no more."""

import time
from datetime import timedelta
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.core import mail
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from amls.courses.models import AccountEvent, Role, User
from amls.mail.send import deliver_due
from amls.signin.locking import lock_unknown
from tests.cast import Cast
from tests.factories import EnrolmentFactory, UserFactory
from tests.signin.openid import CLIENT, MFA, University, sign
from tests.signin.test_openid import is_in, said, sign_in

pytestmark = pytest.mark.django_db
DESK = "/amls/staff/gradebook/"


@pytest.fixture
def teacher(cast: Cast, uni: University, settings: Settings, tmp_path: Path) -> User:
    """Somebody who teaches, and signs in by a university whose second factor counts."""
    settings.STAFF_NEEDS_SECOND_FACTOR = True
    settings.SIGN_IN_PROVIDERS = uni.settings(tmp_path, second_factor=[MFA])
    user = UserFactory.create(email="sahin@uni.example")
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    EnrolmentFactory.create(course=cast.course, user=user, role=Role.LECTURER)
    return user


# ── the second factor ──


def test_second_factor_of_the_university_opens_what_staff_see(teacher: User, uni: University) -> None:
    uni.acr = MFA
    client, _answer = sign_in(uni, "teacher")
    assert client.get(DESK).status_code == 200
    assert client.get("/admin/").status_code == 200


@pytest.mark.parametrize("acr", ["", "urn:password", f"{MFA}-not"])
def test_sign_in_without_it_leads_to_where_it_is_proven(teacher: User, uni: University, acr: str) -> None:
    uni.acr = acr
    client, _answer = sign_in(uni, "teacher")
    answer = client.get(DESK)
    assert answer.headers["Location"] == "/accounts/oidc/uni/login/?factor=1&next=%2Famls%2Fstaff%2Fgradebook%2F"
    page = said(client.get(answer.headers["Location"]))
    assert "Staff need a second factor. Confirm it with Universität Größe." in page
    # There it is asked for, and back here it counts.
    uni.acr = MFA
    _client, back = sign_in(uni, "teacher", client, answer.headers["Location"])
    assert back.headers["Location"] == DESK
    assert client.get(DESK).status_code == 200


def test_it_is_asked_for_only_where_it_is_needed(teacher: User, uni: University) -> None:
    client = Client()
    pages = [client.post(f"/accounts/oidc/uni/login/{query}").content.decode() for query in ("", "?factor=1")]
    assert ["acr_values" in page for page in pages] == [False, True]


def test_another_way_in_has_no_second_factor_of_the_university(teacher: User, uni: University) -> None:
    """The session in which it was used is over; a password alone proves nothing more."""
    uni.acr = MFA
    client, _answer = sign_in(uni, "teacher")
    teacher.set_password("right-horse-battery")
    teacher.save()
    client = Client()
    client.post("/accounts/login/", {"login": teacher.email, "password": "right-horse-battery"})
    assert is_in(client)
    assert client.get(DESK).status_code == 302


def test_sign_in_again_without_it_ends_it(teacher: User, uni: University) -> None:
    uni.acr = MFA
    client, _answer = sign_in(uni, "teacher")
    uni.acr = ""
    sign_in(uni, "teacher", client)
    assert client.get(DESK).status_code == 302


def test_second_factor_counts_only_where_that_is_set(
    teacher: User, uni: University, settings: Settings, tmp_path: Path
) -> None:
    settings.SIGN_IN_PROVIDERS = uni.settings(tmp_path)
    uni.acr = MFA
    client, _answer = sign_in(uni, "teacher")
    assert client.get(DESK).headers["Location"] == "/accounts/2fa/"


# ── the way out ──


def test_signing_out_signs_out_at_the_university_too(uni: University) -> None:
    client, _answer = sign_in(uni, "lukasz")
    answer = client.post("/accounts/logout/")
    assert not is_in(client)
    page = unescape(client.get(answer.headers["Location"]).content.decode())
    address = page.split('content="0;url=')[1].split('"')[0]
    query = parse_qs(urlsplit(address).query)
    assert address.startswith(f"{uni.address}/logout?")
    assert query["post_logout_redirect_uri"] == ["http://localhost:8000/"]
    assert query["id_token_hint"][0].count(".") == 2


def test_way_out_is_sealed(uni: University) -> None:
    client, _answer = sign_in(uni, "lukasz")
    place = client.post("/accounts/logout/").headers["Location"]
    assert Client().get(place[:-2]).status_code == 400


def test_who_signed_in_otherwise_or_where_it_is_off_stays_here(
    cast: Cast, uni: University, settings: Settings, tmp_path: Path
) -> None:
    assert cast.client("student").post("/accounts/logout/").headers["Location"] == "/"
    client, _answer = sign_in(uni, "lukasz")
    settings.SIGN_IN_PROVIDERS = uni.settings(tmp_path, logout=False)
    assert client.post("/accounts/logout/").headers["Location"] == "/"


def logout_token(uni: University, **changes: object) -> str:
    now = time.time()
    claims = {
        "iss": uni.address, "aud": CLIENT, "iat": now, "exp": now + 60, "jti": "1", "sub": "u-4711",
        "events": {"http://schemas.openid.net/event/backchannel-logout": {}}, **changes,
    }  # fmt: skip
    return sign({name: value for name, value in claims.items() if value is not None})


def tell(token: str) -> int:
    return Client().post("/accounts/oidc/uni/logout/", {"logout_token": token}).status_code


def test_university_ends_the_sessions_that_it_opened(uni: University) -> None:
    client, _answer = sign_in(uni, "lukasz")
    client.get("/accounts/profile/")
    other = Client()
    other.force_login(User.objects.get(), backend="amls.courses.accounts.AccountBackend")
    assert tell(logout_token(uni)) == 200
    assert client.get("/accounts/profile/").status_code == 302
    assert other.get("/accounts/profile/").status_code == 200


@pytest.mark.parametrize(
    "changes",
    [{"sub": None}, {"events": {}}, {"nonce": "x"}, {"aud": "another"}, {"iss": "https://evil.example"},
     {"iat": 1.0}, {"exp": 1.0}],
    ids=["nobody", "no logout", "an ID token", "audience", "issuer", "old", "expired"],
)  # fmt: skip
def test_what_the_university_did_not_say_ends_nothing(uni: University, changes: dict[str, object]) -> None:
    client, _answer = sign_in(uni, "lukasz")
    client.get("/accounts/profile/")
    assert tell(logout_token(uni, **changes)) == 400
    assert client.get("/accounts/profile/").status_code == 200


def test_session_of_another_device_is_not_meant(uni: University) -> None:
    client, _answer = sign_in(uni, "lukasz")
    client.get("/accounts/profile/")
    assert tell(logout_token(uni, sid="another")) == 200
    assert client.get("/accounts/profile/").status_code == 200


# ── accounts that it knows no more ──


@pytest.fixture
def gone(uni: University, settings: Settings, tmp_path: Path) -> User:
    """Somebody whom the university saw a year ago; others come every day."""
    settings.SIGN_IN_PROVIDERS = uni.settings(tmp_path, lock_after_days=200)
    sign_in(uni, "lukasz")
    sign_in(uni, "teacher")
    user = User.objects.get(email="lukasz@uni.example")
    SocialAccount.objects.filter(user=user).update(last_login=timezone.now() - timedelta(days=365))
    return user


def test_account_unknown_for_long_is_locked_and_opens_by_the_next_sign_in(gone: User, uni: University) -> None:
    client = Client()
    client.force_login(gone, backend="amls.courses.accounts.AccountBackend")
    assert client.get("/accounts/profile/").status_code == 200
    assert (lock_unknown(now=timezone.now()), lock_unknown(now=timezone.now())) == (1, 0)
    gone.refresh_from_db()
    assert (gone.is_active, gone.locked_at is not None) == (False, True)
    assert client.get("/accounts/profile/").status_code == 302
    # Whoever comes another way reads what opens it.
    gone.set_password("right-horse-battery")
    gone.save()
    answer = Client().post("/accounts/login/", {"login": gone.email, "password": "right-horse-battery"})
    assert "Sign in with Universität Größe to open it again." in said(answer)
    client, _answer = sign_in(uni, "lukasz")
    assert is_in(client)
    gone.refresh_from_db()
    assert (gone.is_active, gone.locked_at) == (True, None)
    events = AccountEvent.objects.filter(user=gone, what__in=["locked", "unlocked"]).order_by("pk")
    assert list(events.values_list("what", flat=True)) == ["locked", "unlocked"]


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("/accounts/login/code/", {}),
        ("/accounts/signup/", {"password1": "", "password2": ""}),
        ("/accounts/password/reset/", {}),
    ],
)
@pytest.mark.parametrize(
    ("is_by_desk", "opens"),
    [
        (False, "Sign in with Universität Größe to open it again."),
        (True, "Write to whoever runs this site if you need it."),
    ],
)
def test_who_asks_for_a_way_into_a_locked_account_reads_by_mail_what_opens_it(
    gone: User, path: str, data: dict[str, str], is_by_desk: bool, opens: str
) -> None:
    lock_unknown(now=timezone.now())
    if is_by_desk:
        User.objects.filter(pk=gone.pk).update(locked_at=None)
    Client().post(path, {"email": gone.email, **data})
    assert deliver_due(now=timezone.now()) == 1
    letter = mail.outbox[-1]
    assert gone.email in letter.to[0]
    assert letter.subject == "This account is locked"
    text = str(letter.body)
    assert opens in " ".join(text.split())
    assert ("/accounts/login/" in text) is not is_by_desk


def test_who_runs_the_site_has_no_provider_or_is_known_elsewhere_is_not_locked(
    cast: Cast, gone: User, settings: Settings
) -> None:
    User.objects.filter(pk=gone.pk).update(is_superuser=True)
    assert lock_unknown(now=timezone.now()) == 0
    User.objects.filter(pk=gone.pk).update(is_superuser=False)
    (uni,) = settings.SIGN_IN_PROVIDERS
    settings.SIGN_IN_PROVIDERS = (uni, type(uni)(id="other", kind="openid_connect", name="Other"))
    SocialAccount.objects.create(user=gone, provider="other", uid="1")
    assert lock_unknown(now=timezone.now()) == 0


def test_provider_that_was_away_locks_nobody(gone: User) -> None:
    SocialAccount.objects.update(last_login=timezone.now() - timedelta(days=365))
    assert lock_unknown(now=timezone.now()) == 0


def test_who_was_locked_at_the_desk_stays_locked(gone: User, uni: University) -> None:
    User.objects.filter(pk=gone.pk).update(is_active=False)
    client, answer = sign_in(uni, "lukasz")
    assert not is_in(client)
    assert answer.headers["Location"] == "/accounts/inactive/"


def test_account_opened_at_the_desk_is_open(cast: Cast, gone: User) -> None:
    lock_unknown(now=timezone.now())
    data = {"email": gone.email, "language": "", "is_active": "on"}
    answer = cast.client("admin").post(f"/admin/courses/user/{gone.pk}/change/", data)
    assert answer.status_code == 302
    gone.refresh_from_db()
    assert (gone.is_active, gone.locked_at, gone.display_name) == (True, None, "Łukasz Żółć")


def test_deleted_account_is_forgotten_and_a_new_one_made(uni: University) -> None:
    client, _answer = sign_in(uni, "lukasz")
    user = User.objects.get()
    client.post("/accounts/data/delete/", {"email": user.email})
    assert not SocialAccount.objects.exists()
    client, _answer = sign_in(uni, "lukasz")
    assert client.session["_auth_user_id"] != str(user.pk)
