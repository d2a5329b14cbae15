"""Text as PostgreSQL's full-text search should see it: words that a sign joins are found one by one.

Its parser takes 'CPU/GPU' for the path of a file, 'numpy.dot' for a host, 'a@b' for an address
and '<String>' for markup, so that neither 'GPU' nor 'dot' nor 'String' would find them (PostgreSQL
manual, 12.5). What is searched and what is typed are separated in the same way.
"""

import re
from typing import Any

from django.db.models import Func, TextField

_JOINING = r"/\<>&@"
_TABLE = str.maketrans(dict.fromkeys(_JOINING, " "))
# A point beside a letter; '3.14' and 'v2.0' stay whole.
_POINT = re.compile(r"\.(?=[^\W\d_])|(?<=[^\W\d_])\.")


def separate(text: str) -> str:
    """Return what was typed with spaces for the signs that join words."""
    return _POINT.sub(" ", text.translate(_TABLE))


class Separated(Func):
    """The same of a column, as an immutable expression."""

    arity = 1
    template = f"regexp_replace(translate(%(expressions)s, '{_JOINING}', '{' ' * len(_JOINING)}'), '\\.(?=[[:alpha:]])|(?<=[[:alpha:]])\\.', ' ', 'g')"
    output_field: Any = TextField()
