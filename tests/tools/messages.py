"""The German catalogue: collect its texts, compile it, or check that it is complete and compiled.

`python -m tests.tools.messages` collects and compiles, and says what is still to be translated; `--check` changes
nothing and fails if a text is missing, untranslated or fuzzy, or if the compiled file is out of date.
"""

import ast
import filecmp
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.catalogues import entries

ROOT = Path(__file__).resolve().parent.parent.parent
_PLACE = Path("amls") / "locale" / "de" / "LC_MESSAGES" / "django.po"
CATALOGUE = ROOT / _PLACE
_SAY = {"_", "gettext", "gettext_lazy", "gettext_noop", "ngettext", "ngettext_lazy", "pgettext", "pgettext_lazy"}
_IGNORED = ("var", ".venv", "tests", "node_modules", "static")


def main(arguments: list[str]) -> int:
    """Collect and compile, or check."""
    if "--check" in arguments:
        return check()
    collect(ROOT)
    subprocess.run(["msgfmt", "--check", "-o", str(CATALOGUE.with_suffix(".mo")), str(CATALOGUE)], check=True)
    if missing := list(untranslated(CATALOGUE)):
        print(*missing, f"Translate these in {_PLACE}, and run it again.", sep="\n")
    return 0


def collect(root: Path) -> None:
    """Bring the catalogue of the project in `root` up to date with the texts of its code and templates."""
    ignored = [word for name in _IGNORED for word in ("--ignore", name)]
    command = [
        sys.executable,
        "-m",
        "django",
        "makemessages",
        "-l",
        "de",
        "--no-wrap",
        "--no-obsolete",
        "--add-location",
        "file",
    ]
    subprocess.run([*command, *ignored], cwd=root, check=True, stdout=subprocess.DEVNULL, env=_environment())
    # The date of collection says nothing and would change the file each time.
    catalogue = root / _PLACE
    text = re.sub(r'"POT-Creation-Date: .*\n', "", catalogue.read_text(encoding="utf-8"))
    catalogue.write_text(text, encoding="utf-8")


def check() -> int:
    """Return 0 if the catalogue is complete and compiled; else say what to do."""
    with tempfile.TemporaryDirectory() as folder:
        # In a copy: while it collects, Django puts files beside the templates that other checks would read.
        copy = Path(folder) / "project"
        shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(*_IGNORED, ".*"))
        collect(copy)
        problems = [*untranslated(copy / _PLACE), *overlooked(ROOT, copy / _PLACE)]
        if (copy / _PLACE).read_text(encoding="utf-8") != CATALOGUE.read_text(encoding="utf-8"):
            problems.append("Texts were added or changed since it was collected.")
        compiled = CATALOGUE.with_suffix(".mo")
        subprocess.run(["msgfmt", "-o", f"{folder}/kept.mo", str(CATALOGUE)], check=True)
        if not compiled.exists() or not filecmp.cmp(compiled, f"{folder}/kept.mo", shallow=False):
            problems.append("The compiled catalogue is out of date.")
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems:
        print(
            "Run 'make messages', translate what is missing in",
            _PLACE,
            "and run it again.",
            file=sys.stderr,
        )
    return len(problems)


def untranslated(catalogue: Path) -> Iterator[str]:
    """Go through what a `.po` file has no translation of, or a fuzzy one: each with the files that say it."""
    for entry in entries(catalogue):
        if not entry.is_translated:
            yield f"{', '.join(entry.places)}: '{entry.text}' is {'fuzzy' if entry.is_fuzzy else 'untranslated'}."


def overlooked(root: Path, catalogue: Path) -> Iterator[str]:
    """Go through where the code in `root` says a text that was not collected into a `.po` file."""
    known = {f"{entry.context}\x04{entry.text}" if entry.context else entry.text for entry in entries(catalogue)}
    for path in sorted(root.glob("*/**/*.py")):
        if path.relative_to(root).parts[0] in _IGNORED:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _SAY:
                said = [argument.value for argument in node.args if isinstance(argument, ast.Constant)]
                context, *others = [text for text in said if isinstance(text, str)] or [""]
                text = f"{context}\x04{others[0]}" if "pgettext" in node.func.id and others else context
                if text and text not in known:
                    place = f"{path.relative_to(root)}:{node.lineno}"
                    yield f"{place} is not collected: xgettext doesn't look into f-strings."


def _environment() -> dict[str, str]:
    return {**os.environ, "DJANGO_SETTINGS_MODULE": "amls.settings"}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
