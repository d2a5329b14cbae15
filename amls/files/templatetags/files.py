"""What a field for files says of itself, so that what is too large is not sent at all."""

from typing import Any

from django import template
from django.forms.utils import flatatt
from django.utils.safestring import SafeString

from amls.files.checks import file_bounds
from amls.files.tables.table import MAX_BYTES
from amls.files.uploads import upload_limit

register = template.Library()


@register.simple_tag(takes_context=True)
def bounds_of_files(context: dict[str, Any]) -> SafeString:
    """Return the attributes by which `files.js` knows how many bytes the server takes from whoever looks at the page."""
    return flatatt(file_bounds(upload_limit(context["request"])))


@register.simple_tag
def bounds_of_table() -> SafeString:
    """Return the attributes by which `files.js` knows how many bytes the server takes of a table that is imported."""
    return flatatt(file_bounds(MAX_BYTES))
