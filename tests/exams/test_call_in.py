"""Who examines is for all who see a date; how one calls in, for who holds a seat of this very date and for the staff."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.timezone import now as the_time

from amls.agenda.feeds import personal_feed_url
from amls.core.markdown import plain_text
from amls.courses.services import finish_course_change, quietly
from amls.mail.letters import Letter, letter_kinds
from amls.mail.models import ItemChange, Notice
from amls.portal.takeover.export import export_course
from amls.portal.takeover.toml import dump_toml
from exams.models import Exam, Registration
from exams.services.otherdate import move
from exams.services.registration import register, withdraw
from tests.cast import Cast
from tests.exams.conftest import Rings
from tests.exams.test_passed_waits import date
from tests.exports.test_documents import make
from tests.exports.test_papers import pages_of

pytestmark = pytest.mark.django_db
LINK, OTHER_LINK = "https://meet.example.org/boehm_1", "https://meet.example.org/other-room"
WHO = "Prof. Boehm, Dr. Größe"


@pytest.fixture
def exam(cast: Cast) -> Exam:
    made = date(cast, 30, capacity=1)
    Exam.objects.filter(pk=made.pk).update(kind="oral", call_in=LINK, examiners=WHO)
    finish_course_change(cast.course, now=the_time())
    return Exam.objects.get(pk=made.pk)


@pytest.fixture
def another(cast: Cast) -> Exam:
    made = date(cast, 31, capacity=1)
    Exam.objects.filter(pk=made.pk).update(kind="oral", call_in=OTHER_LINK)
    return made


def browser_of(cast: Cast, part: str) -> Client:
    """Return the browser of one of the cast, or of the other student."""
    if part != "other":
        return cast.client(part)
    client = Client()
    client.force_login(cast.other_student.user, backend="amls.courses.accounts.AccountBackend")
    return client


def seen_by(cast: Cast, part: str, slug: str) -> str:
    """Return all that somebody can read of a course's exams: pages, feeds, what is searched."""
    client = browser_of(cast, part)
    feed = f"/{slug}/calendar.ics"
    pages = [client.get(f"/{slug}/{place}") for place in ("", "exams/", "schedule/", "me/", "search/?q=exam")]
    pages.append(client.get(feed))
    who = {"student": cast.student, "other": cast.other_student, "assistant": cast.assistant}.get(part)
    if who is not None:
        pages.append(cast.client("anonymous").get("/" + personal_feed_url(who).split("/", 3)[3]))
    return "\n".join(page.content.decode().replace("\r\n ", "") for page in pages if page.status_code == 200)


def change(exam: Exam, *, minutes: int = 0, is_quiet: bool = False, **values: str) -> None:
    Exam.objects.filter(pk=exam.pk).update(**values)
    with quietly(is_wanted=is_quiet):
        finish_course_change(exam.course, now=the_time() + timedelta(minutes=minutes))


def letters(cast: Cast, kind: str) -> dict[str, Letter]:
    written = {
        notice.recipient.email: letter_kinds[kind].writer(notice, the_time())
        for notice in Notice.objects.filter(kind=kind).order_by("pk")
        if notice.recipient is not None
    }
    return {who: letter for who, letter in written.items() if letter is not None}


def test_only_who_holds_a_seat_of_this_date_and_the_staff_read_how_one_calls_in(
    cast: Cast, exam: Exam, another: Exam, rings: Rings
) -> None:
    slug, now = cast.course.slug, the_time()
    with rings():
        register(enrolment=cast.student, exam_pk=exam.pk, now=now)
        waits = register(enrolment=cast.other_student, exam_pk=exam.pk, now=now)
    assert waits.state == Registration.State.WAITLISTED
    finish_course_change(cast.course, now=now)
    for part in ("anonymous", "stranger", "other"):
        assert LINK not in seen_by(cast, part, slug), part
        assert OTHER_LINK not in seen_by(cast, part, slug), part
    held = seen_by(cast, "student", slug)
    assert held.count(f'href="{LINK}"') >= 1
    assert "CONFERENCE;FEATURE=VIDEO" in held
    assert f":{LINK}" in held
    assert OTHER_LINK not in held
    lecturer = cast.client("lecturer")
    for address in (reverse("exams:exams", args=[slug]), reverse("exams:staff", args=[slug, exam.pk])):
        assert LINK in lecturer.get(address).content.decode()
    # Who withdrew reads it no longer, and who moved up does.
    with rings():
        withdraw(enrolment=cast.student, exam_pk=exam.pk, now=now)
    assert LINK not in seen_by(cast, "student", slug)
    assert LINK in seen_by(cast, "other", slug)


def test_all_who_see_a_date_read_who_examines(cast: Cast, exam: Exam, rings: Rings) -> None:
    slug = cast.course.slug
    for part in ("anonymous", "stranger", "other"):
        assert WHO in browser_of(cast, part).get(f"/{slug}/exams/").content.decode()
    with rings():
        register(enrolment=cast.student, exam_pk=exam.pk, now=the_time())
    feed = cast.client("anonymous").get("/" + personal_feed_url(cast.student).split("/", 3)[3]).content.decode()
    assert r"With: Prof. Boehm\, Dr. Größe" in feed.replace("\r\n ", "")


def test_mails_about_a_seat_say_both_and_those_about_a_wait_who_examines(cast: Cast, exam: Exam, another: Exam) -> None:
    now = the_time()
    register(enrolment=cast.student, exam_pk=another.pk, now=now)
    move(enrolment=cast.student, exam_pk=exam.pk, now=now)
    register(enrolment=cast.other_student, exam_pk=exam.pk, now=now)
    moved = plain_text(letters(cast, "exams.moved")[cast.student.user.email].text)
    assert f"Examiners: {WHO}" in moved
    assert f"Call in ({LINK}): this link is for you alone." in moved
    waits = plain_text(letters(cast, "exams.registered")[cast.other_student.user.email].text)
    assert f"Examiners: {WHO}" in waits
    assert LINK not in waits
    withdraw(enrolment=cast.student, exam_pk=exam.pk, now=now)
    promoted = letters(cast, "exams.promoted")[cast.other_student.user.email]
    assert LINK in promoted.text
    assert LINK not in "".join(letter.text for letter in letters(cast, "exams.withdrawn").values())


def test_another_link_is_told_to_who_holds_the_seat_and_to_nobody_else(cast: Cast, exam: Exam, rings: Rings) -> None:
    with rings():
        register(enrolment=cast.student, exam_pk=exam.pk, now=the_time())
        register(enrolment=cast.other_student, exam_pk=exam.pk, now=the_time())
    change(exam, call_in=OTHER_LINK)
    told = letters(cast, "exams.rescheduled")
    assert list(told) == [cast.student.user.email]
    assert told[cast.student.user.email].subject.startswith("Changed: your exam, Oral exam, ")
    assert OTHER_LINK in told[cast.student.user.email].text
    assert not ItemChange.objects.filter(before__isnull=False).exists()
    # Put back in time, nobody is told of it.
    change(exam, minutes=1, call_in=LINK)
    assert not Notice.objects.filter(kind="exams.rescheduled").exists()
    change(exam, minutes=2, is_quiet=True, call_in=OTHER_LINK)
    assert not Notice.objects.filter(kind="exams.rescheduled").exists()


def test_other_examiners_are_told_once_to_each_who_takes_part(cast: Cast, exam: Exam, rings: Rings) -> None:
    with rings():
        register(enrolment=cast.student, exam_pk=exam.pk, now=the_time())
        register(enrolment=cast.other_student, exam_pk=exam.pk, now=the_time())
    change(exam, examiners="Dr. Łukasz Żółć", call_in=OTHER_LINK)
    told = letters(cast, "exams.rescheduled")
    assert set(told) == {cast.student.user.email, cast.other_student.user.email}
    assert Notice.objects.filter(kind="exams.rescheduled").count() == 2
    own, waits = told[cast.student.user.email].text, told[cast.other_student.user.email].text
    assert "stays where it is" in own
    assert ["Łukasz Żółć" in text for text in (own, waits)] == [True, True]
    assert [OTHER_LINK in text for text in (own, waits)] == [True, False]
    change(exam, minutes=1, place="MAR 0.001")
    told = letters(cast, "exams.rescheduled")
    assert "is at another time or place now" in told[cast.student.user.email].text
    assert "Łukasz Żółć" in told[cast.student.user.email].text


def test_the_slip_says_both_and_is_made_anew_when_they_change(cast: Cast, exam: Exam, tmp_path: Path) -> None:
    held = register(enrolment=cast.student, exam_pk=exam.pk, now=the_time())

    def slip() -> str:
        export = make(cast.course, "exams.slip", user=cast.student.user, registration=held.pk)
        return " ".join(" ".join(pages_of(export, tmp_path, title="Your oral exam")).split())

    first = slip()
    assert (WHO in first, LINK in first) == (True, True)
    change(exam, call_in=OTHER_LINK)
    anew = slip()
    assert (LINK in anew, OTHER_LINK in anew) == (False, True)
    lists = make(cast.course, "exams.door", user=cast.lecturer.user, exam=exam.pk)
    text = " ".join(pages_of(lists, tmp_path, title="List for the door"))
    assert WHO in " ".join(text.split())
    assert OTHER_LINK not in text


def test_a_course_file_has_the_examiners_and_no_link(cast: Cast, exam: Exam) -> None:
    said = dump_toml(export_course(cast.course))
    assert f'examiners = "{WHO}"' in said
    assert LINK not in said
