"""Oral exams: a grade for each person, without points, from entry to the office's list."""

from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from amls.core.meanwhile import exactly
from amls.courses.models import User
from amls.files.models import TableImport
from amls.files.tables.imports import undo_import
from amls.mail.models import Notice
from amls.portal.gradebook.columns import columns_of
from amls.portal.gradebook.entries import fields_of
from amls.portal.gradebook.sheet import sheet_of
from amls.portal.gradebook.standings import standings
from amls.privacy.registry import everything_about
from exams.models import Exam, ExamRules, Registration, Result, ResultChange
from exams.queries import office_rows
from exams.services.grades import enter_grades, keep_corrected_grades
from exams.services.gradetable import set_grade_table
from exams.services.kinds import check_kind
from exams.services.points import enter_points
from exams.services.publication import published
from exams.services.registration import register
from exams.services.removal import remove_result
from exams.services.results import freeze, publish_results, regrade
from exams.services.tasks import set_exam_tasks
from tests.cast import Cast
from tests.exams.people import make_students
from tests.exams.test_results import AFTER, JUNE, TABLE, code_of
from tests.factories import OpenExamFactory
from tests.markup import sent_by

pytestmark = pytest.mark.django_db
D = Decimal


@pytest.fixture
def oral(cast: Cast) -> Exam:
    return OpenExamFactory.create(course=cast.course, kind="oral", capacity=None)


@pytest.fixture
def people(cast: Cast, oral: Exam) -> list[Registration]:
    """Three who hold a seat; the first was marked present."""
    rows = [register(enrolment=student, exam_pk=oral.pk, now=JUNE) for student in make_students(cast.course, 3)]
    Registration.objects.filter(pk=rows[0].pk).update(state="attended", arrived_at=AFTER)
    return rows


def grade(oral: Exam, grades: dict[int, Decimal | None], **values: Any) -> Any:
    return enter_grades(exam_pk=oral.pk, grades=grades, by=None, **({"now": AFTER} | values))


def page_of(client: Client, address: str) -> str:
    return " ".join(client.get(address).content.decode().split())


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="amls.courses.accounts.AccountBackend")
    return client


def test_a_grade_is_entered_published_and_told_without_points(
    cast: Cast, oral: Exam, people: list[Registration]
) -> None:
    ExamRules.objects.create(course=cast.course, max_extra_points=5, needs_matriculation_number=False)
    grade(oral, {people[0].pk: D("1.3"), people[1].pk: D("5.0")})
    # Whoever gets a grade was there.
    assert list(Registration.objects.order_by("pk").values_list("state", flat=True)) == [
        "attended",
        "attended",
        "registered",
    ]
    assert not Notice.objects.filter(kind="exams.results").exists()
    # No table is needed.
    assert published(exam_pk=oral.pk, by=None, now=AFTER) == [
        (str(people[0].enrolment.user), "grade 1.3"), (str(people[1].enrolment.user), "grade 5.0"),
    ]  # fmt: skip
    results = Result.objects.order_by("registration").values_list("points", "extra_points", "grade", "state")
    nothing = D(0)
    assert [*results] == [(None, nothing, D("1.3"), "published"), (None, nothing, D("5.0"), "published")]
    assert Notice.objects.filter(kind="exams.results").count() == 2
    for person, said in ((people[0], "1.3"), (people[1], "5.0")):
        page = page_of(signed_in(person.enrolment.user), "/amls/exams/")
        assert f"<dd>{said}</dd>" in page
        assert "<dt>Points</dt>" not in page
        assert "Extra points count only" not in page
        told = dict(everything_about(person.enrolment.user))["exams/registrations.json"][0]["result"]
        assert (told["grade"], "points" in told, "extra_points" in told) == (D(said), False, False)


def test_a_correction_needs_a_reason_is_told_and_can_be_taken_back(
    cast: Cast, oral: Exam, people: list[Registration]
) -> None:
    grade(oral, {people[0].pk: D("2.0")})
    publish_results(exam_pk=oral.pk, by=None, now=AFTER)
    assert code_of(lambda: grade(oral, {people[0].pk: D("1.7")})) == "no-reason"
    assert code_of(lambda: grade(oral, {people[0].pk: None}, reason="Wrong")) == "published"
    changes, _late = grade(oral, {people[0].pk: D("1.7")}, reason="Typed wrongly")
    made = keep_corrected_grades(changes, exam=oral, by=cast.lecturer.user, now=AFTER)
    result = Result.objects.get()
    assert (result.grade, result.correction) == (D("1.7"), "Typed wrongly")
    assert Notice.objects.filter(kind="exams.result-changed").count() == 1
    assert made is not None
    undo_import(table_import=made, by=cast.lecturer.user, now=AFTER)
    result.refresh_from_db()
    assert (result.grade, result.correction) == (D("2.0"), "")
    assert not Notice.objects.filter(kind="exams.result-changed").exists()
    history = ResultChange.objects.filter(what="grade").order_by("pk")
    assert [change.step for change in history] == ["– → 2.0", "2.0 → 1.7", "1.7 → 2.0"]


def test_what_can_be_no_grade_is_refused(cast: Cast, oral: Exam, people: list[Registration]) -> None:
    Registration.objects.filter(pk=people[2].pk).update(state="absent")
    stranger = register(enrolment=cast.student, exam_pk=OpenExamFactory.create(course=cast.course).pk, now=JUNE)
    assert code_of(lambda: grade(oral, {people[2].pk: D("1.0")})) == "did-not-attend"
    assert code_of(lambda: grade(oral, {stranger.pk: D("1.0")})) == "not-on-list"
    assert code_of(lambda: grade(oral, {people[0].pk: D("1.1")})) == "no-grade"
    assert code_of(lambda: grade(oral, {people[1].pk: D("1.0")}, now=JUNE)) == "not-begun"
    assert not Result.objects.exists()


def test_points_and_grades_have_each_their_own_door(cast: Cast, oral: Exam, people: list[Registration]) -> None:
    written = OpenExamFactory.create(course=cast.course)
    by = {"by": None, "now": AFTER}
    acts = [
        lambda: enter_points(exam_pk=oral.pk, points={people[0].pk: D(50)}, **by),
        lambda: set_grade_table(exam_pk=oral.pk, steps=TABLE.steps, now=AFTER),
        lambda: set_exam_tasks(exam_pk=oral.pk, tasks=[], **by),
    ]
    assert [code_of(act) for act in acts] == ["no-points-here"] * 3
    assert code_of(lambda: grade(written, {})) == "by-points"
    lecturer = cast.client("lecturer")
    for name in ("enter", "table", "regrade"):
        assert lecturer.post(reverse(f"exams:{name}", args=["amls", oral.pk])).status_code == 404
    assert lecturer.get(reverse("exams:tasks", args=["amls", oral.pk])).status_code == 404
    assert lecturer.post(reverse("exams:enter_grades", args=["amls", written.pk])).status_code == 404
    # What has results stays written or oral.
    check_kind(oral, "written")
    grade(oral, {people[0].pk: D("1.0")})
    assert code_of(lambda: check_kind(oral, "written")) == "has-results"
    assert regrade(exam_pk=oral.pk, by=None, reason="x", now=AFTER) == 0


def test_oral_exams_that_were_given_points_keep_them(cast: Cast, oral: Exam, people: list[Registration]) -> None:
    Exam.objects.filter(pk=oral.pk).update(is_oral_by_points=True)
    enter_points(exam_pk=oral.pk, points={people[0].pk: D(60)}, by=None, now=AFTER)
    set_grade_table(exam_pk=oral.pk, steps=TABLE.steps, now=AFTER)
    publish_results(exam_pk=oral.pk, by=None, now=AFTER)
    assert Result.objects.get().points == 60
    assert "Grade table" in page_of(cast.client("lecturer"), f"/amls/exams/{oral.pk}/results/")


def test_the_page_takes_grades_and_says_what_somebody_else_changed(
    cast: Cast, oral: Exam, people: list[Registration]
) -> None:
    ExamRules.objects.create(course=cast.course, max_extra_points=5)
    client, address = cast.client("lecturer"), reverse("exams:results", args=["amls", oral.pk])
    page = page_of(client, address)
    assert "extra points don't apply here" in page.replace("&#x27;", "'")
    assert "Grade table" not in page
    assert "oints for each task" not in page
    names = [f"grade-{person.pk}" for person in people]
    data = sent_by(client.get(address).content.decode()) | {names[0]: "1.7", names[1]: "5", names[2]: ""}
    enter = reverse("exams:enter_grades", args=["amls", oral.pk])
    assert client.post(enter, data).status_code == 302
    assert dict(Result.objects.values_list("registration", "grade")) == {people[0].pk: D("1.7"), people[1].pk: D("5.0")}
    grade(oral, {people[0].pk: D("2.3")})
    answer = client.post(
        enter, data | {f"{names[0]}-seen": "1.7", f"{names[1]}-seen": "5", names[0]: "1", names[1]: "4"}
    )
    assert (answer.status_code, [bool(row["field"].errors) for row in answer.context["rows"]]) == (
        422,
        [True, False, False],
    )
    assert dict(Result.objects.values_list("registration", "grade")) == {people[0].pk: D("2.3"), people[1].pk: D("4.0")}
    # What was shown is sent again, and holds now.
    again = sent_by(answer.content.decode())
    assert client.post(enter, again).status_code == 302
    assert Result.objects.get(registration=people[0]).grade == D("1.0")
    assert client.post(enter, data | {names[0]: "1.1"}).status_code == 422


def test_a_published_grade_is_corrected_on_the_page(cast: Cast, oral: Exam, people: list[Registration]) -> None:
    grade(oral, {people[0].pk: D("1.7")})
    publish_results(exam_pk=oral.pk, by=None, now=AFTER)
    client, name = cast.client("lecturer"), f"grade-{people[0].pk}"
    data = sent_by(client.get(reverse("exams:results", args=["amls", oral.pk])).content.decode()) | {name: "1.3"}
    enter = reverse("exams:enter_grades", args=["amls", oral.pk])
    refused = client.post(enter, data)
    assert (refused.status_code, sent_by(refused.content.decode())[name]) == (422, ["1.3"])
    assert client.post(enter, data | {"reason": "Typed wrongly"}).status_code == 302
    assert Result.objects.get().grade == D("1.3")
    assert TableImport.objects.get().kind == "exams.grades"


def test_a_grade_is_taken_away_with_a_reason(cast: Cast, oral: Exam, people: list[Registration]) -> None:
    grade(oral, {people[0].pk: D("1.7")})
    publish_results(exam_pk=oral.pk, by=None, now=AFTER)
    away = {"registration_pk": people[0].pk, "exam_pk": oral.pk, "reason": "Wrong person", "by": None, "now": AFTER}
    assert code_of(lambda: remove_result(**away, seen="2")) == "changed-meanwhile"
    remove_result(**away, seen=exactly(D("1.7")))
    assert not Result.objects.exists()
    assert ResultChange.objects.filter(what="removed").get().before == "1.7"


def test_the_office_and_the_gradebook_get_the_grade_alone(cast: Cast, oral: Exam, people: list[Registration]) -> None:
    ExamRules.objects.create(course=cast.course, needs_matriculation_number=False)
    grade(oral, {people[0].pk: D("1.7"), people[1].pk: D("5.0")})
    publish_results(exam_pk=oral.pk, by=None, now=AFTER)
    Registration.objects.filter(pk=people[2].pk).update(state="absent")
    freeze(exam_pk=oral.pk, now=AFTER, with_reserved=True)
    assert [row[2:] for row in office_rows(oral)] == [(D("1.7"), "attended"), (D("5.0"), "attended"), ("", "absent")]
    columns = columns_of(cast.course)
    rows = standings(cast.course, now=AFTER, columns=columns)
    headers, cells = sheet_of(rows, columns, now=AFTER)
    assert {len(row) for row in cells} == {len(headers)}
    place = headers.index(str(oral))
    assert [row[place] for row in cells if row[place] is not None] == [D("1.7"), D("5.0")]
    # Corrections by its table are of points.
    assert [field.key for field in fields_of(columns)] == []
    page = page_of(cast.client("lecturer"), "/amls/staff/gradebook/")
    assert "1.7" in page
    assert code_of(lambda: grade(oral, {people[0].pk: D("1.0")}, reason="x")) == "frozen"
