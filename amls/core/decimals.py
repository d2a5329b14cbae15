"""How numbers with decimals are said, in one way everywhere."""

from decimal import Decimal

from django.utils.formats import number_format


def say_decimal(value: Decimal) -> str:
    """Return a number without zeros that say nothing, as the present language writes it: '37.5', in German '37,5'."""
    return str(number_format(value.normalize()))
