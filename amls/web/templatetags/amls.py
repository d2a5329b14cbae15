"""Template filters and tags of the whole site."""

from django import template
from django.utils.safestring import SafeString

from amls.web.markdown import render_markdown

register = template.Library()


@register.filter
def markdown(text: str) -> SafeString:
    """Return Markdown as safe HTML."""
    return render_markdown(text)
