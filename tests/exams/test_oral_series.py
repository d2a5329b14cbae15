"""A series of oral exams: shown first, made in one act, told once, and taken back as long as nobody is in it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from amls.agenda.models import AgendaItem
from amls.core.preview import AGREED, SEAL
from amls.core.violations import RuleViolation
from amls.mail.models import ItemChange
from exams.models import Exam
from exams.services.registration import register
from exams.services.series import OralSeries, plan_oral_exams, preview_oral_exams, take_slots_back
from tests.cast import Cast

pytestmark = pytest.mark.django_db
ADDRESS = "/amls/staff/oral-exams/"
NOW = timezone.now()
DAY = (NOW + timedelta(days=40)).date()
NEXT = DAY + timedelta(days=1)


@pytest.fixture
def lecturer(cast: Cast, settings: Settings) -> Client:
    settings.STAFF_NEEDS_SECOND_FACTOR = False
    return cast.client("lecturer")


def typed(**more: Any) -> dict[str, Any]:
    closes = (NOW + timedelta(days=30)).strftime("%Y-%m-%dT12:00")
    return {
        "day": [DAY.isoformat(), NEXT.isoformat(), ""], "begins": "09:00", "ends": "16:00", "minutes": "30",
        "gap_minutes": "0", "break_begins": "12:00", "break_ends": "13:00", "second_begins": "", "second_ends": "",
        "title": "", "place": "E-N 123", "examiners": "Prof. Boehm, Dr. Größe", "call_in": "", "capacity": "1",
        "opens_at": (NOW - timedelta(days=1)).strftime("%Y-%m-%dT08:00"), "closes_at": closes, "withdraw_until": closes,
        **more,
    }  # fmt: skip


def agree(client: Client, data: dict[str, Any]) -> Any:
    shown = BeautifulSoup(client.post(ADDRESS, data).content, "html.parser")
    seal = shown.select_one(f"input[name={SEAL}]")
    assert seal is not None
    return client.post(ADDRESS, {**data, SEAL: seal["value"], AGREED: "1"}, follow=True)


def series(**more: Any) -> OralSeries:
    values = {"days": [DAY], "begins": at("09:00"), "ends": at("11:00"), "minutes": 30, **more}
    return OralSeries(**values)


def at(clock: str) -> Any:
    return datetime.strptime(clock, "%H:%M").replace(tzinfo=UTC).time()


def test_what_is_shown_is_made_in_one_act_and_told_once(cast: Cast, lecturer: Client) -> None:
    page = BeautifulSoup(lecturer.post(ADDRESS, typed()).content, "html.parser")
    assert "24 slots would be made" in " ".join(page.get_text().split())
    rows = page.select("table.slots tbody tr")
    times = [[item.get_text(strip=True) for item in row.select("li")] for row in rows]
    assert [(len(of_day), of_day[:7], of_day[-1]) for of_day in times] == [
        (12, ["09:00", "09:30", "10:00", "10:30", "11:00", "11:30", "13:00"], "15:30")
    ] * 2
    assert not Exam.objects.exists()
    answer = agree(lecturer, typed())
    assert "24 oral exams are planned." in answer.content.decode()
    exams = Exam.objects.order_by("starts_at")
    assert {(exam.kind, exam.capacity, exam.place, exam.examiners, exam.duration_minutes) for exam in exams} == {
        ("oral", 1, "E-N 123", "Prof. Boehm, Dr. Größe", 30)
    }
    zone = cast.course.zone
    assert [exam.starts_at.astimezone(zone).strftime("%d %H:%M") for exam in exams][::12] == [
        f"{DAY:%d} 09:00", f"{NEXT:%d} 09:00",
    ]  # fmt: skip
    # One mail for all: what is held back is told together.
    assert len(set(ItemChange.objects.values_list("held_until", flat=True))) == 1


def test_what_was_shown_is_made_once_and_only_as_it_was_shown(cast: Cast, lecturer: Client) -> None:
    shown = BeautifulSoup(lecturer.post(ADDRESS, typed()).content, "html.parser")
    seal = shown.select_one(f"input[name={SEAL}]")
    assert seal is not None
    agreed = typed(**{SEAL: seal["value"], AGREED: "1"})
    assert "Nothing was saved" in lecturer.post(ADDRESS, {**agreed, "ends": "15:00"}).content.decode()
    assert not Exam.objects.exists()
    assert lecturer.post(ADDRESS, agreed).status_code == 302
    # A second click makes no second row of slots: it shows that they overlap.
    again = lecturer.post(ADDRESS, agreed)
    assert again.status_code == 200
    assert "24 of them overlap dates" in " ".join(again.content.decode().split())
    assert Exam.objects.count() == 24


def test_a_preview_names_what_is_at_the_same_place_or_with_the_same_examiner(cast: Cast) -> None:
    plan_oral_exams(course=cast.course, series=series(place="E-N 123", examiners="Dr. Größe"), now=NOW)
    same = preview_oral_exams(
        course=cast.course, series=series(place="MAR 4", examiners="Prof. Boehm und dr. größe", minutes=60), now=NOW
    )
    assert [len(slot.against) for slot in same.slots] == [2, 2]
    assert "has the same examiner: dr. größe." in same.slots[0].against[0]
    other = preview_oral_exams(course=cast.course, series=series(place="MAR 4", examiners="Prof. Boehm"), now=NOW)
    assert [slot.against for slot in other.slots] == [(), (), (), ()]
    place = preview_oral_exams(course=cast.course, series=series(place="e-n 123"), now=NOW)
    assert "is at the same place then." in place.slots[3].against[0]


def test_hours_are_those_of_the_clock_on_both_sides_of_its_change(cast: Cast) -> None:
    days = [datetime(2027, 3, 27, tzinfo=UTC).date(), datetime(2027, 3, 29, tzinfo=UTC).date()]
    starts = series(days=days).starts(cast.course.zone)
    assert [start.strftime("%d %H:%M") for start in starts[::4]] == ["27 08:00", "29 07:00"]
    night = series(days=[datetime(2027, 3, 28, tzinfo=UTC).date()], begins=at("01:00"), ends=at("04:00"), minutes=60)
    assert [start.strftime("%H:%M") for start in night.starts(cast.course.zone)] == ["00:00", "01:00"]
    with pytest.raises(RuleViolation, match="does not exist"):
        series(days=[datetime(2027, 3, 28, tzinfo=UTC).date()], begins=at("02:30")).starts(cast.course.zone)


def test_a_break_puts_off_whoever_it_would_cut(cast: Cast) -> None:
    breaks = [(at("09:50"), at("10:05"))]
    starts = series(breaks=breaks, gap_minutes=5).starts(cast.course.zone)
    zone = cast.course.zone
    assert [start.astimezone(zone).strftime("%H:%M") for start in starts] == ["09:00", "10:05"]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"day": [""]}, "Give at least one day."),
        ({"day": ["2026-02-31"]}, "Give each day as a date."),
        ({"day": ["gestern"]}, "Give each day as a date."),
        ({"day": ["2020-01-07"]}, "The first slot would be past."),
        ({"ends": "08:00"}, "The end comes after the beginning."),
        ({"ends": "09:10"}, "No slot fits between these times."),
        ({"minutes": "0"}, "greater than or equal to 5"),
        ({"minutes": "5", "begins": "00:10", "ends": "23:50"}, "These are more than 200 slots."),
        ({"break_ends": ""}, "Give both times of a break, or none."),
        ({"break_ends": "11:00"}, "The end comes after the beginning."),
        ({"break_ends": "12:00"}, "The end comes after the beginning."),
        ({"second_begins": "15:00", "second_ends": "14:00"}, "The end comes after the beginning."),
        ({"break_begins": "mittags", "break_ends": "11:00"}, "Enter a valid time."),
        ({"call_in": "zoom"}, "Enter a valid URL."),
        ({"closes_at": f"{NEXT.isoformat()}T12:00"}, "Sign-up closes after the exam has begun."),
        ({"withdraw_until": f"{NEXT.isoformat()}T12:00"}, "Withdrawing ends after the exam has begun."),
        ({"opens_at": f"{DAY.isoformat()}T07:00"}, "Sign-up closes before it opens."),
        ({"closes_at": "2026-13-01T12:00"}, "Enter a valid date/time."),
    ],
)
def test_what_can_not_be_is_refused_and_what_was_typed_stays(
    cast: Cast, lecturer: Client, changed: dict[str, Any], said: str
) -> None:
    answer = lecturer.post(ADDRESS, typed(**changed, **{AGREED: "1"}))
    assert answer.status_code == 422
    assert said in answer.content.decode().replace("&#x27;", "'")
    assert 'value="E-N 123"' in answer.content.decode()
    assert not Exam.objects.exists()


def test_it_is_taken_back_but_for_those_in_which_somebody_is(cast: Cast, lecturer: Client) -> None:
    page = BeautifulSoup(agree(lecturer, typed()).content, "html.parser")
    undo = page.select_one('form[action="/amls/staff/oral-exams/undo/"]')
    assert undo is not None
    token = undo.select_one("input[name=token]")
    assert token is not None
    taken = Exam.objects.order_by("starts_at")[3]
    register(enrolment=cast.student, exam_pk=taken.pk, now=timezone.now())
    other, _changes = plan_oral_exams(course=cast.other_course, series=series(), now=NOW)
    answer = lecturer.post(str(undo["action"]), {"token": token["value"]}, follow=True)
    assert "23 slots are removed again. 1 stays: somebody stands on its list." in answer.content.decode()
    assert list(Exam.objects.filter(course=cast.course)) == [taken]
    assert Exam.objects.filter(course=cast.other_course).count() == len(other)
    # Of slots nobody was told, so nobody is told that they are gone; that days have fewer takes nothing from anybody.
    assert not ItemChange.objects.filter(key__regex=r"^exams\.exam:\d+$").exists()
    assert lecturer.post(str(undo["action"]), {"token": "wrong"}, follow=True).status_code == 200
    assert take_slots_back(course=cast.course, exam_pks=[exam.pk for exam in other], now=NOW) == (0, 0)


def test_nobody_but_its_staff_plans_in_a_course(cast: Cast, settings: Settings) -> None:
    settings.STAFF_NEEDS_SECOND_FACTOR = False
    for part in ("student", "stranger", "foreign lecturer"):
        assert cast.client(part).get(ADDRESS).status_code == 404
        assert cast.client(part).post(ADDRESS, typed()).status_code == 404
        assert cast.client(part).post(f"{ADDRESS}undo/", {"token": "x"}).status_code == 404
    assert cast.client("anonymous").get(ADDRESS).status_code == 302
    assert not Exam.objects.exists()


def test_nobody_is_told_where_that_was_asked_for(cast: Cast, lecturer: Client) -> None:
    page = lecturer.post(ADDRESS, typed()).content.decode()
    assert "4 people get this mail" in " ".join(page.split())
    assert not ItemChange.objects.exists()
    agree(lecturer, typed(_quiet="on"))
    assert (Exam.objects.count(), ItemChange.objects.count()) == (24, 0)
    assert AgendaItem.objects.base().filter(course=cast.course).exists()
