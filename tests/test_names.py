"""A name means one thing in the whole project, and a module is named for its matter."""

import ast
import re
from collections import defaultdict
from pathlib import Path

from django.conf import settings

ROOT = Path(settings.BASE_DIR)
FOLDERS = ("amls", "lectures", "projects", "exams")
# Django calls them so.
_OF_DJANGO = {"Command", "Config"}
# How something is done, or whose it is, says nothing about what it is.
_MANNERS = {
    "base", "common", "desk", "following", "helpers", "lib", "manager", "misc", "molds", "others", "personal", "places", "reading",
    "shared", "stuff", "tools", "util", "utils", "work",
}  # fmt: skip
# Rebuilt at present.
_LATER = ("amls/portal/takeover/", "amls/files/judges/sources/")


def _modules() -> list[Path]:
    paths = (path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
    return sorted(path for path in paths if "migrations" not in path.parts)


def _is_later(path: Path) -> bool:
    return str(path.relative_to(ROOT)).startswith(_LATER)


def test_no_two_classes_have_one_name() -> None:
    """Classes within a class are called with its name, such as `Lecture.State`, and so are no doubles."""
    homes: dict[str, list[str]] = defaultdict(list)
    for path in _modules():
        if not _is_later(path):
            for node in ast.parse(path.read_text()).body:
                if isinstance(node, ast.ClassDef) and node.name not in _OF_DJANGO:
                    homes[node.name].append(str(path.relative_to(ROOT)))
    assert {name: paths for name, paths in homes.items() if len(paths) > 1} == {}


def test_modules_are_named_for_their_matter() -> None:
    """A package may be called after its place, such as the desk's: its modules say what is in it."""
    named = [path for path in _modules() if path.stem in _MANNERS and not _is_later(path)]
    assert [str(path.relative_to(ROOT)) for path in named] == []


def test_docstrings_stand_alone() -> None:
    """Whoever looks a function up sees its docstring, not that of its neighbour."""
    leaning = []
    for path in _modules():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
                said = ast.get_docstring(node) or ""
                leans = r"(\w+ )?the same(?= (for|with|on|in|but)\b|[,.;:])|as above|likewise|ditto|see above"
                if re.match(leans, said, re.IGNORECASE):
                    leaning.append(f"{path.relative_to(ROOT)}:{node.lineno}: {said.splitlines()[0]}")
    assert leaning == []
