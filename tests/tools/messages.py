"""The German catalogue: collect its texts, compile it, or check that it is complete and compiled.

`python -m tests.tools.messages` collects and compiles; `--check` changes nothing and fails
if a text is missing, untranslated or fuzzy, or if the compiled file is out of date.
"""

import ast
import filecmp
import gettext
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

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
        counted = subprocess.run(
            ["msgfmt", "--statistics", "-o", f"{folder}/new.mo", str(copy / _PLACE)],
            check=True,
            capture_output=True,
            text=True,
        )
        problems = []
        if re.search(r"fuzzy|untranslated", counted.stderr):
            problems.append(f"The German catalogue is incomplete: {counted.stderr.strip()}")
        if (copy / _PLACE).read_text(encoding="utf-8") != CATALOGUE.read_text(encoding="utf-8"):
            problems.append("Texts were added or changed since it was collected.")
        compiled = CATALOGUE.with_suffix(".mo")
        subprocess.run(["msgfmt", "-o", f"{folder}/kept.mo", str(CATALOGUE)], check=True)
        if not compiled.exists() or not filecmp.cmp(compiled, f"{folder}/kept.mo", shallow=False):
            problems.append("The compiled catalogue is out of date.")
    problems += [f"{place} is not collected: xgettext doesn't look into f-strings." for place in _overlooked()]
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


def _overlooked() -> list[str]:
    """Return where code says a text that the compiled catalogue doesn't know."""
    with CATALOGUE.with_suffix(".mo").open("rb") as compiled:
        known = gettext.GNUTranslations(compiled)._catalog  # type: ignore[attr-defined]
    texts = {key[0] if isinstance(key, tuple) else key for key in known}
    places = []
    for path in sorted(ROOT.glob("*/**/*.py")):
        if path.relative_to(ROOT).parts[0] in _IGNORED:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _SAY:
                said = [argument.value for argument in node.args if isinstance(argument, ast.Constant)]
                context, *others = [text for text in said if isinstance(text, str)] or [""]
                text = f"{context}\x04{others[0]}" if "pgettext" in node.func.id and others else context
                if text and text not in texts:
                    places.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    return places


def _environment() -> dict[str, str]:
    return {**os.environ, "DJANGO_SETTINGS_MODULE": "amls.settings"}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
