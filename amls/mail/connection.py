"""One connection to the mail server for many mails."""

import contextlib
import smtplib
import time

from django.core.mail import get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.backends.smtp import EmailBackend

from amls.mail.render import Mail

# Servers close what idles, and many take only so many mails over one connection.
_IDLE_SECONDS = 5
_MAILS_PER_CONNECTION = 100


class Postman:
    """Sends mails, over one connection where that helps. Use it in one thread, and close it."""

    def __init__(self) -> None:
        self._connection: EmailBackend | None = None
        self._last_used = 0.0
        self._sent = 0

    def send(self, mail: Mail) -> None:
        """Hand a mail to the server.

        Raises:
            OSError: smtplib's errors and those of the network; nothing else was sent.
        """
        connection = self._open()
        if mail.cast is not None and isinstance(connection, EmailBackend) and connection.connection is not None:
            connection.connection.sendmail(mail.from_email, mail.to, mail.cast)
        else:
            mail.connection = connection
            mail.send()
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
            connection.open()
            self._connection, self._sent, self._last_used = connection, 0, time.monotonic()
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


def is_line_down(error: Exception) -> bool:
    """Return whether the error is about the server or the way to it, not about this mail."""
    if isinstance(error, smtplib.SMTPConnectError | smtplib.SMTPServerDisconnected | smtplib.SMTPHeloError):
        return True
    return isinstance(error, OSError) and not isinstance(error, smtplib.SMTPException)
