"""What tests of sign-in by providers may ask for."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.cache import cache
from pytest_django import Settings

from tests.signin.openid import University, university

LUKASZ = {
    "sub": "u-4711", "name": "Łukasz Żółć", "email": "lukasz@uni.example", "email_verified": True,
    "matriculation_number": "0471100", "eduperson_scoped_affiliation": ["student@uni.example"],
}  # fmt: skip


@pytest.fixture
def uni(settings: Settings, tmp_path: Path) -> Iterator[University]:
    """A university by whose provider people sign in."""
    people = {
        "lukasz": dict(LUKASZ),
        "private": {"sub": "u-2", "name": "Ștefan", "email": "student@example.org", "email_verified": True},
        "teacher": {
            "sub": "u-3", "name": "Şahin Größe", "email": "sahin@uni.example",
            "eduperson_scoped_affiliation": ["Faculty@uni.example", "member@uni.example"],
        },
        "nameless": {"sub": "u-4"},
    }  # fmt: skip
    cache.clear()
    with university(people) as provider:
        settings.SIGN_IN_PROVIDERS = provider.settings(tmp_path)
        yield provider
