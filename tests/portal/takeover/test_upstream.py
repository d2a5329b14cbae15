"""A course that comes from a page elsewhere: read again, its changes proposed, what was edited here kept."""

from datetime import timedelta

import pytest
from django.test import Client

from amls.core import clock
from amls.courses.models import Course
from amls.portal.models import Upstream
from amls.portal.takeover.drafts import fetch_next
from amls.portal.takeover.export import export_course
from amls.portal.takeover.sourcerows import CourseSource
from amls.portal.takeover.sources import read_source
from amls.portal.takeover.spec import CourseFileError
from amls.portal.takeover.upstream import changes_of, read_next
from lectures.models import Lecture
from tests.cast import Cast
from tests.portal.takeover.test_views import NEW, brought

pytestmark = pytest.mark.django_db
PAGE = (
    "Verteilte Systeme WiSe 2026/27\nTU Berlin\nVorlesung: Dienstag, 10:15-11:45, H 0107\n\n"
    "Datum\tThema\n13.10.2026\tEinführung\n20.10.2026\tUhren\n27.10.2026\tKeine Vorlesung (Feiertag)\n"
    "03.11.2026\tKonsens\n10.11.2026\tReplikation\n"
)


class Elsewhere:
    """A page that its lecturer edits; `says` is what it says, or None while it can't be read."""

    def __init__(self) -> None:
        self.says: str | None = PAGE

    def read(self, _address: str) -> CourseSource:
        if self.says is None:
            raise CourseFileError(["The page can't be reached. Try again later."])
        return read_source(self.says)

    def edit(self, old: str, new: str) -> None:
        assert self.says is not None
        assert old in self.says
        self.says = self.says.replace(old, new)


@pytest.fixture
def elsewhere() -> Elsewhere:
    """The page."""
    return Elsewhere()


@pytest.fixture
def client(cast: Cast) -> Client:
    """The browser of the lecturer."""
    return cast.client("lecturer")


@pytest.fixture
def course(client: Client, elsewhere: Elsewhere) -> Course:
    """A course that was made from the page and follows it."""
    address = brought(client, NEW, {"address": "https://example.org/vs.txt"})
    assert fetch_next(elsewhere.read, now=clock.now()) == 1
    client.post(f"{address}change/", {"zone": "Europe/Berlin", "slug": "vs"})
    assert client.post(f"{address}make/", {"follow": "1"})["Location"] == "/vs/"
    return Course.objects.get(slug="vs")


def read(course: Course, elsewhere: Elsewhere) -> Upstream:
    Upstream.objects.filter(course=course).update(due_at=clock.now() - timedelta(seconds=1))
    assert read_next(elsewhere.read, now=clock.now()) == 1
    return Upstream.objects.select_related("course").get(course=course)


def changes(course: Course) -> list[tuple[str, str, bool]]:
    row = Upstream.objects.select_related("course").get(course=course)
    return [
        (change.sort, (change.there or change.base).title, change.is_conflict)
        for change in changes_of(row, now=clock.now())
    ]


def ids(client: Client, course: Course) -> dict[str, str]:
    shown = client.get(f"/{course.slug}/staff/upstream/").context["changes"]
    return {(change.there or change.base).title: change.id for change in shown}


def lecture(course: Course, title: str) -> Lecture:
    return Lecture.objects.get(course=course, title=title)


def test_a_page_that_says_the_same_proposes_nothing(client: Client, course: Course, elsewhere: Elsewhere) -> None:
    before = export_course(course)
    row = read(course, elsewhere)
    assert (row.waiting, row.problem, changes(course)) == (0, "", [])
    assert "Nothing changed there" in client.get("/vs/staff/upstream/").content.decode()
    assert export_course(course) == before
    assert row.due_at > clock.now() + timedelta(minutes=50)


def test_what_changed_there_is_proposed_and_taken_over_row_by_row(
    client: Client, course: Course, elsewhere: Elsewhere
) -> None:
    elsewhere.edit("20.10.2026\tUhren", "21.10.2026\tUhren")
    elsewhere.edit("10.11.2026\tReplikation\n", "10.11.2026\tReplikation\n17.11.2026\tTransaktionen\n")
    assert read(course, elsewhere).waiting == 2
    assert changes(course) == [("changed", "Uhren", False), ("new", "Transaktionen", False)]
    assert lecture(course, "Uhren").starts_at.astimezone(course.zone).day == 20
    client.post("/vs/staff/upstream/decide/", {"accept": ids(client, course)["Uhren"]})
    assert lecture(course, "Uhren").starts_at.astimezone(course.zone).day == 21
    assert changes(course) == [("new", "Transaktionen", False)]
    client.post("/vs/staff/upstream/decide/", {"refuse": ids(client, course)["Transaktionen"]})
    assert changes(course) == []
    assert Upstream.objects.get(course=course).waiting == 0
    assert not Lecture.objects.filter(course=course, title="Transaktionen").exists()
    # What was left out isn't proposed again while the page says the same.
    assert read(course, elsewhere).waiting == 0


def test_what_was_edited_here_stays_and_a_conflict_is_shown_side_by_side(
    client: Client, course: Course, elsewhere: Elsewhere
) -> None:
    Lecture.objects.filter(pk=lecture(course, "Konsens").pk).update(room="MAR 0.001", abstract="Paxos")
    Lecture.objects.filter(pk=lecture(course, "Uhren").pk).update(title="Logische Uhren")
    elsewhere.edit("H 0107", "H 1028")
    read(course, elsewhere)
    assert ("changed", "Konsens", True) in changes(course)
    page = client.get("/vs/staff/upstream/").content.decode()
    assert "edited here" in page
    assert "MAR 0.001" in page
    change_ids = ids(client, course)
    client.post(
        "/vs/staff/upstream/decide/",
        {"accept": [change_ids["Uhren"], change_ids["Einführung"]], "refuse": change_ids["Konsens"]},
    )
    assert lecture(course, "Konsens").room == "MAR 0.001"
    assert (lecture(course, "Logische Uhren").room, lecture(course, "Einführung").room) == ("H 1028", "H 1028")
    assert lecture(course, "Konsens").abstract == "Paxos"


def test_what_is_gone_there_is_cancelled_here_only_if_somebody_says_so(
    client: Client, course: Course, elsewhere: Elsewhere
) -> None:
    elsewhere.edit("10.11.2026\tReplikation\n", "")
    assert read(course, elsewhere).waiting == 1
    assert changes(course) == [("gone", "Replikation", False)]
    assert lecture(course, "Replikation").state == "planned"
    client.post("/vs/staff/upstream/decide/", {"all": "1", "shown": list(ids(client, course).values())})
    assert lecture(course, "Replikation").state == "cancelled"
    assert changes(course) == []


def test_a_page_that_cannot_be_read_says_why_and_changes_nothing(
    client: Client, course: Course, elsewhere: Elsewhere
) -> None:
    elsewhere.says = None
    assert "can't be reached" in read(course, elsewhere).problem
    assert "can&#x27;t be reached" in client.get("/vs/staff/upstream/").content.decode()
    elsewhere.says = "Nothing here any more"
    assert read(course, elsewhere).problem
    assert lecture(course, "Uhren").state == "planned"
    elsewhere.says = PAGE
    assert read(course, elsewhere).problem == ""


def test_a_change_that_is_not_there_any_more_is_refused(client: Client, course: Course, elsewhere: Elsewhere) -> None:
    elsewhere.edit("20.10.2026\tUhren", "21.10.2026\tUhren")
    read(course, elsewhere)
    shown = ids(client, course)["Uhren"]
    elsewhere.edit("21.10.2026\tUhren", "22.10.2026\tUhren")
    read(course, elsewhere)
    answer = client.post("/vs/staff/upstream/decide/", {"accept": shown})
    assert answer.status_code == 422
    assert "something changed since this was shown" in answer.content.decode()
    assert lecture(course, "Uhren").starts_at.astimezone(course.zone).day == 20


def test_it_is_read_at_once_by_hand_and_no_more_when_stopped(
    client: Client, course: Course, elsewhere: Elsewhere
) -> None:
    assert read_next(elsewhere.read, now=clock.now()) == 0
    client.post("/vs/staff/upstream/read/")
    assert read_next(elsewhere.read, now=clock.now()) == 1
    client.post("/vs/staff/upstream/stop/")
    assert not Upstream.objects.exists()
    assert "follows no page" in client.get("/vs/staff/upstream/").content.decode()


def test_only_who_manages_the_course_sees_it(cast: Cast, course: Course) -> None:
    for part in ("anonymous", "stranger", "student", "foreign lecturer"):
        for path in ("", "decide/", "read/", "stop/"):
            answer = cast.client(part).post(f"/vs/staff/upstream/{path}")
            assert answer.status_code in (302, 404), (part, path)
    assert Upstream.objects.filter(course=course).exists()


CALENDAR = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//Campus//DE
X-WR-CALNAME:Verteilte Systeme WiSe 2026/27
X-WR-TIMEZONE:Europe/Berlin
{events}
END:VCALENDAR
"""
EVENT = """BEGIN:VEVENT
UID:{number}@campus
DTSTAMP:20260901T000000Z
DTSTART;TZID=Europe/Berlin:{day}T101500
DTEND;TZID=Europe/Berlin:{day}T114500
SUMMARY:Verteilte Systeme
LOCATION:{room}
END:VEVENT"""


def calendar(*events: tuple[str, str]) -> str:
    rows = (EVENT.format(number=number, day=day, room=room) for number, (day, room) in enumerate(events))
    return CALENDAR.format(events="\n".join(rows)).replace("\n", "\r\n")


def test_a_university_calendar_moves_a_room_and_drops_a_day_of_events_with_one_title(
    client: Client, elsewhere: Elsewhere
) -> None:
    days = ["20261013", "20261020", "20261027", "20261103", "20261110"]
    elsewhere.says = calendar(*((day, "H 0107") for day in days))
    address = brought(client, NEW, {"address": "https://example.org/campus.ics"})
    fetch_next(elsewhere.read, now=clock.now())
    client.post(f"{address}change/", {"title": "Verteilte Systeme", "term": "WiSe 2026/27", "slug": "vs"})
    assert client.post(f"{address}make/", {"follow": "1"})["Location"] == "/vs/"
    course = Course.objects.get(slug="vs")
    # The second is no more, the fourth is held elsewhere, the last a day later: nothing else changed.
    elsewhere.says = calendar(
        ("20261013", "H 0107"), ("20261027", "H 0107"), ("20261103", "MAR 0.001"), ("20261111", "H 0107")
    )
    assert read(course, elsewhere).waiting == 3
    row = Upstream.objects.select_related("course").get(course=course)
    differences = [
        (
            difference.sort,
            (difference.there or difference.base).held_on.isoformat(),
            [change.name for change in difference.fields],
        )
        for difference in changes_of(row, now=clock.now())
    ]
    assert sorted(differences) == [
        ("changed", "2026-11-03", ["room"]),
        ("changed", "2026-11-11", ["starts_at", "ends_at"]),
        ("gone", "2026-10-20", []),
    ]
    client.post(
        "/vs/staff/upstream/decide/", {"all": "1", "shown": [change.id for change in changes_of(row, now=clock.now())]}
    )
    held = Lecture.objects.filter(course=course).order_by("starts_at").values_list("starts_at__day", "room", "state")
    assert list(held) == [
        (13, "H 0107", "planned"), (20, "H 0107", "cancelled"), (27, "H 0107", "planned"), (3, "MAR 0.001", "planned"),
        (11, "H 0107", "planned"),
    ]  # fmt: skip
