"""Words of the course that somebody may have meant who mistyped one."""

from collections import Counter
from collections.abc import Iterator
from functools import cache
from importlib import import_module

from amls.core.statements import Statement
from amls.portal.search.query import Typed, folded_words, words_in_files
from amls.portal.search.readers import Reader
from amls.portal.search.snippets import words_of
from amls.portal.search.sources import Source, sources
from amls.portal.search.ways import ways_for
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
    known = {folded for word in short for folded in folded_words(word)}
    unknown = [
        word for word in dict.fromkeys(typed.words) if not known.issuperset(folded_words(word)) and _is_mendable(word)
    ]
    standing = words_in_files(reader, unknown) if unknown else set()
    looked_at = [word for word in unknown if word not in standing][:_MAX_MENDED]
    mendable = [(word, near) for word in looked_at if (near := _near(reader, word, short))]
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


def _is_mendable(word: str) -> bool:
    return _SHORTEST <= len(word) <= _LONGEST_TYPED and not word.isdigit()


def _near(reader: Reader, word: str, short: set[str]) -> list[str]:
    """Return at most three words, the nearest to one that the reader's courses don't have: 2 queries.

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
    counts: Counter[str] = Counter(near for near in short if abs(len(near) - len(word)) <= reach)
    for near, count in rows:
        counts[near] += count
    # Loaded by who mistypes: most processes never do.
    extract, distance = import_module("rapidfuzz.process").extract, import_module("rapidfuzz.distance").OSA.distance
    close = extract(word, list(counts), scorer=distance, score_cutoff=reach, limit=_MAX_NEAR)
    ordered = sorted(close, key=lambda ranked: (ranked[1], ranked[0][0] != word[0], -counts[ranked[0]], ranked[0]))
    candidates = [near for near, _distance, _index in ordered]
    seen = short | words_in_files(reader, [near for near in candidates if near not in short])
    return [near for near in candidates if near in seen][:_MAX_TRIES]


def _short_words(reader: Reader) -> set[str]:
    """Return the words of titles, abstracts and topics that the reader may see, and of where they may go."""
    words: set[str] = set().union(*(led.way.said for led in ways_for(reader)))
    for source in sources:
        for texts in _texts_of(source).run(reader.given):
            words |= words_of(map(str, texts))
    return words


@cache
def _texts_of(source: Source) -> Statement:
    return Statement.of(source.rows().order_by("pk").values_list(source.title, *source.texts)[:_MAX_TEXTS])
