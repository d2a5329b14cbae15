"""What has the words that are looked for, as PostgreSQL is asked for it."""

from collections.abc import Collection
from typing import Any

from django.contrib.postgres.search import SearchVectorField
from django.db import connection
from django.db.models import BooleanField, F, Func, Value

from amls.core.fulltext import vector_sql
from amls.portal.search.query import as_written
from amls.portal.search.readers import Reader
from lectures.managers import PassageQuerySet
from lectures.models import Passage


def matches(vector: str, query: str) -> Func:
    """Return the condition that a column of search vectors matches a tsquery text."""
    return Func(
        F(vector), Value(query), template="%(expressions)s::tsquery", arg_joiner=" @@ ", output_field=BooleanField()
    )


class RowVector(Func):
    """What a short text is found by: its title (A) and its other columns (B), in a language's stems and as written."""

    output_field = SearchVectorField()

    def as_sql(self, compiler: Any, connection: Any, *args: Any, **extra: Any) -> tuple[str, tuple[str | int, ...]]:
        """Return the SQL."""
        title, *texts = (compiler.compile(expression)[0] for expression in self.get_source_expressions())
        configuration = f"'{self.extra['configuration']}'::regconfig"
        return f"({vector_sql(configuration, [(title, 'A'), *((text, 'B') for text in texts)])})", ()


def passages_with(reader: Reader, query: str) -> PassageQuerySet:
    """Return what matches a tsquery text. The index is asked for the course too: others' pages cost nothing."""
    return Passage.objects.filter(
        matches("vector", f"({query}) & ({_in_courses(reader)})"), file__in=list(reader.files)
    )


def words_in_files(reader: Reader, words: Collection[str]) -> set[str]:
    """Return which of some words stand, as they are written, in a file that the reader may see: 1 query."""
    where = _in_courses(reader)
    queries = [f"{as_written(word)} & ({where})" for word in words]
    with connection.cursor() as cursor:
        cursor.execute(_WORDS_IN_FILES, [list(words), queries, list(reader.files)])
        return {word for (word,) in cursor.fetchall()}


_WORDS_IN_FILES = """
    SELECT typed.word FROM unnest(%s::text[], %s::text[]) AS typed (word, query)
    WHERE EXISTS (
        SELECT 1 FROM lectures_passage p WHERE p.vector @@ typed.query::tsquery AND p.file_id = ANY (%s))
"""


def _in_courses(reader: Reader) -> str:
    return " | ".join(f"'course/{pk}'" for pk in reader.courses)
