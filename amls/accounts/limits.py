"""What people read whom a limit stops."""

from http import HTTPStatus

from allauth.account.internal.flows.email_verification import consume_email_verification_rate_limit
from allauth.account.internal.flows.email_verification_by_code import EMAIL_VERIFICATION_CODE_SESSION_KEY
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def too_many(request: HttpRequest) -> HttpResponse:
    """Return the page for too many attempts; whoever asked for another code too soon is led to the field for the last one."""
    under_way = request.session.get(EMAIL_VERIFICATION_CODE_SESSION_KEY)
    is_next_code = under_way is not None and not consume_email_verification_rate_limit(
        request, under_way["email"], dry_run=True
    )
    return render(request, "429.html", {"is_next_code": is_next_code}, status=HTTPStatus.TOO_MANY_REQUESTS)
