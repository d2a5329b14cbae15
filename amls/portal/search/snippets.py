"""The piece of a text in which the words stand that were searched for, with these words marked."""

from collections.abc import Container, Iterable
from functools import lru_cache
from html import escape

from django.utils.safestring import SafeString, mark_safe

from amls.core.folding import fold
from amls.portal.search.query import WORD, Queries, as_found, stems_of

_LENGTH = 170
_LEAD = 60


def words_of(texts: Iterable[str]) -> set[str]:
    """Return all words of some texts, as they stand there."""
    return {word for text in texts for word in WORD.findall(text)}


def marker(queries: Queries, words: Iterable[str], language: str) -> frozenset[str]:
    """Return which of some words the search found: exactly as PostgreSQL does."""
    # A stem begins as its word does, but for an umlaut, and so does what is as written.
    initials = {_folded(word[:1]) for word in (*queries.stems, *queries.written, queries.prefix) if word}
    near = {word: word.lower() for word in words if _folded(word[0]) in initials}
    stems = stems_of(near.values(), language) if queries.stems else {}
    return frozenset(
        word
        for word, lower in near.items()
        if stems.get(lower) in queries.stems
        or (written := as_found(lower)) in queries.written
        or (queries.prefix and written.startswith(queries.prefix))
    )


@lru_cache(maxsize=5000)
def _folded(letter: str) -> str:
    return fold(letter)[:1]


def snippet(text: str, marks: Container[str]) -> SafeString:
    """Return about 170 characters around the densest marks, escaped, marks as <mark>."""
    flat = " ".join(text.split())
    places = [match.span() for match in WORD.finditer(flat) if match[0] in marks]
    start = _best_start(places)
    if start:
        # Not in the middle of a word.
        start = flat.find(" ", start) + 1
    end = min(len(flat), start + _LENGTH)
    if end < len(flat):
        end = max(flat.rfind(" ", start, end), start + _LENGTH // 2)
    pieces, at = [], start
    for first, last in places:
        if first >= start and last <= end:
            pieces += [escape(flat[at:first]), f"<mark>{escape(flat[first:last])}</mark>"]
            at = last
    pieces.append(escape(flat[at:end]))
    shown = "".join([*(["… "] if start else []), *pieces, *([" …"] if end < len(flat) else [])])
    return mark_safe(shown)  # noqa: S308 - every piece was escaped


def marked(text: str, marks: Container[str]) -> SafeString:
    """Return a short text whole, with its marks."""
    pieces, at = [], 0
    for match in WORD.finditer(text):
        if match[0] in marks:
            pieces += [escape(text[at : match.start()]), f"<mark>{escape(match[0])}</mark>"]
            at = match.end()
    return mark_safe("".join([*pieces, escape(text[at:])]))  # noqa: S308 - every piece was escaped


def _best_start(places: list[tuple[int, int]]) -> int:
    """Return where the window with the most marks begins, with some words before the first of them."""
    best, most = 0, 0
    for index, (first, _last) in enumerate(places):
        count = sum(1 for place in places[index:] if place[1] <= first + _LENGTH - _LEAD)
        if count > most:
            best, most = first, count
    return best - _LEAD if best > _LEAD else 0
