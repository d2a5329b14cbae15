"""What a change of a date is in words: what it is called, in which language, and what else is new about it."""

from datetime import timedelta

import pytest
from django.utils import timezone, translation

from amls.agenda.changes import describe_change
from amls.agenda.services import reconcile
from amls.courses.models import Course, SessionKind, WeeklySlot
from lectures.models import Deadline, Lecture
from tests.cast import Cast
from tests.factories import LectureFactory

pytestmark = pytest.mark.django_db
NOW = timezone.now()


@pytest.fixture
def session(cast: Cast) -> Lecture:
    made: Lecture = LectureFactory.create(
        course=cast.course, kind=SessionKind.EXERCISE, number="1", title="Größe", room="H 1",
        starts_at=NOW + timedelta(days=30), mode="hybrid", call_in="https://example.org/1",
    )  # fmt: skip
    # Sessions without a link of their own have that of their slot.
    WeeklySlot.objects.filter(course=cast.course).update(call_in="")
    reconcile(Course.objects.get(pk=cast.course.pk), now=NOW)
    return made


def said_of(row: Lecture | Deadline, **values: object) -> list[str]:
    """Return what is said of a change of a row, to a reader of English."""
    type(row).objects.filter(pk=row.pk).update(**values)
    course = Course.objects.get(pk=row.course_id)
    return [str(describe_change(change, course.zone)) for change in reconcile(course, now=NOW) if change.is_news]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"title": "Łukasz"}, "Exercise 1: Größe: now called “Exercise 1: Łukasz”"),
        ({"kind": SessionKind.LAB}, "Exercise 1: Größe: now called “Lab 1: Größe”"),
        ({"call_in": "https://example.org/2"}, "Exercise 1: Größe: another call-in link"),
        ({"call_in": ""}, "Exercise 1: Größe: no call-in link any more"),
        ({"is_call_in_public": True}, "Exercise 1: Größe: call-in link now for everyone"),
        (
            {"title": "Łukasz", "call_in": "https://example.org/2"},
            "Exercise 1: Größe: now called “Exercise 1: Łukasz”, another call-in link",
        ),
    ],
)
def test_a_change_that_is_no_move_says_what_is_new(session: Lecture, values: dict[str, object], said: str) -> None:
    assert said_of(session, **values) == [said]


def test_a_move_says_a_new_name_as_well(session: Lecture) -> None:
    (said,) = said_of(session, title="Łukasz", room="H 2")
    assert said.startswith("Exercise 1: Größe: ")
    assert said.endswith("H 2, now called “Exercise 1: Łukasz”")


def test_another_language_of_a_course_is_named(session: Lecture) -> None:
    Course.objects.filter(pk=session.course_id).update(language="de")
    assert said_of(session) == ["Exercise 1: Größe: in calendars now in German: “Übung 1: Größe”"]
    Course.objects.filter(pk=session.course_id).update(language="en")
    with translation.override("de"):
        assert said_of(session) == ["Übung 1: Größe: in Kalendern jetzt auf Englisch: „Exercise 1: Größe“"]


def test_a_deadline_that_leads_elsewhere_says_so(cast: Cast) -> None:
    row = Deadline.objects.create(
        course=cast.course, title="Essay", due_at=NOW + timedelta(days=9), url="https://forms.example/a"
    )
    reconcile(cast.course, now=NOW)
    assert said_of(row, url="https://forms.example/b") == ["Essay: leads to another page now"]


# ── sessions that are called as what they are ──


@pytest.mark.parametrize("title", ["Übung 1", "ÜBUNG 1", "Exercise 1"])
@pytest.mark.parametrize(("language", "said"), [("en", "Exercise 1"), ("de", "Übung 1")])
def test_a_session_whose_title_is_its_own_name_is_said_once(
    session: Lecture, title: str, language: str, said: str
) -> None:
    Lecture.objects.filter(pk=session.pk).update(title=title)
    Course.objects.filter(pk=session.course_id).update(language=language)
    course = Course.objects.get(pk=session.course_id)
    reconcile(course, now=NOW)
    with translation.override(language):
        row = Lecture.objects.get(pk=session.pk)
        assert (str(row), row.own_title) == (said, "")
    assert course.agenda.get(key=f"lectures.lecture:{session.pk}").title == said


@pytest.mark.parametrize("title", ["Übung 11", "Übung", "Übung 1 und 2", "1"])
def test_another_title_stays_beside_what_it_is(session: Lecture, title: str) -> None:
    session.title = title
    assert str(session) == f"Exercise 1: {title}"


def test_the_page_and_the_list_say_it_once(cast: Cast, session: Lecture) -> None:
    Lecture.objects.filter(pk=session.pk).update(title="Übung 1")
    client = cast.client("anonymous")
    page = client.get(Lecture.objects.get(pk=session.pk).get_absolute_url()).content.decode()
    assert "Exercise 1</span> </h1>" in page
    rows = client.get("/amls/").content.decode()
    assert f'href="{session.get_absolute_url()}">Exercise 1</a>' in rows
    assert "Übung 1" not in page + rows
