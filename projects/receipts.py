"""Codes of receipts: short enough to type, signed, so that nobody can make one up."""

import base64
import re

from amls.core.seals import is_one_of, seal_of, seals_of

_SALT = "projects.receipts"
# 80 bits: not to be guessed, and four groups of four.
_BYTES = 10
_CODE = re.compile(r"(?P<pk>\d{1,18})-(?P<seal>(?:[A-Z2-7]{4}-?){4})")


def receipt_code(submission_pk: int, *, key: str | None = None) -> str:
    """Return the code of an attempt's receipt, such as '17-ABCD-EFGH-IJKL-MNOP', by this key or the present one."""
    seal = _letters(seal_of(_SALT, str(submission_pk), key=key))
    return "-".join([str(submission_pk), *(seal[start : start + 4] for start in range(0, len(seal), 4))])


def submission_pk_of(code: str) -> int | None:
    """Return whose receipt `code` is, whatever its case and spaces; None if it is none of ours."""
    match = _CODE.fullmatch(code.strip().upper().replace(" ", ""))
    if match is None:
        return None
    pk = int(match["pk"])
    valid = (_letters(seal) for seal in seals_of(_SALT, str(pk)))
    return pk if is_one_of(match["seal"].replace("-", ""), valid) else None


def _letters(seal: bytes) -> str:
    return base64.b32encode(seal[:_BYTES]).decode()
