"""Parts of pages that are kept: see `amls.pagecache.parts`."""

from typing import Any, cast

from django import template
from django.template.base import FilterExpression, NodeList, Parser, Token
from django.utils.safestring import SafeString, mark_safe

from amls.courses.access import Access
from amls.pagecache.parts import EveryPage, Frame, Shared, part_of

register = template.Library()


class KeptNode(template.Node):
    """A part of a page that everybody of an audience sees alike."""

    def __init__(
        self, nodelist: NodeList, name: str, shared: FilterExpression, by: dict[str, FilterExpression], target: str
    ) -> None:
        self.nodelist = nodelist
        self.name = name
        self.shared = shared
        self.by = by
        self.target = target

    def render(self, context: template.Context) -> SafeString:
        """Return the part: kept, or rendered with nothing but what is shared within its reach."""
        shared: Shared | EveryPage = self.shared.resolve(context)
        by = {label: value.resolve(context) for label, value in self.by.items()}
        names: dict[str, Any] = {**by, "shared": shared, "course": shared.course, "now": shared.now}
        if shared.is_kept:
            html = part_of(
                shared, self.name, by, lambda: self._render_alone(context, {**names, "access": shared.reader})
            )
        else:
            with context.push(**names):
                html = self.nodelist.render(context)
        if not self.target:
            return html
        context[self.target] = mark_safe(html.strip())  # noqa: S308 - rendered by the template
        return mark_safe("")

    def _render_alone(self, context: template.Context, names: dict[str, Any]) -> SafeString:
        whole = cast("template.Template", context.template)
        alone = template.Context(names, autoescape=context.autoescape)
        with alone.render_context.push_state(whole), alone.bind_template(whole):
            return self.nodelist.render(alone)


@register.filter
def frame(access: Access) -> Frame:
    """Return what stands around a page of a course, as this person's audience sees it."""
    return Frame(access)


@register.filter
def site(_request: object) -> EveryPage:
    """Return what stands around all pages, whoever asks for whatever."""
    return EveryPage()


@register.tag
def kept(parser: Parser, token: Token) -> KeptNode:
    """Keep what stands up to `endkept`, for everybody of an audience: `{% kept "name" shared tab=tab as html %}`.

    Within it there is `shared` (see `amls.pagecache.parts.Shared`), `course`, `now`, an `access` that is nobody's, and the
    named words, numbers or rows that it depends on; nothing else of the page. With `as`, the part is put into a variable.

    Raises:
        TemplateSyntaxError: it has no name in quotation marks, or nothing to show.
    """
    bits = token.split_contents()[1:]
    target = ""
    if len(bits) > 2 and bits[-2] == "as":
        target = bits[-1]
        bits = bits[:-2]
    if len(bits) < 2 or bits[0][0] not in "\"'" or any("=" not in bit for bit in bits[2:]):
        message = '{% kept "name" shared word=value as html %} needs a name and what is shared.'
        raise template.TemplateSyntaxError(message)
    by = {label: parser.compile_filter(value) for label, _equals, value in (bit.partition("=") for bit in bits[2:])}
    nodelist = parser.parse(("endkept",))
    parser.delete_first_token()
    return KeptNode(nodelist, bits[0][1:-1], parser.compile_filter(bits[1]), by, target)
