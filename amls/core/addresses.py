"""E-mail addresses in what people paste: as they are, or not at all; a part of one is somebody else's."""

import re

# What no address has in it without quotes (RFC 5322 section 3.2.3), and braces and bars: these are allowed in an address,
# but stand for groups and columns wherever people write. An address with one is read by nobody, rather than by half.
_ENDS = r"\s<>,;:\"()\[\]"
_LOCAL = rf"[^{_ENDS}@{{}}|]+"
_DOMAIN = r"[^\s<>,;:\"'()\[\]{}|]+"


def address_pattern(*, at: str = "@", domain: str = _DOMAIN) -> re.Pattern[str]:
    """Return what finds addresses in a text; `address_of` says which one a match is.

    It finds what may be one: `validate_email` says whether it is.

    Args:
        at: a pattern of what stands between the two parts.
        domain: a pattern of the second part.
    """
    whole = rf"{_LOCAL}{at}{domain}"
    # Quotes around an address are the same sign as the apostrophe in it: 'o'hara@example.org'.
    return re.compile(rf"(?<![^{_ENDS}])(?:'(?P<quoted>{whole})'|(?P<plain>{whole}))", re.IGNORECASE)


def address_of(match: re.Match[str]) -> str:
    """Return the address that a pattern found, without quotes around it."""
    return match["quoted"] or match["plain"]
