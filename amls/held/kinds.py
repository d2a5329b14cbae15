"""What can be held back: the apps above register how each kind is done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.db.models import Q

from amls.core.hooks import Hook
from amls.courses.models import User

if TYPE_CHECKING:
    from amls.held.models import HeldAct

# Does the act at `now` and returns what came of it, in the active language. It looks at everything again, and
# raises RuleViolation where it may not be done any more, or is not what its maker saw.
Doer = Callable[["HeldAct", datetime], str]

held_kinds: Hook[Doer] = Hook("kinds of held acts")


@dataclass(frozen=True, slots=True)
class Begun:
    """What begins when an act of a kind is asked for, before its five minutes are over; only its mails wait as a whole.

    Attributes:
        put_back: puts it back once the act is taken back, and returns what to say of it.
        is_seen: whether those whom it concerns see it already, on pages and in calendars.
    """

    put_back: Doer
    is_seen: bool


# The condition that an act of a kind names a person, in what it is called or in what came of it.
naming_acts: Hook[Callable[[User], Q]] = Hook("held acts that name a person")


def names_person(user: User) -> Q:
    """Return the condition that a held act names a person, as far as its kind says so."""
    condition = Q(pk__in=[])
    for kind, names in naming_acts.items():
        condition |= names(user) & Q(kind=kind)
    return condition


# Kinds without an entry wait as a whole.
taken_back: Hook[Begun] = Hook("what is put back of held acts")
