"""Dates of a course on one day are told apart wherever one of them is named: by the time, and by the place where that is the same."""

from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils.timezone import now as the_time

from amls.core.violations import RuleViolation
from exams.models import Exam
from exams.naming import file_stem
from exams.services.registration import register
from tests.cast import Cast
from tests.factories import OpenExamFactory

pytestmark = pytest.mark.django_db
NOON = the_time().replace(hour=12, minute=0, second=0, microsecond=0) + timedelta(days=30)


@pytest.fixture
def slots(cast: Cast) -> list[Exam]:
    """Return three of one day, two of them at one time, and one of another day."""
    return [
        OpenExamFactory.create(
            course=cast.course, kind="oral", starts_at=start, place=place, capacity=1, duration_minutes=30,
            opens_at=NOON - timedelta(days=99), closes_at=None, withdraw_until=None,
        )
        for start, place in (
            (NOON, "E-N 123"), (NOON + timedelta(minutes=30), "E-N 123"), (NOON, "Größe 7"), (NOON + timedelta(days=7), "E-N 123"),
        )
    ]  # fmt: skip


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("part", ["student", "assistant"])
def test_no_two_links_or_buttons_are_called_alike(cast: Cast, slots: list[Exam], part: str, language: str) -> None:
    def names(client: Client) -> list[str]:
        page = BeautifulSoup(client.get("/amls/exams/", headers={"accept-language": language}).content, "html.parser")
        ways = [button for card in page.select("[id^=exam-]") for button in card.select("a.btn, button")]
        return [" ".join(way.text.split()) for way in ways]

    client = cast.client(part)
    seen = names(client)
    assert len(seen) >= len(slots)
    assert [name for name, count in Counter(seen).items() if count > 1] == []
    # The one that is alone on its day is named by that.
    assert sum("E-N 123" in name or "Größe 7" in name for name in seen) == 2
    if part == "student":
        register(enrolment=cast.student, exam_pk=slots[0].pk, now=the_time())
        register(enrolment=cast.other_student, exam_pk=slots[1].pk, now=the_time())
        seen = names(client)
        assert [name for name, count in Counter(seen).items() if count > 1] == []
        assert any("12:30" in name or "13:30" in name or "14:30" in name for name in seen)


def test_a_refusal_a_list_and_a_file_name_which_of_the_day(cast: Cast, slots: list[Exam]) -> None:
    zone = cast.course.zone
    names = [exam.date_name(zone) for exam in slots]
    clock = [exam.starts_at.astimezone(zone).strftime("%H:%M") for exam in slots]
    assert names[0].endswith(f", {clock[0]}, E-N 123")
    assert names[1].endswith(f", {clock[1]}")
    assert names[2].endswith(f", {clock[2]}, Größe 7")
    assert clock[3] not in names[3]
    register(enrolment=cast.student, exam_pk=slots[0].pk, now=the_time())
    with pytest.raises(RuleViolation) as caught:
        register(enrolment=cast.student, exam_pk=slots[2].pk, now=the_time())
    assert str(caught.value.message) == f"You are registered for {names[0]} already. Move to this date instead."
    desk = reverse("admin:exams_registration_changelist")
    listed = cast.client("lecturer").get(desk, {"of": cast.course.pk}, follow=True).content.decode()
    assert [name for name in names if f"Oral exam, {name}" not in listed] == []
    assert len({file_stem(exam) for exam in slots}) == len(slots)


def test_no_template_of_exams_names_a_date_by_its_day_alone() -> None:
    folder = Path(settings.BASE_DIR, "templates", "exams")
    named = [path.name for path in folder.glob("*.html") if "starts_at|day" in path.read_text(encoding="utf-8")]
    assert named == []
