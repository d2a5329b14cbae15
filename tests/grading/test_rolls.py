"""Lists that the staff keep: entered by hand and from a table, told to their owner, judged by the rule."""

import io
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from openpyxl import Workbook

from amls.core.violations import RuleViolation
from amls.courses.models import Enrolment
from amls.files.models import TableImport
from amls.files.tables.imports import undo_import
from amls.files.tables.table import Upload
from amls.grading.facts import facts_of
from amls.grading.models import PersonNote, Roll, RollEntry
from amls.grading.rollfile import import_entries
from amls.grading.services import Count, delete_roll, enter, keep_roll, note_person
from amls.grading.tree import AllBlock, EntriesBlock
from amls.grading.words import findings_of
from amls.privacy.registry import everything_about
from tests.agreement import agreeing_in
from tests.cast import Cast
from tests.exams.people import make_students
from tests.markup import sent_by

pytestmark = pytest.mark.django_db
NOW = datetime(2024, 6, 20, 10, tzinfo=UTC)


@pytest.fixture
def roll(cast: Cast) -> Roll:
    return keep_roll(course=cast.course, title="Übung 山田", planned=12, held=8, now=NOW)


def said_of(cast: Cast, roll: Roll, at_least: int = 8) -> tuple[str, str]:
    known = facts_of(cast.course, [cast.student], now=NOW)[cast.student.pk]
    finding = findings_of(AllBlock((EntriesBlock(roll.pk, at_least),)), known)[0]
    return finding.verdict.value, finding.text


def test_what_is_entered_is_what_the_rule_reads(cast: Cast, roll: Roll) -> None:
    by = cast.assistant.user
    assert said_of(cast, roll) == ("unmet", "Übung 山田: at least 8 times: 0 of 8. That can't be reached any more.")
    changes, _overtaken = enter(roll_pk=roll.pk, counts={cast.student.pk: Count(5, 1)}, by=by, now=NOW)
    assert [(change.enrolment.pk, change.before, change.after) for change in changes] == [
        (cast.student.pk, Count(), Count(5, 1))
    ]
    assert said_of(cast, roll) == ("pending", "Übung 山田: at least 8 times: 6 of 8 (1 of them excused)")
    assert enter(roll_pk=roll.pk, counts={cast.student.pk: Count(5, 1)}, by=by, now=NOW) == ([], {})
    enter(roll_pk=roll.pk, counts={cast.student.pk: Count(8)}, by=by, now=NOW)
    assert said_of(cast, roll) == ("met", "Übung 山田: at least 8 times: 8 of 8")


def test_a_rule_about_a_list_that_is_gone_lets_nobody_through(cast: Cast, roll: Roll) -> None:
    enter(roll_pk=roll.pk, counts={cast.student.pk: Count(8)}, by=cast.assistant.user, now=NOW)
    delete_roll(course=cast.course, roll_pk=roll.pk, by=cast.assistant.user, now=NOW)
    assert said_of(cast, roll)[0] == "pending"


def test_nobody_was_there_more_often_than_there_were_occasions(cast: Cast, roll: Roll) -> None:
    with pytest.raises(RuleViolation) as refused:
        enter(roll_pk=roll.pk, counts={cast.student.pk: Count(12, 1)}, by=cast.assistant.user, now=NOW)
    assert refused.value.code == "too-often"


@pytest.mark.parametrize("part", ["foreign_lecturer", "assistant"])
def test_only_students_of_the_course_stand_in_a_list(cast: Cast, roll: Roll, part: str) -> None:
    with pytest.raises(RuleViolation) as refused:
        enter(roll_pk=roll.pk, counts={getattr(cast, part).pk: Count(1)}, by=cast.assistant.user, now=NOW)
    assert refused.value.code == "not-a-student"


def test_the_database_refuses_what_the_services_do(cast: Cast, roll: Roll) -> None:
    wrong: list[Callable[[], object]] = [
        lambda: RollEntry.objects.create(roll=roll, enrolment=cast.foreign_lecturer, entered_at=NOW),
        lambda: RollEntry.objects.create(roll=roll, enrolment=cast.student, entered=201, entered_at=NOW),
        lambda: RollEntry.objects.bulk_create(RollEntry(roll=roll, enrolment=cast.student, entered_at=NOW) for _ in "ab"),
        lambda: Roll.objects.create(course=cast.course, title=roll.title),
        lambda: Roll.objects.create(course=cast.course, title="x", planned=3, held=4),
        lambda: Roll.objects.create(course=cast.course, title="y", planned=0),
    ]  # fmt: skip
    for write in wrong:
        with pytest.raises(IntegrityError), transaction.atomic():
            write()


def standing() -> list[tuple[int, int, int]]:
    return list(RollEntry.objects.order_by("enrolment").values_list("enrolment", "entered", "excused"))


def sheet(*rows: tuple[object, ...]) -> bytes:
    book, file = Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(file)
    return file.getvalue()


def test_a_table_is_shown_entered_and_taken_back(cast: Cast, roll: Roll) -> None:
    enter(roll_pk=roll.pk, counts={cast.student.pk: Count(2, 1)}, by=cast.assistant.user, now=NOW)
    content = sheet(
        ("E-Mail-Adresse", "Anwesend"), ("student@example.org", 7.0), ("other@example.org", "3"),
        ("assistant@example.org", 1), ("nobody@example.org", 1), ("student@example.org", 2), ("other@example.org", "oft"),
    )  # fmt: skip
    read: dict[str, Any] = {
        "roll_pk": roll.pk,
        "upload": Upload(content, "Anwesenheit.xlsx"),
        "by": cast.assistant.user,
        "now": NOW,
    }
    plan = import_entries(**read, dry_run=True)
    assert {line.subject: list(line.changes) for line in plan.lines} == {
        str(cast.other_student.user): [("was there", "0", "3")],
        str(cast.student.user): [("was there", "2", "7")],
    }
    assert [problem.line for problem in plan.problems] == [4, 5, 6, 7]
    assert RollEntry.objects.get().entered == 2
    import_entries(**read, dry_run=False, expected=plan.seal)
    assert standing() == [(cast.student.pk, 7, 1), (cast.other_student.pk, 3, 0)]
    undoing = undo_import(table_import=TableImport.objects.get(), by=cast.lecturer.user, now=NOW)
    assert (undoing.done, undoing.problems) == (2, [])
    assert standing() == [(cast.student.pk, 2, 1), (cast.other_student.pk, 0, 0)]


def test_the_pages_enter_change_and_import(cast: Cast, roll: Roll) -> None:
    client, address = cast.client("assistant"), f"/amls/staff/lists/{roll.pk}/"
    made = client.post("/amls/staff/lists/", {"title": "Vorrechnen", "planned": "", "held": ""})
    assert made.status_code == 302
    assert client.post("/amls/staff/lists/", {"title": "Vorrechnen"}).status_code == 422
    typed = {f"entered-{cast.student.pk}": "4", f"excused-{cast.student.pk}": ""}
    assert client.post(address, typed).status_code == 302
    wrong = client.post(address, {**typed, f"entered-{cast.student.pk}": "1e9"})
    assert (wrong.status_code, 'value="1e9"' in wrong.content.decode()) == (422, True)
    assert client.post(address, {**typed, f"entered-{cast.student.pk}": "13"}).status_code == 422
    assert RollEntry.objects.get().entered == 4
    upload = SimpleUploadedFile("a.csv", b"email;anwesend\nstudent@example.org;5\n")
    shown = client.post(f"{address}import/", {"file": upload, "_show": "1"})
    assert shown.status_code == 200
    assert RollEntry.objects.get().entered == 4
    assert client.post(address, {"change": "1", "title": "Übung", "planned": "3", "held": "4"}).status_code == 422


def test_a_list_is_deleted_once_it_was_said_what_is_lost_and_is_put_back_with_its_key(cast: Cast, roll: Roll) -> None:
    client, address = cast.client("assistant"), f"/amls/staff/lists/{roll.pk}/"
    counts = {cast.student.pk: Count(4, 1), cast.other_student.pk: Count(2)}
    enter(roll_pk=roll.pk, counts=counts, by=cast.assistant.user, now=NOW)
    asked = client.post(address, {"delete": "1"})
    assert "What is entered of 2 people is deleted with it." in asked.content.decode()
    # Who agrees to something else than what is there now is asked again.
    enter(roll_pk=roll.pk, counts={cast.other_student.pk: Count(3)}, by=cast.lecturer.user, now=NOW)
    again = client.post(address, {"delete": "1", **agreeing_in(asked)})
    assert (again.status_code, Roll.objects.count()) == (200, 1)
    before = standing()
    deleted = client.post(address, {"delete": "1", **agreeing_in(again)}, follow=True)
    assert (Roll.objects.count(), "/amls/staff/imports/" in deleted.content.decode()) == (0, True)
    undoing = undo_import(table_import=TableImport.objects.get(), by=cast.lecturer.user, now=NOW)
    assert (undoing.done, undoing.problems, standing()) == (2, [], before)
    assert Roll.objects.values_list("pk", "title", "planned", "held").get() == (roll.pk, roll.title, 12, 8)


def test_a_person_reads_their_own_entries_and_nobody_elses(cast: Cast, roll: Roll) -> None:
    counts = {cast.student.pk: Count(5, 1), cast.other_student.pk: Count(2)}
    enter(roll_pk=roll.pk, counts=counts, by=cast.assistant.user, now=NOW)
    told = dict(everything_about(cast.student.user))["grading/lists.json"]
    assert [(entry["roll"], entry["entered"], entry["excused"]) for entry in told] == [("Übung 山田", 5, 1)]


def test_entering_many_costs_no_more_to_judge(cast: Cast, roll: Roll) -> None:
    counts = []
    for count in (2, 20):
        people = make_students(cast.course, count, prefix=f"r{count}")
        with CaptureQueriesContext(connection) as queries:
            facts_of(cast.course, people, now=NOW)
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_entries_that_a_colleague_made_meanwhile_stay(cast: Cast, roll: Roll) -> None:
    address = f"/amls/staff/lists/{roll.pk}/"
    ours, theirs = cast.client("assistant"), cast.client("lecturer")
    first, second = cast.student.pk, cast.other_student.pk
    enter(roll_pk=roll.pk, counts={first: Count(1)}, by=cast.assistant.user, now=NOW)
    older = sent_by(ours.get(address).content.decode())
    theirs.post(address, {**older, f"entered-{first}": "6", f"excused-{first}": "2"})
    assert ours.post(address, {**older, f"entered-{second}": "3"}).status_code == 302
    assert standing() == [(first, 6, 2), (second, 3, 0)]
    # What is refused for another reason has told nobody what stands there.
    wrong = ours.post(address, {**older, f"entered-{first}": "2", f"entered-{second}": "x"})
    sent = sent_by(wrong.content.decode())
    both = ours.post(address, {**sent, f"entered-{second}": "4"})
    page = both.content.decode()
    assert (both.status_code, standing()) == (422, [(first, 6, 2), (second, 3, 0)])
    assert f"{cast.lecturer.user} entered 6, 2 excused meanwhile. If yours is to hold, save again." in page
    again = sent_by(page)
    assert (again[f"entered-{first}"], again[f"excused-{first}"]) == (["2"], [""])
    assert ours.post(address, again).status_code == 302
    assert standing() == [(first, 2, 0), (second, 4, 0)]


@pytest.mark.parametrize("page", ["/amls/staff/gradebook/{}/", "/admin/people/{}/"])
def test_a_note_that_a_colleague_changed_meanwhile_stays(cast: Cast, page: str) -> None:
    address, ours, person = page.format(cast.student.pk), cast.client("assistant"), cast.student
    note_person(enrolment=person, text="Rief an.", by=cast.assistant.user, now=NOW)
    shown = BeautifulSoup(ours.get(address).content.decode(), "html.parser").select_one("[name=note-seen]")
    assert shown is not None
    older = {"note": "Zieht um.", "note-seen": str(shown["value"])}
    note_person(enrolment=person, text="Fehlt im Mai.", by=cast.lecturer.user, now=NOW.replace(hour=11))
    # Too long is no reason to have seen it.
    assert ours.post(address, {**older, "note": "a" * 2001}).context["note"].seen == older["note-seen"]
    refused = ours.post(address, older)
    assert (refused.status_code, person_note(person)) == (422, "Fehlt im Mai.")
    said = f"{cast.lecturer.user} changed this note meanwhile. It says now: Fehlt im Mai."
    assert (said in refused.content.decode(), refused.context["note"].typed) == (True, "Zieht um.")
    assert ours.post(address, {**older, "note-seen": refused.context["note"].seen}).status_code == 302
    assert person_note(person) == "Zieht um."


def person_note(person: Enrolment) -> str:
    return PersonNote.objects.get(enrolment=person).text


def test_what_a_colleague_changed_of_a_list_meanwhile_stays(cast: Cast, roll: Roll) -> None:
    address = f"/amls/staff/lists/{roll.pk}/"
    ours, theirs = cast.client("assistant"), cast.client("lecturer")

    def shown(answer: Any) -> dict[str, str]:
        page = BeautifulSoup(answer.content, "html.parser")
        form = next(form for form in page.select("form") if form.select_one('[name="change"]'))
        return {str(field["name"]): str(field.get("value", "")) for field in form.select("input")} | {"change": "1"}

    def stands() -> tuple[str, int | None, int]:
        roll.refresh_from_db()
        return roll.title, roll.planned, roll.held

    older = shown(ours.get(address))
    assert theirs.post(address, {**shown(theirs.get(address)), "title": "Praktikum", "held": "9"}).status_code == 302
    assert ours.post(address, {**older, "planned": "14"}).status_code == 302
    assert stands() == ("Praktikum", 14, 9)
    wrong = ours.post(address, {**older, "title": "Tutorium", "held": "many"})
    refused = ours.post(address, {**shown(wrong), "held": "8"})
    assert (wrong.status_code, refused.status_code) == (422, 422)
    # Not whoever changed another field since.
    assert f"{cast.lecturer.user} entered Praktikum meanwhile." in refused.content.decode()
    assert stands() == ("Praktikum", 14, 9)
    assert shown(refused)["title"] == "Tutorium"
    assert ours.post(address, shown(refused)).status_code == 302
    assert stands() == ("Tutorium", 14, 9)
