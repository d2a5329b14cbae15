"""Which passages of files have what is looked for, among those that the reader may see."""

from django.db.models import BooleanField, F, Func, Value

from amls.overview.search.query import as_written
from amls.overview.search.readers import Reader
from lectures.managers import PassageQuerySet
from lectures.models import Passage


def matches(vector: str, query: str) -> Func:
    """Return the condition that a column of search vectors matches a tsquery text."""
    return Func(
        F(vector), Value(query), template="%(expressions)s::tsquery", arg_joiner=" @@ ", output_field=BooleanField()
    )


def passages_with(reader: Reader, query: str) -> PassageQuerySet:
    """Return what matches a tsquery text. The index is asked for the course too: others' pages cost nothing."""
    where = " | ".join(f"'course/{pk}'" for pk in reader.courses)
    return Passage.objects.filter(matches("vector", f"({query}) & ({where})"), file__in=list(reader.files))


def has_word(reader: Reader, word: str) -> bool:
    """Return whether a word stands, as it is written, in anything that the reader may see."""
    return passages_with(reader, as_written(word)).exists()
