"""What the documents name is there."""

import ast
import re
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
# These two name files of other projects.
_OF_OTHERS = {"pitfalls.md", "standards.md"}
DOCUMENTS = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")]
DOCUMENTS += [path for path in sorted(ROOT.glob("docs/**/*.md")) if path.name not in _OF_OTHERS]
FOLDERS = ("amls", "lectures", "projects", "exams", "templates", "static", "tests", "deploy", "docs")


@pytest.fixture(scope="module")
def paths() -> str:
    """All files, each behind a line break and a slash."""
    known = [path.relative_to(ROOT) for folder in FOLDERS for path in (ROOT / folder).rglob("*.*")]
    return "".join(f"\n/{path}" for path in known) + "\n"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_file_that_a_document_names_is_there(document: Path, paths: str) -> None:
    """Paths may be said from any folder on, such as `hooks/agenda.py`; those with <…> or * stand for many."""
    text = document.read_text()
    named = re.findall(r"`([\w./-]+/[\w./-]*\.(?:py|html|css|js|toml|txt|json|xz|conf|sh))`", text)
    linked = re.findall(r"\]\(([^)#:]+)\)", text)
    missing = [path for path in named if f"/{path}\n" not in paths]
    missing += [path for path in linked if not (document.parent / path).exists()]
    assert missing == []


def _settings_read() -> set[str]:
    """Return what the settings take from the environment."""
    names = set()
    for node in ast.walk(ast.parse((ROOT / "amls" / "settings.py").read_text())):
        if isinstance(node, ast.Call) and re.match(r"(env|env\.\w+|os\.environ\.\w+)$", ast.unparse(node.func)):
            first = node.args[0]
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                names.add(first.value)
    return names


def test_the_settings_are_listed_completely() -> None:
    table = (ROOT / "docs" / "operating" / "settings.md").read_text()
    listed = {
        name
        for line in table.splitlines()
        if line.startswith("| `")
        for name in re.findall(r"`([A-Z_]+)`", line.split("|")[1])
    }
    assert listed == _settings_read()
