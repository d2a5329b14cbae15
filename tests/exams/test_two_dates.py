"""Holding a seat of one date while waiting for another."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from bs4 import BeautifulSoup
from django.urls import reverse
from django.utils.timezone import now as the_time

from amls.core import clock
from amls.core.times import say_moment
from amls.courses.models import Enrolment
from amls.mail.letters import letter_kinds
from amls.mail.models import Notice
from amls.privacy.registry import delete_account
from exams.models import Exam, ExamRules, Registration
from exams.services.closing import close_exam
from exams.services.otherdate import move
from exams.services.registration import register, staff_withdraw, withdraw
from exams.services.seatcount import set_capacity
from exams.services.two_dates import end_waits, hold_beside, wait_beside
from tests.cast import Cast
from tests.exams.people import make_students
from tests.exams.test_registration import AFTER, JUNE, LATE, counters, violation
from tests.factories import OpenExamFactory

pytestmark = pytest.mark.django_db
AUGUST = datetime(2024, 8, 10, 12, tzinfo=UTC)


@pytest.fixture
def july(cast: Cast) -> Exam:
    return OpenExamFactory.create(course=cast.course)


@pytest.fixture
def august(cast: Cast) -> Exam:
    return OpenExamFactory.create(
        course=cast.course, starts_at=AUGUST, closes_at=datetime(2024, 8, 3, tzinfo=UTC),
        withdraw_until=datetime(2024, 8, 7, tzinfo=UTC),
    )  # fmt: skip


@pytest.fixture
def sitters(cast: Cast, august: Exam) -> list[Enrolment]:
    """Two people who hold the two seats of August."""
    people = make_students(cast.course, 2, prefix="a")
    for person in people:
        register(enrolment=person, exam_pk=august.pk, now=JUNE)
    return people


def kept(enrolment: Enrolment) -> dict[str, str]:
    """Return what a person has now: month of the exam to state, with a plus where a seat is kept beside it."""
    rows = Registration.objects.active().filter(enrolment=enrolment).select_related("exam")
    return {f"{row.exam.starts_at:%B}": row.state + "+" * row.keeps_seat for row in rows}


def said(kind: str, enrolment: Enrolment) -> list[str]:
    """Return the texts of what a person is told of one kind, as they would be sent now."""
    notices = Notice.objects.filter(kind=kind, recipient=enrolment.user).order_by("pk")
    letters = [letter_kinds[kind].writer(notice, JUNE) for notice in notices]
    return [letter.text for letter in letters if letter is not None]


def test_moving_up_gives_the_kept_seat_to_the_next_who_waits(
    cast: Cast, july: Exam, august: Exam, sitters: list[Enrolment]
) -> None:
    other, queued = make_students(cast.course, 2)
    for person in (cast.student, other, queued):
        register(enrolment=person, exam_pk=july.pk, now=JUNE)
    place = wait_beside(enrolment=cast.student, exam_pk=august.pk, now=JUNE)
    assert (place.state, place.position) == ("waitlisted", 1)
    assert wait_beside(enrolment=cast.student, exam_pk=august.pk, now=JUNE).pk == place.pk
    assert kept(cast.student) == {"July": "registered", "August": "waitlisted+"}
    assert (counters(july), counters(august)) == ((2, 1), (2, 1))
    [_seat, told] = said("exams.registered", cast.student)
    assert "Until then you keep your seat for **Written exam**, Thu 18 Jul 2024" in told
    withdraw(enrolment=sitters[0], exam_pk=august.pk, now=JUNE)
    assert kept(cast.student) == {"August": "registered"}
    assert kept(queued) == {"July": "registered"}
    assert (counters(july), counters(august)) == ((2, 0), (2, 0))
    [moved_up] = said("exams.promoted", cast.student)
    assert "Your seat for **Written exam**, Thu 18 Jul 2024" in moved_up
    assert "given on" in moved_up
    # The seat that was given back is told in that one mail.
    assert said("exams.withdrawn", cast.student) == []
    [plainly] = said("exams.promoted", queued)
    assert "given on" not in plainly


def test_who_waits_takes_a_seat_of_another_date_and_keeps_the_place(
    cast: Cast, july: Exam, august: Exam, sitters: list[Enrolment]
) -> None:
    register(enrolment=cast.student, exam_pk=august.pk, now=JUNE)
    (late,) = make_students(cast.course, 1)
    register(enrolment=late, exam_pk=august.pk, now=JUNE)
    address = f"/amls/exams/{july.pk}/hold/"
    now = clock.now()
    for exam, days in ((july, 9), (august, 19)):
        Exam.objects.filter(pk=exam.pk).update(
            opens_at=now - timedelta(days=1), closes_at=now + timedelta(days=days - 2),
            withdraw_until=now + timedelta(days=days - 1), starts_at=now + timedelta(days=days),
        )  # fmt: skip
    client = cast.client("student")
    assert f'href="{address}"' in client.get("/amls/exams/").content.decode()
    page = " ".join(client.get(address).content.decode().split())
    assert "stay number 1 on the waiting list" in page
    # The seat could be given back until then; of the date on whose list one stays, ten days longer.
    ends = say_moment(now + timedelta(days=8), cast.course.zone, now=now)
    assert re.search(rf"You wait no longer after <time [^>]*>{ends}", page)
    Exam.objects.filter(pk=august.pk).update(withdraw_until=now + timedelta(days=5), closes_at=now + timedelta(days=4))
    ends = say_moment(now + timedelta(days=5), cast.course.zone, now=now)
    assert re.search(
        rf"You wait no longer after <time [^>]*>{ends}", " ".join(client.get(address).content.decode().split())
    )
    for _twice in range(2):
        assert client.post(address).status_code == 302
    held, waits = Registration.objects.active().filter(enrolment=cast.student).order_by("keeps_seat")
    assert (held.exam, held.state, waits.exam, waits.keeps_seat, waits.position) == (
        july, "registered", august, True, 1,
    )  # fmt: skip
    withdraw(enrolment=sitters[0], exam_pk=august.pk, now=clock.now())
    promoted = Registration.objects.active().get(enrolment=cast.student)
    assert (promoted.exam, promoted.state) == (august, "registered")
    assert (counters(july), counters(august)) == ((0, 0), (2, 1))


def test_a_seat_beside_a_waiting_list_is_refused_where_it_could_not_be_given_back(
    cast: Cast, july: Exam, august: Exam, sitters: list[Enrolment]
) -> None:
    def take() -> Registration:
        return hold_beside(enrolment=cast.student, exam_pk=july.pk, now=JUNE)

    assert violation(take) == "waits-nowhere"
    register(enrolment=cast.student, exam_pk=august.pk, now=JUNE)
    for person in make_students(cast.course, 2):
        register(enrolment=person, exam_pk=july.pk, now=JUNE)
    assert violation(take) == "target-full"
    set_capacity(exam_pk=july.pk, capacity=3, now=JUNE)
    ExamRules.objects.update_or_create(course=cast.course, defaults={"keeps_seat_while_waiting": False})
    assert violation(take) == "no-waiting-beside"
    assert kept(cast.student) == {"August": "waitlisted"}


def test_a_seat_that_became_free_meanwhile_is_had_at_once_with_one_mail(cast: Cast, july: Exam, august: Exam) -> None:
    register(enrolment=cast.student, exam_pk=july.pk, now=JUNE)
    assert wait_beside(enrolment=cast.student, exam_pk=august.pk, now=JUNE).state == "registered"
    assert kept(cast.student) == {"August": "registered"}
    assert (counters(july), counters(august)) == ((0, 0), (1, 0))
    assert list(Notice.objects.order_by("pk").values_list("kind", flat=True)) == ["exams.registered", "exams.promoted"]


def test_a_chain_of_exchanges_goes_through_all_dates(
    cast: Cast, july: Exam, august: Exam, sitters: list[Enrolment]
) -> None:
    october = OpenExamFactory.create(course=cast.course, starts_at=datetime(2024, 10, 12, 11, tzinfo=UTC), capacity=1)
    first, second, third = make_students(cast.course, 3)
    for person, exam in ((first, july), (second, july), (third, october)):
        register(enrolment=person, exam_pk=exam.pk, now=JUNE)
    wait_beside(enrolment=first, exam_pk=august.pk, now=JUNE)
    wait_beside(enrolment=third, exam_pk=july.pk, now=JUNE)
    wait_beside(enrolment=sitters[1], exam_pk=october.pk, now=JUNE)
    withdraw(enrolment=sitters[0], exam_pk=august.pk, now=JUNE)
    assert [kept(person) for person in (first, third, sitters[1])] == [
        {"August": "registered"}, {"July": "registered"}, {"October": "registered"},
    ]  # fmt: skip
    assert (counters(july), counters(august), counters(october)) == ((2, 0), (1, 0), (1, 0))


def test_whoever_gives_up_the_kept_seat_goes_on_waiting(
    cast: Cast, july: Exam, august: Exam, sitters: list[Enrolment]
) -> None:
    register(enrolment=cast.student, exam_pk=july.pk, now=JUNE)
    wait_beside(enrolment=cast.student, exam_pk=august.pk, now=JUNE)
    withdraw(enrolment=cast.student, exam_pk=july.pk, now=JUNE)
    assert kept(cast.student) == {"August": "waitlisted"}
    withdraw(enrolment=sitters[0], exam_pk=august.pk, now=JUNE)
    assert kept(cast.student) == {"August": "registered"}


def test_whoever_leaves_the_waiting_list_keeps_the_seat(
    cast: Cast, july: Exam, august: Exam, sitters: list[Enrolment]
) -> None:
    register(enrolment=cast.student, exam_pk=july.pk, now=JUNE)
    wait_beside(enrolment=cast.student, exam_pk=august.pk, now=JUNE)
    withdraw(enrolment=cast.student, exam_pk=august.pk, now=JUNE)
    assert kept(cast.student) == {"July": "registered"}
    assert counters(august) == (2, 0)


def test_a_wait_ends_with_what_could_be_given_back_and_the_next_moves_up(
    cast: Cast, july: Exam, august: Exam, sitters: list[Enrolment]
) -> None:
    next_one = make_students(cast.course, 1)[0]
    register(enrolment=cast.student, exam_pk=july.pk, now=JUNE)
    wait_beside(enrolment=cast.student, exam_pk=august.pk, now=JUNE)
    register(enrolment=next_one, exam_pk=august.pk, now=JUNE)
    # July can no longer be given back, August can.
    withdraw(enrolment=sitters[0], exam_pk=august.pk, now=LATE)
    assert kept(cast.student) == {"July": "registered"}
    assert kept(next_one) == {"August": "registered"}
    [told] = said("exams.wait-ended", cast.student)
    assert "you keep it, and no longer wait for **Written exam**, Sat 10 Aug 2024" in told


def test_beat_ends_waits_that_can_lead_nowhere(cast: Cast, july: Exam, august: Exam, sitters: list[Enrolment]) -> None:
    register(enrolment=cast.student, exam_pk=july.pk, now=JUNE)
    wait_beside(enrolment=cast.student, exam_pk=august.pk, now=JUNE)
    assert end_waits(course=cast.course, now=JUNE) == 0
    assert end_waits(course=cast.course, now=LATE) == 1
    assert kept(cast.student) == {"July": "registered"}
    assert counters(august) == (2, 0)


def test_closing_the_held_date_leaves_nobody_waiting_beside_it(
    cast: Cast, july: Exam, august: Exam, sitters: list[Enrolment]
) -> None:
    register(enrolment=cast.student, exam_pk=july.pk, now=JUNE)
    wait_beside(enrolment=cast.student, exam_pk=august.pk, now=JUNE)
    close_exam(exam_pk=july.pk, now=AFTER)
    assert kept(cast.student) == {}
    assert counters(august) == (2, 0)


def test_moving_to_a_third_date_keeps_the_place_in_line(
    cast: Cast, july: Exam, august: Exam, sitters: list[Enrolment]
) -> None:
    october = OpenExamFactory.create(course=cast.course, starts_at=datetime(2024, 10, 12, 11, tzinfo=UTC))
    register(enrolment=cast.student, exam_pk=july.pk, now=JUNE)
    wait_beside(enrolment=cast.student, exam_pk=august.pk, now=JUNE)
    move(enrolment=cast.student, exam_pk=october.pk, now=JUNE)
    assert kept(cast.student) == {"October": "registered", "August": "waitlisted+"}


def test_what_is_refused_changes_nothing(cast: Cast, july: Exam, august: Exam, sitters: list[Enrolment]) -> None:
    october = OpenExamFactory.create(course=cast.course, starts_at=datetime(2024, 10, 12, 11, tzinfo=UTC), capacity=0)

    def wait(exam: Exam, now: datetime = JUNE) -> str:
        return violation(lambda: wait_beside(enrolment=cast.student, exam_pk=exam.pk, now=now))

    assert wait(august) == "not-registered"
    register(enrolment=cast.student, exam_pk=august.pk, now=JUNE)
    assert wait(july) == "waits-already"
    withdraw(enrolment=cast.student, exam_pk=august.pk, now=JUNE)
    register(enrolment=cast.student, exam_pk=july.pk, now=JUNE)
    assert wait(august, LATE) == "too-late-to-withdraw"
    wait_beside(enrolment=cast.student, exam_pk=august.pk, now=JUNE)
    assert wait(october) == "waits-already"
    assert kept(cast.student) == {"July": "registered", "August": "waitlisted+"}


def test_the_course_may_switch_it_off(cast: Cast, july: Exam, august: Exam, sitters: list[Enrolment]) -> None:
    ExamRules.objects.create(course=cast.course, keeps_seat_while_waiting=False)
    register(enrolment=cast.student, exam_pk=july.pk, now=JUNE)
    enrolment = Enrolment.objects.select_related("user", "course").get(pk=cast.student.pk)
    act = lambda: wait_beside(enrolment=enrolment, exam_pk=august.pk, now=JUNE)  # noqa: E731
    assert violation(act) == "no-waiting-beside"


def test_staff_and_a_deleted_account_take_a_person_off_both_dates(
    cast: Cast, july: Exam, august: Exam, sitters: list[Enrolment]
) -> None:
    register(enrolment=cast.student, exam_pk=july.pk, now=JUNE)
    wait_beside(enrolment=cast.student, exam_pk=august.pk, now=JUNE)
    held = Registration.objects.main().get(enrolment=cast.student)
    staff_withdraw(registration_pk=held.pk, reason="Asked by mail", now=JUNE)
    assert kept(cast.student) == {"August": "waitlisted"}
    register(enrolment=cast.other_student, exam_pk=july.pk, now=JUNE)
    wait_beside(enrolment=cast.other_student, exam_pk=august.pk, now=JUNE)
    delete_account(user=cast.other_student.user, now=JUNE)
    assert (counters(july), counters(august)) == ((0, 0), (2, 1))


def test_more_seats_are_given_to_those_who_keep_one_elsewhere_too(
    cast: Cast, july: Exam, august: Exam, sitters: list[Enrolment]
) -> None:
    register(enrolment=cast.student, exam_pk=july.pk, now=JUNE)
    wait_beside(enrolment=cast.student, exam_pk=august.pk, now=JUNE)
    register(enrolment=cast.other_student, exam_pk=august.pk, now=JUNE)
    assert len(set_capacity(exam_pk=august.pk, capacity=None, now=JUNE)) == 2
    assert (counters(july), counters(august)) == ((0, 0), (4, 0))


def test_the_pages_say_what_is_kept_and_what_it_costs(
    cast: Cast, sitters: list[Enrolment], august: Exam, july: Exam, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock.database_clock, "now", lambda: JUNE)
    register(enrolment=cast.student, exam_pk=july.pk, now=JUNE)
    client = cast.client("student")
    page, address = (
        reverse("exams:exams", args=[cast.course.slug]),
        reverse("exams:wait", args=[cast.course.slug, august.pk]),
    )
    assert f'href="{address}"' in client.get(page).content.decode()
    asked = " ".join(client.get(address).content.decode().split())
    assert "You become number 1 on the waiting list and keep your seat on Thu 18 Jul meanwhile." in asked
    assert "Thu 18 Jul goes to the next who waits at once: you can't take it back." in asked
    answer = client.post(address, follow=True)
    shown = " ".join(answer.content.decode().split())
    assert "You are number 1 on the waiting list, and keep your seat of the other date until you move up." in shown
    assert "Until then you keep your seat on Thu 18 Jul; with a seat here it goes to the next who waits." in shown
    assert "You also wait for Sat 10 Aug: when you get a seat there, this one goes to the next who waits." in shown
    assert kept(cast.student) == {"July": "registered", "August": "waitlisted+"}


def test_who_cannot_wait_or_hold_a_seat_beside_reads_why(cast: Cast) -> None:
    """Whatever the service refuses is said on the page before anything is pressed."""
    now = the_time()
    held, full, other = (
        OpenExamFactory.create(
            course=cast.course, starts_at=now + timedelta(days=days), opens_at=now - timedelta(days=99), closes_at=None,
            withdraw_until=None, capacity=1,
        )
        for days in (20, 30, 40)
    )  # fmt: skip
    register(enrolment=cast.other_student, exam_pk=full.pk, now=now)
    client = cast.client("student")

    def said(step: str, exam: Exam) -> str:
        page = BeautifulSoup(client.get(f"/amls/exams/{exam.pk}/{step}/").content, "html.parser")
        note = page.select_one("main p.note")
        return " ".join(note.text.split()) if note is not None else ""

    assert said("wait", full) == "You are not registered for any date yet: register for this one."
    register(enrolment=cast.student, exam_pk=held.pk, now=now)
    assert said("wait", full) == ""
    assert said("wait", other) == "A seat is free here: you need not wait, and can move to this date."
    assert said("hold", other) == "You wait for no other date without a seat."
    closed = now - timedelta(days=1)
    Exam.objects.filter(pk=full.pk).update(closes_at=closed)
    assert said("wait", full).startswith("Sign-up closed ")
    Exam.objects.filter(pk=full.pk).update(closes_at=None, withdraw_until=closed)
    assert said("wait", full).startswith("Nobody moves up for ")
    Exam.objects.filter(pk=held.pk).update(withdraw_until=closed)
    assert said("wait", full).startswith("The last moment to withdraw was ")
