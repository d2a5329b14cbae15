"""One connection to the mail server for many mails."""

import contextlib
import re
import smtplib
import time
from collections.abc import Sequence

from django.core.mail import get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.backends.smtp import EmailBackend

from amls.mail.managers import SENDER, SERVER
from amls.mail.render import Mail

# Servers close what idles, and many take only so many mails over one connection.
_IDLE_SECONDS = 5
_MAILS_PER_CONNECTION = 100
# Answers that want a user, a password or encryption, whoever a mail is for (RFC 4954, 6; RFC 3207, 4).
_UNKNOWN_HERE = frozenset({530, 534, 535, 538})
# More than the server takes in one mail (RFC 1870, 6.1): it is said of the sender's line, and is about the mail.
_TOO_LARGE = 552
# What servers say of a recipient, or of the whole mail, when they mean who hands it over: that this machine may not pass
# mails on through them, though a recipient that is unknown (5.1.1) may be so in a table of relays; or that the sender may not.
_NO_RELAY = re.compile(r"^(?!.*5\.1\.1).*\brelay|rcpthosts|client host", re.DOTALL)
_NO_SENDER = re.compile(r"\b[45]\.1\.[78]\b|sender (address|verify)|send as")


class MailServerError(Exception):
    """The mail server is away, or refuses this installation: that says nothing of the mail at hand.

    Attributes:
        setting: where to look, such as EMAIL_URL.
        reason: what the network or the server said.
        is_line_down: whether no other mail would fare better now.
    """

    def __init__(self, setting: str, reason: Exception, *, is_line_down: bool) -> None:
        self.setting, self.reason, self.is_line_down = setting, reason, is_line_down
        super().__init__(f"{setting}: {type(reason).__name__}: {reason}")


class Postman:
    """Sends mails, over one connection where that helps. Use it in one thread, and close it."""

    def __init__(self) -> None:
        self._connection: EmailBackend | None = None
        self._last_used = 0.0
        self._sent = 0

    def send(self, mail: Mail) -> None:
        """Hand a mail to the server.

        Raises:
            MailServerError: the server is away, or refuses this installation.
            OSError: the server refuses this mail; one of smtplib's errors.
        """
        try:
            connection = self._open()
        except (OSError, ValueError) as error:
            # No mail was spoken of yet. ValueError: such as a password that is no ASCII.
            raise MailServerError(SERVER, error, is_line_down=True) from error
        try:
            if mail.cast is not None and isinstance(connection, EmailBackend) and connection.connection is not None:
                connection.connection.sendmail(mail.from_email, mail.to, mail.cast)
            else:
                mail.connection = connection
                mail.send()
        except OSError as error:
            if refusal := _refusal_of_all(error):
                raise refusal from error
            raise
        self._last_used = time.monotonic()
        self._sent += 1

    def close(self) -> None:
        """Say goodbye, if there is still somebody to say it to."""
        if self._connection is not None:
            # The server may be gone: the mails before it are not affected.
            with contextlib.suppress(OSError):
                self._connection.close()
            self._connection = None

    def _open(self) -> BaseEmailBackend:
        if self._connection is not None and not self._is_alive():
            self.close()
        if self._connection is None:
            connection = get_connection()
            if not isinstance(connection, EmailBackend):
                # The backends for development write a file or a list entry per connection.
                return connection
            # Kept before it is open: what was opened in vain is to be closed too.
            self._connection, self._sent, self._last_used = connection, 0, time.monotonic()
            connection.open()
        return self._connection

    def _is_alive(self) -> bool:
        server = self._connection.connection if self._connection is not None else None
        # smtplib hangs up by itself when the server says 421.
        if server is None or server.sock is None or self._sent >= _MAILS_PER_CONNECTION:
            return False
        if time.monotonic() - self._last_used < _IDLE_SECONDS:
            return True
        try:
            return server.noop()[0] == 250
        except (smtplib.SMTPException, OSError):
            return False


def _refusal_of_all(error: OSError) -> MailServerError | None:
    """Return what an error of handing a mail over says of this installation; None: it is about the mail or its recipient."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        # An address may have any word in it.
        said = [(code, _said(text).replace(address.lower(), "")) for address, (code, text) in error.recipients.items()]
        return _by_answers(error, said)
    if isinstance(error, smtplib.SMTPHeloError):
        return MailServerError(SERVER, error, is_line_down=True)
    if isinstance(error, smtplib.SMTPSenderRefused) and 500 <= error.smtp_code < 600:
        if error.smtp_code == _TOO_LARGE:
            return None
        setting = SERVER if error.smtp_code in _UNKNOWN_HERE else SENDER
        return MailServerError(setting, error, is_line_down=True)
    if isinstance(error, smtplib.SMTPResponseException):
        return _by_answers(error, [(error.smtp_code, _said(error.smtp_error))])
    if isinstance(error, smtplib.SMTPServerDisconnected) or not isinstance(error, smtplib.SMTPException):
        return MailServerError(SERVER, error, is_line_down=True)
    return None


def _by_answers(error: OSError, said: Sequence[tuple[int, str]]) -> MailServerError | None:
    """Return who is meant by what was said of recipients or of a mail; the next mail may well be taken."""
    if any(_NO_SENDER.search(text) for _code, text in said):
        return MailServerError(SENDER, error, is_line_down=False)
    if any(code in _UNKNOWN_HERE or _NO_RELAY.search(text) for code, text in said):
        return MailServerError(SERVER, error, is_line_down=False)
    return None


def _said(text: bytes | str) -> str:
    return (text if isinstance(text, str) else text.decode("latin-1")).lower()
