"""What happens to accounts, as lines of the log and as rows for their owners.

A line names the account by its key and the network that asked, never an e-mail address, a code or a full IP address:

    signed-in user=12 how=password network=203.0.113.0/24
"""

import logging
from contextlib import suppress
from datetime import datetime
from typing import Any

from allauth.account import signals as account_signals
from allauth.account.adapter import get_adapter
from allauth.account.authentication import get_authentication_records
from allauth.mfa import signals as mfa_signals
from django.contrib.auth.signals import user_logged_out, user_login_failed
from django.core.exceptions import PermissionDenied
from django.dispatch import receiver
from django.http import HttpRequest

from amls.accounts.proofs import proof_of
from amls.core.clock import database_clock
from amls.core.peers import network_of
from amls.courses.accountevents import AccountEvent
from amls.courses.models import User

logger = logging.getLogger("amls.accounts")
What = AccountEvent.What


def record(what: AccountEvent.What, *, user: User | None, request: HttpRequest | None, how: str = "") -> None:
    """Write down what happened to an account: 1 query.

    Args:
        what: happened.
        user: whose account it is; None where there is none, which costs the same.
        request: that asked for it, if one did.
        how: by which means, such as 'password'.
    """
    network, browser = _network(request), request.headers.get("User-Agent", "") if request is not None else ""
    at: datetime = getattr(request, "now", None) or database_clock.now()
    logger.info("%s user=%s how=%s network=%s", what.value, user.pk if user else "-", how or "-", network or "-")
    AccountEvent.objects.create(user=user, what=what, how=how[:30], at=at, network=network, browser=browser[:200])


def _network(request: HttpRequest | None) -> str:
    with suppress(PermissionDenied):
        return network_of(get_adapter().get_client_ip(request)) if request is not None else ""
    return ""


@receiver(account_signals.user_signed_up)
def _signed_up(request: HttpRequest, user: User, **kwargs: Any) -> None:
    record(What.SIGNED_UP, user=user, request=request)


@receiver(account_signals.user_logged_in)
def _signed_in(request: HttpRequest, user: User, **kwargs: Any) -> None:
    steps = [str(step.get("type") or step.get("method")) for step in get_authentication_records(request, user)]
    proof = proof_of(request, user)
    how = " ".join(steps[-2:]) or (proof.how if proof is not None else "")
    record(What.SIGNED_IN, user=user, request=request, how=how)


@receiver(user_logged_out)
def _signed_out(request: HttpRequest | None, user: User | None, **kwargs: Any) -> None:
    if user is not None and user.is_active:
        record(What.SIGNED_OUT, user=user, request=request)


@receiver(user_login_failed)
def _failed(credentials: dict[str, Any], request: HttpRequest | None = None, **kwargs: Any) -> None:
    address = str(credentials.get("email") or credentials.get("username") or "")
    record(What.FAILED, user=owner_of(address), request=request, how="password")


def owner_of(address: str) -> User | None:
    """Return whose account an address belongs to, as it stands there or as one more: 1 query."""
    mine = User.objects.filter(email__iexact=address)
    return mine.union(User.objects.filter(emailaddress__email__iexact=address)).first()


@receiver(mfa_signals.authentication_failed)
def _factor_failed(request: HttpRequest, user: User, authenticator: Any = None, **kwargs: Any) -> None:
    record(What.FAILED, user=user, request=request, how=authenticator.type if authenticator is not None else "factor")


@receiver(account_signals.login_code_rejected)
@receiver(account_signals.email_verification_code_rejected)
def _code_failed(request: HttpRequest, user: User | None = None, **kwargs: Any) -> None:
    record(What.FAILED, user=user, request=request, how="code")


@receiver(mfa_signals.authenticator_added)
def _factor_added(request: HttpRequest, user: User, authenticator: Any, **kwargs: Any) -> None:
    record(What.FACTOR_ADDED, user=user, request=request, how=authenticator.type)


@receiver(mfa_signals.authenticator_removed)
def _factor_removed(request: HttpRequest, user: User, authenticator: Any, **kwargs: Any) -> None:
    record(What.FACTOR_REMOVED, user=user, request=request, how=authenticator.type)


@receiver(mfa_signals.authenticator_reset)
def _factor_renewed(request: HttpRequest, user: User, authenticator: Any, **kwargs: Any) -> None:
    record(What.FACTOR_RENEWED, user=user, request=request, how=authenticator.type)


@receiver(mfa_signals.authenticator_used)
def _factor_used(request: HttpRequest, user: User, authenticator: Any, **kwargs: Any) -> None:
    record(What.FACTOR_USED, user=user, request=request, how=authenticator.type)


@receiver(account_signals.email_added)
def _address_added(request: HttpRequest, user: User, **kwargs: Any) -> None:
    # Signalled when it was typed too, before it is proven and kept.
    if kwargs["email_address"].pk:
        record(What.ADDRESS_ADDED, user=user, request=request)


@receiver(account_signals.email_confirmed)
def _address_confirmed(request: HttpRequest, email_address: Any, **kwargs: Any) -> None:
    record(What.ADDRESS_CONFIRMED, user=email_address.user, request=request)


@receiver(account_signals.email_changed)
def _address_changed(request: HttpRequest, user: User, **kwargs: Any) -> None:
    record(What.ADDRESS_CHANGED, user=user, request=request)


@receiver(account_signals.email_removed)
def _address_removed(request: HttpRequest, user: User, **kwargs: Any) -> None:
    record(What.ADDRESS_REMOVED, user=user, request=request)


@receiver(account_signals.password_set)
@receiver(account_signals.password_changed)
def _password_changed(request: HttpRequest, user: User, **kwargs: Any) -> None:
    record(What.PASSWORD_CHANGED, user=user, request=request)


@receiver(account_signals.password_reset)
def _password_reset(request: HttpRequest, user: User, **kwargs: Any) -> None:
    record(What.PASSWORD_RESET, user=user, request=request)
