"""Text that may lie in the outbox for minutes only: codes and links of accounts, encrypted until they are sent."""

import base64
import hashlib
import json
from collections.abc import Mapping
from functools import cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

# The name under which a notice's references hold it; wiped as soon as the notice is sent or given up.
SEALED = "sealed"


class UnreadableSealError(Exception):
    """It was sealed with another SECRET_KEY, or is gone."""


def seal(values: Mapping[str, str]) -> str:
    """Return the values encrypted with a key that follows from SECRET_KEY."""
    return _fernet(settings.SECRET_KEY).encrypt(json.dumps(dict(values)).encode()).decode()


def unseal(text: str) -> dict[str, str]:
    """Return what was sealed.

    Raises:
        UnreadableSealError: the key is another by now.
    """
    keys = [_fernet(key) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]
    try:
        unsealed: dict[str, str] = json.loads(MultiFernet(keys).decrypt(text.encode()))
    except InvalidToken:
        raise UnreadableSealError("The key of this installation changed since this mail was written.") from None
    return unsealed


@cache
def _fernet(secret: str) -> Fernet:
    digest = hashlib.sha256(b"amls.mail.sealing" + secret.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(digest))
