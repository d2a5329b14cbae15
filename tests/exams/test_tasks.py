"""Points for the tasks of an exam: by task or by person, their sum the result, corrected with a reason."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from amls.core.preview import without_trace
from amls.core.violations import RuleViolation
from amls.courses.models import User
from amls.grading.tasks import TaskWish
from amls.mail.models import Notice
from amls.privacy.registry import everything_about, forget_people_of
from exams.grading import usual_table
from exams.models import Exam, ExamTask, ExamTaskPoints, Registration, Result, ResultChange
from exams.services.gradetable import set_grade_table
from exams.services.points import enter_points
from exams.services.registration import register
from exams.services.results import freeze, publish_results
from exams.services.tasks import enter_task_points, set_exam_tasks
from exams.taskpoints import stack_order
from tests.cast import Cast
from tests.exams.people import make_students
from tests.factories import OpenExamFactory

pytestmark = pytest.mark.django_db
D = Decimal
JUNE = datetime(2024, 6, 20, 10, tzinfo=UTC)
AFTER = datetime(2024, 7, 25, 10, tzinfo=UTC)


@pytest.fixture
def exam(cast: Cast) -> Exam:
    made = OpenExamFactory.create(course=cast.course, capacity=None)
    set_exam_tasks(exam_pk=made.pk, tasks=[TaskWish("Joins", D(30)), TaskWish("Größe", D("10.5"))], by=None, now=JUNE)
    made.refresh_from_db()
    return made


@pytest.fixture
def people(cast: Cast, exam: Exam) -> list[Registration]:
    """Three who attended, one who was absent."""
    listed = [register(enrolment=student, exam_pk=exam.pk, now=JUNE) for student in make_students(cast.course, 4)]
    Registration.objects.filter(pk__in=[row.pk for row in listed[:3]]).update(state="attended", arrived_at=AFTER)
    Registration.objects.filter(pk=listed[3].pk).update(state="absent")
    return listed


def keys(exam: Exam) -> tuple[int, int]:
    first, second = exam.tasks.values_list("pk", flat=True)
    return first, second


def give(exam: Exam, person: Registration, *points: str | None, reason: str = "") -> None:
    by_task = {task: D(text) if text is not None else None for task, text in zip(keys(exam), points, strict=False)}
    enter_task_points(exam_pk=exam.pk, points={person.pk: by_task}, by=None, now=AFTER, reason=reason)


def total(person: Registration) -> Decimal | None:
    return Result.objects.filter(registration=person).values_list("points", flat=True).first()


def test_the_sum_is_the_result_once_every_task_has_points(exam: Exam, people: list[Registration]) -> None:
    assert exam.max_points == D("40.5")
    give(exam, people[0], "12.25")
    assert total(people[0]) is None
    give(exam, people[0], "12.25", "10.5")
    assert total(people[0]) == D("22.75")
    give(exam, people[0], None)
    assert total(people[0]) is None


def test_published_tasks_are_corrected_with_a_reason_and_a_mail(exam: Exam, people: list[Registration]) -> None:
    set_grade_table(exam_pk=exam.pk, steps=usual_table(exam.max_points).steps, now=AFTER)
    give(exam, people[0], "20", "10")
    publish_results(exam_pk=exam.pk, by=None, now=AFTER)
    with pytest.raises(RuleViolation) as refused:
        give(exam, people[0], "22")
    assert refused.value.code == "no-reason"
    with pytest.raises(RuleViolation) as refused:
        give(exam, people[0], None, reason="weg")
    assert refused.value.code == "incomplete"
    before = Notice.objects.count()
    later = AFTER.replace(hour=12)
    swapped = {people[0].pk: dict(zip(keys(exam), (D(21), D(9)), strict=True))}
    enter_task_points(exam_pk=exam.pk, points=swapped, by=None, now=later, reason="Vertauscht")
    assert (total(people[0]), Notice.objects.count()) == (D(30), before + 1)
    assert Result.objects.get(registration=people[0]).correction == "Vertauscht"
    changes = ResultChange.objects.filter(registration=people[0], what="task").order_by("pk")
    assert [(row.before, row.after, row.reason) for row in changes][-2:] == [
        ("20", "21", "Joins: Vertauscht"), ("10", "9", "Größe: Vertauscht"),
    ]  # fmt: skip
    assert [row.step for row in changes][-2:] == ["20 → 21", "10 → 9"]
    freeze_refuses = pytest.raises(RuleViolation)
    for person in people[1:3]:
        give(exam, person, "1", "1")
    with freeze_refuses:
        freeze(exam_pk=exam.pk, now=later)


@pytest.mark.parametrize(
    ("points", "code"), [("30.25", "points-range"), ("-1", "points-range"), ("0.1", "points-range")]
)
def test_points_that_there_are_not_are_refused(exam: Exam, people: list[Registration], points: str, code: str) -> None:
    with pytest.raises(RuleViolation) as refused:
        give(exam, people[0], points)
    assert refused.value.code == code


def test_who_was_absent_has_none_and_tasks_of_another_exam_are_refused(
    cast: Cast, exam: Exam, people: list[Registration]
) -> None:
    with pytest.raises(RuleViolation) as refused:
        give(exam, people[3], "1")
    assert refused.value.code == "did-not-attend"
    other = OpenExamFactory.create(course=cast.course)
    foreign = ExamTask.objects.create(exam=other, title="Fremd", max_points=D(5))
    with pytest.raises(RuleViolation) as refused:
        enter_task_points(exam_pk=exam.pk, points={people[0].pk: {foreign.pk: D(1)}}, by=None, now=AFTER)
    assert refused.value.code == "no-task"
    with pytest.raises(IntegrityError), transaction.atomic():
        ExamTaskPoints.objects.create(registration=people[0], task=foreign, points=D(1))
    with pytest.raises(IntegrityError), transaction.atomic():
        ExamTaskPoints.objects.create(registration=people[0], task_id=keys(exam)[0], points=D("0.1"))


def test_totals_still_come_from_a_file_and_do_not_contradict_the_tasks(exam: Exam, people: list[Registration]) -> None:
    give(exam, people[0], "12", "8")
    enter_points(exam_pk=exam.pk, points={people[1].pk: D("33.3"), people[0].pk: D(20)}, by=None, now=AFTER)
    assert total(people[1]) == D("33.3")
    with pytest.raises(RuleViolation) as refused:
        enter_points(exam_pk=exam.pk, points={people[0].pk: D(21)}, by=None, now=AFTER)
    assert refused.value.code == "has-tasks"
    give(exam, people[1], "12")
    assert total(people[1]) == D("33.3")
    set_grade_table(exam_pk=exam.pk, steps=usual_table(exam.max_points).steps, now=AFTER)
    with pytest.raises(RuleViolation) as refused:
        publish_results(exam_pk=exam.pk, by=None, now=AFTER)
    assert refused.value.code == "tasks-left"


def test_other_tasks_are_shown_with_what_they_do_before_they_are_saved(exam: Exam, people: list[Registration]) -> None:
    first, second = keys(exam)
    give(exam, people[0], "12", "8")
    wishes = [TaskWish("Joins", D(30), first)]
    changes = without_trace(lambda: set_exam_tasks(exam_pk=exam.pk, tasks=wishes, by=None, now=AFTER))
    assert [(row.registration, row.before.points, row.after.points, row.is_published) for row in changes] == [
        (people[0], D(20), D(12), False)
    ]
    assert total(people[0]) == D(20)
    set_exam_tasks(exam_pk=exam.pk, tasks=wishes, by=None, now=AFTER)
    exam.refresh_from_db()
    assert (total(people[0]), exam.max_points) == (D(12), D(30))
    with pytest.raises(RuleViolation) as refused:
        set_exam_tasks(exam_pk=exam.pk, tasks=[TaskWish("Joins", D(11), first)], by=None, now=AFTER)
    assert refused.value.code == "more-given"
    enter_points(exam_pk=exam.pk, points={people[1].pk: D(29)}, by=None, now=AFTER)
    with pytest.raises(RuleViolation) as refused:
        set_exam_tasks(exam_pk=exam.pk, tasks=[TaskWish("Joins", D(20), first)], by=None, now=AFTER)
    assert refused.value.code == "more-given"
    assert second


def test_the_stack_goes_by_matriculation_number(people: list[Registration]) -> None:
    for person, number in zip(people, ("0399", "41", "", "1000000"), strict=True):
        User.objects.filter(pk=person.enrolment.user_id).update(matriculation_number=number)
    rows = Registration.objects.select_related("enrolment__user").order_by("-pk")
    assert [row.pk for row in stack_order(rows)] == [people[1].pk, people[0].pk, people[3].pk, people[2].pk]


def test_staff_enter_person_by_person_and_task_by_task(cast: Cast, exam: Exam, people: list[Registration]) -> None:
    client, (first, second) = cast.client("assistant"), keys(exam)
    pages = f"/amls/exams/{exam.pk}/results/tasks/"
    top, following = stack_order(people[:3])[:2]
    shown = client.get(f"{pages}people/")
    assert shown.context["person"] == top
    by_number = client.get(f"{pages}people/", {"q": following.enrolment.number})
    assert by_number.context["person"] == following
    assert client.get(f"{pages}people/", {"q": "999999999"}).context["person"] is None
    sent = {"person": top.pk, f"points-{top.pk}-{first}": "12,5", f"points-{top.pk}-{second}": "10.25"}
    saved = client.post(f"{pages}people/", sent)
    assert saved.headers["Location"] == f"{pages}people/?person={following.pk}"
    assert total(top) == D("22.75")
    wrong = client.post(f"{pages}people/", {**sent, f"points-{top.pk}-{first}": "12,1"})
    assert (wrong.status_code, total(top)) == (422, D("22.75"))
    assert 'value="12,1"' in wrong.content.decode()
    by_task = {f"points-{person.pk}-{first}": str(place) for place, person in enumerate(people[:3])}
    assert client.post(f"{pages}{first}/", by_task).status_code == 302
    assert list(
        ExamTaskPoints.objects.filter(task=first).order_by("registration").values_list("points", flat=True)
    ) == [0, 1, 2]
    for part in ("stranger", "student", "foreign lecturer"):
        answers = [
            cast.client(part).post(page, sent).status_code for page in (pages, f"{pages}people/", f"{pages}{first}/")
        ]
        assert answers == [404, 404, 404]


def test_staff_change_tasks_as_lines_after_they_saw_what_that_does(
    cast: Cast, exam: Exam, people: list[Registration]
) -> None:
    client, page = cast.client("assistant"), f"/amls/exams/{exam.pk}/results/tasks/"
    give(exam, people[0], "12", "8")
    sent = {"lines": "Joins | 30\nSpark | 20,25"}
    shown = client.post(page, sent)
    assert [row.registration for row in shown.context["changes"]] == [people[0]]
    assert exam.tasks.count() == 2
    agreed = {**sent, "_shown": shown.context["preview"].seal, "_agreed": "1"}
    assert client.post(page, agreed).status_code == 302
    assert list(exam.tasks.values_list("title", flat=True)) == ["Joins", "Spark"]
    exam.refresh_from_db()
    assert (exam.max_points, total(people[0])) == (D("50.25"), None)
    assert client.post(page, {"lines": "Joins"}).status_code == 422


def test_a_student_reads_points_per_task_once_they_are_published(
    cast: Cast, exam: Exam, people: list[Registration]
) -> None:
    person = people[0].enrolment
    give(exam, people[0], "20.25", "10")
    client = cast.client("student")
    client.force_login(person.user, backend="amls.courses.accounts.AccountBackend")
    assert "20.25 / 30" not in client.get("/amls/exams/").content.decode()
    set_grade_table(exam_pk=exam.pk, steps=usual_table(exam.max_points).steps, now=AFTER)
    publish_results(exam_pk=exam.pk, by=None, now=AFTER)
    page = client.get("/amls/exams/").content.decode()
    assert "Joins: 20.25 / 30" in page
    assert "Größe: 10 / 10.5" in page
    told = dict(everything_about(person.user))["exams/registrations.json"]
    assert [task["points"] for task in told[0]["result"]["tasks"]] == [D("20.25"), D(10)]
    forget_people_of([cast.course.pk])
    assert not ExamTaskPoints.objects.exists()


def test_many_people_cost_as_many_queries_as_few(cast: Cast, exam: Exam, people: list[Registration]) -> None:
    client, first = cast.client("assistant"), keys(exam)[0]
    counts = []
    for batch in (1, 12):
        more = [
            register(enrolment=row, exam_pk=exam.pk, now=JUNE)
            for row in make_students(cast.course, batch, prefix=f"m{batch}")
        ]
        Registration.objects.filter(pk__in=[row.pk for row in more]).update(state="attended", arrived_at=AFTER)
        for person in more:
            give(exam, person, "1", "2")
        for page in ("people/", f"{first}/"):
            address = f"/amls/exams/{exam.pk}/results/tasks/{page}"
            client.get(address)
            with CaptureQueriesContext(connection) as queries:
                client.get(address)
            counts.append(len(queries))
    assert counts[:2] == counts[2:]


@pytest.mark.parametrize("count", [3, 30])
def test_many_papers_cost_as_many_queries_as_few(cast: Cast, exam: Exam, count: int) -> None:
    listed = [
        exam.registrations.create(
            course=cast.course, enrolment=student, state="attended", created_at=JUNE, changed_at=JUNE, arrived_at=AFTER
        )
        for student in make_students(cast.course, count)
    ]
    set_grade_table(exam_pk=exam.pk, steps=usual_table(exam.max_points).steps, now=AFTER)
    first, second = keys(exam)
    whole = {row.pk: {first: D(20), second: D(10)} for row in listed[::3]}
    enter_task_points(exam_pk=exam.pk, points=whole, by=None, now=AFTER)
    publish_results(exam_pk=exam.pk, by=None, now=AFTER)
    points = {row.pk: {first: D(30), second: D(2 + place % 3)} for place, row in enumerate(listed)}
    later = AFTER.replace(hour=12)
    with CaptureQueriesContext(connection) as queries:
        enter_task_points(exam_pk=exam.pk, points=points, by=None, now=later, reason="Neu gezählt")
    told = Notice.objects.filter(kind="exams.result-changed", created_at=later)
    assert [total(row) for row in listed[:3]] == [D(32), D(33), D(34)]
    assert sorted(told.values_list("recipient", flat=True)) == sorted(row.enrolment.user_id for row in listed[::3])
    assert ResultChange.objects.filter(at=later, what="task").count() == 2 * count
    assert len(queries) == 29
