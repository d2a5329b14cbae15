"""How letters read: the apps above register a writer for each kind of notice."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from amls.notifications.models import Notice


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What a mail says, before it becomes text and HTML.

    Attributes:
        subject: one line.
        text: Markdown, a few short paragraphs.
        action: label and path on this site of the one thing to do.
        reason: why the person gets it.
    """

    subject: str
    text: str
    action: tuple[str, str] | None = None
    reason: str


# Returns None where the notice is no longer true or no longer wanted: it is then dropped.
Writer = Callable[[Notice, datetime], Letter | None]

_writers: dict[str, Writer] = {}


def letter(kind: str) -> Callable[[Writer], Writer]:
    """Register, as a decorator, who writes the letters of `kind`.

    The writer is called in the recipient's language, in no transaction, after the claim.
    """

    def register(writer: Writer) -> Writer:
        _writers[kind] = writer
        return writer

    return register


def writer_of(kind: str) -> Writer:
    """Return the writer of `kind`.

    Raises:
        LookupError: no app registered one.
    """
    try:
        return _writers[kind]
    except KeyError:
        raise LookupError(f"No app writes letters of the kind '{kind}'.") from None
