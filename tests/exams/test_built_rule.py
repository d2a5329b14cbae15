"""A rule built from blocks decides on admission like every other, and is changed with open eyes."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from amls.core.violations import RuleViolation
from amls.courses.models import Course, Enrolment
from amls.grading.facts import Facts, Piece, facts
from amls.grading.points import WorkState
from amls.grading.tree import AllBlock, AnyBlock, EarlierBlock, PointsBlock, ProjectBlock
from amls.mail.models import Notice
from exams.admission import admission_of, admissions_of
from exams.models import AdmissionDecision, ExamRules
from exams.services.admission import admit_whoever_fulfils_the_rules
from exams.services.registration import register
from exams.services.rules import effect_of, set_rule, whole_rule
from tests.cast import Cast
from tests.exams.people import make_students
from tests.factories import OpenExamFactory

pytestmark = pytest.mark.django_db
JUNE = datetime(2024, 6, 20, 10, tzinfo=UTC)
HALF = AllBlock((PointsBlock(),))
MOST = AllBlock((PointsBlock(percent=Decimal(75)),))


@pytest.fixture
def points() -> Iterator[dict[int, str]]:
    """Points of one sheet of 20 by enrolment: 'open' where it is not graded."""
    given: dict[int, str] = {}

    def tell(course: Course, people: Sequence[Enrolment], now: datetime) -> dict[int, Facts]:
        return {
            person.pk: Facts(
                pieces={
                    1: Piece(
                        key=1,
                        title="Sheet 1",
                        most=Decimal(20),
                        state=WorkState.OPEN if given[person.pk] == "open" else WorkState.GRADED,
                        points=None if given[person.pk] == "open" else Decimal(given[person.pk]),
                    )
                }
            )
            for person in people
            if person.pk in given
        }

    with facts.replaced({"tests": tell}):
        yield given


@pytest.fixture
def course(cast: Cast) -> Course:
    ExamRules.objects.create(course=cast.course, needs_matriculation_number=False)
    return Course.objects.get(pk=cast.course.pk)


def again(enrolment: Enrolment) -> Enrolment:
    """The person as another request would read them."""
    return Enrolment.objects.select_related("user", "course").get(pk=enrolment.pk)


def test_it_decides_on_admission_and_says_why(cast: Cast, course: Course, points: dict[int, str]) -> None:
    points |= {cast.student.pk: "12.5", cast.other_student.pk: "open"}
    set_rule(course=course, rule=HALF, by=cast.lecturer.user, now=JUNE)
    admissions = [admission_of(again(enrolment), now=JUNE) for enrolment in (cast.student, cast.other_student)]
    assert [(admission.state, [finding.text for finding in admission.findings]) for admission in admissions] == [
        ("admitted", ["At least 50 % of all points: 12.5 of 20 points"]),
        ("pending", ["At least 50 % of all points: 0 of 20 points, 10 are needed. 10 more points in 1 assignment would be enough."]),
    ]  # fmt: skip
    points[cast.other_student.pk] = "9.75"
    assert admission_of(again(cast.other_student), now=JUNE).state == "not_yet"


def test_a_course_without_a_rule_asks_nothing_more(cast: Cast, course: Course, points: dict[int, str]) -> None:
    points[cast.student.pk] = "0"
    assert admission_of(again(cast.student), now=JUNE).findings == ()


def test_what_a_change_would_do_is_told_before_and_nothing_is_written(
    cast: Cast, course: Course, points: dict[int, str]
) -> None:
    points |= {cast.student.pk: "12.5", cast.other_student.pk: "18"}
    set_rule(course=course, rule=HALF, by=cast.lecturer.user, now=JUNE)
    effect = effect_of(course=course, rule=MOST, now=JUNE)
    assert [(change.enrolment.pk, change.before.state, change.after.state) for change in effect.changes] == [
        (cast.student.pk, "admitted", "not_yet")
    ]
    assert (effect.counts["admitted"], effect.counts["not_yet"], effect.people) == ((2, 1), (0, 1), 2)  # type: ignore[index]
    assert whole_rule(Course.objects.get(pk=course.pk)) == HALF
    assert Notice.objects.filter(kind="exams.admission").count() == 0


def test_an_admission_goes_only_by_a_decision_with_a_reason_and_a_mail(
    cast: Cast, course: Course, points: dict[int, str]
) -> None:
    points |= {cast.student.pk: "12.5", cast.other_student.pk: "12"}
    set_rule(course=course, rule=HALF, by=cast.lecturer.user, now=JUNE)
    exam = OpenExamFactory.create(course=course, capacity=5)
    for enrolment in (cast.student, cast.other_student):
        register(enrolment=enrolment, exam_pk=exam.pk, now=JUNE)
    assert admit_whoever_fulfils_the_rules(course=Course.objects.get(pk=course.pk), now=JUNE) == 2
    effect = effect_of(course=course, rule=MOST, now=JUNE)
    assert {against_decision.enrolment.pk for against_decision in effect.against_decisions} == {
        cast.student.pk,
        cast.other_student.pk,
    }
    with pytest.raises(RuleViolation, match="reason"):
        set_rule(course=course, rule=MOST, by=cast.lecturer.user, now=JUNE, taking_back=[cast.student.pk])
    assert whole_rule(Course.objects.get(pk=course.pk)) == HALF
    done = set_rule(
        course=course, rule=MOST, by=cast.lecturer.user, now=JUNE, taking_back=[cast.student.pk], reason="Copied sheets"
    )
    assert done == 1
    taken, kept = (admission_of(again(enrolment), now=JUNE) for enrolment in (cast.student, cast.other_student))
    assert (taken.state, kept.state, kept.is_contradicted) == ("not_yet", "admitted", True)
    decision = AdmissionDecision.objects.filter(enrolment=cast.student).latest()
    assert (decision.verdict, decision.reason, decision.by) == ("by_rules", "Copied sheets", cast.lecturer.user)
    assert Notice.objects.filter(kind="exams.admission", recipient=cast.student.user).count() == 2
    assert Notice.objects.filter(kind="exams.admission", recipient=cast.other_student.user).count() == 1


def test_whose_admission_the_new_rule_allows_keeps_it_whoever_asks(
    cast: Cast, course: Course, points: dict[int, str]
) -> None:
    """A page from before somebody got more points takes nothing away."""
    points[cast.student.pk] = "12.5"
    set_rule(course=course, rule=HALF, by=cast.lecturer.user, now=JUNE)
    register(enrolment=cast.student, exam_pk=OpenExamFactory.create(course=course).pk, now=JUNE)
    admit_whoever_fulfils_the_rules(course=Course.objects.get(pk=course.pk), now=JUNE)
    points[cast.student.pk] = "15"
    strangers = [cast.student.pk, cast.foreign_lecturer.pk]
    assert set_rule(course=course, rule=MOST, by=cast.lecturer.user, now=JUNE, taking_back=strangers, reason="x") == 0


def test_the_project_is_a_block_and_the_switch_says_it(cast: Cast, course: Course) -> None:
    rule = AllBlock((ProjectBlock(), AnyBlock((PointsBlock(), EarlierBlock()))))
    set_rule(course=course, rule=rule, by=cast.lecturer.user, now=JUNE)
    rules = ExamRules.objects.get(course=course)
    assert (rules.project_is_prerequisite, "project" in str(rules.rule)) == (True, False)
    assert whole_rule(Course.objects.get(pk=course.pk)) == rule
    set_rule(course=course, rule=AllBlock(), by=cast.lecturer.user, now=JUNE)
    rules.refresh_from_db()
    assert (rules.project_is_prerequisite, rules.rule) == (False, {})


def test_a_rule_of_a_later_version_admits_nobody_and_breaks_no_page(cast: Cast, course: Course) -> None:
    ExamRules.objects.filter(course=course).update(rule={"version": 9, "rule": {"block": "stars"}})
    admission = admission_of(again(cast.student), now=JUNE)
    assert (admission.state, admission.findings[0].text) == (
        "pending",
        "A newer version of this program wrote this rule.",
    )


def test_many_people_cost_as_many_queries_as_one(cast: Cast, course: Course) -> None:
    rule = AllBlock((AnyBlock((PointsBlock(), EarlierBlock(), ProjectBlock())),))
    set_rule(course=course, rule=rule, by=cast.lecturer.user, now=JUNE)
    counts = []
    for count in (1, 30):
        people = make_students(course, count, prefix=f"q{count}")
        fresh = Course.objects.select_related("exam_rules").get(pk=course.pk)
        with CaptureQueriesContext(connection) as queries:
            admissions_of(fresh, people, now=JUNE)
        counts.append(len(queries))
    assert counts[0] == counts[1]
