"""The page that moves what is left of a weekly time: what it shows before, and that it does that and nothing else."""

from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from amls.agenda.services import reconcile
from amls.core.clock import from_wall_clock
from amls.core.preview import AGREED, SEAL
from amls.courses.models import Course, Mode, WeeklySlot
from amls.mail.models import ItemChange
from lectures.models import FreeDay, Lecture
from lectures.services.schedule import change_lecture
from tests.cast import Cast
from tests.factories import LectureFactory

pytestmark = pytest.mark.django_db
ADDRESS = "/amls/staff/move-sessions/"
UNDO = f"{ADDRESS}undo/"


def monday() -> date:
    today = timezone.now().date()
    return today - timedelta(days=today.weekday()) + timedelta(weeks=2)


@pytest.fixture
def lectures(cast: Cast, settings: Settings) -> list[Lecture]:
    """Four, on Wednesdays from 10 to 12."""
    settings.STAFF_NEEDS_SECOND_FACTOR = False
    WeeklySlot.objects.filter(course=cast.course).update(weekday=2, start=time(10), end=time(12), room="MAR 0.011")
    rows = []
    for week in range(4):
        day = monday() + timedelta(weeks=week, days=2)
        starts, ends = (from_wall_clock(datetime.combine(day, time(hour)), cast.course.zone) for hour in (10, 12))
        rows.append(
            LectureFactory.create(
                course=cast.course, number=f"0{week + 1}", title=f"Şahin {week + 1}", room="MAR 0.011",
                mode=Mode.IN_PERSON, starts_at=starts, ends_at=ends,
            )
        )  # fmt: skip
    Course.objects.update(state="draft")
    reconcile(Course.objects.get(pk=cast.course.pk), now=timezone.now())
    Course.objects.update(state="running")
    return rows


def shown_at(client: Client, address: str = ADDRESS) -> BeautifulSoup:
    answer = client.get(address)
    assert answer.status_code == 200
    return BeautifulSoup(answer.content, "html.parser")


def filled(page: BeautifulSoup, **more: Any) -> dict[str, Any]:
    """What a browser sends of the page's form, with what somebody typed."""
    form = page.select_one("form[method=post][novalidate]")
    assert form is not None
    sent: dict[str, Any] = {
        str(field["name"]): field.get("value", "")
        for field in form.select("input[type=hidden]")
        if field["name"] != SEAL
    }
    sent["sessions"] = [box["value"] for box in form.select("input[name=sessions][checked]")]
    sent |= {"follows": "on"} if form.select_one("input[name=follows]") else {}
    return {**sent, **more}


def sealed(client: Client, sent: dict[str, Any]) -> dict[str, Any]:
    page = BeautifulSoup(client.post(ADDRESS, sent).content, "html.parser")
    seal = page.select_one(f"input[name={SEAL}]")
    assert seal is not None, page.get_text()
    return {**sent, SEAL: seal["value"], AGREED: "1"}


def text_of(page: Any) -> str:
    return " ".join(page.get_text(" ").split())


def weekdays() -> list[int]:
    rows = Lecture.objects.select_related("course").order_by("number")
    return [row.held_on.weekday() for row in rows if row.held_on]


def test_the_whole_errand_from_the_question_to_the_undo(cast: Cast, lectures: list[Lecture]) -> None:
    client = cast.client("lecturer")
    page = shown_at(client)
    assert len(page.select("input[name=sessions][checked]")) == 4
    sent = filled(page, weekday="3", start="14:00", minutes="", room="H 0104", mode="", call_in="")
    preview = BeautifulSoup(client.post(ADDRESS, sent).content, "html.parser")
    day = lectures[0].starts_at
    assert day is not None
    rows = [text_of(row) for row in preview.select(".moves tbody tr")]
    assert len(rows) == 4
    assert rows[0].startswith("01 Şahin 1 Wed ")
    assert "10:00–12:00, MAR 0.011 Thu " in rows[0]
    assert rows[0].endswith("14:00–16:00, H 0104")
    said = text_of(preview)
    assert "4 sessions would change" in said
    assert "4 people get this mail" in said
    assert "4 dates moved" in said
    assert "The course's page says the new weekly time from now on." in said
    assert weekdays() == [2] * 4
    agreed = sealed(client, sent)
    answer = client.post(ADDRESS, agreed, follow=True)
    home = BeautifulSoup(answer.content, "html.parser")
    assert "4 sessions are moved, in everyone's calendar too." in text_of(home)
    assert "Thursday 14:00–16:00 in H 0104" in text_of(home)
    assert (weekdays(), set(Lecture.objects.values_list("room", flat=True))) == ([3] * 4, {"H 0104"})
    assert len(set(ItemChange.objects.values_list("held_until", flat=True))) == 1
    assert [str(said) for said in client.post(ADDRESS, agreed, follow=True).context["messages"]] == [
        "These sessions are moved already."
    ]
    token = home.select_one(f'form[action="{UNDO}"] input[name=token]')
    assert token is not None
    back = client.post(UNDO, {"token": token["value"]}, follow=True)
    assert "Taken back: 4 sessions are where they were." in back.content.decode()
    assert weekdays() == [2] * 4
    assert not ItemChange.objects.exists()
    again = client.post(UNDO, {"token": "made up"}, follow=True)
    assert "too long ago" in again.content.decode()


def test_what_is_not_ticked_stays_and_the_slot_with_it(cast: Cast, lectures: list[Lecture]) -> None:
    client = cast.client("assistant")
    sent = filled(shown_at(client), weekday="4")
    del sent["follows"]
    sent["sessions"] = sent["sessions"][1:3]
    client.post(ADDRESS, sealed(client, sent))
    assert weekdays() == [2, 4, 4, 2]
    assert WeeklySlot.objects.get(course=cast.course).weekday == 2


def test_a_lecture_leads_to_its_weekly_time_from_its_day_on(cast: Cast, lectures: list[Lecture]) -> None:
    client = cast.client("lecturer")
    page = shown_at(client, f"{ADDRESS}?session={lectures[2].pk}")
    assert [box["value"] for box in page.select("input[name=sessions]")] == [str(row.pk) for row in lectures[2:]]
    assert "Move those of the following weeks too" in client.get("/amls/lectures/03/edit/").content.decode()
    assert ADDRESS in client.get("/amls/").content.decode()
    for address in ("move-weekly", f"{lectures[2].pk}/move-following"):
        answer = client.get(f"/admin/lectures/lecture/{address}/")
        assert answer.status_code == 302
        assert answer["Location"].startswith(ADDRESS)


def test_a_day_without_class_is_asked_about_and_the_answer_is_shown_before_it_is_done(
    cast: Cast, lectures: list[Lecture]
) -> None:
    FreeDay.objects.create(course=cast.course, first=monday() + timedelta(weeks=1, days=3), title="Łukasz-Tag")
    client = cast.client("lecturer")
    sent = filled(shown_at(client), weekday="3")
    preview = BeautifulSoup(client.post(ADDRESS, sent).content, "html.parser")
    assert "It would be on a day without class: Łukasz-Tag" in text_of(preview.select(".moves tbody tr")[1])
    options = [option["value"] for option in preview.select(f"select[name=free-{lectures[1].pk}] option")]
    assert options == ["keep", "cancel", "hold"]
    # Agreed to with another answer than was shown, it is shown first.
    agreed = {**sealed(client, sent), f"free-{lectures[1].pk}": "cancel"}
    other = client.post(ADDRESS, agreed)
    assert "Nothing was saved: something changed since this was shown." in other.content.decode()
    assert weekdays() == [2] * 4
    client.post(ADDRESS, sealed(client, {**sent, f"free-{lectures[1].pk}": "cancel"}))
    assert weekdays() == [3, 2, 3, 3]
    assert [row.is_cancelled for row in Lecture.objects.order_by("number")] == [False, True, False, False]


def test_what_a_colleague_changed_meanwhile_is_said_and_not_written_over(cast: Cast, lectures: list[Lecture]) -> None:
    client, now = cast.client("lecturer"), timezone.now()
    agreed = sealed(client, filled(shown_at(client), weekday="3"))
    colleague = cast.client("assistant")
    day = f"{lectures[1].starts_at:%Y-%m-%d}"
    values = {"day": day, "start": "08:00", "end": "10:00", "room": "H 9", "mode": "in_person", "state": "planned"}
    colleague.post(
        "/amls/lectures/02/edit/", {f"lecture{lectures[1].pk}-{name}": value for name, value in values.items()}
    )
    answer = client.post(ADDRESS, agreed)
    said = text_of(BeautifulSoup(answer.content, "html.parser"))
    assert "Nothing was saved: something changed since this was shown." in said
    assert f"{cast.assistant.user} changed '02 Şahin 2' meanwhile. It is now: Wed " in said
    assert weekdays() == [2] * 4
    # What was seen then is done.
    page = BeautifulSoup(answer.content, "html.parser")
    client.post(ADDRESS, sealed(client, filled(page, weekday="3")))
    assert weekdays() == [3] * 4
    # And cancelled meanwhile, it can't be ticked any more.
    agreed = sealed(client, filled(shown_at(client), weekday="4"))
    change_lecture(lecture_pk=lectures[0].pk, now=now, state="cancelled")
    refused = client.post(ADDRESS, agreed)
    assert refused.status_code == 422
    assert "A ticked session is not to come any more" in refused.content.decode()
    assert weekdays() == [3] * 4


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({}, "Say what is another: the weekday, the time, the place or the link."),
        ({"weekday": "3", "sessions": []}, "Tick at least one session."),
        ({"weekday": "3", "sessions": ["0", "x", "99999999999999999999"]}, "Tick at least one session."),
        ({"weekday": "3", "sessions": ["2147483647"]}, "A ticked session is not to come any more"),
        ({"weekday": "7"}, "Select a valid choice"),
        ({"start": "25:00"}, "Enter a valid time."),
        ({"minutes": "0"}, "greater than or equal to 5"),
        ({"mode": "virtual", "room": "H 1"}, "What is held online only has no room."),
        ({"mode": "in_person", "call_in": "https://zoom.example/1"}, "What is held in person has no call-in link."),
        ({"call_in": "zoom"}, "Enter a valid URL."),
    ],
)
def test_what_can_not_be_is_refused_at_its_field_and_what_was_typed_stays(
    cast: Cast, lectures: list[Lecture], typed: dict[str, Any], said: str
) -> None:
    client = cast.client("lecturer")
    sent = filled(shown_at(client), **{"room": "", **typed, AGREED: "1"})
    answer = client.post(ADDRESS, sent)
    assert answer.status_code == 422
    page = BeautifulSoup(answer.content, "html.parser")
    assert said in text_of(page).replace("’", "'")
    room = page.select_one("input[name=room]")
    assert room is not None
    assert room.get("value", "") == typed.get("room", "")
    assert weekdays() == [2] * 4


def test_another_day_a_wrong_one_and_a_weekly_time_that_is_gone(cast: Cast, lectures: list[Lecture]) -> None:
    client = cast.client("lecturer")
    page = shown_at(client, f"{ADDRESS}?from={monday() + timedelta(weeks=2)}")
    assert len(page.select("input[name=sessions]")) == 2
    wrong = shown_at(client, f"{ADDRESS}?from=2026-02-31&slot=nonsense")
    assert "Give the first day as a date." in text_of(wrong)
    assert len(wrong.select("input[name=sessions]")) == 4
    late = shown_at(client, f"{ADDRESS}?from={monday() + timedelta(weeks=20)}")
    assert "None is to come from that day on." in text_of(late)
    gone = client.post(ADDRESS, filled(page, slot="nonsense", weekday="3"), follow=True)
    assert "no session of this weekly time is to come any more" in gone.content.decode()
    Lecture.objects.all().delete()
    assert "No session is to come that is held weekly." in text_of(shown_at(client))


def test_told_to_nobody_where_that_is_wanted_and_neither_is_the_undo(cast: Cast, lectures: list[Lecture]) -> None:
    client = cast.client("lecturer")
    sent = filled(shown_at(client), room="H 0104", _quiet="1")
    home = BeautifulSoup(client.post(ADDRESS, sealed(client, sent), follow=True).content, "html.parser")
    token = home.select_one(f'form[action="{UNDO}"] input[name=token]')
    assert token is not None
    client.post(UNDO, {"token": token["value"]})
    assert set(Lecture.objects.values_list("room", flat=True)) == {"MAR 0.011"}
    assert not ItemChange.objects.exists()


def test_others_neither_see_it_nor_move_or_undo_anything(cast: Cast, lectures: list[Lecture]) -> None:
    client = cast.client("lecturer")
    agreed = sealed(client, filled(shown_at(client), weekday="3"))
    for part in ("anonymous", "stranger", "student", "foreign lecturer"):
        other = cast.client(part)
        assert other.get(ADDRESS).status_code in (302, 404), part
        assert other.post(ADDRESS, agreed).status_code in (302, 404), part
        assert other.post(UNDO, {"token": "x"}).status_code in (302, 404), part
    assert weekdays() == [2] * 4
    # A lecturer moves nothing of another course by its keys.
    foreign = LectureFactory.create(course=cast.other_course)
    assert client.post(ADDRESS, {**agreed, "sessions": [str(foreign.pk)]}).status_code == 422
