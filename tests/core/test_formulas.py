"""Every table that goes out says text, never a formula."""

import csv
import io
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amls.core.formulas import guard_text, unguard_text
from amls.exports import tables
from amls.exports.kinds import Order
from amls.files.sheets import sheet_response
from exams.tables import write_csv

FORMULAS = [
    f"{before}{sign}1" for before in ("", " ", "\u00a0", "'", "' ", "\t") for sign in ("=", "+", "-", "@", "＝", "＋", "－", "＠")
]  # fmt: skip
HARMLESS = ["", "a=1", "O'Neill", "'t Hooft", "1-2", "5.0", "ada@example.org", "–"]


def first_cell(content: bytes, delimiter: str) -> str:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig")), delimiter=delimiter))[1][0]


def written(text: str) -> dict[str, str]:
    """Return the same text as each writer of tables writes it."""
    order = Order(kind="x", course=None, parameters={}, user=None, language="en", now=datetime(2024, 5, 1, tzinfo=UTC))
    export = b"".join(tables.write_csv(["a"], [[text]], order=order, progress=lambda _done, _total: None, total=1))
    return {
        "exports": first_cell(export, ","),
        "exams": first_cell(write_csv(["a"], [[text]]), ";"),
        "sheets": first_cell(sheet_response(["a"], [[text]], filename="a", kind="csv").content, ","),
    }


@pytest.mark.parametrize("text", FORMULAS)
def test_no_table_writes_a_formula(text: str) -> None:
    assert {name for name, cell in written(text).items() if not cell.startswith("'")} == set()


@pytest.mark.parametrize("text", HARMLESS)
def test_every_table_writes_harmless_text_as_it_is(text: str) -> None:
    assert written(text) == dict.fromkeys(("exports", "exams", "sheets"), text)


@given(st.text(st.sampled_from("'=＝-+ \t\na")))
def test_what_is_guarded_comes_back_as_it_was(text: str) -> None:
    assert unguard_text(guard_text(text)) == text
