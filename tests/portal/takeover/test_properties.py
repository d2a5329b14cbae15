"""A random course written out in each form comes back the same; garbage gives words, never an error of ours."""

import io
import random
import string
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, time, timedelta

import docx
import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from amls.portal.takeover.joining import to_spec
from amls.portal.takeover.sources import read_source
from amls.portal.takeover.spec import CourseFileError
from amls.portal.takeover.understanding.interpret import understand

TODAY = date(2024, 9, 1)
TITLES = [
    "Introduction", "Storage", "Query Compilation", "Joins & Hashing", "Ștefan's Theorem", "Größe und Maß", "Linear Models", "深層学習",
    "Caching, Part II", "C++ in Practice", "A/B Testing", "Vectorisation", "Łukasz' Lemma", "Q-Learning", "Bäume", "Type Systems", "Raft",
]  # fmt: skip
ENGLISH = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri"]


@dataclass(frozen=True)
class RandomSession:
    day: date
    title: str
    slides: str


@dataclass(frozen=True)
class RandomCourse:
    """A course with one weekly lecture; days are written in one of the ways of the world."""

    sessions: tuple[RandomSession, ...]
    written: str

    def day(self, session: RandomSession) -> str:
        day = session.day
        return {
            "iso": f"{day:%Y-%m-%d}",
            "german": f"{day:%d.%m.%Y}",
            "short german": f"{day:%d.%m.}",
            "english": f"{ENGLISH[day.month - 1]} {day.day}",
            "british": f"{day.day} {ENGLISH[day.month - 1]} {day.year}",
            "american": f"{day.month}/{day.day}/{day.year}",
            "weekday": f"{DAYS[day.weekday()]}, {ENGLISH[day.month - 1]} {day.day}",
        }[self.written]


@st.composite
def plans(draw: st.DrawFn) -> RandomCourse:
    first = date(2024, 9, 2) + timedelta(days=draw(st.integers(0, 11)))
    first += timedelta(days=-first.weekday() % 7) if first.weekday() > 4 else timedelta()
    titles = draw(st.lists(st.sampled_from(TITLES), min_size=6, max_size=13, unique=True))
    sessions = tuple(
        RandomSession(
            first + timedelta(weeks=week), title, f"https://x.example.org/{week}.pdf" if draw(st.booleans()) else ""
        )
        for week, title in enumerate(titles)
    )
    written = draw(st.sampled_from(["iso", "german", "short german", "english", "british", "american", "weekday"]))
    return RandomCourse(sessions, written)


HEAD = "Data Systems Fall 2024"
WHEN = "Lectures take place {day}, 10:15-11:45 in H 0107. All times are Eastern."


def _when(plan: RandomCourse) -> str:
    return WHEN.format(day=plan.sessions[0].day.strftime("%A"))


def as_html(plan: RandomCourse) -> tuple[bytes, str]:
    rows = "".join(
        f"<tr><td>{plan.day(session)}</td><td>{session.title.replace('&', '&amp;')}</td><td>{f'<a href={session.slides!r}>slides</a>' if session.slides else ''}</td></tr>"
        for session in plan.sessions
    )
    page = f"<h1>{HEAD}</h1><p>{_when(plan)}</p><table><tr><th>Date<th>Topic<th>Slides</tr>{rows}</table>"
    return page.encode(), "page.html"


def as_list(plan: RandomCourse) -> tuple[bytes, str]:
    items = "".join(
        f"<li>{plan.day(session)}: {session.title.replace('&', '&amp;')} {f'(<a href={session.slides!r}>slides</a>)' if session.slides else ''}</li>"
        for session in plan.sessions
    )
    return f"<h1>{HEAD}</h1><p>{_when(plan)}</p><ul>{items}</ul>".encode(), "page.html"


def as_markdown(plan: RandomCourse) -> tuple[bytes, str]:
    rows = "\n".join(
        f"| {plan.day(session)} | {session.title} | {f'[slides]({session.slides})' if session.slides else ''} |"
        for session in plan.sessions
    )
    return f"# {HEAD}\n\n{_when(plan)}\n\n| Date | Topic | Slides |\n|---|---|---|\n{rows}\n".encode(), "page.md"


def as_tabs(plan: RandomCourse) -> tuple[bytes, str]:
    rows = "\n".join(f"{plan.day(session)}\t{session.title}\t{session.slides}" for session in plan.sessions)
    return f"{HEAD}\n{_when(plan)}\n\nDate\tTopic\tSlides\n{rows}\n".encode(), ""


def as_brackets(plan: RandomCourse) -> tuple[bytes, str]:
    rows = "\n".join(
        f"• {session.title} [{plan.day(session)}{f', {session.slides}' if session.slides else ''}]"
        for session in plan.sessions
    )
    return f"{HEAD}\n{_when(plan)}\n\n{rows}\n".encode(), ""


def as_yaml(plan: RandomCourse) -> tuple[bytes, str]:
    rows = "\n".join(
        f'- date: "{plan.day(session)}"\n  title: "{session.title}"'
        + (f"\n  slides: {session.slides}" if session.slides else "")
        for session in plan.sessions
    )
    return f"# {HEAD}\n# {_when(plan)}\n{rows}\n".encode(), "schedule.yml"


def as_workbook(plan: RandomCourse) -> tuple[bytes, str]:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append([HEAD])
    sheet.merge_cells("A1:C1")
    sheet.append([_when(plan)])
    sheet.append(["Date", "Topic", "Slides"])
    for session in plan.sessions:
        sheet.append([session.day, session.title, session.slides])
    content = io.BytesIO()
    book.save(content)
    return content.getvalue(), "plan.xlsx"


def as_document(plan: RandomCourse) -> tuple[bytes, str]:
    document = docx.Document()
    document.core_properties.title = ""
    document.add_heading(HEAD, 1)
    document.add_paragraph(_when(plan))
    table = document.add_table(rows=1, cols=3)
    for cell, text in zip(table.rows[0].cells, ("Date", "Topic", "Slides"), strict=True):
        cell.text = text
    for session in plan.sessions:
        for cell, text in zip(table.add_row().cells, (plan.day(session), session.title, ""), strict=True):
            cell.text = text
    content = io.BytesIO()
    document.save(content)
    return content.getvalue(), "plan.docx"


def as_calendar(plan: RandomCourse) -> tuple[bytes, str]:
    events = "".join(
        f"BEGIN:VEVENT\r\nUID:{number}@x\r\nDTSTAMP:20240101T000000Z\r\n"
        f"DTSTART;TZID=America/New_York:{session.day:%Y%m%d}T101500\r\nDTEND;TZID=America/New_York:{session.day:%Y%m%d}T114500\r\n"
        f"SUMMARY:{session.title.replace(',', chr(92) + ',')}\r\nLOCATION:H 0107\r\nURL:{session.slides}\r\nEND:VEVENT\r\n"
        for number, session in enumerate(plan.sessions)
    )
    page = f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//\r\nX-WR-CALNAME:{HEAD}\r\n{events}END:VCALENDAR\r\n"
    return page.encode(), "course.ics"


WITHOUT_LINKS = (as_document, as_calendar)


@pytest.mark.parametrize(
    "write", [as_html, as_list, as_markdown, as_tabs, as_brackets, as_yaml, as_workbook, as_document, as_calendar]
)
@settings(max_examples=6, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(plan=plans())
def test_a_course_comes_back_the_same_from_every_form(
    write: Callable[[RandomCourse], tuple[bytes, str]], plan: RandomCourse
) -> None:
    content, name = write(plan)
    understood = understand(read_source(content, name=name), today=TODAY)
    assert [
        (session.kind, session.day, session.begins, session.ends, session.title) for session in understood.sessions
    ] == [("lecture", session.day, time(10, 15), time(11, 45), session.title) for session in plan.sessions]
    assert {session.room for session in understood.sessions} == {"H 0107"}
    assert (understood.title, understood.term, understood.zone) == ("Data Systems", "Fall 2024", "America/New_York")
    if write not in WITHOUT_LINKS:
        assert [[link.url for link in session.materials] for session in understood.sessions] == [
            [session.slides] if session.slides else [] for session in plan.sessions
        ]
    assert understood.open_questions == ()
    assert len(to_spec(understood).lectures) == len(plan.sessions)


PIECES = [
    "Sep 3", "9/3", "03.09.", "31.02.", "Week 3", "KW 60", "10-12", "25:99", "10 c.t.", "13pm", "TBA", "No class", "due", "Klausur", "\t", "|", "\n",
    "\n\n", "• ", "- ", "[", "]", "(", ")", "01 ", ":", "<td>", "<tr>", "<table>", "</table>", "<li>", "# ", "---", "BEGIN:VCALENDAR", "DTSTART:", "RRULE:FREQ=SECONDLY",
    "SS2024", "Fall", "http://[::1", "https://x.example.org/a.pdf", "\x00", "\ud7ff", "🗓️", "É", "{", "}", '"', "'", "- date: ", "title: ", "&a ", "*a ", "!!python/object ",
    "Monday", "TuTh 9-10", "Lecturer: ", "TAs: A, B", "0/0/0", "99/99/9999", "2024-13-45", "Feb 29, 2023", "\u202e", "\u2028",
]  # fmt: skip


def garbage(rng: random.Random) -> str:
    return "".join(
        rng.choice(PIECES) if rng.random() < 0.7 else rng.choice(string.printable) * rng.randint(1, 4)
        for _piece in range(rng.randint(1, 80))
    )


@pytest.mark.parametrize("ending", ["", "x.html", "x.md", "x.csv", "x.yml", "x.json", "x.ics"])
@pytest.mark.parametrize("seed", range(6))
def test_garbage_gives_words(ending: str, seed: int) -> None:
    content = garbage(random.Random(f"{ending}{seed}"))
    try:
        understood = understand(read_source(content, name=ending), today=TODAY)
    except CourseFileError as error:
        said = error.problems
    else:
        said = [
            *understood.warnings,
            *(question.words for question in understood.questions),
            *(session.title for session in understood.sessions),
        ]
    assert said
    assert all(line.strip() for line in said)


@settings(max_examples=200, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=12), max_size=40).map("".join))
def test_no_text_is_too_odd(text: str) -> None:
    try:
        understood = understand(read_source(f"Data Systems SS2024\n{text}\n"), today=TODAY)
    except CourseFileError:
        return
    to_spec(understood)
