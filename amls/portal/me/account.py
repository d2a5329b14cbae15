"""Where and how a person signed in, and signing in again before an account changes."""

from datetime import timedelta
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.decorators import reauthentication_required
from allauth.account.utils import get_next_redirect_url
from allauth.usersessions.views import ListUserSessionsView
from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from amls.core.bounds import Bound, spend
from amls.core.request import now_of
from amls.core.violations import RuleViolation
from amls.courses.accounts import user_of, user_or_none
from amls.courses.models import AccountEvent
from amls.courses.zones import zone_of
from amls.mail.models import PushDevice
from amls.mail.push.keys import application_key

# How many of the newest events the page of the sessions shows.
_EVENTS_SHOWN = 50
# What one account may have in large bodies within an hour: several hand-ins of the largest kind, and what staff upload
# of a term's recordings. A body may come as slowly as it likes, and is on the front server's disk until it is here.
_BYTES = Bound("portal.large-bodies", most=2 * 1024**3, per=timedelta(hours=1))
_STAFF_BYTES = Bound("portal.large-bodies-of-staff", most=40 * 1024**3, per=timedelta(hours=1))
_MOST_DIGITS = 16


@method_decorator(login_required, name="dispatch")
@method_decorator(reauthentication_required(allow_get=True), name="dispatch")
@method_decorator(never_cache, name="dispatch")
class SessionsView(ListUserSessionsView):  # type: ignore[misc]
    """The devices that are signed in, and what happened to the account."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the events and the zone in which all times are said."""
        user = user_of(self.request)
        zone = zone_of(user)
        timezone.activate(zone)
        now = now_of(self.request)
        events = AccountEvent.objects.filter(user=user)[:_EVENTS_SHOWN]
        return {
            **super().get_context_data(**kwargs), "events": events, "zone": zone.key, "now": now,
            "push_devices": PushDevice.objects.filter(user=user), "push_key": application_key(),
        }  # fmt: skip

    def form_valid(self, form: Any) -> HttpResponse:
        """End the other sessions, and tell it."""
        response: HttpResponse = super().form_valid(form)
        get_adapter().send_notification_mail("usersessions/email/sessions_ended", self.request.user)
        return response


sessions = SessionsView.as_view()


@require_safe
@never_cache
def signed_in(request: HttpRequest) -> HttpResponse:
    """Say to the front server whether it may take a large body: 204, or 401 of nobody, 403 of who sent too much.

    It keeps bodies on its disk until they are here whole, and names the size in `X-Body-Bytes`. What is asked about
    a large one counts against the bound of whoever sends it; nothing else writes anything. Nobody is told where to sign
    in, to come back to the address that the front server names in `X-Original-URI`.
    """
    user = user_or_none(request)
    if user is None:
        sign_in = redirect_to_login(request.headers.get("X-Original-URI", "/"))
        return HttpResponse(status=401, headers={"Location": sign_in.url})
    said = request.headers.get("X-Body-Bytes", "")
    size = int(said) if said.isascii() and said.isdecimal() and len(said) < _MOST_DIGITS else 0
    if size > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
        try:
            spend(_STAFF_BYTES if user.is_staff else _BYTES, who=user.pk, amount=size, now=now_of(request))
        except RuleViolation:
            return HttpResponse(status=403)
    return HttpResponse(status=204)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def sign_in_again(request: HttpRequest) -> HttpResponse:
    """Sign out, and in again with a code, those who can prove themselves in no other way; lead others to theirs."""
    place = get_next_redirect_url(request) or reverse("account_email")
    (first, *_others) = get_adapter().get_reauthentication_methods(request.user)
    if first["url"] != request.path:
        # Who has a password or a factor proves themselves by that, without signing out.
        return redirect(f"{first['url']}?{urlencode({'next': place})}")
    if request.method == "POST":
        logout(request)
        return redirect(f"{reverse('account_request_login_code')}?{urlencode({'next': place})}")
    return render(request, "portal/sign_in_again.html", {"next": place})
