"""Words of the course that somebody may have meant who mistyped one."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from importlib import import_module

from amls.core.statements import Parameter, Statement, is_among
from amls.portal.search.query import Typed, folded_words, words_in_files
from amls.portal.search.readers import Reader, in_courses
from amls.portal.search.snippets import words_of
from amls.portal.search.texts import Texts
from amls.portal.search.ways import ways_for
from lectures.models import WordList

_SHORTEST, _LONGEST_TYPED = 4, 40
_MAX_TRIES, _MAX_MENDED, _MAX_NEAR = 3, 4, 24
# Words, and in how many passages each of them stands.
Words = tuple[list[str], Sequence[int]]
# Across courses: the words of so many, in the order in which they are shown.
_MOST_COURSES = 20


def corrections(reader: Reader, texts: Texts, typed: Typed) -> Iterator[Typed]:
    """Yield at most three ways to read what was typed with the courses' own words, the likeliest first.

    A word that the reader's files and texts have stays as it is. One letter too many, too few, wrong
    or swapped is a distance of 1; longer words may have two such slips. At most 3 queries, whatever was typed.
    """
    whole = [word for word in dict.fromkeys(typed.words) if _is_mendable(word)]
    standing = words_in_files(reader.courses, texts.files, whole) if whole else set()
    strange = [word for word in whole if word not in standing]
    if not strange:
        return
    short = _short_words(reader, texts)
    known = set(folded_words(" ".join(short)))
    unknown = [word for word in strange if not known.issuperset(folded_words(word))][:_MAX_MENDED]
    near = _near(reader, texts, unknown, short) if unknown else {}
    mendable = [(word, near[word]) for word in unknown if near[word]]
    if not mendable:
        return
    best = {word: others[0] for word, others in mendable}
    yield typed.with_words(best)
    tries = 1
    for word, others in mendable:
        for other in others[1:]:
            if tries >= _MAX_TRIES:
                return
            tries += 1
            yield typed.with_words({**best, word: other})


def _is_mendable(word: str) -> bool:
    return _SHORTEST <= len(word) <= _LONGEST_TYPED and not word.isdigit()


def _near(reader: Reader, texts: Texts, typed: list[str], short: set[str]) -> dict[str, list[str]]:
    """Return at most three words for each that was typed, the nearest that the reader's courses have: 2 queries.

    The lists hold the words of all files; those that only stand in what the reader may not see are neither
    suggested nor in the way of others.
    """
    lists: dict[int, list[Words]] = {}
    lengths = sorted({length for word in typed for length in _lengths(word)})
    for length, words, passages in _lists().run({"courses": list(reader.courses)[:_MOST_COURSES], "lengths": lengths}):
        lists.setdefault(length, []).append((words.split("\n"), passages))
    for length in lengths:
        said = [word for word in short if len(word) == length]
        lists.setdefault(length, []).append((said, [0] * len(said)))
    candidates = {
        word: _nearest(word, [listed for length in _lengths(word) for listed in lists[length]]) for word in typed
    }
    asked = {near for others in candidates.values() for near in others} - short
    seen = short | words_in_files(reader.courses, texts.files, asked) if asked else short
    return {word: [near for near in others if near in seen][:_MAX_TRIES] for word, others in candidates.items()}


def _reach(word: str) -> int:
    return 1 if len(word) <= 5 else 2


def _lengths(word: str) -> range:
    reach = _reach(word)
    return range(len(word) - reach, len(word) + reach + 1)


def _nearest(word: str, lists: Iterable[Words]) -> list[str]:
    """Return the words within reach of what was typed, the nearest first, of equally near ones the most frequent."""
    # Loaded by who mistypes: most processes never do.
    extract, distance = import_module("rapidfuzz.process").extract, import_module("rapidfuzz.distance").OSA.distance
    slips: dict[str, int] = {}
    counts: Counter[str] = Counter()
    for words, passages in lists:
        for near, away, place in extract(word, words, scorer=distance, score_cutoff=_reach(word), limit=_MAX_NEAR):
            slips[near] = away
            counts[near] += passages[place]
    return sorted(slips, key=lambda near: (slips[near], near[0] != word[0], -counts[near], near))[:_MAX_NEAR]


@cache
def _lists() -> Statement:
    rows = WordList.objects.filter(in_courses(), is_among("length", Parameter("lengths")))
    return Statement.of(rows.values_list("length", "words", "passages"))


def _short_words(reader: Reader, texts: Texts) -> set[str]:
    """Return the words of titles, abstracts and topics that the reader may see, and of where they may go, in lower case."""
    said: set[str] = set().union(*(led.way.said for led in ways_for(reader)))
    return said | {word.lower() for word in words_of(part for text in texts.short for part in text.parts)}
