"""Pages of courses with what is true of them, written by hand: reads both, and compares."""

import re
from dataclasses import dataclass, field
from datetime import date, time
from pathlib import Path

from amls.portal.takeover.understanding.results import Understood, WrittenExam
from amls.portal.takeover.understanding.slots import WEEKDAYS

PAGES = Path(__file__).parent / "pages"
_DATED = re.compile(
    r"^(?P<kind>\w+) (?P<day>\d{4}-\d\d-\d\d(?:/\d{4}-\d\d-\d\d)?|open)(?: (?P<time>\d{1,2}:\d\d(?:-\d{1,2}:\d\d)?|-)(?= ))? (?P<title>.+)$"
)


@dataclass
class Truth:
    title: str = ""
    term: str = ""
    zone: str = ""
    asks: set[str] = field(default_factory=set)
    slots: set[tuple] = field(default_factory=set)
    people: set[tuple] = field(default_factory=set)
    rows: dict[tuple, str] = field(default_factory=dict)
    links: dict[tuple, set[str]] = field(default_factory=dict)


def read_truth(path: Path) -> Truth:
    truth = Truth()
    for line in path.read_text(encoding="utf-8").splitlines():
        word, _space, rest = line.partition(" ")
        if word in ("title", "term", "zone"):
            setattr(truth, word, rest)
        elif word == "ask":
            truth.asks = set(rest.split())
        elif word == "slot":
            kind, weekday, times, room = rest.split(" ", 3)
            truth.slots.add((kind, weekday, _span(times), room))
        elif word == "person":
            role, _space, name = rest.partition(" ")
            truth.people.add((role, name))
        elif line and word != "ask?":
            dated, _bar, links = line.partition(" | ")
            match = _DATED.match(dated)
            assert match is not None, line
            at = _span(match["time"]) if match["time"] and match["time"] != "-" else (None, None)
            key = (match["kind"], match["day"], at, _plain(match["title"]))
            truth.rows[key] = match["title"]
            if links:
                truth.links[key] = set(links.split())
    return truth


def _plain(title: str) -> str:
    """Return a title without its punctuation: whether 'Lab 1' and its name are joined by a colon is nobody's truth."""
    return " ".join(re.sub(r"[^\w\s#&+]", " ", title).split())


def _span(text: str) -> tuple[time | None, time | None]:
    begins, _dash, ends = text.partition("-")
    return _time(begins), _time(ends) if ends else None


def _time(text: str) -> time:
    hour, minute = text.split(":")
    return time(int(hour), int(minute))


def rows_of(understood: Understood) -> dict[tuple, str]:
    """Return what was understood in the form of a truth; a time that a truth leaves out is not compared."""
    rows: dict[tuple, str] = {}
    for session in understood.sessions:
        rows[session.kind, _day(session.day), (session.begins, session.ends), _plain(session.title)] = ""
    for free in understood.free_days:
        days = _day(free.day) + (f"/{free.last}" if free.last else "")
        rows["free", days, (None, None), _plain(free.title)] = ""
    for due in understood.deadlines:
        rows["deadline", _day(due.day), (due.at, None), _plain(due.title)] = ""
    for exam in understood.exams:
        rows["exam", _day(exam.day), (exam.begins, _end(exam)), _plain(exam.title)] = ""
    return rows


def _day(day: date | None) -> str:
    return day.isoformat() if day else "open"


def _end(exam: WrittenExam) -> time | None:
    if exam.minutes is None or exam.begins is None:
        return None
    minutes = exam.begins.hour * 60 + exam.begins.minute + exam.minutes
    return time(minutes // 60 % 24, minutes % 60)


def links_of(understood: Understood) -> dict[tuple, set[str]]:
    links = {}
    for session in understood.sessions:
        links[session.kind, _day(session.day), _plain(session.title)] = {
            f"{link.kind}={link.url}" for link in session.materials if link.url
        }
    for due in understood.deadlines:
        links["deadline", _day(due.day), _plain(due.title)] = {due.url} if due.url else set()
    return links


def slots_of(understood: Understood) -> set[tuple]:
    return {(slot.kind, WEEKDAYS[slot.weekday], (slot.begins, slot.ends), slot.room) for slot in understood.slots}


def compare(truth: Truth, understood: Understood) -> list[str]:
    """Return what is wrong, a line each."""
    wrong = [
        f"{name}: {getattr(understood, name)!r} is not {getattr(truth, name)!r}"
        for name in ("title", "term", "zone")
        if getattr(truth, name) and getattr(truth, name) != getattr(understood, name)
    ]
    asked = {question.id for question in understood.open_questions}
    if missing := truth.asks - asked:
        wrong.append(f"not asked: {missing}, but {asked}")
    if truth.slots and truth.slots != slots_of(understood):
        wrong.append(f"slots: {slots_of(understood) ^ truth.slots}")
    people = {(person.role, person.name) for person in understood.people}
    if truth.people and truth.people != people:
        wrong.append(f"people: {people ^ truth.people}")
    rows = rows_of(understood)
    exact = set(rows)
    for key in truth.rows:
        kind, day, at, title = key
        is_right = key in exact or (
            at[1] is None
            and any(
                its_kind == kind and its_day == day and its_times[0] == at[0] and its_title == title
                for its_kind, its_day, its_times, its_title in exact
            )
        )
        if not is_right:
            wrong.append(f"missing: {key}")
    expected = {(kind, day, title) for kind, day, _at, title in truth.rows}
    wrong += [f"too much: {key}" for key in exact if (key[0], key[1], key[3]) not in expected]
    links = links_of(understood)
    for (kind, day, _at, title), wanted in truth.links.items():
        if (got := links.get((kind, day, title), set())) != wanted:
            wrong.append(f"links of {title}: {got} are not {wanted}")
    return wrong
