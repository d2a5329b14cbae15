"""How the course is called, its term and its codes."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from amls.portal.takeover.sourcerows import SourceRow
from amls.portal.takeover.understanding import kinds
from amls.portal.takeover.understanding.dates import find_days
from amls.portal.takeover.understanding.people import is_label
from amls.portal.takeover.understanding.slots import find_slots
from amls.portal.takeover.understanding.terms import Term, find_term

_I = re.IGNORECASE
_GENERIC = re.compile(
    r"^\W*(?:course\s+|class\s+|lecture\s+|weekly\s+|tentative\s+|detailed\s+|full\s+|current\s+)*(?:schedules?|syllabus|calendar|home(?:page)?|index|overview|welcome.*|lectures?|termine|zeitplan|vorlesungsplan|vorlesungsablauf|ablauf|ablaufplan|terminplan|programm|course information|course|class|announcements?|news|materials?|staff|about|sheet ?\d+|tabelle ?\d+|blatt ?\d+|table of contents|untitled|readme|calendar of events|teaching|lehre|lehrveranstaltungen|courses|notes|slides|plan|modules?|week(?:ly)?\W*\d*|default|page|main|events?|sessions?|data|weeks?)\W*$",
    _I,
)
_ORGANISATION = re.compile(
    r"^\W*(?:the\s+)?(?:department|dept|university|universität|institute|institut|faculty|fakultät|fachgebiet|lehrstuhl|chair|school|college|technische|group|arbeitsgruppe|prof\.|professur|dr\.)|\b(?:university|universität|institute of technology|hochschule|college)\W*$|\b(?:university|universität|college)\b|^\W*(?-i:TU|FU|HU|UC|ETH|RWTH) [A-Z]|,\s*\d+\s*(?:LP|ECTS|SWS)\b",
    _I,
)
# What stands beside a title: 'Modul 40123', '6 LP', '4 SWS'.
_PARTICULAR = re.compile(
    r"(?:modul|lv|veranstaltungs|kurs|module|course)[\s-]*(?:nr|nummer|no|number|code)?\.?[\s:#]*[A-Z]*[-\s]?\d[\w/.-]*|\d+(?:[.,]\d)?\s*(?:LP|ECTS|CP|SWS|credits?|credit points|leistungspunkte)",
    _I,
)
_TITLE_FACTS = (
    "title",
    "course_title",
    "course_name",
    "coursename",
    "course title",
    "titel",
    "name",
    "course",
    "kurs",
    "veranstaltung",
    "subject",
    "lehrveranstaltung",
)
_TERM_FACTS = (
    "term",
    "semester",
    "quarter",
    "session",
    "course_semester",
    "schoolyear",
    "semester_name",
    "date",
    "year",
    "jahr",
    "season",
)
CODE = r"\b(?:[A-Z]{2,4}[ -]?)?\d{3}\.\d{3}\b|\b\d{4,6}\b|\b[A-Z]{2,5}-\d{3,5}\b"
_KIND = r"[A-Z]{2,3}(?:\s*[/+]\s*[A-Z]{2,3})*"
# 'VL/UE', 'VL 41078 Title', 'VL 3 SWS', '706.010 VU': a kind stands before or after a code, or alone.
_KINDS = re.compile(rf"(?P<before>{_KIND})(?=\s*$|\s+\d|\s+(?:{CODE}))|(?:{CODE})\s+(?P<after>{_KIND})$")


@dataclass(slots=True)
class Head:
    """Title and term, with the rows that say them; `top` is the row with which the course begins."""

    title: str = ""
    term: Term | None = None
    rows: tuple[SourceRow, ...] = ()
    top: int = 0


def find_head(rows: Sequence[SourceRow]) -> Head:
    """Return title and term of the course, and where its page begins."""
    facts = {row.cells[0].text.lower(): row.cells[1].text for row in rows if row.kind == "fact"}
    lines = [(at, row) for at, row in enumerate(rows) if row.kind in ("heading", "text", "item", "cells", "header")]
    with_term = _term_row(lines)
    head = Head()
    if with_term is not None:
        head.top = with_term[0]
        head.term = with_term[2]
        head.rows = (rows[with_term[0]],)
        head.title = _without_term(with_term[1], with_term[2])
    if head.term is None:
        head.term = _term_of_facts(facts)
    if is_no_title(head.title):
        _title_apart(head, lines, facts)
    if head.term is None:
        head.term = next(
            (term for _at, row in lines[:400] if (term := find_term(row.text[:300], is_heading=False))), None
        )
    return head


def _term_row(lines: Sequence[tuple[int, SourceRow]]) -> tuple[int, str, Term] | None:
    """Return the row that names the term: the first heading that does, else one of the first lines."""
    headings = [(at, row) for at, row in lines if row.kind == "heading"]
    for at, row in headings[:12]:
        term = find_term(row.text)
        if term is not None and not _is_archive(row.text):
            return at, row.text, term
    for at, row in lines[:12]:
        text = _head_text(row)
        if is_label(text) or len(text) > 300:
            continue
        is_start = at <= lines[0][0] + 6 and row.table == 0
        term = find_term(text, is_heading=is_start and not find_slots(text) and not find_days(text) and len(text) < 120)
        if term is not None:
            return at, text, term
    return None


def _head_text(row: SourceRow) -> str:
    """Return what a row says that may be a head: of a table only what stands alone in its row."""
    filled = [cell.text for cell in row.cells if cell.text]
    return " ".join(filled[0].split()) if len(filled) == 1 or (row.table == 0 and filled) else ""


def _is_archive(text: str) -> bool:
    return (
        re.search(
            r"\b(?:archive|archiv|previous|past|older|vergangene|frühere|offerings|exams|last (?:update|year))\b",
            text,
            _I,
        )
        is not None
    )


def _without_term(text: str, term: Term) -> str:
    rest = text[: term.start] + text[term.end :] if term.end else text
    rest = re.sub(r"\(\s*[,;]?\s*\)|\[\s*\]", " ", rest)
    rest = " ".join(rest.split()).strip(" ,-–—()|:;·/")
    rest = re.sub(
        r"\s*[:|–—-]?\s*\b(?:course\s+)?(?:schedule|syllabus|calendar|homepage|home page|vorlesungsplan|terminplan)\W*$",
        "",
        rest,
        flags=_I,
    ).strip(" ,-–—|:·")
    rest = re.sub(r"^(?:course\s+)?(?:calendar|schedule|syllabus)\s+(?:of|for)\s+", "", rest, flags=_I)
    return rest + ")" if rest.count("(") > rest.count(")") else rest


def is_no_title(text: str) -> bool:
    """Return whether a text is no title of a course: empty, 'Schedule', a university, or a weekly time."""
    return (
        sum(map(str.isalpha, text)) < 3
        or (text.endswith((".", "!", "?")) and len(text.split()) > 5)
        or re.match(r"\W*(?:jump to|this (?:site|page|schedule)|note|hinweis|click|last modified|please)\b", text, _I)
        is not None
        or _GENERIC.match(text) is not None
        or _ORGANISATION.search(text) is not None
        or bool(find_slots(text))
        or is_label(text)
        or all(_PARTICULAR.fullmatch(piece) for piece in re.split(r"\s*[·•|,;–—/]\s*", text.strip()))
        or len(text) > 160
        or re.fullmatch(r"(?:last )?(?:updated|update|stand|as of)\b.*", text, _I) is not None
    )


def _title_apart(head: Head, lines: Sequence[tuple[int, SourceRow]], facts: dict[str, str]) -> None:
    """Find the title where the row with the term doesn't hold it: the heading or line before, or what the container says."""
    top = head.top if head.rows else 10_000
    before = [(at, row) for at, row in lines if at < top and not row.table]
    headings = [(at, row) for at, row in before if row.kind == "heading"]
    after = [(at, row) for at, row in lines if at > top and row.kind == "heading"][:2]
    # The nearest heading before the term; the nearest line, where the page has no headings; the first after it.
    # So does what stands alone in the first rows of a table: a sheet is called 'SoSe27', and its first cell names the course.
    alone = [
        (at, row)
        for at, row in lines[:3]
        if row.table > 0 and sum(bool(cell.text) and not cell.spans for cell in row.cells) == 1
    ]
    candidates = [
        *reversed(headings),
        *([] if headings else [*reversed(before[-3:])] if head.rows else before[:3]),
        *(alone if head.rows else []),
        *after,
    ]
    if not head.rows:
        candidates = [*headings[:3], *([] if headings else before[:2])]
    for at, row in candidates:
        term = find_term(_head_text(row) if row.table else row.text)
        text = _head_text(row) if row.table else row.text
        text = _without_term(text, term) if term is not None and head.term is not None else row.text
        if not is_no_title(text) and not find_days(text) and not kinds.is_free(text) and row.kind != "item":
            head.title = text.strip(" :–—-|#")
            head.rows = (*head.rows, row)
            head.top = min(head.top, at) if head.rows else at
            return
    for name in _TITLE_FACTS:
        text = facts.get(name, "")
        term = find_term(text)
        plain = _without_term(text, term) if term is not None else text
        plain = re.split(r"\s+[|·–—]\s+", plain)[0] if not is_no_title(re.split(r"\s+[|·–—]\s+", plain)[0]) else plain
        if not is_no_title(plain):
            head.title = plain
            head.term = head.term or term
            return
    for _at, row in alone:
        if not is_no_title(_head_text(row)):
            head.title, head.rows = _head_text(row), (*head.rows, row)
            return


def _term_of_facts(facts: dict[str, str]) -> Term | None:
    for name in _TERM_FACTS[:7]:
        if facts.get(name):
            year = next((facts[key] for key in ("year", "jahr") if facts.get(key)), "")
            term = find_term(f"{facts[name]} {year}".strip())
            if term is not None:
                return term
    return find_term(facts["title"], is_heading=True) if facts.get("title") and not facts["title"].isdigit() else None


def find_codes(rows: Sequence[SourceRow]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the kinds and codes of the course that one of its first lines gives in parentheses."""
    second = next((row.text for row in rows if row.text.startswith("(")), "")
    inner = second.strip("() ")
    codes = tuple(re.findall(CODE, inner))
    named = (_KINDS.match(entry) for entry in re.split(r"\s*[,;]\s*", inner))
    said = [kind for match in named if match for kind in re.split(r"\s*[/+]\s*", match["before"] or match["after"])]
    return tuple(dict.fromkeys(said)), codes
