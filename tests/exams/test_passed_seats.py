"""Who passes after a review, and holds a seat of a later date, keeps it and reads that it isn't needed; staff see it."""

from datetime import timedelta

import pytest
from bs4 import BeautifulSoup
from django.test import Client
from django.utils.timezone import now as the_time

from amls.held.services import HOLD
from amls.mail.letters import Letter, letter_kinds
from amls.mail.models import Notice
from exams.models import Exam, Registration
from exams.services.registration import register
from exams.services.results import publish_results
from tests.cast import Cast
from tests.exams.test_passed_waits import NOW, correct, date, earlier  # noqa: F401 - a fixture

pytestmark = pytest.mark.django_db
SPARE = "You have passed another date: you no longer need this seat."


@pytest.fixture
def later(cast: Cast, earlier: Exam) -> Exam:  # noqa: F811 - the fixture
    """Return a date of which two who failed the earlier one hold a seat; one of them passes by its review."""
    correct(cast, earlier, 10, NOW)
    publish_results(exam_pk=earlier.pk, by=None, now=NOW)
    Notice.objects.update(state="sent", sent_at=NOW)
    exam = date(cast, 30, capacity=2)
    for who in (cast.student, cast.other_student):
        register(enrolment=who, exam_pk=exam.pk, now=NOW)
    return exam


def read(client: Client, address: str, selector: str) -> str:
    element = BeautifulSoup(client.get(address).content, "html.parser").select_one(selector)
    assert element is not None
    return " ".join(element.text.split())


def letter(after: timedelta) -> Letter:
    notice = Notice.objects.get(kind="exams.result-changed")
    written = letter_kinds["exams.result-changed"].writer(notice, NOW + after)
    assert written is not None
    return written


def test_page_letter_and_list_say_that_the_seat_is_not_needed_and_it_stays(
    cast: Cast, earlier: Exam, later: Exam  # noqa: F811
) -> None:  # fmt: skip
    card = f"#exam-{later.pk}"
    assert SPARE not in read(cast.client("student"), "/amls/exams/", card)
    correct(cast, earlier, 90, NOW)
    said = read(cast.client("student"), "/amls/exams/", card)
    assert (SPARE in said, "until you withdraw" in said, "Withdraw from" in said) == (True, True, True)
    other = Client()
    other.force_login(cast.other_student.user)
    assert SPARE not in read(other, "/amls/exams/", card)
    held = Registration.objects.get(exam=later, enrolment=cast.student)
    assert held.state == "registered"
    text = letter(HOLD).text
    assert ("You hold a seat for **Written exam**" in text, "withdraw until" in text) == (True, True)
    # Who failed still reads the same: the letter gives no result away.
    assert not any(word in text.lower() for word in ("pass", "fail", "grade"))
    people = BeautifulSoup(cast.client("assistant").get(f"/amls/exams/{later.pk}/staff/").content, "html.parser")
    rows = [" ".join(row.text.split()) for row in people.select("ul.people-list > li")]
    marked = [row for row in rows if "has passed another date, does not need the seat" in row]
    assert (len(rows), len(marked), str(cast.student.user) in marked[0]) == (2, 1, True)
    person = read(cast.client("assistant"), f"/amls/exams/{later.pk}/staff/people/{held.pk}/", "main")
    assert "They have passed another date and don't need this seat" in person


def test_once_nobody_withdraws_any_more_the_staff_are_to_be_told(cast: Cast, earlier: Exam, later: Exam) -> None:  # noqa: F811
    correct(cast, earlier, 90, NOW)
    Exam.objects.filter(pk=later.pk).update(withdraw_until=NOW - timedelta(hours=1))
    said = read(cast.client("student"), "/amls/exams/", f"#exam-{later.pk}")
    assert ("Tell the staff of the course that you don't come" in said, "Withdraw from" in said) == (True, False)
    assert "if you don't come, tell the staff" in letter(HOLD).text
    Exam.objects.filter(pk=later.pk).update(starts_at=the_time() - timedelta(hours=1))
    assert "You hold a seat" not in letter(HOLD + timedelta(hours=1)).text
