"""What a draft is, and how it is called."""

import re
from collections.abc import Sequence
from dataclasses import replace

from amls.portal.takeover.understanding import kinds
from amls.portal.takeover.understanding.dates import find_days
from amls.portal.takeover.understanding.drafts import Draft
from amls.portal.takeover.understanding.results import WrittenExam
from amls.portal.takeover.understanding.times import find_times

OUT, DUES, WORK, VIEWING = "out", "dues", "work", "viewing"
_I = re.IGNORECASE
FREE_WORDS = re.compile(
    r"\b(?:no|keine?|kein)\s+(?:\w+\s+)?(?:class(?:es)?|lectures?|meetings?|sessions?|labs?|school|vorlesung(?:en)?|veranstaltung(?:en)?|lehrveranstaltung(?:en)?|übung(?:en)?|termin|unterricht|sitzung|recitations?|instruction|discussions?|tutorials?|sections?)(?:\s+today)?\b"
    r"|\b(?:entfällt|entfallen|fällt(?:\s+\w+){0,3}\s+aus|ausgefallen|(?:vorlesungs|unterrichts|veranstaltungs)frei|cancel+ed|(?:class(?:es)?|lecture)\s+cancel+ed)\b|^\W*(?:university\s+|public\s+|national\s+)?(?:holiday|feiertag)\b(?=\W+\w)",
    _I,
)

# Of several exams: '2. Klausur (Nachklausur)'.
_WHICH = re.compile(
    r"\b(?:haupt|nach|ersatz|wiederholungs|erst|zweit)\w+|\b(?:retake|resit|re-?sit|make-?up|first|second)\b", _I
)


def kind_of(draft: Draft, *, chosen: str, default: str) -> str:
    """Return what a draft is: one of `kinds.KINDS`, VIEWING of exams, work that is given out or only due, or of which neither is said.

    Args:
        draft: with its title, label and context.
        chosen: a correction, or ''.
        default: kind of the sessions of which nothing more is said.
    """
    if chosen in kinds.KINDS:
        return chosen
    if _is_free(draft):
        return kinds.FREE
    if kinds.is_viewing(draft.title) or kinds.is_viewing(draft.label):
        return VIEWING
    if draft.kind == kinds.DEADLINE or kinds.is_due(draft.title) or kinds.is_due(draft.label):
        return kinds.DEADLINE
    if draft.kind == kinds.EXAM or kinds.is_exam(draft.title) or kinds.is_exam(draft.label):
        return kinds.EXAM
    return _work(draft) or _session(draft) or default


def _is_free(draft: Draft) -> bool:
    if draft.kind == kinds.FREE or kinds.is_free(draft.label):
        return True
    if draft.title and (kinds.is_free(draft.title) or not says_more(draft.title)):
        return not is_cancelled(draft)
    first = draft.details[0] if draft.details else ""
    is_short = not draft.title or (len(f"{draft.label} {draft.title}".split()) <= 6 and not draft.kind)
    return is_short and kinds.is_free(first) and _is_of_itself(draft, first) and not is_cancelled(draft)


def is_cancelled(draft: Draft) -> bool:
    """Return whether a draft is a session which is not held: 'Joins (cancelled)', or 'Joins' with the remark 'cancelled'.

    'Vorlesung fällt aus' is one where the row has other sessions, which are held; else a day without class, as 'entfällt: Dies academicus' is.
    """
    if draft.is_cancelled:
        return True
    if draft.is_beside and FREE_WORDS.search(draft.title) and not kinds.is_free(FREE_WORDS.sub("", draft.title)):
        return True
    if not says_more(draft.title) or kinds.is_free(FREE_WORDS.sub("", draft.title)):
        return False
    if kinds.is_cancelled(draft.title):
        return bool(draft.number) or not kinds.is_free(draft.title) or names_topic(draft.title)
    first = draft.details[0] if draft.details else ""
    return kinds.is_cancelled(first) and _is_of_itself(draft, first)


def names_topic(title: str) -> bool:
    """Return whether a title says what is not held, before it says that: 'Normalformen entfällt', but not 'Vorlesung entfällt'."""
    said = FREE_WORDS.search(title)
    topic = title[: said.start()] if said is not None else ""
    return re.search(r"\w", topic) is not None and not kinds.session_kind(topic, is_heading=True)


def says_more(text: str) -> bool:
    """Return whether a text says more than that there is no session."""
    return re.search(r"\w", FREE_WORDS.sub("", text)) is not None


def cancelled_title(title: str) -> tuple[str, str]:
    """Return what a session is about that is not held, and what is said of that: 'Joins' and 'cancelled, snow' of 'Joins (cancelled, snow)'."""
    notes = re.finditer(r"\s*[(\[](?P<why>[^()\[\]]*)[)\]]", title)
    note = next((note for note in notes if kinds.is_cancelled(note.group("why"))), None)
    if note is not None and re.search(r"\w", title[: note.start()]):
        return f"{title[: note.start()]}{title[note.end() :]}".strip(" ~"), note.group("why")
    return free_title(title) or title, ""


def _is_of_itself(draft: Draft, remark: str) -> bool:
    """Return whether a remark that something is not held means its own row, and not its exercise: 'Übung entfällt'."""
    said = FREE_WORDS.search(remark)
    kind = kinds.session_kind(remark) or (kinds.session_kind(said.group(), is_heading=True) if said is not None else "")
    return not draft.title or kind in ("", kinds.LECTURE, draft.kind or draft.context)


def _work(draft: Draft) -> str:
    is_work = draft.kind == "work" or kinds.is_work(draft.title) or kinds.is_work(draft.label)
    if not is_work:
        return ""
    if kinds.is_out(f"{draft.label} {draft.title}"):
        return OUT
    if any(not due.is_apart for due in draft.dues) and draft.context not in kinds.SESSIONS:
        return DUES
    return WORK if draft.kind == "work" else ""


def _session(draft: Draft) -> str:
    own = kinds.session_kind(draft.title)
    if draft.kind in kinds.SESSIONS and draft.kind != kinds.LECTURE:
        return draft.kind
    if own and (own != kinds.LECTURE or not draft.context):
        return own
    return draft.kind or kinds.session_kind(draft.label) or draft.context


def free_title(text: str) -> str:
    """Return why there is no class, without that there is none: 'Labor Day' of 'No class: Labor Day'."""
    plain = re.sub(r"\(\W*\)|\[\W*\]|\s+", " ", FREE_WORDS.sub(" ", text)).strip(" :.,;–—-!*|~")
    wrapped = re.fullmatch(r"[(\[]([^()\[\]]*)[)\]]", plain)
    plain = wrapped.group(1).strip() if wrapped is not None else plain
    inner = re.fullmatch(r"happy (.*)", plain, _I)
    plain = inner.group(1) if inner is not None else plain
    return plain[:200]


def exam_title(title: str) -> str:
    """Return the title of an exam without its times and places, but with which of several it is."""
    plain = re.sub(r"\([^()]*\)", lambda note: note.group() if _WHICH.search(note.group()) else " ", title)
    cuts = [span.start for span in find_times(plain)] + [
        mention.start for mention in find_days(plain) if mention.days and not mention.is_loose
    ]
    plain = plain[: min(cuts)] if cuts and min(cuts) > 3 else plain
    plain = re.split(r",\s|\s[–—-]\s(?=\D*$)|\s+(?:in|im|at|takes? place|findet)\s", plain)[0]
    plain = re.sub(r"^(?:the|die|der|das)\s+|(?:\s+(?:on|am|is|ist|um))+$", "", plain.strip(" ,:;–—-|"), flags=_I)
    plain = re.sub(r"^exam\W+(?=\S*\s*(?:mid-?term|final|exam|quiz|test)\b)", "", plain, flags=_I)
    return plain.strip(" ,:;–—-|")[:200] or title[:200]


def told_apart(exams: Sequence[WrittenExam]) -> list[WrittenExam]:
    """Return the exams, those that are called alike with the number that each has: '1. Klausur' and '2. Klausur'."""
    of_title: dict[str, list[str]] = {}
    for exam in exams:
        of_title.setdefault(exam.title.lower(), []).append(exam.number)
    counted = {
        title
        for title, numbers in of_title.items()
        if len(numbers) > 1 and numbers == [str(number) for number in range(1, len(numbers) + 1)]
    }
    return [
        replace(exam, title=f"{exam.number}. {exam.title}") if exam.title.lower() in counted else exam for exam in exams
    ]


def merged(exams: Sequence[WrittenExam]) -> list[WrittenExam]:
    """Return the exams, those that are said twice only once: the same day, and no other time."""
    apart: list[WrittenExam] = []
    for exam in exams:
        same = next(
            (
                at
                for at, other in enumerate(apart)
                if other.day == exam.day
                and exam.day is not None
                and (other.begins == exam.begins or exam.begins is None or other.begins is None)
            ),
            None,
        )
        if same is None:
            apart.append(exam)
        else:
            other = apart[same]
            apart[same] = replace(
                other,
                begins=other.begins or exam.begins,
                minutes=other.minutes or exam.minutes,
                room=other.room or exam.room,
            )
    return apart
