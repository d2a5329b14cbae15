"""Who signs in here, by django-allauth's backend, and who is signed in.

The backend's path stands in every session, and one whose backend's path the settings don't name is over.
"""

from functools import cache
from typing import Any

from allauth.account.auth_backends import AuthenticationBackend
from django.conf import settings
from django.http import HttpRequest

from amls.core.peers import is_forwarded, is_loopback
from amls.core.statements import ModelStatement, Parameter
from amls.courses.models import User


class AccountBackend(AuthenticationBackend):  # type: ignore[misc]
    """Sign-in by e-mail address. The demo's known password opens nothing from another machine."""

    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> User | None:
        """Return whose password it is, or None."""
        password = credentials.get("password")
        if password == settings.DEMO_PASSWORD and not _is_on_this_machine(request):
            return None
        user: User | None = super().authenticate(request, **credentials)
        return user

    def get_user(self, user_id: int) -> User | None:
        """Return who has this key and may sign in, or None: 1 query."""
        user = _users().first({"user": user_id})
        return user if user is not None and self.user_can_authenticate(user) else None

    def get_all_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        """Return none, without asking: who may do what follows from parts in courses, and superusers may do all."""
        return set()


@cache
def _users() -> ModelStatement[User]:
    return ModelStatement.of(User.objects.filter(pk=Parameter("user")))


def user_of(request: HttpRequest) -> User:
    """Return who is signed in, where nobody else gets to: behind `login_required`, on pages of the staff, at the desk."""
    assert isinstance(request.user, User)  # noqa: S101 - see above
    return request.user


def user_or_none(request: HttpRequest) -> User | None:
    """Return who is signed in, or None."""
    return request.user if isinstance(request.user, User) else None


def _is_on_this_machine(request: HttpRequest | None) -> bool:
    """Return whether a request comes from this machine to a site of this machine, by its peer and never by its Host."""
    return (
        request is not None
        and is_loopback(settings.SITE_HOST)
        and is_loopback(request.META.get("REMOTE_ADDR", ""))
        and not is_forwarded(request)
    )
