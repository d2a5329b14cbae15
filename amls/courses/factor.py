"""The second factor of a session: proven in it, not only owned by its account.

A session that was opened by a password alone is no staff's, also when a factor is set up elsewhere meanwhile; and when
a factor comes or goes, all other sessions of the account end.
"""

from typing import Any

from allauth.core import context as allauth_context
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authenticator_added, authenticator_removed, authenticator_used
from allauth.mfa.utils import is_mfa_enabled
from allauth.usersessions.adapter import get_adapter as get_sessions_adapter
from allauth.usersessions.models import UserSession
from django.dispatch import receiver
from django.http import HttpRequest

from amls.courses.models import User
from amls.courses.vouched import vouched_of

# The primary key of whose factor was proven: here, or by the provider of the sign-in that opened the session.
_SESSION_KEY = "amls_second_factor_of"
_PROVIDER_KEY = "amls_providers_factor_of"


def has_factor(user: User) -> bool:
    """Return whether the account has a second factor, proven in the session that asks where it asks for itself.

    What is decided about somebody else, or in the background, is decided by the account.
    """
    request = allauth_context.request
    if request is not None and getattr(request, "user", None) == user:
        return request.session.get(_PROVIDER_KEY) == user.pk or (is_proven_in(request) and is_mfa_enabled(user))
    return is_mfa_enabled(user) or any(vouched.factor for vouched in vouched_of(user).values())


def note_providers_factor(request: HttpRequest, user: User, *, is_proven: bool) -> None:
    """Remember whether the provider that just opened the session says that a second factor was used there."""
    request.session[_PROVIDER_KEY] = user.pk if is_proven else None


def is_proven_in(request: HttpRequest) -> bool:
    """Return whether a second factor of the request's person was used or set up in this very session."""
    return request.session.get(_SESSION_KEY) == request.user.pk is not None


@receiver(authenticator_used)
def _remember_use(request: HttpRequest, user: User, **kwargs: Any) -> None:
    # When signing in the session isn't the person's yet; it becomes so, or ends.
    request.session[_SESSION_KEY] = user.pk


@receiver(authenticator_added)
def _remember_set_up(request: HttpRequest, user: User, authenticator: Authenticator, **kwargs: Any) -> None:
    """Who sets the first factor up has just proven it; a further one proves nothing about the first."""
    others = Authenticator.objects.filter(user=user).exclude(pk=authenticator.pk)
    if not others.exclude(type=Authenticator.Type.RECOVERY_CODES).exists():
        request.session[_SESSION_KEY] = user.pk


@receiver(authenticator_added)
@receiver(authenticator_removed)
def end_other_sessions(request: HttpRequest, user: User, **kwargs: Any) -> None:
    """End all sessions of the account but the one that asks."""
    others = UserSession.objects.filter(user=user).exclude(session_key=request.session.session_key)
    get_sessions_adapter().end_sessions(list(others))
