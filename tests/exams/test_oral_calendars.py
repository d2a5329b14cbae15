"""Many oral exams stand once in calendars, key dates and mails: by day and by moment; one's own slot is one's own."""

import importlib
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from amls.agenda.feeds import coming_items, entries_for, own_entries, personal_feed_url, present_items
from amls.agenda.models import AgendaItem
from amls.agenda.services import reconcile
from amls.courses.models import Enrolment
from amls.mail.changes import tell_changes
from amls.mail.letters import letter_kinds
from amls.mail.models import Notice
from amls.mail.reminders import plan_reminders
from amls.mail.still_due import still_due_for
from exams.models import Exam
from exams.services.cancelling import cancel_exam
from exams.services.registration import register, withdraw
from exams.services.series import plan_oral_exams, preview_oral_exams, take_slots_back
from exams.services.two_dates import hold_beside
from tests.cast import Cast
from tests.exams.conftest import Rings
from tests.exams.test_oral_series import DAY, NEXT, NOW, at, series
from tests.factories import OpenExamFactory

pytestmark = pytest.mark.django_db
CLOSES = (NOW + timedelta(days=30)).replace(minute=0, second=0, microsecond=0)
SIGN_UP = {"opens_at": NOW - timedelta(days=1), "closes_at": CLOSES, "withdraw_until": CLOSES + timedelta(hours=1)}
WINDOWS = ["Oral exams: sign-up opens", "Oral exams: sign-up closes", "Oral exams: last day to withdraw"]


@pytest.fixture
def slots(cast: Cast) -> list[Exam]:
    """Eight slots on two days, of one person each, with one moment for each window."""
    made, _changes = plan_oral_exams(
        course=cast.course, series=series(days=[DAY, NEXT], place="E-N 123", examiners="Dr. Größe", **SIGN_UP), now=NOW
    )
    return made


def titles(entries: Any) -> list[str]:
    return sorted(entry.row.title for entry in entries if entry.row.key.startswith("exams."))


def test_everybody_has_the_days_and_each_moment_once(cast: Cast, slots: list[Exam]) -> None:
    wanted = sorted([*WINDOWS, "Oral exams", "Oral exams"])
    assert titles(entries_for(cast.course, None, now=NOW)) == wanted
    for who in (cast.other_student, cast.lecturer):
        assert titles(entries_for(cast.course, who, now=NOW)) == wanted
    day = present_items(cast.course, None, now=NOW)[-1]
    zone = cast.course.zone
    assert [moment.astimezone(zone).strftime("%H:%M") for moment in (day.starts_at, day.ends_at)] == ["09:00", "11:00"]
    assert (day.place, day.conducted_by) == ("E-N 123", "Dr. Größe")
    schedule = cast.client("anonymous").get("/amls/schedule/").content.decode()
    assert schedule.count("Oral exams: sign-up closes") == 1
    feed = cast.client("anonymous").get("/amls/calendar.ics").content.decode().replace("\r\n ", "")
    assert feed.count("SUMMARY:Oral exams: sign-up closes") == 1
    assert feed.count("SUMMARY:Oral exams\r\n") == 2
    assert "SUMMARY:Oral exam\r\n" not in feed


def test_who_holds_a_slot_has_it_instead_of_its_day(cast: Cast, slots: list[Exam], rings: Rings) -> None:
    with rings():
        register(enrolment=cast.student, exam_pk=slots[2].pk, now=NOW)
    own = titles(own_entries(cast.student, now=NOW))
    assert own == ["Oral exam (registered)", "Oral exams: last day to withdraw", "Oral exams: sign-up closes"]
    (closes,) = [item for item in coming_items(cast.student, now=NOW) if "closes" in item.title]
    assert closes.is_done
    slot = next(item for item in coming_items(cast.student, now=NOW) if item.title == "Oral exam (registered)")
    assert slot.starts_at == slots[2].starts_at
    # The others know nothing of it, and staff have the days.
    assert "Oral exam (registered)" not in titles(own_entries(cast.other_student, now=NOW))
    assert len(titles(own_entries(cast.lecturer, now=NOW))) == 5
    feed = cast.client("anonymous").get("/" + personal_feed_url(cast.student).split("/", 3)[3]).content.decode()
    assert feed.replace("\r\n ", "").count("SUMMARY:Oral exam (registered)") == 1
    with rings():
        withdraw(enrolment=cast.student, exam_pk=slots[2].pk, now=NOW)
    assert titles(own_entries(cast.student, now=NOW)) == sorted([*WINDOWS[:2], "Oral exams", "Oral exams"])


def test_who_waits_for_a_slot_beside_another_has_the_shared_moment_once(
    cast: Cast, slots: list[Exam], rings: Rings
) -> None:
    with rings():
        register(enrolment=cast.other_student, exam_pk=slots[1].pk, now=NOW)
        register(enrolment=cast.student, exam_pk=slots[1].pk, now=NOW)
        hold_beside(enrolment=cast.student, exam_pk=slots[5].pk, now=NOW)
    own = titles(own_entries(cast.student, now=NOW))
    assert own == [
        "Oral exam (registered)", "Oral exam (waiting list)", "Oral exams: last day to withdraw",
        "Oral exams: sign-up closes",
    ]  # fmt: skip


def test_one_mail_tells_of_days_and_moments(cast: Cast, slots: list[Exam]) -> None:
    tell_changes(now=NOW + timedelta(hours=1))
    notices = list(Notice.objects.filter(kind="mail.changes"))
    assert len({notice.recipient_id for notice in notices}) == len(notices)
    kind = letter_kinds["mail.changes"]
    assert kind.prepare is not None
    kind.prepare(notices, NOW)
    letter = next(kind.writer(notice, NOW) for notice in notices if notice.recipient == cast.student.user)
    assert letter is not None
    lines = [line for line in letter.text.splitlines() if line.startswith("- ")]
    assert [line.partition(":")[0] for line in lines].count("- Oral exams") == 4 - 1
    assert len(lines) == 3


def test_each_is_reminded_once_of_a_moment_that_many_share(cast: Cast, slots: list[Exam]) -> None:
    plan_reminders(now=CLOSES - timedelta(hours=23, minutes=30), course=cast.course)
    reminders = Notice.objects.filter(kind="mail.reminder", recipient=cast.student.user)
    reminded = sorted(notice.references["item"] for notice in reminders)
    assert [key.rpartition(":")[2] for key in reminded] == ["signup-closes", "withdraw-until"]
    key = reminded[0]
    people = [cast.student, cast.other_student]
    both = {cast.student.pk, cast.other_student.pk}
    assert still_due_for(cast.course, key, people, now=NOW) == both
    register(enrolment=cast.student, exam_pk=slots[6].pk, now=NOW)
    assert still_due_for(cast.course, key, people, now=NOW) == {cast.other_student.pk}
    last = key.replace("signup-closes", "withdraw-until")
    assert still_due_for(cast.course, last, people, now=NOW) == {cast.student.pk}
    withdraw(enrolment=cast.student, exam_pk=slots[6].pk, now=NOW)
    assert still_due_for(cast.course, key, people, now=NOW) == both


def _windows(cast: Cast) -> dict[str, tuple[object, datetime]]:
    rows = AgendaItem.objects.base().present().filter(course=cast.course, key__startswith="exams.oral:")
    return {row.title: (row.uid, row.moment) for row in rows}


def test_a_moment_keeps_its_identity_whichever_slots_go_or_move(cast: Cast, slots: list[Exam]) -> None:
    before = _windows(cast)
    assert sorted(before) == sorted(WINDOWS)
    assert take_slots_back(course=cast.course, exam_pks=[slots[0].pk], now=NOW) == (1, 0)
    assert _windows(cast) == before
    # Typed one by one, all of them are moved in the end.
    for exam in slots[1:]:
        Exam.objects.filter(pk=exam.pk).update(closes_at=CLOSES - timedelta(hours=2))
        reconcile(cast.course, now=NOW)
    closes = "Oral exams: sign-up closes"
    after = _windows(cast)
    assert after == {**before, closes: (before[closes][0], CLOSES - timedelta(hours=2))}


def test_a_written_exam_and_a_single_oral_one_are_as_before(cast: Cast) -> None:
    exams = [
        OpenExamFactory.create(course=cast.course, kind=kind, starts_at=NOW + timedelta(days=days), **SIGN_UP)
        for kind, days in (("written", 40), ("oral", 42))
    ]
    reconcile(cast.course, now=NOW)
    keys = set(AgendaItem.objects.base().filter(course=cast.course).values_list("key", flat=True))
    written, oral = (exam.pk for exam in exams)
    windows = ("signup-opens", "signup-closes", "withdraw-until")
    assert {key for key in keys if key.startswith("exams.")} == {
        f"exams.exam:{written}", f"exams.exam:{oral}", *(f"exams.exam:{written}:{what}" for what in windows),
        *(f"exams.oral:{oral}:{what}" for what in windows),
    }  # fmt: skip
    assert not AgendaItem.objects.filter(is_for_participants=True).exists()


def test_what_calendars_had_of_each_slot_becomes_one_of_all_with_its_identity(cast: Cast, slots: list[Exam]) -> None:
    fresh = {row.key: row.uid for row in AgendaItem.objects.base().filter(course=cast.course)}
    register(enrolment=cast.student, exam_pk=slots[3].pk, now=NOW)
    whats = {"signup-opens": "opens_at", "signup-closes": "closes_at", "withdraw-until": "withdraw_until"}
    AgendaItem.objects.filter(key__startswith="exams.oral").delete()
    common = {"course": cast.course, "kind": "deadline", "created_at": NOW, "changed_at": NOW}
    uids = {}
    for exam in slots:
        for what, name in whats.items():
            moment = getattr(exam, name)
            row = AgendaItem.objects.create(
                key=f"exams.exam:{exam.pk}:{what}", title=f"Exam of 14 Dec: {what}", starts_at=moment - timedelta(minutes=30),
                ends_at=moment, **common,
            )  # fmt: skip
            uids[exam.pk, what] = row.uid
    AgendaItem.objects.create(
        key=f"exams.exam:{slots[3].pk}:signup-closes", enrolment=cast.student, title="Exam", starts_at=CLOSES - timedelta(minutes=30),
        ends_at=CLOSES, is_done=True, **common,
    )  # fmt: skip
    importlib.import_module("exams.migrations.0015_windows_of_oral_exams").join_windows(apps, None)
    reconcile(cast.course, now=NOW)
    base = AgendaItem.objects.base().filter(course=cast.course)
    assert set(base.values_list("key", flat=True)) == set(fresh)
    rows = {row.key: row.uid for row in base}
    assert {what: rows[f"exams.oral:{slots[0].pk}:{what}"] for what in whats} == {
        what: uids[slots[0].pk, what] for what in whats
    }
    assert not base.filter(is_removed=True).exists()
    assert not AgendaItem.objects.filter(key=f"exams.exam:{slots[3].pk}:signup-closes").exists()


def _queries(act: Any) -> int:
    with CaptureQueriesContext(
        connection,
    ) as asked:
        act()
    return len(asked)


def test_many_slots_cost_the_statements_of_few(cast: Cast, rings: Rings) -> None:
    """Count what a preview, a person's dates and a sign-up ask for with four slots a day, and with eleven."""
    counts = []
    for ends in ("11:00", "14:30"):
        row = series(days=[DAY], ends=at(ends), place="E-N 123", **SIGN_UP)
        preview = _queries(lambda row=row: preview_oral_exams(course=cast.course, series=row, now=NOW))
        plan_oral_exams(course=cast.course, series=row, now=NOW)
        who: Enrolment = Enrolment.objects.select_related("course").get(pk=cast.student.pk)
        dates = _queries(lambda who=who: own_entries(who, now=NOW))
        counts.append((preview, dates))
        Exam.objects.all().delete()
        reconcile(cast.course, now=timezone.now())
        AgendaItem.objects.all().delete()
    assert counts[0] == counts[1]


def test_a_cancelled_slot_leaves_its_day_and_stays_with_who_held_it(
    cast: Cast, slots: list[Exam], rings: Rings
) -> None:
    with rings():
        register(enrolment=cast.student, exam_pk=slots[0].pk, now=NOW)
    before = _windows(cast)
    cancel_exam(exam_pk=slots[0].pk, reason="Dr. Größe ist krank", now=NOW)
    assert _windows(cast) == before
    day = next(item for item in present_items(cast.course, None, now=NOW) if item.title == "Oral exams")
    assert day.starts_at == slots[1].starts_at
    assert [
        entry.row.is_cancelled for entry in own_entries(cast.student, now=NOW) if entry.row.title == "Oral exam"
    ] == [True]
    assert "Oral exam" not in titles(own_entries(cast.other_student, now=NOW))
    for exam in slots[1:4]:
        cancel_exam(exam_pk=exam.pk, reason="Dr. Größe ist krank", now=NOW)
    days = [item for item in present_items(cast.course, None, now=NOW) if item.title == "Oral exams"]
    assert [day.is_cancelled for day in days] == [True, False]
    assert cast.client("student").get("/amls/exams/").content.decode().count("cancelled") >= 3
