"""What of other people's packages we use is public: the rest changes with any release."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

ROOT = Path(settings.BASE_DIR)
OURS = ("amls", "lectures", "projects", "exams", "tests")


def _modules() -> Iterator[tuple[str, ast.Module, list[str]]]:
    for folder in OURS[:-1]:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "migrations" not in path.parts:
                text = path.read_text()
                yield str(path.relative_to(ROOT)), ast.parse(text), text.splitlines()


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{name.name}" for name in node.names)


def test_no_private_module_of_a_library_is_imported() -> None:
    private = [
        f"{path}: {name}"
        for path, tree, _lines in _modules()
        for name in _imported(tree)
        if not name.startswith(OURS)
        and any(part == "internal" or re.match(r"_[a-z]", part) for part in name.split("."))
    ]
    assert private == []


def test_whatever_private_name_is_used_says_why() -> None:
    """Django's `_meta` and `_default_manager` are documented; everything else has its reason beside it."""
    silent = [
        f"{path}:{number}"
        for path, _tree, lines in _modules()
        for number, line in enumerate(lines, 1)
        if "SLF001" in line and not re.search(r"\._meta\b|\._default_manager\b|SLF001 - \w", line)
    ]
    assert silent == []
