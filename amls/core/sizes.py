"""How sizes of files are said, in one way everywhere."""

import math

from django.utils.formats import number_format

_STEPS = (("GB", 1024**3), ("MB", 1024**2), ("kB", 1024))


def say_size(size: int, *, is_rounded_up: bool = False) -> str:
    """Return a size as people read it, such as '50 MB' or '1.5 GB', in the present language.

    A megabyte is 1024 times 1024 bytes, as the systems show it where most files come from.

    Args:
        size: in bytes.
        is_rounded_up: say '50.1 MB' for one byte more than 50 MB: a file that is too large never
            looks as if it were not.
    """
    unit, step = next(((unit, step) for unit, step in _STEPS if size >= step), _STEPS[-1])
    if not size:
        return f"0 {unit}"
    tenths = max(1, math.ceil(size * 10 / step) if is_rounded_up else round(size * 10 / step))
    return f"{number_format(tenths / 10, 1 if tenths % 10 else 0)} {unit}"
