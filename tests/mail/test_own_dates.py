"""Who takes part in an exam hears of its new time and place, whatever they have switched off, and by one mail."""

from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import parseaddr

import pytest
from bs4 import BeautifulSoup
from django.urls import reverse
from django.utils import timezone

from amls.agenda.services import reconcile
from amls.courses.services import quietly
from amls.mail.categories import CHANGES
from amls.mail.changes import tell_changes
from amls.mail.models import MailSettings, Notice
from amls.mail.preferences import set_preference
from amls.mail.send import deliver_due
from exams.models import Exam
from exams.services.registration import register, withdraw
from tests.agreement import agree_to
from tests.cast import Cast
from tests.desk.test_writes import form_of
from tests.factories import OpenExamFactory
from tests.mail.conftest import Postbox

pytestmark = pytest.mark.django_db
NOW = datetime(2024, 6, 10, 8, 0, tzinfo=UTC)
HOLD = timedelta(minutes=5)
RESCHEDULED = "exams.rescheduled"


@pytest.fixture
def exam(cast: Cast) -> Exam:
    """An exam with one seat, which the student holds; the other student waits for it. Everybody knows of it."""
    made: Exam = OpenExamFactory.create(course=cast.course, capacity=1, place="Größe-Saal *Ł* 1")
    with quietly():
        reconcile(cast.course, now=NOW - timedelta(days=1))
    for person in (cast.student, cast.other_student):
        register(enrolment=person, exam_pk=made.pk, now=NOW - timedelta(hours=1))
    deliver_due(now=NOW - timedelta(hours=1))
    return made


def move(exam: Exam, now: datetime, *, hours: int = 0, **values: object) -> None:
    """Move it by so many hours from where it stands, and change what is given."""
    row = Exam.objects.get(pk=exam.pk)
    Exam.objects.filter(pk=exam.pk).update(starts_at=row.starts_at + timedelta(hours=hours), **values)
    reconcile(exam.course, now=now)


def to(mail: EmailMessage) -> str:
    """Return whom it goes to."""
    return parseaddr(mail["To"])[1]


def tell(now: datetime) -> int:
    tell_changes(now=now)
    return deliver_due(now=now)


def test_a_switch_for_changes_keeps_nobody_from_their_own_exam(cast: Cast, exam: Exam, postbox: Postbox) -> None:
    set_preference(user=cast.student.user, course=cast.course, topic=CHANGES, is_on=False)
    move(exam, NOW, hours=4, place="H 0104")
    assert tell(NOW + HOLD - timedelta(seconds=1)) == 0
    tell(NOW + HOLD)
    subjects = {(to(mail), mail["Subject"].strip()) for mail in postbox.mails}
    own = "Moved: your exam, Written exam, Thu 18 Jul 2024, 20:00 (Europe/Berlin)"
    assert {subject for whom, subject in subjects if "student@" in whom} == {own}
    # Who waits reads it once as well, not again among the dates of everybody.
    assert [subject for whom, subject in subjects if "other@" in whom] == [own]
    assert {whom for whom, subject in subjects if subject != own} == {"assistant@example.org", "lecturer@example.org"}
    texts = {to(mail): mail.get_body(("plain",)).get_content() for mail in postbox.mails}
    assert (
        "for which you hold a seat, is at another time or place now: Thu 18 Jul 2024, 20:00 (Europe/Berlin), H 0104."
        in " ".join(texts["student@example.org"].split())
    )
    assert "What earlier mails said of its time and place holds no longer." in texts["student@example.org"]
    assert "for a seat of which you wait" in texts["other@example.org"]


def test_a_new_exam_that_moves_before_it_was_told_is_told_to_its_people_as_moved(cast: Cast, postbox: Postbox) -> None:
    exam = OpenExamFactory.create(course=cast.course)
    reconcile(cast.course, now=NOW)
    register(enrolment=cast.student, exam_pk=exam.pk, now=NOW)
    deliver_due(now=NOW)
    move(exam, NOW + timedelta(minutes=1), hours=7)
    tell(NOW + timedelta(minutes=9))
    said = [mail["Subject"].strip() for mail in postbox.mails if to(mail) == "student@example.org"]
    assert [subject for subject in said if "Written exam, Thu" in subject and "registered" not in subject] == [
        "Moved: your exam, Written exam, Thu 18 Jul 2024, 23:00 (Europe/Berlin)"
    ]
    # The others never knew it elsewhere.
    assert "new" in next(mail["Subject"] for mail in postbox.mails if to(mail) == "other@example.org")


def test_what_is_put_back_in_time_is_told_to_nobody(cast: Cast, exam: Exam, postbox: Postbox) -> None:
    move(exam, NOW, hours=4)
    move(exam, NOW + timedelta(minutes=1), hours=2)
    assert Notice.objects.filter(kind=RESCHEDULED).count() == 2
    move(exam, NOW + timedelta(minutes=2), hours=-6)
    assert tell(NOW + timedelta(hours=1)) == 0
    assert not Notice.objects.filter(kind=RESCHEDULED).exists()


def test_soon_it_is_told_at_once_and_quietly_or_afterwards_never(cast: Cast, exam: Exam, postbox: Postbox) -> None:
    with quietly():
        move(exam, NOW, hours=1)
    assert tell(NOW + HOLD) == 0
    start = Exam.objects.get(pk=exam.pk).starts_at
    move(exam, start - timedelta(hours=2), place="H 0105")
    tell(start - timedelta(hours=2))
    own = [mail for mail in postbox.mails if "your exam" in mail["Subject"]]
    assert sorted(to(mail) for mail in own) == ["other@example.org", "student@example.org"]
    assert all("tell the staff of the course" in mail.get_body(("plain",)).get_content() for mail in own)
    before = len(postbox.mails)
    move(exam, start + timedelta(hours=3), place="H 0106")
    tell(start + timedelta(hours=4))
    assert len(postbox.mails) == before


def test_who_is_no_longer_in_it_is_not_told(cast: Cast, exam: Exam, postbox: Postbox) -> None:
    move(exam, NOW, hours=4)
    withdraw(enrolment=cast.student, exam_pk=exam.pk, now=NOW + timedelta(minutes=1))
    tell(NOW + HOLD)
    own = {
        to(mail): mail.get_body(("plain",)).get_content() for mail in postbox.mails if "your exam" in mail["Subject"]
    }
    # Who moved up meanwhile holds the seat by now.
    assert list(own) == ["other@example.org"]
    assert "for which you hold a seat" in own["other@example.org"]


@pytest.mark.usefixtures("one_factor")
@pytest.mark.parametrize("tells_changes", [True, False])
def test_the_preview_says_how_many_get_a_mail_of_their_own_also_where_the_course_tells_no_changes(
    cast: Cast, tells_changes: bool
) -> None:
    MailSettings.objects.create(course=cast.course, tells_changes=tells_changes)
    soon = timezone.now() + timedelta(days=30)
    exam = OpenExamFactory.create(
        course=cast.course,
        starts_at=soon,
        opens_at=soon - timedelta(days=40),
        closes_at=soon - timedelta(days=7),
        withdraw_until=soon - timedelta(days=3),
    )
    with quietly():
        reconcile(cast.course, now=timezone.now())
    register(enrolment=cast.student, exam_pk=exam.pk, now=timezone.now())
    client, address = cast.client("lecturer"), reverse("admin:exams_exam_change", args=[exam.pk])
    asked = client.post(address, {**form_of(client, address), "place": "Größe-Saal"})
    said = " ".join(BeautifulSoup(asked.content, "html.parser").get_text(" ").split())
    assert "One person who takes part gets a mail of their own instead, which can't be switched off" in said
    assert ("people get this mail" in said) == tells_changes
    assert ("The course tells nobody of changes" in said) != tells_changes
    # Staff send none of these either, if they say so.
    assert "Don't send a mail" in said
    before = Notice.objects.filter(kind=RESCHEDULED).count()
    assert agree_to(client, address, {**form_of(client, address), "place": "Größe-Saal"}).status_code == 302
    assert Notice.objects.filter(kind=RESCHEDULED).count() == before + 1
