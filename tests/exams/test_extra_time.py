"""Extra time in minutes or in percent of each exam, and in oral exams only where it is said: one function for all who ask."""

from datetime import timedelta

import pytest
from bs4 import BeautifulSoup
from django.db.models import F
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from amls.agenda.models import AgendaItem
from amls.agenda.services import reconcile
from exams.models import Accommodation, Exam
from exams.overlaps import overlaps_of
from exams.services.registration import register, staff_register, withdraw
from exams.services.series import preview_oral_exams
from tests.cast import Cast
from tests.exams.conftest import Rings
from tests.exams.people import make_students
from tests.exams.test_oral_pages import plan
from tests.exams.test_oral_series import DAY, NOW, at, series
from tests.factories import ExamFactory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("minutes", "percent", "in_oral", "kind", "duration", "more"),
    [
        (30, 0, False, "written", 90, 30),
        (30, 0, False, "oral", 30, 0),
        (30, 0, True, "oral", 30, 30),
        (0, 25, False, "written", 90, 23),
        (0, 25, False, "written", 120, 30),
        (0, 33, False, "written", 100, 33),
        (0, 1, False, "written", 90, 1),
        (0, 25, False, "oral", 30, 0),
        (0, 25, True, "oral", 30, 8),
        (0, 0, True, "written", 90, 0),
    ],
)
def test_extra_time_is_minutes_or_a_share_rounded_up(
    minutes: int, percent: int, in_oral: bool, kind: str, duration: int, more: int
) -> None:
    begins = timezone.now()
    exam = Exam(kind=kind, starts_at=begins, duration_minutes=duration)
    granted = Accommodation(extra_minutes=minutes, extra_percent=percent, extra_in_oral=in_oral)
    assert granted.ends_at(exam) == begins + timedelta(minutes=duration + more)
    assert granted.own_end(exam) == (granted.ends_at(exam) if more else None)


def test_page_and_calendar_follow_it(cast: Cast, rings: Rings) -> None:
    begins = (timezone.now() + timedelta(days=9)).replace(hour=8, minute=0, second=0, microsecond=0)
    written = ExamFactory.create(course=cast.course, starts_at=begins, duration_minutes=90)
    oral = ExamFactory.create(
        course=cast.course, kind="oral", starts_at=begins + timedelta(days=3), duration_minutes=30
    )
    Accommodation.objects.create(course=cast.course, enrolment=cast.student, extra_percent=25)
    reconcile(cast.course, now=timezone.now())
    with rings():
        staff_register(enrolment=cast.student, exam_pk=written.pk, reason="By hand", now=timezone.now())
    own = AgendaItem.objects.filter(enrolment=cast.student)
    ends = begins + timedelta(minutes=113)
    assert ends in set(own.values_list("ends_at", flat=True))
    page = cast.client("student").get("/amls/exams/")
    shown = {card.exam.pk: card.ends_at for card in page.context["overview"].cards}
    assert shown == {written.pk: ends, oral.pk: oral.ends_at}
    assert "25 % of each exam&#x27;s time as extra time, in written exams" in " ".join(
        page.content.decode().split()
    ).replace("exam's", "exam&#x27;s")


def test_pages_of_staff_say_whose_exam_ends_later(cast: Cast, settings: Settings) -> None:
    settings.STAFF_NEEDS_SECOND_FACTOR = False
    begins = (timezone.now() + timedelta(days=9)).replace(hour=8, minute=0, second=0, microsecond=0)
    slot = ExamFactory.create(course=cast.course, kind="oral", starts_at=begins, duration_minutes=20, capacity=2)
    (other,) = make_students(cast.course, 1)
    for person in (cast.student, other):
        staff_register(enrolment=person, exam_pk=slot.pk, reason="By hand", now=timezone.now())
    Accommodation.objects.create(course=cast.course, enrolment=cast.student, extra_percent=25, extra_in_oral=True)
    client, address = cast.client("lecturer"), f"/amls/exams/{slot.pk}"
    ends = f"{(begins + timedelta(minutes=25)).astimezone(cast.course.zone):%H:%M}"
    said = {str(person.user): ends if person == cast.student else "" for person in (cast.student, other)}

    def ending(page: str, rows: str, name: str) -> dict[str, str]:
        tree = BeautifulSoup(client.get(page).content, "html.parser")
        texts = [(row.select_one(name), " ".join(row.get_text().split())) for row in tree.select(rows)]
        return {str(who.get_text()): ends if f"ends {ends}" in text else "" for who, text in texts if who is not None}

    assert ending(f"{address}/staff/", ".people-list > li", ".who b") == said
    own = slot.registrations.get(enrolment=cast.student)
    assert f"–{ends}" in client.get(f"{address}/staff/people/{own.pk}/").content.decode()
    Exam.objects.filter(pk=slot.pk).update(
        starts_at=F("starts_at") - timedelta(days=10), opens_at=None, closes_at=None, withdraw_until=None
    )
    assert ending(f"{address}/results/", "tbody tr", "label") == said


def test_staff_read_that_a_longer_slot_runs_into_the_next_one(cast: Cast, settings: Settings) -> None:
    settings.STAFF_NEEDS_SECOND_FACTOR = False
    first, second, third = plan(cast, days=[DAY])[:3]
    client = cast.client("admin")
    page = f"/amls/exams/{first.pk}/staff/"
    register(enrolment=cast.student, exam_pk=first.pk, now=NOW)
    assert overlaps_of(first) == []
    values = {
        "course": cast.course.pk,
        "enrolment": cast.student.pk,
        "extra_minutes": 0,
        "extra_percent": 50,
        "at_the_door": "",
        "extra_in_oral": "on",
    }
    answer = client.post(reverse("admin:exams_accommodation_add"), values, follow=True)
    said = overlaps_of(first)
    assert [("09:30" in text, "10:00" in text) for text in said] == [(True, False)] * 2 + [(False, False)]
    assert ("same place" in said[0], "same examiner" in said[1]) == (True, True)
    assert said[2].endswith("ends at 09:45 for who has extra time in it: leave a gap after it.")
    # The next one says it too, as does whatever would come there.
    assert overlaps_of(second)[-1] == said[2]
    assert overlaps_of(third) == []
    shown = preview_oral_exams(
        course=cast.course, series=series(begins=at("09:30"), ends=at("10:00"), place="E-N 123"), now=NOW
    )
    assert len(shown.slots[0].against) == 2
    for html in (answer.content.decode(), client.get(page).content.decode()):
        assert said[2] in " ".join(html.split())
    # Whoever has the time of all ends with all.
    withdraw(enrolment=cast.student, exam_pk=first.pk, now=NOW)
    register(enrolment=cast.other_student, exam_pk=first.pk, now=NOW)
    assert (overlaps_of(first), "extra time in it" in client.get(page).content.decode()) == ([], False)


def test_the_desk_takes_minutes_or_percent(cast: Cast) -> None:
    client, address = cast.client("admin"), reverse("admin:exams_accommodation_add")
    values = {
        "course": cast.course.pk,
        "enrolment": cast.student.pk,
        "extra_minutes": 0,
        "extra_percent": 25,
        "at_the_door": "",
    }
    both = client.post(address, values | {"extra_minutes": 10})
    assert (both.status_code, "in minutes or in percent, not in both" in both.content.decode()) == (200, True)
    assert client.post(address, values).status_code == 302
    granted = Accommodation.objects.get()
    assert (granted.extra_percent, granted.extra_in_oral) == (25, False)
    change = reverse("admin:exams_accommodation_change", args=[granted.pk])
    assert (
        client.post(
            change, {"extra_minutes": 10, "extra_percent": "", "extra_in_oral": "on", "at_the_door": ""}
        ).status_code
        == 302
    )
    granted.refresh_from_db()
    assert (granted.extra_minutes, granted.extra_percent, granted.extra_in_oral) == (10, 0, True)
