"""A date that is cancelled, and held after all, while people sign up, move, withdraw and move up: real threads."""

import random
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from exams.models import Exam, Registration
from exams.services.cancelling import cancel_exam, hold_after_all
from exams.services.otherdate import move
from exams.services.registration import register, withdraw
from exams.services.seatcount import set_capacity
from exams.services.two_dates import wait_beside
from tests.exams.people import make_students
from tests.exams.test_races import _silent_bell, check, open_exam, soon
from tests.factories import CourseFactory
from tests.races import Act, at_once, refusals

pytestmark = pytest.mark.django_db(transaction=True)
__all__ = ["_silent_bell"]


def check_cancelled(exam: Exam) -> None:
    """Nobody is in a date that is cancelled, and nobody's part has ended by that in one that is held."""
    check(exam)
    ended = Registration.objects.filter(exam=exam, state="cancelled").exists()
    active = Registration.objects.active().filter(exam=exam).exists()
    assert not (active if exam.is_cancelled else ended)


def check_people() -> None:
    """Everybody has at most one seat or place in a line, and one more beside a seat."""
    main = list(Registration.objects.main().values_list("enrolment", flat=True))
    assert len(set(main)) == len(main)
    kept = Registration.objects.filter(keeps_seat=True).values_list("enrolment", flat=True)
    holding = Registration.objects.main().holding().values_list("enrolment", flat=True)
    assert set(kept) <= set(holding)


def test_who_signs_up_while_it_is_cancelled_is_in_it_before_or_refused() -> None:
    course = CourseFactory.create()
    exam = open_exam(course, 10)
    people = make_students(course, 30)
    acts: list[Act] = [soon(register, enrolment=enrolment, exam_pk=exam.pk) for enrolment in people]
    acts.insert(15, soon(cancel_exam, exam_pk=exam.pk, reason="Ill"))
    outcomes = at_once(acts, threads=16)
    check_cancelled(exam)
    assert exam.is_cancelled
    refused = refusals(outcomes)
    assert refused.keys() <= {"cancelled"}
    told = outcomes[15]
    assert len(told) == len(people) - refused.total() == Registration.objects.filter(state="cancelled").count()
    # All of them are back, in their order.
    before = {row.pk: (row.state_until_cancelled, row.position_until_cancelled) for row in Registration.objects.all()}
    hold_after_all(exam_pk=exam.pk, now=timezone.now())
    assert {row.pk: (row.state, row.position) for row in Registration.objects.all()} == before
    check_cancelled(exam)


def test_who_moves_up_while_it_is_cancelled_has_no_seat_of_it() -> None:
    course = CourseFactory.create()
    exam, other = open_exam(course, 5), open_exam(course, 5, days=50)
    seated, waiting = make_students(course, 5), make_students(course, 10, prefix="w")
    for enrolment in [*seated, *waiting]:
        register(enrolment=enrolment, exam_pk=exam.pk, now=timezone.now())
    acts: list[Act] = [soon(withdraw, enrolment=enrolment, exam_pk=exam.pk) for enrolment in seated]
    acts += [soon(set_capacity, exam_pk=exam.pk, capacity=7), soon(cancel_exam, exam_pk=exam.pk, reason="Ill")]
    acts += [soon(register, enrolment=enrolment, exam_pk=other.pk) for enrolment in waiting[:3]]
    assert refusals(at_once(acts)).keys() <= {"not-registered", "other-exam"}
    check_cancelled(exam)
    check(other)
    assert exam.is_cancelled
    check_people()


@pytest.fixture(params=[3, 4, 5])
def chance(request: Any) -> random.Random:
    return random.Random(request.param)


def test_everything_at_once_around_a_date_that_comes_and_goes(chance: random.Random) -> None:
    course = CourseFactory.create()
    exams = [open_exam(course, 6), open_exam(course, 6, days=50)]
    people = make_students(course, 24)
    acts: list[Act] = []
    for _turn in range(300):
        enrolment, exam, other = chance.choice(people), *chance.sample(exams, 2)
        acts.append(
            chance.choices(
                [
                    soon(register, enrolment=enrolment, exam_pk=exam.pk),
                    soon(withdraw, enrolment=enrolment, exam_pk=exam.pk),
                    soon(move, enrolment=enrolment, exam_pk=other.pk),
                    soon(wait_beside, enrolment=enrolment, exam_pk=other.pk),
                    soon(cancel_exam, exam_pk=exam.pk, reason="Ill"),
                    soon(hold_after_all, exam_pk=exam.pk),
                ],
                [50, 20, 15, 15, 8, 12],
            )[0]
        )
    assert refusals(at_once(acts, threads=12)).keys() >= {"cancelled", "not-cancelled"}
    for exam in exams:
        check_cancelled(exam)
    check_people()
    for exam in exams:
        if exam.is_cancelled:
            hold_after_all(exam_pk=exam.pk, now=timezone.now() + timedelta(minutes=9))
        check_cancelled(exam)
    check_people()
