"""CSV as offices, universities and spreadsheets write it: the one reader of every table that comes in."""

import csv
import io

from django.utils.translation import gettext as _

from amls.core.violations import RuleViolation

_DELIMITERS = ";,\t"


def read_csv(content: bytes) -> list[tuple[int, list[str]]]:
    """Return the rows of a CSV file as they stand there, each with the line on which it begins.

    Blank lines are left out.

    Args:
        content: UTF-8 with or without a mark, or Latin-1; separated by comma, semicolon or
            tab, whichever splits the first line into most cells; lines end in any way.

    Raises:
        RuleViolation: a quotation mark is left open, so that it would swallow the rows below it,
            or is closed in the middle of a cell. It names the line on which that row begins.
    """
    text = _decode(content)
    # Without translation, so that the reader itself sees every kind of line end.
    first = next((line for line in io.StringIO(text, newline="") if line.strip()), "")
    rows: list[tuple[int, list[str]]] = []
    began = 1
    try:
        delimiter = max(_DELIMITERS, key=lambda one: len(next(csv.reader([first], delimiter=one))))
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        for cells in reader:
            if cells:
                rows.append((began, cells))
            began = reader.line_num + 1
    except csv.Error as error:
        raise RuleViolation(
            _(
                "Line %(line)d: a quotation mark opens here and isn't closed at the end of its cell. Mend it in the file."
            )
            % {"line": began},
            code="open-quotation",
            field="file",
        ) from error
    return rows


def _decode(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")
