"""The key by which push services know this installation (VAPID, RFC 8292).

It follows from SECRET_KEY, as all seals do: it is there from the beginning, on every node, and in the backup. A device
that was entered under a key that has been replaced is told by that one, as long as it stands in SECRET_KEY_FALLBACKS.
"""

import base64
from datetime import datetime, timedelta
from email.utils import parseaddr
from functools import lru_cache
from urllib.parse import urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings

# Of the group of P-256 (FIPS 186-5, C.1.2).
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
# RFC 8292, section 2: at most 24 hours.
_TOKEN_LIVES = timedelta(hours=12)


def application_key() -> str:
    """Return the public key that a browser is given when it is asked to be told (base64url, 65 bytes uncompressed)."""
    return _public(_private(settings.SECRET_KEY))


def authorization(endpoint: str, signed_by: str, *, now: datetime) -> str | None:
    """Return what a push service is shown for a device (RFC 8292, section 3); None where its key is gone.

    Args:
        endpoint: of the device.
        signed_by: the public key under which it was entered.
        now: aware.
    """
    for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        key = _private(secret)
        if _public(key) == signed_by:
            parts = urlsplit(endpoint)
            claims = {
                "aud": f"{parts.scheme}://{parts.netloc}",
                "exp": int((now + _TOKEN_LIVES).timestamp()),
                "sub": f"mailto:{parseaddr(settings.DEFAULT_FROM_EMAIL)[1]}",
            }
            return f"vapid t={jwt.encode(claims, key, algorithm='ES256')}, k={signed_by}"
    return None


@lru_cache(maxsize=8)
def _private(secret: str) -> ec.EllipticCurvePrivateKey:
    # 16 bytes more than the order has: so the rest is spread evenly (FIPS 186-5, A.2.1).
    drawn = HKDF(algorithm=SHA256(), length=48, salt=None, info=b"amls.mail.push").derive(secret.encode())
    return ec.derive_private_key(int.from_bytes(drawn, "big") % (_ORDER - 1) + 1, ec.SECP256R1())


def _public(key: ec.EllipticCurvePrivateKey) -> str:
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return encoded(point)


def encoded(value: bytes) -> str:
    """Return bytes as base64url without padding (RFC 7515)."""
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def decoded(text: str) -> bytes:
    """Return the bytes of base64url with or without padding.

    Raises:
        ValueError: it is none.
    """
    return base64.b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), altchars=b"-_", validate=True)
