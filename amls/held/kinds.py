"""What can be held back: the apps above register how each kind is done."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from amls.core.hooks import Hook

if TYPE_CHECKING:
    from amls.held.models import HeldAct

# Does the act at `now` and returns what came of it, in the active language. It looks at everything again, and
# raises RuleViolation where it may not be done any more, or is not what its maker saw.
Doer = Callable[["HeldAct", datetime], str]

held_kinds: Hook[Doer] = Hook("kinds of held acts")

# Puts back what was done already when an act of a kind was asked for, once it is taken back, and returns what to say of
# it: only of kinds that begin before their five minutes are over.
taken_back: Hook[Doer] = Hook("what is put back of held acts")
