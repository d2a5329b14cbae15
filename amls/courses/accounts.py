"""How accounts behave: django-allauth's adapter and its signals."""

from allauth.account.adapter import DefaultAccountAdapter


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Sign-up and mail of accounts."""
