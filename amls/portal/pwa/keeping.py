"""What a device may keep of this site for when it has no connection, and whose it is.

The service worker (`static/js/worker.js`) decides nothing of that itself: each answer says whether it is to be kept, and
each page says by a code whose account it was made for. When that code changes the worker forgets everything.
"""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from amls.core import seals

ACCOUNT_HEADER, OFFLINE_HEADER = "X-Account", "X-Offline"
# What people need on the train and in front of the lecture hall; nothing that only staff see, and no form's own page.
KEPT_VIEWS = frozenset(
    {
        "portal:home", "portal:me", "agenda:schedule", "exams:exams", "exams:slip", "projects:mine", "projects:topics",
        "lectures:lecture", "lectures:lecture_transcript", "lectures:slide", "lectures:thumb", "lectures:material",
    }
)  # fmt: skip
_KEPT_TYPES = ("text/html", "image/", "application/pdf")

GetResponse = Callable[[HttpRequest], HttpResponse]


class OfflineMiddleware:
    """Say on each answer what the device may keep, and on each page whose it is: no query."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Add the two headers."""
        response = self.get_response(request)
        kind = response.headers.get("Content-Type", "")
        if response.status_code != 200 or not kind.startswith(_KEPT_TYPES):
            return response
        if kind.startswith("text/html"):
            # A page has looked at its person already.
            response.headers[ACCOUNT_HEADER] = account_code(getattr(request, "user", None))
        match = request.resolver_match
        if match is not None and match.view_name in KEPT_VIEWS:
            response.headers[OFFLINE_HEADER] = "keep"
        return response


def account_code(user: object) -> str:
    """Return what tells a device one account from another, and nobody which: 'nobody' for visitors."""
    pk = getattr(user, "pk", None)
    return "nobody" if pk is None else seals.account_code(pk)
