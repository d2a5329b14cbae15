"""Accounts that no provider knows any more: they are locked, not deleted, and open again by the next sign-in there."""

from datetime import datetime, timedelta

from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from amls.accounts.log import record
from amls.courses.accountevents import AccountEvent
from amls.courses.models import User


def lock_unknown(*, now: datetime) -> int:
    """Lock the accounts that all of their providers have not seen for as long as each allows (`lock_after_days`).

    An account without a provider is not meant, nor who runs the site: they could not open it again. And where nobody at
    all came by a provider in its time, it is the provider that is away.

    Returns:
        How many were locked.
    """
    known = Q()
    for provider in settings.SIGN_IN_PROVIDERS:
        still = Q(last_login__gte=_since(provider.lock_after_days, now)) if provider.lock_after_days else Q()
        known |= Q(provider=provider.id) & still
    still_known = SocialAccount.objects.filter(known, user=OuterRef("pk"))
    locked = 0
    for provider in settings.SIGN_IN_PROVIDERS:
        if not provider.lock_after_days:
            continue
        since, rows = _since(provider.lock_after_days, now), SocialAccount.objects.filter(provider=provider.id)
        if not rows.filter(last_login__gte=since).exists():
            continue
        gone = User.objects.filter(
            ~Exists(still_known),
            pk__in=rows.filter(last_login__lt=since).values("user"),
            is_active=True,
            is_superuser=False,
        )
        locked += sum(_lock(pk, now=now) for pk in gone.order_by("pk").values_list("pk", flat=True))
    return locked


def _since(days: int, now: datetime) -> datetime:
    return now - timedelta(days=days)


def _lock(pk: int, *, now: datetime) -> bool:
    with transaction.atomic():
        user = User.objects.select_for_update(no_key=True).get(pk=pk)
        if not user.is_active:
            return False
        user.is_active, user.locked_at = False, now
        user.save(update_fields=["is_active", "locked_at"])
        for session in UserSession.objects.filter(user=user):
            session.end()
        record(AccountEvent.What.LOCKED, user=user, request=None)
    return True
