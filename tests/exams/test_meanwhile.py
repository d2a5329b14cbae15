"""Two of the staff at the same points: who saves a page that is older than what the other saved writes over nothing of it."""

from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.test import Client

from amls.grading.tasks import TaskWish
from exams.grading import usual_table
from exams.models import Exam, ExamTaskPoints, Registration, Result, ResultChange
from exams.services.gradetable import set_grade_table
from exams.services.points import enter_points
from exams.services.registration import register
from exams.services.regrading import grade_table
from exams.services.results import publish_results
from exams.services.tasks import enter_task_points, set_exam_tasks
from tests.cast import Cast
from tests.exams.people import make_students
from tests.factories import OpenExamFactory
from tests.races import at_once

D = Decimal
JUNE = datetime(2024, 6, 20, 10, tzinfo=UTC)
AFTER = datetime(2024, 7, 25, 10, tzinfo=UTC)


@pytest.fixture
def exam(cast: Cast) -> Exam:
    return OpenExamFactory.create(course=cast.course, capacity=None)


@pytest.fixture
def people(cast: Cast, exam: Exam) -> list[Registration]:
    """Three who attended."""
    listed = [register(enrolment=student, exam_pk=exam.pk, now=JUNE) for student in make_students(cast.course, 3)]
    Registration.objects.filter(pk__in=[row.pk for row in listed]).update(state="attended", arrived_at=AFTER)
    return listed


def fields_of(answer: Any, having: str) -> dict[str, str]:
    """Return what a browser sends of the form that has a field of this name."""
    page = BeautifulSoup(answer.content.decode(), "html.parser")
    form = next(form for form in page.select("main form") if form.select_one(f'[name="{having}"]'))
    return {str(field["name"]): str(field.get("value", "")) for field in form.select("input[name]")}


def said_at(answer: Any, name: str) -> str:
    """Return what is said to be wrong with a field."""
    problem = BeautifulSoup(answer.content.decode(), "html.parser").find(id=f"problem-{name}")
    return problem.text if problem is not None else ""


def points_of(people: list[Registration]) -> list[Decimal | None]:
    known = dict(Result.objects.values_list("registration", "points"))
    return [known.get(person.pk) for person in people]


@pytest.mark.django_db
def test_points_that_a_colleague_entered_meanwhile_stay(cast: Cast, exam: Exam, people: list[Registration]) -> None:
    enter_points(exam_pk=exam.pk, points={people[2].pk: D(30)}, by=None, now=AFTER)
    page, (first, second, third) = f"/amls/exams/{exam.pk}/results/", [f"points-{person.pk}" for person in people]
    ours, theirs = cast.client("assistant"), cast.client("lecturer")
    older = fields_of(ours.get(page), first)
    for changed in ({first: "55,5"}, {third: ""}):
        assert theirs.post(f"{page}enter/", {**fields_of(theirs.get(page), first), **changed}).status_code == 302
    saved = ours.post(f"{page}enter/", {**older, second: "61"}, follow=True)
    assert points_of(people) == [D("55.5"), D(61), None]
    assert "The points of 1 person are saved." in saved.content.decode()
    # What both changed stays as the colleague left it, and the other rows are saved.
    both = ours.post(f"{page}enter/", {**older, first: "50", second: "62", third: "31"})
    name = cast.lecturer.user
    assert both.status_code == 422
    assert said_at(both, first) == f"{name} entered 55.5 meanwhile. If yours is to hold, save again."
    assert said_at(both, third) == f"{name} emptied this meanwhile. If yours is to hold, save again."
    assert "Points in 3 fields are not saved" in both.content.decode()
    assert points_of(people) == [D("55.5"), D(61), None]
    again = fields_of(both, first)
    assert [again[field] for field in (first, second, third)] == ["50", "62", "31"]
    assert ours.post(f"{page}enter/", again).status_code == 302
    assert points_of(people) == [D(50), D(62), D(31)]


@pytest.mark.django_db
def test_what_is_refused_for_another_reason_does_not_count_as_seen(
    cast: Cast, exam: Exam, people: list[Registration]
) -> None:
    page, (first, second, third) = f"/amls/exams/{exam.pk}/results/", [f"points-{person.pk}" for person in people]
    ours = cast.client("assistant")
    older = fields_of(ours.get(page), first)
    given = {people[0].pk: D(55), people[2].pk: D(40)}
    enter_points(exam_pk=exam.pk, points=given, by=cast.lecturer.user, now=AFTER)
    wrong = ours.post(f"{page}enter/", {**older, first: "50", second: "200"})
    kept = fields_of(wrong, first)
    assert (said_at(wrong, first), kept[first], kept[second], kept[third]) == ("", "50", "200", "40")
    refused = ours.post(f"{page}enter/", {**kept, second: "20"})
    assert str(cast.lecturer.user) in said_at(refused, first)
    assert points_of(people) == [D(55), D(20), D(40)]


@pytest.mark.django_db
def test_a_published_result_corrected_meanwhile_is_not_put_back(
    cast: Cast, exam: Exam, people: list[Registration]
) -> None:
    set_grade_table(exam_pk=exam.pk, steps=usual_table(exam.max_points).steps, now=AFTER)
    enter_points(exam_pk=exam.pk, points={person.pk: D("12.25") for person in people}, by=None, now=AFTER)
    publish_results(exam_pk=exam.pk, by=None, now=AFTER)
    page, (first, second, _third) = f"/amls/exams/{exam.pk}/results/", [f"points-{person.pk}" for person in people]
    ours, theirs = cast.client("assistant"), cast.client("lecturer")
    older = fields_of(ours.get(page), first)
    corrected = {**fields_of(theirs.get(page), first), first: "52", "reason": "Seite 3"}
    assert theirs.post(f"{page}enter/", corrected).status_code == 302
    assert ours.post(f"{page}enter/", {**older, second: "70", "reason": "Verzählt"}).status_code == 302
    assert points_of(people) == [D(52), D(70), D("12.25")]
    assert set(ResultChange.objects.filter(registration=people[0]).exclude(reason="").values_list("reason")) == {
        ("Seite 3",)
    }
    both = ours.post(f"{page}enter/", {**older, first: "53", "reason": "Verzählt"})
    assert "entered 52 meanwhile" in said_at(both, first)
    assert fields_of(both, first)["reason"] == "Verzählt"
    assert points_of(people)[0] == D(52)


def with_tasks(exam: Exam) -> tuple[int, int]:
    set_exam_tasks(exam_pk=exam.pk, tasks=[TaskWish("Joins", D(30)), TaskWish("Joins 2", D(10))], by=None, now=JUNE)
    first, second = exam.tasks.values_list("pk", flat=True)
    return first, second


def given_to(person: Registration) -> dict[int, Decimal]:
    return dict(ExamTaskPoints.objects.filter(registration=person).values_list("task", "points"))


@pytest.mark.django_db
def test_points_for_a_task_that_a_colleague_entered_meanwhile_stay(
    cast: Cast, exam: Exam, people: list[Registration]
) -> None:
    joins, second = with_tasks(exam)
    page = f"/amls/exams/{exam.pk}/results/tasks/{joins}/"
    mine, other, _last = [f"points-{person.pk}-{joins}" for person in people]
    ours, theirs = cast.client("assistant"), cast.client("lecturer")
    older = fields_of(ours.get(page), mine)
    assert theirs.post(page, {**fields_of(theirs.get(page), mine), mine: "20,5"}).status_code == 302
    # Somebody else gives the same person points for another task: it's not they who are named.
    enter_task_points(exam_pk=exam.pk, points={people[0].pk: {second: D("5.5")}}, by=cast.admin, now=AFTER)
    assert ours.post(page, {**older, other: "11"}).status_code == 302
    assert [given_to(person) for person in people] == [{joins: D("20.5"), second: D("5.5")}, {joins: D(11)}, {}]
    both = ours.post(page, {**older, mine: "19"})
    assert said_at(both, mine).startswith(f"{cast.lecturer.user} entered 20.5 meanwhile.")
    assert (both.status_code, fields_of(both, mine)[mine], given_to(people[0])[joins]) == (422, "19", D("20.5"))


@pytest.mark.django_db
def test_two_at_one_paper_keep_what_each_entered(cast: Cast, exam: Exam, people: list[Registration]) -> None:
    joins, second = with_tasks(exam)
    person = people[0]
    page = f"/amls/exams/{exam.pk}/results/tasks/people/?person={person.pk}"
    fields = [f"points-{person.pk}-{task}" for task in (joins, second)]
    ours, theirs = cast.client("assistant"), cast.client("lecturer")
    older = fields_of(ours.get(page), "person")
    assert theirs.post(page, {**fields_of(theirs.get(page), "person"), fields[0]: "20"}).status_code == 302
    assert ours.post(page, {**older, fields[1]: "9"}).status_code == 302
    assert given_to(person) == {joins: D(20), second: D(9)}
    both = ours.post(page, {**older, fields[0]: "21", fields[1]: "9"})
    assert (both.status_code, both.context["person"], given_to(person)[joins]) == (422, person, D(20))
    assert [said_at(both, field) != "" for field in fields] == [True, False]


@pytest.mark.django_db(transaction=True)
def test_of_two_who_save_at_once_one_is_refused(cast: Cast, exam: Exam, people: list[Registration]) -> None:
    page, field = f"/amls/exams/{exam.pk}/results/", f"points-{people[0].pk}"
    clients = [cast.client("assistant"), cast.client("lecturer")]
    pages = [fields_of(client.get(page), field) for client in clients]

    def save(client: Client, sent: dict[str, str], points: str) -> int:
        return client.post(f"{page}enter/", {**sent, field: points}).status_code

    answers = at_once(
        [partial(save, *sent) for sent in zip(clients, pages, ("40", "41"), strict=True)],
    )
    assert sorted(answers) == [302, 422]
    assert points_of(people)[0] == D(40 + answers.index(302))


@pytest.mark.django_db
def test_a_grade_table_that_a_colleague_kept_meanwhile_stays(
    cast: Cast, exam: Exam, people: list[Registration]
) -> None:
    results, page = f"/amls/exams/{exam.pk}/results/", f"/amls/exams/{exam.pk}/results/table/"
    ours, theirs = cast.client("assistant"), cast.client("lecturer")
    # Neither has kept a table yet: both see the proposal.
    older = fields_of(ours.get(results), "grade-4.0")
    assert theirs.post(page, {**older, "grade-4.0": "45", "keep": "1"}).status_code == 302
    tried = ours.post(page, {**older, "grade-4.0": "48", "preview": "1"})
    refused = ours.post(page, {**fields_of(tried, "grade-4.0"), "keep": "1"})
    assert refused.status_code == 422
    assert said_at(refused, "grade-4.0") == (
        f"{cast.lecturer.user} entered 45 meanwhile. If yours is to hold, save again."
    )
    assert grade_table(exam).steps[D("4.0")] == D(45)
    assert ours.post(page, {**fields_of(refused, "grade-4.0"), "keep": "1"}).status_code == 302
    assert grade_table(exam).steps[D("4.0")] == D(48)


@pytest.mark.django_db
def test_what_a_colleague_noted_of_who_came_stays_until_it_was_read(
    cast: Cast, exam: Exam, people: list[Registration]
) -> None:
    person = people[0]
    Registration.objects.filter(pk=person.pk).update(state="registered", arrived_at=None)
    page, acts = f"/amls/exams/{exam.pk}/staff/people/{person.pk}/", f"/amls/exams/{exam.pk}/staff/"
    ours, theirs = cast.client("assistant"), cast.client("lecturer")
    older = fields_of(ours.get(page), "reason")
    paper = {**fields_of(theirs.get(page), "reason"), "reason": "Signed the list"}
    assert theirs.post(f"{acts}was-there/", paper).status_code == 302
    # The same is no contradiction.
    assert ours.post(f"{acts}was-there/", {**older, "reason": "Signed too"}).status_code == 302
    refused = ours.post(f"{acts}was-absent/", {**older, "reason": "Not on the list"})
    assert refused.status_code == 422
    said = f"{cast.assistant.user} entered Attended meanwhile. If yours is to hold, save again."
    (told,) = BeautifulSoup(refused.content, "html.parser").select("ul.messages li")[-1:]
    assert said == " ".join(told.text.split())
    person.refresh_from_db()
    assert (person.state, person.reason) == ("attended", "Signed too")
    again = fields_of(refused, "reason")
    assert again["reason"] == "Not on the list"
    assert ours.post(f"{acts}was-absent/", again).status_code == 302
    person.refresh_from_db()
    assert person.state == "absent"
