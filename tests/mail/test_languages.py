"""What a course says in words of ours everyone reads in their own language; what it wrote itself as it is."""

from datetime import UTC, datetime, timedelta

import pytest
from allauth.account.models import EmailAddress
from django.test import Client
from django.utils import translation

from amls.agenda.models import AgendaItem
from amls.agenda.services import reconcile, reconcile_people
from amls.courses.models import Course, Enrolment, RosterEntry, User
from amls.mail.changes import tell_changes
from amls.mail.models import ItemChange, Notice
from amls.mail.outbox import notify
from amls.mail.reminders import plan_reminders
from amls.mail.send import deliver_due
from amls.portal.inviting.people import LETTER
from exams.models import Exam, Registration
from projects.models import Assignment
from tests.cast import Cast
from tests.factories import LectureFactory
from tests.mail.conftest import Postbox

pytestmark = pytest.mark.django_db
NOW = datetime(2024, 5, 10, 8, 0, tzinfo=UTC)
EXAM = datetime(2024, 7, 18, 14, 0, tzinfo=UTC)


@pytest.fixture
def course(cast: Cast) -> Course:
    """A running course in English, known to its calendars."""
    course = cast.course
    Assignment.objects.update_or_create(
        course=course, defaults={"is_main": True, "registration_closes_at": NOW + timedelta(days=5), "due_at": None}
    )
    LectureFactory.create(course=course, number="05", title="Parallel Execution", starts_at=NOW + timedelta(days=4))
    Exam.objects.create(course=course, starts_at=EXAM, capacity=9, closes_at=EXAM - timedelta(days=9))
    Course.objects.update(state="draft")
    reconcile(course, now=NOW - timedelta(days=30))
    Course.objects.update(state="running")
    Enrolment.objects.update(created_at=NOW - timedelta(days=30))
    course.refresh_from_db()
    assert course.language == "en"
    return course


def row(course: Course, key: str) -> AgendaItem:
    return AgendaItem.objects.base().get(course=course, key__startswith=key)


def test_the_ledger_holds_our_words_in_every_language(course: Course) -> None:
    closes = row(course, "projects.registration-closes")
    assert (closes.title, closes.titles) == ("Project registration closes", {"de": "Projektanmeldung endet"})
    (signup,) = AgendaItem.objects.base().filter(course=course, key__endswith=":signup-closes")
    assert signup.title == "Exam of 18 Jul: sign-up closes"
    assert signup.titles == {"de": "Prüfung am 18. Juli: Anmeldung endet"}
    # A lecture's title is the lecturer's.
    assert row(course, "lectures.lecture").titles == {}
    with translation.override("de"):
        assert closes.name == "Projektanmeldung endet"
        assert row(course, "lectures.lecture").name == "05 Parallel Execution"


def test_a_german_course_says_it_the_other_way_round(course: Course) -> None:
    Course.objects.filter(pk=course.pk).update(language="de")
    with translation.override("en"):
        reconcile(course, now=NOW)
    closes = row(course, "projects.registration-closes")
    assert (closes.title, closes.titles) == ("Projektanmeldung endet", {"en": "Project registration closes"})


def test_a_person_has_the_own_exam_in_the_courses_language_too(course: Course, cast: Cast) -> None:
    exam = Exam.objects.get(course=course)
    Registration.objects.create(
        course=course, exam=exam, enrolment=cast.student, state="registered", created_at=NOW, changed_at=NOW
    )
    with translation.override("de"):
        reconcile_people([cast.student], now=NOW)
    own = AgendaItem.objects.get(enrolment=cast.student, key=f"exams.exam:{exam.pk}")
    assert own.title.endswith("(registered)")
    assert own.titles["de"].endswith("(angemeldet)")


def test_words_in_another_language_are_no_change(course: Course) -> None:
    AgendaItem.objects.update(titles={})
    before = Course.objects.get(pk=course.pk).revision
    changed_at = row(course, "projects.registration-closes").changed_at
    assert reconcile(course, now=NOW) == []
    closes = row(course, "projects.registration-closes")
    assert closes.titles == {"de": "Projektanmeldung endet"}
    assert closes.changed_at == changed_at
    assert Course.objects.get(pk=course.pk).revision == before
    assert not ItemChange.objects.exists()


def test_a_reminder_is_in_its_readers_language(course: Course, cast: Cast, postbox: Postbox) -> None:
    User.objects.filter(pk=cast.student.user_id).update(language="de")
    now = NOW + timedelta(days=4, hours=1)
    plan_reminders(now=now)
    deliver_due(now=now)
    by_person = dict(zip(postbox.recipients, postbox.mails, strict=True))
    assert "Projektanmeldung endet" in by_person["student@example.org"]["Subject"]
    assert "Project registration closes" in by_person["other@example.org"]["Subject"]
    assert "Project registration" not in by_person["student@example.org"].as_string()


def test_a_change_is_told_in_its_readers_language(course: Course, cast: Cast, postbox: Postbox) -> None:
    User.objects.filter(pk=cast.student.user_id).update(language="de")
    Assignment.objects.filter(course=course).update(registration_closes_at=NOW + timedelta(days=6))
    reconcile(course, now=NOW)
    tell_changes(now=NOW + timedelta(hours=1))
    deliver_due(now=NOW + timedelta(hours=1))
    by_person = dict(zip(postbox.recipients, postbox.mails, strict=True))
    assert by_person["student@example.org"]["Subject"].startswith("Verlegt: Projektanmeldung endet")
    assert by_person["other@example.org"]["Subject"].startswith("Moved: Project registration closes")
    assert Notice.objects.filter(state="sent").count() == len(by_person)


def test_pages_say_it_in_the_readers_language_and_feeds_in_the_courses(course: Course) -> None:
    client = Client(headers={"accept-language": "de"})
    for path in ("/amls/", "/amls/schedule/"):
        page = client.get(path).content.decode()
        assert "Project registration closes" not in page
        assert "sign-up closes" not in page
        assert "Written exam" not in page
    assert "Projektanmeldung endet" in client.get("/amls/").content.decode()
    assert "Project registration closes" in Client().get("/amls/").content.decode()
    feed = client.get("/amls/calendar.ics").content.decode()
    assert "Project registration closes" in feed
    assert "Projektanmeldung" not in feed


def test_an_address_that_is_known_is_written_to_in_the_language_of_its_account(
    cast: Cast, course: Course, postbox: Postbox
) -> None:
    User.objects.filter(pk=cast.stranger.pk).update(language="de")
    EmailAddress.objects.create(user=cast.stranger, email="second@example.org", verified=True)
    invited = [cast.stranger.email, "second@example.org", "nobody@example.org"]
    entries = [RosterEntry.objects.create(course=course, email=address) for address in invited]
    for entry in entries:
        notify(
            key=f"{LETTER}:{entry.pk}", kind=LETTER, now=NOW, address=entry.email, course=course,
            references={"entry": entry.pk},
        )  # fmt: skip
    deliver_due(now=NOW)
    subjects = {mail["To"]: mail["Subject"].partition(":")[0] for mail in postbox.mails}
    assert subjects == dict(
        zip(invited, ["Sie sind eingeladen", "Sie sind eingeladen", "You are invited"], strict=True)
    )
