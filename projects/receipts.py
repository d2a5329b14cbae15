"""Codes of receipts: short enough to type, signed, so that nobody can make one up."""

import base64
import hmac
import re

from django.utils.crypto import salted_hmac

_SALT = "projects.receipts"
# 80 bits: not to be guessed, and four groups of four.
_BYTES = 10
_CODE = re.compile(r"(?P<pk>\d{1,18})-(?P<seal>(?:[A-Z2-7]{4}-?){4})")


def receipt_code(submission_pk: int) -> str:
    """Return the code of an attempt's receipt, such as '17-ABCD-EFGH-IJKL-MNOP'."""
    seal = _seal(submission_pk)
    return "-".join([str(submission_pk), *(seal[start : start + 4] for start in range(0, len(seal), 4))])


def submission_pk_of(code: str) -> int | None:
    """Return whose receipt `code` is, whatever its case and spaces; None if it is none of ours."""
    match = _CODE.fullmatch(code.strip().upper().replace(" ", ""))
    if match is None:
        return None
    pk = int(match["pk"])
    return pk if hmac.compare_digest(match["seal"].replace("-", ""), _seal(pk)) else None


def _seal(submission_pk: int) -> str:
    digest = salted_hmac(_SALT, str(submission_pk), algorithm="sha256").digest()
    return base64.b32encode(digest[:_BYTES]).decode()
