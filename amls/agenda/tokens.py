"""The address of a personal feed: made from what it stands for, never stored."""

import base64

from amls.core.seals import is_one_of, seal_of, seals_of

_SALT = "amls.agenda.feed"
_BYTES = 24


def make_token(enrolment_pk: int, generation: int, *, key: str | None = None) -> str:
    """Return the token of this generation: the enrolment's number and an HMAC over both, by this key or the present one."""
    return _token(enrolment_pk, seal_of(_SALT, f"{enrolment_pk}:{generation}", key=key))


def enrolment_pk_of(token: str) -> int | None:
    """Return whose token it claims to be; None where it has not a token's form."""
    number, dash, signature = token.partition("-")
    if not dash or not signature or not number.isascii() or not number.isdigit() or len(number) > 18:
        return None
    return int(number)


def is_valid(token: str, enrolment_pk: int, generation: int) -> bool:
    """Return whether it is the token of this generation, in constant time; also one by a key that was replaced."""
    seals = seals_of(_SALT, f"{enrolment_pk}:{generation}")
    return is_one_of(token, (_token(enrolment_pk, seal) for seal in seals))


def _token(enrolment_pk: int, seal: bytes) -> str:
    return f"{enrolment_pk}-{base64.urlsafe_b64encode(seal[:_BYTES]).decode()}"
