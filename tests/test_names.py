"""A name means one thing in the whole project, and a module is named for its matter."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

ROOT = Path(settings.BASE_DIR)
FOLDERS = ("amls", "lectures", "projects", "exams")
# Django calls them so.
_OF_DJANGO = {"Command", "Config"}
# Django asks for the backend of a database in a module of this name.
_MODULES_OF_DJANGO = {"amls/core/postgres/base.py"}
# What `make bench ONLY=desk` measures.
_MODULES_OF_BENCHMARKS = {"tests/bench/desk.py"}
# How something is done or made, where it is, or whose, says nothing about what it is.
_MANNERS = {
    "another", "base", "beside", "borrowed", "careful", "chosen", "common", "correcting", "desk", "finding", "following",
    "found", "helpers", "hostile", "inside", "kept", "large", "later", "lib", "manager", "middle", "misc", "molds",
    "once", "others", "outside", "personal", "places", "reading", "served", "shared", "stuff", "tools", "trying", "util",
    "utils", "viewing", "waiting", "whole", "why", "wishing", "work",
}  # fmt: skip
# That something was found, returned or is one of several says nothing about what it is.
_EMPTY = re.compile(
    r"one|found|each|those|things?|something|stuff|some|it|them|tmp|temp|res|ret|foo|[a-z]|[a-z_]*[a-z]2", re.ASCII
)
# `json` calls what an encoder is given so.
_EMPTY_OF_OTHERS = {"o"}


def _modules() -> list[Path]:
    paths = (path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
    return sorted(path for path in paths if "migrations" not in path.parts)


def _tests() -> list[Path]:
    return sorted((ROOT / "tests").rglob("*.py"))


def test_no_two_classes_have_one_name() -> None:
    """A private one has another name than all others, too; classes within a class are called with its name, and are no doubles."""
    homes: dict[str, list[str]] = defaultdict(list)
    for path in (*_modules(), *_tests()):
        # Parsing is what costs: those of a module begin its lines.
        for name in re.findall(r"^class _*(\w+)", path.read_text(), re.MULTILINE):
            if name not in _OF_DJANGO:
                homes[name].append(str(path.relative_to(ROOT)))
    assert {name: paths for name, paths in homes.items() if len(paths) > 1} == {}


def test_modules_are_named_for_their_matter() -> None:
    """A package may be called after its place, such as the desk's: its modules say what is in it."""
    named = [path for path in (*_modules(), *_tests()) if path.stem in _MANNERS]
    assert {str(path.relative_to(ROOT)) for path in named} == _MODULES_OF_DJANGO | _MODULES_OF_BENCHMARKS


def _bound_names(tree: ast.AST) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id, node.lineno
        elif isinstance(node, ast.arg):
            yield node.arg, node.lineno
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
            yield node.name, node.lineno


def test_local_names_say_what_they_hold() -> None:
    """A single letter, `one`, `found` or `item2` sends its reader to look for what it is."""
    empty = [
        f"{path.relative_to(ROOT)}:{line}: {name}"
        for path in (*_modules(), *_tests())
        for name, line in _bound_names(ast.parse(path.read_text()))
        if _EMPTY.fullmatch(name) and name not in _EMPTY_OF_OTHERS
    ]
    assert empty == []


def test_names_in_templates_say_what_they_hold() -> None:
    empty = []
    for path in sorted((ROOT / "templates").rglob("*.*")):
        for tag in re.finditer(r"{%-? *(?:for|with) (.*?)(?: in .*?)?%}", path.read_text()):
            named = re.findall(r"(\w+)=", tag[1]) or re.findall(r"\w+", tag[1])
            empty += [f"{path.relative_to(ROOT)}: {tag[0]}" for name in named if _EMPTY.fullmatch(name)]
    assert empty == []


def _said_of(docstring: str, section: str) -> set[str]:
    """Return what a docstring's section, 'Args' or 'Attributes', has an entry for."""
    entries = re.search(rf"^{section}:\n((?: {{4}}.*\n?|\n)*)", docstring, re.MULTILINE)
    names = re.findall(r"^ {4}([*\w]+(?:, [*\w]+)*):", entries[1], re.MULTILINE) if entries else []
    return {name.strip("* ") for entry in names for name in entry.split(",")}


def _has(node: ast.AST) -> set[str]:
    """Return the parameters of a function, or what a class has by name."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return {argument.arg for argument in ast.walk(node.args) if isinstance(argument, ast.arg)}
    stored = (ast.Name, ast.Attribute)
    names = {getattr(part, "id", getattr(part, "attr", "")) for part in ast.walk(node) if isinstance(part, stored)}
    return names | {part.name for part in ast.walk(node) if isinstance(part, ast.FunctionDef)}


def test_docstrings_say_only_what_is_there() -> None:
    """A parameter or an attribute that went takes its entry along."""
    gone = []
    for path in _modules():
        source = path.read_text()
        # Parsing is what costs.
        if not re.search(r"^ +(Args|Attributes):$", source, re.MULTILINE):
            continue
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
                section = "Attributes" if isinstance(node, ast.ClassDef) else "Args"
                names = _said_of(ast.get_docstring(node) or "", section) - _has(node)
                gone += [f"{path.relative_to(ROOT)}:{node.lineno}: {name}" for name in names]
    assert gone == []


def test_docstrings_stand_alone() -> None:
    """Whoever looks a function up sees its docstring, not that of its neighbour."""
    leans = re.compile(
        r"(\w+ )?the same(?= (for|with|on|in|but)\b|[,.;:])|as above|likewise|ditto|see above", re.IGNORECASE
    )
    leaning = []
    for path in _modules():
        source = path.read_text()
        # Parsing is what costs.
        if not leans.search(source):
            continue
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
                said = ast.get_docstring(node) or ""
                if leans.match(said):
                    leaning.append(f"{path.relative_to(ROOT)}:{node.lineno}: {said.splitlines()[0]}")
    assert leaning == []
