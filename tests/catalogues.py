"""Catalogues of translations as they stand on the disk."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_PLACES = re.compile(r"^#: (.*)$", re.MULTILINE)
_FIELD = r'^{name} (".*"(?:\n".*")*)'


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """One text of a catalogue: as it stands in the code, and translated; `places` are the files that say it."""

    text: str
    translations: tuple[str, ...]
    context: str
    plural: str
    places: tuple[str, ...]


def entries(catalogue: Path) -> Iterator[CatalogueEntry]:
    """Yield what a `.po` file translates; nothing where there is no such file."""
    if not catalogue.exists():
        return
    for block in catalogue.read_text(encoding="utf-8").split("\n\n"):
        if block.startswith("#~") or "\n#~" in block or not (text := _said(block, "msgid")):
            continue
        plural = _said(block, "msgid_plural")
        names = ["msgstr[0]", "msgstr[1]"] if plural else ["msgstr"]
        translations = tuple(_said(block, name) for name in names)
        places = tuple(place for line in _PLACES.findall(block) for place in line.split())
        yield CatalogueEntry(text, translations, _said(block, "msgctxt"), plural, places)


def _said(block: str, name: str) -> str:
    field = re.search(_FIELD.format(name=re.escape(name)), block, re.MULTILINE)
    return "".join(ast.literal_eval(line) for line in field.group(1).split("\n")) if field else ""
