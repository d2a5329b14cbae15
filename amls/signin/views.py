"""Signing in to an account that a sign-in by a provider waits for."""

from django.contrib.auth import logout
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from amls.signin.adapter import PENDING


@require_safe
@never_cache
@login_not_required
def join(request: HttpRequest) -> HttpResponse:
    """Lead whoever got the mail that they have an account to its code: what was begun as a new account ends.

    The page that asked for a code says the same whether there is an account or not; the mail alone leads here.
    """
    if request.user.is_authenticated:
        return redirect("portal:courses")
    pending = request.session.get(PENDING)
    logout(request)
    if pending is None:
        return redirect("account_request_login_code")
    request.session[PENDING] = pending
    place = pending["login"]["state"].get("next")
    return redirect(reverse("account_request_login_code", query={"next": place} if place else None))
