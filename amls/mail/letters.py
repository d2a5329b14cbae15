"""How letters read: the apps above register a writer for each kind of notice."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.db.models import Q
from django.utils.translation import gettext as _

from amls.agenda.models import absolute
from amls.core.hooks import Hook
from amls.courses.models import User
from amls.mail.categories import MailTopic
from amls.mail.models import Notice

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What a mail says, before it becomes text and HTML.

    Attributes:
        subject: one line.
        text: Markdown, a few short paragraphs.
        action: label and path on this site, or whole address elsewhere, of the one thing to do.
        reason: why the person gets it.
        code: something to type, shown large and on a line of its own.
        line: what it says in one line, where several letters become one mail; the subject by default.
        is_pushed: whether its subject is said on the person's devices too, where they want that.
    """

    subject: str
    text: str
    action: tuple[str, str] | None = None
    reason: str
    code: str = ""
    line: str = ""
    is_pushed: bool = False

    @property
    def address(self) -> str:
        """The whole address of the one thing to do; empty without one."""
        return absolute(self.action[1]) if self.action else ""


# Returns None where the notice is no longer true or no longer wanted: it is then dropped.
Writer = Callable[[Notice, datetime], Letter | None]
# Loads for a whole batch what its writer needs for each, in a fixed number of queries.
Preparer = Callable[[Sequence[Notice], datetime], None]
# Makes one letter of several notices of one person that are told together.
Merger = Callable[[Sequence[tuple[Notice, Letter]], datetime], Letter]
# Returns the condition that a notice's subject or reason names a person to others.
Naming = Callable[[User], Q]


@dataclass(frozen=True, slots=True)
class LetterKind:
    """What is known of one kind of notice. Without a topic it is transactional: it can't be switched off.

    The label says to the staff, in a few words, what the mails of the kind are about.
    """

    writer: Writer
    label: "str | _StrPromise"
    topic: MailTopic | None = None
    prepare: Preparer | None = None
    merge: Merger | None = None
    names: Naming | None = None


letter_kinds: Hook[LetterKind] = Hook("kinds of letters")


def letter(
    kind: str,
    *,
    label: "str | _StrPromise",
    topic: MailTopic | None = None,
    prepare: Preparer | None = None,
    merge: Merger | None = None,
    names: Naming | None = None,
) -> Callable[[Writer], Writer]:
    """Contribute, as a decorator, who writes the letters of `kind`.

    The writer is called in the recipient's language and the course's zone, in no transaction, after the claim.

    Args:
        kind: of notices; begins with the app.
        label: what the mails are about, as the staff read it: a translatable noun or two.
        topic: by which people switch it off; None for what always comes.
        prepare: called with a batch before its writer is called for each, and again when what it found is
            some seconds old; it may set attributes on the notices.
        merge: called with what the writer wrote for notices with the same grouping key.
        names: where subject or reason name somebody else than the recipient: which notices name a person, so that it
            is forgotten with them.
    """

    def register(writer: Writer) -> Writer:
        letter_kinds.add(kind, LetterKind(writer, label, topic, prepare, merge, names))
        return writer

    return register


def topic_of(kind: str) -> MailTopic | None:
    """Return the topic by which a kind can be switched off; None if it can't, or is not known (any more)."""
    known = letter_kinds.get(kind)
    return known.topic if known is not None else None


def label_of(kind: str) -> str:
    """Return what mails of a kind are about, in the active language; some words for one that is not known (any more)."""
    known = letter_kinds.get(kind)
    return str(known.label) if known is not None else _("Another mail")
