"""Views that are loaded by their first request: those of pages that few ever ask for and that bring much with them."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

from django.http import HttpRequest, HttpResponseBase


def later(module: str, name: str) -> Callable[..., HttpResponseBase]:
    """Return a view that stands for one of a module, which is loaded when somebody asks for it.

    What Django reads from a view itself, such as that it is exempt from the check for forged requests, is not seen through it.

    Args:
        module: where it is, of the same app as the addresses that name it.
        name: what it is called there.
    """

    def view(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        meant: Callable[..., HttpResponseBase] = getattr(import_module(module), name)
        return meant(request, *args, **kwargs)

    view.__module__, view.__name__ = module, name
    return view
