"""Matriculation numbers: what one looks like, and when two of them are the same."""

import re
import unicodedata

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models import Func, Value
from django.db.models.functions import Lower, Replace
from django.utils.translation import gettext_lazy as _

from amls.core.text import without_invisible


def plain_number(text: str) -> str:
    """Return a matriculation number for comparing: spreadsheets drop leading zeros, people add blanks.

    Digits of another width, as East Asian keyboards type them, are digits (NFKC). Nothing but zeros is no number.
    """
    return clean_number(text).lower().lstrip("0")


def fuller_number(told: str, known: str) -> str:
    """Return which of two numbers of one person is kept: the new one, unless it is the same without leading zeros.

    Args:
        told: what a table says; '' if nothing.
        known: what was known before; '' if nothing.
    """
    is_same = plain_number(told) == plain_number(known) and len(clean_number(told)) <= len(clean_number(known))
    return known if is_same or not told else told


def plain_number_of(field: str) -> Func:
    """Return what compares numbers in a column of the database: values are clean lines without digits of another width."""
    return Func(Lower(Replace(field, Value(" "), Value(""))), Value("0"), function="LTRIM")


def clean_number(text: str) -> str:
    """Return a matriculation number as it is kept: without blanks and what nobody sees, in digits of the usual width, zeros as they are."""
    return "".join(without_invisible(unicodedata.normalize("NFKC", text)).split())


def is_a_number(value: str) -> None:
    """Refuse what no matriculation number of this installation looks like (setting MATRICULATION_NUMBER_PATTERN).

    Raises:
        ValidationError: it doesn't fit the pattern, or is nothing but zeros.
    """
    number = clean_number(value)
    if not re.fullmatch(settings.MATRICULATION_NUMBER_PATTERN, number) or not plain_number(number):
        raise ValidationError(
            _("'%(number)s' is no matriculation number. Copy it from the student ID."),
            code="number-form",
            params={"number": value[:40]},
        )


def looks_like_a_number(value: str) -> bool:
    """Return whether a matriculation number of this installation may look so."""
    try:
        is_a_number(value)
    except ValidationError:
        return False
    return True
