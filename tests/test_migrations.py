"""Migrations call nothing that lives: what Django makes them name is this short list, which is kept as it is."""

import ast
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

ROOT = Path(settings.BASE_DIR)
OURS = ("amls.", "lectures.", "projects.", "exams.")
# docs/decisions/0014: a field's class, its validators, callables and expressions are part of a model's state.
KEPT = {
    "amls.core.text.LineField",
    "amls.core.text.CleanTextField",
    "amls.core.text.LowerEmailField",
    "amls.core.names.SortName",
    "amls.courses.numbers.is_a_number",
    "amls.courses.validators.validate_slug",
    "amls.courses.validators.validate_timezone",
    "amls.mail.models._reminded_kinds",
    "lectures.models.materials.stored_name",
    "lectures.models.texts.PassageVector",
    "projects.models.handouts.handout_name",
    "projects.models.rules.default_suffixes",
    "projects.models.submissions.stored_path",
}


def _named() -> Iterator[tuple[str, str]]:
    """Yield each thing of ours that a migration names, with the migration."""
    for app in ("amls", "lectures", "projects", "exams"):
        for path in sorted((ROOT / app).glob("**/migrations/0*.py")):
            modules: set[str] = set()
            for node in ast.walk(tree := ast.parse(path.read_text())):
                if isinstance(node, ast.Import):
                    modules |= {name.name for name in node.names}
                elif isinstance(node, ast.ImportFrom):
                    for name in node.names:
                        yield str(path.relative_to(ROOT)), f"{node.module}.{name.name}"
            for node in ast.walk(tree):
                if isinstance(node, ast.Attribute) and (dotted := ast.unparse(node)).rpartition(".")[0] in modules:
                    yield str(path.relative_to(ROOT)), dotted


def test_migrations_name_nothing_of_ours_but_what_is_kept_for_them() -> None:
    strange = {(path, name) for path, name in _named() if name.startswith(OURS) and name not in KEPT}
    assert strange == set()


def test_what_is_kept_for_migrations_is_named_by_them() -> None:
    assert {name for _path, name in _named() if name.startswith(OURS)} == KEPT
