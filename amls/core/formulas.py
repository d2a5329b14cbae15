"""Text in tables that a spreadsheet would run as a formula (CWE-1236; OWASP, CSV injection)."""

import re

# Some programs skip white space before a formula, take full-width signs for signs, or begin a new cell at a control.
# An apostrophe before digits is how people keep leading zeros: '0079.
_FORMULA = re.compile(r"'*[\t\r\n]|[\s']*[=+\-@＝＋－＠]|'+\d")


def guard_text(text: str) -> str:
    """Return a cell's text as no spreadsheet takes it for a formula: with an apostrophe before it where it would be one.

    An apostrophe that was there is doubled in front of such text, so that `unguard_text` takes off what this put on.
    """
    return f"'{text}" if _FORMULA.match(text) else text


def unguard_text(text: str) -> str:
    """Return a cell's text as it was before `guard_text`."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text
