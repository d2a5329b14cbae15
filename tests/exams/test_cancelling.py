"""A date that staff cancel: who is in it is told once and free for another, calendars say it, and it can be held after all."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils.html import escape
from django.utils.timezone import now as the_time

from amls.agenda.feeds import personal_feed_url, public_feed_url
from amls.agenda.models import AgendaItem, Status
from amls.agenda.services import ChangeKind
from amls.core.times import say_day
from amls.core.violations import RuleViolation
from amls.courses.models import User
from amls.courses.nameless import NAMELESS_DOMAIN
from amls.courses.services import finish_course_change, lock_course
from amls.held.services import HOLD
from amls.mail.changes import letter_about, tell_changes, who_is_told_apart
from amls.mail.letters import Letter, letter_kinds
from amls.mail.models import ItemChange, Notice
from amls.mail.still_due import still_due_for
from amls.portal.gradebook.columns import columns_of
from exams.hooks.privacy import tell
from exams.models import Exam, Registration, Result, Room, Seat
from exams.overlaps import overlaps_of
from exams.services.cancelling import TOLD, HeldAgain, cancel_exam, hold_after_all, name_of_people, people_in
from exams.services.closing import close_exam
from exams.services.door import add_helper, make_mark, mark_the_rest_present
from exams.services.moving import move_seat
from exams.services.otherdate import move, staff_move
from exams.services.registration import register, staff_register, withdraw
from exams.services.results import publish_results
from exams.services.seatcount import promote_waiting, set_capacity
from exams.services.seating import assign_seats, mend_seats, release_seats
from exams.services.two_dates import hold_beside, wait_beside
from tests.agreement import agree_to
from tests.cast import Cast
from tests.exams.conftest import Rings
from tests.exams.people import make_students
from tests.exams.test_passed_waits import NOW, date, place
from tests.exams.test_races import check

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("one_factor")]
WHY = "Łukasz's room is lost <b>"


@pytest.fixture
def exam(cast: Cast) -> Exam:
    """Return a date with one seat, which `student` has and `other_student` waits for."""
    exam = date(cast, 20, capacity=1)
    for who in (cast.student, cast.other_student):
        register(enrolment=who, exam_pk=exam.pk, now=NOW)
    return exam


@pytest.fixture
def other(cast: Cast, exam: Exam) -> Exam:
    return date(cast, 30, capacity=5)


def cancel(exam: Exam, minutes: int = 0) -> list[Registration]:
    told = cancel_exam(exam_pk=exam.pk, reason=WHY, now=NOW + timedelta(minutes=minutes))
    exam.refresh_from_db()
    return told


def hold(exam: Exam, minutes: int = 0) -> HeldAgain:
    again = hold_after_all(exam_pk=exam.pk, now=NOW + timedelta(minutes=minutes))
    exam.refresh_from_db()
    check(exam)
    return again


def notices() -> list[Notice]:
    return list(Notice.objects.filter(kind=TOLD).order_by("recipient__display_name"))


def told(notice: Notice, minutes: int = 6) -> Letter | None:
    return letter_kinds[TOLD].writer(notice, NOW + timedelta(minutes=minutes))


def test_everybody_in_it_is_told_in_five_minutes_why_and_which_dates_are_open(
    cast: Cast, exam: Exam, other: Exam
) -> None:
    cancel(exam)
    assert (exam.is_cancelled, exam.cancelled_because, exam.seats_taken, exam.waiting) == (True, WHY, 0, 0)
    assert [place(who, exam) for who in (cast.student, cast.other_student)] == [("cancelled", None)] * 2
    assert {notice.not_before for notice in notices()} == {NOW + HOLD}
    letters = {str(notice.recipient): told(notice) for notice in notices()}
    assert letters.keys() == {str(cast.student.user), str(cast.other_student.user)}
    seated, waited = letters[str(cast.student.user)], letters[str(cast.other_student.user)]
    assert seated is not None
    assert waited is not None
    assert seated.subject.startswith("Cancelled: your exam, ")
    assert ("for which you held a seat" in seated.text, "of which you waited" in waited.text) == (True, True)
    # What people typed is no Markdown.
    assert ("room is lost" in seated.text, "<b>" in seated.text) == (True, False)
    assert "You can sign up for another date:" in seated.text
    # Escaped once: 'Sa 27. Februar' of a German mail would have '\\.' in it otherwise.
    assert seated.text.count("\\\\") == 0
    assert letter_kinds[TOLD].topic is None
    # Who took another date reads of that one.
    register(enrolment=cast.student, exam_pk=other.pk, now=NOW)
    again = told(next(notice for notice in notices() if notice.recipient == cast.student.user))
    assert again is not None
    assert ("You hold a seat for" in again.text, "You can sign up" in again.text) == (True, False)


def test_without_another_open_date_the_staff_will_say_what_follows(exam: Exam) -> None:
    cancel(exam)
    letter = told(notices()[0])
    assert letter is not None
    assert "the staff of the course will say what follows" in letter.text


def test_held_after_all_within_five_minutes_nobody_is_told(cast: Cast, exam: Exam) -> None:
    before = list(Registration.objects.order_by("pk").values("state", "position", "keeps_seat", "closed_at"))
    cancel(exam)
    again = hold(exam, minutes=4)
    assert (len(again.back), again.elsewhere, notices()) == (2, [], [])
    assert list(Registration.objects.order_by("pk").values("state", "position", "keeps_seat", "closed_at")) == before
    assert (exam.is_cancelled, exam.cancelled_because, exam.seats_taken, exam.waiting) == (False, "", 1, 1)


def test_once_it_was_told_those_are_told_again(cast: Cast, exam: Exam) -> None:
    cancel(exam)
    Notice.objects.filter(kind=TOLD).update(state=Notice.State.SENT, sent_at=NOW + HOLD)
    hold(exam, minutes=9)
    later = [notice for notice in notices() if notice.state == Notice.State.DUE]
    letters = [told(notice, minutes=15) for notice in later]
    assert [letter is not None and letter.subject.startswith("Held after all: your exam") for letter in letters] == [True] * 2  # fmt: skip
    texts = "\n".join(letter.text for letter in letters if letter is not None)
    assert ("You hold your seat for it again." in texts, "at the place that you had" in texts) == (True, True)


def test_who_has_another_date_by_now_keeps_that_one_and_staff_see_it(cast: Cast, exam: Exam, other: Exam) -> None:
    cancel(exam)
    register(enrolment=cast.student, exam_pk=other.pk, now=NOW + timedelta(minutes=1))
    again = hold(exam, minutes=9)
    assert [row.enrolment for row in again.elsewhere] == [cast.student]
    assert place(cast.student, other) == ("registered", None)
    # The seat is free, so the first who waits has it.
    assert (place(cast.student, exam)[0], place(cast.other_student, exam)[0]) == ("withdrawn", "registered")
    check(other)
    letter = told(next(row for row in notices() if row.recipient == cast.student.user), minutes=15)
    assert letter is not None
    assert "You have another date by now, and keep that one" in letter.text


def test_a_wait_elsewhere_goes_on_beside_the_seat_that_comes_back(cast: Cast, exam: Exam, other: Exam) -> None:
    set_capacity(exam_pk=other.pk, capacity=0, now=NOW)
    wait_beside(enrolment=cast.student, exam_pk=other.pk, now=NOW)
    cancel(exam)
    waits = Registration.objects.get(enrolment=cast.student, exam=other)
    assert (waits.state, waits.keeps_seat) == ("waitlisted", False)
    hold(exam, minutes=9)
    waits.refresh_from_db()
    assert (place(cast.student, exam)[0], waits.state, waits.keeps_seat) == ("registered", "waitlisted", True)
    check(other)


def test_a_wait_comes_back_beside_the_seat_that_was_there_before_only(cast: Cast, exam: Exam, other: Exam) -> None:
    holder, newcomer = make_students(cast.course, 2)
    register(enrolment=holder, exam_pk=other.pk, now=NOW)
    wait_beside(enrolment=holder, exam_pk=exam.pk, now=NOW)
    register(enrolment=newcomer, exam_pk=exam.pk, now=NOW)
    cancel(exam)
    assert place(holder, other) == ("registered", None)
    register(enrolment=newcomer, exam_pk=other.pk, now=NOW + timedelta(minutes=1))
    again = hold(exam, minutes=9)
    assert place(holder, exam) == ("waitlisted", 2)
    assert Registration.objects.get(enrolment=holder, exam=exam).keeps_seat
    assert [row.enrolment for row in again.elsewhere] == [newcomer]


def test_seats_in_rooms_come_back_and_follow_rooms_that_changed(cast: Cast, exam: Exam) -> None:
    room = Room.objects.create(exam=exam, name="H 0107", rows=2, seats_per_row=2)
    assign_seats(exam_pk=exam.pk, order="name", now=NOW)
    release_seats(exam_pk=exam.pk, now=NOW)
    cancel(exam)
    hold(exam, minutes=1)
    seat = Seat.objects.get(room=room)
    assert seat.registration.enrolment == cast.student
    cancel(exam, minutes=2)
    room.delete()
    large = Room.objects.create(exam=exam, name="H 0104", rows=2, seats_per_row=2)
    hold(exam, minutes=3)
    assert Seat.objects.get().room == large


def test_an_account_that_was_deleted_does_not_come_back(cast: Cast, exam: Exam) -> None:
    cancel(exam)
    User.objects.filter(pk=cast.student.user_id).update(email=f"x@{NAMELESS_DOMAIN}")
    again = hold(exam, minutes=1)
    assert [row.enrolment for row in [*again.back, *again.elsewhere]] == [cast.other_student]
    assert place(cast.student, exam)[0] == "withdrawn"


def test_the_capacity_must_have_room_for_those_who_come_back(cast: Cast, exam: Exam) -> None:
    cancel(exam)
    Exam.objects.filter(pk=exam.pk).update(capacity=0)
    with pytest.raises(RuleViolation) as caught:
        hold(exam, minutes=1)
    assert caught.value.code == "capacity-too-low"
    exam.refresh_from_db()
    assert exam.is_cancelled
    set_capacity(exam_pk=exam.pk, capacity=1, now=NOW)
    assert len(hold(exam, minutes=1).back) == 2


REFUSED: dict[str, Callable[[Cast, Exam, Exam], Any]] = {
    "register": lambda cast, exam, other: register(enrolment=cast.student, exam_pk=exam.pk, now=NOW),
    "staff_register": lambda cast, exam, other: staff_register(
        enrolment=cast.student, exam_pk=exam.pk, reason="x", now=NOW
    ),
    "walk_in": lambda cast, exam, other: staff_register(
        enrolment=cast.student, exam_pk=exam.pk, reason="x", is_walk_in=True, now=NOW
    ),
    "move": lambda cast, exam, other: _then(
        cast, other, lambda: move(enrolment=cast.student, exam_pk=exam.pk, now=NOW)
    ),
    "staff_move": lambda cast, exam, other: staff_move(
        registration_pk=register(enrolment=cast.student, exam_pk=other.pk, now=NOW).pk, exam_pk=exam.pk, reason="x", now=NOW
    ),
    "wait_beside": lambda cast, exam, other: _then(
        cast, other, lambda: wait_beside(enrolment=cast.student, exam_pk=exam.pk, now=NOW)
    ),
    "hold_beside": lambda cast, exam, other: (
        set_capacity(exam_pk=other.pk, capacity=0, now=NOW),
        _then(cast, other, lambda: hold_beside(enrolment=cast.student, exam_pk=exam.pk, now=NOW)),
    ),
    "make_mark": lambda cast, exam, other: make_mark(
        registration_pk=Registration.objects.filter(exam=exam)[0].pk, exam_pk=exam.pk, action="present",
        key="3f2c9a4e-0a3b-4a43-9d3c-0d6d6b1d2f3a", now=NOW,
    ),
    "mark_the_rest": lambda cast, exam, other: mark_the_rest_present(
        exam_pk=exam.pk, by=None, now=exam.ends_at
    ),
    "add_helper": lambda cast, exam, other: add_helper(exam=exam, name="Kim", by=None, now=NOW),
    "close": lambda cast, exam, other: close_exam(exam_pk=exam.pk, now=exam.ends_at),
    "assign_seats": lambda cast, exam, other: assign_seats(exam_pk=exam.pk, order="name", now=NOW),
    "mend_seats": lambda cast, exam, other: mend_seats(exam_pk=exam.pk, now=NOW),
    "release_seats": lambda cast, exam, other: release_seats(exam_pk=exam.pk, now=NOW),
    "move_seat": lambda cast, exam, other: move_seat(
        exam_pk=exam.pk, registration_pk=Registration.objects.filter(exam=exam)[0].pk, spot=None, now=NOW
    ),
    "publish": lambda cast, exam, other: publish_results(exam_pk=exam.pk, by=None, now=NOW),
    "cancel": lambda cast, exam, other: cancel(exam),
}  # fmt: skip


def _then(cast: Cast, other: Exam, act: Callable[[], object]) -> object:
    register(enrolment=cast.student, exam_pk=other.pk, now=NOW)
    return act()


@pytest.mark.parametrize("name", REFUSED)
def test_nothing_can_be_done_in_a_cancelled_date(cast: Cast, exam: Exam, other: Exam, name: str) -> None:
    cancel(exam)
    with pytest.raises(RuleViolation) as caught:
        REFUSED[name](cast, exam, other)
    assert (caught.value.code, "room is lost" in str(caught.value.message)) == ("cancelled", True)


def test_nobody_moves_up_in_it_and_whoever_waits_elsewhere_does(cast: Cast, exam: Exam) -> None:
    cancel(exam)
    set_capacity(exam_pk=exam.pk, capacity=9, now=NOW)
    assert promote_waiting(exam_pk=exam.pk, now=NOW) == []
    assert place(cast.other_student, exam)[0] == "cancelled"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda exam: Exam.objects.filter(pk=exam.pk).update(closed_at=NOW), "exam-closed"),
        (lambda exam: Registration.objects.filter(exam=exam, state="registered").update(state="absent"), "has-check-ins"),
        (lambda exam: Registration.objects.filter(exam=exam, state="registered").update(state="attended", arrived_at=NOW), "has-check-ins"),
        (lambda exam: Result.objects.create(registration=Registration.objects.filter(exam=exam)[0], points=5), "has-results"),
        (lambda exam: Exam.objects.filter(pk=exam.pk).update(results_published_at=NOW), "has-results"),
    ],
)  # fmt: skip
def test_what_was_held_can_not_be_cancelled(exam: Exam, change: Callable[[Exam], object], code: str) -> None:
    change(exam)
    with pytest.raises(RuleViolation) as caught:
        cancel(exam)
    assert caught.value.code == code
    assert not Registration.objects.filter(state="cancelled").exists()


@pytest.mark.parametrize("reason", ["", "  ", "\x00\n"])
def test_without_a_reason_nothing_is_cancelled(exam: Exam, reason: str) -> None:
    with pytest.raises(RuleViolation) as caught:
        cancel_exam(exam_pk=exam.pk, reason=reason, now=NOW)
    assert (caught.value.code, caught.value.field) == ("no-reason", "reason")


def test_others_in_it_than_were_shown_are_shown_first(cast: Cast, exam: Exam) -> None:
    seen = name_of_people(people_in(exam))
    withdraw(enrolment=cast.other_student, exam_pk=exam.pk, now=NOW)
    with pytest.raises(RuleViolation) as caught:
        cancel_exam(exam_pk=exam.pk, reason=WHY, now=NOW, seen=seen)
    assert caught.value.code == "changed-meanwhile"
    assert len(cancel_exam(exam_pk=exam.pk, reason=WHY, now=NOW, seen=name_of_people(people_in(exam)))) == 1


def test_the_history_tells_cancelled_and_held_apart_from_a_withdrawal(cast: Cast, exam: Exam) -> None:
    cancel(exam)
    hold(exam, minutes=9)
    events: Any = apps.get_model("exams", "RegistrationEvent").objects
    own = Registration.objects.get(enrolment=cast.student, exam=exam)
    assert list(events.filter(id=own.pk).order_by("pgh_id").values_list("state", flat=True)) == [
        "registered", "cancelled", "registered",
    ]  # fmt: skip
    history: Any = apps.get_model("exams", "ExamEvent").objects
    reasons = history.filter(id=exam.pk).order_by("pgh_id").values_list("cancelled_because", flat=True)
    assert list(reasons)[-2:] == [WHY, ""]


# ── the agenda, and what is told of it ──


def items(exam: Exam, **more: Any) -> dict[str, tuple[str, str, int]]:
    rows = AgendaItem.objects.filter(key__startswith=f"exams.exam:{exam.pk}", **more)
    return {row.key.partition(f":{exam.pk}")[2]: (row.status, str(row.uid), row.sequence) for row in rows}


@pytest.fixture
def dated(cast: Cast, exam: Exam) -> Exam:
    """Return the date with all windows and a review, as the agenda knows it."""
    Exam.objects.filter(pk=exam.pk).update(
        closes_at=exam.starts_at - timedelta(days=2), withdraw_until=exam.starts_at - timedelta(days=1),
        review_at=exam.starts_at + timedelta(days=9),
    )  # fmt: skip
    finish_course_change(lock_course(cast.course.pk), now=NOW)
    return exam


def test_calendars_say_cancelled_and_the_uid_stays_when_it_is_held_after_all(
    cast: Cast, dated: Exam, rings: Rings
) -> None:
    before = items(dated, enrolment=None)
    assert before.keys() == {"", ":signup-opens", ":signup-closes", ":withdraw-until", ":review"}
    with rings():
        cancel(dated)
    gone = items(dated, enrolment=None)
    assert {status for status, _uid, _sequence in gone.values()} == {Status.CANCELLED}
    shown = AgendaItem.objects.base().present().filter(key__startswith=f"exams.exam:{dated.pk}")
    # The exam itself stands there as cancelled, all else of it nowhere any more.
    assert [row.key for row in shown] == [f"exams.exam:{dated.pk}"]
    assert gone[""][2] > before[""][2]
    own = AgendaItem.objects.filter(enrolment=cast.student, is_removed=False)
    assert [(row.key, row.status) for row in own] == [(f"exams.exam:{dated.pk}", Status.CANCELLED)]
    with rings():
        hold(dated, minutes=9)
    after = items(dated, enrolment=None)
    assert {key: (status, uid) for key, (status, uid, _sequence) in after.items()} == {
        key: (Status.CONFIRMED, uid) for key, (_status, uid, _sequence) in before.items()
    }
    mine = AgendaItem.objects.get(enrolment=cast.student, key=f"exams.exam:{dated.pk}")
    assert (mine.status, "registered" in mine.title) == (Status.CONFIRMED, True)


@pytest.mark.parametrize("who", ["public", "student", "other_student", "newcomer", "lecturer"])
def test_feeds_have_the_exam_as_cancelled_and_nothing_of_its_sign_up(
    cast: Cast, dated: Exam, rings: Rings, who: str
) -> None:
    newcomer = make_students(cast.course, 1)[0]
    with rings():
        cancel(dated)
    people = {"student": cast.student, "other_student": cast.other_student, "newcomer": newcomer, "lecturer": cast.lecturer}  # fmt: skip
    url = public_feed_url(cast.course) if who == "public" else personal_feed_url(people[who])
    feed = Client().get("/" + url.split("/", 3)[3]).content.decode().replace("\r\n ", "")
    events = [event for event in feed.split("BEGIN:VEVENT")[1:] if "xam" in event]
    standing = [event for event in events if "STATUS:CANCELLED" not in event]
    assert (standing, sum("Cancelled: " in event and "sign-up" not in event for event in events) >= 1) == ([], True)


def test_who_is_in_it_hears_of_it_by_one_mail_alone(cast: Cast, dated: Exam) -> None:
    ItemChange.objects.all().delete()
    cancel(dated)
    rows = {row.key: ChangeKind(row.kind) for row in ItemChange.objects.pending()}
    assert rows.keys() == {f"exams.exam:{dated.pk}{part}" for part in ("", ":signup-closes", ":withdraw-until", ":review")}  # fmt: skip
    apart = who_is_told_apart({cast.course.pk}, rows)
    assert apart == {key: {cast.student.pk, cast.other_student.pk} for key in rows}
    # A moved last moment to withdraw alone is told in the digest.
    assert who_is_told_apart({cast.course.pk}, {f"exams.exam:{dated.pk}:withdraw-until": ChangeKind.MOVED}) == {}
    assert not Notice.objects.filter(kind="exams.rescheduled").exists()
    hold(dated, minutes=2)
    assert not ItemChange.objects.pending().exists()
    assert not Notice.objects.filter(kind="exams.rescheduled").exists()


def test_a_mail_of_a_cancelled_date_names_it_alone_and_not_what_went_with_it(cast: Cast, dated: Exam) -> None:
    oral = Exam.objects.create(
        course=cast.course, kind="oral", starts_at=NOW + timedelta(days=40), closes_at=NOW + timedelta(days=39),
        withdraw_until=NOW + timedelta(days=38),
    )  # fmt: skip
    finish_course_change(cast.course, now=NOW)
    ItemChange.objects.all().delete()
    cancel(dated)
    cancel(oral)
    assert ItemChange.objects.pending().count() == 7
    tell_changes(now=NOW + timedelta(hours=3))
    rows = list(Notice.objects.filter(kind="mail.changes"))
    kind = letter_kinds["mail.changes"]
    assert kind.prepare is not None
    kind.prepare(rows, NOW)
    letters = {row.recipient: kind.writer(row, NOW) for row in rows}
    for who in (cast.lecturer, cast.assistant):
        letter = letters[who.user]
        assert letter is not None
        lines = [line for line in letter.text.splitlines() if line.startswith("- ")]
        assert (letter.subject, len(lines)) == ("2 dates cancelled", 2)
        assert "sign-up" not in letter.text
    # A window that goes by itself is said.
    Exam.objects.filter(pk=oral.pk).update(cancelled_at=None, cancelled_because="")
    finish_course_change(cast.course, now=NOW + timedelta(hours=4))
    Exam.objects.filter(pk=oral.pk).update(closes_at=None)
    alone = letter_about(finish_course_change(cast.course, now=NOW + timedelta(hours=5)), cast.course)
    assert alone.subject == "Cancelled: Oral exams: sign-up closes"


def test_who_kept_another_date_reads_who_cancelled_this_one_and_why_and_what_they_have(
    cast: Cast, exam: Exam, other: Exam
) -> None:
    User.objects.filter(pk=cast.lecturer.user_id).update(display_name="Ayşe Größe")
    staff, home = cast.client("lecturer"), f"/amls/exams/{exam.pk}/staff/"
    seen = staff.get(f"{home}cancel/").context["seen"]
    assert staff.post(f"{home}cancel/", {"reason": WHY, "seen": seen}).status_code == 302
    register(enrolment=cast.student, exam_pk=other.pk, now=the_time())
    student = cast.client("student")
    day = f"You have the exam of {say_day(other.starts_at, cast.course.zone, now=NOW)}."
    assert day in " ".join(student.get("/amls/exams/").content.decode().split())
    assert staff.post(f"{home}hold-after-all/", {}).status_code == 302
    row = Registration.objects.get(enrolment=cast.student, exam=exam)
    assert (row.state, row.cancelled_because, row.cancelled_by) == ("withdrawn", WHY, cast.lecturer.user)
    card = " ".join(student.get("/amls/exams/").content.decode().split())
    assert f"Ayşe Größe cancelled this date: {escape(WHY)} Held after all" in card
    assert (day in card, "Another date kept" in card, ">Withdrawn<" in card) == (True, True, False)
    for who in ("anonymous", "stranger", "assistant"):
        assert "Ayşe Größe cancelled" not in cast.client(who).get("/amls/exams/").content.decode()
    # Whoever came back reads nothing of it.
    assert not Registration.objects.get(enrolment=cast.other_student, exam=exam).cancelled_because


@pytest.mark.parametrize("state", ["registered", "excused"])
def test_only_who_left_a_date_has_a_cancellation_of_it(cast: Cast, exam: Exam, state: str) -> None:
    row = Registration.objects.filter(enrolment=cast.student)
    closed = None if state == "registered" else NOW
    with pytest.raises(IntegrityError, match="registration_kept_another"), transaction.atomic():
        row.update(state=state, closed_at=closed, cancelled_because=WHY)
    with pytest.raises(IntegrityError, match="registration_kept_another"), transaction.atomic():
        row.update(state="withdrawn", closed_at=NOW, cancelled_by=cast.lecturer.user)


def test_nobody_is_reminded_of_it_and_of_another_date_who_was_in_it(cast: Cast, exam: Exam, other: Exam) -> None:
    cancel(exam)
    people = [cast.student, cast.other_student]
    assert still_due_for(cast.course, f"exams.exam:{exam.pk}", people, now=NOW) == set()
    assert still_due_for(cast.course, f"exams.exam:{other.pk}:signup-closes", people, now=NOW) == {
        person.pk for person in people
    }


# ── pages ──


def test_staff_cancel_it_on_a_page_of_its_own_and_hold_it_after_all(cast: Cast, exam: Exam, other: Exam) -> None:
    staff, home = cast.client("assistant"), f"/amls/exams/{exam.pk}/staff/"
    assert f'href="{home}cancel/"' in staff.get(home).content.decode()
    page = staff.get(f"{home}cancel/").content.decode()
    assert [str(who.user) in page for who in (cast.student, cast.other_student)] == [True, True]
    assert "<b>2 people</b>" in page
    refused = staff.post(f"{home}cancel/", {"reason": " ", "seen": name_of_people(people_in(exam))})
    assert (refused.status_code, "Say why the date is cancelled" in refused.content.decode()) == (422, True)
    late = staff.post(f"{home}cancel/", {"reason": WHY, "seen": "another"})
    assert (late.status_code, "room is lost" in late.content.decode()) == (422, True)
    data = {"reason": WHY, "seen": name_of_people(people_in(exam))}
    done = staff.post(f"{home}cancel/", data, follow=True)
    assert "2 people are told in five minutes" in done.content.decode()
    twice = staff.post(f"{home}cancel/", data, follow=True)
    assert (twice.redirect_chain, "This date is cancelled" in twice.content.decode()) == ([(home, 302)], True)
    shown = staff.get(home).content.decode()
    assert ("room is lost &lt;b&gt;" in shown, "held a seat" in shown, "waited" in shown) == (True, True, True)
    offered = [f"{home}{act}/" in shown for act in ("assign", "capacity", "close", "register", "helper", "cancel")]
    assert (any(offered), f"{home}hold-after-all/" in shown) == (False, True)
    for path in ("staff/rooms/", "check-in/", "results/", "results/tasks/", "results/tasks/people/"):
        answer = staff.get(f"/amls/exams/{exam.pk}/{path}")
        assert (answer.status_code, "This date is not held" in answer.content.decode()) == (200, True)
    register(enrolment=cast.student, exam_pk=other.pk, now=the_time())
    preview = staff.get(f"{home}hold-after-all/").content.decode()
    assert "Who has another date by now, and keeps that one" in preview
    assert Exam.objects.get(pk=exam.pk).is_cancelled
    again = staff.post(f"{home}hold-after-all/", follow=True).content.decode()
    assert "1 person is in it again" in again
    assert "1 person has another date by now" in again
    assert not Exam.objects.get(pk=exam.pk).is_cancelled
    twice = staff.post(f"{home}hold-after-all/", follow=True)
    assert (twice.redirect_chain, "not cancelled" in twice.content.decode()) == ([(home, 302)], True)


@pytest.mark.parametrize("who", ["student", "stranger", "foreign lecturer"])
def test_nobody_else_cancels(cast: Cast, exam: Exam, who: str) -> None:
    for act in ("cancel", "hold-after-all"):
        assert cast.client(who).post(f"/amls/exams/{exam.pk}/staff/{act}/", {"reason": "x"}).status_code == 404
    assert not Exam.objects.get(pk=exam.pk).is_cancelled


def test_students_and_visitors_read_that_it_is_cancelled_and_why(cast: Cast, exam: Exam, other: Exam) -> None:
    cancel(exam)
    readers = (cast.client("student"), Client())
    for reader in readers:
        assert "Cancelled: Łukasz&#x27;s room is lost &lt;b&gt;" in reader.get("/amls/exams/").content.decode()
        assert "room is lost &lt;b&gt;" in reader.get("/amls/").content.decode()
    own = readers[0].get("/amls/exams/").content.decode()
    assert ("You held a seat here" in own, "You can register for another date." in own) == (True, True)
    assert f"/amls/exams/{exam.pk}/register/" not in own
    assert f"/amls/exams/{other.pk}/register/" in own
    assert "Your exam of" in cast.client("student").get("/amls/me/").content.decode()
    posted = cast.client("student").post(f"/amls/exams/{exam.pk}/register/")
    assert (posted.status_code, "This date is cancelled" in posted.content.decode()) == (409, True)


def test_the_tile_says_it_also_where_there_is_no_other_date(cast: Cast, exam: Exam) -> None:
    cancel(exam)
    page = cast.client("student").get("/amls/me/").content.decode()
    assert ("room is lost &lt;b&gt;" in page, "All exam dates" in page) == (True, True)


def test_the_desk_says_it_and_leads_to_holding_it(cast: Cast, exam: Exam) -> None:
    cancel(exam)
    staff = cast.client("lecturer")
    for address, leads in (("/admin/exams/exam/", False), (f"/admin/exams/exam/{exam.pk}/change/", True)):
        page = staff.get(address, follow=True).content.decode()
        assert ("cancelled: Łukasz" in page, "Hold it after all" in page) == (True, leads)
    hold(exam, minutes=1)
    page = staff.get(f"/admin/exams/exam/{exam.pk}/change/").content.decode()
    assert f'href="/amls/exams/{exam.pk}/staff/cancel/"' in page


def test_the_gradebook_has_no_column_for_it_and_own_data_say_it(cast: Cast, exam: Exam, other: Exam) -> None:
    cancel(exam)
    assert [row.pk for row in columns_of(cast.course).exams] == [other.pk]
    own = dict(tell(cast.student.user))["registrations.json"][0]
    assert (own["state"], own["state_until_cancelled"], own["date_cancelled_because"]) == ("cancelled", "registered", WHY)  # fmt: skip


# ── two dates at one place ──


def test_dates_at_one_place_that_overlap_are_said(cast: Cast, exam: Exam, other: Exam) -> None:
    Exam.objects.filter(pk=exam.pk).update(place="TEL 512 Größe", duration_minutes=30)
    start = Exam.objects.get(pk=exam.pk).starts_at
    Exam.objects.filter(pk=other.pk).update(place=" tel 512  größe", starts_at=start + timedelta(minutes=15))
    said = overlaps_of(Exam.objects.get(pk=other.pk))
    assert [("overlap" in text, "TEL 512" in text.upper()) for text in said] == [(True, True)]
    Exam.objects.filter(pk=other.pk).update(starts_at=start + timedelta(minutes=30))
    assert overlaps_of(Exam.objects.get(pk=other.pk)) == []
    Exam.objects.filter(pk=other.pk).update(starts_at=start, place="elsewhere")
    assert overlaps_of(Exam.objects.get(pk=other.pk)) == []
    for row in (exam, other):
        Room.objects.create(exam=row, name="H 0107")
    assert len(overlaps_of(Exam.objects.get(pk=other.pk))) == 1
    cancel(exam)
    assert overlaps_of(Exam.objects.get(pk=other.pk)) == []


def typed_at_the_desk(cast: Cast, staff: Client, address: str, **values: Any) -> dict[str, str]:
    """Return what the desk's form of a date sends."""
    data: dict[str, Any] = {"rooms-TOTAL_FORMS": "0", "rooms-INITIAL_FORMS": "0"}
    for bound in staff.get(address).context["adminform"].form:
        value = values.get(bound.name, bound.value())
        if isinstance(value, datetime):
            local = value.astimezone(cast.course.zone)
            data |= {f"{bound.name}_0": local.strftime("%Y-%m-%d"), f"{bound.name}_1": local.strftime("%H:%M")}
        elif value is not None:
            data[bound.name] = str(value)
    return data


def test_the_desk_says_before_saving_that_two_dates_overlap(cast: Cast, exam: Exam, other: Exam) -> None:
    Exam.objects.filter(pk__in=[exam.pk, other.pk]).update(place="TEL 512", examiners="Dr. Größe")
    staff, address = cast.client("lecturer"), f"/admin/exams/exam/{exam.pk}/change/"
    start = Exam.objects.get(pk=other.pk).starts_at + timedelta(minutes=15)
    data = typed_at_the_desk(cast, staff, address, starts_at=start)
    asked = " ".join(staff.post(address, data).content.decode().split())
    assert ("they overlap: TEL 512" in asked, "they overlap: Dr. Größe" in asked) == (True, True)
    assert Exam.objects.get(pk=exam.pk).starts_at == exam.starts_at
    assert agree_to(staff, address, data).status_code == 302
    assert abs(Exam.objects.get(pk=exam.pk).starts_at - start) < timedelta(minutes=1)
    # Whoever changes something else afterwards is not asked once more.
    data = typed_at_the_desk(cast, staff, address, max_points=90)
    assert staff.post(address, data).status_code == 302
    assert Exam.objects.get(pk=exam.pk).max_points == 90


def test_a_new_date_says_before_it_is_saved_what_it_overlaps(cast: Cast, exam: Exam) -> None:
    Exam.objects.filter(pk=exam.pk).update(examiners="Prof. Boehm, Dr. Größe", place="TEL 512")
    staff, address = cast.client("lecturer"), "/admin/exams/exam/add/"
    data = typed_at_the_desk(
        cast, staff, address, course=cast.course.pk, kind="oral", starts_at=exam.starts_at, place="MAR 4",
        examiners="dr. größe",
    )  # fmt: skip
    asked = " ".join(staff.post(address, data).content.decode().split())
    assert ("they overlap: dr. größe" in asked, Exam.objects.count()) == (True, 1)
    assert agree_to(staff, address, data).status_code == 302
    assert Exam.objects.count() == 2


def test_whoever_holds_a_date_after_all_reads_before_what_it_overlaps(cast: Cast, exam: Exam, other: Exam) -> None:
    cancel(exam)
    Exam.objects.filter(pk__in=[exam.pk, other.pk]).update(place="TEL 512", starts_at=other.starts_at)
    page = cast.client("lecturer").get(f"/amls/exams/{exam.pk}/staff/hold-after-all/").content.decode()
    assert "they overlap: TEL 512" in page
