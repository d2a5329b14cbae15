"""Clean text on the way in."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amls.core.text import clean_line, clean_text, mask_address


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  Parameter \t Servers\n", "Parameter Servers"),
        ("Parameter\x0bServers", "Parameter Servers"),
        ("a\r\nBEGIN:VEVENT", "a BEGIN:VEVENT"),
        ("nul\x00byte\x1b[31m", "nulbyte[31m"),
        ("para\u2029graph", "para graph"),
        ("abc\u202efdp.exe", "abcfdp.exe"),
        ("هندسة النظم", "هندسة النظم"),
        ("深層学習", "深層学習"),
        ("e\u0301", "\u00e9"),
        ("👩\u200d💻 lab", "👩\u200d💻 lab"),
    ],
)
def test_a_line_is_one_clean_line(typed: str, kept: str) -> None:
    assert clean_line(typed) == kept


def test_text_keeps_its_lines_and_tabs() -> None:
    assert clean_text("one\r\ntwo\rthree\n\tfour\x0b\x00 ") == "one\ntwo\nthree\n\tfour"


@given(st.text())
def test_cleaning_twice_changes_nothing_more(typed: str) -> None:
    line, text = clean_line(typed), clean_text(typed)
    assert clean_line(line) == line
    assert clean_text(text) == text
    assert not any(unicodedata.category(char) == "Cc" for char in line)


@pytest.mark.parametrize(
    ("address", "shown"),
    [("lukasz@example.org", "l•••@e•••.org"), ("ş@x.de", "ş•••@x•••.de"), ("a.b@mail.tu-berlin.de", "a•••@m•••.de")],
)
def test_an_address_is_masked_so_that_its_owner_knows_it_again(address: str, shown: str) -> None:
    assert mask_address(address) == shown
