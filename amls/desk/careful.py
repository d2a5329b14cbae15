"""Requests to the desk that Django and django-unfold take for their own mistake."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.admin.options import TO_FIELD_VAR, IncorrectLookupParameters
from django.core.paginator import InvalidPage
from django.http import Http404, HttpRequest


def careful(view: Callable[..., Any]) -> Callable[..., Any]:
    """Return a view of the desk that answers 404 to what no link of the desk asks for.

    That is the number of a page that no list has, a filter that no list knows, and a row by a field without a name.
    """

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if request.POST.get(TO_FIELD_VAR, request.GET.get(TO_FIELD_VAR)) == "":
            raise Http404
        try:
            return view(request, *args, **kwargs)
        except (InvalidPage, IncorrectLookupParameters) as error:
            raise Http404 from error

    return answer
