"""The bytes of mails that are alike: written once, cast for each person.

Nearly all that a mail costs is writing it as MIME, and a reminder to 500 people is 500 times the
same text. What is a person's own are four headers and the address that stops these mails.
"""

from __future__ import annotations

import secrets
from email.utils import formatdate
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives

from amls.core.clock import database_clock

# Stands for the address in a text; nobody can write it into one.
MARKER = f"https://{secrets.token_hex(16)}.invalid/"
_OWN = ("To", "Date", "Message-ID", "List-Unsubscribe")
_PLAIN = {"7bit", "8bit"}
# RFC 5322, 2.1.1, without CRLF.
_LONGEST_LINE = 998


def date_of_mail() -> str:
    """Return the header Date (RFC 5322, 3.6.1), by the database's clock: a worker's own may be an hour ahead."""
    return formatdate(database_clock.now().timestamp(), localtime=settings.EMAIL_USE_LOCALTIME)


class Mold:
    """A mail in bytes but for what is a person's own."""

    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = pieces

    @classmethod
    def of(cls, sample: EmailMultiAlternatives) -> Mold | None:
        """Return the mold of a mail whose text and HTML hold `MARKER`; None where it can't be replaced in its bytes.

        That is so where a very long line is wrapped (quoted-printable), which may go through the marker.
        """
        made: Any = sample.message()
        if not made.is_multipart() or any(
            part["Content-Transfer-Encoding"] not in _PLAIN for part in made.get_payload()
        ):
            return None
        for name in _OWN:
            del made[name]
        return cls(made.as_bytes(linesep="\r\n").split(MARKER.encode()))

    def cast(self, to: str, message_id: str, unsubscribe: str, unsubscribe_url: str) -> bytes | None:
        """Return the mail for one person, with CRLF; None where a header has to be encoded first.

        Args:
            to: the header: an address with or without a name.
            message_id: with its angle brackets.
            unsubscribe: the header List-Unsubscribe (RFC 2369).
            unsubscribe_url: what takes the place of `MARKER`.
        """
        values = (to, date_of_mail(), message_id, unsubscribe)
        lines = [f"{name}: {value}" for name, value in zip(_OWN, values, strict=True)]
        if not all(line.isascii() and line.isprintable() and len(line) <= _LONGEST_LINE for line in lines):
            return None
        return "\r\n".join([*lines, ""]).encode() + unsubscribe_url.encode().join(self._pieces)
