"""Allauth's forms of codes that authenticator apps show (RFC 6238), which count by the database's clock.

Allauth goes by the clock of the server that is asked: one whose clock is wrong would let no app in.
"""

from base64 import b32decode
from typing import Any

from allauth.mfa import app_settings
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from django import forms
from django.core.cache import cache
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext_lazy as _

from amls.core import clock


class _AppCode:
    """A form with a code, and the secret of an app that may show it."""

    user: Any
    cleaned_data: dict[str, Any]

    def secret_of_app(self) -> str | None:
        """Return the secret of the person's app, or None without one."""
        app = Authenticator.objects.filter(user=self.user, type=Authenticator.Type.TOTP).first()
        return None if app is None else get_adapter().decrypt(app.data["secret"])

    def clean_code(self) -> str:
        """Return the code that allauth took.

        A code of the app is given to it as the app would show it by this server's clock, and opens once for as long as it
        counts; allauth itself remembers it for one period.

        Raises:
            ValidationError: it opens nothing, or has done so.
        """
        secret = self.secret_of_app()
        period, counts = app_settings.TOTP_PERIOD, range(-app_settings.TOTP_TOLERANCE, app_settings.TOTP_TOLERANCE + 1)
        typed = "".join(self.cleaned_data["code"].split())
        if secret is None or len(typed) != app_settings.TOTP_DIGITS:
            # Codes that are kept for when the app is lost are longer.
            return super().clean_code()  # type: ignore[misc,no-any-return]
        at, here = clock.database_clock.now().timestamp(), timezone.now().timestamp()
        away = next((away for away in counts if constant_time_compare(_shown(secret, at + away * period), typed)), None)
        self.cleaned_data["code"] = "" if away is None else _shown(secret, here + away * period)
        code: str = super().clean_code()  # type: ignore[misc]
        used = f"courses.appcodes:{self.user.pk}:{int(at // period) + (away or 0)}"
        if not cache.add(used, True, timeout=len(counts) * period):
            raise get_adapter().validation_error("incorrect_code")
        return code


def _shown(secret: str, moment: float) -> str:
    app = TOTP(b32decode(secret), app_settings.TOTP_DIGITS, SHA1(), app_settings.TOTP_PERIOD)  # noqa: S303 - what apps know
    return app.generate(int(moment)).decode()


def _code() -> forms.CharField:
    return forms.CharField(
        label=_("Code"),
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code"}),
        help_text=_(
            "Your authenticator app shows it. One of your recovery codes opens as well. If you have neither any more, write "
            "to whoever runs this site: the imprint says where."
        ),
    )


class AppCodeForm(_AppCode, AuthenticateForm):  # type: ignore[misc]
    """A code as the second factor."""

    code = _code()


class AppCodeAgainForm(_AppCode, ReauthenticateForm):  # type: ignore[misc]
    """A code as the fresh proof of who one is."""

    code = _code()


class NewAppForm(_AppCode, ActivateTOTPForm):  # type: ignore[misc]
    """The first code of a new app."""

    def secret_of_app(self) -> str:
        """Return the new app's secret."""
        return self.secret  # type: ignore[no-any-return]
