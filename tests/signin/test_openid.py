"""Signing in by a provider of OpenID Connect: whose account it opens, and what it never opens."""

import hashlib
import hmac
import re
import time
from collections.abc import Callable
from email.utils import parseaddr
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from Cryptodome.PublicKey import RSA
from django.core import mail
from django.core.cache import cache
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from amls.courses.models import AccountEvent, Course, Enrolment, RosterEntry, User
from amls.courses.participation import enrol
from amls.files.tables.table import Upload
from amls.mail.send import deliver_due
from amls.membership.roster import import_roster
from tests.accounts.test_sign_in import code_mailed
from tests.agreement import agree_to, do_held
from tests.cast import Cast
from tests.factories import UserFactory
from tests.signin.openid import CLIENT, University, key_of, sign, with_query

pytestmark = pytest.mark.django_db
LOGIN = "/accounts/oidc/uni/login/"


def begin(client: Client, uni: University, path: str = LOGIN) -> str:
    """Begin a sign-in; return where it leads, at the university."""
    page = client.post(path).content.decode()
    refresh = re.search(r'http-equiv="refresh" content="0;url=([^"]+)"', page)
    assert refresh is not None, page
    address = unescape(refresh.group(1))
    assert address.startswith(f"{uni.address}/authorize?")
    return address


def come_back(client: Client, address: str) -> Any:
    parts = urlsplit(address)
    return client.get(f"{parts.path}?{parts.query}")


def sign_in(uni: University, who: str, client: Client | None = None, path: str = LOGIN) -> tuple[Client, Any]:
    """Sign in at the university, and come back."""
    client = client or Client()
    back = uni.sign_in(urlsplit(begin(client, uni, path)).query, who)
    return client, come_back(client, back)


def is_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def said(answer: HttpResponse) -> str:
    return " ".join(unescape(answer.content.decode()).split())


# ── whose account it is ──


def test_first_sign_in_makes_one_account_with_what_the_university_says(cast: Cast, uni: University) -> None:
    entry = RosterEntry.objects.create(course=cast.course, email="lukasz@uni.example", matriculation_number="471100")
    for _turn in range(2):
        client, answer = sign_in(uni, "lukasz")
        assert (answer.status_code, is_in(client)) == (302, True)
    user = User.objects.get(email="lukasz@uni.example")
    assert (user.display_name, user.matriculation_number, user.has_usable_password()) == (
        "Łukasz Żółć",
        "0471100",
        False,
    )
    addresses = EmailAddress.objects.filter(user=user).values_list("email", "verified", "primary")
    assert list(addresses) == [("lukasz@uni.example", True, True)]
    entry.refresh_from_db()
    assert entry.enrolment == Enrolment.objects.get(user=user)
    account = SocialAccount.objects.get()
    assert (account.user, account.provider, account.uid) == (user, "uni", "u-4711")
    # Nothing else of what was sent is kept.
    assert account.extra_data == {
        "name": "Łukasz Żółć", "number": "0471100", "affiliations": ["student@uni.example"], "factor": False
    }  # fmt: skip


def test_account_with_the_same_proven_address_is_joined(cast: Cast, uni: University) -> None:
    user = UserFactory.create(email="lukasz@uni.example")
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    user.set_password("right-horse-battery")
    user.save()
    people = User.objects.count()
    client, _answer = sign_in(uni, "lukasz")
    assert client.session["_auth_user_id"] == str(user.pk)
    assert User.objects.count() == people
    user.refresh_from_db()
    # What was theirs stays theirs: other ways in are kept.
    assert user.has_usable_password()
    assert AccountEvent.objects.filter(user=user, what="joined", how="uni").count() == 1
    deliver_due(now=timezone.now())
    assert [message.subject for message in mail.outbox] == ["Your account was joined with a sign-in of the university"]


def test_address_of_an_account_that_the_provider_does_not_give_out_opens_nothing(cast: Cast, uni: University) -> None:
    """It says 'email_verified', but example.org is not its domain: somebody else may have typed it there."""
    user = cast.student.user
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    client, answer = sign_in(uni, "private")
    assert not is_in(client)
    assert answer.headers["Location"] == "/accounts/confirm-email/"
    assert not SocialAccount.objects.exists()
    # Its owner reads of it, and in the browser that began it the two are joined once the address is proven.
    deliver_due(now=timezone.now())
    assert [(parseaddr(message.to[0])[1], message.subject) for message in mail.outbox] == [
        (user.email, "You have an account already")
    ]
    assert "/accounts/join/ in the same browser" in " ".join(mail.outbox[-1].body.split())
    by_code(client, user.email)
    assert SocialAccount.objects.get().user == user


def by_code(client: Client, email: str) -> None:
    """Sign in as the mail says that an account is there already."""
    assert client.get("/accounts/join/").headers["Location"] == "/accounts/login/code/"
    client.post("/accounts/login/code/", {"email": email})
    deliver_due(now=timezone.now())
    code = re.search(r"^([A-Z0-9]{3,4}-[A-Z0-9]{3,4})$", mail.outbox[-1].body, re.MULTILINE)
    assert code is not None
    client.post("/accounts/login/code/confirm/", {"code": code.group(1)})
    assert is_in(client)


def test_another_persons_sign_in_in_the_same_browser_joins_nothing(cast: Cast, uni: University) -> None:
    EmailAddress.objects.create(user=cast.student.user, email="student@example.org", verified=True, primary=True)
    other = cast.other_student.user
    EmailAddress.objects.create(user=other, email=other.email, verified=True, primary=True)
    client, _answer = sign_in(uni, "private")
    by_code(client, other.email)
    assert not SocialAccount.objects.exists()


def test_new_address_that_the_provider_does_not_give_out_is_proven_by_a_code(uni: University) -> None:
    client, answer = sign_in(uni, "private")
    assert (answer.headers["Location"], is_in(client)) == ("/accounts/confirm-email/", False)
    deliver_due(now=timezone.now())
    code = re.search(r"^([A-Z0-9]{3,4}-[A-Z0-9]{3,4})$", mail.outbox[-1].body, re.MULTILINE)
    assert code is not None
    client.post("/accounts/confirm-email/", {"code": code.group(1)})
    assert is_in(client)
    assert User.objects.get().display_name == "Ștefan"


def test_strangers_sign_up_with_an_address_of_the_university_comes_to_nothing(uni: University) -> None:
    """Somebody typed the address with a password of theirs, and could not prove it."""
    thief = UserFactory.create(email="lukasz@uni.example", display_name="Thief")
    thief.set_password("right-horse-battery")
    thief.save()
    EmailAddress.objects.create(user=thief, email=thief.email, primary=True)
    client, _answer = sign_in(uni, "lukasz")
    assert is_in(client)
    user = User.objects.get()
    assert (user.display_name, user.has_usable_password()) == ("Łukasz Żółć", False)
    assert EmailAddress.objects.get().verified


def test_address_entered_beside_proven_ones_is_no_way_in(cast: Cast, uni: University) -> None:
    """The account of somebody who proved another address is not opened by one that only was typed for it."""
    user = cast.student.user
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    EmailAddress.objects.create(user=user, email="lukasz@uni.example")
    client, _answer = sign_in(uni, "lukasz")
    assert client.session.get("_auth_user_id") != str(user.pk)
    assert not SocialAccount.objects.filter(user=user).exists()


def test_who_comes_without_an_address_types_one_and_proves_it(uni: University) -> None:
    client, answer = sign_in(uni, "nameless")
    assert answer.headers["Location"] == "/accounts/3rdparty/signup/"
    assert "did not say at which address you read mail" in said(client.get("/accounts/3rdparty/signup/"))
    client.post("/accounts/3rdparty/signup/", {"email": "stefan@example.net"})
    assert not is_in(client)
    assert not EmailAddress.objects.get(email="stefan@example.net").verified


def test_who_types_the_address_of_their_account_joins_it_as_the_mail_says(cast: Cast, uni: University) -> None:
    user = cast.student.user
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    client, _answer = sign_in(uni, "nameless")
    answer = client.post("/accounts/3rdparty/signup/", {"email": "Student@example.org"})
    # As where there is no account.
    assert (answer.headers["Location"], is_in(client)) == ("/accounts/confirm-email/", False)
    deliver_due(now=timezone.now())
    assert "/accounts/join/ in the same browser" in " ".join(mail.outbox[-1].body.split())
    # Another account is not meant, and no other browser.
    for address, visitor in ((cast.stranger.email, client), (user.email, Client())):
        EmailAddress.objects.get_or_create(user=User.objects.get(email=address), email=address, verified=True)
        by_code(visitor, address)
        assert not SocialAccount.objects.exists()
    client, _answer = sign_in(uni, "nameless")
    client.post("/accounts/3rdparty/signup/", {"email": "Student@example.org"})
    by_code(client, user.email)
    assert SocialAccount.objects.get().user == user
    client, _answer = sign_in(uni, "nameless")
    assert client.session["_auth_user_id"] == str(user.pk)


def test_changed_address_at_the_university_makes_no_double(uni: University) -> None:
    sign_in(uni, "lukasz")
    uni.people["lukasz"] |= {"email": "lukasz.neu@uni.example", "name": "Łukasz Neu-Żółć"}
    client, _answer = sign_in(uni, "lukasz")
    user = User.objects.get()
    assert client.session["_auth_user_id"] == str(user.pk)
    assert user.display_name == "Łukasz Neu-Żółć"
    addresses = EmailAddress.objects.filter(user=user, verified=True).order_by("email").values_list("email", flat=True)
    assert list(addresses) == ["lukasz.neu@uni.example", "lukasz@uni.example"]


def test_signed_in_people_join_their_account_after_a_fresh_proof(cast: Cast, uni: University) -> None:
    user = cast.student.user
    user.set_password("right-horse-battery")
    user.save()
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    client = Client()
    client.post("/accounts/login/", {"login": user.email, "password": "right-horse-battery"})
    client.post("/accounts/reauthenticate/", {"password": "right-horse-battery"})
    _client, answer = sign_in(uni, "lukasz", client, f"{LOGIN}?process=connect")
    assert answer.headers["Location"] == "/accounts/3rdparty/"
    assert SocialAccount.objects.get().user == user
    page = said(client.get("/accounts/3rdparty/"))
    assert "Universität Größe" in page
    # It is their only proof of the name now; parted again, the name is theirs to change.
    client.post("/accounts/3rdparty/", {"account": SocialAccount.objects.get().pk})
    assert not SocialAccount.objects.exists()


def test_who_has_two_accounts_parts_the_one_and_joins_the_other(cast: Cast, uni: University) -> None:
    other, _answer = sign_in(uni, "lukasz")
    user = cast.student.user
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    client = Client()
    client.post("/accounts/login/code/", {"email": user.email})
    client.post("/accounts/login/code/confirm/", {"code": code_mailed()})
    path = f"{LOGIN}?process=connect"
    _client, answer = sign_in(uni, "lukasz", client, path)
    page = said(client.get(answer.headers["Location"]))
    assert "you open another account here, lukasz@uni.example. Sign in to that one" in page
    # The other one has no password: a code by mail opens it.
    account = SocialAccount.objects.get()
    assert other.post("/accounts/3rdparty/", {"account": account.pk}).status_code == 302
    assert not SocialAccount.objects.exists()
    sign_in(uni, "lukasz", client, path)
    assert SocialAccount.objects.get().user == user
    assert is_in(sign_in(uni, "lukasz", entering := Client())[0])
    assert entering.session["_auth_user_id"] == str(user.pk)


def test_sign_in_that_alone_opens_an_account_is_not_parted(uni: University) -> None:
    client, _answer = sign_in(uni, "lukasz")
    EmailAddress.objects.update(verified=False)
    answer = client.post("/accounts/3rdparty/", {"account": SocialAccount.objects.get().pk})
    assert "Prove an address of this account first" in said(answer)
    assert SocialAccount.objects.exists()


def test_sign_ins_are_told_apart_also_those_of_a_provider_that_is_gone(uni: University) -> None:
    client, _answer = sign_in(uni, "lukasz")
    user = User.objects.get()
    gone = SocialAccount.objects.create(user=user, provider="old", uid="1")
    SocialAccount.objects.create(user=user, provider="uni", uid="u-9", extra_data={"number": "0123456"})
    page = said(client.get("/accounts/3rdparty/"))
    assert "Universität Größe, Łukasz Żółć, 0471100, joined " in page
    assert "Universität Größe, 0123456, joined " in page
    assert "old (no longer offered here), joined " in page
    client.post("/accounts/3rdparty/", {"account": gone.pk})
    assert not SocialAccount.objects.filter(provider="old").exists()
    deliver_due(now=timezone.now())
    assert "A sign-in with old (no longer offered here) opens it no longer." in " ".join(mail.outbox[-1].body.split())


# ── what it says counts ──


def test_name_and_number_of_the_university_are_not_changed_by_hand(cast: Cast, uni: University) -> None:
    client, _answer = sign_in(uni, "lukasz")
    page = said(client.get("/accounts/profile/"))
    assert page.count("From your university's sign-in. Have it changed there.") == 2
    client.post("/accounts/profile/", {"display_name": "Somebody", "matriculation_number": "1", "language": "de"})
    user = User.objects.get(email="lukasz@uni.example")
    assert (user.display_name, user.matriculation_number, user.language) == ("Łukasz Żółć", "0471100", "de")


def test_roster_that_knows_the_number_by_another_address_has_the_person(cast: Cast, uni: University) -> None:
    entry = RosterEntry.objects.create(course=cast.course, email="old@example.net", matriculation_number="471100")
    entry.claimed_by, entry.claimed_at = cast.stranger, timezone.now()
    entry.save()
    client, _answer = sign_in(uni, "lukasz")
    entry.refresh_from_db()
    assert entry.enrolment is not None
    assert str(entry.enrolment.user_id) == client.session["_auth_user_id"]
    assert entry.enrolment.verified_number == "0471100"
    assert entry.claimed_by_id is None


def leave(client: Client, part: Enrolment, cast: Cast) -> None:
    assert "You left the course." in said(client.post("/amls/me/leave/", follow=True))


def be_taken_out(client: Client, part: Enrolment, cast: Cast) -> None:
    address = reverse("admin:courses_enrolment_delete", args=[part.pk])
    assert cast.client("admin").post(address, {"post": "yes"}).status_code == 302


# By what the roster knows the person who signs in: one entry or several, by address, by number, by both.
KNOWN = {
    "address": [("lukasz@uni.example", "")],
    "number": [("old@example.net", "471100")],
    "both": [("lukasz@uni.example", ""), ("old@example.net", "471100")],
}


@pytest.mark.usefixtures("one_factor")
@pytest.mark.parametrize("known", KNOWN)
@pytest.mark.parametrize("go", [leave, be_taken_out])
def test_who_left_or_was_taken_out_stays_out_until_they_ask(
    cast: Cast, uni: University, known: str, go: Callable[[Client, Enrolment, Cast], None]
) -> None:
    Course.objects.filter(pk=cast.course.pk).update(enrolment_policy="roster")
    for email, number in KNOWN[known]:
        RosterEntry.objects.create(course=cast.course, email=email, matriculation_number=number)
    client, _answer = sign_in(uni, "lukasz")
    theirs = Enrolment.objects.filter(course=cast.course, user__email="lukasz@uni.example")
    go(client, theirs.get(), cast)
    client, _answer = sign_in(uni, "lukasz")
    assert (is_in(client), theirs.exists()) == (True, False)
    # The office sends the same roster each week, and to other courses, too.
    table = "email,matriculation number\n" + "\n".join(",".join(row) for row in KNOWN[known])
    for course in (cast.course, cast.other_course):
        import_roster(course=course, upload=Upload(table.encode()), now=timezone.now())
    sign_in(uni, "lukasz")
    mine = Enrolment.objects.filter(user__email="lukasz@uni.example")
    assert [part.course for part in mine] == [cast.other_course]
    # The door is open to whom the roster names.
    client.post("/amls/enrol/")
    assert theirs.exists()


@pytest.mark.usefixtures("one_factor")
def test_who_was_taken_out_by_mistake_is_back_by_an_invitation_or_a_new_entry(cast: Cast, uni: University) -> None:
    entry = RosterEntry.objects.create(course=cast.course, email="lukasz@uni.example")
    client, _answer = sign_in(uni, "lukasz")
    theirs = Enrolment.objects.filter(course=cast.course, user__email="lukasz@uni.example")
    be_taken_out(client, theirs.get(), cast)
    desk = cast.client("assistant")
    address = reverse("admin:courses_rosterentry_change", args=[entry.pk])
    assert "stays out until they ask to join, or are invited by mail" in said(desk.get(address))
    table = Upload(b"email\nlukasz@uni.example\nnew@uni.example")
    plan = import_roster(course=cast.course, upload=table, now=timezone.now(), dry_run=True)
    assert (plan.joined, [note.split(",")[0] for note in plan.notes]) == (
        0,
        ["1 person left the course or was taken out of it"],
    )
    agree_to(desk, "/amls/staff/invite/", {"people": "lukasz@uni.example"})
    do_held()
    entry.refresh_from_db()
    assert (entry.enrolment, entry.left_by) == (theirs.get(), None)
    assert "stays out" not in said(desk.get(address))
    be_taken_out(client, theirs.get(), cast)
    entry.delete()
    RosterEntry.objects.create(course=cast.course, email="lukasz@uni.example")
    sign_in(uni, "lukasz")
    assert theirs.exists()


@pytest.mark.usefixtures("one_factor")
def test_entry_that_somebody_else_had_by_mistake_lets_whom_it_names_join(cast: Cast, uni: University) -> None:
    """The staff confirmed the wrong claim: who is taken out then doesn't keep the right person out."""
    entry = RosterEntry.objects.create(course=cast.course, email="lukasz@uni.example")
    wrong = enrol(user=cast.stranger, course=cast.course)
    entry.give_to(wrong)
    be_taken_out(Client(), wrong, cast)
    entry.refresh_from_db()
    assert entry.left_by == cast.stranger
    sign_in(uni, "lukasz")
    entry.refresh_from_db()
    assert entry.enrolment is not None
    assert entry.enrolment.user.email == "lukasz@uni.example"


@pytest.mark.parametrize(("email", "number"), [("lukasz@uni.example", ""), ("old@example.net", "471100")])
def test_archived_course_takes_nobody_who_signs_in(cast: Cast, uni: University, email: str, number: str) -> None:
    RosterEntry.objects.create(course=cast.course, email=email, matriculation_number=number)
    Course.objects.filter(pk=cast.course.pk).update(state="archived")
    client, _answer = sign_in(uni, "lukasz")
    assert (is_in(client), Enrolment.objects.filter(user__email="lukasz@uni.example").exists()) == (True, False)
    # Who is in it already is found there.
    user = User.objects.get(email="lukasz@uni.example")
    part = enrol(user=user, course=cast.course)
    sign_in(uni, "lukasz")
    assert RosterEntry.objects.get().enrolment == part


def test_number_of_the_university_counts_in_every_course(cast: Cast, uni: University) -> None:
    sign_in(uni, "lukasz")
    user = User.objects.get(email="lukasz@uni.example")
    cast.course.enrolment_policy = "open"
    cast.course.save()
    client = Client()
    client.force_login(user, backend="amls.courses.accounts.AccountBackend")
    client.post("/amls/enrol/")
    assert Enrolment.objects.get(user=user).verified_number == "0471100"


def test_schac_code_is_read_as_a_number(uni: University) -> None:
    code = "urn:schac:personalUniqueCode:de:uni.example:Matrikelnummer:0471100"
    uni.people["lukasz"]["matriculation_number"] = code
    sign_in(uni, "lukasz")
    assert User.objects.get().matriculation_number == "0471100"


def test_affiliation_lets_people_make_courses(uni: University, settings: Settings, tmp_path: Path) -> None:
    settings.SIGN_IN_PROVIDERS = uni.settings(tmp_path, may_create_courses=["faculty@uni.example"])
    settings.STAFF_NEEDS_SECOND_FACTOR = False
    assert [sign_in(uni, who)[0].get("/new/").status_code for who in ("teacher", "lukasz")] == [200, 404]


# ── what is refused ──


def make_bent(uni: University, **changes: Any) -> None:
    def bend(claims: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in {**claims, **changes}.items() if value is not None}

    uni.bend = bend


def unsigned(claims: dict[str, Any]) -> str:
    return jwt.encode(claims, "", algorithm="none", headers={"kid": "first"})


def signed_by_public_key(claims: dict[str, Any]) -> str:
    """RS256 taken for HS256: the public key, which everyone knows, as the secret."""
    public = RSA.import_key(key_of("university")).public_key().export_key()
    header = jwt.utils.base64url_encode(b'{"alg":"HS256","kid":"first"}').decode()
    body = jwt.encode(claims, "x" * 32).split(".")[1]
    mac = hmac.new(public, f"{header}.{body}".encode(), hashlib.sha256).digest()
    return f"{header}.{body}.{jwt.utils.base64url_encode(mac).decode()}"


def by_a_stranger(claims: dict[str, Any]) -> str:
    return sign(claims, key=key_of("stranger"))


def by_an_unknown_key(claims: dict[str, Any]) -> str:
    return sign(claims, kid="second")


BENT: dict[str, Callable[[dict[str, Any]], dict[str, Any] | str]] = {
    "nonce": lambda claims: {**claims, "nonce": "another"},
    "no nonce": lambda claims: {name: value for name, value in claims.items() if name != "nonce"},
    "issuer": lambda claims: {**claims, "iss": "https://evil.example"},
    "audience": lambda claims: {**claims, "aud": "another-client"},
    "audience of two": lambda claims: {**claims, "aud": [CLIENT, "another-client"], "azp": "another-client"},
    "expired": lambda claims: {**claims, "exp": time.time() - 300},
    "no expiry": lambda claims: {name: value for name, value in claims.items() if name != "exp"},
    "expiry is no time": lambda claims: {**claims, "exp": 1e300},
    "from the future": lambda claims: {**claims, "iat": time.time() + 300},
    "an old one": lambda claims: {**claims, "iat": time.time() - 3600},
    "not yet": lambda claims: {**claims, "nbf": time.time() + 300},
    "unsigned": unsigned,
    "by the public key": signed_by_public_key,
    "by a stranger": by_a_stranger,
    "by an unknown key": by_an_unknown_key,
    "no token": lambda claims: "",
    "no JSON": lambda claims: "e30.e30.e30",
    "no subject": lambda claims: {**claims, "sub": ""},
}


@pytest.mark.parametrize("how", BENT)
def test_bent_tokens_sign_nobody_in(uni: University, how: str, caplog: pytest.LogCaptureFixture) -> None:
    uni.bend = BENT[how]
    client, answer = sign_in(uni, "lukasz")
    assert (answer.status_code, is_in(client)) == (400, False)
    assert "The answer of Universität Größe can't be trusted" in said(answer)
    assert not User.objects.exists()
    assert [
        record.levelname for record in caplog.records if record.message.startswith("provider-failed provider=uni")
    ] == ["WARNING"]


def test_clock_of_the_provider_may_be_a_little_off(uni: University) -> None:
    make_bent(uni, iat=time.time() + 90, exp=time.time() - 60)
    assert is_in(sign_in(uni, "lukasz")[0])


def test_userinfo_of_somebody_else_is_refused(uni: University) -> None:
    uni.userinfo = {"sub": "u-3"}
    client, answer = sign_in(uni, "lukasz")
    assert (answer.status_code, is_in(client)) == (400, False)


def test_metadata_of_another_provider_are_refused(uni: University) -> None:
    uni.metadata = {"issuer": "https://other.example"}
    answer = Client().post(LOGIN)
    assert answer.status_code == 400
    assert "can't be trusted" in said(answer)


def test_endpoints_without_tls_are_refused(uni: University) -> None:
    uni.metadata = {"token_endpoint": "http://id.uni.example/token"}
    assert Client().post(LOGIN).status_code == 400


@pytest.mark.parametrize("changes", [{"state": "another"}, {"iss": "https://evil.example"}])
def test_answers_to_another_question_are_refused(uni: University, changes: dict[str, str]) -> None:
    client = Client()
    back = uni.sign_in(urlsplit(begin(client, uni)).query, "lukasz")
    answer = come_back(client, with_query(back, **changes))
    assert (answer.status_code, is_in(client)) == (400, False)


def test_answer_in_another_browser_or_a_second_time_is_refused(uni: University) -> None:
    client = Client()
    back = uni.sign_in(urlsplit(begin(client, uni)).query, "lukasz")
    answer = come_back(Client(), back)
    assert (answer.status_code, User.objects.exists()) == (400, False)
    assert "was begun in another browser" in said(answer)
    assert come_back(client, back).status_code == 302
    client.post("/accounts/logout/")
    assert (come_back(client, back).status_code, is_in(client)) == (400, False)


def test_who_cancels_reads_what_to_do(uni: University) -> None:
    client = Client()
    state = parse_qs(urlsplit(begin(client, uni)).query)["state"][0]
    answer = client.get(f"{LOGIN}callback/?error=access_denied&state={state}")
    assert "did not sign you in" in said(answer)
    assert 'href="/accounts/login/code/"' in answer.content.decode()


PERSON, SITE = (200, "did not sign you in"), (503, "can't sign anybody in here at the moment")


@pytest.mark.parametrize(
    ("error", "status", "sentence"),
    [
        ("access_denied", *PERSON),
        ("login_required", *PERSON),
        ("server_error", *SITE),
        ("temporarily_unavailable", *SITE),
        ("invalid_scope", *SITE),
    ],
)
def test_what_the_university_says_went_wrong_is_said_and_logged(
    uni: University, error: str, status: int, sentence: str, caplog: pytest.LogCaptureFixture
) -> None:
    client = Client()
    state = parse_qs(urlsplit(begin(client, uni)).query)["state"][0]
    answer = client.get(f"{LOGIN}callback/", {"error": error, "error_description": "Some\nreason", "state": state})
    assert (answer.status_code, sentence in said(answer)) == (status, True)
    assert logged(caplog) == [f"provider-failed provider=uni error={error} why=Some reason"]


def test_wrong_secret_of_the_site_is_logged_with_what_the_university_says_of_it(
    uni: University, settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings.SIGN_IN_PROVIDERS = uni.settings(tmp_path, client_secret="another-secret")
    client, answer = sign_in(uni, "lukasz")
    assert (answer.status_code, SITE[1] in said(answer), is_in(client)) == (503, True, False)
    (line,) = logged(caplog)
    assert line.startswith("provider-failed provider=uni error=invalid_client why=the token endpoint answers 400: ")
    assert "another-secret" not in caplog.text


def test_tokens_are_never_logged(uni: University, caplog: pytest.LogCaptureFixture) -> None:
    """The answer has no access token, but what it has opens accounts elsewhere."""
    uni.tokens = {"access_token": None, "refresh_token": "worth-much"}
    _client, answer = sign_in(uni, "lukasz")
    assert answer.status_code == 503
    assert logged(caplog) == ["provider-failed provider=uni error=none why=the token endpoint answers 200:"]


def logged(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message for record in caplog.records if record.message.startswith("provider-failed")]


def test_where_one_wanted_to_go_is_kept_when_a_sign_in_fails(cast: Cast, uni: University) -> None:
    client = Client()
    state = parse_qs(urlsplit(begin(client, uni, f"{LOGIN}?next=/amls/me/")).query)["state"][0]
    page = client.get(f"{LOGIN}callback/?error=access_denied&state={state}").content.decode()
    assert 'href="/accounts/login/?next=/amls/me/"' in page
    assert 'href="/accounts/login/code/?next=/amls/me/"' in page
    uni.bend = BENT["expired"]
    assert 'href="/accounts/login/?next=/amls/me/"' in sign_in(uni, "lukasz", path=f"{LOGIN}?next=/amls/me/")[1].text
    cache.clear()
    uni.metadata = {"issuer": "https://other.example"}
    assert 'href="/accounts/login/?next=/amls/me/"' in client.post(f"{LOGIN}?next=/amls/me/").text
    assert 'href="/accounts/login/?next=/amls/me/"' in client.get(f"{LOGIN}?next=/amls/me/").text


def test_who_cancels_a_joining_is_led_back_to_it(cast: Cast, uni: University) -> None:
    client = cast.client("student")
    state = parse_qs(urlsplit(begin(client, uni, f"{LOGIN}?process=connect")).query)["state"][0]
    page = client.get(f"{LOGIN}callback/?error=access_denied&state={state}").content.decode()
    assert "<h1>Nothing was joined</h1>" in page
    assert 'class="btn go" href="/accounts/3rdparty/"' in page
    assert "/accounts/login/code/" not in page


def test_sign_in_that_waits_for_its_account_leads_where_one_wanted(cast: Cast, uni: University) -> None:
    user = cast.student.user
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    client, _answer = sign_in(uni, "private", path=f"{LOGIN}?next=/amls/me/")
    assert client.get("/accounts/join/").headers["Location"] == "/accounts/login/code/?next=%2Famls%2Fme%2F"


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/token", "/userinfo", "/jwks"])
def test_slow_provider_is_waited_for_not_for_long(uni: University, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It sends a byte now and then, so that no single wait is long."""
    monkeypatch.setattr("amls.signin.web.SECONDS_FOR_ONE", 0.5)
    uni.slow = {path: 0.1}
    client = Client()
    is_first = path == "/.well-known/openid-configuration"
    answer = client.post(LOGIN) if is_first else sign_in(uni, "lukasz", client)[1]
    assert (answer.status_code, is_in(client)) == (503, False)
    assert "did not answer in time" in said(answer)
    assert "/accounts/login/code/" in answer.content.decode()


def test_provider_that_is_away_leaves_the_other_ways(uni: University, settings: Settings, tmp_path: Path) -> None:
    uni.address = "http://127.0.0.1:9"
    settings.SIGN_IN_PROVIDERS = uni.settings(tmp_path)
    # The page to sign in asks nobody.
    page = Client().get("/accounts/login/")
    assert "Sign in with Universität Größe" in said(page)
    answer = Client().post(LOGIN)
    assert (answer.status_code, "can't be reached at present" in said(answer)) == (503, True)


def test_endless_answer_is_cut_off(uni: University, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("amls.signin.web.MOST_BYTES", 100)
    assert Client().post(LOGIN).status_code == 400


def test_address_of_the_sign_in_adds_nothing_to_what_is_asked(uni: University) -> None:
    address = begin(Client(), uni, f"{LOGIN}?scope=admin&auth_params=prompt%3Dnone%26nonce%3Dmine")
    asked = parse_qs(urlsplit(address).query)
    assert set(asked["scope"][0].split()) == {"openid", "profile", "email", "university"}
    assert "prompt" not in asked
    assert asked["nonce"] != ["mine"]
    assert asked["code_challenge_method"] == ["S256"]


def test_provider_that_is_another_one_on_the_way_back_is_refused(uni: University) -> None:
    client = Client()
    back = uni.sign_in(urlsplit(begin(client, uni)).query, "lukasz")
    cache.clear()
    uni.metadata = {"issuer": "https://other.example"}
    assert (come_back(client, back).status_code, is_in(client)) == (400, False)


def test_address_of_another_protocol_is_a_404(uni: University) -> None:
    for path in ("oidc/openid_connect/login/", "oidc/saml/login/callback/", "saml/uni/login/", "saml/uni/metadata/"):
        assert Client().get(f"/accounts/{path}").status_code == 404
    assert Client().post("/accounts/oidc/other/logout/").status_code == 404


def test_unknown_provider_is_a_404(uni: University) -> None:
    assert [Client().get(f"/accounts/oidc/other/{path}").status_code for path in ("login/", "login/callback/")] == [
        404,
        404,
    ]


def test_get_alone_begins_nothing(uni: University) -> None:
    answer = Client().get(LOGIN)
    assert "On to Universität Größe" in said(answer)
    assert uni.asked == []
