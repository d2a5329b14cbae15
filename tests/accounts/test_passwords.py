"""Which passwords are taken."""

import pytest
from django.contrib.auth.password_validation import password_validators_help_texts, validate_password
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import translation

from amls.courses.models import User
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db
WEAK = [
    "aaaaaaaaaaaa", "abcabcabcabc", "qwertzuiopü", "1234567890ab", "Passwort1234", "20241123", "lukasz.zolc",
    "Łukasz Żółć", "Zolc2024", "山田太郎山田太郎", "x" * 200,
]  # fmt: skip
STRONG = [
    "right-horse-battery",
    "müllmann zug kran tee",
    "kW9-x!tP2q",
    "Größe misst Şahin selten",
    "🐢 tee kran 月曜日",
]


def someone() -> User:
    return UserFactory.create(email="lukasz.zolc@example.org", display_name="Łukasz Żółć")


@pytest.mark.parametrize("password", WEAK)
def test_a_password_that_is_guessed_in_few_tries_is_refused(password: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        validate_password(password, someone())
    assert "password-weak" in [error.code for error in refusal.value.error_list]


@pytest.mark.parametrize("password", STRONG)
def test_words_and_what_browsers_propose_are_taken(password: str) -> None:
    validate_password(password, someone())


def test_the_form_says_what_is_a_good_password_in_both_languages() -> None:
    data = {"email": "new@example.org", "password1": "aaaaaaaaaaaa", "password2": "aaaaaaaaaaaa"}
    page = Client().post("/accounts/signup/", data).content.decode()
    assert "Take four words that have nothing to do with each other" in page
    page = Client(headers={"accept-language": "de"}).post("/accounts/signup/", data).content.decode()
    assert "Nehmen Sie vier Wörter, die nichts miteinander zu tun haben" in page
    assert not User.objects.filter(email="new@example.org").exists()
    with translation.override("de"):
        assert "Vier Wörter" in password_validators_help_texts()[-1]
