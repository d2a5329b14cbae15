"""What is said to be somebody's own is: their exam, their dates, their feed; letters speak of where they stand."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from bs4 import BeautifulSoup
from django.test import Client
from django.utils.timezone import now as the_time
from django.utils.translation import override

from amls.agenda.feeds import own_entries, personal_feed_url, present_items
from amls.agenda.models import AgendaItem
from amls.agenda.services import reconcile
from amls.core.violations import RuleViolation
from amls.courses.access import Access
from amls.courses.models import Enrolment
from amls.mail.letters import letter_kinds
from amls.mail.models import Notice
from exams.grading import usual_table
from exams.models import Exam, ExamRules, Registration, Room, Seat
from exams.queries import exams_for
from exams.services.admission import decide_admission
from exams.services.calendars import follow_now
from exams.services.closing import close_exam
from exams.services.door import make_mark
from exams.services.gradetable import set_grade_table
from exams.services.otherdate import move
from exams.services.points import enter_points
from exams.services.registration import register, staff_register, withdraw
from exams.services.results import publish_results
from exams.services.two_dates import hold_beside, wait_beside
from exams.steps import seat_step
from tests.cast import Cast
from tests.exams.conftest import Rings
from tests.factories import OpenExamFactory

pytestmark = pytest.mark.django_db
JUNE = datetime(2024, 6, 20, 10, tzinfo=UTC)
JULY = datetime(2024, 7, 18, 14, tzinfo=UTC)
AUGUST = datetime(2024, 8, 10, 12, tzinfo=UTC)


@pytest.fixture
def july(cast: Cast) -> Exam:
    return OpenExamFactory.create(course=cast.course, capacity=1, starts_at=JULY)


@pytest.fixture
def august(cast: Cast, july: Exam) -> Exam:
    exam: Exam = OpenExamFactory.create(
        course=cast.course, capacity=5, starts_at=AUGUST, closes_at=AUGUST - timedelta(days=5),
        withdraw_until=AUGUST - timedelta(days=3), review_at=AUGUST + timedelta(days=20),
    )  # fmt: skip
    reconcile(cast.course, now=JUNE)
    return exam


def keys(enrolment: Enrolment, exam: Exam, now: datetime) -> set[str]:
    """Return which of an exam's dates are a person's own: '' is the exam itself."""
    key = f"exams.exam:{exam.pk}"
    own_keys = [entry.row.key for entry in own_entries(enrolment, now=now) if not entry.base.is_removed]
    return {
        own_key.removeprefix(key).removeprefix(":")
        for own_key in own_keys
        if own_key == key or own_key.startswith(f"{key}:")
    }


def letter_of(kind: str, recipient: Enrolment, now: datetime = JUNE) -> tuple[str, str]:
    notice = Notice.objects.filter(kind=kind, recipient=recipient.user).latest("pk")
    letter = letter_kinds[kind].writer(notice, now)
    assert letter is not None
    return letter.subject, letter.text


def test_ones_own_dates_hold_the_exam_that_one_is_in_and_no_other(cast: Cast, july: Exam, august: Exam) -> None:
    whole = {"", "signup-opens", "signup-closes"}
    assert keys(cast.student, july, JUNE) == keys(cast.student, august, JUNE) == whole
    register(enrolment=cast.student, exam_pk=july.pk, now=JUNE)
    assert keys(cast.student, july, JUNE) == {"", "signup-closes", "withdraw-until"}
    assert keys(cast.student, august, JUNE) == set()
    # Who has none yet can still choose; staff see all, and the course's schedule does.
    assert keys(cast.other_student, july, JUNE) == whole
    assert keys(cast.lecturer, august, JUNE) == {*whole, "withdraw-until", "review"}
    shown = [item.key for item in present_items(cast.course, cast.student, now=JUNE)]
    assert f"exams.exam:{august.pk}" in shown


def test_a_sign_up_that_is_over_concerns_nobody_who_missed_it(cast: Cast, july: Exam, august: Exam) -> None:
    assert keys(cast.student, july, JULY - timedelta(hours=3)) == set()
    assert keys(cast.student, august, JULY - timedelta(hours=3)) == {"", "signup-opens", "signup-closes"}


def test_a_feed_follows_where_one_signs_up(cast: Cast, july: Exam, august: Exam, rings: Rings) -> None:
    client, address = cast.client("anonymous"), personal_feed_url(cast.student).partition("//")[2].partition("/")[2]
    later = the_time() + timedelta(days=30)
    for exam in (july, august):
        for name in ("starts_at", "closes_at", "withdraw_until"):
            setattr(exam, name, later + timedelta(days=exam.pk))
        exam.review_at = None
        exam.save()
    reconcile(cast.course, now=the_time())

    def exams() -> int:
        body = client.get(f"/{address}").content.decode()
        return body.replace("\r\n ", "").count("SUMMARY:Written exam")

    assert exams() == 2
    with rings():
        register(enrolment=cast.student, exam_pk=july.pk, now=the_time())
    assert exams() == 1
    with rings():
        withdraw(enrolment=cast.student, exam_pk=july.pk, now=the_time())
    assert exams() == 2


def test_after_a_failed_exam_the_next_concerns_and_after_a_passed_one_none(
    cast: Cast, july: Exam, august: Exam
) -> None:
    people = {cast.student: 90, cast.other_student: 10}
    july.capacity = 2
    july.save()
    for enrolment, points in people.items():
        held = register(enrolment=enrolment, exam_pk=july.pk, now=JUNE)
        make_mark(registration_pk=held.pk, exam_pk=july.pk, action="present", key=uuid4(), made_at=JULY, now=JULY)
        enter_points(exam_pk=july.pk, points={held.pk: Decimal(points)}, by=cast.lecturer.user, reason="", now=JULY)
    set_grade_table(exam_pk=july.pk, steps=usual_table(july.max_points).steps, now=JULY)
    evening = JULY + timedelta(hours=4)
    publish_results(exam_pk=july.pk, by=cast.lecturer.user, now=evening)
    close_exam(exam_pk=july.pk, now=evening)
    assert keys(cast.student, august, evening) == set()
    assert keys(cast.other_student, august, evening) == {"", "signup-opens", "signup-closes"}
    # Nor does whoever has passed read of their admission below their grade.
    shows = {who: exams_for(Access(cast.course, who, False, evening)).shows_admission for who in people}
    assert list(shows.values()) == [False, True]


@pytest.fixture
def sat(cast: Cast) -> tuple[Exam, Exam]:
    """Return an exam of some days ago that `student` passed and `other_student` failed, closed, and the next date."""
    now = the_time()
    earlier, later = (
        OpenExamFactory.create(
            course=cast.course, starts_at=now + timedelta(days=9), opens_at=now - timedelta(days=9),
            closes_at=None, withdraw_until=None,
        )
        for _date in range(2)
    )  # fmt: skip
    people = {cast.student: 90, cast.other_student: 10}
    held = {who: register(enrolment=who, exam_pk=earlier.pk, now=now).pk for who in people}
    Exam.objects.filter(pk=earlier.pk).update(starts_at=now - timedelta(days=3))
    for who, points in people.items():
        make_mark(registration_pk=held[who], exam_pk=earlier.pk, action="present", key=uuid4(), now=now)
        enter_points(exam_pk=earlier.pk, points={held[who]: Decimal(points)}, by=None, now=now)
    set_grade_table(exam_pk=earlier.pk, steps=usual_table(earlier.max_points).steps, now=now)
    publish_results(exam_pk=earlier.pk, by=None, now=now)
    close_exam(exam_pk=earlier.pk, now=now)
    reconcile(cast.course, now=now)
    return earlier, later


def test_who_passed_is_offered_no_other_date_and_gets_none(cast: Cast, sat: tuple[Exam, Exam]) -> None:
    earlier, later = sat
    now = the_time()
    overview = exams_for(Access(cast.course, cast.student, False, now))
    foremost = overview.foremost_at(now)
    assert foremost is not None
    assert (foremost.exam, seat_step(overview, now), keys(cast.student, later, now)) == (earlier, None, set())
    assert [(card.ways, card.look.hindrance) for card in overview.cards] == [((), ""), ((), "passed")]
    client, says = cast.client("student"), "nobody sits an exam again that they have passed"
    for address in ("/amls/", "/amls/me/"):
        page = client.get(address).content.decode()
        assert ("Register for an exam" in page, "choose a date" in page) == (False, False)
    assert "Your result is published." in page
    for address in ("/amls/exams/", f"/amls/exams/{later.pk}/register/"):
        assert says in client.get(address).content.decode()
    assert says in client.post(f"/amls/exams/{later.pk}/register/").content.decode()
    # Who signed up before the result was out keeps what they have.
    staff_register(enrolment=cast.student, exam_pk=later.pk, reason="By hand", now=now)
    for act in (register, move, wait_beside, hold_beside):
        with pytest.raises(RuleViolation) as caught:
            act(enrolment=cast.student, exam_pk=earlier.pk, now=now)
        assert caught.value.code == "passed"
    cards = exams_for(Access(cast.course, cast.student, False, now)).cards
    assert [card.ways for card in cards] == [(), ("slip", "withdraw")]
    assert f'#exam-{earlier.pk}">Your result of ' in client.get("/amls/me/").content.decode()


def test_who_failed_reads_of_the_result_beside_the_next_date(cast: Cast, sat: tuple[Exam, Exam]) -> None:
    earlier, later = sat
    now = the_time()
    overview = exams_for(Access(cast.course, cast.other_student, False, now))
    step = seat_step(overview, now)
    assert step is not None
    assert (step.text, overview.cards[1].ways) == (
        "You are not registered for any exam: choose a date.",
        ("register",),
    )
    client = Client()
    client.force_login(cast.other_student.user, backend="amls.courses.accounts.AccountBackend")
    for address in ("/amls/", "/amls/me/"):
        page = client.get(address).content.decode()
        assert f'#exam-{earlier.pk}">Your result of ' in page
        assert "Register for an exam" in page
    assert register(enrolment=cast.other_student, exam_pk=later.pk, now=now).state == "registered"


def test_staff_who_register_somebody_that_passed_read_so(cast: Cast, sat: tuple[Exam, Exam]) -> None:
    _earlier, later = sat
    staff, says = cast.client("assistant"), "They have passed the exam of "
    address = f"/amls/exams/{later.pk}/"
    for who, has_passed in ((cast.student, True), (cast.other_student, False)):
        answer = staff.post(
            f"{address}staff/register/", {"enrolment": who.pk, "reason": "By hand"}, follow=True
        ).content.decode()
        assert (f"{who.user} is registered." in answer, says in answer) == (True, has_passed)
    Registration.objects.filter(exam=later).delete()
    Exam.objects.filter(pk=later.pk).update(starts_at=the_time() - timedelta(minutes=5), seats_taken=0)
    for who, has_passed in ((cast.student, True), (cast.other_student, False)):
        answer = staff.post(f"{address}check-in/walk-in/", {"enrolment": who.pk}, follow=True).content.decode()
        assert (f"{who.user} is registered and present." in answer, says in answer) == (True, has_passed)


def test_once_an_exam_is_over_nobody_waits_for_it_or_has_a_seat_there(cast: Cast) -> None:
    now = the_time()
    exam = OpenExamFactory.create(
        course=cast.course, capacity=1, starts_at=now + timedelta(days=9), opens_at=now - timedelta(days=9),
        closes_at=None, withdraw_until=None,
    )  # fmt: skip
    held = register(enrolment=cast.other_student, exam_pk=exam.pk, now=now)
    register(enrolment=cast.student, exam_pk=exam.pk, now=now)
    others = Client()
    others.force_login(cast.other_student.user, backend="amls.courses.accounts.AccountBackend")
    address = "/amls/exams/"

    def said(client: Client) -> tuple[str, bool]:
        page = BeautifulSoup(client.get(address).content, "html.parser").select_one(f"#exam-{exam.pk}")
        assert page is not None
        chip = page.select_one(".chip")
        assert chip is not None
        return " ".join(chip.text.split()), "on the waiting list" in page.text

    assert (said(cast.client("student")), said(others)) == (("Waiting list", True), ("✓ Seat held", False))
    Exam.objects.update(starts_at=now - timedelta(days=1), closes_at=None)
    assert (said(cast.client("student")), said(others)) == (("Got no seat", False), ("Registered", False))
    page = cast.client("student").get("/amls/me/").content.decode()
    assert ("Got no seat" in page, "Number 1" in page) == (True, False)
    close_exam(exam_pk=exam.pk, now=now)
    assert (said(cast.client("student")), said(others)) == (("Got no seat", False), ("Registered", False))
    staff = cast.client("assistant").get(f"/amls/exams/{exam.pk}/staff/people/{held.pk}/").content.decode()
    assert "Seat held" not in staff


def test_an_exam_is_called_mine_only_by_who_is_in_it(cast: Cast) -> None:
    now = the_time()
    exam = OpenExamFactory.create(
        course=cast.course, starts_at=now + timedelta(days=9), opens_at=now - timedelta(days=9),
        closes_at=now + timedelta(days=2), withdraw_until=now + timedelta(days=3),
    )  # fmt: skip
    reconcile(cast.course, now=now)
    client = cast.client("student")
    for address in ("/amls/", "/amls/me/"):
        page = client.get(address).content.decode()
        assert ("Next exam" in page, "My exam" in page) == (True, False)
    held = staff_register(enrolment=cast.student, exam_pk=exam.pk, reason="By hand", now=now)
    assert "Slip, move or withdraw" in (page := client.get("/amls/me/").content.decode())
    assert ("Next exam" in page, "My exam" in page) == (False, True)
    # Who was there has nothing to move any more.
    Exam.objects.filter(pk=exam.pk).update(
        starts_at=now - timedelta(minutes=5), closes_at=now - timedelta(days=1), withdraw_until=now - timedelta(days=1)
    )
    make_mark(registration_pk=held.pk, exam_pk=exam.pk, action="present", key=uuid4(), made_at=now, now=now)
    page = client.get("/amls/me/").content.decode()
    assert ("My exam" in page, "move or withdraw" in page) == (True, False)


def test_a_seat_is_said_in_the_language_of_whoever_reads_it(cast: Cast, july: Exam, rings: Rings) -> None:
    Exam.objects.update(starts_at=the_time() + timedelta(days=9))
    reconcile(cast.course, now=the_time())
    with rings():
        mine = register(enrolment=cast.student, exam_pk=july.pk, now=JUNE)
    Seat.objects.create(room=Room.objects.create(exam=july, name="H 0104"), row=1, number=3, registration=mine)
    Exam.objects.update(seats_released_at=JUNE)
    follow_now([cast.student.pk], now=JUNE)
    row = AgendaItem.objects.get(enrolment=cast.student, key=f"exams.exam:{july.pk}")
    assert row.place == row.place_name == "H 0104, row 1, seat 3"
    assert row.sequence == 2
    # Words in another language are no news, as where an earlier release wrote none.
    AgendaItem.objects.filter(pk=row.pk).update(places={})
    follow_now([cast.student.pk], now=JUNE)
    row.refresh_from_db()
    assert row.sequence == 2
    with override("de"):
        assert row.place_name == "H 0104, Reihe 1, Platz 3"
    client = cast.client("student")
    client.cookies["django_language"] = "de"
    page = BeautifulSoup(client.get("/amls/").content, "html.parser")
    assert [place.text for place in page.select(".dates .soft.whole")] == ["H 0104, Reihe 1, Platz 3"]


def test_the_last_step_to_an_exam_is_a_seat(cast: Cast, july: Exam, august: Exam) -> None:
    def step(enrolment: Enrolment, now: datetime = JUNE) -> tuple[str, str] | None:
        step_now = seat_step(exams_for(Access(cast.course, enrolment, False, now)), now)
        return (step_now.verdict, step_now.text) if step_now is not None else None

    assert step(cast.student) == ("unmet", "You are not registered for any exam: choose a date.")
    register(enrolment=cast.other_student, exam_pk=july.pk, now=JUNE)
    register(enrolment=cast.student, exam_pk=july.pk, now=JUNE)
    assert step(cast.other_student) == ("met", "You are registered for the exam on Thu 18 Jul.")
    assert step(cast.student) == ("pending", "You wait for a seat on Thu 18 Jul, as number 1.")
    withdraw(enrolment=cast.student, exam_pk=july.pk, now=JUNE)
    Exam.objects.update(opens_at=JUNE + timedelta(days=1))
    assert step(cast.student) == ("pending", "Sign-up for the exam opens Fri 21 Jun, 12:00.")
    assert step(cast.student, AUGUST + timedelta(days=1)) is None


def test_who_was_at_one_date_is_not_offered_to_move(cast: Cast, july: Exam, august: Exam) -> None:
    held = register(enrolment=cast.student, exam_pk=july.pk, now=JUNE)
    make_mark(registration_pk=held.pk, exam_pk=july.pk, action="present", key=uuid4(), made_at=JULY, now=JULY)
    for act in (register, move):
        with pytest.raises(RuleViolation) as caught:
            act(enrolment=cast.student, exam_pk=august.pk, now=JULY + timedelta(hours=3))
        assert caught.value.code == "has-been"
        assert "Thu 18 Jul 2024" in str(caught.value.message)


def test_the_letter_of_admission_names_the_date_and_says_who_has_no_seat(cast: Cast, july: Exam, august: Exam) -> None:
    register(enrolment=cast.student, exam_pk=july.pk, now=JUNE)
    register(enrolment=cast.other_student, exam_pk=july.pk, now=JUNE)
    third = cast.foreign_lecturer
    third.course, third.role = cast.course, "student"
    third.save()
    for enrolment in (cast.student, cast.other_student, third):
        decide_admission(enrolment=enrolment, verdict="admitted", reason="Passed", by=cast.lecturer.user, now=JUNE)
    subject, text = letter_of("exams.admission", cast.student)
    assert subject == "You are admitted to Written exam"
    assert r"**Written exam**, Thu 18 Jul 2024, 16:00 \(Europe/Berlin\)" in text
    subject, text = letter_of("exams.admission", cast.other_student)
    assert subject == "Admission granted, but no seat yet: Written exam"
    assert "waiting list" in text
    subject, text = letter_of("exams.admission", third)
    assert subject == "Admission granted: register for an exam date"
    assert "The next date is **Written exam**, Thu 18 Jul 2024" in text


def test_who_only_waits_leaves_the_waiting_list_by_moving(cast: Cast, july: Exam, august: Exam) -> None:
    register(enrolment=cast.student, exam_pk=july.pk, now=JUNE)
    register(enrolment=cast.other_student, exam_pk=july.pk, now=JUNE)
    move(enrolment=cast.other_student, exam_pk=august.pk, now=JUNE)
    text = letter_of("exams.moved", cast.other_student)[1]
    assert "Your seat on the earlier" not in text
    assert "You no longer wait for a seat on the other date." in text


def test_on_the_page_ones_own_exam_stands_first_and_says_what_came_of_it(cast: Cast) -> None:
    soon = the_time() + timedelta(days=20)
    earlier, later = (
        OpenExamFactory.create(
            course=cast.course, capacity=5, starts_at=soon + timedelta(days=days), opens_at=the_time() - timedelta(days=1),
            closes_at=soon - timedelta(days=1), withdraw_until=None,
        )
        for days in (0, 10)
    )  # fmt: skip
    client = cast.client("student")
    assert [card.exam for card in client.get("/amls/exams/").context["overview"].mine_first] == [earlier, later]
    answer = client.post(f"/amls/exams/{later.pk}/register/", follow=True)
    assert [card.exam for card in answer.context["overview"].mine_first] == [later, earlier]
    page = answer.content.decode()
    # What came of it stands in the exam's own card, and once.
    assert (
        page.index(f'id="exam-{later.pk}"') < page.index("You are registered.") < page.index(f'id="exam-{earlier.pk}"')
    )
    assert page.count("You are registered.") == 1


def test_whoever_cannot_move_to_a_date_reads_why_and_is_not_asked_to(cast: Cast) -> None:
    now = the_time()
    held, full, free = (
        OpenExamFactory.create(
            course=cast.course, capacity=1, starts_at=now + timedelta(days=days), opens_at=now - timedelta(days=1),
            closes_at=now + timedelta(days=10), withdraw_until=None,
        )
        for days in (20, 30, 40)
    )  # fmt: skip
    ExamRules.objects.create(course=cast.course, keeps_seat_while_waiting=False)
    register(enrolment=cast.student, exam_pk=held.pk, now=now)
    register(enrolment=cast.other_student, exam_pk=full.pk, now=now)
    client, said = cast.client("student"), {}
    for exam in (full, free):
        page = BeautifulSoup(client.get(f"/amls/exams/{exam.pk}/register/").content, "html.parser")
        said[exam] = (
            page.select("main .note")[0].get_text(strip=True), [way.get_text() for way in page.select("main a.btn.go")]
        )  # fmt: skip
    assert said == {
        full: ("Full: you can't move here, and keep what you have.", ["All exam dates"]),
        free: ("You are registered for another date already. Move to this one instead.", ["Move to this date"]),
    }


def test_who_signs_up_after_the_last_moment_to_withdraw_is_promised_nothing(cast: Cast) -> None:
    now = the_time()
    exam = OpenExamFactory.create(
        course=cast.course, capacity=1, starts_at=now + timedelta(days=20), opens_at=now - timedelta(days=3),
        closes_at=now + timedelta(days=10), withdraw_until=now - timedelta(days=1),
    )  # fmt: skip
    client, address = cast.client("student"), f"/amls/exams/{exam.pk}/register/"
    asked = client.get(address).content.decode()
    assert "The last moment to withdraw or to move to another date is over" in asked
    assert "You can withdraw" not in asked
    register(enrolment=cast.other_student, exam_pk=exam.pk, now=now)
    asked = client.get(address).content.decode()
    assert "nobody moves up by themselves any more: the staff of the course can still give you a seat" in asked
    assert "move up by yourself" not in asked
    told = client.post(address, follow=True).content.decode()
    assert "You are on the waiting list, on which nobody moves up by themselves any more." in told
    assert "get a mail when you move up" not in told


def test_my_course_says_my_exam_once(cast: Cast, july: Exam, august: Exam) -> None:
    now = the_time()
    for exam, days in ((july, 20), (august, 50)):
        begins = now + timedelta(days=days)
        Exam.objects.filter(pk=exam.pk).update(
            starts_at=begins, opens_at=now - timedelta(days=1), closes_at=begins - timedelta(days=5),
            withdraw_until=begins - timedelta(days=3), review_at=None,
        )  # fmt: skip
    reconcile(cast.course, now=now)
    register(enrolment=cast.student, exam_pk=august.pk, now=now)
    context = cast.client("student").get("/amls/me/").context
    keys_shown = [item.key for item in context["deadlines"]]
    assert f"exams.exam:{august.pk}" not in keys_shown
    assert f"exams.exam:{august.pk}:withdraw-until" in keys_shown
