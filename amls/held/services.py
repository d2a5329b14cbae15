"""Holding an act back, taking it back, and doing it when its time has come."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

import pghistory
from django.conf import settings
from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from amls.core.jobs import Claim, Queue
from amls.core.times import say_clock
from amls.core.violations import RuleViolation
from amls.courses.models import Course, User
from amls.desk.holding import WantedAct
from amls.held.kinds import held_kinds, taken_back
from amls.held.managers import HeldActQuerySet
from amls.held.models import HeldAct
from amls.mail.outbox import notify

logger = logging.getLogger(__name__)

# As long as moved dates wait by default.
HOLD = timedelta(minutes=5)
# From then on whoever looks is told that the worker is late.
LATE = timedelta(minutes=2)
KIND = "held.refused"
APPLY = "amls.held.tasks.apply_held"


class _HeldActs(Queue[HeldAct]):
    """Acts whose time has come."""

    model, task, lease = HeldAct, APPLY, timedelta(minutes=5)
    since_field = "apply_at"
    most_attempts = 5

    def waiting(self, *, now: datetime) -> HeldActQuerySet:
        """Return those that are due."""
        return HeldAct.objects.due(now)

    def choose(self, *, now: datetime, limit: int) -> Iterable[HeldAct]:
        """Return those that wait longest, locked."""
        return self.free(self.waiting(now=now)).order_by("apply_at", "pk")[:limit]


ACTS = _HeldActs()


class Asked(Enum):
    """What an act is that was asked for: new, the one that waits already, or that one in another state."""

    NEW, ALREADY, ANEW = range(3)


def hold(wanted: WantedAct, *, by: User | None, now: datetime) -> tuple[HeldAct, Asked]:
    """Hold an act back for five minutes; return it, and how it was asked for.

    Of one kind and about one thing only one waits. Asked for again as it was, by whomever, it stays and keeps its time.
    What differs takes its place, for five minutes from now; a worker that was about to do the old one finds its claim
    gone. What began already (`Begun`) stays as it is, since it keeps what is put back.

    Args:
        wanted: the act, for whose kind an app registered how it is done.
        by: who wants it, and hears of it where it can't be done.
        now: the request's clock.
    """
    # As the database returns it.
    references = json.loads(json.dumps(dict(wanted.references)))
    values = {
        "references": references, "title": wanted.title[:300], "back": wanted.back[:300], "by": by, "created_at": now,
        "apply_at": now + HOLD, "language": (translation.get_language() or "")[:5],
    }  # fmt: skip
    with transaction.atomic():
        act, is_new = HeldAct.objects.select_for_update().get_or_create(
            course=wanted.course, kind=wanted.kind, about=wanted.about, state=HeldAct.State.WAITING, defaults=values
        )
        if is_new:
            return act, Asked.NEW
        if act.references == references or act.kind in taken_back:
            return act, Asked.ALREADY
        # How often it was claimed goes on, which tells an older claim from the next.
        for name, value in {**values, "leased_until": None}.items():
            setattr(act, name, value)
        act.save(update_fields=[*values, "leased_until"])
    return act, Asked.ANEW


def undo(*, act: HeldAct, now: datetime) -> str:
    """Take an act back before it is done; return what to say of it.

    Raises:
        RuleViolation: it is done, taken back, or being done just now.
    """
    with transaction.atomic():
        # A worker that died holds it no longer; one that lives and is slow finds its claim gone, and rolls back.
        ended = {"state": HeldAct.State.UNDONE, "ended_at": now, "leased_until": None}
        if HeldAct.objects.free(now).filter(pk=act.pk).update(**ended):
            return taken_back[act.kind].put_back(act, now) if act.kind in taken_back else _("Nothing happened.")
    act.refresh_from_db()
    if act.state == HeldAct.State.UNDONE:
        raise RuleViolation(act.outcome or _("It is taken back already."), code="undone")
    if act.ended_at is None:
        raise RuleViolation(_("It is being done just now: it can't be taken back any more."), code="being-done")
    raise RuleViolation(
        _("It is too late: it was done at %(time)s.") % {"time": say_clock(act.ended_at, act.course.zone)}, code="done"
    )


def end_acts(kind: str, about: str, why: str, now: datetime, but_in: Course | None = None) -> None:
    """Let acts of a kind that wait about a thing not be done, as what they are about was changed by hand.

    They count as taken back, and nobody is told. A worker that was about to do one finds its claim gone.

    Args:
        kind: one without an entry in `taken_back`.
        about: names the thing.
        why: what became of it.
        now: the request's clock.
        but_in: a course whose act goes on.
    """
    rows = HeldAct.objects.waiting().filter(kind=kind, about=about).exclude(course=but_in)
    rows.update(state=HeldAct.State.UNDONE, ended_at=now, leased_until=None, outcome=why)


def refuse(*, act: HeldAct, why: Callable[[], str], by: User, now: datetime) -> bool:
    """Refuse an act that waits as soon as it is known that its maker saw something else; return whether it waited still.

    What was asked for anew meanwhile goes on.

    Args:
        act: that waits.
        why: says it, in the language of its maker, who hears of it by mail unless it is they who changed what they saw.
        by: who changed it.
        now: the request's clock.
    """
    with transaction.atomic(), translation.override(_language(act)):
        ended = {"state": HeldAct.State.REFUSED, "ended_at": now, "leased_until": None, "outcome": why()}
        rows = HeldAct.objects.free(now).filter(pk=act.pk, references=act.references)
        is_ended = rows.update(**ended) > 0
        if is_ended and act.by != by:
            _tell_maker(act, now)
    return is_ended


def is_told(at: datetime, *, now: datetime) -> bool:
    """Return whether the mail of what was done at `at`, which waits as long as a held act, has left."""
    return now >= at + HOLD


def need_untold(at: datetime, *, course: Course, now: datetime) -> None:
    """Refuse to take back what was done at `at` once its mail, which waits as long as a held act, has left.

    Raises:
        RuleViolation: code 'told'.
    """
    if is_told(at, now=now):
        raise RuleViolation(
            _("It is too late: it was told at %(time)s.") % {"time": say_clock(at + HOLD, course.zone)}, code="told"
        )


def apply_next(now: datetime) -> int:
    """Claim one act whose time has come and do it; return how many that was.

    All that it writes, and that it is done, is one transaction: a worker that dies leaves nothing half done, and the
    next one does it. What it may not do any more is said to its maker.
    """
    claims = ACTS.claim(now=now)
    for claim in claims:
        if claim.is_one_too_many:
            with translation.override(_language(claim.row)):
                _refuse(claim, _("It failed several times. The installation's log says why."), now)
            continue
        _apply(claim, now)
    return len(claims)


def _apply(claim: Claim[HeldAct], now: datetime) -> None:
    act = claim.row
    with translation.override(_language(act)), timezone.override(act.course.zone):
        try:
            # The history says who asked for it, and why.
            with pghistory.context(**_noted(act)), transaction.atomic():
                outcome = held_kinds[act.kind](act, now)
                done = claim.finish(state=HeldAct.State.DONE, ended_at=now, outcome=outcome)
                if not done:
                    # Another worker has it by now, and does it.
                    transaction.set_rollback(True)
        except RuleViolation as violation:
            _refuse(claim, str(violation.message), now)
        except Exception:  # Whatever it is: it is tried again when the lease is over.
            logger.exception("held act not done act=%s kind=%s", act.pk, act.kind)


def _refuse(claim: Claim[HeldAct], words: str, now: datetime) -> None:
    act = claim.row
    with transaction.atomic():
        if claim.finish(state=HeldAct.State.REFUSED, ended_at=now, outcome=words):
            _tell_maker(act, now)


def _tell_maker(act: HeldAct, now: datetime) -> None:
    if act.by is not None:
        references = {"act": act.pk}
        notify(
            key=f"held:{act.pk}", kind=KIND, now=now, recipient=act.by, course=act.course, references=references
        )  # fmt: skip


def _noted(act: HeldAct) -> dict[str, Any]:
    noted = {"user": act.by_id, "reason": act.references.get("reason")}
    return {name: value for name, value in noted.items() if value}


def _language(act: HeldAct) -> str:
    own = act.by.language if act.by is not None else ""
    return own or act.language or act.course.language or settings.LANGUAGE_CODE
