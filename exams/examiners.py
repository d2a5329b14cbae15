"""Who examines, by the names that staff type: which names these are, and who of the staff is meant."""

import re

from amls.courses.spellings import names_agree

_BETWEEN_NAMES = re.compile(r"[,;/&+]|\b(?:and|und)\b")
# Words beside a name that are no part of it; others, such as 'Dr.' or 'Univ.-Prof.', have a full stop.
_TITLES = {"prof", "dr", "pd", "herr", "frau", "mr", "mrs", "ms"}


def listed_names(examiners: str) -> list[str]:
    """Return the names in what was typed, such as 'Prof. Boehm, Dr. Größe', as they stand there."""
    return [name for part in _BETWEEN_NAMES.split(examiners) if (name := " ".join(part.split()))]


def alike_names(examiners: str) -> set[str]:
    """Return the names in what was typed, each as it is compared with others."""
    return {name.casefold() for name in listed_names(examiners)}


def conducts(person: str, examiners: str) -> bool:
    """Return whether somebody is named among examiners: 'Dr. Größe' is Jonas Größe, and not Anna Grosser.

    Two of one family name whom nothing else tells apart are both meant.

    Args:
        person: their whole name.
        examiners: as it was typed.
    """
    bare = _bare(person)
    names = [_bare(name) for name in listed_names(examiners)]
    return bool(bare) and any(names_agree(name, bare, loosely=False) for name in names if name)


def _bare(name: str) -> str:
    return " ".join(word for word in name.split() if "." not in word and word.casefold() not in _TITLES)
