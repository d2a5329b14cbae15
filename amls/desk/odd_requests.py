"""Requests to the desk that Django and django-unfold take for their own mistake."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import TO_FIELD_VAR, IncorrectLookupParameters, ModelAdmin
from django.core.exceptions import ValidationError
from django.core.paginator import InvalidPage
from django.db.models import Model
from django.http import Http404, HttpRequest


def careful(view: Callable[..., Any]) -> Callable[..., Any]:
    """Return a view of the desk that answers 404 to what no link of the desk asks for.

    That is the number of a page that no list has, a filter that no list knows, a row by a field without a name, and
    rows chosen by what is no key of the view's model.
    """
    desk = getattr(view, "__self__", None)
    model = desk.model if isinstance(desk, ModelAdmin) else None

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if request.POST.get(TO_FIELD_VAR, request.GET.get(TO_FIELD_VAR)) == "":
            raise Http404
        if model is not None:
            _refuse_odd_choice(request, model)
        try:
            return view(request, *args, **kwargs)
        except (InvalidPage, IncorrectLookupParameters) as error:
            raise Http404 from error

    return answer


def _refuse_odd_choice(request: HttpRequest, model: type[Model]) -> None:
    for key in request.POST.getlist(ACTION_CHECKBOX_NAME):
        try:
            model._meta.pk.to_python(key)  # noqa: SLF001 - Django's documented name
        except ValidationError as error:
            raise Http404 from error
