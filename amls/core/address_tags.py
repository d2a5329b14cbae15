"""Django's `{% url %}`, whose addresses are put together once: a page names some dozens, and the same ones each time."""

from functools import lru_cache

from django import template
from django.conf import settings
from django.template import defaulttags
from django.template.base import Parser, Token
from django.urls import NoReverseMatch, get_script_prefix, get_urlconf, reverse
from django.utils.html import conditional_escape

register = template.Library()


class AddressNode(defaulttags.URLNode):
    """An address by the name of its view."""

    def render(self, context: template.Context) -> str:
        """Return the address, or put it into a variable."""
        name = self.view_name.resolve(context)
        words = tuple(word.resolve(context) for word in self.args)
        is_plain = all(isinstance(word, str | int) and not isinstance(word, bool) for word in words)
        if self.kwargs or not is_plain or not isinstance(name, str):
            return super().render(context)
        request = getattr(context, "request", None)
        namespace = getattr(getattr(request, "resolver_match", None), "namespace", None)
        app = getattr(request, "current_app", namespace)
        try:
            address = _address(name, words, app, get_urlconf() or settings.ROOT_URLCONF, get_script_prefix())
        except NoReverseMatch:
            # A variable is empty then.
            return super().render(context)
        if self.asvar:
            context[self.asvar] = address
            return ""
        return conditional_escape(address) if context.autoescape else address


@lru_cache(maxsize=4096)
def _address(name: str, words: tuple[str | int, ...], app: str | None, urlconf: str, _prefix: str) -> str:
    return reverse(name, urlconf, args=words, current_app=app)


@register.tag
def url(parser: Parser, token: Token) -> AddressNode:
    """Return the address of a view: Django's `{% url %}`."""
    node = defaulttags.url(parser, token)
    return AddressNode(node.view_name, node.args, node.kwargs, node.asvar)
