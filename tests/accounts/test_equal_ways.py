"""Whether an address has an account is not told by what a request does: hashes, queries and mails are the same."""

import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import MD5PasswordHasher
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from amls.courses.models import User
from amls.mail.models import Notice
from tests.cast import Cast

pytestmark = pytest.mark.django_db
PASSWORD = "right-horse-battery"
HASHES: list[str] = []


class CountingHasher(MD5PasswordHasher):
    """A real hasher that notes each time it works."""

    def encode(self, password: str, salt: Any, *rest: Any, **more: Any) -> str:
        HASHES.append(self.algorithm)
        return super().encode(password, salt, *rest, **more)


@pytest.fixture
def owner(cast: Cast, settings: Settings) -> User:
    settings.PASSWORD_HASHERS = ["tests.accounts.test_equal_ways.CountingHasher"]
    user = cast.student.user
    user.set_password(PASSWORD)
    user.save()
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    return user


def work_of(act: Callable[[Client], Any]) -> tuple[int, Counter[str], int, tuple[int, str]]:
    """Return how often a password was hashed, the writes by table, the mails, and the answer."""
    cache.clear()
    HASHES.clear()
    before = Notice.objects.count()
    with CaptureQueriesContext(
        connection,
    ) as queries:
        answer = act(Client())
    writes = Counter(
        " ".join(written.group(1, 2))
        for captured_query in queries.captured_queries
        if (written := re.match(r'(INSERT|UPDATE|DELETE).*? "?(\w+)"?', captured_query["sql"]))
    )
    return (
        len(HASHES),
        writes,
        Notice.objects.count() - before,
        (answer.status_code, answer.headers.get("Location", "")),
    )


def sign_up(email: str) -> Callable[[Client], Any]:
    data = {"email": email, "password1": PASSWORD, "password2": PASSWORD}
    return lambda client: client.post("/accounts/signup/", data)


def ask_code(email: str) -> Callable[[Client], Any]:
    return lambda client: client.post("/accounts/login/code/", {"email": email})


def reset(email: str) -> Callable[[Client], Any]:
    return lambda client: client.post("/accounts/password/reset/", {"email": email})


def sign_in(email: str) -> Callable[[Client], Any]:
    return lambda client: client.post("/accounts/login/", {"login": email, "password": "wrong-" + PASSWORD})


@pytest.mark.parametrize(
    ("way", "hashes", "mails"), [(sign_up, 1, 1), (ask_code, 0, 1), (reset, 0, 1), (sign_in, 1, 0)]
)
def test_an_address_with_and_one_without_an_account_cost_the_same(
    owner: User, way: Callable[[str], Callable[[Client], Any]], hashes: int, mails: int
) -> None:
    people = User.objects.count()
    known, unknown = work_of(way(owner.email)), work_of(way("nobody@example.org"))
    assert known == unknown
    assert (known[0], known[2]) == (hashes, mails)
    # The one that was pretended is gone again.
    assert User.objects.count() == people + (1 if way is sign_up else 0)


def test_an_account_without_a_password_costs_the_same_too(owner: User, cast: Cast) -> None:
    user = cast.other_student.user
    user.set_unusable_password()
    user.save()
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    assert work_of(sign_in(user.email)) == work_of(sign_in("nobody@example.org"))
