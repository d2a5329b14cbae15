"""What the columns of a table hold, by their headings in English and German, and by what stands in them."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from amls.portal.takeover.sourcerows import SourceCell, SourceRow
from amls.portal.takeover.understanding import kinds, links
from amls.portal.takeover.understanding.dates import SHORT_WEEKDAY, find_days, weekday_of
from amls.portal.takeover.understanding.spreadsheets import day_of_number
from amls.portal.takeover.understanding.times import find_times

DATE, WEEKDAY, WEEK, TIME, BEGINS, ENDS, NUMBER = "date", "weekday", "week", "time", "begins", "ends", "number"
TITLE, DETAILS, KIND, ROOM, PEOPLE, DUE, STATUS, MODE, URL = (
    "title",
    "details",
    "kind",
    "room",
    "people",
    "due",
    "status",
    "mode",
    "url",
)
MONTH, DAY, IGNORED, GRID, WORK = "month", "day", "ignored", "grid", "work"
MATERIALS = tuple(
    f"materials:{kind}" for kind in (links.SLIDES, links.NOTES, links.RECORDING, links.READING, links.CODE, links.OTHER)
)
SESSION_COLUMNS = tuple(f"sessions:{kind}" for kind in kinds.SESSIONS)
ROLES = (
    DATE, WEEKDAY, WEEK, TIME, BEGINS, ENDS, NUMBER, TITLE, DETAILS, KIND, ROOM, PEOPLE, DUE, WORK, STATUS, MODE, *MATERIALS, *SESSION_COLUMNS, IGNORED,
)  # fmt: skip
_I = re.IGNORECASE
_HEADINGS: tuple[tuple[str, str], ...] = (
    (DUE, r"due(?: dates?| today)?|hand-?in|(?:assignments?|homeworks?|hw|project|psets?|labs?|deliverables?|work) (?:due|deadlines?)|deadlines?|submissions?|abgaben?|abgabetermin|abgabe bis|abgabefrist|fällig|due by|what'?s due|assignments? due"),
    (DATE, r"dates?|datum|tag|days?|termine?|when|wann|date\s*\(.*\)|calendar date|class date|meeting date|lecture date|week (?:beginning|commencing|starting|of)|w/?c|woche (?:ab|vom)|dates? of class|starts?_?at|begins?|dtstart|start date|日期"),
    (WEEK, r"weeks?|wk|woche|kw|kalenderwoche|wo|week no\.?|week #|w|course week|semesterwoche"),
    (WEEKDAY, r"day of (?:the )?week|weekday|wochentag|day|tag"),
    (TIME, r"times?|uhrzeit|zeit|hours?|von[ -–/]+bis|class time|time slot"),
    (BEGINS, r"start|begin|beginn|von|from|start time|starttime|anfang|start_time"),
    (ENDS, r"end|ende|bis|to|until|end time|endtime|end_time|ends_?at|schluss"),
    (NUMBER, r"#|nr\.?|no\.?|num(?:ber)?|lec(?:ture)?\s*(?:#|no\.?|number|num)|id|lfd\.? ?nr\.?|nummer|meeting|class\s*#|session\s*#|lec\.?|lecture_?number|einheit|unit no\.?"),
    (KIND, r"type|kind|art|format|typ|category|kategorie|form|class type|veranstaltungsart|what|events?|event type|class|session|meeting type"),
    (TITLE, r"topics?(?: covered)?|titles?|titel|themen?|thema|subjects?|lectures?|lecture (?:topics?|titles?|content)|contents?|inhalte?|content covered|vorlesung(?:en|sthema)?|lecture topic\(s\)|name|summary|session (?:topic|title)|class topic|in-?class(?: lecture| topic)?|plan|agenda|tentative topics?|gegenstand|vortrag|was|unit|module topic|theme|stoff|talk|course topic|topics? */.*|topics? (?:and|&) .*|lecture/.*"),
    (DETAILS, r"descriptions?|beschreibung|details?|abstract|tldr|summary|notes? to (?:self|students)|comments?|bemerkung(?:en)?|anmerkung(?:en)?|hinweise?|remarks?|topic details|learning (?:goals|objectives)|objectives|outline|subtopics?|sub-?topics?|activities|activity|misc|sonstiges|logistics|announcements?|in class|in-class activities"),
    (ROOM, r"rooms?|raum|räume|locations?|ort|where|wo|venue|place|hörsaal|building|classroom"),
    (PEOPLE, r"lecturers?|instructors?|speakers?|presenters?|dozent(?:in|en)?|referent(?:in|en)?|vortragende[r]?|teachers?|by|who|wer|taught by|lehrende[r]?|prof(?:essor)?|discussion leads?|leads?|staff|ta|tas|scribe|betreuer(?:in)?|team.*"),
    (STATUS, r"status|state|stand"), (MODE, r"mode|modus|modality|delivery|online\??"), (URL, r"url|website|web|page"),
    (MONTH, r"month|monat"), (DAY, r"day_?of_?month"),
    ("materials:recording", r"videos?|recordings?|aufzeichnung(?:en)?|lecture videos?|video links?|videoaufzeichnung|watch|zoom recordings?|lecture recordings?|screencasts?|youtube|lecture_?recording|video_?link"),
    ("materials:slides", r"slides?|folien|slide deck|lecture slides|pdf|pptx?|präsentation(?:en)?|presentation|vorlesungsfolien|slides? (?:and|&|/) .*|decks?|foliensatz|handouts?|slides?_?link"),
    ("materials:notes", r"notes?|lecture notes|notizen|skript|scribe notes?|scribes?|mitschrift(?:en)?|class notes|course notes"),
    ("materials:reading", r"readings?|required readings?|(?:suggested|optional|recommended|additional|further|assigned|background|pre-?class|supplementary) readings?|literatur|lektüre|papers?|textbook|reading material|readings? .*|book|chapters?|kapitel|references?|reading assignments?|preparation|prep(?:\.| work)?|pre-?reading|paper discussion|sections?|reads|text"),
    ("materials:code", r"code|notebooks?|demos?|code examples?|examples?|colab|github|jupyter"),
    ("materials:other", r"materials?|links?|resources?|unterlagen|material(?:ien)?|course materials?|files?|downloads?|lecture materials?|supplementary(?: materials?)?|media|ressourcen|attachments?|extras?|pages?"),
    (WORK, r"assignments?(?: out)?|homeworks?|hw|hws|psets?|problem sets?|projects?|übungsblatt|übungsblätter|blatt|hausaufgaben?|aufgaben|assessments?|quiz(?:zes)?|deliverables?|out|released?|assigned|programming(?: assignments?)?|ausgabe|work|tests?|evaluation|exams?"),
)  # fmt: skip
_COMPILED = tuple((role, re.compile(rf"^(?:{words})$", _I)) for role, words in _HEADINGS)
# What a heading begins with, where the whole of it is no known word.
_STARTS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (role, re.compile(rf"^(?:\w+ )?(?:{words})\b", _I))
    for role, words in (
        (DATE, "date|datum|termin"), (DUE, "due|abgabe|deadline"), (TITLE, "topic|thema|title|titel|lecture topic|content|inhalt"), (ROOM, "room|raum|location|ort"),
        ("materials:recording", "video|recording|aufzeichnung"), ("materials:slides", "slides?|folien"), ("materials:reading", "readings?|literatur|textbook|required|suggested"),
        (WORK, "assignment|homework|project|hw"), ("materials:other", "material|links?|resources|unterlagen"), (TIME, "time|uhrzeit"), (WEEK, "week|woche"),
    )
)  # fmt: skip
_WEEKDAY = re.compile(
    r"^(?P<day>mon(?:day)?|tue(?:s(?:day)?)?|wed(?:nesday|s)?|thu(?:r(?:s(?:day)?)?)?|fri(?:day)?|sat(?:urday)?|sun(?:day)?|montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonntag|mo|di|mi|do|fr|sa|so)s?\b\.?(?P<rest>.*)$",
    _I | re.DOTALL,
)
_WEEKDAY_BEHIND = re.compile(rf"[(,–—-]\s*(?P<weekday>{SHORT_WEEKDAY})s?\b", _I)
_NUMBER = re.compile(r"^(?:lecture|lec|l|vl|class|session|nr\.?|#)?\s*\d{1,3}[a-z]?(?:[.-]\d{1,2})?\.?$", _I)


@dataclass(slots=True)
class Column:
    """A column: its heading as written, what it is taken for, and for a grid's the weekday and kind of its sessions."""

    index: int
    heading: str
    role: str = ""
    weekday: int | None = None
    kind: str = ""


@lru_cache(maxsize=1024)
def role_of(heading: str) -> str:
    """Return what the words of a heading say, or ''."""
    word = re.sub(r"[_\s]+", " ", heading).strip(" :*•.")
    # Such as 'Topic(s)' or 'Topics [tentative]'.
    plain = re.sub(r"\s*(?:\((?!mon)[^)]*\)|\[[^\]]*\])\s*", "", word).strip(" :*")
    if not plain:
        return ""
    for candidate in dict.fromkeys((word, plain)):
        for role, pattern in _COMPILED:
            if pattern.match(candidate):
                return role
    if len(plain.split()) <= 5:
        for role, pattern in _STARTS:
            if pattern.match(plain):
                return role
    return ""


def weekday_column(heading: str) -> tuple[int, str] | None:
    """Return the weekday, and the kind of session, of a column such as 'Monday Lecture' or 'Lab on Friday'."""
    text = " ".join(heading.split())
    match = _WEEKDAY.match(text)
    if match is not None and len(text.split()) <= 4:
        rest = match.group("rest").strip(" :-–,()")
        return weekday_of(match.group("day")), kinds.session_kind(rest, is_heading=True)
    behind = re.search(
        r"^(?P<rest>[\w ]+?)\s+(?:on\s+|am\s+|\()?(?P<day>(?:mon|tues|wednes|thurs|fri)days?|montags?|dienstags?|mittwochs?|donnerstags?|freitags?)\)?$",
        text,
        _I,
    )
    if behind is None:
        return None
    return weekday_of(behind.group("day")), kinds.session_kind(behind.group("rest"), is_heading=True)


def weekday_in(heading: str) -> int | None:
    """Return the weekday of a column's sessions that stands behind their kind: 'Übung (Mo)'."""
    match = _WEEKDAY_BEHIND.search(heading)
    return weekday_of(match.group("weekday")) if match is not None else None


def header_at(rows: Sequence[SourceRow]) -> int:
    """Return which row names the columns, or -1: the one of the first with most known headings, and no dates."""
    best, at = 0.0, -1
    for number, row in enumerate(rows[:25]):
        texts = [cell.text for cell in row.cells if cell.text and not cell.spans]
        known = [text for text in texts if len(text) <= 60 and (role_of(text) or weekday_column(text))]
        dated = any(find_days(text) for text in texts if not weekday_column(text) and not role_of(text))
        score = len(known) + (0.5 if row.kind == "header" else 0) - number * 0.02
        is_header = len(known) >= 2 or (row.kind == "header" and number == 0 and len(texts) > 1)
        is_plain = any(role_of(text) == DATE for text in known) and all(len(text) < 25 for text in texts)
        if is_header and (is_plain or len(known) >= 0.4 * len(texts)) and not dated and score > best:
            best, at = score, number
    return at


def columns_of(header: SourceRow | None, body: Sequence[SourceRow], chosen: dict[int, str]) -> list[Column]:
    """Return what each column of a table holds.

    Args:
        header: the row that names them, if any.
        body: the rows below it.
        chosen: roles that somebody corrected, by the index of the column.
    """
    width = max((len(row.cells) for row in ([header] if header else []) + list(body)), default=0)
    named = [header.cells[index].text if header and index < len(header.cells) else "" for index in range(width)]
    columns = [Column(index, " ".join(text.split())) for index, text in enumerate(named)]
    days = [(column, meant) for column in columns if (meant := weekday_column(column.heading))]
    if len(days) >= 2:
        for column, (weekday, kind) in days:
            column.role, column.weekday, column.kind = GRID, weekday, kind
    taken: set[str] = set()
    for column in columns:
        if column.role:
            continue
        role = role_of(column.heading)
        if role in taken and role in (DATE, TITLE, NUMBER, WEEK, TIME):
            role = {DATE: WEEKDAY if _is_weekdays(body, column.index) else DETAILS, TITLE: DETAILS}.get(role, IGNORED)
        column.role = role
        taken.add(role)
    _by_content(columns, body)
    for index, role in chosen.items():
        if index < len(columns) and role in ROLES:
            columns[index].role = role
    return columns


def _by_content(columns: list[Column], body: Sequence[SourceRow]) -> None:
    """Give roles to what the headings leave open, and take them where nothing fits."""
    dates = {
        column.index: _share(body, column.index, _may_be_date if column.role in (DATE, BEGINS) else _has_date)
        for column in columns
    }
    roles = {column.role for column in columns}
    for column in columns:
        _correct(column, body, dates[column.index], has_number=NUMBER in roles)
    if DATE not in {column.role for column in columns} and GRID not in roles:
        open_ones = [column for column in columns if column.role in ("", WEEK, WEEKDAY, TIME, NUMBER, BEGINS, DETAILS)]
        fitting = max(open_ones, key=lambda column: dates[column.index], default=None)
        if fitting is not None and dates[fitting.index] >= 0.4:
            fitting.role = DATE
    has_title = any(column.role == TITLE and _share(body, column.index, _says_something) > 0.3 for column in columns)
    for column in columns:
        column.role = column.role or _found(column, body, has_title=has_title, has_number=NUMBER in roles)
    if not has_title:
        _choose_title(columns, body)
    for column in columns:
        column.role = column.role or _last_role(column, body)


def _correct(column: Column, body: Sequence[SourceRow], dates: float, *, has_number: bool) -> None:
    """Take a role back that a heading gave, where what stands below it is something else."""
    if column.role == DATE and dates < 0.2:
        if _is_weekdays(body, column.index):
            column.role = WEEKDAY
        elif _share(body, column.index, _is_number) > 0.6:
            column.role = IGNORED if has_number else NUMBER
    elif column.role == TITLE and dates > 0.7:
        column.role = DATE


def _found(column: Column, body: Sequence[SourceRow], *, has_title: bool, has_number: bool) -> str:
    if _share(body, column.index, _is_time) > 0.6:
        return TIME
    if _share(body, column.index, _is_number) > 0.6 and not has_number:
        return NUMBER
    if _is_weekdays(body, column.index):
        return WEEKDAY
    if _share(body, column.index, _is_kind) > 0.6:
        return KIND
    kind = kinds.session_kind(column.heading, is_heading=True) if has_title and column.heading else ""
    return f"sessions:{kind}" if kind else ""


def _choose_title(columns: Sequence[Column], body: Sequence[SourceRow]) -> None:
    """Take the column that says most for that of the titles."""
    weight = {
        column.index: _weight(body, column.index)
        for column in columns
        if column.role in ("", DETAILS, WORK, *SESSION_COLUMNS)
    }
    longest = max(
        weight, key=lambda index: (columns[index].role == "" and weight[index] > 0, weight[index]), default=None
    )
    if longest is not None and weight[longest] > 0:
        columns[longest].role = TITLE


def _last_role(column: Column, body: Sequence[SourceRow]) -> str:
    if any(cell.links for cell in _cells(body, column.index)):
        return "materials:other"
    return DETAILS if _weight(body, column.index) and not column.heading else IGNORED


def _cells(body: Sequence[SourceRow], index: int) -> list[SourceCell]:
    return [row.cells[index] for row in body if index < len(row.cells) and not row.cells[index].spans]


def _share(body: Sequence[SourceRow], index: int, holds: Callable[[SourceCell], bool]) -> float:
    cells = [cell for cell in _cells(body, index) if cell.text or cell.begins]
    if not cells:
        return 0.0
    return sum(map(holds, cells)) / len(cells)


def _weight(body: Sequence[SourceRow], index: int) -> int:
    return sum(min(len(cell.text), 80) for cell in _cells(body, index))


def _says_something(cell: SourceCell) -> bool:
    return any(map(str.isalpha, cell.text))


def _has_date(cell: SourceCell) -> bool:
    if cell.begins:
        return True
    mentions = find_days(cell.text[:120])
    return any(mention.days or mention.is_open for mention in mentions) and len(cell.text) < 200


def _may_be_date(cell: SourceCell) -> bool:
    return _has_date(cell) or bool(day_of_number(cell.text))


def _is_time(cell: SourceCell) -> bool:
    return bool(find_times(cell.text[:60], expects=True)) and len(cell.text) < 30


def _is_number(cell: SourceCell) -> bool:
    return _NUMBER.match(cell.text.strip()) is not None


def _is_kind(cell: SourceCell) -> bool:
    return len(cell.text) < 20 and bool(kinds.kind_of_word(cell.text))


def _is_weekdays(body: Sequence[SourceRow], index: int) -> bool:
    def is_weekday(cell: SourceCell) -> bool:
        match = _WEEKDAY.match(cell.text.strip())
        return match is not None and len(match.group("rest").strip(" .,")) < 3

    return _share(body, index, is_weekday) > 0.6
