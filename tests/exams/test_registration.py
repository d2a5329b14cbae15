"""Sign-up: windows to the second, the waiting list, moves, and what staff do by hand."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from amls.agenda.models import AgendaItem
from amls.agenda.services import reconcile
from amls.core.markdown import plain_text
from amls.core.violations import RuleViolation
from amls.courses.models import Course, Enrolment
from amls.courses.participation import leave_course
from amls.held.services import HOLD
from amls.mail.letters import letter_kinds
from amls.mail.models import Notice
from exams.models import Accommodation, Exam, Registration, Room, Seat
from exams.services.closing import close_exam
from exams.services.door import mark_the_rest_absent
from exams.services.otherdate import move
from exams.services.registration import excuse, register, staff_register, staff_withdraw, withdraw
from exams.services.seatcount import set_capacity
from tests.cast import Cast
from tests.exams.conftest import Rings
from tests.exams.people import make_students
from tests.factories import OpenExamFactory

pytestmark = pytest.mark.django_db
JUNE = datetime(2024, 6, 20, 10, tzinfo=UTC)
AFTER = datetime(2024, 7, 19, 10, tzinfo=UTC)
LATE = datetime(2024, 7, 16, 10, tzinfo=UTC)


@pytest.fixture
def exam(cast: Cast) -> Exam:
    return OpenExamFactory.create(course=cast.course)


@pytest.fixture
def august(cast: Cast) -> Exam:
    return OpenExamFactory.create(
        course=cast.course,
        starts_at=datetime(2024, 8, 10, 12, tzinfo=UTC),
        closes_at=datetime(2024, 8, 3, 21, 59, tzinfo=UTC),
        withdraw_until=datetime(2024, 8, 7, 21, 59, tzinfo=UTC),
    )


def states(exam: Exam) -> list[str]:
    """Return the state of everyone in the order of sign-up."""
    return list(Registration.objects.filter(exam=exam).order_by("pk").values_list("state", flat=True))


def counters(exam: Exam) -> tuple[int, int]:
    exam.refresh_from_db()
    rows = Registration.objects.filter(exam=exam)
    assert (exam.seats_taken, exam.waiting) == (rows.holding().count(), rows.filter(state="waitlisted").count())
    return exam.seats_taken, exam.waiting


def violation(act: Callable[[], object]) -> str:
    with pytest.raises(RuleViolation) as caught:
        act()
    return caught.value.code


def test_seats_first_then_the_waiting_list_in_order(cast: Cast, exam: Exam) -> None:
    people = make_students(cast.course, 4)
    registrations = [register(enrolment=person, exam_pk=exam.pk, now=JUNE) for person in people]
    assert [(registration.state, registration.position) for registration in registrations] == [
        ("registered", None), ("registered", None), ("waitlisted", 1), ("waitlisted", 2),
    ]  # fmt: skip
    assert counters(exam) == (2, 2)


def test_pressed_twice_it_is_one_registration_and_one_mail(cast: Cast, exam: Exam) -> None:
    first = register(enrolment=cast.student, exam_pk=exam.pk, now=JUNE)
    again = register(enrolment=cast.student, exam_pk=exam.pk, now=JUNE + timedelta(milliseconds=80))
    assert again.pk == first.pk
    assert counters(exam) == (1, 0)
    assert [notice.kind for notice in Notice.objects.all()] == ["exams.registered"]


@pytest.mark.parametrize(
    ("moment", "code"),
    [
        (datetime(2024, 6, 1, 5, 59, 59, 999999, tzinfo=UTC), "sign-up-not-open"),
        (datetime(2024, 6, 1, 6, 0, tzinfo=UTC), None),
        (datetime(2024, 7, 11, 21, 59, 59, 999999, tzinfo=UTC), None),
        (datetime(2024, 7, 11, 22, 0, tzinfo=UTC), "sign-up-closed"),
    ],
)
def test_the_window_opens_sharp_and_its_last_minute_counts(
    cast: Cast, exam: Exam, moment: datetime, code: str | None
) -> None:
    if code is None:
        assert register(enrolment=cast.student, exam_pk=exam.pk, now=moment).state == "registered"
    else:
        assert violation(lambda: register(enrolment=cast.student, exam_pk=exam.pk, now=moment)) == code


@pytest.mark.parametrize(
    ("moment", "may"),
    [
        (datetime(2024, 7, 15, 21, 59, 59, tzinfo=UTC), True),
        (datetime(2024, 7, 15, 22, 0, tzinfo=UTC), False),
    ],
)
def test_the_last_minute_to_withdraw_counts_whole(cast: Cast, exam: Exam, moment: datetime, may: bool) -> None:
    register(enrolment=cast.student, exam_pk=exam.pk, now=JUNE)
    if may:
        withdraw(enrolment=cast.student, exam_pk=exam.pk, now=moment)
        assert counters(exam) == (0, 0)
    else:
        act = lambda: withdraw(enrolment=cast.student, exam_pk=exam.pk, now=moment)  # noqa: E731
        assert violation(act) == "too-late-to-withdraw"
        assert counters(exam) == (1, 0)


def test_a_withdrawal_promotes_the_first_who_waits_and_tells_them(cast: Cast, exam: Exam) -> None:
    people = make_students(cast.course, 5)
    for person in people:
        register(enrolment=person, exam_pk=exam.pk, now=JUNE)
    withdraw(enrolment=people[0], exam_pk=exam.pk, now=JUNE)
    assert states(exam) == ["withdrawn", "registered", "registered", "waitlisted", "waitlisted"]
    told = Notice.objects.get(kind="exams.promoted")
    assert told.recipient_id == people[2].user_id
    # Who was promoted and gives up in turn leaves the seat to the next.
    withdraw(enrolment=people[2], exam_pk=exam.pk, now=JUNE)
    assert states(exam) == ["withdrawn", "registered", "withdrawn", "registered", "waitlisted"]
    assert counters(exam) == (2, 1)


def test_who_leaves_the_waiting_list_and_returns_starts_at_its_end(cast: Cast, exam: Exam) -> None:
    people = make_students(cast.course, 4)
    for person in people:
        register(enrolment=person, exam_pk=exam.pk, now=JUNE)
    withdraw(enrolment=people[2], exam_pk=exam.pk, now=JUNE)
    back = register(enrolment=people[2], exam_pk=exam.pk, now=JUNE)
    assert back.position == 3
    withdraw(enrolment=people[0], exam_pk=exam.pk, now=JUNE)
    assert Registration.objects.active().get(enrolment=people[3]).state == "registered"
    assert Registration.objects.active().get(enrolment=people[2]).state == "waitlisted"


def test_signing_up_and_off_all_day_moves_the_line_ten_times_and_the_seat_can_still_be_given_up(
    cast: Cast, exam: Exam, august: Exam
) -> None:
    for _time in range(5):
        register(enrolment=cast.student, exam_pk=exam.pk, now=JUNE)
        move(enrolment=cast.student, exam_pk=august.pk, now=JUNE)
        withdraw(enrolment=cast.student, exam_pk=august.pk, now=JUNE)
    assert violation(lambda: register(enrolment=cast.student, exam_pk=exam.pk, now=JUNE)) == "too-often"
    tomorrow = JUNE + timedelta(days=1)
    for _time in range(10):
        register(enrolment=cast.student, exam_pk=exam.pk, now=tomorrow)
        withdraw(enrolment=cast.student, exam_pk=exam.pk, now=tomorrow)
    # By hand it is the staff's decision.
    staff_register(enrolment=cast.student, exam_pk=exam.pk, reason="Came to the desk", now=tomorrow)
    assert violation(lambda: move(enrolment=cast.student, exam_pk=august.pk, now=tomorrow)) == "too-often"
    assert withdraw(enrolment=cast.student, exam_pk=exam.pk, now=tomorrow).state == "withdrawn"


def test_nobody_is_promoted_after_the_last_moment_to_withdraw(cast: Cast, exam: Exam) -> None:
    people = make_students(cast.course, 3)
    for person in people:
        register(enrolment=person, exam_pk=exam.pk, now=JUNE)
    held = Registration.objects.get(enrolment=people[0])
    staff_withdraw(registration_pk=held.pk, reason="Asked by mail", now=LATE)
    set_capacity(exam_pk=exam.pk, capacity=10, now=LATE)
    assert states(exam) == ["withdrawn", "registered", "waitlisted"]
    # The seats would stay empty: the staff give them to whom they choose.
    new = staff_register(enrolment=cast.student, exam_pk=exam.pk, reason="Forgot it", now=LATE)
    assert new.state == "registered"
    assert counters(exam) == (2, 1)


def test_once_nobody_moves_up_free_seats_are_given_by_hand_also_to_who_waits(cast: Cast, exam: Exam) -> None:
    people = make_students(cast.course, 4)
    for person in people:
        register(enrolment=person, exam_pk=exam.pk, now=JUNE)

    def by_hand(enrolment: Enrolment, now: datetime = LATE) -> Registration:
        return staff_register(enrolment=enrolment, exam_pk=exam.pk, reason="Certificate", now=now, tells_at=now + HOLD)

    # While people move up there is a line, for staff too.
    assert (by_hand(people[3], JUNE).state, by_hand(cast.student, JUNE).state) == ("waitlisted", "waitlisted")
    assert violation(lambda: by_hand(people[3])) == "exam-full"
    assert violation(lambda: by_hand(cast.other_student)) == "exam-full"
    set_capacity(exam_pk=exam.pk, capacity=4, now=LATE)
    assert states(exam) == ["registered", "registered", "waitlisted", "waitlisted", "waitlisted"]
    given = by_hand(people[3])
    assert (given.state, given.position, given.is_walk_in, given.reason) == ("registered", None, False, "Certificate")
    notice = Notice.objects.get(kind="exams.promoted")
    assert (notice.recipient, notice.not_before) == (people[3].user, LATE + HOLD)
    letter = letter_kinds[notice.kind].writer(notice, LATE + HOLD)
    assert letter is not None
    assert "You no longer wait: you have a seat" in plain_text(letter.text)
    assert by_hand(cast.other_student).state == "registered"
    assert counters(exam) == (4, 2)
    assert violation(lambda: by_hand(people[2])) == "exam-full"
    # Whoever holds a seat keeps it, and nothing else.
    assert by_hand(people[0]).reason == ""
    assert counters(exam) == (4, 2)


def test_a_grown_capacity_promotes_in_order_and_a_smaller_one_takes_nobodys_seat(cast: Cast, exam: Exam) -> None:
    people = make_students(cast.course, 6)
    for person in people:
        register(enrolment=person, exam_pk=exam.pk, now=JUNE)
    promoted = set_capacity(exam_pk=exam.pk, capacity=4, now=JUNE)
    assert [registration.enrolment_id for registration in promoted] == [people[2].pk, people[3].pk]
    assert violation(lambda: set_capacity(exam_pk=exam.pk, capacity=3, now=JUNE)) == "capacity-too-low"
    set_capacity(exam_pk=exam.pk, capacity=None, now=JUNE)
    assert states(exam) == ["registered"] * 6
    assert counters(exam) == (6, 0)


def test_one_registration_per_person_until_it_ends(cast: Cast, exam: Exam, august: Exam) -> None:
    register(enrolment=cast.student, exam_pk=exam.pk, now=JUNE)
    assert violation(lambda: register(enrolment=cast.student, exam_pk=august.pk, now=JUNE)) == "other-exam"
    assert violation(lambda: close_exam(exam_pk=exam.pk, now=JUNE)) == "exam-not-over"
    close_exam(exam_pk=exam.pk, now=AFTER)
    assert register(enrolment=cast.student, exam_pk=august.pk, now=AFTER).state == "registered"
    assert violation(lambda: close_exam(exam_pk=exam.pk, now=AFTER)) == "exam-closed"


def test_a_move_keeps_the_seat_until_the_new_one_is_certain(cast: Cast, exam: Exam, august: Exam) -> None:
    people = make_students(cast.course, 5)
    for person in people[:3]:
        register(enrolment=person, exam_pk=exam.pk, now=JUNE)
    moved = move(enrolment=people[0], exam_pk=august.pk, now=JUNE)
    assert (moved.exam_id, moved.state) == (august.pk, "registered")
    # The seat that was left goes to the first who waited.
    assert states(exam) == ["withdrawn", "registered", "registered"]
    register(enrolment=people[3], exam_pk=august.pk, now=JUNE)
    assert violation(lambda: move(enrolment=people[1], exam_pk=august.pk, now=JUNE)) == "target-full"
    assert Registration.objects.active().get(enrolment=people[1]).exam_id == exam.pk
    assert (counters(exam), counters(august)) == ((2, 0), (2, 0))
    assert violation(lambda: move(enrolment=people[4], exam_pk=exam.pk, now=JUNE)) == "not-registered"
    assert violation(lambda: move(enrolment=people[0], exam_pk=exam.pk, now=LATE)) == "sign-up-closed"


def test_who_waits_may_move_to_a_free_date(cast: Cast, exam: Exam, august: Exam) -> None:
    people = make_students(cast.course, 3)
    for person in people:
        register(enrolment=person, exam_pk=exam.pk, now=JUNE)
    assert move(enrolment=people[2], exam_pk=august.pk, now=LATE).state == "registered"
    assert (counters(exam), counters(august)) == ((2, 0), (1, 0))


def test_another_courses_exam_is_no_exam(cast: Cast) -> None:
    foreign = OpenExamFactory.create(course=cast.other_course)
    for act in (register, move, withdraw):
        with pytest.raises((Exam.DoesNotExist, RuleViolation)):
            act(enrolment=cast.student, exam_pk=foreign.pk, now=JUNE)
    assert not Registration.objects.exists()


def test_staff_do_not_register_themselves_and_a_closed_course_takes_nobody(cast: Cast, exam: Exam) -> None:
    assert violation(lambda: register(enrolment=cast.assistant, exam_pk=exam.pk, now=JUNE)) == "not-a-student"
    cast.course.state = "archived"
    cast.course.save()
    enrolment = Enrolment.objects.select_related("course", "user").get(pk=cast.student.pk)
    assert violation(lambda: register(enrolment=enrolment, exam_pk=exam.pk, now=JUNE)) == "course-not-running"
    # Staff still can.
    assert staff_register(enrolment=enrolment, exam_pk=exam.pk, reason="October", now=JUNE).state == "registered"


def test_by_hand_only_with_a_reason(cast: Cast, exam: Exam) -> None:
    held = register(enrolment=cast.student, exam_pk=exam.pk, now=JUNE)
    for act in (
        lambda: staff_register(enrolment=cast.other_student, exam_pk=exam.pk, reason=" ", now=JUNE),
        lambda: staff_withdraw(registration_pk=held.pk, reason="", now=JUNE),
        lambda: excuse(registration_pk=held.pk, reason="", now=JUNE),
    ):
        assert violation(act) == "no-reason"
    excused = excuse(registration_pk=held.pk, reason="Certificate of Jul 17", now=AFTER)
    assert (excused.state, excused.closed_at) == ("excused", AFTER)
    assert violation(lambda: excuse(registration_pk=held.pk, reason="x", now=AFTER)) == "registration-ended"


def test_a_walk_in_needs_a_free_seat_and_no_place_in_the_line(cast: Cast, exam: Exam) -> None:
    people = make_students(cast.course, 3)
    for person in people:
        register(enrolment=person, exam_pk=exam.pk, now=JUNE)

    def act() -> Registration:
        return staff_register(
            enrolment=cast.student, exam_pk=exam.pk, reason="Walk-in", now=exam.starts_at, is_walk_in=True
        )

    assert violation(act) == "exam-full"
    set_capacity(exam_pk=exam.pk, capacity=3, now=exam.starts_at)
    assert act().state == "registered"
    assert counters(exam) == (3, 1)


def test_who_waits_and_comes_to_the_door_takes_a_seat_that_stays_free(cast: Cast, exam: Exam) -> None:
    people = make_students(cast.course, 4)
    for person in people:
        register(enrolment=person, exam_pk=exam.pk, now=JUNE)

    def come(enrolment: Enrolment) -> Registration:
        return staff_register(enrolment=enrolment, exam_pk=exam.pk, reason="At the door", now=LATE, is_walk_in=True)

    assert violation(lambda: come(people[3])) == "exam-full"
    staff_withdraw(registration_pk=Registration.objects.get(enrolment=people[0]).pk, reason="Ill", now=LATE)
    # After the last moment to withdraw nobody moves up; whoever of them comes may sit there.
    assert states(exam) == ["withdrawn", "registered", "waitlisted", "waitlisted"]
    came = come(people[3])
    assert (came.state, came.position, came.is_walk_in) == ("registered", None, True)
    assert counters(exam) == (2, 1)
    assert violation(lambda: come(people[2])) == "exam-full"


def test_a_certificate_counts_when_the_exam_is_closed_already(cast: Cast, exam: Exam, august: Exam) -> None:
    held = register(enrolment=cast.student, exam_pk=exam.pk, now=JUNE)
    mark_the_rest_absent(exam_pk=exam.pk, now=AFTER)
    close_exam(exam_pk=exam.pk, now=AFTER)
    register(enrolment=cast.student, exam_pk=august.pk, now=AFTER)
    excuse(registration_pk=held.pk, reason="Certificate of Jul 18", now=AFTER)
    assert states(exam) == ["excused"]
    assert counters(exam) == (0, 0)
    assert states(august) == ["registered"]
    # Once is enough, and closed is still too late to withdraw.
    assert violation(lambda: excuse(registration_pk=held.pk, reason="Again", now=AFTER)) == "registration-ended"
    other = register(enrolment=cast.other_student, exam_pk=august.pk, now=AFTER)
    close_exam(exam_pk=august.pk, now=august.ends_at)
    gone = lambda: staff_withdraw(registration_pk=other.pk, reason="Late", now=august.ends_at)  # noqa: E731
    assert violation(gone) == "registration-ended"


def test_a_freed_seat_in_the_room_is_free_again(cast: Cast, exam: Exam) -> None:
    held = register(enrolment=cast.student, exam_pk=exam.pk, now=JUNE)
    Seat.objects.create(room=Room.objects.create(exam=exam, name="H 0107"), row=1, number=1, registration=held)
    withdraw(enrolment=cast.student, exam_pk=exam.pk, now=JUNE)
    assert not Seat.objects.exists()


def test_who_stands_on_an_exams_list_does_not_leave_the_course(cast: Cast, exam: Exam) -> None:
    registration = register(enrolment=cast.student, exam_pk=exam.pk, now=JUNE)

    def said() -> str:
        with pytest.raises(RuleViolation) as refused:
            leave_course(enrolment=cast.student)
        return str(refused.value.message)

    assert said() == "You are registered for an exam. Withdraw from it first."
    on_record = "Your exams are on record in this course, so you stay in it. Ask its staff if that is wrong."
    # Where nobody can withdraw any more, nobody is told to.
    Course.objects.filter(pk=cast.course.pk).update(state=Course.State.ARCHIVED)
    assert said() == on_record
    Course.objects.filter(pk=cast.course.pk).update(state=Course.State.RUNNING)
    Registration.objects.filter(pk=registration.pk).update(state=Registration.State.ATTENDED, arrived_at=JUNE)
    assert said() == on_record
    assert Enrolment.objects.filter(pk=cast.student.pk).exists()


@pytest.mark.parametrize("state", ["registered", "waitlisted", "withdrawn", "excused"])
def test_letters_say_what_is_true_when_they_are_sent(cast: Cast, exam: Exam, state: str) -> None:
    exam.capacity = 0 if state == "waitlisted" else 2
    exam.save()
    held = register(enrolment=cast.student, exam_pk=exam.pk, now=JUNE)
    if state == "withdrawn":
        withdraw(enrolment=cast.student, exam_pk=exam.pk, now=JUNE)
    if state == "excused":
        excuse(registration_pk=held.pk, reason="Certificate", now=JUNE)
    letters = {notice.kind: letter_kinds[notice.kind].writer(notice, JUNE) for notice in Notice.objects.all()}
    subjects = {kind: letter.subject for kind, letter in letters.items() if letter is not None}
    assert (
        subjects
        == {
            "registered": {"exams.registered": "You are registered for Written exam"},
            "waitlisted": {"exams.registered": "You are on the waiting list for Written exam"},
            "withdrawn": {"exams.withdrawn": "You are withdrawn from Written exam"},
            "excused": {"exams.excused": "You are excused from Written exam"},
        }[state]
    )
    for letter in letters.values():
        assert letter is None or ("Thu 18 Jul 2024, 16:00 (Europe/Berlin)" in plain_text(letter.text) and letter.action == ("See my exams", "/amls/exams/"))  # fmt: skip


def test_the_own_calendar_follows_with_room_seat_and_end_time(cast: Cast, exam: Exam, rings: Rings) -> None:
    reconcile(cast.course, now=JUNE)
    Accommodation.objects.create(course=cast.course, enrolment=cast.student, extra_minutes=23)
    key = f"exams.exam:{exam.pk}"

    def own() -> AgendaItem | None:
        return AgendaItem.objects.filter(enrolment=cast.student, key=key, is_removed=False).first()

    with rings():
        held = register(enrolment=cast.student, exam_pk=exam.pk, now=JUNE)
    row = own()
    assert row is not None
    assert (row.title, row.ends_at) == ("Written exam (registered)", exam.ends_at + timedelta(minutes=23))
    assert AgendaItem.objects.get(enrolment=cast.student, key=f"{key}:signup-closes").is_done
    base = AgendaItem.objects.base().get(key=key)
    assert (row.uid, base.title, base.ends_at) == (base.uid, "Written exam", exam.ends_at)
    Seat.objects.create(room=Room.objects.create(exam=exam, name="H 0107"), row=3, number=7, registration=held)
    with rings():
        withdraw(enrolment=cast.student, exam_pk=exam.pk, now=JUNE)
    assert own() is None


def test_a_moved_exam_moves_in_every_own_calendar(cast: Cast, exam: Exam, rings: Rings) -> None:
    from amls.courses.services import finish_course_change

    finish_course_change(cast.course, now=JUNE)
    with rings():
        register(enrolment=cast.student, exam_pk=exam.pk, now=JUNE)
    exam.starts_at += timedelta(hours=2)
    exam.save()
    finish_course_change(cast.course, now=JUNE + timedelta(hours=1))
    items = AgendaItem.objects.filter(key=f"exams.exam:{exam.pk}")
    assert [item.starts_at for item in items] == [exam.starts_at] * 2
