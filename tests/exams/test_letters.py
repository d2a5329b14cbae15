"""Letters about exams say what people typed as they typed it: their text is Markdown."""

from datetime import UTC, datetime

import pytest

from amls.core.markdown import plain_text, render_markdown
from amls.mail.letters import letter_kinds
from amls.mail.models import Notice
from amls.mail.outbox import notify
from exams.models import Exam, Registration, Result
from exams.services.admission import decide_admission
from exams.services.registration import register, staff_withdraw
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
