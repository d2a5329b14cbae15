"""Text as PostgreSQL's full-text search should see it: words that a sign joins are found one by one.

Its parser takes 'CPU/GPU' for the path of a file, 'numpy.dot' for a host, 'a@b' for an address
and '<String>' for markup, so that neither 'GPU' nor 'dot' nor 'String' would find them (PostgreSQL
manual, 12.5). What is searched and what is typed are separated in the same way, and words as they are
written are folded as everywhere (see `folding`), so that 'Pruef' begins 'Prüfung'.
"""

import re
from collections.abc import Iterable

from amls.core.folding import fold, fold_sql, shorten, shorten_sql

_JOINING = r"/\<>&@"
_TABLE = str.maketrans(dict.fromkeys(_JOINING, " "))
# A point beside a letter; '3.14' and 'v2.0' stay whole.
_POINT = re.compile(r"\.(?=[^\W\d_])|(?<=[^\W\d_])\.")


def separate(text: str) -> str:
    """Return what was typed with spaces for the signs that join words."""
    return _POINT.sub(" ", text.translate(_TABLE))


def fold_words(text: str) -> str:
    """Return a text with its words as the vector has them that are as written: folded and shortened, apart."""
    return separate(shorten(fold(text)))


def vector_sql(configuration: str, weighted: Iterable[tuple[str, str]]) -> str:
    """Return the SQL of a search vector of columns, each with its weight; all of it is immutable.

    Stems count with the column's weight; every word as it is written, but folded and shortened, with the least
    one (D), so that the beginning of a word finds it, whatever the keyboard.

    Args:
        configuration: SQL of the language's regconfig.
        weighted: SQL of the columns, none of them null, and 'A', 'B' or 'C'.
    """
    weighted = list(weighted)
    stems = [
        f"setweight(to_tsvector({configuration}, {_separated(column)}), '{weight}')" for column, weight in weighted
    ]
    every = shorten_sql(fold_sql(joined(column for column, _weight in weighted)))
    return " || ".join([*stems, f"setweight(to_tsvector('simple'::regconfig, {_separated(every)}), 'D')"])


def words_sql(columns: Iterable[str]) -> str:
    """Return the SQL of a search vector of the words of columns as they are written, with all their marks."""
    return f"to_tsvector('simple'::regconfig, {_separated(joined(columns))})"


def joined(columns: Iterable[str]) -> str:
    """Return the SQL of columns as one text."""
    return " || ' ' || ".join(columns)


def _separated(column: str) -> str:
    """Return the SQL that does to a column what `separate` does to what was typed."""
    spaced = f"translate({column}, '{_JOINING}', '{' ' * len(_JOINING)}')"
    return rf"regexp_replace({spaced}, '\.(?=[[:alpha:]])|(?<=[[:alpha:]])\.', ' ', 'g')"
