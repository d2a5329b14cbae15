"""What is printed of projects, exams and the gradebook: each is a document that people and machines can read."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from openpyxl import load_workbook
from pypdf import PdfReader

from amls.core.times import say_day, say_span
from amls.courses.models import User
from amls.exports.models import Export
from amls.grading.tree import AllBlock, PointsBlock
from amls.portal.gradebook.standings import BookQuery
from exams.models import Accommodation, Exam, Room, Seat
from exams.services.registration import staff_register
from exams.services.rules import set_rule
from exams.services.seating import assign_seats, release_seats
from projects.models import Submission, SubmissionFile
from projects.receipts import receipt_code
from projects.services.teams import register_team
from tests.cast import Cast
from tests.exams.people import make_students
from tests.exports.test_documents import check_pdf, content_of, make
from tests.factories import AssignmentFactory, ExamFactory, TopicFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def exam(cast: Cast) -> Exam:
    now = timezone.now()
    morning = (now + timedelta(days=20)).replace(hour=8, minute=30, second=0, microsecond=0)
    written_exam = ExamFactory.create(course=cast.course, starts_at=morning, capacity=40)
    Room.objects.create(exam=written_exam, name="H 0107", rows=4, seats_per_row=6)
    for enrolment in (cast.student, cast.other_student):
        staff_register(enrolment=enrolment, exam_pk=written_exam.pk, reason="By hand", now=now)
    return written_exam


@pytest.fixture
def submission(cast: Cast) -> Submission:
    now = timezone.now()
    AssignmentFactory.create(course=cast.course, due_at=now + timedelta(days=9))
    topic = TopicFactory.create(course=cast.course, title="Sparse kernels", track="Apache SystemDS", slots=3)
    project = register_team(enrolment=cast.student, topic=topic, now=now)
    row = Submission.objects.create(
        project=project, attempt=1, submitted_by=cast.student, began_at=now, received_at=now + timedelta(seconds=4)
    )
    SubmissionFile.objects.create(
        submission=row, file="x", filename="report.pdf", content_type="application/pdf", size=447, sha256="ab" * 32
    )
    return row


def pages_of(export: Export, tmp_path: Path, *, language: str = "en", title: str) -> list[str]:
    assert (export.state, export.error) == ("done", "")
    reader = check_pdf(content_of(export, tmp_path), language=language, title=title)
    return [" ".join(page.extract_text().split()) for page in reader.pages]


@pytest.mark.parametrize(("language", "title"), [("en", "Project topics: "), ("de", "Projektthemen: ")])
def test_the_topics_are_what_is_on_offer(
    cast: Cast, submission: Submission, tmp_path: Path, complaints: list[str], language: str, title: str
) -> None:
    own = {"proposal": "accepted", "proposed_by": cast.student, "proposed_at": timezone.now()}
    TopicFactory.create(course=cast.course, title="An own idea", **own)
    TopicFactory.create(course=cast.course, title="Closed", is_open=False)
    export = make(cast.course, "projects.topics", language)
    (text,) = pages_of(export, tmp_path, language=language, title=title + str(cast.course))
    assert "Sparse kernels" in text
    assert "localhost:8000/amls/projects/" in text.replace(" ", "")
    assert "An own idea" not in text
    assert "Closed" not in text
    assert complaints == []


def test_each_project_has_a_paper_of_its_own_topics_once_all_may_see_them(
    cast: Cast, submission: Submission, tmp_path: Path
) -> None:
    soon = timezone.now() + timedelta(days=1)
    second = AssignmentFactory.create(course=cast.course, is_main=False, title="Größe", visible_from=soon)
    TopicFactory.create(course=cast.course, assignment=second, title="Fused joins")
    page, paper = (f"/amls/projects/{name}?assignment={second.pk}" for name in ("", "topics.pdf"))
    for part in ("anonymous", "student", "lecturer"):
        assert cast.client(part).get(paper).status_code == 404
    assert "topics.pdf" not in cast.client("lecturer").get(page).text
    second.visible_from = None
    second.save()
    for part in ("anonymous", "student", "lecturer"):
        assert paper in cast.client(part).get(page).text
        assert cast.client(part).get(paper).status_code == 200
    export = make(cast.course, "projects.topics", assignment=second.pk)
    (text,) = pages_of(export, tmp_path, title=f"Project topics: {cast.course}")
    assert "Fused joins" in text
    assert "Sparse kernels" not in text
    assert f"/amls/projects/?assignment={second.pk}" in text.replace(" ", "")


@pytest.mark.parametrize(("language", "title"), [("en", "Receipt "), ("de", "Quittung ")])
def test_the_receipt_holds_what_was_handed_in_and_how_to_check_it(
    cast: Cast, submission: Submission, tmp_path: Path, complaints: list[str], language: str, title: str
) -> None:
    code = receipt_code(submission.pk)
    export = make(cast.course, "projects.receipt", language, user=cast.student.user, submission=submission.pk)
    (text,) = pages_of(export, tmp_path, language=language, title=title + code)
    assert code in text
    assert "report.pdf" in text
    assert "ab" * 32 in text.replace(" ", "")
    assert complaints == []
    assert f"/receipts/{code}/receipt.pdf" in cast.client("student").get(f"/receipts/{code}/").content.decode()
    assert "receipt.pdf" not in cast.client("stranger").get(f"/receipts/{code}/").content.decode()


def test_a_receipt_that_no_longer_counts_is_made_anew(cast: Cast, submission: Submission) -> None:
    first = make(cast.course, "projects.receipt", user=cast.student.user, submission=submission.pk)
    Submission.objects.update(withdrawn_at=timezone.now())
    assert make(cast.course, "projects.receipt", user=cast.student.user, submission=submission.pk).pk != first.pk


def test_the_gradebook_shows_who_fits_its_filters(cast: Cast, submission: Submission, tmp_path: Path, complaints: list[str]) -> None:  # fmt: skip
    staff = cast.lecturer.user
    nothing = BookQuery().parameters()
    title = f"Gradebook: {cast.course}"
    (text,) = pages_of(make(cast.course, "portal.gradebook", user=staff, **nothing), tmp_path, title=title)
    assert "2 students" in text
    assert "student@example.org" in text
    assert "other@example.org" in text
    (text,) = pages_of(
        make(cast.course, "portal.gradebook", user=staff, **{**nothing, "search": "other@"}), tmp_path, title=title
    )
    assert "other@example.org" in text
    assert "student@example.org" not in text
    assert complaints == []


@pytest.mark.parametrize("kind", ["exams.attendees", "exams.door", "exams.seats"])
def test_two_of_one_name_without_a_number_are_told_apart_on_paper(
    cast: Cast, exam: Exam, tmp_path: Path, complaints: list[str], kind: str
) -> None:
    assign_seats(exam_pk=exam.pk, order="name", now=timezone.now())
    addresses = [cast.student.user.email, cast.other_student.user.email]
    said = {}
    for name in ("Kim Lee", "Sam Lee"):
        User.objects.filter(pk=cast.student.user_id).update(display_name="Kim Lee", matriculation_number="")
        User.objects.filter(pk=cast.other_student.user_id).update(display_name=name, matriculation_number="")
        Export.objects.all().delete()
        export = make(cast.course, kind, user=cast.lecturer.user, exam=exam.pk)
        text = "".join(page.extract_text() for page in PdfReader(content_of(export, tmp_path)).pages)
        said[name] = [address for address in addresses if address in "".join(text.split())]
    assert said == {"Kim Lee": addresses, "Sam Lee": []}


def test_the_attendance_list_goes_by_room_and_seat_and_leaves_lines_for_walk_ins(
    cast: Cast, exam: Exam, tmp_path: Path, complaints: list[str]
) -> None:
    now, staff = timezone.now(), cast.lecturer.user
    (text,) = pages_of(
        make(cast.course, "exams.attendees", user=staff, exam=exam.pk), tmp_path, title="Attendance list"
    )
    assert "H 0107" not in text
    assert text.count("Walk-in") == 3
    Export.objects.all().delete()
    Accommodation.objects.create(course=cast.course, enrolment=cast.student, extra_minutes=30)
    assign_seats(exam_pk=exam.pk, order="name", now=now)
    (text,) = pages_of(
        make(cast.course, "exams.attendees", user=staff, exam=exam.pk), tmp_path, title="Attendance list"
    )
    assert "Attendance: H 0107" in text
    assert "1/1" in text
    assert "1/3" in text
    assert text.count("Not admitted yet") == 2
    assert "ends" in text
    sheet = load_workbook(
        content_of(make(cast.course, "exams.attendees-sheet", user=staff, exam=exam.pk), tmp_path)
    ).worksheets[0]
    rows = list(sheet.iter_rows(values_only=True))
    assert rows[0][:6] == ("Name", "Matriculation number", "E-mail", "Room", "Row", "Seat")
    assert {row[2] for row in rows[1:]} == {"student@example.org", "other@example.org"}
    assert {row[3:6] for row in rows[1:]} == {("H 0107", 1, 1), ("H 0107", 1, 3)}
    assert complaints == []


@pytest.mark.parametrize(
    ("kind", "title"),
    [("exams.door", "List for the door"), ("exams.seats", "Seat plan"), ("exams.attendees", "Attendance list")],
)
def test_lists_of_an_exam_with_monstrous_names_stay_documents(
    cast: Cast, exam: Exam, tmp_path: Path, complaints: list[str], kind: str, title: str
) -> None:
    cast.student.user.display_name = "<script>" + "x" * 140
    cast.student.user.save()
    assign_seats(exam_pk=exam.pk, order="random", now=timezone.now())
    pages = pages_of(make(cast.course, kind, user=cast.lecturer.user, exam=exam.pk), tmp_path, title=title)
    assert len(pages) == 1
    assert "<script>xxx" in pages[0]
    assert complaints == []


def test_slip_and_receipt_are_small_and_waited_for(
    cast: Cast, exam: Exam, submission: Submission, tmp_path: Path, complaints: list[str]
) -> None:
    assign_seats(exam_pk=exam.pk, order="name", now=timezone.now())
    release_seats(exam_pk=exam.pk, now=timezone.now())
    held = exam.registrations.get(enrolment=cast.student)
    for kind, title, values in (
        ("exams.slip", "Admission slip", {"registration": held.pk}),
        ("projects.receipt", f"Receipt {receipt_code(submission.pk)}", {"submission": submission.pk}),
    ):
        export = make(cast.course, kind, user=cast.student.user, **values)
        pages_of(export, tmp_path, title=title)
        assert export.is_quick
        assert export.bytes < 60_000
    assert complaints == []


# ── a paper that lies loose, or in a folder with others ──


@pytest.fixture
def crowd(cast: Cast, exam: Exam) -> Exam:
    """An exam with 36 people in its first room, 12 in another and 2 without a seat."""
    now = timezone.now()
    Exam.objects.filter(pk=exam.pk).update(title="Größe", capacity=50, place="Hauptgebäude")
    exam.refresh_from_db()
    Room.objects.filter(exam=exam).update(rows=6, seats_per_row=12)
    Room.objects.create(exam=exam, name="MA 001", rows=2, seats_per_row=12)
    people = make_students(cast.course, 46)
    for person in people:
        staff_register(enrolment=person, exam_pk=exam.pk, reason="By hand", now=now)
    assign_seats(exam_pk=exam.pk, order="name", now=now)
    for person in make_students(cast.course, 2, prefix="late"):
        staff_register(enrolment=person, exam_pk=exam.pk, reason="By hand", now=now)
    return exam


def said_of(exam: Exam) -> str:
    local = exam.starts_at.astimezone(exam.course.zone)
    return f"Größe · {say_day(local)}, {say_span(local, exam.ends_at, exam.course.zone)}"


def test_each_page_of_a_list_says_of_which_exam_day_and_room_it_is_and_how_many_the_room_has(
    cast: Cast, crowd: Exam, tmp_path: Path, complaints: list[str]
) -> None:
    head, staff = said_of(crowd), cast.lecturer.user
    pages = pages_of(make(cast.course, "exams.attendees", user=staff, exam=crowd.pk), tmp_path, title="Attendance list")
    assert [page[page.rindex(" ") - 4 :].strip() for page in pages] == ["1 / 3", "2 / 3", "3 / 3", "1 / 1", "1 / 1"]
    heads = [f"Attendance: {head} · H 0107" in page for page in pages]
    assert heads == [False, True, True, False, False]
    assert ["Attendance: MA 001" in page for page in pages] == [False, False, False, True, False]
    assert "Attendance: without a seat" in pages[-1]
    pages = pages_of(make(cast.course, "exams.seats", user=staff, exam=crowd.pk), tmp_path, title="Seat plan")
    assert [page[page.rindex(" ") - 4 :].strip() for page in pages] == ["1 / 2", "2 / 2", "1 / 1"]
    assert f"Seat plan: {head} · H 0107" in pages[1]
    pages = pages_of(make(cast.course, "exams.door", user=staff, exam=crowd.pk), tmp_path, title="List for the door")
    assert [f"List for the door: {head} · Hauptgebäude" in page for page in pages] == [False, True]
    assert complaints == []


def test_each_line_of_a_seat_plan_has_its_row(cast: Cast, crowd: Exam, tmp_path: Path) -> None:
    export = make(cast.course, "exams.seats", user=cast.lecturer.user, exam=crowd.pk)
    lines = "\n".join(page.extract_text() for page in PdfReader(content_of(export, tmp_path)).pages)
    seats = Seat.objects.filter(room__exam=crowd).select_related("registration__enrolment__user")
    wanted = [f"{seat.row} {seat.number} {seat.registration.enrolment.user}" for seat in seats]
    assert len(wanted) == 48
    assert [line for line in wanted if line not in lines] == []


@pytest.mark.parametrize("kind", ["exams.door", "exams.attendees", "exams.seats"])
def test_an_exam_without_rooms_says_on_paper_where_and_when_it_is(
    cast: Cast, exam: Exam, tmp_path: Path, kind: str
) -> None:
    Room.objects.all().delete()
    Exam.objects.update(place="TEL 1614 (Łukasz)", title="Größe")
    exam.refresh_from_db()
    export = make(cast.course, kind, user=cast.lecturer.user, exam=exam.pk)
    (page,) = pages_of(export, tmp_path, title="")
    day = say_day(exam.starts_at, exam.course.zone)
    assert [word for word in ("TEL 1614 (Łukasz)", "Größe", day) if word not in page] == []


def test_every_day_on_paper_has_its_year(cast: Cast, crowd: Exam, submission: Submission, tmp_path: Path) -> None:
    staff, held = cast.lecturer.user, crowd.registrations.get(enrolment=cast.student)
    made = {
        kind: make(cast.course, kind, user=staff, exam=crowd.pk) for kind in ("exams.door", "exams.attendees", "exams.seats")
    }  # fmt: skip
    made["exams.slip"] = make(cast.course, "exams.slip", user=cast.student.user, registration=held.pk)
    made["projects.receipt"] = make(cast.course, "projects.receipt", user=cast.student.user, submission=submission.pk)
    made["portal.gradebook"] = make(cast.course, "portal.gradebook", user=staff, **BookQuery().parameters())
    made["projects.topics"] = make(cast.course, "projects.topics")
    day = re.compile(r"\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) \d+ [A-Z][a-z]+(?: \d{4})?")
    days_of = {kind: set(day.findall(" ".join(pages_of(export, tmp_path, title="")))) for kind, export in made.items()}
    assert {kind for kind, days in days_of.items() if not days} == set()
    assert {kind: text for kind, days in days_of.items() for text in days if not text[-4:].isdigit()} == {}


def test_a_long_name_of_a_room_takes_no_lines_of_each_person(cast: Cast, crowd: Exam, tmp_path: Path) -> None:
    long = "Mathematikgebäude, Großer Hörsaal im Erdgeschoss, Eingang über den Innenhof"
    Room.objects.filter(exam=crowd, name="H 0107").update(name=long)
    pages = pages_of(
        make(cast.course, "exams.door", user=cast.lecturer.user, exam=crowd.pk), tmp_path, title="List for the door"
    )
    assert len(pages) == 2
    assert [f"A: {long} · B: MA 001" in page for page in pages] == [True, True]
    text = " ".join(pages)
    assert (text.count(" A, "), text.count(" B, "), text.count(long)) == (36, 12, 2)


def test_papers_of_several_exams_are_told_apart_by_name_and_title(cast: Cast, exam: Exam, tmp_path: Path) -> None:
    Exam.objects.update(title="Größe (1.)")
    exam.refresh_from_db()
    day = exam.starts_at.astimezone(exam.course.zone)
    kinds = {
        "exams.door": "door.pdf", "exams.seats": "seats.pdf", "exams.attendees": "attendance.pdf",
        "exams.attendees-sheet": "attendance.xlsx",
    }  # fmt: skip

    def names(dated: Exam) -> list[str]:
        Export.objects.all().delete()
        return [make(cast.course, kind, user=cast.lecturer.user, exam=dated.pk).filename for kind in kinds]

    stem = f"amls-größe-1-{day:%Y-%m-%d}"
    assert names(exam) == [f"{stem}-{name}" for name in kinds.values()]
    # Another of that day: each says its time; where that is the same as well, its key.
    another = ExamFactory.create(course=cast.course, starts_at=exam.starts_at.replace(hour=10), title="Größe (1.)")
    assert names(exam) == [f"{stem}-{day:%H%M}-{name}" for name in kinds.values()]
    Exam.objects.filter(pk=exam.pk).update(starts_at=another.starts_at)
    exam.refresh_from_db()
    assert set(names(exam)).isdisjoint(names(another))
    held = exam.registrations.get(enrolment=cast.student)
    slip = make(cast.course, "exams.slip", user=cast.student.user, registration=held.pk)
    assert slip.filename.endswith(f"-{exam.pk}-slip.pdf")
    title = str(PdfReader(content_of(slip, tmp_path)).metadata)
    assert [
        word
        for word in ("Admission slip: Größe (1.)", say_day(exam.starts_at, exam.course.zone), str(cast.course))
        if word not in title
    ] == []


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ["Sum of assignments", "Not admitted yet", "0 of 20 points, 10 are needed"]),
        ("de", ["Summe der Aufgaben", "Noch nicht zugelassen", "0 von 20 Punkten, 10 sind nötig"]),
    ],
)
def test_the_gradebook_says_briefly_what_is_missing_and_what_its_sum_holds(
    cast: Cast, exam: Exam, tmp_path: Path, complaints: list[str], language: str, words: list[str]
) -> None:
    AssignmentFactory.create(course=cast.course, is_main=False, title="Blatt 1", max_points=20, grading="points")
    set_rule(course=cast.course, rule=AllBlock((PointsBlock(),)), by=None, now=timezone.now())
    export = make(cast.course, "portal.gradebook", language, user=cast.lecturer.user, **BookQuery().parameters())
    pages = pages_of(export, tmp_path, language=language, title="")
    text = " ".join(pages)
    assert [word for word in words if word not in text] == []
    # The forecast, which takes lines, is on the page of each.
    assert "would be enough" not in text
    assert "Matriculation number given" not in text
    assert complaints == []
