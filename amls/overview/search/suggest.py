"""Words of the course that somebody may have meant who mistyped one."""

from collections import Counter
from collections.abc import Iterator
from itertools import islice

from rapidfuzz import process
from rapidfuzz.distance import OSA

from amls.overview.search.passages import has_word
from amls.overview.search.query import Typed
from amls.overview.search.readers import Reader
from amls.overview.search.snippets import words_of
from amls.overview.search.sources import sources
from lectures.models import Word

_SHORTEST, _LONGEST_TYPED = 4, 40
_MAX_WORDS, _MAX_TRIES, _MAX_MENDED, _MAX_NEAR = 20_000, 3, 4, 24
_MAX_TEXTS = 300


def corrections(reader: Reader, typed: Typed) -> Iterator[Typed]:
    """Yield at most three ways to read what was typed with the courses' own words, the likeliest first.

    A word that the reader's files and texts have stays as it is. One letter too many, too few, wrong
    or swapped is a distance of 1; longer words may have two such slips.
    """
    short = _short_words(reader)
    mendable: list[tuple[str, list[str]]] = []
    for word in dict.fromkeys(typed.words):
        if len(mendable) < _MAX_MENDED and _is_mendable(reader, word, short):
            near = list(islice(_near(reader, word, short), _MAX_TRIES))
            if near:
                mendable.append((word, near))
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


def _is_mendable(reader: Reader, word: str, short: set[str]) -> bool:
    is_word = _SHORTEST <= len(word) <= _LONGEST_TYPED and not word.isdigit()
    return is_word and word not in short and not has_word(reader, word)


def _near(reader: Reader, word: str, short: set[str]) -> Iterator[str]:
    """Yield the words nearest to one that the reader's courses don't have.

    The vocabulary holds the words of all files; those that only stand in what the reader may
    not see are neither suggested nor in the way of others.
    """
    reach = 1 if len(word) <= 5 else 2
    rows = (
        Word.objects.filter(course__in=list(reader.courses))
        .extra(where=["length(word) BETWEEN %s AND %s"], params=[len(word) - reach, len(word) + reach])
        .order_by("-passages")
        .values_list("word", "passages")[:_MAX_WORDS]
    )
    counts: Counter[str] = Counter(found for found in short if abs(len(found) - len(word)) <= reach)
    for found, count in rows:
        counts[found] += count
    close = process.extract(word, list(counts), scorer=OSA.distance, score_cutoff=reach, limit=_MAX_NEAR)
    for found, _distance, _index in sorted(
        close, key=lambda one: (one[1], one[0][0] != word[0], -counts[one[0]], one[0])
    ):
        if found in short or has_word(reader, found):
            yield found


def _short_words(reader: Reader) -> set[str]:
    """Return the words of titles, abstracts and topics that the reader may see."""
    found: set[str] = set()
    for source in sources():
        for texts in source.rows(reader).values_list(source.title, *source.texts)[:_MAX_TEXTS]:
            found |= words_of(map(str, texts))
    return found
