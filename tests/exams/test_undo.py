"""What a file brought in is taken back, where nobody changed it since: points, and the university's list."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from amls.files.models import ImportedRow, TableImport
from amls.files.tables.table import Upload
from amls.grading.tasks import TaskWish
from amls.held.models import HeldAct
from amls.mail.models import Notice
from amls.privacy.registry import delete_account
from exams.grading import usual_table
from exams.models import Exam, Registration, Result, ResultChange, UniversityEntry
from exams.services.gradetable import set_grade_table
from exams.services.points import enter_points
from exams.services.registration import register
from exams.services.results import publish_results
from exams.services.tasks import enter_task_points, set_exam_tasks
from exams.services.university import import_university_list
from tests.cast import Cast
from tests.exams.people import make_students, verify_all
from tests.factories import OpenExamFactory
from tests.tables import agree, show

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("one_factor")]
JUNE, AFTER = datetime(2024, 6, 20, 10, tzinfo=UTC), datetime(2024, 7, 25, 10, tzinfo=UTC)
IMPORTS = "/amls/staff/imports/"


@pytest.fixture
def exam(cast: Cast) -> Exam:
    return OpenExamFactory.create(course=cast.course, capacity=None)


@pytest.fixture
def people(cast: Cast, exam: Exam) -> list[Registration]:
    """Three who attended, with verified numbers."""
    registrations = [
        register(enrolment=student, exam_pk=exam.pk, now=JUNE) for student in make_students(cast.course, 3)
    ]
    verify_all(cast.course)
    Registration.objects.filter(exam=exam).update(state="attended", arrived_at=AFTER)
    return registrations


def undo(client: Any) -> Any:
    """Press the undo of the newest import."""
    return client.post(IMPORTS, {"undo": TableImport.objects.latest("pk").pk})


def points_of(people: list[Registration]) -> list[Decimal | None]:
    points = dict(Result.objects.filter(registration__in=people).values_list("registration", "points"))
    return [points.get(person.pk) for person in people]


def numbers_of(people: list[Registration]) -> list[str]:
    return [person.enrolment.user.matriculation_number for person in people]


def test_points_of_a_file_are_taken_back_but_for_those_corrected_since(
    cast: Cast, exam: Exam, people: list[Registration]
) -> None:
    enter_points(exam_pk=exam.pk, points={people[0].pk: Decimal(10)}, by=None, reason="", now=AFTER)
    first, second, third = numbers_of(people)
    content = f"Matrikelnummer;Punkte\n{first};20,5\n{second};30\n{third};40\n".encode()
    client, address = cast.client("lecturer"), f"/amls/exams/{exam.pk}/results/import/"
    shown = show(client, address, content)
    assert agree(client, address, shown).status_code == 302
    assert points_of(people) == [Decimal("20.5"), Decimal(30), Decimal(40)]
    enter_points(exam_pk=exam.pk, points={people[2].pk: Decimal(41)}, by=None, reason="", now=AFTER)
    answer = undo(client)
    assert [(answer.status_code, answer.context["undoing"].done), answer.context["undoing"].problems] == [
        (409, 2), [(str(people[2].enrolment.user), "Somebody changed it since: it stays as it is.")],
    ]  # fmt: skip
    assert points_of(people) == [Decimal(10), None, Decimal(41)]
    # On record, with its reason.
    assert ResultChange.objects.filter(registration=people[0]).latest("pk").reason == (
        "The import of a file was taken back."
    )


def test_published_points_of_a_file_are_not_taken_away(cast: Cast, exam: Exam, people: list[Registration]) -> None:
    Exam.objects.filter(pk=exam.pk).update(starts_at=timezone.now() - timedelta(days=1))
    client, address = cast.client("lecturer"), f"/amls/exams/{exam.pk}/results/import/"
    content = "".join(["Matrikelnummer;Punkte\n", *(f"{number};60\n" for number in numbers_of(people))]).encode()
    agree(client, address, show(client, address, content))
    set_grade_table(exam_pk=exam.pk, steps=usual_table(exam.max_points).steps, now=timezone.now())
    publish_results(exam_pk=exam.pk, by=None, now=timezone.now())
    answer = undo(client)
    refusals = {text for _label, text in answer.context["undoing"].problems}
    assert len(refusals) == 1
    assert refusals.pop().startswith("The result is published, and stays. If it is the wrong person's, take it away")
    assert points_of(people) == [Decimal(60)] * 3


@pytest.mark.parametrize("by_tasks", [True, False])
def test_a_published_result_corrected_by_hand_is_taken_back_where_it_was_corrected(
    cast: Cast, exam: Exam, people: list[Registration], by_tasks: bool
) -> None:
    now = timezone.now()
    Exam.objects.filter(pk=exam.pk).update(starts_at=now - timedelta(days=1))
    tasks = [TaskWish("Joins", Decimal(60)), TaskWish("Größe", Decimal(40))] if by_tasks else []
    set_exam_tasks(exam_pk=exam.pk, tasks=tasks, by=None, now=now)
    keys = list(exam.tasks.values_list("pk", flat=True))
    person = people[0]
    if by_tasks:
        by_task = {key: Decimal(30) for key in keys}
        enter_task_points(exam_pk=exam.pk, points={person.pk: by_task}, by=None, now=now)
    else:
        enter_points(exam_pk=exam.pk, points={person.pk: Decimal(60)}, by=None, now=now)
    set_grade_table(exam_pk=exam.pk, steps=usual_table(Decimal(100)).steps, now=now)
    publish_results(exam_pk=exam.pk, by=None, now=now)
    Result.objects.filter(registration=person).update(correction="Seite 3 übersehen")
    before = Result.objects.values("points", "grade", "extra_points", "correction").get(registration=person)
    Notice.objects.all().delete()
    client, address = cast.client("lecturer"), f"/amls/exams/{exam.pk}/results/"
    sent = {f"points-{person.pk}": "90", "reason": "Blatt übersehen"}
    if by_tasks:
        address = f"{address}tasks/people/"
        sent = {
            "person": str(person.pk),
            "reason": "Blatt übersehen",
            **{f"points-{person.pk}-{key}": "35" for key in keys},
        }
    else:
        address = f"{address}enter/"
    page = client.post(address, sent, follow=True).content.decode()
    corrected = Result.objects.get(registration=person)
    assert (corrected.points != before["points"], corrected.correction) == (True, "Blatt übersehen")
    undo = reverse("held:undo", args=[cast.course.slug, HeldAct.objects.get().pk])
    assert f'action="{undo}"' in page
    assert Notice.objects.filter(kind="exams.result-changed").exists()
    client.post(undo)
    # The reason goes too: nobody read it.
    assert Result.objects.values("points", "grade", "extra_points", "correction").get(registration=person) == before
    assert not Notice.objects.filter(kind="exams.result-changed").exists()


def listed(exam: Exam) -> list[tuple[str, str]]:
    entries = UniversityEntry.objects.filter(exam=exam).order_by("matriculation_number")
    return list(entries.values_list("matriculation_number", "name"))


def test_the_universitys_list_is_taken_back_to_the_one_before(cast: Cast, exam: Exam) -> None:
    client, address = cast.client("lecturer"), f"/amls/exams/{exam.pk}/staff/university/"
    for content in (
        b"Matrikelnummer;Name\n0500001;Ada\n500002;Bob\n",
        "Matrikelnummer;Name\n500001;Łukasz Żółć\n500003;Şahin\n500004;Größe\n".encode(),
    ):
        assert agree(client, address, show(client, address, content)).status_code == 302
    assert listed(exam) == [("0500001", "Łukasz Żółć"), ("500003", "Şahin"), ("500004", "Größe")]
    UniversityEntry.objects.filter(matriculation_number="500004").update(name="Mended")
    answer = undo(client)
    assert (answer.status_code, answer.context["undoing"].done) == (409, 3)
    assert answer.context["undoing"].problems == [("Größe (500004)", "Somebody changed it since: it stays as it is.")]
    assert listed(exam) == [("0500001", "Ada"), ("500002", "Bob"), ("500004", "Mended")]
    shown = client.get(IMPORTS).content.decode()
    assert "The university&#x27;s list" in shown
    UniversityEntry.objects.filter(matriculation_number="500004").delete()
    first = TableImport.objects.earliest("pk")
    assert client.post(IMPORTS, {"undo": first.pk}).status_code == 302
    assert listed(exam) == []
    exam.refresh_from_db()
    assert exam.university_list_at is not None


def test_a_list_that_says_the_same_again_is_nothing_to_take_back(exam: Exam) -> None:
    content = b"Matrikelnummer;Name\n500001;Ada\n"
    for _again in range(2):
        import_university_list(exam_pk=exam.pk, upload=Upload(content), by=None, now=AFTER)
    assert TableImport.objects.count() == 1


def test_what_a_list_said_of_a_person_is_forgotten_with_them(
    exam: Exam, people: list[Registration], cast: Cast
) -> None:
    first, second, _third = numbers_of(people)
    content = f"Matrikelnummer\n{first}\n{second}\n".encode()
    import_university_list(exam_pk=exam.pk, upload=Upload(content), by=cast.lecturer.user, now=AFTER)
    delete_account(user=people[0].enrolment.user, now=AFTER)
    assert [row.after["number"] for row in ImportedRow.objects.all()] == [second]
