"""Days without class in a new term: asked for with their names, proposed where the calendar says them, and never lost in silence."""

from datetime import date, timedelta
from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.core.management import CommandError, call_command

from amls.courses.models import Course
from amls.portal.takeover.freedays import as_free_days, as_lines, days_of, easter, not_in_the_new, proposed
from amls.portal.takeover.spec import FreeDaySpec
from amls.portal.takeover.teaching import beside_the_old
from amls.portal.takeover.understanding.resolving import listed_days
from lectures.models import FreeDay, Lecture
from tests.cast import Cast
from tests.factories import LectureFactory
from tests.portal.takeover.test_views import ROLL_OVER, agree

WHIT, DOORS = "Pfingstmontag", "Tag der offenen Tür"
OLD = (
    FreeDaySpec(date=date(2026, 5, 1), title="Tag der Arbeit"),
    FreeDaySpec(date=date(2026, 5, 14), title="Christi Himmelfahrt"),
    FreeDaySpec(date=date(2026, 5, 25), title=WHIT),
    FreeDaySpec(date=date(2026, 6, 3), title=DOORS),
    FreeDaySpec(date=date(2026, 6, 10)),
)
WINTER = (
    FreeDaySpec(date=date(2026, 12, 21), last=date(2027, 1, 2), title="Weihnachtspause"),
    FreeDaySpec(date=date(2026, 12, 31), last=date(2027, 1, 1), title="Jahreswechsel"),
)
SUMMER_2027 = {"first": date(2027, 4, 12), "last": date(2027, 7, 17)}


@pytest.mark.unit
@pytest.mark.parametrize(
    "day",
    [date(1961, 4, 2), date(2000, 4, 23), date(2026, 4, 5), date(2027, 3, 28), date(2038, 4, 25), date(2285, 3, 22)],
)
def test_easter_is_when_it_is(day: date) -> None:
    assert easter(day.year) == day


@pytest.mark.unit
def test_days_that_follow_from_the_calendar_are_proposed_in_the_new_term_and_others_are_named() -> None:
    proposal = proposed(OLD, **SUMMER_2027)
    assert [(day.date, day.title) for day in proposal.days] == [
        (date(2027, 5, 1), "Tag der Arbeit"), (date(2027, 5, 6), "Christi Himmelfahrt"), (date(2027, 5, 17), WHIT),
    ]  # fmt: skip
    assert proposal.left == OLD[3:]
    # They don't lie in a winter term; what does goes over the turn of the year.
    assert proposed(OLD, first=date(2027, 10, 11), last=date(2028, 2, 12)).days == ()
    winter = proposed(WINTER, first=date(2027, 10, 11), last=date(2028, 2, 12))
    assert winter.days == (FreeDaySpec(date=date(2027, 12, 31), last=date(2028, 1, 1), title="Jahreswechsel"),)
    assert winter.left == WINTER[:1]


@pytest.mark.unit
@pytest.mark.parametrize(
    ("text", "listed"),
    [
        ("2027-05-17 Pfingstmontag\n1.5. Tag der Arbeit", {date(2027, 5, 1): "Tag der Arbeit", date(2027, 5, 17): WHIT}),
        ("Pfingstmontag: 17.5.2027; Mo 21.6. – Di 22.6. Größe & Łukasz", {date(2027, 5, 17): WHIT, date(2027, 6, 21): "Größe & Łukasz", date(2027, 6, 22): "Größe & Łukasz"}),
        ("1.5. und 2.5., Thu 6 May 2027 – Ascension Day", {date(2027, 5, 1): "", date(2027, 5, 2): "", date(2027, 5, 6): "Ascension Day"}),
        ("17.5., 17.5. Pfingstmontag", {date(2027, 5, 17): WHIT}),
    ],
)  # fmt: skip
def test_days_are_listed_with_what_they_are_called(text: str, listed: dict[date, str]) -> None:
    assert listed_days(text, start=date(2027, 4, 12)) == listed


@pytest.mark.unit
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("17.5.2027 Pfingstmontag, bald", "bald"), ("2027-13-01 Foo\n2027-05-01", "2027-13-01 Foo"),
        ("17.5.27: Pfingstmontag", "27: Pfingstmontag"), ("1.5. 30.2.", "30.2."), (f"1.5. {'x' * 201}", "x" * 201),
    ],
)  # fmt: skip
def test_words_that_belong_to_no_day_are_not_taken_for_a_name(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=f"^{words}$"):
        listed_days(text, start=date(2027, 4, 12))


@pytest.mark.unit
def test_days_that_follow_each_other_are_one_where_they_are_called_the_same() -> None:
    names = days_of(WINTER)
    assert as_free_days(names, names) == (
        FreeDaySpec(date=date(2026, 12, 21), last=date(2026, 12, 30), title="Weihnachtspause"),
        WINTER[1],
        FreeDaySpec(date=date(2027, 1, 2), title="Weihnachtspause"),
    )
    assert as_lines(WINTER, but=days_of(WINTER[1:])) == ["2026-12-21 – 2027-01-02 Weihnachtspause"]
    # What is proposed can be read again.
    for day in (*OLD, *WINTER):
        (line,) = as_lines([day])
        assert listed_days(line, start=date(2026, 4, 13)) == days_of([day])


@pytest.mark.unit
def test_days_that_the_new_term_lacks_are_named() -> None:
    new = [FreeDaySpec(date=date(2027, 5, 17)), FreeDaySpec(date=date(2027, 6, 2), title=DOORS.upper())]
    (line,) = not_in_the_new(OLD, new, **SUMMER_2027)
    assert "doesn't have: Tag der Arbeit (Sat 1 May 2027), Christi Himmelfahrt (Thu 6 May 2027). Enter" in line
    assert not_in_the_new(OLD[2:3], new, **SUMMER_2027) == []
    # Of one without a name only where the new term has none at all.
    assert "have: Wed 10 Jun 2026. Enter" in not_in_the_new(OLD[4:], [], **SUMMER_2027)[0]
    assert not_in_the_new(OLD[4:], new, **SUMMER_2027) == []


@pytest.mark.unit
@pytest.mark.parametrize(
    ("start", "said"),
    [
        (date(2026, 4, 16), "This is the term in which the course was held already: it began on Mon 13 Apr 2026."),
        (date(2025, 4, 14), "The new term lies before the old one, which began on Mon 13 Apr 2026."),
        (date(2026, 7, 18), "The new term begins before the old one ends, on Sat 18 Jul 2026."),
        (date(2026, 7, 19), ""),
    ],
)
def test_a_term_that_is_not_after_the_old_one_is_said_to_be_so(start: date, said: str) -> None:
    assert beside_the_old(start, date(2026, 4, 13), date(2026, 7, 18)).startswith(said)
    assert bool(said) == bool(beside_the_old(start, date(2026, 4, 13), date(2026, 7, 18)))


# ── the page ──


@pytest.fixture
def dated(cast: Cast) -> Course:
    """A course that was held on Mondays of the summer of 2026, with its days without class."""
    Course.objects.filter(pk=cast.course.pk).update(first_day=date(2026, 4, 13), last_day=date(2026, 7, 18))
    monday = LectureFactory.create(course=cast.course, number="1").starts_at.replace(2026, 4, 13, 8, 0)
    Lecture.objects.update(starts_at=monday, ends_at=monday + timedelta(hours=2), day=None)
    for day in OLD:
        FreeDay.objects.create(course=cast.course, first=day.date, last=day.last, title=day.title)
    return cast.course


def sent(**values: str) -> dict[str, Any]:
    return {"new_slug": "amls-ss2027", "start": "2027-04-12", "last_day": "2027-07-17", "skip": "", **values}


def field(answer: Any, name: str) -> str:
    page = BeautifulSoup(answer.content, "html.parser")
    box = page.select_one(f'.field:has([name="{name}"])')
    assert box is not None
    return " ".join(box.get_text(" ").split())


@pytest.mark.django_db
def test_names_of_the_old_term_are_proposed_confirmed_and_carried(cast: Cast, dated: Course) -> None:
    client = cast.client("lecturer")
    assert "Propose days of the old term" in client.get(ROLL_OVER).content.decode()
    answer = client.post(ROLL_OVER, sent(skip="2.6.2027 Große Messe", new_slug="", title="Größe", propose="1"))
    assert answer.status_code == 200
    page = BeautifulSoup(answer.content, "html.parser")
    typed = page.select_one("textarea[name=skip]")
    assert typed is not None
    lines = "2.6.2027 Große Messe\n2027-05-01 Tag der Arbeit\n2027-05-06 Christi Himmelfahrt\n2027-05-17 Pfingstmontag"
    assert typed.get_text().strip("\n") == lines
    assert f"Enter yourself, if they are free in the new term: {DOORS} (Wed 3 Jun 2026), Wed 10 Jun 2026." in field(answer, "skip")  # fmt: skip
    kept = {name: page.select_one(f"[name={name}]") for name in ("title", "start", "last_day")}
    assert {name: box["value"] for name, box in kept.items() if box} == {"title": "Größe", "start": "2027-04-12", "last_day": "2027-07-17"}  # fmt: skip
    assert not Course.objects.filter(slug="amls-ss2027").exists()
    # Proposed once, not twice.
    again = client.post(ROLL_OVER, sent(skip=lines, propose="1"))
    assert "No other day of the old term lies in the new one" in field(again, "skip")
    preview = client.post(ROLL_OVER, sent(skip=lines)).content.decode()
    assert f"the new one doesn&#x27;t have: {DOORS} (Wed 3 Jun 2026). Enter those that are free." in preview
    assert agree(cast, ROLL_OVER, sent(skip=lines)).status_code == 302
    new = Course.objects.get(slug="amls-ss2027")
    assert (new.first_day, new.last_day) == (date(2027, 4, 12), date(2027, 7, 17))
    assert list(new.free_days.values_list("first", "title")) == [
        (date(2027, 5, 1), "Tag der Arbeit"), (date(2027, 5, 6), "Christi Himmelfahrt"), (date(2027, 5, 17), WHIT),
        (date(2027, 6, 2), "Große Messe"),
    ]  # fmt: skip


@pytest.mark.django_db
def test_a_day_that_is_typed_without_its_name_has_that_of_the_old_term(cast: Cast, dated: Course) -> None:
    call_command("roll_over", "amls", "next", "--start=2027-04-12", "--last=2027-07-17", "--skip", "2027-05-17", "2027-06-02 Messe")  # fmt: skip
    new = Course.objects.get(slug="next")
    assert list(new.free_days.values_list("first", "title")) == [(date(2027, 5, 17), WHIT), (date(2027, 6, 2), "Messe")]
    assert new.last_day == date(2027, 7, 17)
    with pytest.raises(CommandError, match=r"--skip: 'soon' is no day such as 2027-05-17"):
        call_command("roll_over", "amls", "later", "--start=2027-04-12", "--skip", "soon")


@pytest.mark.django_db
def test_days_are_not_proposed_for_a_term_that_has_none_to_go_by(cast: Cast, dated: Course) -> None:
    client = cast.client("lecturer")
    refused = client.post(ROLL_OVER, sent(start="", new_slug="", propose="1"))
    assert refused.status_code == 422
    assert set(refused.context["form"].errors) == {"start"}
    backwards = client.post(ROLL_OVER, sent(last_day="2027-04-11"))
    assert backwards.status_code == 422
    assert "The last day lies after the first" in field(backwards, "last_day")
    FreeDay.objects.all().delete()
    assert "Propose days of the old term" not in client.get(ROLL_OVER).content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("start", "said"),
    [
        ("2026-04-13", "This is the term in which the course was held already"),
        ("2025-04-14", "The new term lies before the old one"),
        ("2026-07-06", "The new term begins before the old one ends"),
    ],
)
def test_a_slip_in_the_year_is_said_at_its_field_before_anything_is_written(
    cast: Cast, dated: Course, start: str, said: str
) -> None:
    answer = cast.client("lecturer").post(ROLL_OVER, sent(start=start, last_day=""))
    assert answer.status_code == 200
    assert said in field(answer, "start")
    assert any(line.startswith(said) for line in answer.context["diff"].warnings)
    box = BeautifulSoup(answer.content, "html.parser").select_one("[name=start]")
    assert box is not None
    assert "id_start_remark" in str(box["aria-describedby"]).split()
    assert not Course.objects.filter(slug="amls-ss2027").exists()
    assert "remark" not in cast.client("lecturer").post(ROLL_OVER, sent()).content.decode()


@pytest.mark.django_db
def test_sessions_after_the_last_day_are_named(cast: Cast, dated: Course) -> None:
    late = LectureFactory.create(course=cast.course, number="2", title="Łukasz")
    moment = late.starts_at.replace(2026, 7, 13, 8, 0)
    Lecture.objects.filter(pk=late.pk).update(starts_at=moment, ends_at=moment + timedelta(hours=2))
    answer = cast.client("lecturer").post(ROLL_OVER, sent(last_day="2027-07-10"))
    (line,) = [line for line in answer.context["diff"].warnings if "after the last day" in line]
    assert "Lecture 2 (Mon 12 Jul 2027, 10:00)" in line
