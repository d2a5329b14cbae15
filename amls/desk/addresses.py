"""Where the site shows what the desk edits."""

from collections.abc import Callable
from typing import Any

from django.urls import NoReverseMatch


class OwnAddress:
    """An admin that says a row's own address, without the detour over one that finds every row."""

    def get_view_on_site_url(self, obj: Any = None) -> str | None:
        """Return where the site shows a row; None where it doesn't, or not to everyone who sees the row here."""
        say: Callable[[], str] | None = getattr(obj, "get_absolute_url", None)
        is_shown = getattr(self, "view_on_site", True) and obj is not None and obj.pk
        if not is_shown or say is None:
            return None
        try:
            return say()
        except NoReverseMatch:
            # The form was refused, and the row has what was typed: none of it is an address.
            return None
