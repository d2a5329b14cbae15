"""Pages as lecturers of the world keep them, with what is true of them, written by hand before the readers were."""

from datetime import date
from pathlib import Path

import pytest

from amls.portal.takeover.sources import read_source
from amls.portal.takeover.understanding.interpret import understand
from tests.portal.takeover.truths import PAGES, compare, read_truth

TODAY = date(2024, 9, 1)
OWN = sorted(path for path in PAGES.iterdir() if path.suffix != ".truth")


def test_the_pages_are_of_many_forms_and_tongues() -> None:
    assert len(OWN) == 22
    assert {path.suffix for path in OWN} == {".csv", ".html", ".ics", ".json", ".md", ".txt", ".yml"}


@pytest.mark.parametrize("path", OWN, ids=[path.stem for path in OWN])
def test_a_page_comes_in_as_it_is(path: Path) -> None:
    understood = understand(read_source(path.read_bytes(), name=path.name), today=TODAY)
    assert compare(read_truth(path.with_suffix(".truth")), understood) == []
    assert [line for line in understood.lines if line.use == "not understood"] == []
