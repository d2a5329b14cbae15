"""Allauth's forms of passkeys and security keys, which take a credential as JSON that anybody may send."""

import json
from typing import Any

from allauth.mfa.webauthn import forms as webauthn
from django import forms


class ShallowDecoder(json.JSONDecoder):
    """Reads JSON; what is nested more deeply than Python follows is none."""

    def decode(self, *args: Any) -> Any:
        """Return the value.

        Raises:
            json.JSONDecodeError: it is no JSON, or nested too deeply.
        """
        try:
            return super().decode(*args)
        except RecursionError as error:
            raise json.JSONDecodeError("It is nested too deeply.", "", 0) from error


def _credential() -> forms.JSONField:
    return forms.JSONField(decoder=ShallowDecoder, widget=forms.HiddenInput)


class AddKeyForm(webauthn.AddWebAuthnForm):  # type: ignore[misc]
    """A new key or passkey."""

    credential = _credential()


class KeyForm(webauthn.AuthenticateWebAuthnForm):  # type: ignore[misc]
    """A key as the second factor."""

    credential = _credential()


class PasskeyForm(webauthn.LoginWebAuthnForm):  # type: ignore[misc]
    """Signing in by a passkey."""

    credential = _credential()


class KeyAgainForm(webauthn.ReauthenticateWebAuthnForm):  # type: ignore[misc]
    """A key as the fresh proof of who one is."""

    credential = _credential()
