"""Looking for markup in pages, however its lines are broken."""

import re


def squeeze(markup: str) -> str:
    """Return the markup without white space beside tags, and with single spaces elsewhere."""
    return re.sub(r" ?(<[^>]*>) ?", r"\1", re.sub(r"\s+", " ", markup))


def shows(page: str, markup: str) -> bool:
    """Return whether a page holds the markup."""
    return squeeze(markup) in squeeze(page)
