"""A word in the log where the front server does not say by what it was asked."""

import logging
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

logger = logging.getLogger(__name__)


class SchemeMiddleware:
    """Before Django's that leads http to https: what comes without `X-Forwarded-Proto` would be led there again and again."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self._has_said = False

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer it, and say once per process that the header is missing."""
        answer = self.get_response(request)
        is_led = answer.status_code == 301 and answer["Location"].startswith("https://") and not request.is_secure()
        if is_led and not self._has_said and "HTTP_X_FORWARDED_PROTO" not in request.META:
            self._has_said = True
            logger.warning(
                "A request came without X-Forwarded-Proto and was led to https. Where a front server passed it on, have it set that "
                "header (nginx: proxy_set_header X-Forwarded-Proto $scheme): else every page leads to itself without end."
            )
        return answer
