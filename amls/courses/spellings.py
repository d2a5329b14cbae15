"""Names as files write them: whether two may be one person's, and which of them is kept.

A program that saves a table in an encoding which lacks some letters writes another sign for each of these: Excel '?'
or '_', others U+FFFD. In a name such a sign stands for any letter, and where no other is left the name says nothing.
"""

import re
from collections.abc import Collection, Iterable

from django.utils.translation import ngettext

from amls.core.folding import fold, shorten

_LOST = re.compile("[?_\ufffd]")


def names_agree(name: str, other: str, *, loosely: bool) -> bool:
    """Return whether two spellings may be one person's name.

    Order, case, marks ('ö', 'oe' and 'o'), titles in brackets and initials don't matter, and one may leave out what
    the other has, or have lost letters. What is written in different scripts can't be compared, and agrees where it
    may do so `loosely`; so does what lost most of its letters.

    Args:
        name: as people and offices write it: 'Hopper, Grace', 'Grace B. Hopper'.
        other: the same.
        loosely: whether one word in common is enough, as after a marriage.
    """
    first, second = _words(name), _words(other)
    if first and second and sorted("".join(first)) == sorted("".join(second)):
        return True
    if loosely:
        first, second = _telling(first), _telling(second)
    if not first or not second or _is_latin(first) != _is_latin(second):
        return loosely
    if loosely:
        return any(_stands_in(second, word) for word in first)
    return all(_stands_in(second, word) for word in first) or all(_stands_in(first, word) for word in second)


def fuller_name(told: str, known: str) -> str:
    """Return which of two names of one person is kept: the new one, unless it is the same with letters lost.

    Args:
        told: what a table says; '' if nothing.
        known: what was known before; '' if nothing.
    """
    has_lost = len(_LOST.findall(told)) > len(_LOST.findall(known))
    is_same = bool(known) and (not _words(told) or names_agree(told, known, loosely=False))
    return known if not told or (has_lost and is_same) else told


def said_of_lost_letters(names: Iterable[str]) -> list[str]:
    """Return what is said of a file in whose names letters were lost, in one sentence or none."""
    lost = [name for name in names if _LOST.search(name)]
    if not lost:
        return []
    said = ngettext(
        "%(count)d name has lost letters ('%(name)s'), because the file was saved in an encoding that lacks them. "
        "Save it as .xlsx or as CSV in UTF-8, and choose that file.",
        "%(count)d names have lost letters, such as '%(name)s', because the file was saved in an encoding that lacks "
        "them. Save it as .xlsx or as CSV in UTF-8, and choose that file.",
        len(lost),
    )
    return [said % {"count": len(lost), "name": lost[0][:80]}]


def _words(name: str) -> set[str]:
    """Return the words of a name, '?' for each letter that it lost; what has no other is none."""
    words = re.findall(r"[\w?]+", _LOST.sub("?", shorten(fold(name))))
    words = [word for word in words if word.strip("?")]
    return {word for word in words if len(word) > 1 or not word.isascii()} or set(words)


def _telling(words: Collection[str]) -> set[str]:
    """Return the words that kept enough to tell people apart: all of their letters, or at least two and half of them."""
    return {word for word in words if "?" not in word or word.count("?") <= len(word) // 2 <= len(word) - 2}


def _stands_in(words: Collection[str], word: str) -> bool:
    return word in words or any(_may_be(word, other) or _may_be(other, word) for other in words)


def _may_be(word: str, other: str) -> bool:
    """Return whether a word that lost letters may be the other: what it kept stands there, in its order.

    A lost letter may be two in the other word, as 'ß' is, or none, as a mark by itself.
    """
    if "?" not in word or len(other) > len(word) + word.count("?"):
        return False
    begins, *within, ends = re.split(r"\?+", word)
    at = len(begins)
    for part in within:
        at = other.find(part, at) + len(part)
        if at < len(part):
            return False
    return other.startswith(begins) and other.endswith(ends) and at + len(ends) <= len(other)


def _is_latin(words: Iterable[str]) -> bool:
    return any(word.isascii() for word in words)
