"""Lines and items of lists to drafts: '01 Title [Apr 18, pdf]', 'Apr 16: Title', 'Title (16.04.)', 'Week 3: Title'."""

import re
from dataclasses import replace

from amls.portal.takeover.plaintext import BULLET
from amls.portal.takeover.sourcerows import Link, SourceCell, SourceRow
from amls.portal.takeover.understanding import kinds, links
from amls.portal.takeover.understanding.content import dues_apart, read_content
from amls.portal.takeover.understanding.dates import Mention, find_days
from amls.portal.takeover.understanding.deciding import FREE_WORDS, names_topic
from amls.portal.takeover.understanding.drafts import Draft, Due, Ids
from amls.portal.takeover.understanding.links import ANNOUNCED, LinkedMaterial
from amls.portal.takeover.understanding.rooms import mode_of, pieces_of_place, room_of
from amls.portal.takeover.understanding.tables import Where
from amls.portal.takeover.understanding.times import Times, find_times

_I = re.IGNORECASE
_BRACKETS = re.compile(r"^(?P<title>.*?\S)\s*\[(?P<brackets>(?:[^\[\]]|\[[^\[\]]*\])*)\]\s*\.?$", re.DOTALL)
_NUMBER = re.compile(r"^(?P<number>\d{1,3}[a-z]?)(?:[.:)]\s*|\s+)(?=\S)")
_HAS_NUMBER = re.compile(r"^0\d[a-z]?[.:]?\s|^\d{1,2}[.)]\s")
_LABEL = re.compile(
    r"^(?:[\w.]+\s+)*(?:lecturers?|instructors?|professors?|assistants?|TAs?|exams?|grading|prüfung|klausur|dozent\w*)\s*:",
    _I,
)
_LABELLED = re.compile(r"[^:.]{3,60}:\s*")
_SENTENCE = 160
_WORDS_OF_A_PAUSE = 8
# What leads to a day in the middle of a line: 'Ferien vom', 'Vorlesung am', 'Pfingsten:', 'und'.
_TO_A_DAY = re.compile(
    r"(?:[\s:,(–—-]+|(?<!\w)(?:vom|von|am|ab|zwischen|dem|den|der|und|on|from|between|and|the)(?!\w))+$", _I
)


def without_bullet(text: str) -> str:
    """Return a line without the sign of its list."""
    return BULLET.sub("", text, count=1).strip()


def read_line(row: SourceRow, where: Where, ids: Ids) -> Draft | None:
    """Return what a line says that may be a session, a day without class, a deadline or an exam; None if it names no day.

    A line whose brackets name a day is one, wherever it stands; otherwise its day must stand at its beginning or
    end, so that a sentence that only mentions a day is none.
    """
    cell = row.cells[0]
    text = without_bullet(cell.text)
    bracketed = _bracketed(row, cell, text, where, ids)
    if bracketed is not None:
        return bracketed
    pause = _pause(row, text, where, ids)
    if pause is not None:
        return pause
    number = _number_before(text)
    rest = text[number.end() :] if number is not None else text
    days = find_days(rest)
    is_item = row.kind in ("item", "pair") or number is not None
    first = _day_of(rest, days, may_end_by_it=is_item or row.kind == "heading")
    if first is None or (row.kind == "text" and number is None and _is_prose(rest)):
        return None
    if first.week is not None and not is_item and row.kind != "text":
        return None
    behind = _further(rest, first, days)
    title = _cut(rest, [first, *behind])
    draft = _draft(row, where, ids)
    draft.days = [mention for mention in (first, *behind) if mention.days or mention.is_open]
    draft.week = first if first.week is not None else None
    held, dues = dues_apart(title)
    if dues or not kinds.is_due(title):
        own = _own_time(held, expects=first.start <= _lead(rest)) if first.days else None
        draft.times = own or next((span for span in find_times(held) if not span.problem), None)
        if own is not None:
            title = title[: own.start] + title[own.end :]
            title = _without_place(draft, title) if _LABELLED.fullmatch(rest[: first.start]) else title
    _fill(
        draft,
        re.sub(r"^(?:\s*\(\s*\))?[\s:–—,;.|-]+|\(\s*\)", "", title),
        cell.links,
        number.group("number") if number else "",
    )
    return draft


def _pause(row: SourceRow, text: str, where: Where, ids: Ids) -> Draft | None:
    """Return the days without class of a line that names them behind what they are, or behind 'vom' or 'am'.

    As in 'Weihnachtspause vom 21.12. bis 02.01.', 'Keine Vorlesung am 08.03. (Frauentag)' and 'Vom 21.12. bis 02.01.: Ferien'.
    Where a day comes first, a line is read as every other.
    """
    days = [mention for mention in find_days(text) if mention.days and not mention.is_loose]
    if not days or days[0].start == 0 or len(text) > _SENTENCE or _number_before(text) is not None:
        return None
    words = text
    for mention in reversed(days):
        before = _TO_A_DAY.sub("", words[: mention.start])
        words = f"{before} {words[mention.end :].lstrip(' :,')}"
    words = re.sub(r"\(\W*\)", " ", words)
    words = re.sub(r"^(?:die|der|das|alle)\s+", "", " ".join(words.split()).strip(" :,;.–—-"), flags=_I)
    kind = kinds.session_kind(words, is_heading=True)
    is_held = kind != "" and (kind != kinds.LECTURE or not FREE_WORDS.search(words))
    if not kinds.is_free(words) or is_held or names_topic(words) or kinds.is_due(words) or kinds.is_exam(words):
        return None
    if len(words.split()) > _WORDS_OF_A_PAUSE or re.search(r"\.\s+\S", words):
        return None
    draft = _draft(row, where, ids)
    draft.days, draft.title, draft.kind = days, words, kinds.FREE
    return draft


def _number_before(text: str) -> re.Match[str] | None:
    """Return the number before a line's title; '14.04. Kickoff' and '5 October: Categories' begin with a day and have none."""
    number = _NUMBER.match(text)
    if number is None:
        return None
    is_day = any(mention.start < number.end() and (mention.days or mention.week) for mention in find_days(text))
    return None if is_day else number


def _day_of(text: str, days: list[Mention], *, may_end_by_it: bool) -> Mention | None:
    """Return the day on which is what a line says: at its beginning, behind a label or, where that may be, at its end."""
    for mention in days:
        if mention.start <= _lead(text) and (mention.days or mention.week is not None or mention.is_open):
            return mention
    at_end = [mention for mention in days if re.fullmatch(r"[\s)\].,;]*|.{0,2}", text[mention.end :], re.DOTALL)]
    if may_end_by_it and at_end and len(text) < _SENTENCE and not kinds.is_due(text):
        last = at_end[-1]
        if (last.days and not last.is_loose) or last.is_open:
            return last
    return _labelled(text, days)


def _own_time(title: str, *, expects: bool) -> Times | None:
    """Return the time that stands with the day and is no part of the title: at its beginning, or behind a comma."""
    return next(
        (
            span
            for span in find_times(title[:40], expects=expects)
            if not span.problem and (span.start <= 3 or re.search(r"[(,]\s*$", title[: span.start]))
        ),
        None,
    )


def _labelled(text: str, days: list[Mention]) -> Mention | None:
    """Return the day of a line such as 'First meeting: 16.04.2024, 16:00, Room 32', which has its time as well."""
    first = next((mention for mention in days if mention.days), None)
    if first is None or kinds.is_due(text) or not _LABELLED.fullmatch(text[: first.start]):
        return None
    times = find_times(text[first.end :][:20])
    return first if times and times[0].start <= 4 and not times[0].problem else None


def _without_place(draft: Draft, text: str) -> str:
    """Take rooms and mode from what stands behind a label and its time; return the rest: 'Exam Q&A' of 'Exam Q&A: , Room 32'."""
    label, _colon, rest = text.partition(":")
    while (word := next(iter(pieces_of_place(rest)), "")) and (mode_of(word) or room_of(word)):
        draft.mode = mode_of(word) or draft.mode
        draft.room = ", ".join(filter(None, (draft.room, "" if mode_of(word) else room_of(word))))
        rest = re.sub(r"^\W*(?:und|and)\s", "", rest[rest.index(word) + len(word) :], flags=_I)
    rest = rest.strip(" ,;:–—-.()")
    return f"{label}: {rest}" if rest else label


def _is_prose(text: str) -> bool:
    """Return whether a line tells a story in which a day comes first: 'On 20.10.2025, 10:00, in Pool 3. Please bring …'."""
    return (
        len(text) > _SENTENCE
        or re.match(r"\W*(?:am|on|from|vom|ab)\s", text, _I) is not None
        or re.search(r"[a-z)]\.\s+[A-ZÄÖÜ]", text) is not None
    )


def is_undated_session(text: str) -> bool:
    """Return whether a line without a date is a session by its number: '02 Caching'."""
    return _HAS_NUMBER.match(text) is not None and not _LABEL.match(text) and len(text) < _SENTENCE


def undated(row: SourceRow, where: Where, ids: Ids) -> Draft:
    """Return the draft of a session whose date is open."""
    text = without_bullet(row.cells[0].text)
    number = _NUMBER.match(text)
    draft = _draft(row, where, ids)
    _fill(draft, text[number.end() :] if number else text, row.cells[0].links, number.group("number") if number else "")
    return draft


def read_pair(row: SourceRow, before: Draft | None, where: Where, ids: Ids) -> Draft | None:
    """Return what a term and its definition say where the term is a day: '18 Sept' – 'Floating point'."""
    term, said = row.cells[0], row.cells[1]
    days = [mention for mention in find_days(term.text) if mention.days or mention.week is not None or mention.is_open]
    if not days or len(term.text) > 60:
        return None
    draft = _draft(row, where, ids)
    draft.days = [mention for mention in days if mention.days or mention.is_open]
    draft.week = next((mention for mention in days if mention.week is not None), None) if not draft.days else None
    times = find_times(_cut(term.text, days), expects=True)
    draft.times = times[0] if times else None
    _fill(draft, said.text, (*said.links, *term.links), "")
    if draft.times is None and not kinds.is_due(draft.title):
        inner = find_times(draft.title)
        draft.times = inner[0] if inner else None
    is_only_links = before is not None and term.spans and _only_links(draft)
    if is_only_links and before is not None:
        before.materials += [material for material in draft.materials if material not in before.materials]
        draft.title = ""
    return draft


def _only_links(draft: Draft) -> bool:
    """Return whether a text names nothing but its links: 'Recording', 'Read Ch26, Ch27'."""
    rest = draft.title
    for material in draft.materials:
        rest = rest.replace(material.title, " ")
    return bool(draft.materials) and len(re.findall(r"\w+", rest)) <= 1


def _draft(row: SourceRow, where: Where, ids: Ids) -> Draft:
    return Draft(ids.of(row.text), row.number, row.text, context=where.kind, part=where.part)


def _lead(text: str) -> int:
    """Return how far a day at the beginning may stand from it: behind a bracket, a sign, or a word such as 'am'."""
    match = re.match(r"^[\s(\[*_•–—-]*(?:(?:am|on|ab|from|vom|date|datum|der|den)[\s:]+)?", text, _I)
    return match.end() if match is not None else 0


def _further(text: str, first: Mention, days: list[Mention]) -> list[Mention]:
    """Return the days that follow at once: 'Apr 16, Apr 18: Title'."""
    further, end = [], first.end
    for mention in days:
        if (
            mention.start > first.start
            and mention.days
            and re.fullmatch(r"\s*(?:[,;&/+]|and|und)\s*", text[end : mention.start], _I)
        ):
            further.append(mention)
            end = mention.end
    return further


def _cut(text: str, mentions: list[Mention]) -> str:
    for mention in sorted(mentions, key=lambda mention: -mention.start):
        text = (
            f"{text[: mention.start]}{text[mention.end :]}"
            if mention.start == 0
            else f"{text[: mention.start].rstrip(' ,–—-(|')} {text[mention.end :].lstrip(' )')}"
        )
    return text.strip()


def _fill(draft: Draft, text: str, own: tuple[Link, ...], number: str) -> None:
    due = next((match for match in re.finditer(r"\((?P<due>[^()]*)\)", text) if kinds.is_due(match.group("due"))), None)
    if due is not None and not dues_apart(text)[1]:
        inner = due.group("due")
        head = text[: due.start()].strip(" ,;:-–")
        draft.dues.append(
            Due(
                f"{head} {inner}",
                _day_in(inner),
                _time_in(inner),
                next((link.href for link in own if link.text and link.text in head), ""),
            )
        )
        draft.is_cancelled = False
        text = text[: due.start()] + text[due.end() :]
    content = read_content(text, own)
    draft.title = content.title
    draft.number = number or content.number
    draft.kind = draft.kind or content.kind
    draft.details += content.details
    draft.materials += content.materials
    draft.call_in = content.call_in
    draft.dues += [Due(line, _day_in(line), _time_in(line), url) for line, url in content.dues]


def _day_in(text: str) -> Mention | None:
    return next((mention for mention in find_days(text) if mention.days), None)


def _time_in(text: str) -> Times | None:
    plain = _cut(text, find_days(text))
    spans = find_times(plain)
    return spans[0] if spans else None


def _bracketed(row: SourceRow, cell: SourceCell, text: str, where: Where, ids: Ids) -> Draft | None:
    match = _BRACKETS.match(text)
    if match is None:
        return None
    title, inner = match.group("title"), match.group("brackets")
    number = _NUMBER.match(title)
    days = _sure(
        [mention for mention in find_days(inner) if mention.days or mention.week is not None or mention.is_open]
    )
    is_cancelled = kinds.is_cancelled(inner)
    if not days and any(
        mention.start <= _lead(title) and (mention.days or mention.week) for mention in find_days(title)
    ):
        return None
    is_numbered = (
        number is not None and row.kind != "heading" and (row.kind == "item" or _HAS_NUMBER.match(text) is not None)
    )
    if not (days or is_cancelled or is_numbered):
        return None
    draft = _draft(row, where, ids)
    draft.days = [mention for mention in days if mention.days or mention.is_open]
    draft.week = next((mention for mention in days if mention.week is not None), None) if not draft.days else None
    draft.is_cancelled = is_cancelled
    content = read_content(
        title[number.end() :] if number is not None else title,
        [link for link in cell.links if link.text and link.text in title],
    )
    # Here the title is what stands before the brackets, as it stands there.
    draft.title = " ".join((title[number.end() :] if number is not None else title).split())
    draft.number = number.group("number") if number is not None else ""
    draft.kind = content.kind if content.kind != kinds.LECTURE else ""
    draft.materials = content.materials
    rest = inner
    for mention in sorted(days, key=lambda mention: -mention.start):
        rest = f"{rest[: mention.start]},{rest[mention.end :]}"
    by_text = {link.text.lower(): link for link in cell.links if link.text}
    for token in re.split(r"\s*[,;()\[\]]\s*|\s+(?:and|und)\s+", rest):
        if token.strip(" -–.:|"):
            _token(draft, token.strip(" :|"), by_text)
    return draft


def _sure(days: list[Mention]) -> list[Mention]:
    """Return the days without what only may be one, where others are: 'Thu 08.05., in L-1.02'."""
    sure = [mention for mention in days if not mention.is_loose]
    return sure if any(mention.days for mention in sure) else days


def _token(draft: Draft, token: str, by_text: dict[str, Link]) -> None:
    """Read one piece of the brackets, in whatever order they stand."""
    lowered = token.lower().strip(". ")
    link = by_text.get(lowered)
    kind = kinds.kind_of_word(token) or kinds.session_kind(token)
    if link is not None:
        _link(draft, link, token)
    elif lowered in ANNOUNCED:
        draft.materials.append(LinkedMaterial(ANNOUNCED[lowered], lowered))
    elif mode_of(token):
        draft.mode = mode_of(token)
    elif kinds.is_cancelled(token):
        draft.is_cancelled = True
    elif times := _only_times(token):
        draft.times = times
    elif kind in kinds.KINDS:
        draft.kind = kind
    elif room_of(token):
        draft.room = ", ".join(filter(None, (draft.room, room_of(token))))
    else:
        _other_token(draft, token)


def _link(draft: Draft, link: Link, token: str) -> None:
    if links.is_call(link):
        draft.call_in, draft.mode = link.href, mode_of(token) or draft.mode
    else:
        lowered = link.text.lower().strip(". ")
        draft.materials.append(links.material_of(replace(link, text=lowered if lowered in ANNOUNCED else link.text)))


def _only_times(token: str) -> Times | None:
    """Return the time that a piece names, where it says nothing else."""
    spans = find_times(token, expects=True)
    if not spans or re.search(r"[^\W\d_]{2}", token[: spans[0].start] + token[spans[0].end :]):
        return None
    return spans[0]


def _other_token(draft: Draft, token: str) -> None:
    announced = links.word_kind(token) if len(token.split()) <= 2 else ""
    times = find_times(token, expects=True)
    if token.startswith(("http://", "https://")):
        draft.materials.append(links.material_of(Link("", token)))
    elif announced:
        draft.materials.append(LinkedMaterial(announced, token))
    elif times:
        draft.times = times[0]
    else:
        draft.unknown.append(token)
