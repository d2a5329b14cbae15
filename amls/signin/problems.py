"""What goes wrong at a sign-in by a provider, in a sentence that says what to do."""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import requests
from allauth.socialaccount.providers.base import AuthProcess
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

logger = logging.getLogger("amls.accounts")
# Of what a provider says, in the log.
_MOST_SAID = 300
# What providers say where another try of the person, or what they do there, may help (OpenID Connect Core 1.0, 3.1.2.6).
_UP_TO_THE_PERSON = {
    "access_denied", "login_required", "interaction_required", "account_selection_required", "consent_required",
    "unmet_authentication_requirements", "invalid_grant", "AuthnFailed", "RequestDenied", "NoPassive", "NoAuthnContext",
}  # fmt: skip


class SignInProblem(OAuth2Error):  # type: ignore[misc]
    """A provider's answer is not what it must be: nobody is signed in by it, and nothing is written.

    Attributes:
        why: for the log of those who run the site: what was expected, and what came; no address and no token.
    """

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class SignInRefused(SignInProblem):
    """A provider answers that it signs nobody in.

    Attributes:
        error: its word for it, such as 'server_error' (RFC 6749, 4.1.2.1 and 5.2) or 'AuthnFailed' (SAML 2.0 Core, 3.2.2.2).
    """

    def __init__(self, error: str, description: str) -> None:
        super().__init__(_in_a_line(description) or "it does not say")
        self.error = _in_a_line(error) or "none"


class AnswerTooSlow(requests.Timeout):
    """A provider sends its answer so slowly that nobody waits for its end."""


def show_problem(
    request: HttpRequest,
    *,
    name: str,
    provider: str,
    exception: Exception | None = None,
    state: Mapping[str, Any] | None = None,
) -> HttpResponse:
    """Return the page that says what went wrong and what to do, and write the reason into the log.

    Args:
        request: that ended so.
        name: of the provider, as its button says it.
        provider: its id.
        exception: what was raised; None where this session waits for no such answer.
        state: what this session had begun: 'process' and 'next', as allauth keeps them.
    """
    said, status = _sentence(name, exception)
    error = exception.error if isinstance(exception, SignInRefused) else "unknown"
    logger.warning("provider-failed provider=%s error=%s why=%s", provider, error, _why(exception))
    begun = state or {}
    values = {
        "said": said,
        "name": name,
        "is_joining": begun.get("process") == AuthProcess.CONNECT,
        "next": begun.get("next") or "",
    }
    return render(request, "signin/problem.html", values, status=status)


def _why(exception: Exception | None) -> str:
    if isinstance(exception, SignInProblem):
        return exception.why
    if exception is None:
        return "this session waits for no such answer"
    return _in_a_line(f"{type(exception).__name__}: {exception}")


def _in_a_line(text: str) -> str:
    """Return what somebody else wrote as it may stand in a line of the log."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())[:_MOST_SAID]


def _sentence(name: str, exception: Exception | None) -> tuple[str, HTTPStatus]:
    values: dict[str, Any] = {"provider": name}
    if isinstance(exception, SignInRefused) and exception.error in _UP_TO_THE_PERSON:
        said = _("%(provider)s did not sign you in: you cancelled, or it refused. Nothing was changed. Begin again.")
        return said % values, HTTPStatus.OK
    if isinstance(exception, SignInRefused):
        said = _(
            "%(provider)s can't sign anybody in here at the moment. Nothing was changed. Try again in a minute, or sign in with "
            "a code by mail; if it goes on, tell whoever runs this site, with the time."
        )
        return said % values, HTTPStatus.SERVICE_UNAVAILABLE
    if isinstance(exception, requests.Timeout):
        said = _("%(provider)s did not answer in time. Try again in a minute, or sign in with a code by mail.")
        return said % values, HTTPStatus.SERVICE_UNAVAILABLE
    if isinstance(exception, requests.RequestException):
        said = _("%(provider)s can't be reached at present. Try again later, or sign in with a code by mail.")
        return said % values, HTTPStatus.SERVICE_UNAVAILABLE
    if isinstance(exception, OAuth2Error):
        said = _(
            "The answer of %(provider)s can't be trusted, so nobody was signed in and nothing was changed. Begin again; "
            "if it happens once more, tell whoever runs this site, with the time, and sign in with a code by mail."
        )
        return said % values, HTTPStatus.BAD_REQUEST
    said = _(
        "This sign-in was begun in another browser, more than ten minutes ago, or was done already. Begin again here."
    )
    return said, HTTPStatus.BAD_REQUEST
