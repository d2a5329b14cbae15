"""What sentences say of the whole course: office hours, credits, the project, grading, exams and what is due."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise, takewhile

from amls.courses.eligibility import MOST_EXTRA_POINTS
from amls.portal.takeover.sourcerows import SourceCell, SourceRow
from amls.portal.takeover.spec import GradingSpec, OfficeHourSpec, ProjectSpec
from amls.portal.takeover.understanding import kinds, links
from amls.portal.takeover.understanding.dates import Mention, find_days
from amls.portal.takeover.understanding.drafts import Draft, Ids
from amls.portal.takeover.understanding.lines import without_bullet
from amls.portal.takeover.understanding.resolving import Days
from amls.portal.takeover.understanding.rooms import clean_room, is_place, mode_in, pieces_of_place, room_in
from amls.portal.takeover.understanding.slots import OFFICE, WEEKDAYS, find_slots, plain_sentences, statements
from amls.portal.takeover.understanding.times import find_times

_I = re.IGNORECASE
_EXAM_LIST = re.compile(r"(?:final\s+)?(?P<kind>written|oral)?\s*exams?\s*:\s*(?P<dates>.+)", _I)
_OTHER_WORK = re.compile(r"\b(?:report|homework|exercise|sheet|paper|essay|assignment|hw|übung)", _I)
# What a day follows by which something is due: there '3/29' is one.
_BY = re.compile(r"\b(?:due|by|on|until|bis|am|deadline)\W*$", _I)
_DEFAULT_LENGTH = timedelta(minutes=90)


def office_hours(line: str, cell: SourceCell, days: Days) -> list[OfficeHourSpec]:
    """Return the office hours that a line names."""
    hours = []
    for sentence, is_office in statements(line):
        if not is_office:
            continue
        slots = find_slots(OFFICE.sub("times", sentence))
        starting = re.search(r"(?:starting|from|beginning|ab)\s+(?:on\s+)?(?P<when>\D.+)", sentence, _I)
        first = (
            next((days.day(mention.days[0]) for mention in find_days(starting.group("when")) if mention.days), None)
            if starting
            else None
        )
        for slot in slots:
            end = slot.ends or (datetime.combine(date.min, slot.begins) + _DEFAULT_LENGTH).time()
            hours.append(
                OfficeHourSpec(
                    weekday=WEEKDAYS[slot.weekday], start=slot.begins, end=end, room=(room_in(sentence) if len(slots) == 1 else "") or slot.room, mode=mode_in(sentence),
                    call_in=call_in(cell, of_office_hour=True), first=first,
                )
            )  # fmt: skip
    return hours


def call_in(cell: SourceCell, *, of_office_hour: bool) -> str:
    """Return the call-in link of a line: the office hour's, which says so in its text, or the lectures'."""
    for link in cell.links:
        name = link.text.lower()
        if not links.is_whole(link.href):
            continue
        if of_office_hour and "office" in name:
            return link.href
        if (
            not of_office_hour
            and "office" not in name
            and (re.search(r"call|zoom|link|meeting|join", name) or links.is_call(link))
        ):
            return link.href
    return ""


def ects(texts: Sequence[str]) -> Decimal | None:
    """Return the credits of the course, which are not those of its project."""
    for text in texts:
        if "project" in text.lower() or "projekt" in text.lower():
            continue
        match = re.search(r"(\d{1,2}(?:[.,]\d)?)\s*(?:ECTS|LP\b|CP\b|Leistungspunkte|credits? points)", text)
        if match is not None:
            return Decimal(match.group(1).replace(",", "."))
    return None


def project(texts: Sequence[str], days: Days) -> tuple[ProjectSpec | None, set[int]]:
    """Return what a page says of its project, and which of the lines said its deadline."""
    spec, said = ProjectSpec(), set[int]()
    for number, text in enumerate(texts):
        lowered = text.lower()
        at = lowered.find("submission deadline")
        if at >= 0 and not _OTHER_WORK.search(text[at:]) and spec.submission_deadline is None:
            due = moment(text[at:], days)
            if due is not None:
                spec = replace(spec, submission_deadline=due)
                said.add(number)
        if "project" in lowered and not lowered.startswith(("•", "grading")):
            hours = re.search(r"(\d+)\s*(?:working\s+)?hours", lowered)
            credits_ = re.search(r"(\d+(?:\.\d)?)\s*ects", lowered)
            spec = replace(
                spec, hours=int(hours.group(1)) if hours else spec.hours, ects=Decimal(credits_.group(1)) if credits_ else spec.ects,
                mandatory=spec.mandatory or "mandatory" in lowered,
            )  # fmt: skip
    return (spec if spec != ProjectSpec() else None), said


def moment(text: str, days: Days) -> datetime | None:
    """Return the first day of a text with its time, where it has both."""
    mentions = [mention for mention in find_days(text) if mention.days]
    if not mentions:
        return None
    day = days.day(mentions[0].days[0])
    times = find_times(text[mentions[0].end :])
    if day is None or not times or times[0].problem:
        return None
    return datetime.combine(day, times[0].ends or times[0].begins)


def grading(texts: Sequence[str]) -> GradingSpec:
    """Return how is graded, as far as one line that begins with 'Grading:' says."""
    for text in texts:
        match = re.match(r"\s*(?:[•*·–-]\s*)?(?:grading|benotung)\s*:\s*(?P<rule>.+)", text, _I)
        if match is None:
            continue
        rule = match.group("rule")
        percent = re.search(r"(\d+)\s*%\s*(?:final\s+)?(?:written\s+)?exam", rule, _I)
        extra = re.search(r"(\d+(?:\.\d)?)\s*extra\s+points", rule, _I)
        points = Decimal(extra.group(1)) if extra else Decimal(0)
        return GradingSpec(
            exam_percent=int(percent.group(1)) if percent else None,
            project_is_prerequisite=bool(
                re.search(r"(?:project|exercise)s?\s+(?:as|is|are)\s+(?:a\s+)?prerequisite", rule, _I)
            ),
            # More than a course can give is not taken for a promise.
            max_extra_points=points if points <= MOST_EXTRA_POINTS else Decimal(0),
        )
    return GradingSpec()


def exams_and_deadlines(row: SourceRow, ids: Ids) -> list[Draft]:
    """Return the exams and deadlines that a line or a paragraph names with their days."""
    text = without_bullet(row.text)
    if re.match(r"grading\s*:|benotung\s*:", text, _I):
        return []
    drafts: list[Draft] = []
    for sentence in plain_sentences(text):
        listed = _EXAM_LIST.search(sentence)
        is_viewing = kinds.is_viewing(sentence)
        if listed is not None or is_viewing or (kinds.is_exam(sentence) and not kinds.is_due(sentence)):
            for entry in re.split(r"\s*;\s*", sentence):
                drafts += [draft for part in _dated(entry) if (draft := _exam(row, part, sentence, ids)) is not None]
        elif kinds.is_due(sentence):
            days = [
                mention
                for mention in find_days(sentence)
                if mention.days and (not mention.is_loose or _BY.search(sentence[: mention.start]))
            ]
            for mention in days[:1]:
                draft = Draft(
                    ids.of(f"{row.text} {sentence}"),
                    row.number,
                    text,
                    days=[mention],
                    kind=kinds.DEADLINE,
                    title=sentence,
                )
                times = find_times(sentence[mention.end :])
                draft.times = times[0] if times else None
                draft.materials = [
                    links.material_of(link) for link in row.cells[-1].links if link.text and link.text in sentence
                ][:1]
                drafts.append(draft)
    return drafts


def _exam(row: SourceRow, text: str, sentence: str, ids: Ids) -> Draft | None:
    days: list[Mention] = [
        mention for mention in find_days(text) if mention.days and not (mention.is_loose and mention.start > 3)
    ]
    if not days:
        return None
    # What stands behind a further day is that day's, such as the end of the registration.
    own = text[: days[1].start] if len(days) > 1 else text
    named = text if kinds.is_exam(text[: days[0].start]) else sentence
    title = re.split(r":|\s[–—-]\s", named)[0] if re.search(r":|\s[–—-]\s", named[: max(days[0].start, 40)]) else named
    kind = "" if kinds.is_viewing(sentence) else kinds.EXAM
    draft = Draft(ids.of(f"{row.text} {text}"), row.number, row.text, days=days[:1], kind=kind, title=title[:120])
    times = find_times(own[days[0].end :])
    draft.times = times[0] if times and not times[0].problem else None
    rest = own[days[0].end :]
    draft.room = room_in(text) or _room_behind(rest, draft.times.end if draft.times is not None else 0)
    return draft


def _room_behind(text: str, start: int) -> str:
    """Return the rooms that follow the time of an exam: 'H 0104, H 0105' of ', H 0104 und H 0105. Register until …'."""
    words = pieces_of_place(re.split(r"\.(?:\s|$)", text[start:])[0])
    return ", ".join(clean_room(word) for word in takewhile(is_place, words))


def _dated(entry: str) -> list[str]:
    """Return an entry of a list of exams cut before each further day that has a time.

    A day without one, or in parentheses, belongs to the exam before it: 'Jul 18, 4pm (register until Jul 11)'.
    """
    days = [mention for mention in find_days(entry) if mention.days]
    cuts = [0]
    for day, until in zip(days[1:], [*(later.start for later in days[2:]), len(entry)], strict=False):
        is_note = entry.count("(", 0, day.start) > entry.count(")", 0, day.start)
        if (
            not is_note
            and find_times(entry[day.end : until])
            and not re.search(r"\b(?:register|registration|until|anmeldung|bis)\W*$", entry[: day.start], _I)
        ):
            gap = entry[cuts[-1] : day.start]
            word = re.search(r"(?:\b\d\.\s)?[\w-]*(?:klausur|prüfung|exam|mid-?term)\w*\W*(?:on|am|:)?\W*$", gap, _I)
            cuts.append(cuts[-1] + word.start() if word is not None and word.start() > 0 else day.start)
    return [entry[start:end] for start, end in pairwise([*cuts, len(entry)]) if entry]
