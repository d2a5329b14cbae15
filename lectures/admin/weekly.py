"""The desk's page that lets a session be held every week: its days are shown, chosen, and taken back if it was a mistake."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.contrib import messages
from django.core import signing
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from amls.core.request import now_of
from amls.core.sent_twice import add_once
from amls.core.violations import RuleViolation
from amls.desk.chosen_course import way_to_choose
from lectures.models import Lecture
from lectures.services.weekly import (
    MOST_WEEKS,
    repeat_lecture,
    take_repeats_back,
    usual_end,
    weekly_days,
)

_SALT = "lectures.weekly"
_SECONDS = 3600


def days_asked_for(request: HttpRequest, lecture: Lecture) -> dict[str, Any]:
    """Return what the page shows: the days of the weeks up to the one that was asked for, and which of them are chosen."""
    asked, problem = request.GET.get("until", ""), ""
    until = _as_day(asked)
    if asked and until is None:
        problem = _("Give the last day as a date.")
    days = weekly_days(lecture, until=until or usual_end(lecture) or date.min)
    if not days and not problem and lecture.held_on is not None:
        problem = _("There is no further week up to that day: give a later one.")
    chosen = set(request.POST.getlist("days")) if request.method == "POST" else None
    return {
        "lecture": lecture,
        "until": until or usual_end(lecture),
        "problem": problem,
        "most": MOST_WEEKS,
        "days": [(row, row.day.isoformat() in chosen if chosen is not None else not row.against) for row in days],
    }


def repeat(request: HttpRequest, lecture: Lecture) -> HttpResponse | None:
    """Keep the sessions of the chosen days; None, with a message, where there are none or a rule refuses one.

    Raises:
        SentTwice: they were added by the same form.
    """
    days = [day for text in request.POST.getlist("days")[:MOST_WEEKS] if (day := _as_day(text)) is not None]
    if not days:
        messages.error(request, _("Choose at least one day."))
        return None
    add_once(request)
    try:
        rows = repeat_lecture(lecture=lecture, days=set(days), now=now_of(request))
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
        return None
    except RuleViolation as violation:
        messages.error(request, str(violation.message))
        return None
    said = ngettext("%(count)d session is added.", "%(count)d sessions are added.", len(rows)) % {"count": len(rows)}
    undo = f"undo {request.path} undo {signing.dumps([row.pk for row in rows], salt=_SALT)}"
    messages.success(request, said, extra_tags=undo)
    return _to_list(lecture)


def take_back(request: HttpRequest, lecture: Lecture) -> HttpResponse:
    """Remove the sessions that were made on this page within the last hour, and say what came of it."""
    try:
        made = signing.loads(request.POST["undo"], salt=_SALT, max_age=_SECONDS)
        rows = Lecture.objects.filter(course=lecture.course, pk__in=made).select_related("course").order_by("pk")
        count = take_repeats_back(course=lecture.course, lectures=list(rows), now=now_of(request))
    except signing.BadSignature:
        messages.error(request, _("This is too long ago to be taken back here. Remove the sessions in the list."))
    except RuleViolation as violation:
        messages.error(request, str(violation.message))
    else:
        said = ngettext("%(count)d session is removed again.", "%(count)d sessions are removed again.", count)
        messages.success(request, said % {"count": count})
    return _to_list(lecture)


def _to_list(lecture: Lecture) -> HttpResponseRedirect:
    return HttpResponseRedirect(way_to_choose(reverse("admin:lectures_lecture_changelist"), lecture.course))


def _as_day(text: str) -> date | None:
    try:
        return parse_date(text)
    except ValueError:
        return None
