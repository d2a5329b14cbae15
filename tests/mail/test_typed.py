"""What people typed stands in every letter as they typed it: a letter's text is Markdown, and what they typed is none.

The code of all writers is read, as no world has a row for every way that each of them can go.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.db.models import CharField, TextField, URLField

ROOT = Path(settings.BASE_DIR)
WRITERS = sorted(
    path
    for app in ("amls", "lectures", "projects", "exams")
    for path in (ROOT / app).rglob("hooks/**/*.py")
    if re.search(r"\bLetter\(", path.read_text(encoding="utf-8"))
)
# By these what people typed is Markdown that shows it as it is.
ESCAPE = {"escaped", "escape_markdown", "escaped_lines", "bullet_list", "_listed", "_numbered"}
# Where it isn't Markdown: lines, and a path.
PLAIN = {"subject", "reason", "line", "action", "args"}
# What we say ourselves; of a sentence with marks, everything else that it names may be typed by somebody.
OURS = {"count", "due", "picked", "until"}
# Fields without what a person could make Markdown of.
_BARE = {"slug", "sha256", "commit", "text"}


def typed_fields() -> set[str]:
    """Names of the fields of all models that hold words which people type."""
    ours = [
        model
        for model in apps.get_models()
        if model.__module__.split(".")[0] in {"amls", "lectures", "projects", "exams"}
    ]
    return {
        field.name
        for model in ours
        for field in model._meta.get_fields()
        if isinstance(field, CharField | TextField | URLField) and not field.choices
    } - _BARE


@pytest.mark.parametrize("writer", WRITERS, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_people_typed_is_escaped(writer: Path) -> None:
    names = typed_fields()
    tree = ast.parse(writer.read_text(encoding="utf-8"))
    above = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    wrong = [
        f"{node.lineno}: {ast.unparse(node)}"
        for node in ast.walk(tree)
        if isinstance(node, ast.expr)
        and (_is_put_in(node, names, above) or _is_marked_up(node))
        and not _is_plain(node, above)
    ]
    assert wrong == []


def _parents(node: ast.AST, above: dict[ast.AST, ast.AST]) -> Iterator[tuple[ast.AST, ast.AST]]:
    while node in above:
        yield above[node], node
        node = above[node]


def _is_put_in(node: ast.AST, names: set[str], above: dict[ast.AST, ast.AST]) -> bool:
    """Whether a typed field's value itself becomes part of a text: a piece of an f-string, of a list or a sum."""
    if not (isinstance(node, ast.Attribute) and node.attr in names):
        return False
    return isinstance(above[node], ast.FormattedValue | ast.List | ast.Tuple | ast.BinOp)


def _is_marked_up(node: ast.AST) -> bool:
    """Whether a sentence with marks is filled with something that isn't escaped."""
    if not (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod)) or _calls(node.right, ESCAPE):
        return False
    said = [
        part.value for part in ast.walk(node.left) if isinstance(part, ast.Constant) and isinstance(part.value, str)
    ]
    return any("**" in text and set(re.findall(r"%\((\w+)\)", text)) - OURS for text in said)


def _is_plain(node: ast.AST, above: dict[ast.AST, ast.AST]) -> bool:
    return any(
        _calls(parent, ESCAPE) or (isinstance(parent, ast.keyword) and parent.arg in PLAIN)
        for parent, _child in _parents(node, above)
    )


def _calls(node: ast.AST, names: set[str]) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names
