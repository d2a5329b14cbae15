"""Signing up, which tells nobody who has an account: both ways cost the same."""

import uuid
from typing import Any

from allauth.account.forms import SignupForm as AllauthSignupForm
from allauth.account.models import EmailAddress
from django.db import transaction
from django.http import HttpRequest

from amls.accounts.log import record
from amls.courses.accountevents import AccountEvent
from amls.courses.models import User


class SignupForm(AllauthSignupForm):  # type: ignore[misc]
    """Allauth's form, which mails the owner of an address that has an account instead of making another one."""

    def try_save(self, request: HttpRequest) -> tuple[Any, Any]:
        """Make the account, or do as much for one that is there, so that its owner isn't known by the time it takes."""
        if self.account_already_exists:
            _pretend(request, password=self.cleaned_data["password1"] or None)
        return super().try_save(request)  # type: ignore[no-any-return]


def _pretend(request: HttpRequest, *, password: str | None) -> None:
    """Make an account, with its password hashed and its event written, and roll it back."""
    with transaction.atomic():
        user = User(email=f"{uuid.uuid4()}@pretended.invalid")
        user.set_password(password)
        user.save()
        EmailAddress.objects.create(user=user, email=user.email, primary=True)
        record(AccountEvent.What.SIGNED_UP, user=None, request=request)
        transaction.set_rollback(True)
