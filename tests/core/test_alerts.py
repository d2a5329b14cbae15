"""What says why something was not done is where its reader is taken, on every page."""

import re
from pathlib import Path

TEMPLATES = Path(__file__).parents[2] / "templates"
ALERT = re.compile(r"""<[^<>]*\brole="alert"(?:[^<>{]|\{[{%].*?[%}]\})*>""")
# What a script fills in while the page stands, and what says how things are, or what a table leaves out.
OTHERS = {
    "base.html",
    "allauth/elements/alert.html",
    "exams/check_in.html",
    "files/_table.html",
    "held/held.html",
    "portal/takeover/upstream.html",
}


def test_what_is_wrong_takes_the_focus_wherever_it_is_said() -> None:
    without = {
        path.relative_to(TEMPLATES).as_posix()
        for path in TEMPLATES.rglob("*.html")
        for alert in ALERT.findall(path.read_text())
        if not re.search(r"\bdata-(focus|failed)\b", alert) and "admin" not in path.parts
    }
    assert without == OTHERS
