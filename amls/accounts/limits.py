"""What people read whom a limit stops."""

from http import HTTPStatus

from allauth.core import ratelimit
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

# In the session, as allauth keeps it: which code by mail is under way, and which sign-in.
_CODE_UNDER_WAY = "account_email_verification_code"
_SIGN_IN_UNDER_WAY = "account_login"


def no_more_mail(request: HttpRequest, said: str) -> HttpResponse:
    """Return the page for a mail that is not sent because too many were asked for; a code that was sent can be typed.

    Args:
        request: of whoever asked for it.
        said: why, and from when on one is sent again.
    """
    context = {"said": said, "has_code": _SIGN_IN_UNDER_WAY in request.session}
    return render(request, "account/no_more_mail.html", context, status=HTTPStatus.TOO_MANY_REQUESTS)


def too_many(request: HttpRequest) -> HttpResponse:
    """Return the page for too many attempts; whoever asked for another code too soon is led to the field for the last one."""
    under_way = request.session.get(_CODE_UNDER_WAY)
    is_next_code = under_way is not None and not ratelimit.consume(
        request, action="confirm_email", key=under_way["email"].lower(), dry_run=True
    )
    return render(request, "429.html", {"is_next_code": is_next_code}, status=HTTPStatus.TOO_MANY_REQUESTS)
