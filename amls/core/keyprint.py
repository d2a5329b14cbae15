"""Whether the SECRET_KEY is the one with which this database was written: with another one receipts, feeds and codes fail.

The database keeps a digest of each key that was used. A new key is known as soon as an old one stands beside it in
SECRET_KEY_FALLBACKS, which is how a key is replaced.
"""

from datetime import datetime

from django.conf import settings
from django.utils.crypto import salted_hmac

from amls.core.models import KeyPrint

WRONG_KEY = (
    "SECRET_KEY is another one than this database was written with: receipts, feeds, links and sessions of before are not "
    "valid. Set the key of before (it is in the backup), or name it in SECRET_KEY_FALLBACKS if it was replaced."
)
_SALT = "amls.core.keyprint"


def note_key(*, now: datetime) -> bool:
    """Write down the present key where it is the first, or where one that was used before vouches for it.

    Returns:
        Whether it is known then; False: the key is another one than this database was written with.
    """
    known = set(KeyPrint.objects.values_list("digest", flat=True))
    digest = _digest(settings.SECRET_KEY)
    if digest in known:
        return True
    if known and not known & {_digest(key) for key in settings.SECRET_KEY_FALLBACKS}:
        return False
    KeyPrint.objects.get_or_create(digest=digest, defaults={"seen_at": now})
    return True


def is_key_known() -> bool:
    """Return whether the present key, or one of those that it replaced, is one with which this database was written."""
    known = set(KeyPrint.objects.values_list("digest", flat=True))
    return not known or any(_digest(key) in known for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS))


def _digest(key: str) -> str:
    return salted_hmac(_SALT, "print", secret=key, algorithm="sha256").hexdigest()
