"""What shows and what asks writes nothing by itself: it calls services; every module has its place, every template is shown."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.template.utils import get_app_template_dirs

ROOT = Path(settings.BASE_DIR)
FOLDERS = ("amls", "lectures", "projects", "exams")
_SHOWS = re.compile(r"(^|/)(views|admin|forms|queries|permissions|templatetags|urls)(/|\.py$)")
# Dictionaries are updated too, by a name of their own; of rows only many are.
_WRITES = re.compile(
    r".*\.(save|delete|create|bulk_create|bulk_update|get_or_create|update_or_create)|.*\).update", re.DOTALL
)
# What is written there is a session of allauth's, before anybody is signed in.
_NO_ROWS = {("amls/signin/saml/views.py", "waiting.save"), ("amls/signin/saml/views.py", "waiting.delete")}


def _writes_in(path: Path) -> list[tuple[str, str]]:
    name = str(path.relative_to(ROOT))
    calls = [
        ast.unparse(node.func)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    ]
    return [(name, call) for call in calls if _WRITES.fullmatch(call)]


def test_what_shows_writes_nothing_by_itself() -> None:
    paths = (path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py")))
    shows = [path for path in paths if _SHOWS.search(str(path.relative_to(ROOT)))]
    assert len(shows) > 100
    assert {write for path in shows for write in _writes_in(path)} - _NO_ROWS == set()


def _packages() -> Iterator[Path]:
    for folder in FOLDERS:
        for path in (ROOT / folder, *sorted((ROOT / folder).rglob("*"))):
            if path.is_dir() and "migrations" not in path.parts and any(path.glob("*.py")):
                yield path


def _imports_of(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield from (f"{node.module}.{name.name}" for name in node.names)


def _builds_on_itself(package: Path) -> bool:
    """Return whether a module or package within a package imports another one of it."""
    inside = f"{'.'.join(package.relative_to(ROOT).parts)}."
    for path in package.rglob("*.py"):
        parts = path.relative_to(package).with_suffix("").parts
        own = parts[0]
        for name in _imports_of(path):
            if own != "__init__" and name.startswith(inside) and name.removeprefix(inside).split(".")[0] != own:
                return True
    return False


def test_every_package_whose_modules_build_on_each_other_has_a_contract_that_names_them_all() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    named = {
        name
        for contract in contracts
        if contract["type"] == "layers" and contract.get("exhaustive")
        for name in contract["containers"]
    }
    building = {".".join(path.relative_to(ROOT).parts) for path in _packages() if _builds_on_itself(path)}
    assert building - named == set()


# Django and allauth ask for these by names of their own.
_OF_ERRORS = {"400.html", "403.html", "403_csrf.html", "404.html", "429.html", "500.html"}


def test_every_template_is_named_or_takes_the_place_of_a_librarys() -> None:
    """What nobody shows any more would be translated, linted and read for nothing."""
    folder = ROOT / "templates"
    paths = {str(path.relative_to(folder)): path for path in folder.rglob("*.*")}
    code = [path.read_text() for name in FOLDERS for path in (ROOT / name).rglob("*.py")]
    texts = (*code, *(path.read_text() for path in paths.values()))
    named = {name for text in texts for name in re.findall(r"[\"']([\w/]+\.\w+)[\"']", text)}
    of_libraries = [Path(place) for place in get_app_template_dirs("templates")]
    idle = paths.keys() - named - _OF_ERRORS
    assert [name for name in sorted(idle) if not any((place / name).exists() for place in of_libraries)] == []
