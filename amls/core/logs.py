"""Logging without secrets, and with the number of the request: an address that opens something must not stand in a log."""

import logging
import logging.config
import re
import traceback
from typing import Any

from django_guid import get_guid
from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.json import JsonFormatter

HIDDEN = "[hidden]"
# Whoever has one of these addresses has what it opens; also as part of a query, where / is %2F.
_SECRET = re.compile(
    r"(?P<before>(?:/|%2F)(?:calendar|unsubscribe|receipts)(?:/|%2F))"
    r"(?!\[hidden\])(?:(?!%2F|%3F|%26)[^/?&#\s\"'<>])+?"
    r"(?P<after>\.ics|(?=/|%2F|%3F|%26|[?&#\s\"'<>]|$))",
    re.IGNORECASE,
)


def redact(text: str) -> str:
    """Return `text` with the secret part of feed, unsubscribe and receipt addresses hidden."""
    return _SECRET.sub(rf"\g<before>{HIDDEN}\g<after>", text)


class RedactedRecord(logging.LogRecord):
    """A record of any logger of this process, hidden before a filter, handler or formatter sees it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._hide_in_message()
        if self.exc_info and self.exc_info[0] is not None:
            said = "".join(traceback.format_exception(*self.exc_info)).rstrip("\n")
            if (hidden := redact(said)) != said:
                # Formatters take this text where it is set. What handlers build from the exception itself
                # would show the secret, so that it goes.
                self.exc_text, self.exc_info = hidden, None
        if self.stack_info:
            self.stack_info = redact(self.stack_info)

    def _hide_in_message(self) -> None:
        try:
            said = self.getMessage()
        except Exception:  # a wrong format string is for logging itself to report
            return
        if (hidden := redact(said)) != said:
            self.msg, self.args = hidden, ()


class RequestIdFilter(logging.Filter):
    """Gives every record the number of the request, or of the task, in which it was made; '-' outside of both."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let it pass."""
        record.request_id = get_guid() or "-"
        return True


class JsonLines(JsonFormatter):
    """One line of JSON for each record, with what broke in the same line."""

    def __init__(self) -> None:
        super().__init__(
            "{levelname}{name}{request_id}{message}",
            style="{",
            # In UTC, as every time that machines read.
            timestamp="time",
            rename_fields={"levelname": "level", "name": "logger"},
            # Django hands the request itself along.
            reserved_attrs=[*RESERVED_ATTRS, "request", "status_code", "taskName"],
            json_ensure_ascii=False,
        )

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; what a library put into it beside the message holds no secrets either."""
        return redact(super().format(record))


def configure(config: dict[str, Any]) -> None:
    """Set logging up as settings say, with records that hold no secrets; Django's LOGGING_CONFIG."""
    logging.setLogRecordFactory(RedactedRecord)
    logging.config.dictConfig(config)
