"""Seals of what is not stored: an HMAC by SECRET_KEY, which holds on when that is replaced.

Receipts, feeds and links live longer than a key: what was sealed with a key that stands in SECRET_KEY_FALLBACKS is as good
as what the present one seals.
"""

from collections.abc import Iterator

from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac


def seal_of(salt: str, value: str, *, key: str | None = None) -> bytes:
    """Return the seal of a value, 32 bytes.

    Args:
        salt: for what it is sealed; each use has one of its own.
        value: what is sealed.
        key: by which; by default the present one.
    """
    return _seal(salt, value, settings.SECRET_KEY if key is None else key)


def seals_of(salt: str, value: str) -> Iterator[bytes]:
    """Yield the seals of a value by every key that counts, the present one first."""
    for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        yield _seal(salt, value, key)


def account_code(user_pk: int) -> str:
    """Return what tells a device one account from another, and nobody which."""
    return salted_hmac("amls.portal.pwa", str(user_pk)).hexdigest()[:16]


def is_one_of(given: str, valid: Iterator[str]) -> bool:
    """Return whether a text is one of these, in a time that says nothing about them."""
    is_valid = False
    for text in valid:
        is_valid |= constant_time_compare(given, text)
    return is_valid


def _seal(salt: str, value: str, key: str) -> bytes:
    return salted_hmac(salt, value, secret=key, algorithm="sha256").digest()
