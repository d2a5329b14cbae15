"""From what somebody brought to the common form: which container it is, and its reader.

Whatever can be a bomb is parsed in the limited child, as uploads are (amls/files/limited).
"""

import io
import re
from collections.abc import Callable
from functools import partial

from django.utils.translation import gettext as _

from amls.core.violations import RuleViolation
from amls.files.limited.pace import Pace, read_at_pace
from amls.files.limited.refused import Refused
from amls.files.limited.run import UNABLE, StoppedError
from amls.files.limited.slots import NoPlaceError
from amls.files.tables.encodings import decode
from amls.files.tables.table import csv_lines
from amls.portal.takeover.plaintext import read_text
from amls.portal.takeover.sourcerows import CourseSource, SourceCell, SourceRow, addresses_in, row_of
from amls.portal.takeover.spec import CourseFileError

MAX_BYTES = 5 * 1024**2
MAX_ROWS = 10_000
_ZIP, _OLD_OFFICE, _PDF = b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"%PDF-"
_IS_TOML = re.compile(r"^\s*(?:format\s*=|\[course\])", re.MULTILINE)
_IS_HTML = re.compile(
    r"<!doctype html|</?(?:html|body|head|div|section|main|ul|ol|li|p|br|table|tbody|tr|td|span|meta|h[1-6])(?:\s[^<>]*)?/?>",
    re.IGNORECASE,
)
_IS_MARKDOWN = re.compile(
    r"\A\s*---\s*\n|^#{1,6} \S|^\s*\|?\s*:?-{2,}:?\s*\|[\s|:-]*$|\[[^\[\]\n]*\]\([^()\s]+\)|^:\s+\S", re.MULTILINE
)
_IS_YAML = re.compile(r"\A(?:\s*(?:#.*|---\s*)?\n)*(?:\s*-\s+[\"']?[\w ]+[\"']?\s*:|[\"']?\w[\w -]*[\"']?\s*:(?:\s|$))")
_YAML_LINE = re.compile(
    r"^\s*(?:#.*|-|-?\s*[\"']?[\w][\w ./-]*[\"']?\s*:(?:\s.*)?|-\s+.*|[>|'\"].*|\S.*[\"'>]|\s{2,}\S.*|---.*)?$"
)
# What the limited child calls, in amls/files/judges.
_IN_CHILD = {
    "calendar": "sources.calendar:rows", "html": "sources.html:rows", "json": "sources.data:json_rows", "markdown": "sources.markdown:rows",
    "word": "sources.word:rows", "workbook": "sources.workbook:rows", "yaml": "sources.data:yaml_rows",
}  # fmt: skip
_BY_ENDING = {
    "ics": "calendar", "ical": "calendar", "htm": "html", "html": "html", "xhtml": "html", "php": "html", "json": "json", "md": "markdown",
    "markdown": "markdown", "qmd": "markdown", "rmd": "markdown", "mdx": "markdown", "csv": "table", "tsv": "table",
    "toml": "toml", "yaml": "yaml", "yml": "yaml",
}  # fmt: skip


def read_source(content: bytes | str, *, name: str = "", base: str = "") -> CourseSource:
    """Return what a file, a paste or a page says, in the common form.

    Args:
        content: its bytes, or its text.
        name: of the file, or the last part of its address; only its ending counts, where the content leaves a doubt.
        base: the address of a page, by which its links are whole.

    Raises:
        CourseFileError: it is too large, is nothing that can be read, or is broken; with what to do.
    """
    raw = content.encode() if isinstance(content, str) else content
    if len(raw) > MAX_BYTES:
        raise CourseFileError([_("This has more than 5 MB. Bring only the page or table with the schedule.")])
    if not raw.strip():
        raise CourseFileError([_("There is nothing in it.")])
    container, text = _container(raw, name)
    if container == "toml":
        return CourseSource("toml", text=text)
    readers: dict[str, Callable[[], list[SourceRow]]] = {
        "text": lambda: list(read_text(text)),
        "table": lambda: _table(text),
    }
    in_child = partial(_in_child, raw if container in ("word", "workbook") else text.encode(), container, base)
    rows = readers.get(container, in_child)()
    if len(rows) > MAX_ROWS:
        raise too_many_rows()
    return CourseSource(container, tuple(rows))


def too_many_rows() -> CourseFileError:
    """Return the refusal of what has too many rows for a course."""
    return CourseFileError([_("This has more than 10,000 lines. Bring only the part with the schedule.")])


def _container(raw: bytes, name: str) -> tuple[str, str]:
    """Return which container it is, and its text where it is one."""
    if raw.startswith(_ZIP):
        # By the names of their parts, which stand uncompressed in the archive.
        return ("word" if b"word/document.xml" in raw else "workbook"), ""
    if raw.startswith(_OLD_OFFICE):
        raise CourseFileError(
            [_("This is a file of the old Office. Save it as .docx, .xlsx or CSV and choose it again.")]
        )
    if raw.startswith(_PDF):
        raise CourseFileError([_("This is a PDF. Open it, copy its schedule, and paste that.")])
    try:
        text, _encoding = decode(raw)
    except RuleViolation as violation:
        raise CourseFileError(
            [_("This is no text, table, calendar or document that can be read here. Paste the page instead.")]
        ) from violation
    text = text.removeprefix("\ufeff")
    start = text.lstrip()[:300].upper()
    ending = name.rpartition(".")[2].lower() if "." in name else ""
    if start.startswith("BEGIN:VCALENDAR"):
        return "calendar", text
    if _IS_TOML.search(text) and ending not in _BY_ENDING.keys() - {"toml"}:
        return "toml", text
    by_ending = _BY_ENDING.get(ending)
    if by_ending is not None:
        return by_ending, text
    if start.startswith(("{", "[{", "[\n")) and text.rstrip().endswith(("}", "]")):
        return "json", text
    return _by_manner(text), text


def _by_manner(text: str) -> str:
    if (
        _IS_YAML.match(text)
        and _share(text, _YAML_LINE) > 0.98
        and (" date" in text or "date:" in text or text.lstrip().startswith("-"))
        and not _IS_MARKDOWN.match(text)
    ):
        return "yaml"
    tags = len(_IS_HTML.findall(text[:200_000]))
    if tags > 1 or (tags and text.lstrip().startswith("<")):
        is_markdown = re.search(
            r"^#{1,6} \S|^\s*\|?\s*:?-{2,}:?\s*\|", text, re.MULTILINE
        ) is not None and not text.lstrip().startswith("<")
        return "markdown" if is_markdown else "html"
    if _IS_MARKDOWN.search(text):
        return "markdown"
    return "table" if _is_separated(text) else "text"


def _share(text: str, pattern: re.Pattern[str]) -> float:
    lines = text.splitlines()[:400]
    return sum(pattern.match(line) is not None for line in lines) / max(1, len(lines))


def _is_separated(text: str) -> bool:
    """Return whether all lines of a text are rows of a CSV table."""
    lines = [line for line in text.splitlines()[:40] if line.strip()]
    for separator in ";,\t":
        counts = [line.count(separator) for line in lines]
        if (
            len(lines) > 1
            and min(counts) >= 2
            and max(counts) - min(counts) <= 3
            and counts.count(counts[0]) > 0.6 * len(counts)
        ):
            return True
    return False


def _table(text: str) -> list[SourceRow]:
    try:
        lines = csv_lines(text)
    except RuleViolation as violation:
        raise CourseFileError([str(violation.message)]) from violation
    return [
        SourceRow(number, "cells", tuple(SourceCell(cell, addresses_in(cell)) for cell in cells), table=1)
        for number, cells in lines
    ]


def _in_child(content: bytes, container: str, base: str) -> list[SourceRow]:
    rows: list[SourceRow] = []
    try:
        read_at_pace(
            _IN_CHILD[container], io.BytesIO(content), pace=Pace.of_tables(),
            on_line=lambda plain: rows.append(row_of(plain)), base=base,
        )  # fmt: skip
    except Refused as refused:
        raise _refusal(refused.code, refused.values) from refused
    except StoppedError as error:
        raise _refusal(error.problem, {}) from error
    except NoPlaceError as error:
        raise _refusal("busy", {}) from error
    return rows


def _refusal(code: str, values: dict[str, str | int]) -> CourseFileError:
    if code == "too-many-rows":
        return too_many_rows()
    messages = {
        "unable": str(UNABLE),
        "busy": _("It could not be read, because many files are being read just now. Try again in a minute."),
        "too_slow": _("This takes too long to be read. Bring only the page or table with the schedule."),
        "too_big": _("This unpacks to more than can be read here. Bring only the page or table with the schedule."),
        "too-many-anchors": _("The anchors of this YAML unfold to more than can be read here. Write the entries out."),
        "too-many-events": _("This calendar has more than 2,000 events. Export only the calendar of the course."),
        "no-calendar": _("This calendar can't be read: it is damaged. Export it again."),
        "no-yaml": _("Line %(line)s is no valid YAML: %(why)s. Mend it and try again."),
        "no-json": _("Line %(line)s is no valid JSON: %(why)s. Mend it and try again."),
    }
    return CourseFileError(
        [messages.get(code, _("This file is damaged. Save it again, or paste the page instead.")) % values]
    )
