"""Letters about exams say what people typed as they typed it: their text is Markdown."""

from datetime import UTC, datetime, timedelta

import pytest

from amls.core.markdown import plain_text, render_markdown
from amls.mail.letters import letter_kinds
from amls.mail.models import Notice
from amls.mail.outbox import notify
from exams.models import Exam, Registration, Result
from exams.services.admission import decide_admission
from exams.services.registration import register, staff_register, staff_withdraw
from exams.services.seatcount import set_capacity
from tests.cast import Cast
from tests.factories import OpenExamFactory

pytestmark = pytest.mark.django_db
JUNE = datetime(2024, 6, 20, 10, tzinfo=UTC)
TITLE = "Klausur *Teil* [1](https://example.org)"
WHY = "Siehe [hier](https://example.org), <b>Größe</b> *schnell* und 1_000_000"


@pytest.fixture
def exam(cast: Cast) -> Exam:
    return OpenExamFactory.create(course=cast.course, title=TITLE)


@pytest.mark.parametrize("kind", ["exams.registered", "exams.withdrawn", "exams.admission"])
def test_what_people_typed_stands_in_a_letter_as_they_typed_it(cast: Cast, exam: Exam, kind: str) -> None:
    registration = register(enrolment=cast.student, exam_pk=exam.pk, now=JUNE)
    if kind == "exams.withdrawn":
        staff_withdraw(registration_pk=registration.pk, reason=WHY, now=JUNE)
    elif kind == "exams.admission":
        decide_admission(enrolment=cast.student, verdict="refused", reason=WHY, by=cast.lecturer.user, now=JUNE)
    letter = letter_kinds[kind].writer(Notice.objects.get(kind=kind, recipient=cast.student.user), JUNE)
    assert letter is not None
    assert TITLE in plain_text(letter.text)
    assert kind == "exams.registered" or WHY in plain_text(letter.text)
    assert TITLE in letter.subject
    shown = render_markdown(letter.text)
    assert not any(tag in shown for tag in ("<a ", "<em>", "<b>"))


def test_the_letter_of_a_result_says_how_long_the_review_is(cast: Cast, exam: Exam) -> None:
    registration = register(enrolment=cast.student, exam_pk=exam.pk, now=JUNE)
    review = datetime(2024, 8, 5, 12, tzinfo=UTC)
    Exam.objects.filter(pk=exam.pk).update(review_at=review, review_minutes=90, review_place="EB 301")
    Registration.objects.filter(pk=registration.pk).update(state="attended", arrived_at=JUNE)
    Result.objects.create(registration=registration, points=50, grade="2.0", published_at=JUNE, state="published")
    kind = "exams.results"
    notify(key="result", kind=kind, now=JUNE, recipient=cast.student.user, references={"registration": registration.pk})
    letter = letter_kinds[kind].writer(Notice.objects.get(kind=kind), JUNE)
    assert letter is not None
    assert "at the review: Mon 5 Aug 2024, 14:00–15:30 (Europe/Berlin), EB 301." in plain_text(letter.text)


@pytest.mark.parametrize(
    ("capacity", "in_time", "late"),
    [
        (1, "You can withdraw or move to another date until", "or to move to another date is over: if you can't come"),
        (0, "you get it by yourself", "nobody moves up by themselves any more"),
    ],
)
def test_a_letter_offers_no_right_that_is_over(cast: Cast, exam: Exam, capacity: int, in_time: str, late: str) -> None:
    Exam.objects.filter(pk=exam.pk).update(capacity=capacity)
    staff_register(enrolment=cast.student, exam_pk=exam.pk, reason="Certificate", now=JUNE)

    def text(at: datetime) -> str:
        letter = letter_kinds["exams.registered"].writer(Notice.objects.get(kind="exams.registered"), at)
        assert letter is not None
        return plain_text(letter.text)

    assert exam.withdraw_until is not None
    # The whole minute counts.
    assert in_time in text(exam.withdraw_until + timedelta(seconds=59))
    after = text(exam.withdraw_until + timedelta(seconds=60))
    assert late in after
    assert "until" not in after


def test_who_moved_up_is_not_told_to_withdraw_once_that_is_over(cast: Cast, exam: Exam) -> None:
    Exam.objects.filter(pk=exam.pk).update(capacity=0)
    registration = register(enrolment=cast.student, exam_pk=exam.pk, now=JUNE)
    set_capacity(exam_pk=exam.pk, capacity=1, now=JUNE)
    notice = Notice.objects.get(kind="exams.promoted", references__registration=registration.pk)
    assert exam.withdraw_until is not None
    for at, has_right in ((exam.withdraw_until, True), (exam.withdraw_until + timedelta(minutes=1), False)):
        letter = letter_kinds["exams.promoted"].writer(notice, at)
        assert letter is not None
        assert ("withdraw until" in plain_text(letter.text), "is over: if you can't" in plain_text(letter.text)) == (has_right, not has_right)  # fmt: skip


def test_an_admission_promises_no_seat_once_nobody_moves_up(cast: Cast, exam: Exam) -> None:
    Exam.objects.filter(pk=exam.pk).update(capacity=0)
    register(enrolment=cast.student, exam_pk=exam.pk, now=JUNE)
    decide_admission(enrolment=cast.student, verdict="admitted", reason=WHY, by=cast.lecturer.user, now=JUNE)
    notice = Notice.objects.get(kind="exams.admission", recipient=cast.student.user)
    assert exam.withdraw_until is not None
    for at, moves_up in ((JUNE, True), (exam.withdraw_until + timedelta(minutes=1), False)):
        letter = letter_kinds["exams.admission"].writer(notice, at)
        assert letter is not None
        assert letter.subject.startswith("Admission granted, but no seat yet")
        assert ("you get it by yourself" in plain_text(letter.text)) == moves_up
