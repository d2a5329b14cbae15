"""Cells as spreadsheets and offices write them: numbers, yes and no, and text that a program put into a shell."""

import re
from decimal import Decimal

from django.utils.translation import gettext as _

from amls.core.formulas import unguard_text
from amls.core.violations import RuleViolation

# A formula that gives a text, by which programs keep a spreadsheet from dropping leading zeros.
_TEXT_FORMULA = re.compile(r'="((?:[^"]|"")*)"')
_SHORTENED = re.compile(r"\d(?:[.,]\d+)?[eE]\+?\d+")
_DATE = re.compile(r"\d{4}-\d\d-\d\d(?:[ T].*)?|\d{1,2}\.\s?[A-Za-zäÄ]{3,9}\.?|\d{1,2}-[A-Za-zäÄ]{3}")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
# What a computed number has beyond these decimals comes from binary fractions: 57.699999999999996.
_DECIMALS = 9
_DIGITS_OF_A_FLOAT = 15
_NONE = {"", "-", "–", "—"}
_YES = {"yes", "y", "true", "1", "x", "✓", "✔", "ja", "j", "wahr", "on", "open", "offen"}
_NO = {"no", "n", "false", "0", "-", "–", "nein", "falsch", "off", "closed", "geschlossen", "zu"}


def cell_text(value: object) -> str:
    """Return a cell's value, of XLSX or CSV, as the text that somebody meant.

    An apostrophe before digits or a formula, and `="…"` around a text, are taken off; computed numbers lose
    what only binary fractions made of them; yes and no are 'true' and 'false'.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _plain(value)
    text = str(value).strip()
    kept = _TEXT_FORMULA.fullmatch(text)
    return kept.group(1).replace('""', '"').strip() if kept else unguard_text(text)


def _plain(value: float) -> str:
    rounded = round(value, _DECIMALS)
    if rounded.is_integer() and abs(rounded) < 10**_DIGITS_OF_A_FLOAT:
        return str(int(rounded))
    return f"{rounded:.{_DIGITS_OF_A_FLOAT}g}"


def says_nothing(text: str) -> bool:
    """Return whether a cell that could hold a number holds none; Moodle writes '-' for who has no points."""
    return text.strip() in _NONE


def is_shortened(text: str) -> bool:
    """Return whether a spreadsheet wrote a long number as '4,12E+05', so that its digits are lost."""
    return _SHORTENED.fullmatch(text.strip()) is not None


def read_number(text: str) -> Decimal:
    """Return a number as people and programs write it: '37,5', '37.5', '1.234,5', '57.699999999999996'.

    Raises:
        RuleViolation: it is none (code 'no-number').
    """
    plain = "".join(text.split()).replace("'", "").replace("−", "-")
    last = max(plain.rfind(","), plain.rfind("."))
    if "," in plain and "." in plain:
        plain = f"{plain[:last].replace(',', '').replace('.', '')}.{plain[last + 1 :]}"
    plain = plain.replace(",", ".")
    number = Decimal(plain) if _NUMBER.fullmatch(plain) else None
    if number is None or number.adjusted() > _DIGITS_OF_A_FLOAT:
        raise RuleViolation(_no_number(text), code="no-number")
    exponent = number.as_tuple().exponent
    if isinstance(exponent, int) and -exponent > _DECIMALS:
        # Not as '5E+1', which is what normalizing makes of 50.
        number = Decimal(f"{round(number, _DECIMALS).normalize():f}")
    return number


def _no_number(text: str) -> str:
    if _DATE.fullmatch(text.strip()):
        return _(
            "'%(text)s' is a date: a spreadsheet took a number such as '3.5' for one. "
            "Format the column as text, type it again and save."
        ) % {"text": text.strip()[:20]}
    if text.strip().startswith("="):
        return _(
            "'%(text)s' is a formula that was never computed. Open the file in a spreadsheet program, save it, and choose it again."
        ) % {"text": text.strip()[:20]}
    return _("'%(text)s' is no number.") % {"text": text.strip()[:20]}


def read_yes_no(text: str) -> bool:
    """Return yes or no as people write it in English or German, or programs do.

    Raises:
        RuleViolation: it is neither (code 'no-yes').
    """
    word = text.strip().casefold()
    if word not in _YES | _NO:
        raise RuleViolation(_("'%(text)s' is neither yes nor no.") % {"text": text.strip()[:40]}, code="no-yes")
    return word in _YES


def split_family_given(text: str) -> str:
    """Return 'Given Family' of 'Family, Given'; other names as they are."""
    family, comma, given = text.partition(",")
    return f"{given.strip()} {family.strip()}" if comma and given.strip() and "," not in given else text
