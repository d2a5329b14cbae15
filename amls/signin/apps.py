"""Signing in by the university: OpenID Connect and SAML 2.0."""

from importlib import import_module

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SignInConfig(AppConfig):
    """Providers of sign-ins, what they say of people, and what follows from it."""

    name = "amls.signin"
    verbose_name = _("Sign-in by providers")

    def ready(self) -> None:
        """Connect the signals of accounts."""
        import_module("amls.signin.receiving")
