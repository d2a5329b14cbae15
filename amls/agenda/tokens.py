"""The address of a personal feed: made from what it stands for, never stored."""

import base64

from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac

_SALT = "amls.agenda.feed"
_BYTES = 24


def make_token(enrolment_pk: int, generation: int) -> str:
    """Return the token of this generation: the enrolment's number and an HMAC over both."""
    return f"{enrolment_pk}-{_signature(enrolment_pk, generation)}"


def enrolment_pk_of(token: str) -> int | None:
    """Return whose token it claims to be; None where it has not a token's form."""
    number, dash, signature = token.partition("-")
    if not dash or not signature or not number.isascii() or not number.isdigit() or len(number) > 18:
        return None
    return int(number)


def is_valid(token: str, enrolment_pk: int, generation: int) -> bool:
    """Return whether it is the token of this generation, in constant time."""
    return constant_time_compare(token, make_token(enrolment_pk, generation))


def _signature(enrolment_pk: int, generation: int) -> str:
    digest = salted_hmac(_SALT, f"{enrolment_pk}:{generation}", secret=settings.SECRET_KEY, algorithm="sha256").digest()
    return base64.urlsafe_b64encode(digest[:_BYTES]).decode()
