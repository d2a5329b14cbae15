"""How people sign in, at the desk: allauth's lists, for those who run the installation."""

from datetime import datetime

from allauth.account.admin import EmailAddressAdmin
from allauth.account.models import EmailAddress
from allauth.mfa.admin import AuthenticatorAdmin
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from allauth.usersessions.admin import UserSessionAdmin
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.contrib.auth.models import Group

from amls.courses.models import User
from amls.courses.saving import delete_apart, save_apart
from amls.desk.writes import ThroughServices, Writes

# Who may do what follows from parts in courses: no group gives anybody anything. Providers come from the settings.
for _model in (Group, EmailAddress, Authenticator, UserSession, SocialAccount, SocialApp, SocialToken):
    admin.site.unregister(_model)


def end_session(session: UserSession, *, by: User | None, now: datetime) -> None:
    """Sign somebody out of one browser."""
    session.end()


@admin.register(EmailAddress)
class AddressAdmin(ThroughServices, EmailAddressAdmin):  # type: ignore[misc]
    """Addresses of accounts, proven or not, such as one that somebody proved in another way."""

    writes = Writes(save=save_apart, delete=delete_apart)


@admin.register(Authenticator)
class FactorAdmin(ThroughServices, AuthenticatorAdmin):  # type: ignore[misc]
    """Second factors, such as that of a lost phone, which is taken away."""

    writes = Writes(delete=delete_apart)


@admin.register(UserSession)
class SessionAdmin(ThroughServices, UserSessionAdmin):  # type: ignore[misc]
    """In which browsers people are signed in."""

    writes = Writes(delete=end_session)
    search_fields = ("user__email", "user__display_name", "ip")
