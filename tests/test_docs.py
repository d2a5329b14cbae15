"""What the documents name is there."""

import ast
import re
from pathlib import Path

import pytest
import yaml
from django.conf import settings
from django.core.management import get_commands

from projects.models.rules import HAND_IN_SUFFIXES
from tests.tools import run

ROOT = Path(settings.BASE_DIR)
# These two name files of other projects.
_OF_OTHERS = {"pitfalls.md", "standards.md"}
DOCUMENTS = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")]
DOCUMENTS += [path for path in sorted(ROOT.glob("docs/**/*.md")) if path.name not in _OF_OTHERS]
# Those that speak of the code alone; others name what databases, providers and packages call theirs.
_OF_OURS = [ROOT / "docs" / name for name in ("architecture.md", "domain.md")] + sorted(
    ROOT.glob("docs/how-to-add/*.md")
)
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


def test_the_tree_of_the_architecture_is_the_one_that_is_there() -> None:
    """Every module and app of `amls`, and every package of what joins the apps, is drawn, and nothing else."""
    text = (ROOT / "docs" / "architecture.md").read_text()
    tree = text[text.index("\n  settings.py ") : text.index("\nlectures/ ")]
    lines = re.findall(r"^ {2}((?:\w+(?:\.py|/)(?: +|$))+)", tree, re.MULTILINE)
    drawn = {name for line in lines for name in line.split()}
    here = [path for path in (ROOT / "amls").iterdir() if path.name not in {"__init__.py", "__pycache__"}]
    assert drawn == {f"{path.name}/" if path.is_dir() else path.name for path in here}
    portal = set(re.findall(r"\w+", tree[tree.index("\n  portal/ ") :]))
    packages = {path.parent.name for path in (ROOT / "amls" / "portal").glob("*/*.py")}
    assert packages - {"hooks", "migrations"} - portal == set()


@pytest.fixture(scope="module")
def names() -> set[str]:
    """Every word of the code, and every part of the name of a file."""
    files = [path for folder in FOLDERS[:-1] for path in (ROOT / folder).rglob("*.*") if path.is_file()]
    texts = [
        path.read_text()
        for path in files
        if path.suffix in {".conf", ".css", ".html", ".js", ".py", ".service", ".sh", ".toml"}
    ]
    texts += [(ROOT / name).read_text() for name in ("Makefile", "pyproject.toml")]
    return {word for text in (*texts, *map(str, files)) for word in re.findall(r"\w+", text)}


@pytest.mark.parametrize("document", _OF_OURS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_name_that_a_document_says_is_in_the_code(document: Path, names: set[str]) -> None:
    """Names are told from words by an underscore, a capital letter within, or capital letters alone."""
    code = " ".join(re.findall(r"`([^`\n]+)`", document.read_text()))
    said = re.findall(r"\b[A-Za-z]\w*_\w+|\b[A-Za-z]+[a-z][A-Z]\w*|\b[A-Z]{4,}\b", code)
    assert set(said) - names == set()


def test_the_domain_names_every_kind_of_file_that_is_handed_in() -> None:
    text = (ROOT / "docs" / "domain.md").read_text()
    said = re.search(r"\*\*Submission\*\*: .*?; files \(([^;]+);", text)
    assert said is not None
    assert said.group(1).split(", ") == list(HAND_IN_SUFFIXES)


# Contributed to by a function of their module, which the table names.
_BY_FUNCTIONS = {"audiences", "import_kinds", "kinds", "letter_kinds", "retention_periods", "sources"}


def test_the_architecture_names_every_hook() -> None:
    code = [path.read_text() for path in (ROOT / "amls").rglob("*.py") if "migrations" not in path.parts]
    hooks = {name for text in code for name in re.findall(r"^ *(\w+): \"?Hook\[", text, re.MULTILINE)}
    document = (ROOT / "docs" / "architecture.md").read_text()
    table = document[document.index("| hook |") : document.index("## The agenda")]
    assert hooks - set(re.findall(r"\w+", " ".join(re.findall(r"`([^`]+)`", table)))) - _BY_FUNCTIONS == set()


def test_every_command_that_a_document_gives_is_there() -> None:
    text = "\n".join(document.read_text() for document in DOCUMENTS)
    commands = set(re.findall(r"manage\.py ([a-z][a-z_]+)(?![\w/])", text))
    targets = set(re.findall(r"`make ([a-z]+)", text))
    assert commands - set(get_commands()) == set()
    assert targets - set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)) == set()
    assert {"backup", "strays"} <= commands
    assert {"bench", "lock"} <= targets


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


def test_what_a_commit_is_linted_by_is_what_the_tests_lint_by() -> None:
    hooks = [
        hook["entry"].split()
        for hook in yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    ]
    checks = [command for _name, command, _extra in (*run._quick_checks(), *run._slow_checks())]
    # What files are named by is left to whoever calls.
    before, tests = (
        {
            (Path(program).name, *(word for word in words if word not in {".", "templates", "--force-exclude"}))
            for program, *words in commands
        }
        for commands in (hooks, checks)
    )
    assert before == {command for command in tests if not command[0].startswith("python")}
