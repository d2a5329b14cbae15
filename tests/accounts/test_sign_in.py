"""Whoever types bad passwords shuts out themselves, not the owner."""

import os
import re
import uuid
from datetime import timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from amls.core.models import Spending
from amls.courses.models import User
from amls.mail.models import Notice
from amls.mail.send import deliver_due
from tests.cast import Cast

pytestmark = pytest.mark.django_db
HERE, ELSEWHERE = "203.0.113.7", "198.51.100.9"
PASSWORD = "right-horse-battery"


@pytest.fixture(params=["database", "redis"])
def owner(cast: Cast, settings: Settings, request: pytest.FixtureRequest) -> str:
    """The address of an account with a password, on each of the caches that installations use."""
    if request.param == "database":
        settings.CACHES = {
            "default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "django_cache"}
        }
        call_command("createcachetable", verbosity=0)
    else:
        settings.CACHES = {
            "default": {
                "BACKEND": "django.core.cache.backends.redis.RedisCache",
                "LOCATION": os.environ["TEST_REDIS_URL"],
                "KEY_PREFIX": uuid.uuid4().hex,
            }
        }
    user = cast.student.user
    user.set_password(PASSWORD)
    user.save()
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    return user.email


def sign_in(where: str, email: str, password: str, **headers: str) -> tuple[bool, Any]:
    client = Client(REMOTE_ADDR=where, headers=headers)
    answer = client.post("/accounts/login/", {"login": email, "password": password})
    return "_auth_user_id" in client.session, answer


def test_five_bad_passwords_shut_out_their_address_only(owner: str) -> None:
    for _turn in range(5):
        worked, answer = sign_in(HERE, owner, "wrong")
        assert not worked
        assert "Too many attempts" not in answer.content.decode()
    worked, answer = sign_in(HERE, owner.upper(), PASSWORD)
    assert not worked
    assert "Too many attempts" in answer.content.decode()
    assert sign_in(ELSEWHERE, owner, PASSWORD)[0]
    # Others behind the same address are not meant either.
    assert "Too many attempts" not in sign_in(HERE, "other@example.org", "wrong")[1].content.decode()


def test_a_good_password_costs_nothing(owner: str) -> None:
    assert all(sign_in(HERE, owner, PASSWORD)[0] for _turn in range(7))


def test_a_password_that_was_reset_is_taken_at_once(owner: str) -> None:
    for _turn in range(6):
        sign_in(HERE, owner, "wrong")
    client = Client(REMOTE_ADDR=HERE)
    client.post("/accounts/password/reset/", {"email": owner})
    assert deliver_due(now=timezone.now()) == 1
    link = re.search(r"/accounts/password/reset/key/\S+", mail.outbox[-1].body)
    assert link is not None
    form = client.get(link.group(), follow=True).redirect_chain[-1][0]
    other = "another-horse-battery"
    client.post(form, {"password1": other, "password2": other})
    assert sign_in(HERE, owner, other)[0]


def test_one_who_is_shut_out_gets_in_by_code(owner: str) -> None:
    for _turn in range(6):
        sign_in(HERE, owner, "wrong")
    client = Client(REMOTE_ADDR=HERE)
    client.post("/accounts/login/code/", {"email": owner})
    assert deliver_due(now=timezone.now()) == 1
    code = re.search(r"^([A-Z0-9]{3,4}-[A-Z0-9]{3,4})$", mail.outbox[-1].body, re.MULTILINE)
    assert code is not None
    client.post("/accounts/login/code/confirm/", {"code": code.group(1)})
    assert "_auth_user_id" in client.session


def test_many_guesses_at_many_accounts_are_bounded_and_the_code_stays_open(owner: str) -> None:
    answers = [sign_in(HERE, f"guess{number}@example.org", "wrong")[1] for number in range(61)]
    assert [answer.status_code for answer in answers] == [200] * 60 + [429]
    text = answers[-1].content.decode()
    assert "Wait a minute and try again" in text
    assert 'href="/accounts/login/code/"' in text
    assert Client(REMOTE_ADDR=HERE).post("/accounts/login/code/", {"email": owner}).status_code == 302


@pytest.mark.parametrize("spoofed", ["", "192.0.2.200, "])
def test_behind_a_front_server_the_visitors_address_counts(owner: str, settings: Settings, spoofed: str) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    for _turn in range(5):
        sign_in("127.0.0.1", owner, "wrong", x_forwarded_for=f"{spoofed}{HERE}")
    assert not sign_in("127.0.0.1", owner, PASSWORD, x_forwarded_for=HERE)[0]
    assert sign_in("127.0.0.1", owner, PASSWORD, x_forwarded_for=ELSEWHERE)[0]


def code_mailed() -> str:
    assert deliver_due(now=timezone.now()) == 1
    code = re.search(r"^([A-Z0-9]{3,4}-[A-Z0-9]{3,4})$", str(mail.outbox[-1].body), re.MULTILINE)
    assert code is not None, mail.outbox[-1].body
    return code.group(1)


def test_one_field_leads_by_a_code_to_where_one_wanted(cast: Cast) -> None:
    client, email = Client(), cast.student.user.email
    EmailAddress.objects.create(user=cast.student.user, email=email, verified=True, primary=True)
    assert 'href="/accounts/login/?next=/amls/schedule/%3Fview%3Dmonth"' in client.get("/amls/schedule/?view=month").content.decode()  # fmt: skip
    page = client.get("/accounts/login/?next=/amls/me/").content.decode()
    first = page.partition('<form class="fields')[2].partition("</form>")[0]
    assert 'action="/accounts/login/code/?next=%2Famls%2Fme%2F"' in page
    assert first.count("<input") - first.count('type="hidden"') == 1
    assert "It is valid for 15 minutes" in " ".join(page.split())
    asked = client.post("/accounts/login/code/?next=/amls/me/", {"email": email, "next": "/amls/me/"})
    confirm = asked.headers["Location"]
    first_code = code_mailed()
    page = client.get(confirm).content.decode()
    assert "Send another code" in page
    client.post(confirm, {"action": "resend", "next": "/amls/me/"})
    second_code = code_mailed()
    assert first_code != second_code
    answer = client.post(confirm, {"code": second_code, "next": "/amls/me/"})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/amls/me/")


def ask_for_code(client: Client, email: str) -> Any:
    return client.post("/accounts/login/code/", {"email": email})


def test_a_lecture_hall_gets_its_codes_within_a_minute() -> None:
    assert ask_for_code(Client(REMOTE_ADDR=HERE), "seat1@example.org").status_code == 302
    later = timezone.now() + timedelta(days=1)
    assert Spending.objects.filter(what="accounts.mails-from-line").update(spent=299, ends_at=later) == 1
    answers = [ask_for_code(Client(REMOTE_ADDR=HERE), f"seat{number}@example.org") for number in (300, 301)]
    assert [answer.status_code for answer in answers] == [302, 429]
    assert "Very many mails are asked for from your network" in answers[-1].content.decode()
    assert ask_for_code(Client(REMOTE_ADDR=ELSEWHERE), "seat301@example.org").status_code == 302


def test_who_asks_for_codes_of_another_neither_shuts_them_out_nor_fills_their_mailbox(owner: str) -> None:
    for _turn in range(3):
        stranger = Client(REMOTE_ADDR=HERE)
        ask_for_code(stranger, owner)
        stranger.post("/accounts/login/code/confirm/", {"action": "resend"})
        Client(REMOTE_ADDR=HERE).post("/accounts/password/reset/", {"email": owner})
        form = {"email": owner.upper(), "password1": "", "password2": ""}
        Client(REMOTE_ADDR=HERE).post("/accounts/signup/", form)
    assert Notice.objects.filter(recipient__email=owner).count() == 5
    Notice.objects.all().delete()
    own = Client(REMOTE_ADDR=ELSEWHERE)
    confirm = ask_for_code(own, owner).headers["Location"]
    own.post(confirm, {"code": code_mailed()})
    assert "_auth_user_id" in own.session


def test_a_day_has_twenty_mails_for_one_address(owner: str) -> None:
    answers = []
    for _turn in range(21):
        Spending.objects.filter(what="accounts.mails-to-address").delete()
        answers.append(ask_for_code(Client(REMOTE_ADDR=HERE), owner))
    assert [answer.status_code for answer in answers] == [302] * 20 + [429]
    page = " ".join(answers[-1].content.decode().split())
    assert "20 mails were asked for with this address from your network within a day" in page
    assert 'class="btn go" href="/accounts/login/"' in page


def test_who_is_sent_no_further_code_types_the_one_that_is_on_its_way(owner: str) -> None:
    client = Client(REMOTE_ADDR=HERE)
    confirm = ask_for_code(client, owner).headers["Location"]
    code = code_mailed()
    # Whoever asks again in the same browser is led to the field at once, and no second mail is sent.
    assert ask_for_code(client, owner).headers["Location"] == confirm
    assert Notice.objects.count() == 1
    for _turn in range(4):
        ask_for_code(Client(REMOTE_ADDR=HERE), owner)
    answer = client.post(confirm, {"action": "resend"})
    page = " ".join(answer.content.decode().split())
    assert answer.status_code == 429
    assert "The newest code or link holds in the browser in which it was asked for" in page
    assert "Another one can be sent in 10 minutes" in page
    assert f'class="btn go" href="{confirm}"' in page
    client.post(confirm, {"code": code})
    assert "_auth_user_id" in client.session


def test_who_types_wrong_codes_reads_what_to_do(owner: str) -> None:
    client = Client(REMOTE_ADDR=HERE)
    confirm = ask_for_code(client, owner).headers["Location"]
    for _turn in range(3):
        answer = client.post(confirm, {"code": "WRNG-CDE"}, follow=True)
    page = answer.content.decode()
    assert "That was wrong too often. Have a new code sent to you" in page
    assert "Wait five minutes, or" not in page


def test_who_asks_for_another_code_at_once_is_led_to_the_field_for_the_last_one() -> None:
    client = Client()
    confirm = client.post("/accounts/signup/", {"email": "hasty@example.org", "password1": "", "password2": ""}).headers["Location"]  # fmt: skip
    code = code_mailed()
    answer = client.post(confirm, {"action": "resend"})
    page = answer.content.decode()
    assert (answer.status_code, "from your network" in page) == (429, False)
    assert f'class="btn go" href="{confirm}"' in page
    client.post(confirm, {"code": code})
    assert "_auth_user_id" in client.session


def test_whoever_signs_up_needs_no_password(cast: Cast) -> None:
    client = Client()
    page = client.get("/accounts/signup/?next=/amls/").content.decode()
    assert page.index('name="email"') < page.index("<details") < page.index('name="password1"')
    answer = client.post("/accounts/signup/", {"email": "new@example.org", "password1": "", "password2": "", "next": "/amls/"})  # fmt: skip
    confirm = answer.headers["Location"]
    code = code_mailed()
    answer = client.post(confirm, {"code": code})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/amls/")
    user = User.objects.get(email="new@example.org")
    assert not user.has_usable_password()
    assert client.get("/accounts/profile/").status_code == 200
