"""The workbench: what is open is asked once, what is wrong is corrected, and each change can be taken back."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from amls.courses.models import Course
from amls.portal.models import ImportDraft
from amls.portal.takeover.drafts import MOST_DRAFTS, fetch_next, source_of
from amls.portal.takeover.sources import read_source
from amls.portal.takeover.spec import CourseFileError
from amls.portal.tasks import fetch_drafts
from lectures.models import Lecture
from tests.cast import Cast
from tests.portal.takeover.test_views import IMPORT, NEW, brought, shown

pytestmark = pytest.mark.django_db
WITHOUT_TIMES = (
    "Verteilte Systeme WiSe 2026/27\nProf. Dr. Łukasz Größe, TU Berlin\n\n"
    "Datum\tThema\n13.10.2026\tEinführung\n20.10.2026\tUhren\n27.10.2026\tKeine Vorlesung (Feiertag)\n"
    "03.11.2026\tKonsens\n"
)


@pytest.fixture
def client(cast: Cast) -> Client:
    """The browser of somebody who may make courses."""
    return cast.client("lecturer")


def page(client: Client, address: str) -> str:
    return client.get(address).content.decode()


def the_draft() -> ImportDraft:
    return ImportDraft.objects.get()


def corrected(client: Client, address: str, **sent: Any) -> None:
    answer = client.post(f"{address}change/", sent)
    assert answer.status_code == 302, answer.content.decode()


def apply_to_course(client: Client, address: str) -> None:
    """Look at what changes in the course, and agree."""
    seen = client.post(f"{address}make/")
    assert seen.status_code == 200, seen.content.decode()
    answer = client.post(f"{address}make/", {"_shown": shown(seen.content), "_agreed": "1"})
    assert answer.status_code == 302, answer.content.decode()


def row_of(client: Client, address: str, title: str) -> Any:
    bench = client.get(address).context["bench"]
    return next(row for row in bench.rows if row.title == title)


def test_what_is_missing_for_all_is_asked_once_and_then_applied_to_all(client: Client) -> None:
    address = brought(client, NEW, {"text": WITHOUT_TIMES})
    asked = page(client, address)
    assert "3 lectures have dates but no time. When do they meet?" in asked
    assert asked.count("have dates but no time") == 1
    corrected(
        client,
        address,
        **{"question": "slots", "weekday-0": "tuesday", "begins-0": "10:15", "ends-0": "11:45", "room-0": "H 0107"},
    )
    assert "have dates but no time" not in page(client, address)
    client.post(f"{address}make/")
    lectures = Lecture.objects.filter(course__title="Verteilte Systeme").order_by("starts_at")
    assert [(lecture.title, lecture.room) for lecture in lectures] == [
        ("Einführung", "H 0107"), ("Uhren", "H 0107"), ("Konsens", "H 0107")
    ]  # fmt: skip
    assert f"{lectures[0].starts_at.astimezone(lectures[0].course.zone):%H:%M}" == "10:15"


def test_what_stays_open_is_no_obstacle(client: Client) -> None:
    address = brought(client, NEW, {"text": WITHOUT_TIMES})
    answer = client.post(f"{address}make/")
    assert answer.status_code == 302, answer.content.decode()
    course = Course.objects.get(title="Verteilte Systeme")
    assert course.lectures.filter(starts_at=None).count() == 3
    assert "time open" in page(client, course.get_absolute_url())


def test_a_row_is_corrected_and_the_correction_taken_back(client: Client) -> None:
    address = brought(client, NEW, {"text": WITHOUT_TIMES})
    row = row_of(client, address, "Uhren")
    corrected(client, address, row=row.id, kind="exercise")
    assert row_of(client, address, "Uhren").kind == "exercise"
    corrected(client, address, row=row.id, title="Logische Uhren", date="2026-10-21")
    changed = row_of(client, address, "Logische Uhren")
    assert (changed.day.isoformat(), changed.is_corrected) == ("2026-10-21", True)
    client.post(f"{address}undo/")
    client.post(f"{address}undo/")
    back = row_of(client, address, "Uhren")
    assert (back.kind, back.day.isoformat()) == ("exercise", "2026-10-20")
    corrected(client, address, row=back.id, drop="1")
    assert "Uhren" not in [row.title for row in client.get(address).context["bench"].rows]
    client.post(f"{address}again/")
    assert row_of(client, address, "Uhren").kind == "lecture"


def test_a_column_may_mean_something_else(client: Client) -> None:
    text = "Systems, Fall 2026\n\nDate,Remark,Reader\n2026-09-01,Intro,Chapter 1\n2026-09-08,Storage,Chapter 2\n"
    address = brought(client, NEW, {"file": SimpleUploadedFile("plan.csv", text.encode())})
    column = next(column for column in client.get(address).context["bench"].columns if column.heading == "Reader")
    corrected(client, address, column=column.id, role="title")
    titles = [row.title for row in client.get(address).context["bench"].rows]
    assert any("Chapter 1" in title for title in titles)


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"zone": "Europe/Bärlin"}, "is no time zone"),
        ({"slots": "whenever it suits"}, "is no weekly time"),
        ({"title": "x" * 3_000}, "too long"),
    ],
)
def test_an_answer_that_says_nothing_is_refused_with_what_to_do(
    client: Client, sent: dict[str, str], said: str
) -> None:
    address = brought(client, NEW, {"text": WITHOUT_TIMES})
    answer = client.post(f"{address}change/", sent)
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert the_draft().changes == []


def test_every_line_of_the_source_is_accounted_for(client: Client) -> None:
    address = brought(client, NEW, {"text": WITHOUT_TIMES})
    lines = client.get(address).context["bench"].understood.lines
    assert {line.text for line in lines} >= {"Datum | Thema", "13.10.2026 | Einführung"}
    assert {line.use for line in lines} <= {"used", "ignored", "not understood"}


def test_nobody_else_sees_a_draft(cast: Cast, client: Client) -> None:
    address = brought(client, NEW, {"text": WITHOUT_TIMES})
    for part in ("anonymous", "stranger", "student", "assistant", "foreign lecturer", "admin"):
        assert cast.client(part).get(address).status_code in (302, 404), part
        assert cast.client(part).post(f"{address}make/").status_code in (302, 404), part
    assert not Course.objects.filter(title="Verteilte Systeme").exists()


def test_one_thing_is_brought_at_a_time_and_nothing_is_named(client: Client) -> None:
    assert "one of the three" in client.post(NEW, {"text": " \n"}).content.decode()
    both = client.post(NEW, {"text": WITHOUT_TIMES, "address": "https://example.org/"})
    assert (both.status_code, "one thing at a time" in both.content.decode()) == (422, True)
    assert "begins with https://" in client.post(NEW, {"address": "ftp://example.org/plan"}).content.decode()
    assert not ImportDraft.objects.exists()


def test_what_can_be_read_by_nobody_is_said(client: Client) -> None:
    answer = client.post(NEW, {"file": SimpleUploadedFile("plan.pdf", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")})
    assert answer.status_code == 422
    assert "This is a PDF" in answer.content.decode()


def test_the_clipboards_html_keeps_the_links(client: Client) -> None:
    html = (
        "<h1>Systems, Fall 2026</h1><table><tr><th>Date<th>Topic<th>Slides</tr>"
        "<tr><td>Sep 1<td>Intro<td><a href='https://example.org/01.pdf'>pdf</a></table>"
    )
    address = brought(client, NEW, {"text": "Sep 1 Intro pdf", "html": html})
    assert row_of(client, address, "Intro").links[0].url == "https://example.org/01.pdf"


def test_an_address_is_fetched_by_the_worker_and_its_failure_is_said(cast: Cast, client: Client) -> None:
    address = brought(client, NEW, {"address": "https://example.org/plan.txt"})
    assert "Fetching https://example.org/plan.txt" in page(client, address)

    def refuse(_address: str) -> Any:
        raise CourseFileError(["The page needs a login. Open it, and paste it here."])

    draft = the_draft()
    assert fetch_next(refuse, now=draft.made_at)
    assert "The page needs a login" in page(client, address)
    assert not fetch_next(refuse, now=draft.made_at)
    client.post(f"{address}discard/")
    again = brought(client, NEW, {"address": "https://example.org/plan.txt"})
    assert fetch_next(lambda _address: read_source(WITHOUT_TIMES), now=draft.made_at)
    assert "Einführung" in page(client, again)


def test_a_source_is_kept_as_it_was_read(client: Client) -> None:
    brought(client, NEW, {"text": WITHOUT_TIMES})
    assert source_of(the_draft()) == read_source(WITHOUT_TIMES)


def test_the_oldest_of_many_drafts_go(client: Client) -> None:
    first = brought(client, NEW, {"text": WITHOUT_TIMES})
    for _ in range(MOST_DRAFTS):
        brought(client, NEW, {"text": WITHOUT_TIMES})
    assert ImportDraft.objects.count() == MOST_DRAFTS
    assert client.get(first).status_code == 404


def test_htmx_gets_the_part_that_changes(client: Client) -> None:
    address = brought(client, NEW, {"text": WITHOUT_TIMES})
    row = row_of(client, address, "Uhren")
    answer = client.post(f"{address}change/", {"row": row.id, "kind": "lab"}, headers={"HX-Request": "true"})
    part = answer.content.decode()
    assert part.lstrip().startswith('<div id="workbench"')
    assert "<html" not in part


def test_loading_an_action_anew_leads_back_to_the_draft(client: Client) -> None:
    address = brought(client, NEW, {"text": WITHOUT_TIMES})
    for verb in ("change", "undo", "again", "make", "discard"):
        assert client.get(f"{address}{verb}/")["Location"] == address
    assert ImportDraft.objects.count() == 1


def test_a_calendar_in_utc_is_asked_where_the_course_is_held(client: Client) -> None:
    calendar = (
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//X//EN\r\nX-WR-CALNAME:Systems Fall 2026\r\nBEGIN:VEVENT\r\nUID:1\r\n"
        "DTSTAMP:20260801T000000Z\r\nSUMMARY:Intro\r\nDTSTART:20260901T150000Z\r\nDTEND:20260901T163000Z\r\nEND:VEVENT\r\n"
        "END:VCALENDAR\r\n"
    )
    address = brought(client, NEW, {"file": SimpleUploadedFile("x.ics", calendar.encode())})
    assert "In which time zone is the course held?" in page(client, address)
    corrected(client, address, question="zone", answer="America/Chicago")
    assert row_of(client, address, "Intro").begins.isoformat() == "10:00:00"


def test_the_worker_reaches_into_no_network_of_its_own(client: Client) -> None:
    address = brought(client, NEW, {"address": "https://127.0.0.1/plan.html"})
    assert fetch_drafts() == 1
    assert "lies within this network, from which nothing is fetched" in page(client, address)
    assert fetch_drafts() == 0


def test_a_long_source_is_shown_page_by_page_and_corrected_where_its_reader_is(client: Client) -> None:
    days = [f"{day:02d}.{month:02d}.2026\tThema {month}-{day}" for month in range(4, 10) for day in range(1, 31)]
    address = brought(client, NEW, {"text": "\n".join(["Lange Vorlesung SoSe 2026", "", "Datum\tThema", *days])})
    shown = client.get(address)
    assert [len(shown.context[name]) for name in ("lines", "rows")] == [182, 100]
    assert len(shown.context["bench"].rows) == 180
    # Each is made once, however often the page asks for them.
    assert shown.context["bench"].rows is shown.context["bench"].rows
    later = client.get(address, {"lines": "1", "rows": "2"})
    (last,) = (row for row in later.context["rows"] if row.title == "Thema 9-30")
    form = f'action="{address}change/?lines=1&amp;rows=2"'
    assert form in later.content.decode()
    answer = client.post(f"{address}change/?lines=1&rows=2", {"row": last.id, "title": "Das Ende"})
    assert answer["Location"] == f"{address}?lines=1&rows=2"
    assert "Das Ende" in [row.title for row in client.get(answer["Location"]).context["rows"]]


WITH_SHEETS = (
    "Algorithmen WiSe 2026/27\nProf. Dr. Łukasz Größe, TU Berlin\nVorlesung: Di 10:15-11:45, H 0107\n\n"
    "13.10.2026\tWachstum\n19.10.2026 10:00\tAbgabe Blatt 1\n20.10.2026\tSortieren\n26.10.2026\tAbgabe Blatt 2\n"
    "27.10.2026\tHashing\n02.11.2026 12:00\tAbgabe Projektskizze\n03.11.2026\tBäume\n"
)


def test_a_deadline_is_handed_in_here_by_choice_and_otherwise_stays_a_date(client: Client) -> None:
    address = brought(client, NEW, {"text": WITH_SHEETS})
    rows = {row.title: row for row in client.get(address).context["bench"].rows if row.kind == "deadline"}
    first, second, sketch = (next(row for title, row in rows.items() if word in title) for word in ("1", "2", "skizze"))
    corrected(client, address, row=first.id, piece="sheet", title="Blatt 1")
    corrected(client, address, row=second.id, piece="sheet", title="Blatt 2")
    corrected(client, address, row=sketch.id, piece="project")
    assert page(client, address).count("handed in here") == 3
    client.post(f"{address}undo/")
    assert page(client, address).count("handed in here") == 2
    refused = client.post(f"{address}change/", {"row": sketch.id, "piece": "exam"})
    assert (refused.status_code, "one of those that are offered" in refused.content.decode()) == (422, True)
    assert client.post(f"{address}make/").status_code == 302
    course = Course.objects.get(title="Algorithmen")
    pieces = course.assignments.filter(is_main=False).order_by("position")
    assert [(row.title, row.kind, row.series, row.number) for row in pieces] == [
        ("Blatt 1", "sheet", "Blatt", 1), ("Blatt 2", "sheet", "Blatt", 2)
    ]  # fmt: skip
    dues = [row.due_at.astimezone(course.zone).strftime("%d %b %H:%M") for row in pieces if row.due_at]
    assert dues == ["19 Oct 10:00", "26 Oct 23:59"]
    assert list(course.deadlines.values_list("title", flat=True)) == [sketch.title]


def test_a_page_that_comes_again_moves_what_is_handed_in_here(client: Client, cast: Cast) -> None:
    """It says when a piece is due, and nothing else of it; the plain date of before goes."""
    address = brought(client, IMPORT, {"text": WITH_SHEETS})
    apply_to_course(client, address)
    assert cast.course.deadlines.count() == 3
    for text, hour in ((WITH_SHEETS, "10:00"), (WITH_SHEETS.replace("19.10.2026 10:00", "19.10.2026 14:00"), "14:00")):
        address = brought(client, IMPORT, {"text": text})
        rows = [row for row in client.get(address).context["bench"].rows if row.kind == "deadline"]
        corrected(client, address, row=rows[0].id, piece="sheet")
        apply_to_course(client, address)
        piece = cast.course.assignments.get(kind="sheet")
        assert piece.due_at is not None
        assert piece.due_at.astimezone(cast.course.zone).strftime("%H:%M") == hour
        assert cast.course.deadlines.count() == 2
        piece.grading, piece.max_points, piece.teaming = "points", 20, "kept"
        piece.save()
    assert cast.course.assignments.get(kind="sheet").max_points == 20
