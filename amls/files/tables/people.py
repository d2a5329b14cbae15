"""Who a row of a table speaks of: the name however its columns say it, and the number as text."""

from collections.abc import Mapping

from django.utils.translation import gettext as _

from amls.core.text import clean_line
from amls.core.violations import RuleViolation
from amls.files.tables.meanings import EMAIL, FAMILY, FAMILY_GIVEN, GIVEN, NAME, NUMBER
from amls.files.tables.table import Row, Table
from amls.files.tables.values import is_shortened, split_family_given


def names_are_turned(table: Table) -> bool:
    """Return whether every name of the column 'name' is written 'Lovelace, Ada'."""
    names = [row[NAME.name] for row in table.rows if row[NAME.name]]
    return bool(names) and all(split_family_given(name) != name for name in names)


def person_name(row: Row | Mapping[str, str], *, is_turned: bool) -> str:
    """Return a person's name, given name first.

    Args:
        row: of the table, by the names of meanings.
        is_turned: whether the table's `names_are_turned`; a column that is named so is turned anyway.
    """
    name, turned = row.get(NAME.name, ""), row.get(FAMILY_GIVEN.name, "")
    if name:
        return clean_line(split_family_given(name) if is_turned else name)
    if turned:
        return clean_line(split_family_given(turned))
    return clean_line(f"{row.get(GIVEN.name, '')} {row.get(FAMILY.name, '')}")


def number_of(row: Row | Mapping[str, str]) -> str:
    """Return a row's matriculation number as text; '' where it has none.

    Raises:
        RuleViolation: a spreadsheet shortened it, so that its digits are lost (code 'shortened').
    """
    text = clean_line(row.get(NUMBER.name, ""))
    if is_shortened(text):
        raise RuleViolation(
            _(
                "a spreadsheet shortened the matriculation number to '%(text)s', its digits are lost. "
                "Format the column as text in the original and save it again."
            )
            % {"text": text[:20]},
            code="shortened",
        )
    return text


def who_in(row: Row | Mapping[str, str]) -> str:
    """Return by what a row says of whom it speaks, its number or else its address, short enough to be quoted."""
    return (clean_line(row.get(NUMBER.name, "")) or clean_line(row.get(EMAIL.name, "")))[:40]
