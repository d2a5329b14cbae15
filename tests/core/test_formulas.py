"""Every table that goes out says text, never a formula."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook

from amls.core.formulas import guard_text, unguard_text
from amls.core.text import clean_text
from amls.files.tables.writing import table_response, write_csv, write_xlsx

FORMULAS = [
    f"{before}{sign}1" for before in ("", " ", "\u00a0", "'", "' ", "\t") for sign in ("=", "+", "-", "@", "＝", "＋", "－", "＠")
]  # fmt: skip
HARMLESS = ["", "a=1", "O'Neill", "'t Hooft", "1-2", "5.0", "ada@example.org", "–"]


def first_cell(content: bytes, delimiter: str) -> str:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig")), delimiter=delimiter))[1][0]


def written(text: str) -> dict[str, str]:
    """Return the same text as each way to write a table writes it."""
    book = load_workbook(io.BytesIO(b"".join(write_xlsx(["a"], [[text]]))))
    cell = book.active["A2"]
    assert cell.data_type != "f"
    assert bool(cell.quotePrefix) is (guard_text(clean_text(text)) != clean_text(text))
    return {
        "english": first_cell(b"".join(write_csv(["a"], [[text]], language="en")), ","),
        "german": first_cell(b"".join(write_csv(["a"], [[text]], language="de")), ";"),
        "download": first_cell(table_response(["a"], [[text]], filename="a", kind="csv").content, ","),
        "xlsx": cell.value or "",
    }


@pytest.mark.parametrize("text", FORMULAS)
def test_no_table_writes_a_formula(text: str) -> None:
    cells = written(text)
    # A cell of a workbook has a type: there it is text as it was typed, and stays one when it is edited.
    assert cells.pop("xlsx") == (guard_text(text) if text.startswith("'") else clean_text(text))
    assert {name for name, cell in cells.items() if not cell.startswith("'")} == set()


@pytest.mark.parametrize("text", HARMLESS)
def test_every_table_writes_harmless_text_as_it_is(text: str) -> None:
    assert written(text) == dict.fromkeys(("english", "german", "download", "xlsx"), text)


@given(st.text(st.sampled_from("'=＝-+ \t\na0")))
def test_what_is_guarded_comes_back_as_it_was(text: str) -> None:
    assert unguard_text(guard_text(text)) == text
