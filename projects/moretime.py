"""More time that holds at once, and is taken back where it was given until people are told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from hashlib import sha256

from django.contrib import messages
from django.http import HttpRequest
from django.utils.translation import gettext as _

from amls.core.clock import is_open_until
from amls.core.times import say_time
from amls.courses.models import User
from amls.desk.holding import WantedAct
from amls.held.asking import hold_and_say
from amls.held.models import HeldAct
from projects.models import Extension
from projects.services.extensions import revoke_extension, say_kept_in_time

KIND = "projects.more-time"


def say_more_time(
    request: HttpRequest, given: Sequence[Extension], *, title: str, back: str, by: User, now: datetime
) -> None:
    """Say that time is given and when people are told, with the button that takes it back until then.

    Args:
        request: of whoever gave it.
        given: at least one, all of one course.
        title: what was given to whom.
        back: the path of the page where it was given.
        by: who gave it.
        now: the request's clock.
    """
    pks = [extension.pk for extension in given]
    about = sha256(",".join(map(str, pks)).encode()).hexdigest()
    wanted = WantedAct(given[0].course, KIND, about, {"extensions": pks}, title, back)
    hold_and_say(request, wanted, by=by, now=now, at_desk=True)
    warn_if_over(request, given, now=now)


def warn_if_over(request: HttpRequest, given: Iterable[Extension], *, now: datetime) -> None:
    """Say of time that is over already what it is good for.

    Args:
        request: of whoever gave it.
        given: each with its assignment.
        now: the request's clock.
    """
    for extension in given:
        base, zone = extension.assignment.due_at, extension.course.zone
        if base is not None and not is_open_until(until := extension.extends(base), now):
            said = _(
                "%(time)s is over already: what came late by then is in time, and nobody can hand in any more. "
                "Give a later time if they shall."
            )
            messages.warning(request, said % {"time": say_time(until, zone, now=now)})
            return


def let_stand(act: HeldAct, now: datetime) -> str:
    """Let the time stand: its mails leave by themselves."""
    return _("The time is given, and told.")


def take_back(act: HeldAct, now: datetime) -> str:
    """Revoke what was given, before anybody is told."""
    rows = Extension.objects.filter(pk__in=act.references["extensions"]).order_by("course", "pk")
    kept = [attempt for extension in rows for attempt in revoke_extension(extension=extension, now=now)]
    return " ".join([_("The deadlines are as before, and no mail leaves."), *say_kept_in_time(kept)])
