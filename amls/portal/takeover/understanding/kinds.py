"""What a dated row is, by its words in English and German: a session of some kind, a day without class, a deadline, an exam."""

import re
from functools import lru_cache

LECTURE, EXERCISE, LAB, TUTORIAL, SEMINAR, OTHER = "lecture", "exercise", "lab", "tutorial", "seminar", "other"
FREE, DEADLINE, EXAM = "free", "deadline", "exam"
SESSIONS = (LECTURE, EXERCISE, LAB, TUTORIAL, SEMINAR, OTHER)
KINDS = (*SESSIONS, FREE, DEADLINE, EXAM)

_I = re.IGNORECASE
# The same few words are asked about many times while one source is read.
_REMEMBERED = 4096
_NO_CLASS = re.compile(
    r"\bno\s+(?:\w+\s+)?(?:class(?:es)?|lectures?|meetings?|sessions?|labs?|sections?|school|recitations?|tutorials?|discussions?|instruction)\b(?!\s+(?:notes|slides|needed|required))"
    r"|\b(?:class(?:es)?|lectures?|university|campus|college|school)\s+(?:is\s+|are\s+)?(?:cancel+ed|closed|not held|does not meet|suspended)"
    r"|\b(?:keine?|kein)\s+(?:\w+\s+)?(?:vorlesung(?:en)?|veranstaltung(?:en)?|lehrveranstaltung(?:en)?|übung(?:en)?|termin|unterricht|sitzung|lehre|praktikum)\b"
    r"|\b(?:fällt|faellt|fallen|entfällt|entfallen|ausfall|ausgefallen|vorlesungsfrei\w*|unterrichtsfrei\w*|veranstaltungsfrei\w*)\b",
    _I,
)
_BREAK = re.compile(
    r"\b(?:spring|fall|autumn|winter|summer|thanksgiving|easter|christmas|carnival|mid-?\s?(?:term|semester)|semester|term|reading|study|revision|holiday|year-?end|rain|snow|academic|vacation|golden)\s*"
    r"(?:break|recess|vacation|holidays?|days?|week|weeks|period|pause)\b|\bbreak week\b|\bon break\b|\brrr week\b|\bflexibility week\b|\bnon-?teaching\b",
    _I,
)
_BREAK_ALONE = re.compile(
    r"^\W*(?:(?:university|public|national|bank|federal|state|legal|academic)\s+)?(?:holidays?|break|recess|vacation|feiertag|gesetzlicher feiertag|ferien|pause|frei|free|off|urlaub|brückentag|closed|closure)\b",
    _I,
)
_HOLIDAY = re.compile(
    r"\b(?:labor day|labour day|(?:mlk|martin luther king)(?:[,\s]+jr\.?)?['’s]*\s*(?:birthday|day|holiday)?|presidents?['’]?s?['’]? (?:day|week)|veterans['’]? day|memorial day|juneteenth|columbus day"
    r"|indigenous peoples?['’]?s?['’]? day|independence day|thanksgiving|patriots['’]? day|election day|family day|victoria day|canada day|civic holiday|anzac day|king['’]s birthday|queen['’]s birthday"
    r"|good friday|easter(?: monday| sunday)?|pentecost(?: monday)?|whit monday|ascension(?: day)?|corpus christi(?: day)?|christmas(?: eve| day)?|new year['’]?s?(?: eve| day)?|bank holiday|boxing day|rosh hashanah|yom kippur|passover|diwali|eid"
    r"|karfreitag|ostern|ostermontag|ostersonntag|osterferien|osterpause|tag der arbeit|maifeiertag|(?:christi )?himmelfahrt|pfingst(?:montag|sonntag|dienstag|en|ferien|woche|pause)\w*|fronleichnam"
    r"|tag der deutschen einheit|nationalfeiertag|reformationstag|allerheiligen|buß- und bettag|weihnacht(?:en|s\w*)|heiligabend|neujahr|silvester|dies academicus|dreikönig\w*|heilige drei könige|winterferien|semesterferien|faschingsdienstag|rosenmontag|sechseläuten|knabenschiessen|auffahrt)\b",
    _I,
)
_CANCELLED = re.compile(
    r"\b(?:cancel+ed|abgesagt|entfällt|entfallen|fällt(?:\s+\w+){0,3}\s+aus|ausgefallen|postponed|verschoben auf unbestimmte)\b",
    _I,
)
_NO_EXAM = re.compile(
    r"\b(?:exam|midterm|mid-term|final|test|quiz|klausur|prüfungs?)s?[\s-]*(?:#?\d\s*)?(?:review(?:s|ed)?|work sessions?|prep(?:aration)?s?|recap|q\s?&\s?a|practice|discussion|solutions?|questions?|results?|grades|viewing|post-?mortem|debrief|wrap-?up|registration|info\w*|logistics|recitations?|preview|sections?)\b"
    r"|\b(?:review|prepar\w+|practice|recap|questions?|q&a|cram|help session|office hours?|revision|mock|sample|solutions?|before|after|register|registration|sign[- ]?up)\b[^.;]{0,30}\b(?:exam|midterm|mid-term|final|test|quiz|klausur)"
    r"|klausur(?:vorbereitung|besprechung|einsicht|fragestunde|übung)|prüfungs(?:vorbereitung|anmeldung|einsicht|amt|ordnung|leistung)|probeklausur|übungsklausur|prep(?:are)? for (?:the )?(?:exam|midterm|final)"
    r"|\bexam(?:ple|in|ining|ination of)\b|\btake-?home\b.{0,20}\b(?:out|released)|\bexam-free\b",
    _I,
)
_EXAM = re.compile(
    r"\b(?:(?:final|written|oral|mid-?term|midsem\w*|semester|term|section|make-?up|retake|first|second|third|1st|2nd|3rd|elective|comprehensive|practical|hourly)\s+)*(?:exam(?:ination)?s?|mid-?terms?)\b"
    r"|\b\w*klausur(?:en)?\b|\b(?:schriftliche|mündliche|abschluss|nach|modul)[\s-]?prüfung(?:en)?\b|^\W*(?:prüfung(?:en)?|teilprüfung)\b|^\W*finals?\b(?!\s+(?:project|report|presentation|paper|lecture|class|version|submission|thoughts|review|week|writeup|poster|demo|day|essay|draft|proposal|meeting|session|topics|remarks|words))"
    r"|(?:^|[:–]\s)\W{0,6}(?:in-?class\s+)?(?:quiz|test)\s*#?(?:\d+|[IVX]+)\b",
    _I,
)
_VIEWING = re.compile(
    r"\b(?:klausur|prüfungs)einsicht\w*|^\W*einsicht(?:nahme)?\b|\beinsicht(?:nahme)? in (?:die|ihre) (?:\w+\s)?klausur"
    r"|\bexam(?:ination)? (?:viewing|inspection)\b|\b(?:viewing|inspection) of (?:the )?exam",
    _I,
)
_OUT = re.compile(
    r"\b(?:out|released?|assigned|posted|available|handed out|goes out|ausgabe|veröffentlicht|opens?|begins?|starts?|kickoff|overview|introduc\w+)\b",
    _I,
)
DUE = re.compile(
    r"\b(?:due|deadlines?|hand[- ]?ins?|submit(?:ted)?|submissions?|turn[- ]in|abgaben?|abgabetermin\w*|abgabefrist\w*|abgabeschluss|abzugeben|einzureichen|einreichung|einsendeschluss|frist\w*|bis spätestens)\b",
    _I,
)
_BECAUSE = re.compile(r"\b(?:cancel+ed|closed|postponed|moved|class(?:es)?|lectures?)\s+due\s+to\b", _I)
_WORK = re.compile(
    r"^\W*(?:hw|homework|pset|ps|problem set|assignment|asst|a|p|proj(?:ect)?|lab report|sheet|exercise sheet|übungsblatt|hausaufgabe|ha|blatt|aufgabe|mp|milestone|checkpoint|report|essay|paper|quiz|survey)\s*[#.-]?\s*\d+[a-z]?\b",
    _I,
)
_SESSION_WORDS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (TUTORIAL, re.compile(r"\b(?:tutorials?|tutorium|tutorien|tut)\b", _I)),
    (LAB, re.compile(r"\b(?:labs?|laborator(?:y|ies)|labor|praktikum|praktika|rechnerübung(?:en)?|computerlab|practicals?|hands-on session)\b", _I)),
    (EXERCISE, re.compile(r"\b(?:exercises?(?:\s+(?:session|class)(?:es|s)?)?|recitations?|rec|discussions?|disc|sections?|problem session|problem class|übung(?:en)?|übungsstunde|uebung(?:en)?|zentralübung|großübung|saalübung|ü|ue)\b", _I)),
    (SEMINAR, re.compile(r"\b(?:seminars?|proseminar|hauptseminar|kolloquium|colloquium)\b", _I)),
    (LECTURE, re.compile(r"\b(?:lectures?|lec|vorlesung(?:en)?|vl|v|class(?:es)?|course)\b", _I)),
    (OTHER, re.compile(r"\b(?:office hours?|sprechstunde|q\s?&\s?a|fragestunde|help session|poster session|demo day|field trip|exkursion|social|party|career fair|orientation)\b", _I)),
)  # fmt: skip
_GERMAN_LABEL = re.compile(
    r"(?:übung(?:en)?|tutorium|tutorien|praktikum|praktika|vorlesung|rechnerübung|zentralübung|saalübung)$", _I
)
_BEHIND = re.compile(
    r"(?:\s[–—-]|\(|\|)\s*(?P<word>exercises?|übung(?:en)?|tutorials?|tutorium|labs?|recitation|discussion|practical|praktikum|seminar)\)?\s*$",
    _I,
)
# As a column of kinds, or before a colon, says it.
_SHORT_KINDS = {
    "l": LECTURE, "lec": LECTURE, "lect": LECTURE, "lecture": LECTURE, "v": LECTURE, "vl": LECTURE, "vo": LECTURE, "vorlesung": LECTURE, "class": LECTURE, "session": LECTURE,
    "r": EXERCISE, "rec": EXERCISE, "recitation": EXERCISE, "d": EXERCISE, "dis": EXERCISE, "disc": EXERCISE, "discussion": EXERCISE, "section": EXERCISE,
    "ü": EXERCISE, "ue": EXERCISE, "ueb": EXERCISE, "üb": EXERCISE, "übung": EXERCISE, "ex": EXERCISE, "exercise": EXERCISE, "exercise session": EXERCISE,
    "t": TUTORIAL, "tut": TUTORIAL, "tutorial": TUTORIAL, "tutorium": TUTORIAL, "lab": LAB, "labs": LAB, "laboratory": LAB, "labor": LAB, "p": LAB, "pr": LAB, "praktikum": LAB,
    "s": SEMINAR, "sem": SEMINAR, "seminar": SEMINAR, "holiday": FREE, "no class": FREE, "break": FREE, "noclass": FREE, "no_class": FREE, "feiertag": FREE, "frei": FREE, "free": FREE,
    "exam": EXAM, "midterm": EXAM, "final": EXAM, "klausur": EXAM, "prüfung": EXAM, "quiz": EXAM, "test": EXAM,
    "due": DEADLINE, "due_event": DEADLINE, "deadline": DEADLINE, "abgabe": DEADLINE, "other": OTHER, "event": OTHER, "raw_event": "",
    "workshop": OTHER, "guest": LECTURE, "guest lecture": LECTURE, "gastvortrag": LECTURE, "hw": "work", "homework": "work", "assignment": "work", "project": "work", "proj": "work", "hausaufgabe": "work", "problem_set": "work", "problem set": "work", "pset": "work", "reading": "work", "resource": "work", "lecture_video": "work", "announcement": "work",
}  # fmt: skip


def kind_of_word(word: str) -> str:
    """Return what a word that only names a kind says, such as 'Ü' or 'due_event'; '' where it says nothing, 'work' of work to do."""
    lowered = (
        word.lower().strip(" .:*_()[]").removesuffix("en")
        if word.lower().startswith("übung")
        else word.lower().strip(" .:*_()[]")
    )
    kind = _SHORT_KINDS.get(lowered)
    if kind is None and lowered.endswith("s"):
        kind = _SHORT_KINDS.get(lowered[:-1])
    return kind or ""


@lru_cache(maxsize=_REMEMBERED)
def is_free(text: str) -> bool:
    """Return whether a row says that there is no class."""
    if _NO_CLASS.search(text):
        return True
    words = len(text.split())
    if _BREAK_ALONE.search(text):
        return words <= 8
    # 'Spring break', 'Thanksgiving', but not 'The mathematics of a winter break in demand'.
    match = _BREAK.search(text) or _HOLIDAY.search(text)
    if match is None:
        return False
    return match.start() <= 12 or words <= 5


@lru_cache(maxsize=_REMEMBERED)
def is_cancelled(text: str) -> bool:
    """Return whether a row says that its session is cancelled."""
    return _CANCELLED.search(text) is not None


@lru_cache(maxsize=_REMEMBERED)
def is_exam(text: str) -> bool:
    """Return whether a row is an exam, and not its preparation."""
    match = _EXAM.search(text)
    if match is None or _NO_EXAM.search(text) or is_viewing(text):
        return False
    return match.start() <= 25 or len(text.split()) <= 8


@lru_cache(maxsize=_REMEMBERED)
def is_viewing(text: str) -> bool:
    """Return whether a row says when people may look at their corrected exams."""
    return _VIEWING.search(text) is not None


@lru_cache(maxsize=_REMEMBERED)
def is_due(text: str) -> bool:
    """Return whether a row says that something is due."""
    text = _BECAUSE.sub(" ", text)
    match = DUE.search(text)
    return match is not None and not _OUT.search(text[: match.start()] if match.start() > 12 else "")


@lru_cache(maxsize=_REMEMBERED)
def is_out(text: str) -> bool:
    """Return whether a text says that work is given out, and not due."""
    return _OUT.search(text) is not None and DUE.search(text) is None


@lru_cache(maxsize=_REMEMBERED)
def is_work(text: str) -> bool:
    """Return whether a text names a piece of work, such as 'HW 1'."""
    return _WORK.search(text) is not None


@lru_cache(maxsize=_REMEMBERED)
def session_kind(text: str, *, is_heading: bool = False) -> str:
    """Return the kind of session that the beginning of a text names, or ''.

    Args:
        text: a title, a heading, or what stands before a time.
        is_heading: whether the word may stand anywhere.
    """
    best, at = "", 10_000
    for kind, pattern in _SESSION_WORDS:
        match = pattern.search(text)
        if match is not None and match.start() < at and (is_heading or _is_label(text, match)):
            best, at = kind, match.start()
    behind = _BEHIND.search(text) if not best else None
    return kind_of_word(behind.group("word")) if behind is not None else best


def _is_label(text: str, match: re.Match[str]) -> bool:
    """Return whether a word says what the row is: at its beginning, with a number or colon, or alone; not 'Exercises in style'."""
    if match.start() > 2 or text[: match.start()].strip(" *_[(-–"):
        return False
    rest = text[match.end() :]
    if _GERMAN_LABEL.match(match.group()):
        return True
    if len(match.group()) <= 3 and not match.group().lower().startswith(("lab", "rec", "tut", "lec")):
        return re.match(r"\s*\d|\s*[:.]\s", rest) is not None
    return (
        re.match(r"\s*(?:$|[#:.,\-–—(\[|]|\d|[IVX]+\b|[A-Z](?:\b|:)|zu\b|mit\b|on\b|zum\b|in (?:the )?class)", rest)
        is not None
    )


def exam_kind(text: str) -> str:
    """Return 'oral' or 'written'."""
    return "oral" if re.search(r"\b(?:oral|mündlich\w*)\b", text, _I) else "written"


def deadline_kind(text: str) -> str:
    """Return what kind of deadline a text names: sheet, project, registration or other."""
    if re.search(r"regist|anmeld|sign[- ]?up|enrol|drop|withdraw|rücktritt|abmeld", text, _I):
        return "registration"
    if re.search(r"project|projekt|proposal|milestone|checkpoint", text, _I):
        return "project"
    if re.search(
        r"\b(?:hw|homework|pset|ps ?\d|problem set|assignment|sheet|exercise|übung|blatt|hausaufgabe|ha ?\d|a ?\d|lab)",
        text,
        _I,
    ):
        return "sheet"
    return "other"
