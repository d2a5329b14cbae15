"""How numbers with decimals are said, in one way everywhere."""

from decimal import Decimal
from functools import lru_cache

from django.utils.formats import number_format
from django.utils.translation import get_language


def say_decimal(value: Decimal) -> str:
    """Return a number without zeros that say nothing, as the present language writes it: '37.5', in German '37,5'."""
    return _say(value, get_language())


def say_grade(value: Decimal) -> str:
    """Return a grade with its one decimal, as the present language writes it: '1.0', in German '1,0'."""
    return _say_grade(value, get_language())


# A gradebook says the same few hundred numbers thousands of times, and Django looks the format up each time.
@lru_cache(maxsize=64)
def _say_grade(value: Decimal, language: str | None) -> str:
    return str(number_format(value, 1))


@lru_cache(maxsize=4096)
def _say(value: Decimal, language: str | None) -> str:
    return str(number_format(value.normalize()))
