"""The feed of who examines holds the slots that they conduct, how one calls in and who sits there; everybody else's as before."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from amls.agenda.feeds import personal_feed_url
from amls.agenda.models import AgendaItem
from amls.courses.models import Enrolment
from amls.courses.services import finish_course_change
from amls.mail.models import Notice
from amls.privacy.registry import delete_account
from exams.examiners import conducts
from exams.models import Accommodation, Exam
from exams.services.calendars import follow_course, follow_now
from exams.services.cancelling import cancel_exam
from exams.services.registration import register, withdraw
from exams.services.series import plan_oral_exams
from exams.services.setup import grant
from tests.cast import Cast
from tests.exams.conftest import Rings
from tests.exams.test_oral_series import DAY, NOW, series

pytestmark = pytest.mark.django_db
BOEHMS, OTHERS = "https://meet.example.org/boehm", "https://meet.example.org/groesse"
SIGN_UP = {"opens_at": NOW - timedelta(days=1), "closes_at": NOW + timedelta(days=20)}


@pytest.fixture
def slots(cast: Cast) -> list[Exam]:
    """Four slots of the lecturer with the assistant, and at the same times four of the assistant alone."""
    names = {
        cast.lecturer: "Matthias Boehm",
        cast.assistant: "Jonas Größe",
        cast.student: "Łukasz Żółć",
        cast.other_student: "Ayşe Şahin",
    }
    for person, name in names.items():
        person.user.display_name = name
        person.user.save()
    made: list[Exam] = []
    for examiners, call_in in (("Prof. Boehm", BOEHMS), ("Dr. Größe", OTHERS)):
        exams, _changes = plan_oral_exams(
            course=cast.course, series=series(examiners=examiners, call_in=call_in, **SIGN_UP), now=NOW
        )
        made += exams
    return made


def feed_of(cast: Cast, who: Enrolment | None) -> str:
    path = "/amls/calendar.ics" if who is None else "/" + personal_feed_url(who).split("/", 3)[3]
    answer = cast.client("anonymous").get(path)
    assert answer.status_code == 200
    return answer.content.decode().replace("\r\n ", "")


def summaries(text: str) -> list[str]:
    lines = [line.removeprefix("SUMMARY:") for line in text.split("\r\n") if line.startswith("SUMMARY:")]
    return sorted(line for line in lines if "exam" in line.lower() and "sign-up" not in line)


def test_each_feed_has_what_its_person_conducts_or_sits_and_nothing_of_the_others(
    cast: Cast, slots: list[Exam], rings: Rings
) -> None:
    with rings():
        register(enrolment=cast.student, exam_pk=slots[0].pk, now=NOW)
        register(enrolment=cast.other_student, exam_pk=slots[5].pk, now=NOW)
    free = ["Oral exam: nobody yet"] * 3
    boehms = feed_of(cast, cast.lecturer)
    assert summaries(boehms) == sorted(["Oral exam: Łukasz Żółć", *free, "Oral exams"])
    assert (boehms.count(f"VALUE=URI:{BOEHMS}"), OTHERS in boehms, "Şahin" in boehms) == (4, False, False)
    others = feed_of(cast, cast.assistant)
    assert summaries(others) == sorted(["Oral exam: Ayşe Şahin", *free, "Oral exams"])
    assert (others.count(f"VALUE=URI:{OTHERS}"), BOEHMS in others, "Żółć" in others) == (4, False, False)
    own = feed_of(cast, cast.student)
    assert summaries(own) == ["Oral exam (registered)"]
    assert (own.count(f"VALUE=URI:{BOEHMS}"), OTHERS in own, "Żółć" in own, "Şahin" in own) == (
        1,
        False,
        False,
        False,
    )
    public = feed_of(cast, None)
    assert summaries(public) == ["Oral exams"]
    for text in (public, feed_of(cast, cast.foreign_lecturer)):
        assert not any(said in text for said in (BOEHMS, OTHERS, "Żółć", "Şahin", "nobody yet"))


def test_the_feed_of_who_examines_follows_who_comes_and_goes(cast: Cast, slots: list[Exam], rings: Rings) -> None:
    def own(who: Enrolment) -> AgendaItem:
        return AgendaItem.objects.get(enrolment=who, key=f"exams.exam:{slots[0].pk}")

    first = own(cast.lecturer)
    assert (first.title, first.titles, first.call_in) == (
        "Oral exam: nobody yet", {"de": "Mündliche Prüfung: noch niemand"}, BOEHMS,
    )  # fmt: skip
    with rings():
        register(enrolment=cast.student, exam_pk=slots[0].pk, now=NOW)
    assert own(cast.lecturer).title == "Oral exam: Łukasz Żółć"
    with rings():
        withdraw(enrolment=cast.student, exam_pk=slots[0].pk, now=NOW)
    assert own(cast.lecturer).title == "Oral exam: nobody yet"
    # Others examine, and call in elsewhere.
    Exam.objects.filter(pk=slots[0].pk).update(examiners="Jonas Größe und M. Boehm", call_in=OTHERS)
    finish_course_change(cast.course, now=NOW)
    assert {own(who).call_in for who in (cast.lecturer, cast.assistant)} == {OTHERS}
    Exam.objects.filter(pk=slots[0].pk).update(examiners="Größe")
    finish_course_change(cast.course, now=NOW)
    assert own(cast.lecturer).is_removed
    assert not Notice.objects.filter(kind="exams.rescheduled").exists()
    cancel_exam(exam_pk=slots[0].pk, reason="Ill.", now=NOW)
    finish_course_change(cast.course, now=NOW)
    cancelled = own(cast.assistant)
    assert (cancelled.status, cancelled.title, cancelled.call_in) == ("cancelled", "Oral exam", "")


def test_the_feed_of_who_examines_ends_with_the_time_of_who_sits_there(
    cast: Cast, slots: list[Exam], rings: Rings
) -> None:
    with rings():
        register(enrolment=cast.student, exam_pk=slots[0].pk, now=NOW)

    def end(who: Enrolment, slot: Exam) -> object:
        return AgendaItem.objects.get(enrolment=who, key=f"exams.exam:{slot.pk}").ends_at

    grant(Accommodation(course=cast.course, enrolment=cast.student, extra_percent=50, extra_in_oral=True), now=NOW)
    finish_course_change(cast.course, now=NOW)
    longer = slots[0].ends_at + timedelta(minutes=15)
    assert {end(who, slots[0]) for who in (cast.lecturer, cast.student)} == {longer}
    assert end(cast.lecturer, slots[1]) == slots[1].ends_at
    # Whoever comes instead has the time of all.
    with rings():
        withdraw(enrolment=cast.student, exam_pk=slots[0].pk, now=NOW)
    assert end(cast.lecturer, slots[0]) == slots[0].ends_at


def test_a_date_by_points_has_the_link_for_its_examiners_and_names_nobody(cast: Cast, slots: list[Exam]) -> None:
    Exam.objects.filter(pk=slots[0].pk).update(kind="written")
    register(enrolment=cast.student, exam_pk=slots[0].pk, now=NOW)
    finish_course_change(cast.course, now=NOW)
    row = AgendaItem.objects.get(enrolment=cast.lecturer, key=f"exams.exam:{slots[0].pk}")
    assert (row.title, row.call_in) == ("Written exam", BOEHMS)


def test_who_needs_a_second_factor_for_the_pages_has_no_more_in_the_feed(
    cast: Cast, slots: list[Exam], settings: object
) -> None:
    settings.STAFF_NEEDS_SECOND_FACTOR = True  # type: ignore[attr-defined]
    follow_course(cast.course, NOW)
    assert not AgendaItem.objects.filter(enrolment=cast.lecturer, is_removed=False).exists()


def test_a_deleted_account_leaves_no_name_in_the_calendar_of_who_examined(
    cast: Cast, slots: list[Exam], rings: Rings
) -> None:
    with rings():
        register(enrolment=cast.student, exam_pk=slots[0].pk, now=NOW)
        register(enrolment=cast.other_student, exam_pk=slots[1].pk, now=NOW)
    # The exam was, and the course is over: nothing follows it by itself.
    Exam.objects.filter(pk=slots[0].pk).update(starts_at=NOW - timedelta(days=400), opens_at=None, closes_at=None)
    cast.course.state = "archived"
    cast.course.save()
    delete_account(user=cast.student.user, now=NOW)
    rows = AgendaItem.objects.filter(enrolment=cast.lecturer)
    assert not [row for row in rows if "Żółć" in f"{row.title}{row.titles}"]
    assert [row.titles["de"] for row in rows if "Şahin" in row.title] == ["Mündliche Prüfung: Ayşe Şahin"]


def test_who_is_meant_by_a_name() -> None:
    assert conducts("Matthias Boehm", "Prof. Boehm, Dr. Größe")
    assert conducts("Jonas Größe", "Univ.-Prof. Boehm und PD Dr. Groesse")
    assert conducts("Grace Hopper", "Hopper, Grace")
    assert conducts("Dr. Łukasz Żółć", "Lukasz Zolc")
    assert not conducts("Anna Boehm", "Matthias Boehm")
    assert not conducts("Anna Grosser", "Dr. Größe")
    assert not conducts("", "Prof. Boehm")
    assert not conducts("Matthias Boehm", "Prof. Dr.")


def test_many_slots_cost_as_many_queries_as_one(cast: Cast, slots: list[Exam]) -> None:
    register(enrolment=cast.student, exam_pk=slots[0].pk, now=NOW)

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            follow_now([cast.student.pk], now=NOW)
        return len(captured)

    follow_now([cast.student.pk], now=NOW)
    few = queries()
    plan_oral_exams(course=cast.course, series=series(days=[DAY + timedelta(days=7)], examiners="Prof. Boehm"), now=NOW)
    assert queries() == few
