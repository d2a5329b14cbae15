"""Text as PostgreSQL's full-text search should see it: words that a sign joins are found one by one.

Its parser takes 'CPU/GPU' for the path of a file, 'numpy.dot' for a host, 'a@b' for an address
and '<String>' for markup, so that neither 'GPU' nor 'dot' nor 'String' would find them (PostgreSQL
manual, 12.5). What is searched and what is typed are separated in the same way.
"""

import re
from collections.abc import Iterable

_JOINING = r"/\<>&@"
_TABLE = str.maketrans(dict.fromkeys(_JOINING, " "))
# A point beside a letter; '3.14' and 'v2.0' stay whole.
_POINT = re.compile(r"\.(?=[^\W\d_])|(?<=[^\W\d_])\.")


def separate(text: str) -> str:
    """Return what was typed with spaces for the signs that join words."""
    return _POINT.sub(" ", text.translate(_TABLE))


def vector_sql(configuration: str, weighted: Iterable[tuple[str, str]]) -> str:
    """Return the SQL of a search vector of columns, each with its weight; all of it is immutable.

    Stems count with the column's weight; every word as it is written with the least one (D), so that the
    beginning of a word finds it.

    Args:
        configuration: SQL of the language's regconfig.
        weighted: SQL of the columns, none of them null, and 'A', 'B' or 'C'.
    """
    columns = [(_separated(column), weight) for column, weight in weighted]
    stems = [f"setweight(to_tsvector({configuration}, {column}), '{weight}')" for column, weight in columns]
    every = " || ' ' || ".join(column for column, _weight in columns)
    return " || ".join([*stems, f"setweight(to_tsvector('simple'::regconfig, {every}), 'D')"])


def _separated(column: str) -> str:
    """Return the SQL that does to a column what `separate` does to what was typed."""
    spaced = f"translate({column}, '{_JOINING}', '{' ' * len(_JOINING)}')"
    return rf"regexp_replace({spaced}, '\.(?=[[:alpha:]])|(?<=[[:alpha:]])\.', ' ', 'g')"
