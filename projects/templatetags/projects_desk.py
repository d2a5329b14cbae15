"""Tags of the desk's pages for projects."""

import re

from django import template

register = template.Library()


@register.simple_tag
def undo_of(extra_tags: str | None) -> dict[str, str] | None:
    """Return what an undo button posts and where, from a message's tags 'undo ADDRESS [NAME VALUE]'; None without.

    The address is one of this site.
    """
    parts = (extra_tags or "").split(" ")
    if parts[0] != "undo" or len(parts) < 2 or not re.match(r"/[^/\\]", parts[1]):
        return None
    name, value = parts[2:4] if len(parts) >= 4 else ("undo", "1")
    return {"address": parts[1], "name": name, "value": value}


@register.simple_tag
def way_to(extra_tags: str | None) -> str:
    """Return where a message's tags 'open ADDRESS' lead, within the desk; nothing without."""
    what, _space, address = (extra_tags or "").partition(" ")
    return address if what == "open" and address.startswith("/admin/") else ""
