"""Who passes while they wait for another date leaves its waiting list, is told once, and has the place again if it is corrected."""

import threading
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.db import connection, transaction
from django.utils.timezone import now as the_time
from pytest_django import Settings

from amls.core.violations import RuleViolation
from amls.courses.models import Enrolment
from amls.held.services import HOLD
from amls.mail.letters import letter_kinds
from amls.mail.models import Notice
from exams import tasks
from exams.grading import usual_table
from exams.models import Exam, Registration
from exams.services.closing import close_exam
from exams.services.door import mark_the_rest_present
from exams.services.gradetable import set_grade_table
from exams.services.points import enter_points
from exams.services.registration import register, staff_register
from exams.services.removal import remove_result
from exams.services.results import publish_results
from exams.services.seatcount import set_capacity
from exams.services.two_dates import wait_beside
from exams.services.waitinglist import settle_waits
from tests.cast import Cast
from tests.exams.conftest import Rings
from tests.exams.people import make_students
from tests.exams.test_races import check
from tests.factories import OpenExamFactory
from tests.patience import SECONDS, wait_until
from tests.races import beside

pytestmark = pytest.mark.django_db
NOW = the_time()
TOLD = "exams.wait-changed"


def date(cast: Cast, days: int, capacity: int | None = None) -> Exam:
    return OpenExamFactory.create(
        course=cast.course, capacity=capacity, starts_at=NOW + timedelta(days=days), opens_at=NOW - timedelta(days=99),
        closes_at=None, withdraw_until=None,
    )  # fmt: skip


@pytest.fixture
def earlier(cast: Cast) -> Exam:
    """Return an exam of three days ago, closed, for which `student` has 90 points and `other_student` 10, as drafts."""
    exam = date(cast, 9)
    held = {who: register(enrolment=who, exam_pk=exam.pk, now=NOW) for who in (cast.student, cast.other_student)}
    Exam.objects.filter(pk=exam.pk).update(starts_at=NOW - timedelta(days=3))
    mark_the_rest_present(exam_pk=exam.pk, by=None, now=NOW)
    points = dict(zip((row.pk for row in held.values()), (Decimal(90), Decimal(10)), strict=True))
    enter_points(exam_pk=exam.pk, points=points, by=None, now=NOW)
    set_grade_table(exam_pk=exam.pk, steps=usual_table(exam.max_points).steps, now=NOW)
    close_exam(exam_pk=exam.pk, now=NOW)
    return exam


@pytest.fixture
def later(cast: Cast, earlier: Exam) -> Exam:
    """Return a date whose one seat somebody has, and for which these wait: `student`, `other_student`, and one more."""
    exam = date(cast, 30, capacity=1)
    holder, third = make_students(cast.course, 2)
    for who in (holder, cast.student, cast.other_student, third):
        register(enrolment=who, exam_pk=exam.pk, now=NOW)
    return exam


def place(who: Enrolment, exam: Exam) -> tuple[str, int | None]:
    """Return how somebody stands on a date, and their position on its waiting list."""
    row = Registration.objects.filter(enrolment=who, exam=exam).latest("pk")
    return row.state, row.position


def told(who: Enrolment, now: datetime) -> list[str]:
    """Return the subjects of what somebody reads of their wait, by then."""
    notices = Notice.objects.filter(kind=TOLD, recipient=who.user, not_before__lte=now)
    letters = [letter_kinds[TOLD].writer(notice, now) for notice in notices.order_by("pk")]
    return [letter.subject for letter in letters if letter is not None]


def correct(cast: Cast, exam: Exam, points: int, now: datetime) -> None:
    held = Registration.objects.get(exam=exam, enrolment=cast.student)
    enter_points(exam_pk=exam.pk, points={held.pk: Decimal(points)}, by=None, reason="Task 3, Größe", now=now)


def test_who_passes_leaves_the_list_is_told_once_and_the_page_says_why(
    cast: Cast, earlier: Exam, later: Exam, rings: Rings
) -> None:
    with rings():
        publish_results(exam_pk=earlier.pk, by=None, now=NOW)
    assert (place(cast.student, later), place(cast.other_student, later)) == (("withdrawn", None), ("waitlisted", 2))
    check(later)
    soon = the_time() + HOLD + timedelta(seconds=1)
    tasks.tend_exams()
    assert told(cast.student, soon) == ["You no longer wait for Written exam"]
    assert (told(cast.student, NOW), told(cast.other_student, soon)) == ([], [])
    # A result is in no mail.
    letter = letter_kinds[TOLD].writer(Notice.objects.get(kind=TOLD), soon)
    assert letter is not None
    assert not any(word in letter.text.lower() for word in ("pass", "fail", "grade"))
    page = BeautifulSoup(cast.client("student").get("/amls/exams/").content, "html.parser")
    card = page.select_one(f"#exam-{later.pk}")
    assert card is not None
    assert ("You no longer wait here: you have passed already" in " ".join(card.text.split()), "You are number" in card.text) == (True, False)  # fmt: skip
    staff = cast.client("assistant").get(f"/amls/exams/{later.pk}/staff/").content.decode()
    assert "no longer waits, having passed another date" in staff
    # The seat goes to the next one who needs it.
    set_capacity(exam_pk=later.pk, capacity=2, now=the_time())
    assert (place(cast.student, later)[0], place(cast.other_student, later)[0]) == ("withdrawn", "registered")
    check(later)


def test_who_has_passed_is_passed_over_before_any_worker_came(cast: Cast, earlier: Exam, later: Exam) -> None:
    publish_results(exam_pk=earlier.pk, by=None, now=NOW)
    assert place(cast.student, later) == ("waitlisted", 1)
    now = the_time()
    promoted = set_capacity(exam_pk=later.pk, capacity=2, now=now)
    assert [row.enrolment for row in promoted] == [cast.other_student]
    assert place(cast.student, later) == ("withdrawn", None)
    check(later)
    assert settle_waits(people=[cast.student.pk], now=now) == 0
    assert told(cast.student, now + HOLD) == ["You no longer wait for Written exam"]


def test_a_pass_that_is_corrected_gives_the_place_back(cast: Cast, earlier: Exam, later: Exam, rings: Rings) -> None:
    with rings():
        publish_results(exam_pk=earlier.pk, by=None, now=NOW)
    Notice.objects.filter(kind=TOLD).update(state="sent", sent_at=NOW)
    with rings():
        correct(cast, earlier, 5, the_time())
    assert place(cast.student, later) == ("waitlisted", 1)
    check(later)
    again = Notice.objects.filter(kind=TOLD).latest("pk")
    letter = letter_kinds[TOLD].writer(again, again.not_before)
    assert letter is not None
    assert letter.subject == "You wait for Written exam again"
    # They move up first, as they would have.
    assert [row.enrolment for row in set_capacity(exam_pk=later.pk, capacity=2, now=the_time())] == [cast.student]
    assert letter_kinds[TOLD].writer(again, again.not_before) is None


def test_a_slip_that_is_put_right_within_five_minutes_tells_nobody(
    cast: Cast, earlier: Exam, later: Exam, rings: Rings
) -> None:
    with rings():
        publish_results(exam_pk=earlier.pk, by=None, now=NOW)
    assert place(cast.student, later)[0] == "withdrawn"
    with rings():
        correct(cast, earlier, 5, the_time())
    assert place(cast.student, later) == ("waitlisted", 1)
    assert not Notice.objects.filter(kind=TOLD).exists()
    with rings():
        correct(cast, earlier, 90, the_time())
    assert place(cast.student, later)[0] == "withdrawn"
    with rings():
        remove_result(
            registration_pk=Registration.objects.get(exam=earlier, enrolment=cast.student).pk, exam_pk=earlier.pk,
            reason="The other Łukasz's", by=None, now=the_time(),
        )  # fmt: skip
    assert place(cast.student, later) == ("waitlisted", 1)
    assert not Notice.objects.filter(kind=TOLD).exists()
    check(later)


def test_a_seat_beside_stays_and_what_somebody_has_by_now_is_kept(cast: Cast, earlier: Exam, later: Exam) -> None:
    seat = date(cast, 40)
    Registration.objects.filter(exam=later, enrolment=cast.student).delete()
    Exam.objects.filter(pk=later.pk).update(waiting=2)
    register(enrolment=cast.student, exam_pk=seat.pk, now=NOW)
    wait_beside(enrolment=cast.student, exam_pk=later.pk, now=NOW)
    publish_results(exam_pk=earlier.pk, by=None, now=NOW)
    assert settle_waits(people=[cast.student.pk], now=the_time()) == 1
    assert (place(cast.student, later)[0], place(cast.student, seat)[0]) == ("withdrawn", "registered")
    correct(cast, earlier, 5, the_time())
    assert settle_waits(people=[cast.student.pk], now=the_time()) == 1
    back = Registration.objects.get(exam=later, enrolment=cast.student)
    assert (back.state, back.keeps_seat) == ("waitlisted", True)
    check(later)
    # Once more; and meanwhile the staff gave them a seat of this very date.
    correct(cast, earlier, 90, the_time())
    settle_waits(people=[cast.student.pk], now=the_time())
    Registration.objects.filter(exam=seat, enrolment=cast.student).update(state="withdrawn", closed_at=NOW)
    Exam.objects.filter(pk=later.pk).update(capacity=2)
    Registration.objects.filter(exam=later, state="waitlisted").update(state="withdrawn", position=None, closed_at=NOW)
    Exam.objects.filter(pk=later.pk).update(waiting=0)
    given = staff_register(enrolment=cast.student, exam_pk=later.pk, reason="Asked for it", now=the_time())
    correct(cast, earlier, 5, the_time())
    settle_waits(people=[cast.student.pk], now=the_time())
    assert list(Registration.objects.active().filter(enrolment=cast.student)) == [given]
    assert settle_waits(people=[cast.student.pk], now=the_time()) == 0


def test_staff_put_nobody_on_the_list_who_has_passed(cast: Cast, earlier: Exam, later: Exam, rings: Rings) -> None:
    with rings():
        publish_results(exam_pk=earlier.pk, by=None, now=NOW)
    with pytest.raises(RuleViolation, match="nobody waits who has passed") as caught:
        staff_register(enrolment=cast.student, exam_pk=later.pk, reason="x", now=the_time())
    assert caught.value.code == "passed-waits"
    check(later)


def test_nobody_who_has_passed_returns_once_the_date_has_begun(cast: Cast, earlier: Exam, later: Exam) -> None:
    publish_results(exam_pk=earlier.pk, by=None, now=NOW)
    settle_waits(people=[cast.student.pk], now=the_time())
    correct(cast, earlier, 5, the_time())
    Exam.objects.filter(pk=later.pk).update(starts_at=NOW)
    assert settle_waits(people=[cast.student.pk], now=the_time()) == 0
    notice = Notice.objects.get(kind=TOLD)
    assert letter_kinds[TOLD].writer(notice, the_time()) is None


def test_many_who_wait_cost_the_statements_of_few(cast: Cast, earlier: Exam, later: Exam, django_assert_num_queries: Any) -> None:  # fmt: skip
    # Nobody has passed: one statement looks, whoever waits.
    with django_assert_num_queries(1):
        settle_waits(course=cast.course, now=the_time())


@pytest.mark.django_db(transaction=True)
def test_who_is_moved_up_while_their_pass_is_being_published_is_passed_over(
    cast: Cast, earlier: Exam, later: Exam, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("celery.current_app.send_task", lambda *args, **kwargs: None)
    is_published = threading.Event()

    def move_up() -> None:
        assert is_published.wait(SECONDS)
        set_capacity(exam_pk=later.pk, capacity=2, now=the_time())

    def waits_for_it() -> bool:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE pg_backend_pid() = ANY (pg_blocking_pids(pid))")
            return bool(cursor.fetchone()[0])

    with beside(move_up), transaction.atomic():
        publish_results(exam_pk=earlier.pk, by=None, now=the_time())
        is_published.set()
        wait_until(waits_for_it)
    assert (place(cast.student, later)[0], place(cast.other_student, later)[0]) == ("withdrawn", "registered")
    check(later)


def test_of_a_closed_exam_those_may_register_for_a_later_date_who_have_not_passed(
    cast: Cast, earlier: Exam, settings: Settings
) -> None:
    settings.STAFF_NEEDS_SECOND_FACTOR = False
    Exam.objects.filter(pk=earlier.pk).update(closed_at=None)
    Registration.objects.filter(exam=earlier).update(closed_at=None)
    publish_results(exam_pk=earlier.pk, by=None, now=NOW)
    answer = cast.client("lecturer").post(f"/amls/exams/{earlier.pk}/staff/close/", {}, follow=True)
    shown = BeautifulSoup(answer.content, "html.parser")
    said = "The exam is closed: 1 person may register for a later date. 1 has passed and sits no other."
    assert said in " ".join(shown.get_text().split())
