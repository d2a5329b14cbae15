"""What a column may mean, and by which words files call it."""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from amls.core.text import without_invisible

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

_IN_BRACKETS = re.compile(r"[(\[]([^)\]]*)[)\]]")
# Moodle writes a total three times, and only '(Real)' or '(Punkte)' are its points.
_OTHER_THAN_POINTS = re.compile("percent|prozent|letter|buchstab|%", re.IGNORECASE)
_LONGEST_HEADING = 100
_NAMED_ADDRESS = re.compile(r"(?:mailto:|[^<>@]*<(?:mailto:)?)([^\s<>@]+@[^\s<>@]+)>?", re.IGNORECASE)


def heading_key(text: str) -> str:
    """Return the heading of a column for comparing: letters and digits only, in one case."""
    return "".join(char for char in unicodedata.normalize("NFKC", text).casefold() if char.isalnum() or char == "#")


def heading_keys(text: str) -> set[str]:
    """Return as what the heading of a column may be understood: what stands in brackets may be left out, 'Punkte (max. 90)'."""
    return {heading_key(text), heading_key(_IN_BRACKETS.sub(_kept_in_brackets, text))}


@dataclass(frozen=True, slots=True)
class Meaning:
    """One thing that a column of a table may say.

    Attributes:
        name: by which code asks for it.
        label: what people call it.
        words: headings by which files call it; case, blanks and signs don't matter.
        is_read: False for a column that we write for people to read and never take back.
        tidy: takes off what programs and people put around it.
        keys: the words, for comparing.
    """

    name: str
    label: "str | _StrPromise"
    words: Sequence[str] = ()
    is_read: bool = True
    tidy: Callable[[str], str] = str
    keys: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "keys", frozenset(heading_key(word) for word in (self.name, *self.words)))


def plain_address(text: str) -> str:
    """Return the address in 'Ada Lovelace <ada@example.org>' and 'mailto:ada@example.org', as mail programs copy it."""
    tidied = without_invisible(text).strip()
    alone = _NAMED_ADDRESS.fullmatch(tidied)
    return alone.group(1) if alone else tidied


# Headings of Moodle, ILIAS, Stud.IP, CAMPUSonline and its TUMonline, HISinOne and QIS, Moses, Artemis, OPAL and the
# offices' own sheets.
EMAIL = Meaning(
    "email", _("e-mail address"),
    ("e-mail", "mail", "e-mail-adresse", "email address", "mailadresse", "mail address", "adresse e-mail", "uni-mail",
     "hochschul-e-mail", "studentische e-mail", "email of student", "email address of student"),
    tidy=plain_address,
)  # fmt: skip
NUMBER = Meaning(
    "matriculation_number", _("matriculation number"),
    ("matriculation", "matriculation no", "matriculation nr", "matrikelnummer", "martikelnummer", "matrikel", "matrikelnr", "matrikel-no",
     "matr.-nr.", "matr", "mat.-nr.", "mtknr", "mtk-nr", "immatrikulationsnummer", "student id", "student number", "student no",
     "id number", "id-nummer", "idnumber", "registration number", "registration no", "registrierungsnummer", "kennnummer"),
    tidy=without_invisible,
)  # fmt: skip
NAME = Meaning(
    "name", _("name"),
    ("full name", "vollständiger name", "display name", "anzeigename", "vorname nachname", "first name last name", "name des studierenden",
     "student name", "studierende/r", "studierender", "teilnehmer/in", "teilnehmer"),
)  # fmt: skip
FAMILY_GIVEN = Meaning(
    "family_given", _("family name, given name"),
    ("nachname, vorname", "name, vorname", "familienname, vorname", "last name, first name", "surname, given name", "surname, first name",
     "family name, given name", "family name, first name", "zuname, vorname"),
)  # fmt: skip
GIVEN = Meaning(
    "given_name", _("given name"),
    ("vorname", "vornamen", "vorname(n)", "first name", "firstname", "forename", "rufname", "first name of student", "given names"),
)  # fmt: skip
FAMILY = Meaning(
    "family_name", _("family name"),
    ("nachname", "last name", "lastname", "surname", "familienname", "zuname", "family name of student", "last name of student",
     "familienname oder nachname", "familien- oder nachname"),
)  # fmt: skip
POINTS = Meaning(
    "points", _("points"),
    ("punkte", "punktzahl", "score", "total", "total points", "points total", "sum", "summe", "gesamt", "gesamtpunkte", "gesamtpunktzahl",
     "summe punkte", "erreichte punkte", "kurs gesamt", "course total", "overall points",
     "testergebnis in punkten", "test results in points"),
)  # fmt: skip
OUTCOME = Meaning(
    "outcome", _("result"),
    ("result", "results", "passed", "bestanden", "ergebnis", "resultat", "status", "testat", "passed or failed", "bestanden oder nicht", "pass", "grade", "note",
     "bewertung", "leistung"),
)  # fmt: skip
NAMES = (NAME, FAMILY_GIVEN, GIVEN, FAMILY)


def recognise(header: Sequence[str], meanings: Sequence[Meaning]) -> dict[str, list[int]]:
    """Return by the names of meanings which columns call themselves so, left to right."""
    columns: dict[str, list[int]] = {}
    keys = [
        (index, heading_keys(heading)) for index, heading in enumerate(header) if 0 < len(heading) <= _LONGEST_HEADING
    ]
    for meaning in meanings:
        indexes = [index for index, key in keys if key & meaning.keys]
        if indexes:
            columns[meaning.name] = indexes
    # 'Name' beside 'Vorname' is the family's.
    if columns.keys() >= {NAME.name, GIVEN.name} and FAMILY.name not in columns and FAMILY in meanings:
        columns[FAMILY.name] = columns.pop(NAME.name)
    return columns


def _kept_in_brackets(bracket: re.Match[str]) -> str:
    return bracket.group() if _OTHER_THAN_POINTS.search(bracket.group(1)) else ""


def label_of(name: str, meanings: Sequence[Meaning]) -> str:
    """Return what people call the meaning with this name."""
    labels: Mapping[str, object] = {meaning.name: meaning.label for meaning in meanings}
    return str(labels[name])
