"""Django's `{% extends %}`, which looks once for the blocks of what a page extends: it walks through all of it for each page."""

from typing import Any

from django import template
from django.template import loader_tags
from django.template.base import Node, NodeList, Parser, Template, Token

register = template.Library()


class FrameNodes(NodeList):
    """The nodes of a template that others extend. They stay as they are for as long as Django keeps the template."""

    def __init__(self, nodes: NodeList) -> None:
        super().__init__(nodes)
        self.contains_nontext = nodes.contains_nontext
        self._of_type: dict[type[Node], list[Any]] = {}

    def get_nodes_by_type(self, nodetype: type[Node]) -> list[Any]:
        """Return all nodes of a type, also those within others."""
        if nodetype not in self._of_type:
            self._of_type[nodetype] = super().get_nodes_by_type(nodetype)
        return self._of_type[nodetype]


class ExtendsNode(loader_tags.ExtendsNode):
    """What a page puts into the blocks of its frame."""

    def get_parent(self, context: template.Context) -> Template:
        """Return the frame."""
        frame: Any = super().get_parent(context)
        if not isinstance(frame.nodelist, FrameNodes):
            frame.nodelist = FrameNodes(frame.nodelist)
        return frame  # type: ignore[no-any-return]


@register.tag
def extends(parser: Parser, token: Token) -> ExtendsNode:
    """Say which template this one extends: Django's `{% extends %}`."""
    node = loader_tags.do_extends(parser, token)
    return ExtendsNode(node.nodelist, node.parent_name)
