"""Real threads on real connections: no seat twice, nobody overtaken, no deadlock."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from amls.courses.models import Course
from amls.courses.services import finish_course_change
from amls.mail.models import Notice
from exams.models import Exam, Registration
from exams.services.otherdate import move
from exams.services.registration import register, staff_withdraw, withdraw
from exams.services.seatcount import set_capacity
from exams.services.two_dates import wait_beside
from tests.agreement import agree_to, seal_in
from tests.cast import Cast, make_cast
from tests.exams.people import make_students
from tests.factories import CourseFactory, OpenExamFactory
from tests.races import Act, at_once, refusals

pytestmark = pytest.mark.django_db(transaction=True)
SEATS, PEOPLE, THREADS = 200, 1000, 32


@pytest.fixture(autouse=True)
def _silent_bell(monkeypatch: pytest.MonkeyPatch) -> None:
    # The doorbell is proven elsewhere; here it would only slow the threads down.
    monkeypatch.setattr("celery.current_app.send_task", lambda *args, **kwargs: None)


def soon(act: Callable[..., Any], **values: Any) -> Act:
    """Return the act, done at the time at which it is its turn."""
    return lambda: act(**values, now=timezone.now())


def open_exam(course: Course, capacity: int | None, days: int = 30) -> Exam:
    now = timezone.now()
    return OpenExamFactory.create(
        course=course, capacity=capacity, starts_at=now + timedelta(days=days), opens_at=now - timedelta(days=1),
        closes_at=now + timedelta(days=days - 2), withdraw_until=now + timedelta(days=days - 1),
    )  # fmt: skip


def check(exam: Exam) -> None:
    """The counters equal the rows, and no more people hold a seat than there are."""
    exam.refresh_from_db()
    rows = Registration.objects.filter(exam=exam)
    waiting = list(rows.waiting().values_list("position", flat=True))
    assert (exam.seats_taken, exam.waiting) == (rows.holding().count(), len(waiting))
    assert exam.capacity is None or exam.seats_taken <= exam.capacity
    assert len(set(waiting)) == len(waiting)
    assert all(position is not None and position <= exam.last_position for position in waiting)


def replay(exam: Exam) -> int:
    """Go through the history in the order of the lock; fail if anyone was overtaken. Return how many moved up."""
    events: Any = apps.get_model("exams", "RegistrationEvent").objects
    waiting: dict[int, int] = {}
    moved_up = 0
    in_order = events.filter(exam_id=exam.pk).order_by("pgh_id")
    for _moment, group in groupby(in_order, key=lambda event: event.changed_at):
        happened = list(group)
        promoted = []
        for event in happened:
            if event.state == "waitlisted":
                waiting[event.id] = event.position or 0
            elif event.id in waiting:
                position = waiting.pop(event.id)
                if event.state == "registered":
                    promoted.append(position)
            elif event.state == "registered":
                assert not waiting, "Somebody got a seat past those who wait."
        assert not promoted or not waiting or max(promoted) < min(waiting.values())
        moved_up += len(promoted)
    return moved_up


def test_200_seats_for_1000_people_who_press_twice() -> None:
    course = CourseFactory.create()
    exam = open_exam(course, SEATS)
    people = make_students(course, PEOPLE)
    clicks: list[Act] = [soon(register, enrolment=enrolment, exam_pk=exam.pk) for enrolment in people * 2]
    random.Random(1).shuffle(clicks)
    assert refusals(at_once(clicks, threads=THREADS)) == {}
    rows = Registration.objects.filter(exam=exam)
    registered = list(rows.filter(state="registered").order_by("pk").values_list("pk", flat=True))
    waiting = list(rows.waiting().values_list("pk", "position"))
    assert (len(registered), len(waiting), rows.count()) == (SEATS, PEOPLE - SEATS, PEOPLE)
    assert rows.values("enrolment").distinct().count() == PEOPLE
    # Keys are drawn under the lock: their order is the order of arrival at it.
    assert [position for _pk, position in waiting] == list(range(1, PEOPLE - SEATS + 1))
    assert [pk for pk, _position in waiting] == sorted(pk for pk, _position in waiting)
    assert max(registered) < waiting[0][0]
    assert Notice.objects.filter(kind="exams.registered").count() == PEOPLE
    check(exam)


def test_24_threads_mix_everything() -> None:
    course = CourseFactory.create()
    exams = [open_exam(course, 15), open_exam(course, 10, days=50)]
    people = make_students(course, 60)
    chance = random.Random(7)
    acts: list[Act] = []
    for _turn in range(900):
        enrolment, exam, other = chance.choice(people), *chance.sample(exams, 2)
        pk, other_pk = exam.pk, other.pk
        acts.append(
            chance.choices(
                [
                    soon(register, enrolment=enrolment, exam_pk=pk),
                    soon(withdraw, enrolment=enrolment, exam_pk=pk),
                    soon(move, enrolment=enrolment, exam_pk=other_pk),
                    soon(wait_beside, enrolment=enrolment, exam_pk=other_pk),
                    soon(set_capacity, exam_pk=pk, capacity=chance.randint(5, 25)),
                    soon(_remove, enrolment_pk=enrolment.pk),
                ],
                [50, 25, 15, 15, 5, 5],
            )[0]
        )
    assert refusals(at_once(acts, threads=24)).keys() >= {"other-exam", "not-registered"}
    for exam in exams:
        check(exam)
    assert sum(replay(exam) for exam in exams) > 10
    active = Registration.objects.main().values_list("enrolment", flat=True)
    assert len(set(active)) == len(active)
    kept = Registration.objects.filter(keeps_seat=True).values_list("enrolment", flat=True)
    holding = Registration.objects.main().holding().values_list("enrolment", flat=True)
    assert set(kept) <= set(holding)


def _remove(*, enrolment_pk: int, now: datetime) -> None:
    held = Registration.objects.active().filter(enrolment=enrolment_pk).first()
    if held is not None:
        staff_withdraw(registration_pk=held.pk, reason="By hand", now=now)


def test_a_move_whose_target_fills_at_the_same_moment_loses_nothing() -> None:
    course = CourseFactory.create()
    source, target = open_exam(course, 40), open_exam(course, 10, days=50)
    movers, newcomers = make_students(course, 30), make_students(course, 30, prefix="n")
    for enrolment in movers:
        register(enrolment=enrolment, exam_pk=source.pk, now=timezone.now())
    acts: list[Act] = []
    for mover, newcomer in zip(movers, newcomers, strict=True):
        acts += [
            soon(move, enrolment=mover, exam_pk=target.pk),
            soon(register, enrolment=newcomer, exam_pk=target.pk),
        ]
    refused = refusals(at_once(acts, threads=24))
    assert refused.keys() == {"target-full"}
    held = Registration.objects.filter(enrolment__in=movers, state="registered")
    assert held.count() == len(movers)
    moved = held.filter(exam=target).count()
    assert refused.total() == len(movers) - moved
    assert Registration.objects.filter(exam=target, state="registered").count() == 10
    check(source)
    check(target)


def test_seats_that_are_exchanged_from_both_sides_at_once_are_sold_once() -> None:
    course = CourseFactory.create()
    early, late = open_exam(course, 10), open_exam(course, 10, days=50)
    early_people, late_people = make_students(course, 10), make_students(course, 10, prefix="n")
    for exam, people in ((early, early_people), (late, late_people)):
        for enrolment in people:
            register(enrolment=enrolment, exam_pk=exam.pk, now=timezone.now())
    waits: list[Act] = [soon(wait_beside, enrolment=enrolment, exam_pk=late.pk) for enrolment in early_people * 2]
    waits += [soon(wait_beside, enrolment=enrolment, exam_pk=early.pk) for enrolment in late_people * 2]
    assert refusals(at_once(waits, threads=16)) == {}
    assert Registration.objects.filter(keeps_seat=True).count() == 20
    # One seat on each side: each sets off a chain of exchanges, and both go through the same two dates.
    gone: list[Act] = [soon(set_capacity, exam_pk=exam.pk, capacity=11) for exam in (early, late)]
    gone += [
        soon(withdraw, enrolment=early_people[0], exam_pk=early.pk),
        soon(withdraw, enrolment=late_people[0], exam_pk=late.pk),
    ]
    assert refusals(at_once(gone)).keys() <= {"too-late-to-withdraw", "not-registered"}
    for exam in (early, late):
        check(exam)
    everybody = {enrolment.pk for enrolment in [*early_people, *late_people]}
    main = Registration.objects.main().values_list("enrolment", flat=True)
    assert len(set(main)) == len(main)
    # Nobody lost a seat but those who gave one up by themselves.
    assert everybody - set(main) <= {early_people[0].pk, late_people[0].pk}


def test_one_person_who_signs_up_for_two_dates_at_once_holds_one() -> None:
    course = CourseFactory.create()
    exams = [open_exam(course, 5), open_exam(course, 5, days=50)]
    people = make_students(course, 5)
    acts: list[Act] = [soon(register, enrolment=person, exam_pk=exam.pk) for person in people for exam in exams]
    assert refusals(at_once(acts)) == {"other-exam": 5}
    assert Registration.objects.active().count() == 5
    for exam in exams:
        check(exam)


def test_sign_ups_and_staff_edits_of_the_same_exam_do_not_lock_each_other_out(settings: Settings) -> None:
    settings.STAFF_NEEDS_SECOND_FACTOR = False
    cast: Cast = make_cast()
    exam = open_exam(cast.course, 20)
    people = make_students(cast.course, 60)
    address = reverse("admin:exams_exam_change", args=[exam.pk])
    zone = cast.course.zone
    start = exam.starts_at.astimezone(zone)

    data: dict[str, str] = {}
    page = cast.client("lecturer").get(address)
    for bound in page.context["adminform"].form:
        value = bound.value()
        if isinstance(value, datetime):
            local = value.astimezone(zone)
            data |= {f"{bound.name}_0": local.strftime("%Y-%m-%d"), f"{bound.name}_1": local.strftime("%H:%M")}
        elif value is not None:
            data[bound.name] = str(value)
    data |= {"rooms-TOTAL_FORMS": "0", "rooms-INITIAL_FORMS": "0"}

    def edit(place: str) -> Act:
        def act() -> None:
            client, changed = cast.client("lecturer"), {**data, "place": place, "capacity": str(20 + int(place[-1]))}
            answer = client.post(address, changed)
            while seal_in(answer):  # again, where others changed what was shown
                answer = agree_to(client, address, changed, answer)
            # A smaller capacity than there are people is refused, with a reason.
            refused = "The capacity can&#x27;t be lower" in answer.content.decode()
            assert (answer.status_code, refused) in ((302, False), (200, True))

        return act

    acts: list[Act] = []
    for number, enrolment in enumerate(people):
        acts.append(soon(register, enrolment=enrolment, exam_pk=exam.pk))
        if number % 10 == 0:
            acts.append(edit(f"H 010{number // 10}"))
            acts.append(lambda: finish_course_change(cast.course, now=timezone.now()))
    at_once(acts, threads=12)
    check(exam)
    assert exam.starts_at.astimezone(zone).date() == start.date()
    assert exam.place.startswith("H 010")
    replay(exam)


@pytest.fixture
def statements() -> Callable[[Act], list[str]]:
    """Run something; return the statements from the exam's lock to the commit."""

    def run(act: Act) -> list[str]:
        with CaptureQueriesContext(connection) as captured:
            act()
        said = [query["sql"] for query in captured]
        locked = next(position for position, sql in enumerate(said) if "FOR NO KEY UPDATE" in sql)
        return said[locked : said.index("COMMIT", locked) + 1]

    return run


def test_under_the_lock_nothing_but_counter_registration_position_and_outbox(
    statements: Callable[[Act], list[str]],
) -> None:
    course = CourseFactory.create()
    exam = open_exam(course, 2)
    people = make_students(course, 5)
    now = timezone.now()

    def words(queries: list[str]) -> list[str]:
        return [" ".join(sql.replace('"', "").split()[:3]) if sql != "COMMIT" else sql for sql in queries]

    seat = words(statements(lambda: register(enrolment=people[0], exam_pk=exam.pk, now=now)))
    assert [statement.split()[0] for statement in seat] == ["SELECT", "INSERT", "UPDATE", "INSERT", "COMMIT"]
    assert (seat[1], seat[2], seat[3]) == (
        "INSERT INTO exams_registration", "UPDATE exams_exam SET", "INSERT INTO mail_notice",
    )  # fmt: skip
    register(enrolment=people[1], exam_pk=exam.pk, now=now)
    for person in people[2:]:
        assert words(statements(soon(register, enrolment=person, exam_pk=exam.pk))) == seat
    # Withdrawing and promoting is one transaction, however many wait.
    gone = words(statements(lambda: withdraw(enrolment=people[0], exam_pk=exam.pk, now=now)))
    assert len(gone) == 10
    assert gone.count("UPDATE exams_exam SET") == 1
    assert gone.count("INSERT INTO mail_notice") == 2


def test_the_clock_of_the_request_decides_not_that_of_the_lock() -> None:
    course = CourseFactory.create()
    exam = open_exam(course, 5)
    enrolment = make_students(course, 1)[0]
    last = exam.closes_at.astimezone(UTC) + timedelta(seconds=59)
    assert register(enrolment=enrolment, exam_pk=exam.pk, now=last).created_at == last
