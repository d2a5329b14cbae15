"""Pieces of what a cell says: its days, what stands beside them, and what is due."""

import re
from collections.abc import Sequence
from dataclasses import replace

from amls.portal.takeover.sourcerows import SourceCell
from amls.portal.takeover.understanding import kinds, links
from amls.portal.takeover.understanding.content import Content, announced, is_nothing, read_content
from amls.portal.takeover.understanding.dates import WEEKDAY, Mention, find_days
from amls.portal.takeover.understanding.drafts import Draft, Due
from amls.portal.takeover.understanding.rooms import mode_of, room_of
from amls.portal.takeover.understanding.times import Times, find_times

_I = re.IGNORECASE


def expected_days(cell: SourceCell) -> list[Mention]:
    """Return the days of a cell that should name one; a bare '9/3' or '03.09' is one there."""
    return [mention for mention in find_days(cell.text) if mention.days or mention.is_open] if cell.text else []


def without(text: str, mentions: Sequence[Mention]) -> str:
    """Return a text without its days."""
    for mention in sorted(mentions, key=lambda mention: -mention.start):
        text = f"{text[: mention.start]} {text[mention.end :]}"
    return text.strip(" :–—-,;|")


def words_besides(draft: Draft, text: str) -> str:
    """Return the words that stand beside a day in its cell, such as 'Spring break' of 'Mar 4-8 (Spring break)'.

    A mode or a place is none of them: 'Jun 13, virtual only', 'May 21 (in H 0111)'.
    """
    rest = without(text, find_days(text))
    for span in reversed(find_times(rest, expects=True)):
        rest = f"{rest[: span.start]} {rest[span.end :]}"
    rest = re.sub(
        rf"\b{WEEKDAY}\b|\b(?:mo|di|mi|do|fr|sa|so|tu|th|we|[mtwrf]|uhr|week|woche|kw|und|and)\b\.?",
        " ",
        rest,
        flags=_I,
    )
    words = []
    for token in re.split(r"\s*[,;()\[\]\n]\s*", rest):
        word = " ".join(token.split()).strip(" ,:;–—-/|.")
        if mode_of(word):
            draft.mode = mode_of(word)
        elif word and re.match(r"(?:in|room|raum|at)\s", word, _I) and room_of(word):
            draft.room = room_of(word)
        elif word.lower() in links.ANNOUNCED:
            draft.materials += announced(word, links.ANNOUNCED[word.lower()])
        elif word:
            words.append(word)
    rest = ", ".join(words)
    return rest if sum(map(str.isalpha, rest)) > 2 else ""


def fill(draft: Draft, content: Content) -> None:
    """Give a draft what a text says."""
    draft.title = content.title
    draft.details += content.details
    draft.number = draft.number or content.number
    draft.kind = draft.kind or content.kind
    draft.materials += [material for material in content.materials if material not in draft.materials]
    draft.call_in = draft.call_in or content.call_in
    draft.dues += dues_in(content)


def dues_in(content: Content) -> list[Due]:
    """Return what a text says is due, with the day and time that it names."""
    return [Due(text, day_in(text), time_in(text), url) for text, url in content.dues]


def day_in(text: str) -> Mention | None:
    """Return the day that a text about something due names."""
    return next((mention for mention in find_days(text) if mention.days and not mention.is_loose), None) or next(
        (
            mention
            for mention in find_days(text)
            if mention.days and re.search(r"\b(?:due|by|on|bis|am|until)\W+$", text[: mention.start], _I)
        ),
        None,
    )


def time_in(text: str) -> Times | None:
    """Return the time that a text about something due names."""
    spans = find_times(without(text, find_days(text)))
    return spans[0] if spans else None


def pieces_of(text: str) -> list[str]:
    """Return the pieces of work of a cell: 'HW1 due; HW2 out', 'A2, project proposal'."""
    return [
        piece.strip()
        for piece in re.split(
            r"\s*[\n;]\s*|,\s+(?=(?:[A-Z]{1,3}\d|HW|Homework|Project|project|Assignment|Lab|Quiz|Problem|Reading|Blatt|Übung|Checkpoint)\b)",
            text,
        )
        if piece.strip()
    ]


def dues_of(cell: SourceCell, *, is_column: bool = False) -> list[Due]:
    """Return what a cell says is due; in a column of deadlines all that is not given out."""
    dues: list[Due] = []
    for piece in pieces_of(cell.text):
        if kinds.is_out(piece) or is_nothing(piece):
            continue
        if not is_column and not kinds.is_due(piece):
            continue
        dues.append(Due(piece, day_in(piece) or _lone_day(piece), time_in(piece), address_of(cell, piece), is_column))
    return dues


def _lone_day(piece: str) -> Mention | None:
    """Return the day of a piece that is nothing else, such as '10/4' in a column of deadlines."""
    mentions = [mention for mention in find_days(piece) if mention.days]
    return mentions[0] if mentions and mentions[0].start <= 2 else None


def address_of(cell: SourceCell, piece: str) -> str:
    """Return the address of the link in a piece of a cell, or ''."""
    own = [link.href for link in cell.links if link.text and link.text in piece and not links.is_place(link)]
    return own[0] if own else ""


def is_words(text: str) -> bool:
    """Return whether a text says something in words."""
    return sum(map(str.isalpha, text)) > 3


def of_grid(text: str, cell: SourceCell) -> Content:
    """Read a cell of a calendar: its session comes first, whatever stands above it."""
    lines = [line for line in text.split("\n") if line.strip(" :-–")]
    first = next(
        (
            line
            for line in lines
            if re.match(r"\W*(?:lec|lecture|vl|vorlesung|rec|recitation|class|exam|quiz|mid-?term)\b", line, _I)
        ),
        None,
    )
    if first is not None and lines[0] is not first:
        lines.remove(first)
        lines.insert(0, first)
    return read_content("\n".join(lines), cell.links)


def bare_day(text: str, before: list[Mention]) -> list[Mention]:
    """Return the day of a calendar cell that names only its number: the month stands in a cell before."""
    match = re.match(r"\W*(\d{1,2})\b(?!\s*[:.]\d)", text)
    if match is None or not before or not before[0].days:
        return []
    last = before[-1].days[-1]
    number = int(match.group(1))
    if last.numbers is not None or not 1 <= number <= 31:
        return []
    month = last.month if number >= last.day else last.month % 12 + 1
    return [replace(before[-1], days=(replace(last, day=number, month=month),), until=None, weekday=None)]
