"""Words of the course that somebody may have meant who mistyped one."""

from collections.abc import Iterator

from rapidfuzz import process
from rapidfuzz.distance import OSA

from amls.overview.search.query import Typed
from amls.overview.search.readers import Reader
from amls.overview.search.snippets import words_of
from amls.overview.search.sources import sources
from lectures.models import Word

_SHORTEST, _LONGEST_TYPED = 4, 40
_MAX_WORDS, _MAX_TRIES, _MAX_MENDED = 20_000, 3, 4
_MAX_TEXTS = 300


def corrections(reader: Reader, typed: Typed) -> Iterator[Typed]:
    """Yield at most three ways to read what was typed with the courses' own words, the likeliest first.

    A word that the courses know stays as it is. One letter too many, too few, wrong or
    swapped is a distance of 1; longer words may have two such slips.
    """
    unknown: list[tuple[str, list[str]]] = []
    for word in dict.fromkeys(typed.words):
        if _SHORTEST <= len(word) <= _LONGEST_TYPED and not word.isdigit():
            near = _near(reader, word)
            if near is not None:
                unknown.append((word, near))
    mendable = [(word, near) for word, near in unknown[:_MAX_MENDED] if near]
    if not mendable:
        return
    best = {word: near[0] for word, near in mendable}
    yield typed.with_words(best)
    tries = 1
    for word, near in mendable:
        for other in near[1:]:
            if tries >= _MAX_TRIES:
                return
            tries += 1
            yield typed.with_words({**best, word: other})


def _near(reader: Reader, word: str) -> list[str] | None:
    """Return the words nearest to one that the courses don't have, or None where they have it."""
    reach = 1 if len(word) <= 5 else 2
    rows = (
        Word.objects.filter(course__in=list(reader.courses))
        .extra(where=["length(word) BETWEEN %s AND %s"], params=[len(word) - reach, len(word) + reach])
        .order_by("-passages")
        .values_list("word", "passages")[:_MAX_WORDS]
    )
    counts: dict[str, int] = {}
    for found, count in rows:
        counts[found] = counts.get(found, 0) + count
    for found in _short_words(reader):
        if abs(len(found) - len(word)) <= reach:
            counts[found] = counts.get(found, 0) + 1
    if word in counts:
        return None
    close = process.extract(word, list(counts), scorer=OSA.distance, score_cutoff=reach, limit=12)
    ranked = sorted(close, key=lambda one: (one[1], one[0][0] != word[0], -counts[one[0]], one[0]))
    return [one[0] for one in ranked]


def _short_words(reader: Reader) -> set[str]:
    """Return the words of titles, abstracts and topics that the reader may see."""
    found: set[str] = set()
    for source in sources():
        for texts in source.rows(reader).values_list(source.title, *source.texts)[:_MAX_TEXTS]:
            found |= words_of(map(str, texts))
    return found
