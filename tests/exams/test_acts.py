"""What staff do to an exam from its page: an address and a form for each act."""

from datetime import timedelta

import pytest
from django.contrib.messages import get_messages
from django.utils import timezone

from exams.models import AdmissionDecision, Exam, HelperLink, Registration
from exams.services.registration import staff_register
from tests.cast import Cast
from tests.factories import OpenExamFactory

pytestmark = pytest.mark.django_db
NOW = timezone.now()


@pytest.fixture
def exam(cast: Cast) -> Exam:
    return OpenExamFactory.create(course=cast.course, capacity=5, starts_at=NOW + timedelta(days=9))


def said(cast: Cast, exam: Exam, name: str, **values: object) -> list[str]:
    """Press a button of the exam's page and return what it said, with the level."""
    client = cast.client("assistant")
    answer = client.post(f"/amls/exams/{exam.pk}/staff/{name}/", values)
    assert (answer.status_code, answer["Location"]) == (302, f"/amls/exams/{exam.pk}/staff/")
    return [f"{get_message.level_tag}: {get_message.message}" for get_message in get_messages(answer.wsgi_request)]


def test_a_person_is_registered_decided_on_and_withdrawn(cast: Cast, exam: Exam) -> None:
    person = cast.student.user
    assert said(cast, exam, "register", enrolment=cast.student.pk, reason="Came late") == [
        f"success: {person} is registered."
    ]
    held = Registration.objects.get()
    assert held.reason == "Came late"
    assert said(cast, exam, "admit", registration=held.pk, reason="Certificate of Łódź") == [
        f"success: The decision on {person} is kept, and they were told."
    ]
    decision = AdmissionDecision.objects.get()
    assert (decision.verdict, decision.reason, decision.by) == ("admitted", "Certificate of Łódź", cast.assistant.user)
    assert said(cast, exam, "withdraw", registration=held.pk, reason=" ")[0].startswith("error: ")
    assert said(cast, exam, "withdraw", registration=held.pk, reason="Asked for it") == [
        f"success: {person} is withdrawn and was told."
    ]
    held.refresh_from_db()
    assert held.state == "withdrawn"


@pytest.mark.parametrize("capacity", ["many", "-1", "1.5", "1000000", "9" * 5000])
def test_what_is_no_capacity_is_refused_in_words(cast: Cast, exam: Exam, capacity: str) -> None:
    assert said(cast, exam, "capacity", capacity=capacity) == [
        "error: Give the capacity as a number, or nothing for no limit."
    ]
    exam.refresh_from_db()
    assert exam.capacity == 5


def test_an_empty_capacity_is_no_limit(cast: Cast, exam: Exam) -> None:
    assert said(cast, exam, "capacity", capacity=" ") == ["success: The capacity is changed."]
    exam.refresh_from_db()
    assert exam.capacity is None


def test_who_is_not_on_the_list_is_not_found(cast: Cast, exam: Exam) -> None:
    other = OpenExamFactory.create(course=cast.other_course, starts_at=NOW + timedelta(days=9))
    held = Registration.objects.create(
        course=cast.course, exam=OpenExamFactory.create(course=cast.course, starts_at=NOW + timedelta(days=19)),
        enrolment=cast.student, created_at=NOW, changed_at=NOW,
    )  # fmt: skip
    link = HelperLink.objects.create(exam=other, name="Şahin", created_at=NOW)
    client = cast.client("assistant")
    for name, values in {
        "withdraw": {"registration": held.pk, "reason": "x"},
        "excuse": {"reason": "x"},
        "register": {"enrolment": cast.assistant.pk, "reason": "x"},
        "revoke": {"link": link.pk},
    }.items():
        assert client.post(f"/amls/exams/{exam.pk}/staff/{name}/", values).status_code == 404, name
    link.refresh_from_db()
    assert link.revoked_at is None


def test_every_button_of_the_page_leads_to_its_own_address(cast: Cast, exam: Exam) -> None:
    staff_register(enrolment=cast.student, exam_pk=exam.pk, reason="By hand", now=NOW)
    page = cast.client("assistant").get(f"/amls/exams/{exam.pk}/staff/").content.decode()
    for name in (
        "withdraw",
        "excuse",
        "admit",
        "register",
        "capacity",
        "admit-all",
        "helper",
        "absent",
        "close",
        "freeze",
    ):
        assert f'action="/amls/exams/{exam.pk}/staff/{name}/"' in page, name
