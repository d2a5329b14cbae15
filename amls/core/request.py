"""What a request brings, read in one way."""

import json
from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.http.request import RawPostDataException
from django_htmx.middleware import HtmxDetails


def now_of(request: HttpRequest) -> datetime:
    """Return when a request came, aware, by the database's clock; the first middleware has noted it."""
    now: datetime = request.now  # type: ignore[attr-defined]
    return now


def json_of(request: HttpRequest) -> Any:
    """Return the JSON that a request brings.

    Raises:
        ValueError: it brings none, such as a form, or something nested too deeply.
    """
    try:
        return json.loads(request.body)
    except (RawPostDataException, RecursionError) as error:
        raise ValueError("The request brings no JSON.") from error


def htmx_of(request: HttpRequest) -> HtmxDetails:
    """Return what htmx says of a request; it is true where htmx asks for a part of a page."""
    details: HtmxDetails = request.htmx  # type: ignore[attr-defined]
    return details
