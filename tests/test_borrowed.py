"""What the desk borrows is German too where its reader is."""

from pathlib import Path

import unfold
from django.utils.translation import gettext, override

from amls.desk.borrowed import BORROWED


def test_borrowed_texts_are_german_and_still_in_use() -> None:
    folder = Path(unfold.__file__).parent
    sources = "\n".join(path.read_text() for path in folder.rglob("*") if path.suffix in (".py", ".html"))
    assert [text for text in BORROWED if text not in sources] == []
    with override("de"):
        assert [text for text in BORROWED if gettext(text) == text] == []
