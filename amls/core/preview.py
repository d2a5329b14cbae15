"""Show first, then do: what acts on many, or can't be taken back, is shown before it is done.

A view works out what it would do, and shows it with a seal (`templates/_seal.html`). The button that agrees brings the
seal back; then the same is worked out again, and done only where it has the same seal: what was typed or what others
did since is shown anew instead. Files wait meanwhile on a `Shelf` (`amls/files/shelf.py`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db import transaction
from django.http import QueryDict
from django.utils.crypto import constant_time_compare, salted_hmac

# What the button that agrees sends, and the seal of what was shown.
AGREED = "_agreed"
SEAL = "_shown"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Preview:
    """Something that is shown before it is done.

    Attributes:
        seal: names what is shown; sent along by the button that agrees.
        is_agreed: whether the person saw this very thing and wants it.
        is_other: whether they agreed to something that would be done otherwise now.
    """

    seal: str
    is_agreed: bool
    is_other: bool


def preview_of(sent: Mapping[str, Any], shown: object) -> Preview:
    """Return what is shown, and whether the person agrees to it.

    Args:
        sent: a form's data, such as `request.POST`.
        shown: all that the person sees of it, and whatever else it depends on; `repr` says all of it.
    """
    seal = seal_of_shown(shown)
    is_same = constant_time_compare(str(sent.get(SEAL, "")), seal)
    return Preview(seal, is_same and is_wanted(sent), is_wanted(sent) and not is_same)


def preview_by_button(sent: Mapping[str, Any], shown: object, *, button: str) -> Preview:
    """Return what `preview_of` does, for a question that may be followed by another one about the same form.

    Args:
        sent: a form's data.
        shown: as in `preview_of`.
        button: the name of the button that agrees; its value is the seal, so that the next question, whose button is
            `AGREED`, sends both along.
    """
    return preview_of({SEAL: sent.get(button, ""), **({AGREED: "1"} if button in sent else {})}, shown)


def is_wanted(sent: Mapping[str, Any]) -> bool:
    """Return whether a form was sent by the button that agrees, to whatever was shown."""
    return AGREED in sent


def seal_of_shown(shown: object) -> str:
    """Return what names the thing that is shown: nobody else can make it up, and another thing has another one."""
    return salted_hmac("amls.core.preview", repr(shown), algorithm="sha256").hexdigest()[:32]


def without_trace(act: Callable[[], T]) -> T:
    """Return what an act returns, and roll back all that it wrote."""
    with transaction.atomic():
        outcome = act()
        transaction.set_rollback(True)
    return outcome


def sent_before(sent: QueryDict, *but: str) -> list[tuple[str, str]]:
    """Return the names and values that a question sends along with its answer.

    Args:
        sent: what led to the question.
        but: what the question asks for itself, beside AGREED and SEAL.
    """
    left_out = {"csrfmiddlewaretoken", AGREED, SEAL, *but}
    return [(name, value) for name, values in sent.lists() if name not in left_out for value in values]
