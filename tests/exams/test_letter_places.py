"""Every letter about somebody's seat says where the exam is, not only when; one without a place says nothing of it."""

import pytest
from django.utils.timezone import now as the_time

from amls.core.markdown import plain_text
from amls.mail.letters import Letter, letter_kinds
from amls.mail.models import Notice
from exams.models import Exam
from exams.services.admission import decide_admission
from exams.services.otherdate import move
from exams.services.registration import excuse, register, staff_withdraw, withdraw
from exams.services.seatcount import set_capacity
from tests.cast import Cast
from tests.exams.test_passed_waits import date

pytestmark = pytest.mark.django_db
PLACE = "E-N *123*, Größe & Łódź"


@pytest.fixture
def exam(cast: Cast) -> Exam:
    made = date(cast, 30, capacity=1)
    Exam.objects.filter(pk=made.pk).update(place=PLACE)
    return made


def letters(cast: Cast) -> dict[str, Letter]:
    written = {
        notice.kind: letter_kinds[notice.kind].writer(notice, the_time())
        for notice in Notice.objects.filter(recipient=cast.student.user).order_by("pk")
    }
    return {kind: letter for kind, letter in written.items() if letter is not None}


@pytest.mark.parametrize("way", ["registered", "withdrawn", "taken", "excused", "promoted", "moved", "admission"])
def test_a_letter_about_a_seat_names_the_place(cast: Cast, exam: Exam, way: str) -> None:
    now = the_time()
    if way == "promoted":
        register(enrolment=cast.other_student, exam_pk=exam.pk, now=now)
    if way == "moved":
        register(enrolment=cast.student, exam_pk=date(cast, 40).pk, now=now)
        held = move(enrolment=cast.student, exam_pk=exam.pk, now=now)
    else:
        held = register(enrolment=cast.student, exam_pk=exam.pk, now=now)
    if way == "withdrawn":
        withdraw(enrolment=cast.student, exam_pk=exam.pk, now=now)
    elif way == "taken":
        staff_withdraw(registration_pk=held.pk, reason="Asked for it", now=now)
    elif way == "excused":
        excuse(registration_pk=held.pk, reason="Certificate", now=now)
    elif way == "promoted":
        set_capacity(exam_pk=exam.pk, capacity=2, now=now)
    elif way == "admission":
        decide_admission(enrolment=cast.student, verdict="admitted", reason="Łukasz", by=cast.lecturer.user, now=now)
    kind = f"exams.{'withdrawn' if way == 'taken' else way}"
    assert f"(Europe/Berlin), {PLACE}" in plain_text(letters(cast)[kind].text)


def test_without_a_place_a_letter_says_when(cast: Cast, exam: Exam) -> None:
    Exam.objects.filter(pk=exam.pk).update(place="")
    register(enrolment=cast.student, exam_pk=exam.pk, now=the_time())
    text = plain_text(letters(cast)["exams.registered"].text)
    assert ("(Europe/Berlin). You can withdraw" in text, "Berlin), " in text) == (True, False)
