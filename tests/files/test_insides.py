"""What a file holds, to be read by people: texts, notebooks, archives; and how two of them differ."""

import io
import json
import tarfile
import zipfile
from typing import Any

import pypdfium2 as pdfium
import pytest
from pytest_django import Settings

from amls.core.violations import RuleViolation
from amls.files.insides import Inside, compare_texts, look_inside, take_out, texts_in

pytestmark = pytest.mark.django_db
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40
EVIL = "<script>alert('Ł')</script>"


def zipped(**files: str | bytes) -> io.BytesIO:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    buffer.seek(0)
    return buffer


def tarred(**files: bytes) -> io.BytesIO:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(f"./{name}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    buffer.seek(0)
    return buffer


def plain(inside: Inside) -> list[str]:
    return ["".join(token.text for token in line) for line in inside.lines]


def test_an_archive_is_listed_and_opens_at_its_readme_without_what_systems_put_there() -> None:
    archive = zipped(**{"v1/src/main.py": "x = 1\n", "v1/README.md": "# Größe\n", "__MACOSX/._a": "", "v1/a.png": PNG})
    inside = look_inside(archive, suffix=".zip")
    assert [entry.path for entry in inside.entries] == ["v1/a.png", "v1/README.md", "v1/src/main.py"]
    assert (inside.path, inside.kind, plain(inside)) == ("v1/README.md", "text", ["# Größe"])
    assert inside.neighbours == ("v1/a.png", "v1/src/main.py")


def test_code_has_its_colours_and_stays_text() -> None:
    archive = zipped(**{"Łódź.py": f"def f():\r\n    return '{EVIL}'  # 山\r\n"})
    inside = look_inside(archive, suffix=".zip", path="Łódź.py")
    assert (inside.language, plain(inside)) == ("Python", ["def f():", f"    return '{EVIL}'  # 山"])
    assert [(token.css, token.text) for token in inside.lines[0]][:3] == [("k", "def"), ("", " "), ("f", "f")]


def test_a_gzipped_tar_archive_is_read_as_a_zip_is() -> None:
    inside = look_inside(
        tarred(**{"a/run.sh": b"echo hi\n", "a/data.bin": b"\0\1\2"}), suffix=".tar.gz", path="a/run.sh"
    )
    assert (plain(inside), inside.count) == (["echo hi"], 2)
    assert look_inside(tarred(**{"data.bin": b"\0\1\2"}), suffix=".tar.gz").kind == "bytes"


def test_a_notebook_shows_cells_and_outputs_but_no_markup_of_theirs() -> None:
    cells: list[dict[str, Any]] = [
        {"cell_type": "markdown", "source": ["# Study\n", EVIL]},
        {"cell_type": "code", "source": "print(1)", "outputs": [
            {"output_type": "stream", "text": ["\x1b[31m1\x1b[0m\n"]},
            {"output_type": "display_data", "data": {"text/html": EVIL}},
            {"output_type": "display_data", "data": {"image/png": "iVBORw0KGgo=\n"}},
        ]},
    ]  # fmt: skip
    notebook = io.BytesIO(json.dumps({"nbformat": 4, "metadata": {}, "cells": cells}).encode())
    inside = look_inside(notebook, suffix=".ipynb")
    assert [cell.kind for cell in inside.cells] == ["text", "code"]
    assert [(out.text, out.picture, out.other) for out in inside.cells[1].outputs] == [
        ("1\n", "", ""), ("", "", "text/html"), ("", "data:image/png;base64,iVBORw0KGgo=", ""),
    ]  # fmt: skip


def test_long_texts_are_cut_and_say_so() -> None:
    inside = look_inside(zipped(**{"log.txt": "line\n" * 200_000}), suffix=".zip")
    assert (inside.is_cut, inside.language, len(inside.lines)) == (True, "", 80_000)


def test_pictures_come_out_by_what_they_are_not_by_their_name() -> None:
    archive = zipped(**{"chart.txt": PNG, "evil.png": EVIL})
    assert take_out(archive, suffix=".zip", path="chart.txt") == ("image/png", PNG)
    for path in ("evil.png", "../secret", "nothing"):
        with pytest.raises(RuleViolation, match="There is no such file"):
            take_out(archive, suffix=".zip", path=path)


def test_what_is_damaged_or_takes_too_long_is_said_in_words(settings: Settings) -> None:
    with pytest.raises(RuleViolation, match="may be damaged"):
        look_inside(io.BytesIO(b"no archive"), suffix=".zip")
    settings.CHECKS_AT_ONCE = 0
    settings.CHECK_PATIENCE = 0
    with pytest.raises(RuleViolation, match="Open it again in a moment"):
        look_inside(zipped(a="a"), suffix=".zip")


def test_attempts_are_compared_by_what_stands_in_their_files() -> None:
    old = zipped(**{"v1/main.py": "a\nb\nc\n", "v1/gone.md": "bye\n", "v1/old.txt": "same\n", "v1/a.png": PNG})
    new = zipped(
        **{"v2/main.py": "a\nB\nc\nd\n", "v2/new.md": "hi\n", "v2/moved.txt": "same\n", "v2/a.png": PNG + b"1"}
    )
    held = [texts_in(archive, suffix=".zip", name="study.zip") for archive in (old, new)]
    differences, is_cut = compare_texts(*held)
    assert {row.path: (row.kind, row.before, row.more, row.less) for row in differences} == {
        "a.png": ("changed", "", 0, 0), "gone.md": ("removed", "", 0, 1), "main.py": ("changed", "", 2, 1),
        "moved.txt": ("renamed", "old.txt", 0, 0), "new.md": ("added", "", 1, 0),
    }  # fmt: skip
    main = next(row for row in differences if row.path == "main.py")
    assert main.lines == (("@", "@ -1,3 +1,4 @@"), (" ", "a"), ("-", "b"), ("+", "B"), (" ", "c"), ("+", "d"))
    assert not is_cut
    assert compare_texts(held[0], held[0]) == ([], False)


def test_what_cannot_be_compared_is_named_with_what_hinders() -> None:
    notebook = (
        '{{"cells": [{{"cell_type": "code", "source": "a", "outputs": [{0}]}}], "metadata": {{}}, "nbformat": 4}}'
    )
    same = {"same.bin": b"\0"}
    old = {"Größe.bin": b"\0a", "long.csv": "1\n" * 150_000, "words.txt": "ä", "out.ipynb": notebook.format("")}
    new = {
        "Größe.bin": b"\0b", "long.csv": "2\n" * 150_000, "words.txt": b"\x81\x8d", "empty.py": "",
        "out.ipynb": notebook.format('{"output_type": "stream", "text": "1"}'),
    }  # fmt: skip
    held = [texts_in(zipped(**rows, **same), suffix=".zip", name="study.zip") for rows in (old, new)]
    differences, _is_cut = compare_texts(*held)
    assert {row.path: (row.kind, row.why) for row in differences} == {
        "Größe.bin": ("changed", "binary"), "long.csv": ("changed", "long"), "words.txt": ("changed", "encoding"),
        "empty.py": ("added", "empty"), "out.ipynb": ("changed", "same-text"),
    }  # fmt: skip


def blank_pdf(pages: int) -> bytes:
    document, buffer = pdfium.PdfDocument.new(), io.BytesIO()
    for _number in range(pages):
        document.new_page(200, 200)
    document.save(buffer)
    return buffer.getvalue()


def test_a_pdf_without_text_and_a_damaged_one_are_named() -> None:
    scan, other = blank_pdf(2), blank_pdf(1)
    held = [texts_in(io.BytesIO(content), suffix=".pdf", name="scan.pdf") for content in (scan, other, b"%PDF-1.4")]
    (row,), _is_cut = compare_texts(held[0], held[1])
    assert (row.path, row.kind, row.why) == ("scan.pdf", "changed", "no-text")
    assert (held[2][0].text, held[2][0].why) == (None, "broken")
