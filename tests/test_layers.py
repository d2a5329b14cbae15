"""What shows and what asks writes nothing by itself: it calls services."""

import ast
import re
from pathlib import Path

from django.conf import settings

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
