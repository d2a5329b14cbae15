"""Bytes of a table to text: by its mark, else UTF-8, else UTF-16 by its zeros, else Windows-1252 or Mac Roman; or as somebody chose."""

import codecs
import re
import unicodedata
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from amls.core.violations import RuleViolation

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

# UTF-32 before UTF-16: the mark of the one begins with that of the other.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# UTF-8 that a program took for Windows-1252 and saved as UTF-8 again: 'PÃ¢mela'.
TWICE = "utf-8-twice"
LABELS: "dict[str, str | _StrPromise]" = {
    "utf-8": "UTF-8",
    "utf-16-le": "UTF-16",
    "utf-16-be": "UTF-16 (big-endian)",
    "utf-32-le": "UTF-32",
    "utf-32-be": "UTF-32 (big-endian)",
    "cp1252": gettext_lazy("Windows, Western Europe (1252)"),
    "mac-roman": gettext_lazy("Mac (Roman)"),
    "cp1250": gettext_lazy("Windows, Central Europe (1250)"),
    "cp1254": gettext_lazy("Windows, Turkish (1254)"),
    "cp1251": gettext_lazy("Windows, Cyrillic (1251)"),
    "cp850": gettext_lazy("DOS, Western Europe (850)"),
    "cp852": gettext_lazy("DOS, Central Europe (852)"),
    TWICE: gettext_lazy("UTF-8, encoded twice"),
}
_CHOICES = ("utf-8", "cp1252", "mac-roman", "cp1250", "cp1254", "cp1251", "cp850", "cp852", TWICE)
# A sign beyond ASCII between two letters: in words it is a small letter, an apostrophe or a dash, or a capital among capitals.
_WITHIN = re.compile(r"(?<=[^\W\d_])[^\x00-\x7f](?=[^\W\d_])")
_USUAL_WITHIN = {"Ll", "Pi", "Pf", "Pd"}
_WORD = re.compile(r"[^\s,;|\"]+")
_SAMPLES = 3
_SAMPLE_LENGTH = 60
_LOOKED_AT = 100_000


@dataclass(frozen=True, slots=True)
class Choice:
    """One way to read the bytes of a file.

    Attributes:
        name: of the encoding, as `decode` takes it.
        label: what people call it.
        sample: what the first words with other letters than A to Z become by it.
    """

    name: str
    label: str
    sample: str


def decode(content: bytes, encoding: str = "") -> tuple[str, str]:
    """Return the text of a file without its mark, and the name of its encoding.

    Args:
        content: of the file.
        encoding: one of `LABELS`; '' finds out.

    Raises:
        RuleViolation: it is no text, or not in the encoding that was chosen.
    """
    if encoding:
        return _as_chosen(content, encoding), encoding
    for mark, name in _MARKS:
        if content.startswith(mark):
            return _as_chosen(content, name), name
    for likely in ("utf-8", _by_zeros(content)):
        text = _try(content, likely) if likely else None
        if text is not None and "\0" not in text:
            return text, likely
    readings = [(text, name) for name in ("cp1252", "mac-roman") if (text := _try(content, name)) is not None]
    likely_readings = sorted((reading for reading in readings if "\0" not in reading[0]), key=_oddities)
    if likely_readings:
        return likely_readings[0]
    raise RuleViolation(
        _("The file is no table. Save it as CSV or XLSX and choose it again."), code="no-table", field="file"
    )


def choices(content: bytes, encoding: str) -> list[Choice]:
    """Return the ways to read a file that give different texts, that of `encoding` first; one if all are the same."""
    readings: dict[str, Choice] = {}
    for name in (encoding, *_CHOICES):
        text = _try(content, name)
        if text is None or "\0" in text or text in readings:
            continue
        readings[text] = Choice(name, str(LABELS[name]), _sample(text))
    return list(readings.values())


def _sample(text: str) -> str:
    words = (word.group() for word in _WORD.finditer(text, 0, _LOOKED_AT) if not word.group().isascii())
    return ", ".join(dict.fromkeys(islice(words, _SAMPLES)))[:_SAMPLE_LENGTH]


def _as_chosen(content: bytes, encoding: str) -> str:
    text = _try(content, encoding) if encoding in LABELS else None
    if text is None or "\0" in text:
        raise RuleViolation(
            _("The file is not in the encoding %(name)s. Choose another one.")
            % {"name": LABELS.get(encoding, encoding[:20])},
            code="other-encoding",
            field="file",
        )
    return text


def _try(content: bytes, encoding: str) -> str | None:
    for mark, name in _MARKS:
        if encoding == name:
            content = content.removeprefix(mark)
    try:
        if encoding != TWICE:
            return content.decode(encoding)
        once = content.removeprefix(codecs.BOM_UTF8).decode()
        text = once.encode("cp1252").decode()
        return text if text != once else None
    except UnicodeError:
        return None


def _oddities(reading: tuple[str, str]) -> int:
    """Return how many signs stand within words that don't belong there: 'MŸller' and 'Gro§e' were saved on a Mac."""
    text, _encoding = reading
    pairs = (text[match.start() : match.end() + 1] for match in _WITHIN.finditer(text, 0, _LOOKED_AT))
    return sum(unicodedata.category(pair[0]) not in _USUAL_WITHIN and not all(map(str.isupper, pair)) for pair in pairs)


def _by_zeros(content: bytes) -> str:
    """Return which UTF-16 has its zeros where this content has most; separators and line ends are enough."""
    zeros = [content[start::2].count(0) for start in (0, 1)]
    if not any(zeros):
        return ""
    return "utf-16-be" if zeros[0] > zeros[1] else "utf-16-le"
