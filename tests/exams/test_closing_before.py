"""Sign-up that closes so many hours before each slot: it follows the slot, and stands once for a day in calendars."""

from datetime import timedelta

import pytest
from bs4 import BeautifulSoup
from django.db import IntegrityError, transaction

from amls.agenda.feeds import coming_items, entries_for, own_entries, personal_feed_url
from amls.agenda.models import AgendaItem
from amls.courses.services import finish_course_change
from amls.mail.models import Notice
from amls.mail.reminders import plan_reminders
from amls.mail.still_due import still_due_for
from amls.portal.takeover.export import export_course
from amls.portal.takeover.toml import dump_toml
from exams.models import Exam
from exams.models.exam import SignUp
from exams.services.registration import register
from exams.services.series import plan_oral_exams
from tests.agreement import agree_to
from tests.cast import Cast
from tests.exams.conftest import Rings
from tests.exams.test_cancelling import typed_at_the_desk
from tests.exams.test_oral_series import ADDRESS, DAY, NEXT, NOW, agree, series, typed

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("one_factor")]
DAY_KEY = f"exams.oral-day:{DAY.isoformat()}:48h-before"
NEXT_KEY = f"exams.oral-day:{NEXT.isoformat()}:48h-before"


@pytest.fixture
def slots(cast: Cast) -> list[Exam]:
    """Eight slots on two days, sign-up for each of which closes two days before it."""
    made, _changes = plan_oral_exams(
        course=cast.course,
        series=series(days=[DAY, NEXT], opens_at=NOW - timedelta(days=1), closes_hours_before=48), now=NOW,
    )  # fmt: skip
    return made


def test_each_slot_closes_so_long_before_it(cast: Cast, slots: list[Exam]) -> None:
    rows = list(Exam.objects.order_by("pk"))
    assert [row.starts_at - row.closes_at for row in rows if row.closes_at] == [timedelta(days=2)] * 8
    first, second = rows[:2]
    between = first.starts_at - timedelta(days=2) + timedelta(minutes=5)
    assert (first.window(between), second.window(between)) == (SignUp.CLOSED, SignUp.OPEN)


def test_calendars_say_it_once_for_a_day_and_whoever_has_a_slot_is_done_with_it(
    cast: Cast, slots: list[Exam], rings: Rings
) -> None:
    base = {row.key: row for row in AgendaItem.objects.base().filter(course=cast.course, key__contains="before")}
    assert base.keys() == {DAY_KEY, NEXT_KEY}
    assert (base[DAY_KEY].moment, base[NEXT_KEY].moment) == (slots[0].closes_at, slots[4].closes_at)
    assert base[DAY_KEY].title == "Oral exams: sign-up closes 2 days before each"
    assert base[DAY_KEY].titles == {"de": "Mündliche Prüfungen: Anmeldung bis 2 Tage vor jeder"}
    for who in (None, cast.other_student, cast.lecturer):
        titles = [entry.row.title for entry in entries_for(cast.course, who, now=NOW)]
        assert titles.count(base[DAY_KEY].title) == 2
    with rings():
        register(enrolment=cast.student, exam_pk=slots[5].pk, now=NOW)
    own = {entry.row.key: entry.row for entry in own_entries(cast.student, now=NOW)}
    assert (own[NEXT_KEY].is_done, own[NEXT_KEY].moment) == (True, slots[5].closes_at)
    assert DAY_KEY not in own
    feed = cast.client("anonymous").get("/" + personal_feed_url(cast.student).split("/", 3)[3]).content.decode()
    assert feed.replace("\r\n ", "").count("SUMMARY:✓ Oral exams: sign-up closes 2 days before each") == 1
    assert [item.key for item in coming_items(cast.other_student, now=NOW) if "before" in item.key] == [
        DAY_KEY,
        NEXT_KEY,
    ]


def test_whoever_has_no_slot_is_reminded_before_the_first_closes(cast: Cast, slots: list[Exam]) -> None:
    closes = slots[0].starts_at - timedelta(days=2)
    register(enrolment=cast.student, exam_pk=slots[6].pk, now=NOW)
    assert still_due_for(cast.course, DAY_KEY, [cast.student, cast.other_student], now=NOW) == {cast.other_student.pk}
    plan_reminders(now=closes - timedelta(hours=23, minutes=30), course=cast.course)
    reminded = Notice.objects.filter(kind="mail.reminder", recipient=cast.other_student.user)
    assert DAY_KEY in {notice.references["item"] for notice in reminded}


def test_a_moved_date_closes_as_long_before_it(cast: Cast, slots: list[Exam]) -> None:
    staff, exam = cast.client("lecturer"), slots[0]
    address = f"/admin/exams/exam/{exam.pk}/change/"
    data = typed_at_the_desk(cast, staff, address, starts_at=exam.starts_at + timedelta(hours=5))
    assert agree_to(staff, address, data).status_code == 302
    exam.refresh_from_db()
    assert exam.closes_at == exam.starts_at - timedelta(days=2)
    row = AgendaItem.objects.base().get(course=cast.course, key=DAY_KEY)
    assert row.moment == slots[1].closes_at
    # Two ways at once are refused at the field, and what was typed stays.
    data = typed_at_the_desk(cast, staff, address, closes_at=exam.starts_at - timedelta(days=9))
    page = staff.post(address, data).content.decode()
    assert "empty one of the two" in page
    # Without the hours the moment stands by itself.
    data = typed_at_the_desk(cast, staff, address, closes_hours_before="")
    assert staff.post(address, data).status_code in (200, 302)


@pytest.mark.parametrize("values", [{"closes_hours_before": 0}, {"closes_at": None}, {"closes_hours_before": 47}])
def test_the_database_keeps_the_hours_and_the_moment_together(
    cast: Cast, slots: list[Exam], values: dict[str, int | None]
) -> None:
    with pytest.raises(IntegrityError, match="exam_closes_hours_before_start"), transaction.atomic():
        Exam.objects.filter(pk=slots[0].pk).update(**values)
    Exam.objects.filter(pk=slots[0].pk).update(closes_hours_before=None)
    Exam.objects.filter(pk=slots[0].pk).update(closes_at=None)


def test_the_form_takes_hours_or_days_and_not_a_moment_besides(cast: Cast) -> None:
    lecturer = cast.client("lecturer")
    both = lecturer.post(ADDRESS, typed(closes_before="2", closes_unit="days", closes_at="2026-12-05T12:00"))
    assert (both.status_code, "empty one of the two" in both.content.decode()) == (422, True)
    many = lecturer.post(ADDRESS, typed(closes_before="90", closes_unit="days", closes_at=""))
    assert (many.status_code, "1 to 2000 hours" in many.content.decode()) == (422, True)
    wanted = typed(closes_before="2", closes_unit="days", closes_at="")
    shown = BeautifulSoup(lecturer.post(ADDRESS, wanted).content, "html.parser")
    assert "sign-up closes 2 days before each slot" in " ".join(shown.get_text().split())
    agree(lecturer, wanted)
    assert set(Exam.objects.values_list("closes_hours_before", flat=True)) == {48}
    page = " ".join(cast.client("student").get("/amls/exams/").content.decode().split())
    assert page.count("2 days before each") == 2


def test_a_course_file_says_the_hours_and_no_moment(cast: Cast, slots: list[Exam]) -> None:
    finish_course_change(cast.course, now=NOW)
    said = dump_toml(export_course(cast.course))
    assert said.count("closes_hours_before = 48") == 8
    assert "closes_at" not in said.partition("[[exams]]")[2].partition("[exam_rules]")[0]
