"""Weekly times: every weekday with a time that a sentence or line names, its kind and its room."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import time
from functools import lru_cache

from amls.portal.takeover.understanding import kinds
from amls.portal.takeover.understanding.dates import WEEKDAY, find_days, weekday_of
from amls.portal.takeover.understanding.rooms import mode_in, room_behind, room_in
from amls.portal.takeover.understanding.times import find_times

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_I = re.IGNORECASE
_COMPACT = r"(?-i:(?:M|Mo|Tu|T|W|We|Th|R|F|Fr|Sa|Su){1,5})"
_NAMES = (
    rf"(?:{WEEKDAY}|(?-i:M(?=[,/ ]+W)|(?<=M[,/ ])W|mo|di|mi|do|fr|sa|so|Mo|Di|Mi|Do|Fr|Sa|So|Tu|Th|We|TU|TH|MO|FR))"
)
# 'Tuesdays and Thursdays', 'Mon/Wed', 'MWF', 'TR', 'TuTh'.
_DAYS = re.compile(
    rf"(?<![\w])(?:(?P<names>{_NAMES}(?:'s|’s)?\.?(?:\s*(?:,|/|&|\+|\band\b|\bund\b|-(?=\w{{2,9}}\s)|\s)\s*(?:and\s+|und\s+)?{_NAMES}(?:'s|’s)?\.?)*)|(?P<compact>{_COMPACT})(?=\s*,?\s*(?:at\s*|from\s*|:\s*)?\d))(?![a-zäöü])",
    _I,
)
_LETTERS = re.compile(r"Mo|M|Tu|Th|T|We|W|R|Fr|F|Sa|Su")
_COMPACT_DAYS = {"M": 0, "Mo": 0, "Tu": 1, "T": 1, "We": 2, "W": 2, "Th": 3, "R": 3, "Fr": 4, "F": 4, "Sa": 5, "Su": 6}
OFFICE = re.compile(r"\b(?:office hours?|sprechstunde\w*|consultation|help hours)\b", _I)
# A full stop, but not that of '2. Klausur' and of a person's title.
_END = r"(?<=[a-z)\d!?]\.)(?<!Prof\.)(?<!Dr\.)(?<!Ing\.)(?<!Dipl\.)(?<!Mrs\.)(?<!M[rs]\.)(?!(?:(?<=^\d\.)|(?<=[\s(]\d\.))\s+\w*(?i:klausur|prüfung|test))\s+(?=[A-ZÄÖÜ])|(?<=[!?])\s+"
_SENTENCES = re.compile(_END)
_SPLIT = re.compile(rf"{_END}|\s*[;|•]\s+|\s·\s(?=\D*:)")
_NONE = re.compile(
    r"\b(?:due|deadline|abgabe|exam|midterm|klausur|submit|released|posted|by (?:mon|tues|wednes|thurs|fri)day|until|bis spätestens|announcement)\b",
    _I,
)


@dataclass(frozen=True, slots=True)
class Slot:
    """A weekly time of the sessions of a kind; `weekday` is 0 for Monday."""

    kind: str
    weekday: int
    begins: time
    ends: time | None = None
    room: str = ""
    mode: str = "in_person"


def sentences(text: str) -> list[str]:
    """Return the sentences of a line."""
    return [sentence for sentence in _SPLIT.split(text) if sentence and sentence.strip()]


def plain_sentences(text: str) -> list[str]:
    """Return the sentences of a line, whose parts may be separated by semicolons."""
    return [sentence for sentence in _SENTENCES.split(text) if sentence and sentence.strip()]


def statements(line: str) -> list[tuple[str, bool]]:
    """Return the sentences of a line, each with whether it names office hours.

    So does one that begins with a day behind another: 'Office hours: Tue 2-3pm; Thu 4-5pm'.
    """
    said: list[tuple[str, bool]] = []
    for sentence in sentences(line):
        goes_on = bool(said) and said[-1][1] and _DAYS.match(sentence.strip()) is not None
        is_office = goes_on and not kinds.session_kind(sentence, is_heading=True)
        said.append((sentence, is_office or OFFICE.search(sentence) is not None))
    return said


def find_slots(line: str, *, default_kind: str = "") -> list[Slot]:
    """Return the weekly times that a line names, but those of office hours."""
    return list(_found(line, default_kind))


@lru_cache(maxsize=4096)
def _found(line: str, default_kind: str) -> tuple[Slot, ...]:
    slots: list[Slot] = []
    kind = ""
    for sentence, is_office in statements(line):
        if is_office or _NONE.search(sentence):
            continue
        # '4.10' is a time here; '4/10' is none.
        dates = [
            mention
            for mention in find_days(sentence)
            if mention.days and (not mention.is_loose or "/" in sentence[mention.start : mention.end])
        ]
        days = [
            (match, weekdays)
            for match in _DAYS.finditer(sentence)
            if (weekdays := _weekdays(match))
            and not any(date.start - 3 <= match.end() and match.start() <= date.end + 3 for date in dates)
        ]
        for position, (match, weekdays) in enumerate(days):
            until = days[position + 1][0].start() if position + 1 < len(days) else len(sentence)
            rest = sentence[match.end() : until]
            times = find_times(rest[:60], expects=True)
            if not times or times[0].start > 25 or times[0].problem:
                # 'Lectures are at 10am on Tuesdays and Thursdays in LT2'
                before = find_times(sentence[: match.start()])
                if position or len(days) > 1 or not before or match.start() - before[-1].end > 12:
                    continue
                at, behind = before[-1], rest
            else:
                at, behind = times[0], rest[times[0].end :]
            own = _kind(
                sentence[days[position - 1][0].end() if position else 0 : match.start()],
                sentence,
                is_first=position == 0,
            )
            kind = own or kind
            room = room_in(behind) or room_behind(_without_zone(behind))
            mode = mode_in(sentence) if len(days) == 1 else "in_person"
            mode = "hybrid" if mode == "virtual" and room else mode
            slots += [
                Slot(kind or default_kind or kinds.LECTURE, day, at.begins, at.ends, room, mode) for day in weekdays
            ]
    return tuple(slots)


def slot_room_in_head(line: str) -> str:
    """Return the room that a line says before or apart from its times: 'Room: Gates B03'."""
    match = re.search(
        r"\b(?:room|raum|location|where|ort|hörsaal|place|venue|classroom)\s*:\s*(?P<room>[^;|·•\n]{2,60}?)(?=\s*(?:[;|·•\n.]|$|,\s*\w+day))",
        line,
        _I,
    )
    return match.group("room").strip(" ,") if match is not None else ""


def _without_zone(text: str) -> str:
    return re.sub(
        r"^\s*\(?(?:EST|EDT|ET|CST|CDT|CT|MST|MDT|MT|PST|PDT|PT|CET|CEST|MEZ|MESZ|GMT|BST|AE[SD]T)\b\)?", "", text
    )


def _weekdays(match: re.Match[str]) -> list[int]:
    compact = match.group("compact")
    if compact:
        days = [_COMPACT_DAYS[letter] for letter in _LETTERS.findall(compact)]
        # 'M' alone, or 'FF', is no weekday.
        return days if len(set(days)) == len(days) and days == sorted(days) else []
    return [weekday_of(name.group()) for name in re.finditer(_NAMES, match.group("names"), _I)]


def _kind(before: str, sentence: str, *, is_first: bool) -> str:
    own = kinds.session_kind(before, is_heading=True)
    return own or (kinds.session_kind(sentence, is_heading=True) if is_first else "")


def slot_for(slots: Iterable[Slot], kind: str, weekday: int) -> Slot | None:
    """Return the weekly time of a session of a kind on a weekday, if there is one."""
    fitting = [slot for slot in slots if slot.weekday == weekday]
    same = [slot for slot in fitting if slot.kind == kind]
    return same[0] if same else fitting[0] if len(fitting) == 1 else None
