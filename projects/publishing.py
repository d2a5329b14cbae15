"""What pages say of publications: that one waits, and that one does not happen."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.contrib import messages
from django.http import HttpRequest
from django.utils.translation import gettext as _

from amls.core.times import say_clock
from amls.courses.models import User
from amls.desk.holding import WantedAct
from amls.held.asking import hold_and_say
from projects.publication import Overtaken, names_of, refuse_overtaken


def hold_publication(request: HttpRequest, wanted: WantedAct, *, by: User, now: datetime, at_desk: bool) -> None:
    """Hold a publication back, and say so.

    One of the same projects that waits already is replaced; one of some of them that is not what its maker saw any more
    makes room.
    """
    projects = wanted.references["decisions"]
    say_overtaken(request, refuse_overtaken(projects, course=wanted.course, by=by, now=now, replaced_by=wanted))
    hold_and_say(request, wanted, by=by, now=now, at_desk=at_desk)


def say_overtaken(request: HttpRequest, refused: Iterable[Overtaken]) -> None:
    """Say to whoever changed decisions which publications don't happen, and where each is asked for again."""
    for overtaken in refused:
        act = overtaken.act
        said = _("%(what)s: that was to happen at %(time)s and does not, since this changed: %(who)s. Publish again.")
        time = say_clock(act.apply_at, act.course.zone)
        values = {"what": act.title, "time": time, "who": names_of(overtaken.changed)}
        messages.warning(request, said % values, extra_tags=f"open {act.back}")
