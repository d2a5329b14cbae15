"""What changed of the examination office's list since one that it got: on the page and as a file, with old and new."""

import csv
import io
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.db import connection
from django.test.utils import CaptureQueriesContext
from openpyxl import load_workbook

from amls.courses.participation import verify_number
from exams.grading import usual_table
from exams.models import Exam, Registration, Result
from exams.officelist import changes_since, earlier_lists, lists_of
from exams.services.gradetable import set_grade_table
from exams.services.points import enter_points
from exams.services.registration import register
from exams.services.results import freeze, publish_results, regrade, unfreeze
from tests.cast import Cast
from tests.exams.people import make_students
from tests.factories import OpenExamFactory

pytestmark = pytest.mark.django_db
JUNE = datetime(2024, 6, 20, 10, tzinfo=UTC)
MONDAY = datetime(2024, 7, 22, 10, tzinfo=UTC)
THURSDAY = MONDAY + timedelta(days=3)
TABLE = usual_table(Decimal(100)).steps
PAGE = "/amls/exams/{}/results/office/changes"


def happened(moment: datetime) -> None:
    """Let all that the history notes of before this be of a moment: a test is one transaction, whose clock stands."""
    for model in (Exam, Registration, Result):
        events: Any = model.pgh_event_model.objects
        events.filter(pgh_created_at__gt=THURSDAY + timedelta(days=99)).update(pgh_created_at=moment)


@pytest.fixture
def exam(cast: Cast) -> Exam:
    """Three on Monday's list, the third of whom was absent; a fourth waits."""
    made: Exam = OpenExamFactory.create(course=cast.course, capacity=3)
    people = make_students(cast.course, 4)
    rows = [register(enrolment=person, exam_pk=made.pk, now=JUNE) for person in people]
    for person in people:
        verify_number(enrolment=person, number=person.user.matriculation_number)
    Registration.objects.filter(pk__in=[row.pk for row in rows[:2]]).update(state="attended", arrived_at=MONDAY)
    Registration.objects.filter(pk=rows[2].pk).update(state="absent")
    set_grade_table(exam_pk=made.pk, steps=TABLE, now=MONDAY)
    enter_points(exam_pk=made.pk, points={row.pk: Decimal(48) for row in rows[:2]}, by=None, now=MONDAY)
    publish_results(exam_pk=made.pk, by=None, now=MONDAY)
    freeze(exam_pk=made.pk, now=MONDAY, with_reserved=True)
    happened(MONDAY)
    made.refresh_from_db()
    return made


def until_thursday(cast: Cast, exam: Exam) -> None:
    """Somebody gets a better grade, who was absent came after all, one who waited is there, and one is gone."""
    unfreeze(exam_pk=exam.pk, by=cast.lecturer.user, reason="Einsicht", now=THURSDAY)
    first, second, third, fourth = Registration.objects.filter(exam=exam).order_by("pk")
    enter_points(exam_pk=exam.pk, points={first.pk: Decimal(97)}, by=None, reason="Größe übersehen", now=THURSDAY)
    Registration.objects.filter(pk=third.pk).update(state="attended", arrived_at=THURSDAY)
    Registration.objects.filter(pk=fourth.pk).update(state="attended", position=None, arrived_at=THURSDAY)
    enter_points(exam_pk=exam.pk, points={third.pk: Decimal(20), fourth.pk: Decimal(70)}, by=None, now=THURSDAY)
    publish_results(exam_pk=exam.pk, by=None, now=THURSDAY)
    Result.objects.filter(registration=second).delete()
    second.delete()
    Exam.objects.filter(pk=exam.pk).update(waiting=0)
    freeze(exam_pk=exam.pk, now=THURSDAY, with_reserved=True)
    happened(THURSDAY)


def test_who_was_added_left_or_changed_stands_there_with_old_and_new(cast: Cast, exam: Exam) -> None:
    assert (len(lists_of(exam)), earlier_lists(exam)) == (1, [])
    until_thursday(cast, exam)
    exam.refresh_from_db()
    (monday,) = earlier_lists(exam)
    assert monday.frozen_at == MONDAY
    said = {change.person.user.display_name: (change.kind, change.before, change.after) for change in changes_since(exam, monday)}  # fmt: skip
    assert said == {
        "S 0000": ("changed", (Decimal("5.0"), "attended"), (Decimal("1.0"), "attended")),
        "S 0001": ("left", (Decimal("5.0"), "attended"), None),
        "S 0002": ("changed", ("", "absent"), (Decimal("5.0"), "attended")),
        "S 0003": ("added", None, (Decimal("2.7"), "attended")),
    }


def test_the_page_and_its_files_say_the_same_in_both_languages(cast: Cast, exam: Exam) -> None:
    client, address = cast.client("assistant"), PAGE.format(exam.pk)
    first = client.get(f"{address}/")
    assert "There is no earlier list" in first.content.decode()
    assert client.get(f"{address}.csv").headers["Location"] == f"{address}/"
    until_thursday(cast, exam)
    assert f'href="{address}/"' in client.get(f"/amls/exams/{exam.pk}/results/").content.decode()
    page = BeautifulSoup(client.get(f"{address}/", headers={"accept-language": "de"}).content, "html.parser")
    rows = [[" ".join(cell.get_text().split()) for cell in row.select("th, td")] for row in page.select("tbody tr")]
    number = Registration.objects.filter(exam=exam).earliest("pk").enrolment.verified_number
    assert rows[0] == [f"S 0000 {number}", "geändert", "Teilgenommen, 5,0", "Teilgenommen, 1,0"]
    assert rows[1][1:] == ["nicht mehr auf der Liste", "Teilgenommen, 5,0", "–"]
    text = client.get(f"{address}.csv").content.decode("utf-8-sig")
    table = list(csv.DictReader(io.StringIO(text)))
    assert [(row["name"], row["change"], row["grade before"], row["grade"], row["status before"], row["status"]) for row in table] == [
        ("S 0000", "changed", "5.0", "1.0", "Attended", "Attended"),
        ("S 0001", "no longer on the list", "5.0", "", "Attended", ""),
        ("S 0002", "changed", "", "5.0", "Absent", "Attended"),
        ("S 0003", "added", "", "2.7", "", "Attended"),
    ]  # fmt: skip
    sheet = load_workbook(io.BytesIO(client.get(f"{address}.xlsx").content)).active
    assert sheet is not None
    assert [cell.value for cell in sheet[2]][:5] == [number, "S 0000", "changed", 5, 1]
    # Of lists that there are, and to the staff of this course alone.
    (monday,) = earlier_lists(Exam.objects.get(pk=exam.pk))
    assert client.get(f"{address}/?since={monday.key}").status_code == 200
    assert {client.get(f"{address}/?since={wrong}").status_code for wrong in ("x", "0", str(lists_of(exam)[0].key))} == {404}  # fmt: skip
    assert {cast.client(who).get(f"{address}{end}").status_code for who in ("student", "stranger", "foreign lecturer") for end in ("/", ".csv")} == {404}  # fmt: skip


def test_while_results_are_released_the_page_says_so_and_gives_no_file(cast: Cast, exam: Exam) -> None:
    unfreeze(exam_pk=exam.pk, by=cast.lecturer.user, reason="Einsicht", now=THURSDAY)
    happened(THURSDAY)
    client, address = cast.client("lecturer"), PAGE.format(exam.pk)
    said = client.get(f"{address}/").content.decode()
    assert "what stands here may still change" in said
    assert "Nothing changed since then: the list is the same." in said
    refused = client.get(f"{address}.csv", follow=True)
    assert "Freeze the results first" in refused.content.decode()
    set_grade_table(exam_pk=exam.pk, steps={grade: points - 5 for grade, points in TABLE.items()}, now=THURSDAY)
    assert regrade(exam_pk=exam.pk, by=None, reason="Aufgabe 4", now=THURSDAY) == 2
    happened(THURSDAY)
    changed = client.get(f"{address}/").content.decode()
    assert changed.count("Attended, 4.0") == 2
    assert "changes.csv" not in changed


def test_a_long_list_costs_what_a_short_one_does(cast: Cast, exam: Exam) -> None:
    until_thursday(cast, exam)
    exam.refresh_from_db()
    (monday,) = earlier_lists(exam)
    with CaptureQueriesContext(connection) as queries:
        assert len(changes_since(exam, monday)) == 4
    assert len(queries) == 4
