"""What has the words that are looked for, as PostgreSQL is asked for it."""

from typing import Any

from django.contrib.postgres.search import SearchVectorField
from django.db.models import BooleanField, F, Func, Value

from amls.overview.search.query import as_written
from amls.overview.search.readers import Reader
from amls.web.fulltext import vector_sql
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
        title, *texts = (compiler.compile(one)[0] for one in self.get_source_expressions())
        configuration = f"'{self.extra['configuration']}'::regconfig"
        return f"({vector_sql(configuration, [(title, 'A'), *((text, 'B') for text in texts)])})", ()


def passages_with(reader: Reader, query: str) -> PassageQuerySet:
    """Return what matches a tsquery text. The index is asked for the course too: others' pages cost nothing."""
    where = " | ".join(f"'course/{pk}'" for pk in reader.courses)
    return Passage.objects.filter(matches("vector", f"({query}) & ({where})"), file__in=list(reader.files))


def has_word(reader: Reader, word: str) -> bool:
    """Return whether a word stands, as it is written, in anything that the reader may see."""
    return passages_with(reader, as_written(word)).exists()
