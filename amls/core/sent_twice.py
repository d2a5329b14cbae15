"""A form that adds rows adds them once, however often it is sent."""

import uuid
from collections.abc import Iterable
from datetime import timedelta

from django.http import HttpRequest
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy

from amls.core.bounds import Bound, spend
from amls.core.request import now_of
from amls.core.violations import RuleViolation

FIELD = "_once"
_ADDED = Bound("desk.added", most=1, per=timedelta(days=1), message=gettext_lazy("It was added already."))


class SentTwice(RuleViolation):
    """The same form, filled in in the same way, was saved before."""


def token_of(request: HttpRequest) -> str:
    """Return what tells a form that is shown from every other one: what it was sent with, or a new one."""
    return request.POST.get(FIELD) or str(uuid.uuid4())


def add_once(request: HttpRequest, *, but: Iterable[str] = ()) -> None:
    """Note, in the transaction of the write, that a form was saved; the same one sent at the same time waits for it.

    A form that the browser's history brought back, and that was filled in anew, is another one.

    Args:
        request: what was sent.
        but: names of fields that say nothing of the row.

    Raises:
        SentTwice: it was saved before.
    """
    if FIELD not in request.POST:
        return
    left_out = {"csrfmiddlewaretoken", *but}
    said = urlencode(
        sorted((name, values) for name, values in request.POST.lists() if name not in left_out), doseq=True
    )
    now = now_of(request)
    try:
        spend(_ADDED, who=f"{request.user.pk} {request.path} {said}", now=now)
    except RuleViolation as violation:
        raise SentTwice(str(violation.message), code="sent-twice") from violation
