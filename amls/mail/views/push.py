"""Entering and taking off the devices on which one is told."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from amls.core.browsers import browser_name
from amls.core.request import now_of
from amls.core.violations import RuleViolation
from amls.courses.accounts import user_of
from amls.mail.push.devices import add_device, remove_device


@login_required
@require_POST
def add(request: HttpRequest) -> HttpResponse:
    """Enter this browser: what it says of itself comes from its `PushSubscription`."""
    user = user_of(request)
    given = {name: request.POST.get(name, "") for name in ("endpoint", "p256dh", "auth")}
    try:
        add_device(
            user=user, endpoint=given["endpoint"], public_key=given["p256dh"], secret=given["auth"],
            name=browser_name(request.headers.get("User-Agent", "")), now=now_of(request),
        )  # fmt: skip
    except RuleViolation as violation:
        return JsonResponse({"problem": str(violation.message)}, status=409)
    messages.success(request, _("You are told on this device from now on."))
    return HttpResponse(status=204)


@login_required
@require_POST
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a device of one's own off."""
    if not remove_device(user=user_of(request), pk=pk):
        raise Http404
    messages.success(request, _("You are not told on that device any more."))
    return redirect("usersessions_list")
