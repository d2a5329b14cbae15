"""Which account is whose: by what a provider proves, and what follows for rosters, names and numbers."""

from collections.abc import Iterable

from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest

from amls.accounts.log import record
from amls.courses.accountevents import AccountEvent
from amls.courses.models import User
from amls.courses.participation import join_roster_entries
from amls.courses.vouched import Vouched
from amls.membership.claims import join_by_number


def account_with(email: str) -> User | None:
    """Return the account of an address that a provider proves.

    Whoever proved the address here has it. Else an account that nobody ever entered, as nothing but this address was
    given for it: a stranger may have signed up with it, or the desk made it. Never an account that somebody entered by
    another address.
    """
    proven = EmailAddress.objects.filter(email__iexact=email, verified=True).select_related("user").first()
    if proven is not None:
        return proven.user  # type: ignore[no-any-return]
    same = User.objects.filter(Q(email__iexact=email) | Q(emailaddress__email__iexact=email))
    return same.exclude(emailaddress__verified=True).order_by("pk").first()


def unlock(*, user: User, request: HttpRequest) -> User:
    """Open an account again that was locked because no provider had known the person for long; others stay as they are."""
    with transaction.atomic():
        locked = User.objects.select_for_update(no_key=True).get(pk=user.pk)
        if locked.locked_at is None:
            return user
        locked.is_active, locked.locked_at = True, None
        locked.save(update_fields=["is_active", "locked_at"])
        record(AccountEvent.What.UNLOCKED, user=locked, request=request)
    return locked


def receive(*, account: SocialAccount, vouched: Vouched, proven: Iterable[str]) -> User:
    """Write down what a provider says of a person who just signed in by it, and let follow what follows from it.

    Name and matriculation number are the provider's from now on. Addresses that it proves open the account too, and
    rosters that name them or the number have the person.

    Args:
        account: of the provider, with the person's account.
        vouched: what it says.
        proven: addresses of the person that it proves, lower case.

    Returns:
        The person.
    """
    with transaction.atomic():
        user = User.objects.select_for_update(no_key=True).get(pk=account.user_id)
        said = {"display_name": vouched.name, "matriculation_number": vouched.number}
        changed = {name: value for name, value in said.items() if value and getattr(user, name) != value}
        for name, value in changed.items():
            setattr(user, name, value)
        if changed:
            user.save(update_fields=list(changed))
        own = [email for email in proven if _own_address(user, email)]
    # Courses are locked before people: each of these is a whole by itself, and is done again at the next sign-in.
    for email in own:
        join_roster_entries(user=user, email=email)
    if vouched.number:
        join_by_number(user=user, number=vouched.number)
    return user


def _own_address(user: User, email: str) -> bool:
    """Let a proven address be one of the account's; return whether it is."""
    if EmailAddress.objects.filter(email__iexact=email, verified=True).exclude(user=user).exists():
        return False
    address = EmailAddress.objects.filter(user=user, email__iexact=email).first()
    if address is None:
        has_main = EmailAddress.objects.filter(user=user, primary=True).exists()
        EmailAddress.objects.create(user=user, email=email, verified=True, primary=not has_main)
        if has_main:
            # Somebody else's sign-up with this address that was never proven comes to nothing.
            get_adapter().send_notification_mail("account/email/email_added", user, {"added_email": email})
    elif not address.verified:
        address.verified = True
        address.save(update_fields=["verified"])
    return True
