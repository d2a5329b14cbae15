"""What somebody typed, as PostgreSQL's full-text search understands it, and how it is asked for what has these words.

Nothing typed is ever an operator: words are handed to PostgreSQL's own parser as parameters,
and what it returns is put together here. Only quotation marks mean something: a phrase.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.search import SearchVectorField
from django.db import connection
from django.db.models import BigIntegerField, BooleanField, Case, F, Func, IntegerField, When
from django.db.models.lookups import GreaterThanOrEqual, In

from amls.core.fulltext import fold_words, joined, separate, vector_sql
from amls.core.statements import Parameter
from amls.core.text import clean_line
from amls.portal.search.fillers import FILLERS
from amls.portal.search.readers import Reader, materials_seen
from lectures.managers import PassageQuerySet
from lectures.models import Passage

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
        stems: by which words in a text are marked.
        prefix: the beginning of the last word, folded.
        written: the words as they were typed, folded.
    """

    all_terms: WordQuery
    any_term: WordQuery
    stems: frozenset[str]
    prefix: str
    written: frozenset[str]


_NOTHING = Queries(WordQuery(), WordQuery(), frozenset(), "", frozenset())


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
    return Queries(all_terms, any_term, stems, prefix, frozenset(written))


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


def _lexemes(query: str) -> list[str]:
    return [lexeme.replace("''", "'") for lexeme in re.findall(r"'((?:[^']|'')*)'", query)]


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


def matches(vector: str, query: Parameter | Case) -> Func:
    """Return the condition that a column of search vectors matches a tsquery text."""
    return Func(F(vector), query, template="%(expressions)s::tsquery", arg_joiner=" @@ ", output_field=BooleanField())


class RowVector(Func):
    """What a short text is found by: its title (A) and its other columns (B), in a language's stems and as written."""

    output_field = SearchVectorField()

    def as_sql(self, compiler: Any, connection: Any, *args: Any, **extra: Any) -> tuple[str, tuple[str | int, ...]]:
        """Return the SQL."""
        title, *texts = (compiler.compile(expression)[0] for expression in self.get_source_expressions())
        configuration = f"'{self.extra['configuration']}'::regconfig"
        # As one text: a parser started for each column would cost as much again as what it reads.
        return f"({vector_sql(configuration, [(title, 'A'), (joined(texts), 'B')])})", ()


def passages_matching(most: int) -> PassageQuerySet:
    """Return so many passages that match, those of the newest files first: what `in_their_courses` says.

    A last word that stands as a whole on so many pages is looked for as it is, and not also as a beginning.
    """
    # A value that is looked at, and no condition that could choose the rows: from 'of these files' the planner would
    # read every page of them instead of asking the index of words.
    is_seen = Func(
        In(F("file"), materials_seen().order_by().values("current")),
        template="%(expressions)s IS TRUE",
        output_field=BooleanField(),
    )
    # Nor an order that an index has: it would be read from its end for those few that match.
    newest = Func(F("file"), template="(%(expressions)s + 0)", output_field=BigIntegerField())
    begun, whole = Parameter("begun"), Parameter("whole")
    seen = Passage.objects.filter(is_seen).order_by()
    as_wholes = ArraySubquery(Passage.objects.filter(matches("vector", whole)).order_by().values("pk")[:most])
    is_enough = GreaterThanOrEqual(Func(as_wholes, function="cardinality", output_field=IntegerField()), most)
    asked = Case(When(is_enough, then=whole), default=begun)
    return seen.filter(matches("vector", asked)).order_by(newest.desc())[:most]


def in_their_courses(reader: Reader, asked: WordQuery) -> dict[str, str]:
    """Return what `passages_matching` is given: it asks the index for the courses too, so that others' pages cost nothing."""
    where = _in_courses(reader)
    return {"begun": f"({asked.begun}) & ({where})", "whole": f"({asked.whole}) & ({where})"}


def words_in_files(reader: Reader, words: Collection[str]) -> set[str]:
    """Return which of some words stand, as they are written, in a file that the reader may see: 1 query."""
    where = _in_courses(reader)
    queries = [f"{as_written(word)} & ({where})" for word in words]
    with connection.cursor() as cursor:
        cursor.execute(_WORDS_IN_FILES, [list(words), queries, reader.files])
        return {word for (word,) in cursor.fetchall()}


_WORDS_IN_FILES = """
    SELECT typed.word FROM unnest(%s::text[], %s::text[]) AS typed (word, query)
    WHERE EXISTS (
        SELECT 1 FROM lectures_passage p WHERE p.vector @@ typed.query::tsquery AND (p.file_id = ANY (%s)) IS TRUE)
"""


def _in_courses(reader: Reader) -> str:
    return " | ".join(f"'course/{pk}'" for pk in reader.courses)
