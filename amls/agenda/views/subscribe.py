"""How to get the course into one's own calendar."""

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from amls.agenda.feeds import ALARMS, alarm_of, personal_feed_url, public_feed_url, subscription_links
from amls.agenda.services import renew_feed
from amls.courses.access import Access, open_course
from amls.pagecache.store import cacheable


def subscribe_context(access: Access, alarm: int | None = None) -> dict[str, Any]:
    """Return what the subscribe box needs: the person's own feed where there is one, else the public one.

    Args:
        access: whose course it is, and who asks.
        alarm: how many minutes before each event the person's own one is to speak up.
    """
    name = str(access.course)
    if access.enrolment is None:
        return {"feed": subscription_links(public_feed_url(access.course), name), "is_personal_feed": False}
    return {
        "feed": subscription_links(personal_feed_url(access.enrolment, alarm), name),
        "is_personal_feed": True,
        "feed_token": getattr(access.enrolment, "feed_token", None),
    }


@require_safe
def subscribe(request: HttpRequest, slug: str) -> HttpResponse:
    """All ways to subscribe, and the one-time download, told apart."""
    access = open_course(request, slug, own=["feed_token"])
    alarm = alarm_of(request.GET.get("alarm", ""))
    context = {
        "access": access,
        "course": access.course,
        "alarms": [(minutes, timedelta(minutes=minutes)) for minutes in ALARMS],
        "alarm": alarm,
        **subscribe_context(access, alarm),
    }
    response = render(request, "agenda/subscribe.html", context)
    if request.user.is_authenticated:
        return response
    return cacheable(response, course=access.course, now=access.now)


@require_POST
def renew(request: HttpRequest, slug: str) -> HttpResponse:
    """Give the person's feed a new address."""
    access = open_course(request, slug)
    if access.enrolment is None:
        raise Http404
    renew_feed(enrolment=access.enrolment)
    messages.success(
        request,
        _("Your calendar has a new address. The old one stopped working: subscribe again with the new one."),
    )
    return redirect("agenda:subscribe", slug=slug)
