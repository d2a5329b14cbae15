"""What somebody typed, as PostgreSQL's full-text search understands it, and how it is asked for what has these words.

Nothing typed is ever an operator: words are handed to PostgreSQL's own parser as parameters,
and what it returns is put together here. Only quotation marks mean something: a phrase.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from django.db import connection

from amls.core.fulltext import fold_words, separate
from amls.core.statements import rows_of
from amls.core.text import clean_line
from amls.portal.search.fillers import FILLERS

MAX_CHARACTERS = 200
MAX_TERMS = 12
_TERM = re.compile(r'"([^"]+)"|(\S+)')
# '3.14' is one word, as it is for PostgreSQL.
WORD = re.compile(r"[^\W_]+(?:\.\d+)*")
_QUOTES = str.maketrans(dict.fromkeys("“”„«»", '"'))
CONFIGURATIONS = {"de": ("german", "german_stem"), "en": ("english", "english_stem")}


@dataclass(frozen=True, slots=True)
class SearchTerm:
    """A word, or several in quotation marks."""

    text: str
    is_phrase: bool = False

    def __str__(self) -> str:
        return f'"{self.text}"' if self.is_phrase else self.text


@dataclass(frozen=True)
class Typed:
    """What was typed, within bounds.

    Attributes:
        text: the cleaned line, as it is shown again.
        terms: its words and phrases, in order, without those that only carry a question where others are left.
        is_cut: whether more was typed than counts.
        is_last_open: whether the last word may only be the beginning of one.
    """

    text: str
    terms: tuple[SearchTerm, ...]
    is_cut: bool = False
    is_last_open: bool = True

    @cached_property
    def words(self) -> tuple[str, ...]:
        """All words, in lower case."""
        return tuple(word.lower() for term in self.terms for word in WORD.findall(term.text))

    @cached_property
    def telling(self) -> tuple[str, ...]:
        """The words of its terms as the search has them that are as written."""
        return tuple(folded_words(" ".join(term.text for term in self.terms)))

    @cached_property
    def all_folded(self) -> frozenset[str]:
        """All words that were typed, likewise."""
        return frozenset(folded_words(self.text))

    def with_words(self, replaced: dict[str, str]) -> "Typed":
        """Return what was typed with some words (in lower case) replaced by others."""

        def change(text: str) -> str:
            return WORD.sub(lambda match: replaced.get(match[0].lower(), match[0]), text)

        terms = tuple(SearchTerm(change(term.text), term.is_phrase) for term in self.terms)
        return Typed(" ".join(map(str, terms)), terms, self.is_cut, self.is_last_open)


def read_typed(raw: str) -> Typed:
    """Return what of `raw` is searched for: at most 200 characters and 12 words or phrases."""
    line = clean_line(raw[: MAX_CHARACTERS * 2])
    is_cut = len(line) > MAX_CHARACTERS or len(raw) > MAX_CHARACTERS * 2
    text = line[:MAX_CHARACTERS].strip()
    terms = []
    for phrase, word in _TERM.findall(text.translate(_QUOTES)):
        piece = phrase or word
        if WORD.search(piece):
            terms.append(SearchTerm(piece.strip('"'), is_phrase=bool(phrase)))
    terms = [term for term in terms if term.is_phrase or not FILLERS.issuperset(folded_words(term.text))] or terms
    is_last_open = bool(terms) and not terms[-1].is_phrase
    return Typed(text, tuple(terms[:MAX_TERMS]), is_cut or len(terms) > MAX_TERMS, is_last_open)


@dataclass(frozen=True, slots=True)
class WordQuery:
    """A tsquery text; both are empty if nothing can be searched for.

    Attributes:
        begun: the last word may only be the beginning of one.
        whole: all words as they are. The index has these at hand; what begins a word it gathers in all courses first.
    """

    begun: str = ""
    whole: str = ""


@dataclass(frozen=True, slots=True)
class Queries:
    """A search as tsquery texts.

    Attributes:
        all_terms: finds what has every term.
        any_term: finds what has one of them.
        sought: of each term what stands in the text of each vector that it finds: one of these.
        stems: by which words in a text are marked.
        prefix: the beginning of the last word, folded.
        written: the words as they were typed, folded.
    """

    all_terms: WordQuery
    any_term: WordQuery
    sought: tuple[tuple[str, ...], ...]
    stems: frozenset[str]
    prefix: str
    written: frozenset[str]


_NOTHING = Queries(WordQuery(), WordQuery(), (), frozenset(), "", frozenset())


def make_queries(typed: Typed, language: str) -> Queries:
    """Return the queries for texts in `language` ('de' or 'en'): one query to the database."""
    if not typed.terms:
        return _NOTHING
    configuration, _dictionary = CONFIGURATIONS[language]
    parsed = _parse(configuration, typed.terms)
    last = folded_words(typed.terms[-1].text)
    prefix = last[-1] if typed.is_last_open and last and len(last[-1]) > 1 else ""
    parts: list[str] = []
    whole: list[str] = []
    written: set[str] = set()
    for index, (term, (stemmed, plain)) in enumerate(zip(typed.terms, parsed, strict=True)):
        is_open = bool(prefix) and index == len(typed.terms) - 1
        # And as others write it: 'krueger' is no stem of 'Krüger'.
        as_it_is = [stemmed, plain] if stemmed and plain else [stemmed] if stemmed else []
        # The word as written, whose beginning this is: stems begin otherwise ('optimizat' and 'optim').
        options = [*as_it_is[:1], _prefix_query(last)] if is_open else as_it_is
        if options:
            parts.append(_either(options))
            whole.append(_either(as_it_is or options))
        if options or plain:
            written.update(folded_words(term.text))
    if not parts or (len(parts) == 1 and prefix and not any(stemmed for stemmed, _plain in parsed)):
        # Only words that stand everywhere, such as 'to be': then they count as written.
        plain_parts = [f"({plain})" for _found, plain in parsed if plain]
        parts, whole = plain_parts or parts, plain_parts or whole
    if not parts:
        return _NOTHING
    stems = frozenset(lexeme for stemmed, _plain in parsed for lexeme in _lexemes(stemmed))
    all_terms = WordQuery(" & ".join(parts), " & ".join(whole))
    any_term = WordQuery(" | ".join(parts), " | ".join(whole))
    return Queries(all_terms, any_term, tuple(map(_sought, parts)), stems, prefix, frozenset(written))


def _either(options: Iterable[str]) -> str:
    return "(" + " | ".join(f"({option})" for option in options) + ")"


# What PostgreSQL makes of a word never changes either: see `stems_of`.
_parsed: dict[tuple[str, SearchTerm], tuple[str, str]] = {}


def _parse(configuration: str, terms: tuple[SearchTerm, ...]) -> list[tuple[str, str]]:
    """Return each term's tsquery text in the language, and of the words as written: one query for those not asked before."""
    known = {term: _parsed.get((configuration, term)) for term in terms}
    unknown = [term for term, parsed in known.items() if parsed is None]
    if unknown:
        asked = dict(zip(unknown, _ask(configuration, unknown), strict=True))
        known |= asked
        if len(_parsed) + len(asked) > _MOST_STEMS:
            _parsed.clear()
        _parsed.update({(configuration, term): parsed for term, parsed in asked.items()})
    return [parsed for term in terms if (parsed := known[term]) is not None]


def _ask(configuration: str, terms: Sequence[SearchTerm]) -> list[tuple[str, str]]:
    columns = []
    parameters: list[str] = []
    for term in terms:
        function = "phraseto_tsquery" if term.is_phrase else "plainto_tsquery"
        columns += [f"{function}(%s::regconfig, %s)::text", f"{function}('simple', %s)::text"]
        parameters += [configuration, separate(term.text), fold_words(term.text)]
    with connection.cursor() as cursor:
        cursor.execute("SELECT " + ", ".join(columns), parameters)
        row = cursor.fetchone() or ()
    return list(zip(row[::2], row[1::2], strict=True))


def as_written(text: str) -> str:
    """Return the tsquery text that finds all words of a text as they are written."""
    return " & ".join(f"'{word}'" for word in folded_words(text))


def folded_words(text: str) -> list[str]:
    """Return the words of a text as the search has them that are as written; none of them holds a sign."""
    return WORD.findall(fold_words(text))


@lru_cache(maxsize=50_000)
def as_found(word: str) -> str:
    """Return one word as it is compared with what was typed. Words of slides come again and again."""
    return " ".join(folded_words(word))


def _prefix_query(words: list[str]) -> str:
    *before, last = words
    return " & ".join([*(f"'{word}'" for word in before), f"'{last}':*"])


def _sought(part: str) -> tuple[str, ...]:
    """Return of each word of a tsquery text how it stands in the text of a vector, or how that begins."""
    return tuple({f"'{word}" if begins else f"'{word}'" for word, begins in _QUOTED.findall(part)})


_QUOTED = re.compile(r"'((?:[^']|'')*)'(:\*)?")


def _lexemes(query: str) -> list[str]:
    return [lexeme.replace("''", "'") for lexeme, _begins in _QUOTED.findall(query)]


# What PostgreSQL's dictionaries say of a word never changes: each process asks once, within a bound.
_stems: dict[tuple[str, str], str] = {}
_MOST_STEMS = 50_000


def stems_of(words: Iterable[str], language: str) -> dict[str, str]:
    """Return the stem of each word (in lower case) by PostgreSQL's own dictionary: one query for those not asked before."""
    distinct = set(words)
    stems = {word: _stems.get((language, word)) for word in distinct}
    unknown = sorted(word for word, stem in stems.items() if stem is None)
    if unknown:
        _configuration, dictionary = CONFIGURATIONS[language]
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT word, coalesce((ts_lexize(%s::regdictionary, word))[1], '') FROM unnest(%s::text[]) AS word",
                [dictionary, unknown],
            )
            asked = dict(cursor.fetchall())
        stems |= asked
        if len(_stems) + len(asked) > _MOST_STEMS:
            _stems.clear()
        _stems.update({(language, word): stem for word, stem in asked.items()})
    return {word: stem for word, stem in stems.items() if stem}


def in_their_courses(courses: Iterable[int], asked: str) -> str:
    """Return a tsquery text that asks the index for the courses too, so that others' pages cost nothing."""
    where = " | ".join(f"'course/{pk}'" for pk in courses)
    return f"({asked}) & ({where})"


def words_in_files(courses: Iterable[int], files: Iterable[int], words: Collection[str]) -> set[str]:
    """Return which of some words stand, as they are written, in one of some files of these courses: 1 query."""
    queries = [in_their_courses(courses, as_written(word)) for word in words]
    return {word for (word,) in rows_of(_WORDS_IN_FILES, [list(words), queries, list(files)])}


_WORDS_IN_FILES = """
    SELECT typed.word FROM unnest(%s::text[], %s::text[]) AS typed (word, query)
    WHERE EXISTS (
        SELECT 1 FROM lectures_passage p WHERE p.vector @@ typed.query::tsquery AND (p.file_id = ANY (%s)) IS TRUE)
"""
