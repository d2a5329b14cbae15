"""How accounts behave: django-allauth's adapters, and what follows from its signals."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from allauth.account import app_settings
from allauth.account.adapter import DefaultAccountAdapter, get_adapter
from allauth.account.authentication import get_authentication_records
from allauth.account.models import EmailAddress
from allauth.account.signals import email_confirmed, password_reset
from allauth.core import ratelimit
from allauth.core.exceptions import ReauthenticationRequired
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authenticator_added
from allauth.usersessions.adapter import DefaultUserSessionsAdapter
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.text import get_text_list
from django.utils.translation import gettext_lazy as _

from amls.accounts.log import record
from amls.accounts.proofs import note_proof, proof_of
from amls.accounts.services import replace_addresses
from amls.core.clock import database_clock
from amls.core.hooks import Hook
from amls.core.peers import line_of
from amls.courses.accountevents import AccountEvent
from amls.courses.models import User
from amls.courses.participation import join_roster_entries
from amls.courses.vouched import vouched_of

# In settings.ACCOUNT_RATE_LIMITS.
_BAD_PASSWORD = "bad_password"  # noqa: S105 - the name of a limit


# Where an app above leads whoever signs out, asked while they are still signed in; None: nowhere else.
sign_out_address: Hook[Callable[[HttpRequest], str | None]] = Hook("ways out")


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Where people land after they sign in or out, and whom bad passwords shut out."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "too_many_passwords": _(
            "Too many attempts. Wait five minutes, or sign in another way: with a code by mail or a passkey."
        ),
        "too_many_login_attempts": _(
            "That was wrong too often. Have a new code sent to you; if an app makes your codes, wait five minutes."
        ),
        "rate_limited": _("That was asked for a moment ago. Look into your mailbox, and wait a little."),
    }

    def get_logout_redirect_url(self, request: HttpRequest) -> str:
        """Return the list of courses, or where an app leads first."""
        return next((address for find in sign_out_address if (address := find(request))), "/")

    def respond_user_inactive(self, request: HttpRequest, user: Any) -> HttpResponse:
        """Say to whom was locked by a sweep what opens the account again; to others that it is locked."""
        if user.locked_at is None:
            return super().respond_user_inactive(request, user)  # type: ignore[no-any-return]
        return render(request, "account/account_inactive.html", {"locked_by": opens_again(user)})

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Bound bad passwords by account and line: by account alone, whoever types them would shut the owner out.

        Raises:
            ValidationError: there were too many.
        """
        if not ratelimit.consume(request, action=_BAD_PASSWORD, key=self.guess_key(request, credentials)):
            raise self.validation_error("too_many_passwords")

    def authenticate(self, request: HttpRequest, **credentials: Any) -> User | None:
        """Return whose password it is, or None. Who knows it has not guessed: what was counted is forgotten."""
        user: User | None = super().authenticate(request, **credentials)
        if user is not None:
            ratelimit.clear(request, action=_BAD_PASSWORD, key=self.guess_key(request, credentials))
        return user

    def guess_key(self, request: HttpRequest, credentials: Mapping[str, Any]) -> str:
        """Return under which name guesses at an account's password from one line are counted."""
        return f"{line_of(self.get_client_ip(request))}:{str(credentials.get('email', '')).lower()}"

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        """Let those who have neither password nor factor sign in again with a code: they can't prove it otherwise."""
        ways: list[dict[str, Any]] = super().get_reauthentication_methods(user)
        if ways or not user.is_authenticated:
            return ways
        return [{"id": "again", "description": _("Sign in again"), "url": reverse("portal:sign_in_again")}]

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Ask again before an account changes; whom allauth has no way to ask must have signed in just now.

        Raises:
            ReauthenticationRequired: they did not.
        """
        proof = proof_of(self.request, self.request.user)
        if proof is not None and _is_fresh(proof.at, now=database_clock.now().timestamp()):
            return False
        is_required: bool = super().is_reauthentication_required(app=app, **kwargs)
        if is_required and not super().get_reauthentication_methods(self.request.user) and not self._just_signed_in():
            raise ReauthenticationRequired
        return is_required

    def _just_signed_in(self) -> bool:
        records = get_authentication_records(self.request, self.request.user)
        # allauth goes by the clock of the web server.
        return any(_is_fresh(float(record["at"]), now=time.time()) for record in records)


def _is_fresh(moment: float, *, now: float) -> bool:
    return bool(moment > now - app_settings.REAUTHENTICATION_TIMEOUT)


def opens_again(user: User) -> str:
    """Return by what an account that was locked by a sweep opens again, as 'A or B'; '' where that is not up to the person."""
    if user.locked_at is None:
        return ""
    known = vouched_of(user)
    names = [provider.name for provider in settings.SIGN_IN_PROVIDERS if provider.id in known]
    return str(get_text_list([*names], _("or")))


class SessionsAdapter(DefaultUserSessionsAdapter):  # type: ignore[misc]
    """Writes down which sessions were ended."""

    def end_sessions(self, sessions: list[UserSession]) -> None:
        """End them."""
        for session in sessions:
            record(AccountEvent.What.SESSION_ENDED, user=session.user, request=self.request)
        super().end_sessions(sessions)


@receiver(password_reset)
def forget_guesses(request: HttpRequest, user: User, **kwargs: Any) -> None:
    """Let somebody sign in by a password that was just reset, however often the old one was mistyped."""
    adapter = get_adapter()
    for address in EmailAddress.objects.filter(user=user):
        ratelimit.clear(request, action=_BAD_PASSWORD, key=adapter.guess_key(request, {"email": address.email}))


@receiver(authenticator_added)
def count_a_new_factor_as_proof(request: HttpRequest, user: User, authenticator: Authenticator, **kwargs: Any) -> None:
    """Ask nobody for a factor that they set up just now: they proved themselves to begin, and the code of an app is used up."""
    note_proof(request, user, how=authenticator.type)


@receiver(email_confirmed)
def count_a_new_address_as_proof(request: HttpRequest, email_address: EmailAddress, **kwargs: Any) -> None:
    """Count the code by which somebody signs up as one by which they sign in."""
    if not request.user.is_authenticated:
        note_proof(request, email_address.user, how="code")


@receiver(email_confirmed)
def forget_a_strangers_password(request: HttpRequest, email_address: Any, **kwargs: Any) -> None:
    """Drop the password of an account whose address is first proven by a login code.

    Whoever signed up with an address that isn't theirs chose the password; its owner, who
    comes by code, never typed one.
    """
    user, match = email_address.user, request.resolver_match
    is_by_code = match is not None and match.url_name == "account_confirm_login_code"
    if is_by_code and not user.emailaddress_set.filter(verified=True).exclude(pk=email_address.pk).exists():
        user.set_unusable_password()
        user.save(update_fields=["password"])


@receiver(email_confirmed)
def replace_by_what_was_entered(request: HttpRequest, email_address: EmailAddress, **kwargs: Any) -> None:
    """Let an address that those who run the site entered take the place of the old ones, once it is proven.

    Nothing else stands unproven beside proven ones: what people add themselves is kept when it is proven, while
    they are signed in.
    """
    proven = EmailAddress.objects.filter(user=email_address.user, verified=True).exclude(pk=email_address.pk)
    if not request.user.is_authenticated and proven.exists():
        replace_addresses(address=email_address, request=request)


@receiver(email_confirmed)
def join_courses_of_roster(email_address: Any, **kwargs: Any) -> None:
    """Enrol a person in the courses whose roster names the address that was just confirmed."""
    join_roster_entries(user=email_address.user, email=email_address.email)
