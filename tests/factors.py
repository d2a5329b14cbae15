"""Second factors as people have them: an authenticator app and what it shows."""

import base64
import hashlib
import hmac
import secrets
import time

from allauth.mfa.models import Authenticator

from amls.courses.models import User


def code_of(secret: str, *, later: float = 0) -> str:
    """Return what an authenticator app shows now (RFC 6238), or so many seconds later."""
    digest = hmac.digest(base64.b32decode(secret), int((time.time() + later) // 30).to_bytes(8, "big"), hashlib.sha1)
    start = digest[-1] & 15
    return f"{(int.from_bytes(digest[start : start + 4], 'big') & 0x7FFFFFFF) % 10**6:06}"


def with_app(user: User) -> str:
    """Give an account an authenticator app past the site's own pages; return its secret."""
    secret = base64.b32encode(secrets.token_bytes(20)).decode()
    Authenticator.objects.create(user=user, type=Authenticator.Type.TOTP, data={"secret": secret})
    return secret
