"""Catalogues of translations as they stand on the disk."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_PLACES = re.compile(r"^#: (.*)$", re.MULTILINE)
_FLAGS = re.compile(r"^#, (.*)$", re.MULTILINE)
_FIELD = r'^{name} (".*"(?:\n".*")*)'


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """One text of a catalogue: as it stands in the code, and translated; `places` are the files that say it.

    A fuzzy one was translated for another text that is like it, and isn't said to anybody before somebody looked at it.
    """

    text: str
    translations: tuple[str, ...]
    context: str
    plural: str
    places: tuple[str, ...]
    is_fuzzy: bool

    @property
    def is_translated(self) -> bool:
        """Whether it can be said in the catalogue's language."""
        return all(self.translations) and not self.is_fuzzy


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
        is_fuzzy = any("fuzzy" in flags for flags in _FLAGS.findall(block))
        yield CatalogueEntry(text, translations, _said(block, "msgctxt"), plural, places, is_fuzzy)


def _said(block: str, name: str) -> str:
    field = re.search(_FIELD.format(name=re.escape(name)), block, re.MULTILINE)
    return "".join(ast.literal_eval(line) for line in field.group(1).split("\n")) if field else ""
