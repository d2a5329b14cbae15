"""What a request brings, read in one way."""

import json
from typing import Any

from django.http import HttpRequest
from django.http.request import RawPostDataException


def json_of(request: HttpRequest) -> Any:
    """Return the JSON that a request brings.

    Raises:
        ValueError: it brings none, such as a form, or something nested too deeply.
    """
    try:
        return json.loads(request.body)
    except (RawPostDataException, RecursionError) as error:
        raise ValueError("The request brings no JSON.") from error
