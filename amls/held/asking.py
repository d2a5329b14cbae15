"""Pages that show who gets what before an act is held back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from amls.core.preview import preview_of
from amls.core.times import say_clock
from amls.courses.models import User
from amls.desk.holding import WantedAct
from amls.held.kinds import taken_back
from amls.held.models import HeldAct
from amls.held.services import Asked, hold


def hold_and_say(request: HttpRequest, wanted: WantedAct, *, by: User | None, now: datetime, at_desk: bool) -> HeldAct:
    """Hold an act back, and say until when it can be taken back, with the button that does so."""
    act, asked = hold(wanted, by=by, now=now)
    address = reverse("held:undo", args=[wanted.course.slug, act.pk])
    values = {"what": act.title, "time": say_clock(act.apply_at, wanted.course.zone), "name": act.by or _("somebody")}
    if asked is Asked.ANEW:
        said = _(
            "%(what)s: it happens at %(time)s, as you see it now and not as it was asked for before. Until then nobody "
            "sees anything of it, and you can take it back."
        )
    elif asked is Asked.ALREADY:
        said = _("%(what)s: %(name)s asked for it already, it happens at %(time)s.")
    elif wanted.kind not in taken_back:
        said = _("%(what)s: it happens at %(time)s. Until then nobody sees anything of it, and you can take it back.")
    elif taken_back[wanted.kind].is_seen:
        said = _(
            "%(what)s: whoever looks sees it already. The mail about it waits until %(time)s, and until then you can "
            "take it back."
        )
    else:
        said = _("%(what)s: nobody is told before %(time)s. Until then you can take it back.")
    messages.success(request, said % values, extra_tags=f"undo {address}" if at_desk else f"at 0 {address} -")
    return act


def ask_and_hold(
    request: HttpRequest,
    wanted: WantedAct,
    *,
    people: Sequence[tuple[str, str]],
    lead: str,
    submit: str,
    by: User | None,
    now: datetime,
    posted: Sequence[tuple[str, str]] = (),
) -> HttpResponse:
    """Show whom an act tells what; where the person has seen this very thing and agrees, hold it back.

    Args:
        request: a POST.
        wanted: what is asked for; its references say what the person sees.
        people: each with what they get.
        lead: what it means.
        submit: what the button says.
        by: who asks.
        now: the request's clock.
        posted: names and values of the form that asked, which its answer sends again.
    """
    preview = preview_of(request.POST, (wanted.kind, wanted.about, dict(wanted.references)))
    if preview.is_agreed:
        hold_and_say(request, wanted, by=by, now=now, at_desk=False)
        return redirect(wanted.back)
    context = {
        "course": wanted.course, "title": wanted.title, "people": people, "lead": lead, "submit": submit,
        "preview": preview, "back": wanted.back, "posted": posted,
    }  # fmt: skip
    return render(request, "held/ask.html", context)
