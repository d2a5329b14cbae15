"""What providers of sign-ins said of a person, and how it is forgotten."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from allauth.socialaccount.models import SocialAccount

from amls.courses.models import User
from amls.privacy.registry import on_account_deletion, personal_data


@personal_data.named("sign-ins")
def tell_sign_ins(user: User) -> Iterator[tuple[str, Any]]:
    """Yield the providers by which the person signs in, and what they said."""
    rows = SocialAccount.objects.filter(user=user).order_by("pk")
    yield "providers.json", list(rows.values("provider", "uid", "date_joined", "last_login", "extra_data"))


@on_account_deletion
def forget_sign_ins(user: User, now: datetime) -> None:
    """Part the person from their providers: the next sign-in by one makes a new account."""
    SocialAccount.objects.filter(user=user).delete()
