"""Accounts as those who run the site keep them, and the addresses that they enter for somebody who lost theirs."""

from datetime import datetime

from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext as _

from amls.accounts.log import record
from amls.core.violations import RuleViolation
from amls.courses.accountevents import AccountEvent
from amls.courses.models import User


def save_account(account: User, *, by: User | None, now: datetime) -> None:
    """Keep an account, new or changed; a new one's address can be proven by a sign-in with a code."""
    with transaction.atomic():
        is_new = not account.pk
        if account.is_active:
            account.locked_at = None
        account.save()
        if is_new:
            make_provable(account)


def refuse_taken(*, user: User, email: str) -> None:
    """Look whether an address may become a person's.

    Raises:
        RuleViolation: it is another account's.
    """
    others = User.objects.filter(email__iexact=email).exclude(pk=user.pk).exists()
    if others or EmailAddress.objects.filter(email__iexact=email, verified=True).exclude(user=user.pk).exists():
        raise RuleViolation(_("This address has an account already."), code="address-taken", field="email")


def enter_address(*, user: User, email: str, request: HttpRequest) -> bool:
    """Enter a new address for an account: it takes the place of the old ones once it is proven, and they are told.

    Until somebody signs in with a code that is sent to it, the old ones open the account and get its mail. An account
    that nobody ever entered has nothing to lose: it gets the address at once.

    Args:
        user: whose address it will be.
        email: the new address.
        request: of those who run the site.

    Returns:
        Whether it waits for its proof.

    Raises:
        RuleViolation: it is another account's.
    """
    email = email.lower()
    with transaction.atomic():
        user = User.objects.select_for_update(no_key=True).get(pk=user.pk)
        refuse_taken(user=user, email=email)
        # What was entered before and never proven.
        EmailAddress.objects.filter(user=user, verified=False).delete()
        if EmailAddress.objects.filter(user=user, email=email).exists():
            return False
        record(AccountEvent.What.ADDRESS_ENTERED, user=user, request=request)
        if not EmailAddress.objects.filter(user=user).exists():
            user.email = email
            user.save(update_fields=["email"])
            make_provable(user)
            return False
        EmailAddress.objects.create(user=user, email=email)
        get_adapter().send_notification_mail("account/email/email_entered", user, {"entered_email": email})
        get_adapter().send_mail("account/email/email_to_prove", email, {})
    return True


def make_provable(user: User) -> None:
    """Let the first sign-in with a code prove the address of an account that was made for somebody."""
    EmailAddress.objects.get_or_create(user=user, email=user.email, defaults={"primary": True})


def replace_addresses(*, address: EmailAddress, request: HttpRequest) -> None:
    """Let a proven address take the place of all others of its account, which are told and open it no longer."""
    with transaction.atomic():
        old = list(EmailAddress.objects.filter(user=address.user).exclude(pk=address.pk).order_by("pk"))
        before = address.user.email
        address.set_as_primary()
        for earlier in old:
            earlier.remove()
        record(AccountEvent.What.ADDRESS_CHANGED, user=address.user, request=request)
        values = {"from_email": before, "to_email": address.email}
        get_adapter().tell_each(
            {*(earlier.email for earlier in old), address.email}, "account/email/email_changed", values
        )
