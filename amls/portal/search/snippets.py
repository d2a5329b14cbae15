"""The piece of a text in which the words stand that were searched for, with these words marked."""

from collections.abc import Callable, Iterable
from functools import lru_cache
from html import escape

from django.utils.safestring import SafeString, mark_safe

from amls.core.folding import fold
from amls.portal.search.query import WORD, Queries, as_found, stems_of

_LENGTH = 170
_LEAD = 60
Marked = Callable[[str], bool]


def words_of(texts: Iterable[str]) -> set[str]:
    """Return all words of some texts, in lower case."""
    return {word.lower() for text in texts for word in WORD.findall(text)}


def marker(queries: Queries, words: set[str], language: str) -> Marked:
    """Return what says of each of `words` whether the search found it: exactly as PostgreSQL does."""
    # A stem begins as its word does, but for an umlaut.
    initials = {_initial(stem) for stem in queries.stems}
    stems = stems_of([word for word in words if _initial(word) in initials], language) if initials else {}
    matching = {
        word
        for word in words
        if stems.get(word) in queries.stems
        or (written := as_found(word)) in queries.written
        or (queries.prefix and written.startswith(queries.prefix))
    }
    return lambda word: word.lower() in matching


def _initial(word: str) -> str:
    return _folded(word[:1])


@lru_cache(maxsize=5000)
def _folded(letter: str) -> str:
    return fold(letter)[:1]


def snippet(text: str, is_marked: Marked) -> SafeString:
    """Return about 170 characters around the densest marks, escaped, marks as <mark>."""
    flat = " ".join(text.split())
    places = [match.span() for match in WORD.finditer(flat) if is_marked(match[0])]
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


def marked(text: str, is_marked: Marked) -> SafeString:
    """Return a short text whole, with its marks."""
    pieces, at = [], 0
    for match in WORD.finditer(text):
        if is_marked(match[0]):
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
