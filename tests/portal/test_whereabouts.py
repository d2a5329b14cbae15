"""The course itself is found: its pages, dates, rooms, people and assignments, and what one does there."""

from datetime import UTC, datetime, time, timedelta
from urllib.parse import quote

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from amls.agenda.services import reconcile
from amls.courses.models import Course, StaffMember
from amls.courses.services import touch
from exams.models import Exam
from lectures.models import OfficeHour
from projects.models import Assignment
from tests.cast import Cast
from tests.factories import AssignmentFactory, ExamFactory, LectureFactory

pytestmark = pytest.mark.django_db
AT = datetime(2031, 6, 13, 14, tzinfo=UTC)


@pytest.fixture
def course(cast: Cast) -> Course:
    now = timezone.now()
    for number, day, room in (("01", 0, "MAR 0.011"), ("02", 7, "MAR 0.011"), ("03", 14, "H 0104")):
        LectureFactory.create(
            course=cast.course, number=number, title="Session", room=room,
            starts_at=AT + timedelta(days=day), ends_at=AT + timedelta(days=day, hours=2),
        )  # fmt: skip
    ExamFactory.create(
        course=cast.course, title="", starts_at=AT + timedelta(days=40), withdraw_until=AT + timedelta(days=37)
    )
    StaffMember.objects.create(course=cast.course, role="lecturer", name="Prof. Łukasz Żółć", affiliation="DAMS Lab")
    Assignment.objects.create(course=cast.course, kind="sheet", title="Sheet 1", topics_given="", description="Tuples")
    reconcile(cast.course, now=now)
    touch(cast.course, now=now)
    return cast.course


def titles(client: Client, text: str, slug: str = "amls") -> list[tuple[str, str]]:
    answer = client.get(f"/{slug}/search/?q={quote(text)}" if slug else f"/search/?q={quote(text)}")
    plain = [(str(group.title).replace("<mark>", "").replace("</mark>", ""), group.url) for group in answer.context["found"].groups]  # fmt: skip
    return [(title, url) for title, url in plain]


@pytest.mark.parametrize(
    ("typed", "title", "url"),
    [
        ("MAR 0.011", "MAR 0.011", "/amls/schedule/"),
        ("room", "H 0104", "/amls/schedule/"),
        ("Wo ist der Raum MAR?", "MAR 0.011", "/amls/schedule/"),
        ("lukasz", "Prof. Łukasz Żółć", "/amls/#staff"),
        ("Wer ist der Dozent?", "Prof. Łukasz Żółć", "/amls/#staff"),
        ("Klausur", "Written exam", "/amls/exams/"),
        ("When is the exam?", "Exams", "/amls/exams/"),
        ("withdraw", "Withdraw from an exam", "/amls/exams/"),
        ("abmelden", "Withdraw from an exam", "/amls/exams/"),
        ("anmel", "Sign up for an exam", "/amls/exams/"),
        ("13 June", "01", "/amls/lectures/01/"),
        ("Was ist am 13.6.?", "01", "/amls/lectures/01/"),
        ("13.06.2031", "01", "/amls/lectures/01/"),
        ("tuple", "Sheet 1", "/amls/assignments/"),
        ("kalender abonnieren", "Subscribe to the calendar", "/amls/subscribe/"),
        ("uebungsblaetter", "Assignments", "/amls/assignments/"),
        ("Klasur", "Sign up for an exam", "/amls/exams/"),
    ],
)
def test_the_course_itself_is_found(course: Course, typed: str, title: str, url: str) -> None:
    shown = titles(Client(), typed)
    assert url in {address for _title, address in shown}, shown
    if title != "01":
        assert (title, url) in shown


def test_questions_as_they_are_asked_lead_to_what_is_meant(cast: Cast, course: Course) -> None:
    course.exams.update(place="H 0105")
    reconcile(course, now=timezone.now())
    touch(course, now=timezone.now())
    client, address = cast.client("student"), "/amls/exams/"
    questions = {
        "In welchem Raum ist die Prüfung?": ("Written exam", address),
        "Wo melde ich mich zur Klausur an?": ("Sign up for an exam", address),
        "Wie melde ich mich von der Klausur ab?": ("Withdraw from an exam", address),
        "Wo gebe ich ab?": ("Hand in", "/amls/projects/mine/"),
        "Wie schreibe ich mich ein?": None,
        "how do I drop the course": ("Leave the course", "/amls/me/#leave"),
        "Thema wechseln": ("My project", "/amls/projects/mine/"),
        "Warteliste": ("Exams", address),
        "raeume": ("H 0104", "/amls/schedule/"),
        "Wo ist die Aufzeichnung?": ("Course", "/amls/"),
        "Folien 1": ("01 Session", "/amls/lectures/01/"),
        "Vorlesung 2": ("02 Session", "/amls/lectures/02/"),
        "Vorlesung 7": None,
    }
    for question, meant in questions.items():
        shown = titles(client, question)
        assert (meant in shown) if meant else shown == [], (question, shown)
    # A room alone is asked for as a room, and not as each date that has one.
    assert {url for _title, url in titles(client, "Raum")} == {"/amls/schedule/"}


def test_dates_are_found_by_what_they_are_called_in_either_language(cast: Cast, course: Course) -> None:
    AssignmentFactory.create(course=course, is_main=True, opens_at=AT, due_at=AT + timedelta(days=30))
    Exam.objects.filter(course=course).update(
        opens_at=AT, closes_at=AT + timedelta(days=35), review_at=AT + timedelta(days=60), review_place="MAR"
    )
    OfficeHour.objects.create(course=course, weekday=1, start=time(10), end=time(11), room="EN 1")
    reconcile(course, now=timezone.now())
    touch(course, now=timezone.now())
    client, exam = cast.client("student"), "Exam of 23 Jul"
    meant = {
        ("Klausureinsicht", "Prüfungseinsicht", "Einsicht", "Klausur Einsicht", "exam review"): f"{exam}: review",
        ("Klausuranmeldung", "Anmeldeschluss", "Klausur Anmeldung"): f"{exam}: sign-up closes",
        ("Rücktrittsfrist",): f"{exam}: last day to withdraw",
        ("Projektabgabe", "Abgabe Projekt", "project submission"): "Project submission deadline",
        ("Projektanmeldung", "Projekt Anmeldung"): "Project registration opens",
        ("Sprechstunde", "office hour", "Wann ist Sprechstunde?"): "Office hour",
        ("Nachklausur", "resit"): "Exams",
    }
    lacking = {
        typed: shown
        for words, title in meant.items()
        for typed in words
        if title not in (shown := [title for title, _url in titles(client, typed)])
    }
    assert lacking == {}


def test_one_of_many_lectures_is_found_by_its_day_only(course: Course) -> None:
    assert [url for _title, url in titles(Client(), "13 June")] == ["/amls/lectures/01/"]
    assert [url for _title, url in titles(Client(), "14 June")] == []
    assert [url for _title, url in titles(Client(), "13 June 2030")] == []
    assert "/amls/lectures/01/" not in [url for _title, url in titles(Client(), "lecture")]


def test_everyone_is_led_where_they_may_go(cast: Cast, course: Course) -> None:
    urls = {part: {url for _title, url in titles(cast.client(part), "abgabe")} for part in cast.users()}
    mine = "/amls/projects/mine/"
    assert {part for part, seen_by in urls.items() if mine in seen_by} == {"student", "assistant", "lecturer"}
    grades = {part: {url for _title, url in titles(cast.client(part), "noten")} for part in cast.users()}
    assert {part for part, seen_by in grades.items() if "/amls/staff/gradebook/" in seen_by} == {"assistant", "lecturer", "admin"}  # fmt: skip
    assert ("Sign in", "/accounts/login/") in titles(Client(), "sign in", slug="")
    assert "/accounts/profile/" in {url for _title, url in titles(cast.client("student"), "matrikelnummer", slug="")}


def test_dates_for_members_are_found_by_members_only(cast: Cast, course: Course) -> None:
    review = AT + timedelta(days=60)
    course.exams.update(review_at=review, review_place="Zebra hall")
    reconcile(course, now=timezone.now())
    touch(course, now=timezone.now())
    seen_by = {part: bool(titles(cast.client(part), "zebra")) for part in cast.users()}
    assert seen_by == {
        "anonymous": False, "stranger": False, "student": True, "assistant": True, "lecturer": True, "foreign lecturer": False, "admin": True,
    }  # fmt: skip


def test_whereabouts_are_read_once_per_revision(cast: Cast, course: Course) -> None:
    client = Client()
    client.get("/amls/search/?q=room")
    with CaptureQueriesContext(connection) as queries:
        client.get("/amls/search/?q=room")
    # The course, and all that has the words.
    assert len(queries) == 2


def test_the_palette_answers_from_the_same_path(cast: Cast, course: Course) -> None:
    client = cast.client("student")
    page = client.get("/amls/search/?palette=1").content.decode()
    assert 'href="/amls/projects/mine/"' in page
    assert "<html" not in page
    typed = client.get("/amls/search/?palette=1&q=withdraw").content.decode()
    assert "<mark>Withdraw</mark> from an exam" in typed
    assert 'href="/amls/search/?q=withdraw"' in typed
    answer = client.get("/amls/search/?palette=dialog")
    assert answer["Cache-Control"] == "private, no-store"
    assert 'role="combobox"' in answer.content.decode()
    assert 'href="/amls/"' in Client().get("/search/?palette=1").content.decode()
