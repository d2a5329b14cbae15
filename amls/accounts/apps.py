"""How people sign in, how they prove who they are, and what happens to their accounts."""

from importlib import import_module

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """How people sign in, how they prove who they are, and what happens to their accounts."""

    name = "amls.accounts"

    def ready(self) -> None:
        """Connect the signals of accounts."""
        for module in ("adapters", "log"):
            import_module(f"amls.accounts.{module}")
