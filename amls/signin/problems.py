"""What goes wrong at a sign-in by a provider, in a sentence that says what to do."""

import logging
from http import HTTPStatus
from typing import Any

import requests
from allauth.socialaccount.providers.base import AuthError
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

logger = logging.getLogger("amls.accounts")


class SignInProblem(OAuth2Error):  # type: ignore[misc]
    """A provider's answer is not what it must be: nobody is signed in by it, and nothing is written.

    Attributes:
        why: for the log of those who run the site: what was expected, and what came; no address and no token.
    """

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class AnswerTooSlow(requests.Timeout):
    """A provider sends its answer so slowly that nobody waits for its end."""


def show_problem(
    request: HttpRequest,
    *,
    name: str,
    provider: str,
    exception: Exception | None = None,
    error: str = AuthError.UNKNOWN,
) -> HttpResponse:
    """Return the page that says what went wrong and what to do, and write the reason into the log.

    Args:
        request: that ended so.
        name: of the provider, as its button says it.
        provider: its id.
        exception: what was raised, if something was.
        error: allauth's word for what happened.
    """
    said, status = _sentence(name, exception, error)
    why = exception.why if isinstance(exception, SignInProblem) else type(exception).__name__
    logger.warning("provider-failed provider=%s error=%s why=%s", provider, error, why)
    return render(request, "signin/problem.html", {"said": said, "name": name}, status=status)


def _sentence(name: str, exception: Exception | None, error: str) -> tuple[str, HTTPStatus]:
    values: dict[str, Any] = {"provider": name}
    if error == AuthError.CANCELLED:
        said = _("%(provider)s did not sign you in: you cancelled, or it refused. Nothing was changed. Begin again.")
        return said % values, HTTPStatus.OK
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
