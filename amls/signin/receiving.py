"""What follows when somebody signed in by a provider, or joined one with their account: allauth's signals."""

from typing import Any

from allauth.account.models import EmailAddress
from allauth.account.signals import user_logged_in
from allauth.socialaccount.models import SocialAccount, SocialLogin
from allauth.socialaccount.signals import social_account_added, social_account_removed
from django.dispatch import receiver
from django.http import HttpRequest

from amls.accounts.log import record
from amls.core.clock import database_clock
from amls.courses.accountevents import AccountEvent
from amls.courses.factor import note_providers_factor
from amls.courses.models import User
from amls.courses.vouched import Vouched
from amls.signin.adapter import PENDING
from amls.signin.joining import receive

# What is known of this session's sign-in by a provider: which, and by what it knows the session.
SESSION_KEY = "amls_signed_in_by"
# How long a sign-in waits for somebody to show that an account is theirs.
_PENDING_SECONDS = 900


@receiver(user_logged_in)
def receive_sign_in(request: HttpRequest, user: User, sociallogin: SocialLogin | None = None, **kwargs: Any) -> None:
    """Write down what the provider says; join a sign-in that waited for its account."""
    pending = request.session.pop(PENDING, None)
    if sociallogin is None:
        if pending is not None:
            _join_pending(request, user, pending)
        return
    facts = sociallogin.state.get("facts") or {}
    request.session[SESSION_KEY] = facts or None
    note_providers_factor(request, user, is_proven=bool(facts.get("factor")))
    _receive(sociallogin)


@receiver(social_account_added)
def receive_joined(request: HttpRequest, sociallogin: SocialLogin, **kwargs: Any) -> None:
    """Write down what a provider says of somebody who joined it with their account."""
    record(AccountEvent.What.JOINED, user=sociallogin.user, request=request, how=sociallogin.account.provider)
    _receive(sociallogin)


@receiver(social_account_removed)
def note_parted(request: HttpRequest, socialaccount: SocialAccount, **kwargs: Any) -> None:
    """Write down that somebody parted a provider from their account."""
    record(AccountEvent.What.PARTED, user=socialaccount.user, request=request, how=socialaccount.provider)


def _receive(sociallogin: SocialLogin) -> None:
    proven = [address.email for address in sociallogin.email_addresses if address.verified]
    receive(account=sociallogin.account, vouched=Vouched.of_kept(sociallogin.account.extra_data), proven=proven)


def _join_pending(request: HttpRequest, user: User, pending: dict[str, Any]) -> None:
    """Join a sign-in with the account of whoever has just shown that its address is theirs."""
    if database_clock.now().timestamp() - pending["at"] > _PENDING_SECONDS:
        return
    waiting = SocialLogin.deserialize(pending["login"])
    is_own = EmailAddress.objects.filter(user=user, email__in=pending["addresses"], verified=True).exists()
    known = SocialAccount.objects.filter(provider=waiting.account.provider)
    if is_own and not known.filter(uid=waiting.account.uid).exists() and not known.filter(user=user).exists():
        waiting.connect(request, user)
