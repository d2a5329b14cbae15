"""Django's library of this name, in which words that never vary are looked up once for each language.

Django looks up each `{% translate %}` of each page anew, a hundred calls each time; a page has some dozens.
"""

from typing import Any

from django import template
from django.template.base import Parser, Token, TokenType
from django.templatetags import i18n
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

register = template.Library()
register.tags.update(i18n.register.tags)
register.filters.update(i18n.register.filters)


class ConstantNode(template.Node):
    """Words that depend on the language alone.

    Attributes:
        words: Django's node, which looks them up.
        variable: into which they are put; empty where they stand on the page.
    """

    def __init__(self, words: template.Node, variable: str) -> None:
        self.words = words
        self.variable = variable
        self._said: dict[str | None, SafeString] = {}

    def render(self, context: template.Context) -> SafeString:
        """Return the words in the language that is active."""
        language = get_language()
        if (said := self._said.get(language)) is None:
            # Both of Django's nodes give what may stand on a page as it is.
            said = self._said[language] = mark_safe(self.words.render(context))  # noqa: S308 - written in the template
        if not self.variable:
            return said
        context[self.variable] = said
        return SafeString()


@register.tag("translate")
@register.tag("trans")
def translate(parser: Parser, token: Token) -> template.Node:
    """Translate what stands in quotation marks, or what a variable holds: Django's `{% translate %}`."""
    node: Any = i18n.do_translate(parser, token)
    words = node.filter_expression
    is_constant = words.var.literal is not None and not words.filters and not node.message_context
    return _constant(node) if is_constant else node


@register.tag("blocktranslate")
@register.tag("blocktrans")
def blocktranslate(parser: Parser, token: Token) -> template.Node:
    """Translate a text, with values of the page within it: Django's `{% blocktranslate %}`."""
    node: Any = i18n.do_block_translate(parser, token)
    is_constant = not (node.extra_context or node.counter or node.message_context) and all(
        part.token_type == TokenType.TEXT for part in node.singular
    )
    return _constant(node) if is_constant else node


def _constant(node: Any) -> ConstantNode:
    variable, node.asvar = node.asvar or "", None
    return ConstantNode(node, variable)
