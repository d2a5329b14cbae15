"""Where and how a person signed in, and signing in again before an account changes."""

from datetime import datetime
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.decorators import reauthentication_required
from allauth.account.utils import get_next_redirect_url
from allauth.usersessions.views import ListUserSessionsView
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from amls.courses.models import AccountEvent, User
from amls.courses.zones import zone_of

# How many of the newest events the page of the sessions shows.
_EVENTS_SHOWN = 50


@method_decorator(login_required, name="dispatch")
@method_decorator(reauthentication_required(allow_get=True), name="dispatch")
@method_decorator(never_cache, name="dispatch")
class SessionsView(ListUserSessionsView):  # type: ignore[misc]
    """The devices that are signed in, and what happened to the account."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the events and the zone in which all times are said."""
        user = self.request.user
        assert isinstance(user, User)  # noqa: S101 - login_required says so
        zone = zone_of(user)
        timezone.activate(zone)
        now: datetime = self.request.now
        events = AccountEvent.objects.filter(user=user)[:_EVENTS_SHOWN]
        return {**super().get_context_data(**kwargs), "events": events, "zone": zone.key, "now": now}

    def form_valid(self, form: Any) -> HttpResponse:
        """End the other sessions, and tell it."""
        response: HttpResponse = super().form_valid(form)
        get_adapter().send_notification_mail("usersessions/email/sessions_ended", self.request.user)
        return response


sessions = SessionsView.as_view()


@require_safe
@never_cache
def signed_in(request: HttpRequest) -> HttpResponse:
    """Say to the front server whether somebody is signed in: 204 or 401. It asks before it takes a large body."""
    return HttpResponse(status=204 if request.user.is_authenticated else 401)


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
