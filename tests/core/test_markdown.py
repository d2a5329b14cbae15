"""Markdown as plain text, and what either costs."""

import io

import pytest

from amls.core.markdown import plain_text, with_whole_links
from amls.files.limited.run import Limits, read_in_child


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("**Łukasz** and __Şahin__", "Łukasz and Şahin"),
        ("**a** ** b ** **c**", "a ** b ** c"),
        ("**open\nand** closed", "**open\nand** closed"),
        (r"\*\*kept\*\* **\[x\]**", "**kept** [x]"),
        ("[Größe](https://example.org/a) `x_y`", "Größe (https://example.org/a) x_y"),
        (r"[\[1\]](https://example.org/)", "[1] (https://example.org/)"),
        ("[[a](b)", "[a (b)"),
        ("2 ** 3 and **", "2 ** 3 and **"),
        ("****", "****"),
        ("**__both__**", "both"),
        ("``", "``"),
        ("_kursiv_, *auch* und (_dies_) in „*Größe*“", "kursiv, auch und (dies) in „Größe“"),
        ("*both _marks_* and ***three***", "both marks and three"),
        (
            r"a_b_c, 2*3*4, _ a _, *open, \_x\_ `_x_` https://example.org/_a_/?_b_=1",
            "a_b_c, 2*3*4, _ a _, *open, _x_ _x_ https://example.org/_a_/?_b_=1",
        ),
        ("* a _b_\n* c", "* a b\n* c"),
    ],
)
def test_marks_are_gone_and_words_stay(text: str, plain: str) -> None:
    assert plain_text(text) == plain


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("[Plan](/groesse/schedule/?a=1), [x](/)", "[Plan](https://amls.example/groesse/schedule/?a=1), [x](https://amls.example/)"),
        ("[elsewhere](https://example.org/a) [other](//example.org/) [mail](mailto:a@b.c)",) * 2,
        (r"\[no link](/a) [a](b) (/c)",) * 2,
    ],
)  # fmt: skip
def test_links_within_the_site_are_whole_in_a_mail(text: str, whole: str) -> None:
    assert with_whole_links(text, "https://amls.example") == whole


@pytest.mark.parametrize("function", ["plain_text", "render_markdown"])
@pytest.mark.parametrize(
    "piece",
    [
        "[",
        "[a](",
        "**a ",
        "**a",
        "__a ",
        "`a ",
        "``` ",
        "\\",
        "[a]",
        "![",
        "> ",
        "<a",
        "&",
        "*_",
        "_a ",
        " _a",
        "a\n",
        "|-",
        "- ",
    ],
)
def test_any_text_is_read_in_one_go(function: str, piece: str) -> None:
    # Ten seconds of a processor are a hundred times what it takes; going back for each piece takes minutes.
    text = (piece * (200_000 // len(piece)))[:200_000] if function == "plain_text" else piece * (20_000 // len(piece))
    said: list[int] = []
    read_in_child(
        "tests.files.child_functions:read_text", io.BytesIO(text.encode()), values={"function": function},
        limits=Limits(seconds=10, memory=2**30, patience=120), on_line=said.append,
    )  # fmt: skip
    assert len(said) == 1
