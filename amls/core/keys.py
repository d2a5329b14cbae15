"""Primary keys as they come in from forms, addresses and devices: text that may be anything."""

# As many digits as surely fit PostgreSQL's bigint; Python itself refuses to read thousands.
_MOST_DIGITS = 18


def primary_key(text: str | None) -> int:
    """Return the primary key that a text says; 0, which no row has, where it says none."""
    return int(text) if text is not None and text.isdecimal() and len(text) <= _MOST_DIGITS else 0
