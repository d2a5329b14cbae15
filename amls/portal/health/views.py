"""Whether the installation lives, and whether it can work: for probes, for Prometheus, and in words."""

import logging
import sys

from allauth.account.adapter import get_adapter
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseServerError, JsonResponse
from django.template import loader
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, override
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django_guid import get_guid
from prometheus_client import CONTENT_TYPE_LATEST

from amls.core.middleware import front_stamp
from amls.core.peers import is_forwarded
from amls.core.postgres.base import is_away
from amls.core.request import now_of
from amls.portal.health.access import may_watch
from amls.portal.health.findings import Observation, findings
from amls.portal.health.numbers import exposition
from amls.portal.health.state import State, look

logger = logging.getLogger(__name__)

# Longer than anybody is turned away for after the database is back.
_COME_AGAIN_SECONDS = 5


@require_safe
@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    """Answer that the process is alive; asks nothing of anyone."""
    return HttpResponse("ok", content_type="text/plain; charset=utf-8")


@require_safe
@never_cache
def readyz(request: HttpRequest) -> HttpResponse:
    """Answer 200 where pages can be served and somebody works, else 503; either way with all that is wrong.

    Raises:
        Http404: it is no machine that watches this site.
    """
    state = _look(request)
    return JsonResponse(_answer(state), status=200 if state.is_ready else 503)


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer with numbers for Prometheus.

    Raises:
        Http404: it is no machine that watches this site.
    """
    with override("en"):
        return HttpResponse(exposition(_look(request)), content_type=CONTENT_TYPE_LATEST)


@require_safe
@never_cache
def installation(request: HttpRequest) -> HttpResponse:
    """Show in words, to who runs the site, what is fine and what is not.

    Raises:
        PermissionDenied: somebody else of the staff.
    """
    if not request.user.is_superuser:
        raise PermissionDenied
    now = now_of(request)
    observations = [*findings(look(now=now, front=front_stamp(request))), _visitor(request)]
    context = {
        **admin.site.each_context(request),
        "title": _("Does everything run?"),
        "problems": [seen for seen in observations if seen.is_problem],
        "fine": [seen for seen in observations if not seen.is_problem],
    }
    return TemplateResponse(request, "admin/installation.html", context)


def server_error(request: HttpRequest) -> HttpResponse:
    """Say that something broke, with the number under which the log has the reason; also where the page breaks too.

    Where the database is away it is 503, and says when to come again.
    """
    number, is_for_now = get_guid(), is_away(sys.exc_info()[1])
    try:
        page = loader.get_template("503.html" if is_for_now else "500.html").render({"request_id": number})
    except Exception:  # such as styles that were never collected: what broke first is in the log either way
        logger.exception("The page that says that something broke is broken itself")
        return HttpResponseServerError(
            f"Something broke on our side: {number}", content_type="text/plain; charset=utf-8"
        )
    if is_for_now:
        return HttpResponse(page, status=503, headers={"Retry-After": str(_COME_AGAIN_SECONDS)})
    return HttpResponseServerError(page)


def _visitor(request: HttpRequest) -> Observation:
    """Say for whom the reader is taken: where it is not they, a front server or a setting is wrong."""
    count = settings.ALLAUTH_TRUSTED_PROXY_COUNT
    try:
        address = get_adapter().get_client_ip(request)
    except (PermissionDenied, ImproperlyConfigured):
        address = _("unknown")
    said = ngettext(
        "you come from %(address)s, by %(count)d front server",
        "you come from %(address)s, by %(count)d front servers",
        count,
    ) % {"address": address, "count": count}
    advice = _(
        "A front server passes requests on: set TRUSTED_PROXIES to how many there are, or all visitors count as one."
    )
    return Observation("visitor", _("Visitors"), said, advice if is_forwarded(request) and not count else "")


def _look(request: HttpRequest) -> State:
    if not may_watch(request):
        raise Http404
    now = now_of(request)
    return look(now=now, front=front_stamp(request))


def _answer(state: State) -> dict[str, object]:
    """Return what a probe is told, in English."""
    answer: dict[str, object] = {
        "database": "ok" if state.is_database_up else "does not answer",
        "migrations": _migrations(state),
        "broker": "ok" if state.is_broker_up else "does not answer",
    }
    if state.is_database_up:
        answer["clocks"] = _clocks(state)
    if state.has_tables:
        answer["work"] = "ok" if state.is_anyone_working else "no worker and no beat is alive"
        answer["waiting"] = {backlog.task: backlog.count for backlog in state.backlogs}
    with override("en"):
        answer["problems"] = {
            seen.name: f"{seen.title}: {seen.said}. {seen.advice}" for seen in findings(state) if seen.is_problem
        }
    return answer


def _migrations(state: State) -> str:
    if state.migrations is None:
        return "unknown"
    return f"{state.migrations} to apply" if state.migrations else "ok"


def _clocks(state: State) -> str:
    said = [
        f"{name} is {abs(round(skew))} s {'ahead of' if skew > 0 else 'behind'} the database"
        for name, skew in state.wrong_clocks().items()
    ]
    return "; ".join(said) or "ok"
