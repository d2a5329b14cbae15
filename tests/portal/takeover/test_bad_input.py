"""What is too large, hostile, broken or ambiguous gives a sentence that says what to do, or a question."""

import io
import zipfile
from collections.abc import Callable
from datetime import date

import openpyxl
import pytest

from amls.portal.takeover.sources import read_source
from amls.portal.takeover.spec import CourseFileError
from amls.portal.takeover.understanding.interpret import understand
from amls.portal.takeover.understanding.results import Understood

TODAY = date(2024, 9, 1)
HEAD = "<h1>Data Systems SS2024</h1><p>Lectures take place Tuesday, 10am-12pm in H 0107.</p>"


def read(content: bytes | str, name: str = "", **answers: str) -> Understood:
    return understand(read_source(content, name=name), answers, today=TODAY)


def zipped(**parts: bytes) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return content.getvalue()


MEGABYTE = 1024**2
LAUGHS = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + level)}: &{chr(98 + level)} [{','.join([f'*{chr(97 + level)}'] * 10)}]\n" for level in range(8)
)
SERIES = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20240101T000000Z\r\n"
    "DTSTART:20240416T101500Z\r\nRRULE:FREQ=MINUTELY;COUNT=10000\r\nSUMMARY:X\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)


@pytest.mark.parametrize(
    ("content", "name", "words"),
    [
        (b"", "", "There is nothing in it"),
        (b" \n\t ", "x.html", "There is nothing in it"),
        (b"x" * (6 * 1024**2), "", "more than 5 MB"),
        ("\n".join(f"line {number}" for number in range(10_002)).encode(), "", "more than 10,000 lines"),
        (("<p>x" * 10_002).encode(), "x.html", "more than 10,000 lines"),
        (b"%PDF-1.7\n...", "plan.pdf", "This is a PDF"),
        (b"\xd0\xcf\x11\xe0" + b"\0" * 600, "plan.doc", "old Office"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\0", "plan.png", "no text, table, calendar or document"),
        (lambda: zipped(**{"xl/workbook.xml": b" " * 120 * MEGABYTE}), "bomb.xlsx", "unpacks to more"),
        (lambda: zipped(**{"word/document.xml": b" " * 120 * MEGABYTE}), "bomb.docx", "unpacks to more"),
        (zipped(**{"xl/workbook.xml": b"<x/>"}), "x.xlsx", "damaged"),
        (zipped(**{"word/document.xml": b"<x/>"}), "x.docx", "damaged"),
        (LAUGHS.encode(), "x.yml", "anchors of this YAML"),
        (b"a: &a\n  - *a\n", "x.yml", "anchors of this YAML"),
        (b"- date: 2024-04-16\n  title: 'open\n- date: x\n", "x.yml", "is no valid YAML"),
        (b'[{"date": "2024-04-16",}]', "x.json", "Line 1 is no valid JSON"),
        (b"[" * 100_000, "x.json", "no valid JSON"),
        (SERIES.encode(), "x.ics", "more than 2,000 events"),
        (b'date;topic\n2024-04-16;"open\n2024-04-23;x\n', "x.csv", "quotation mark"),
    ],
)
def test_what_cannot_be_read_is_refused_in_a_sentence(
    content: bytes | Callable[[], bytes], name: str, words: str
) -> None:
    with pytest.raises(CourseFileError, match=words):
        read(content() if callable(content) else content, name)


def test_more_sessions_than_a_course_can_have() -> None:
    rows = "\n".join(f"2024-{1 + number % 12:02}-{1 + number % 28:02},Topic {number},x" for number in range(2_100))
    with pytest.raises(CourseFileError, match="more than 2,000 sessions"):
        read(f"date,topic,x\n{rows}\n", "x.csv")


def test_a_broken_event_leaves_the_others_whole() -> None:
    event = "BEGIN:VEVENT\r\nUID:{0}\r\nDTSTAMP:20240101T000000Z\r\nDTSTART:{1}\r\nSUMMARY:X{0}\r\nEND:VEVENT\r\n"
    events = event.format(1, "2024") + event.format(2, "20240416T101500")
    page = f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//\r\n{events}END:VCALENDAR\r\n"
    assert [(session.title, session.day) for session in read(page, "x.ics").sessions] == [("X2", date(2024, 4, 16))]
    assert read("<!-- nothing -->", "x.html").sessions == ()


def test_tags_of_yaml_make_nothing() -> None:
    page = "- date: !!python/object/apply:os.system ['echo x']\n  title: X\n- date: 2024-04-16\n  title: Y\n"
    assert [session.title for session in read(page, "x.yml").sessions if session.day] == ["Y"]


def test_a_table_within_a_table() -> None:
    inner = "<table><tr><th>Date<th>Topic</tr><tr><td>Apr 16<td>One</tr><tr><td>Apr 23<td>Two</tr></table>"
    understood = read(f"{HEAD}<table><tr><td>Menu<td>{inner}</tr></table>")
    assert [(session.day, session.title) for session in understood.sessions] == [
        (date(2024, 4, 16), "One"),
        (date(2024, 4, 23), "Two"),
    ]
    within = HEAD + (
        "<table><tr><th>Date<th>Topic</tr><tr><td>Apr 16<td>One<table><tr><td>note</table></tr><tr><td>Apr 23<td>Two</tr></table>"
    )
    assert [session.day for session in read(within).sessions] == [date(2024, 4, 16), date(2024, 4, 23)]


@pytest.mark.parametrize("tag", ["div", "table><tr><td", "ul><li", "blockquote", "b"])
def test_a_page_as_deep_as_it_is_long(tag: str) -> None:
    understood = read(f"{HEAD}<ul><li>01 One [Apr 16]</ul>{f'<{tag}>x' * 3_000}", "x.html")
    assert [session.title for session in understood.sessions] == ["One"]


def test_two_courses_on_one_page_are_asked_for() -> None:
    page = "".join(
        f"<h2>{title} SS2024</h2><p>Lectures take place Tuesday, 10am-12pm.</p><ul><li>01 {title} one [Apr 16]<li>02 {title} two [Apr 23]</ul>"
        for title in ("Data Systems", "Operating Systems")
    )
    first = read(page)
    question = next(question for question in first.open_questions if question.id == "course")
    assert question.choices == (("0", "Data Systems SS2024"), ("1", "Operating Systems SS2024"))
    assert (first.title, len(first.sessions)) == ("Data Systems", 2)
    second = read(page, course="1")
    assert (second.title, [session.title for session in second.sessions]) == (
        "Operating Systems",
        ["Operating Systems one", "Operating Systems two"],
    )
    assert "course" not in {question.id for question in second.questions}
    assert {line.what for line in first.lines if "Operating" in line.text} == {"another course"}


def test_weekdays_that_contradict_the_term_are_asked_for() -> None:
    page = "Data Systems SS2024\nLectures take place at 10am.\n" + "".join(
        f"- {day}: Topic {day}\n" for day in ("Tue Apr 15", "Tue Apr 22", "Tue Apr 29")
    )
    (question,) = (question for question in read(page).open_questions if question.id == "year")
    assert (question.preset, question.choices) == ("2024", (("2024", "2024"), ("2025", "2025")))
    assert [session.day for session in read(page, year="2025").sessions] == [date(2025, 4, day) for day in (15, 22, 29)]


def test_days_that_may_be_read_in_two_ways_are_asked_for() -> None:
    page = "Data Systems 2024\n- 3/4: One\n- 4/5: Two\n"
    (question,) = (question for question in read(page).open_questions if question.id == "order")
    assert [value for value, _label in question.choices] == ["dm", "md"]
    assert [session.day for session in read(page, order="dm").sessions] == [date(2024, 4, 3), date(2024, 5, 4)]
    assert [session.day for session in read(page, order="md").sessions] == [date(2024, 3, 4), date(2024, 4, 5)]


def test_a_template_says_where_the_schedule_is() -> None:
    (warning,) = read(
        "---\ntitle: Schedule\n---\n{% for day in site.data.schedule %}\n{{ day.date }}\n{% endfor %}\n"
    ).warnings
    assert "a site makes it from others" in warning


def test_corrections_of_rows_and_columns() -> None:
    page = "date,topic,notes\n2024-04-16,Introduction,Hello\n2024-04-23,Open day,World\n2024-04-30,Storage,Again\n"
    base = {"title": "Toy", "term": "SS2024", "zone": "Europe/Berlin", "slots": "tuesday 10-12"}
    understood = read(page, "x.csv", **base)
    first, second, third = understood.sessions
    changed = read(
        page, "x.csv", **base,
        **{
            f"kind:{second.id}": "free", f"title:{first.id}": "Welcome", f"date:{third.id}": "2024-05-02", f"time:{third.id}": "14:00-15:00",
            f"room:{third.id}": "H 1",
        },
    )  # fmt: skip
    assert [
        (session.title, str(session.day), f"{session.begins:%H:%M}", session.room) for session in changed.sessions
    ] == [
        ("Welcome", "2024-04-16", "10:00", ""),
        ("Storage", "2024-05-02", "14:00", "H 1"),
    ]
    assert [free_day.title for free_day in changed.free_days] == ["Open day"]
    dropped = read(page, "x.csv", **base, **{f"drop:{first.id}": "1"})
    assert [session.title for session in dropped.sessions] == ["Open day", "Storage"]
    assert [(line.use, line.what) for line in dropped.lines if line.id == first.id] == [("ignored", "dropped")]
    notes = next(column for column in understood.columns if column.heading == "notes")
    topic = next(column for column in understood.columns if column.heading == "topic")
    other = read(page, "x.csv", **base, **{notes.id: "title", topic.id: "ignored"})
    assert [session.title for session in other.sessions] == ["Hello", "World", "Again"]


def test_the_same_row_keeps_its_name_when_others_come_and_go() -> None:
    rows = ["2024-04-16,One,x", "2024-04-23,Two,x", "2024-04-23,Two,x", "2024-04-30,Three,x"]
    before = read("\n".join(["date,topic,x", *rows]), "x.csv")
    after = read("\n".join(["date,topic,x", "2024-04-09,Zero,x", *rows[1:]]), "x.csv")
    assert [session.id for session in after.sessions[1:]] == [session.id for session in before.sessions[1:]]
    assert len({session.id for session in before.sessions}) == 4


def test_every_line_is_accounted_for() -> None:
    page = "Data Systems SS2024\nA word of welcome.\nLectures take place Tuesday, 10am-12pm in H 0107.\n• 01 One [Apr 16]\nThe party is on 3 May 2024 in the yard.\nLecturer: Ann Example\n"
    assert [(line.number, line.use) for line in read(page).lines] == [
        (1, "used"), (2, "ignored"), (3, "used"), (4, "used"), (5, "not understood"), (6, "used"),
    ]  # fmt: skip


def test_a_workbook_with_real_dates_merged_cells_and_several_sheets() -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Vorlesung"
    sheet.append(["Grundlagen der Robotik (SoSe 2025)"])
    sheet.merge_cells("A1:E1")
    sheet.append(["Woche", "Datum", "Uhrzeit", "Thema", "Raum"])
    sheet.append([1, date(2025, 4, 15), "10:15-11:45", "Einführung", "HS 3"])
    sheet.append([None, date(2025, 4, 17), "10:15-11:45", "Kinematik", "HS 3"])
    sheet.append([2, date(2025, 4, 22), "10:15-11:45", "Dynamik", "HS 3"])
    sheet.append([None, date(2025, 5, 1), None, "Tag der Arbeit", None])
    sheet.merge_cells("A3:A4")
    sheet["D3"].hyperlink = "https://r.example.de/1.pdf"
    other = book.create_sheet("Übungen")
    other.append(["Datum", "Uhrzeit", "Blatt", "Abgabe"])
    other.append([date(2025, 4, 18), "14:00-15:30", "Übung 1", date(2025, 4, 25)])
    hidden = book.create_sheet("Noten")
    hidden.sheet_state = "hidden"
    hidden.append(["Matrikelnummer", "Note"])
    content = io.BytesIO()
    book.save(content)
    understood = read(content.getvalue(), "plan.xlsx")
    assert (understood.title, understood.term, understood.zone) == (
        "Grundlagen der Robotik",
        "SoSe 2025",
        "Europe/Berlin",
    )
    assert [
        (session.kind, str(session.day), f"{session.begins:%H:%M}", session.title, session.room)
        for session in understood.sessions
    ] == [
        ("lecture", "2025-04-15", "10:15", "Einführung", "HS 3"),
        ("lecture", "2025-04-17", "10:15", "Kinematik", "HS 3"),
        ("lecture", "2025-04-22", "10:15", "Dynamik", "HS 3"),
        ("exercise", "2025-04-18", "14:00", "Übung 1", ""),
    ]
    assert [link.url for link in understood.sessions[0].materials] == ["https://r.example.de/1.pdf"]
    assert [(str(free_day.day), free_day.title) for free_day in understood.free_days] == [
        ("2025-05-01", "Tag der Arbeit")
    ]
    assert [(str(deadline.day), deadline.title) for deadline in understood.deadlines] == [("2025-04-25", "Übung 1")]


def test_a_syllabus_of_word_with_merged_weeks_and_links() -> None:
    import docx
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    document = docx.Document()
    document.add_heading("HIST 210: Cities", 1)
    document.add_paragraph("Spring 2025, University of Michigan")
    document.add_paragraph("Class meets Mon/Wed 1:00-2:20pm, Angell Hall 3222")
    document.add_paragraph("Instructor: Dr. Aoife Ní Bhriain")
    table = document.add_table(rows=1, cols=4)
    rows = [
        ("Week", "Date", "Topic", "Due"), ("1", "Wed Jan 8", "What is a city?", ""), ("2", "Mon Jan 13", "Uruk", "Reading response 1"),
        ("", "Wed Jan 15", "Rome", ""), ("3", "Mon Jan 20", "MLK Day – no class", ""), ("", "Wed Jan 22", "Paper 1 workshop", "Paper 1 (5pm)"),
    ]  # fmt: skip
    for number, row in enumerate(rows):
        cells = table.rows[0].cells if number == 0 else table.add_row().cells
        for cell, text in zip(cells, row, strict=True):
            cell.text = text
    table.cell(2, 0).merge(table.cell(3, 0))
    paragraph = table.cell(1, 2).paragraphs[0]
    link = OxmlElement("w:hyperlink")
    link.set(qn("r:id"), document.part.relate_to("https://h.example.edu/1.pdf", "http://schemas.openxmlformats.org/officeDocument/2006/relationships/hyperlink", is_external=True))  # fmt: skip
    run = OxmlElement("w:r")
    text = OxmlElement("w:t")
    text.text = " slides"
    run.append(text)
    link.append(run)
    paragraph._p.append(link)
    content = io.BytesIO()
    document.save(content)
    understood = read(content.getvalue(), "syllabus.docx")
    assert (understood.title, understood.term, understood.zone) == (
        "HIST 210: Cities",
        "Spring 2025",
        "America/New_York",
    )
    assert [(str(session.day), f"{session.begins:%H:%M}", session.title) for session in understood.sessions] == [
        ("2025-01-08", "13:00", "What is a city?"),
        ("2025-01-13", "13:00", "Uruk"),
        ("2025-01-15", "13:00", "Rome"),
        ("2025-01-22", "13:00", "Paper 1 workshop"),
    ]
    assert [link.url for link in understood.sessions[0].materials] == ["https://h.example.edu/1.pdf"]
    assert [(str(deadline.day), deadline.title, str(deadline.at)) for deadline in understood.deadlines] == [
        ("2025-01-13", "Reading response 1", "None"),
        ("2025-01-22", "Paper 1", "17:00:00"),
    ]
    assert [(str(free_day.day), free_day.title) for free_day in understood.free_days] == [("2025-01-20", "MLK Day")]
    assert [person.name for person in understood.people] == ["Dr. Aoife Ní Bhriain"]


def test_a_sheet_that_is_only_given_out_is_a_deadline_with_its_link() -> None:
    page = HEAD + (
        "<h2>Übungen</h2><table><tr><th>Datum<th>Abgabe<th>Material</tr>"
        "<tr><td>16.04.2024<td>22.04.2024 09:00 über Git<td><a href='https://x.example.de/1.pdf'>Blatt 1</a></tr>"
        "<tr><td>23.04.2024<td>29.04.2024 09:00 über Git<td><a href='https://x.example.de/2.pdf'>Blatt 2</a></tr></table>"
    )
    understood = read(page)
    assert understood.sessions == ()
    assert [
        (deadline.title, str(deadline.day), str(deadline.at), deadline.url) for deadline in understood.deadlines
    ] == [
        ("Blatt 1", "2024-04-22", "09:00:00", "https://x.example.de/1.pdf"),
        ("Blatt 2", "2024-04-29", "09:00:00", "https://x.example.de/2.pdf"),
    ]
