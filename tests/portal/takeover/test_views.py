"""Bringing in and roll-over in the browser: seen first, and then exactly what was seen."""

import re
from datetime import date, timedelta
from functools import partial
from io import StringIO
from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client

from amls.courses.models import Course, Enrolment, Role, StaffMember, WeeklySlot
from amls.portal.models import ImportDraft
from amls.portal.takeover.export import export_course
from amls.portal.takeover.forms import RollOverForm
from amls.portal.takeover.toml import dump_toml
from lectures.models import Lecture
from tests.cast import Cast
from tests.factories import CourseFactory, EnrolmentFactory, LectureFactory
from tests.races import at_once
from tests.seed import PAGE

pytestmark = pytest.mark.django_db
TEXT = PAGE.read_text(encoding="utf-8")
IMPORT, ROLL_OVER, NEW = "/amls/staff/import/", "/amls/staff/roll-over/", "/new/"
PART_OF_A_PAGE = "Datenbanken für Größen WS 2026/27\n• 1 Größe [12.10.2026, 10:15-11:45, H 0105]\n"


def brought(client: Client, path: str, data: dict[str, Any]) -> str:
    """Bring something in; return the address of its workbench."""
    answer = client.post(path, data)
    assert answer.status_code == 302, answer.content.decode()
    return str(answer["Location"])


def shown(content: bytes) -> str:
    match = re.search(r'name="_shown" value="([0-9a-f]+)"', content.decode())
    assert match is not None
    return match.group(1)


def imported(client: Client, data: dict[str, Any]) -> Any:
    """Bring a page into the course, look at what changes, and agree."""
    address = brought(client, IMPORT, data)
    seen = client.post(f"{address}make/")
    assert seen.status_code == 200, seen.content.decode()
    return client.post(f"{address}make/", {"_shown": shown(seen.content), "_agreed": "1"})


def agree(cast: Cast, path: str, data: dict[str, Any], **changes: Any) -> Any:
    """Look at a preview, and agree to it with what was typed since."""
    client = cast.client("lecturer")
    answer = client.post(path, data)
    assert answer.status_code == 200, answer.content.decode()
    return client.post(path, {**data, **changes, "_shown": shown(answer.content), "_agreed": "1"})


def test_a_pasted_page_is_shown_first_and_saved_then(cast: Cast) -> None:
    client = cast.client("lecturer")
    address = brought(client, IMPORT, {"text": TEXT})
    page = client.get(address).content.decode()
    assert "Data- and Task-Parallel Execution" in page
    changes = client.post(f"{address}make/").content.decode()
    assert "new: 05 Data- and Task-Parallel Execution, Tue 21 May 2024, 16:00–18:00, H 0111" in changes
    assert not Lecture.objects.exists()
    assert imported(client, {"text": TEXT}).status_code == 302
    assert Lecture.objects.filter(course=cast.course).count() == 12
    again = client.post(f"{brought(client, IMPORT, {'text': TEXT})}make/")
    assert b"the course says all this already" in again.content


def test_what_was_corrected_after_the_preview_is_shown_again(cast: Cast) -> None:
    client = cast.client("lecturer")
    address = brought(client, IMPORT, {"text": TEXT})
    seal = shown(client.post(f"{address}make/").content)
    client.post(f"{address}change/", {"title": "Another Course", "term": "SS2024"})
    answer = client.post(f"{address}make/", {"_shown": seal, "_agreed": "1"})
    assert answer.status_code == 200
    assert "something changed since this was shown" in answer.content.decode()
    assert not Lecture.objects.exists()


def test_what_others_changed_after_the_preview_is_shown_again(cast: Cast) -> None:
    client = cast.client("lecturer")
    imported(client, {"text": TEXT})
    address = brought(client, IMPORT, {"text": TEXT.replace("[Jul 04]", "[Jul 05]")})
    seal = shown(client.post(f"{address}make/").content)
    Lecture.objects.filter(number="01").update(room="MAR 0.001")
    answer = client.post(f"{address}make/", {"_shown": seal, "_agreed": "1"})
    assert "MAR 0.001" in answer.content.decode()
    assert Lecture.objects.get(number="01").room == "MAR 0.001"


def test_what_a_part_of_a_schedule_does_not_name_stays_until_somebody_agrees_to_its_going(cast: Cast) -> None:
    client = cast.client("lecturer")
    imported(client, {"text": TEXT})
    LectureFactory.create(course=cast.course, kind="exercise", number="1", title="Übung")
    WeeklySlot.objects.create(course=cast.course, kind="exercise", weekday=4)
    part = "\n".join(line for line in TEXT.split("\n") if not re.search(r"\b(0[6-9]|1\d) ", line)).replace(
        "[Apr 18", "[Apr 19"
    )
    held = Lecture.objects.filter(course=cast.course).count()
    address = brought(client, IMPORT, {"text": part})
    seen = client.post(f"{address}make/").content.decode()
    assert "are not named in what you brought. They stay." in seen
    assert "removed" not in BeautifulSoup(seen, "html.parser").select_one("table").get_text()
    # Ticked only when it is agreed to: shown anew first.
    sealed = {"_shown": shown(seen.encode()), "_agreed": "1", "removes": "1"}
    ticked = client.post(f"{address}make/", sealed)
    assert ticked.status_code == 200
    assert "things are removed, with all that belongs to them. That can't be undone." in ticked.content.decode()
    assert client.post(f"{address}make/", {"_shown": shown(seen.encode()), "_agreed": "1"}).status_code == 302
    assert Lecture.objects.filter(course=cast.course).count() == held
    assert WeeklySlot.objects.filter(course=cast.course, kind="exercise").exists()
    address = brought(client, IMPORT, {"text": part})
    seen = client.post(f"{address}make/", {"removes": "1"}).content.decode()
    client.post(f"{address}make/", {"_shown": shown(seen.encode()), "_agreed": "1", "removes": "1"})
    assert Lecture.objects.filter(course=cast.course).count() < held
    assert not Lecture.objects.filter(course=cast.course, kind="exercise").exists()


def test_a_table_is_of_the_course_that_it_is_brought_into(cast: Cast) -> None:
    client = cast.client("lecturer")
    Course.objects.filter(pk=cast.course.pk).update(title="Datenbanken für Größen", term="WS2026/27")
    table = "Nr;Datum;Von;Bis;Raum;Titel\n1;12.10.2026;10:15;11:45;H 0104;Größe\n2;19.10.2026;10:15;11:45;H 0104;Maß\n"
    assert imported(client, {"text": table}).status_code == 302
    course = Course.objects.get(pk=cast.course.pk)
    assert (course.title, course.term) == ("Datenbanken für Größen", "WS2026/27")
    assert set(Lecture.objects.filter(course=course).values_list("title", flat=True)) == {"Größe", "Maß"}
    # The same term in another spelling renames nothing.
    assert imported(client, {"text": PART_OF_A_PAGE}).status_code == 302
    assert Course.objects.get(pk=cast.course.pk).term == "WS2026/27"


def test_who_brings_a_new_course_lectures_in_it(cast: Cast) -> None:
    client = cast.client("lecturer")
    address = brought(client, NEW, {"text": TEXT})
    assert not Course.objects.filter(slug="amls-ss2024").exists()
    client.post(f"{address}change/", {"slug": "ml-systems"})
    assert client.post(f"{address}make/")["Location"] == "/ml-systems/"
    course = Course.objects.get(slug="ml-systems")
    assert course.state == Course.State.DRAFT
    assert course.enrolments.get().user == cast.lecturer.user
    assert course.enrolments.get().role == Role.LECTURER
    assert not ImportDraft.objects.exists()


def test_a_taken_address_is_said_and_the_draft_stays(cast: Cast) -> None:
    client = cast.client("lecturer")
    address = brought(client, NEW, {"text": TEXT})
    client.post(f"{address}change/", {"slug": "databases"})
    answer = client.post(f"{address}make/")
    assert answer.status_code == 422
    assert "There is a course" in answer.content.decode() or "is taken" in answer.content.decode()
    assert ImportDraft.objects.count() == 1
    assert client.post(f"{address}change/", {"slug": "No Address!"}).status_code == 422


def test_a_new_term_is_made_as_it_was_shown(cast: Cast) -> None:
    imported(cast.client("lecturer"), {"text": TEXT})
    data = {"new_slug": "amls-ss2025", "start": "2025-04-14", "skip": "2025-05-01"}
    other = agree(cast, ROLL_OVER, data, start="2025-04-21")
    assert "something changed since this was shown" in other.content.decode()
    assert not Course.objects.filter(slug="amls-ss2025").exists()
    assert agree(cast, ROLL_OVER, data)["Location"] == "/amls-ss2025/"
    assert Lecture.objects.filter(course__slug="amls-ss2025").count() == 12
    taken = cast.client("lecturer").post(ROLL_OVER, data)
    assert taken.status_code == 422
    assert "This address is taken by another course" in taken.content.decode()


def roll_over_data() -> dict[str, Any]:
    return {"new_slug": "amls-ss2025", "start": "2025-04-14"}


CHRISTMAS = (date(2027, 12, 20), date(2027, 12, 31))


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("22.12.2027", [(date(2027, 12, 22),) * 2]), ("2027-12-22", [(date(2027, 12, 22),) * 2]), ("", []),
        ("20.12.2027 - 31.12.2027", [CHRISTMAS]), ("20.12.–31.12.2027", [CHRISTMAS]), ("2027-12-20 - 2027-12-31", [CHRISTMAS]),
        ("20. bis 31. Dezember 2027", [CHRISTMAS]), ("Dec 20 to Dec 31", [CHRISTMAS]), ("Mo 20.12. – Fr 31.12.", [CHRISTMAS]),
        ("1.11.2027; 6.1., 20.12. – 2.1.", [(date(2027, 11, 1),) * 2, (date(2027, 12, 20), date(2028, 1, 2)), (date(2028, 1, 6),) * 2]),
        ("2027-11-01\n2027-12-20, 2027-12-22", [(day, day) for day in (date(2027, 11, 1), date(2027, 12, 20), date(2027, 12, 22))]),
    ],
)  # fmt: skip
def test_days_without_teaching_are_written_as_one_writes_days(
    cast: Cast, text: str, spans: list[tuple[date, date]]
) -> None:
    form = RollOverForm(
        {"new_slug": "next", "start": "2027-10-20", "skip": text}, course=cast.course, today=date(2027, 6, 1)
    )
    assert form.is_valid(), form.errors
    days = [first + timedelta(days=number) for first, last in spans for number in range((last - first).days + 1)]
    assert form.cleaned_data["skip"] == days


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("22.12.2027, soon", "soon"), ("30.2.2028", "30.2.2028"), ("5/6/2027", "5/6/2027"), ("Mo 21.12.2027", "Mo 21.12.2027"),
        ("31.12.2027 - 20.12.2027", "31.12.2027 - 20.12.2027"), ("KW 51", "KW 51"),
    ],
)  # fmt: skip
def test_what_is_no_day_is_named(cast: Cast, text: str, words: str) -> None:
    form = RollOverForm(
        {"new_slug": "next", "start": "2027-10-20", "skip": text}, course=cast.course, today=date(2027, 6, 1)
    )
    why = f"'{words}' is no day such as 2025-05-01, and no days such as 2025-12-22 to 2026-01-02."
    assert form.errors == {"skip": [why]}


def test_a_new_term_is_called_as_somebody_types(cast: Cast) -> None:
    imported(cast.client("lecturer"), {"text": TEXT})
    assert agree(cast, ROLL_OVER, {**roll_over_data(), "term": "Q1 2025"}).status_code == 302
    assert Course.objects.get(slug="amls-ss2025").term == "Q1 2025"


def test_who_has_left_does_not_teach_the_new_term(cast: Cast) -> None:
    imported(cast.client("lecturer"), {"text": TEXT})
    EnrolmentFactory.create(
        course=cast.course, role=Role.LECTURER, user__email="deleted-17@deleted.invalid", user__is_active=False
    )
    assert agree(cast, ROLL_OVER, roll_over_data()).status_code == 302
    people = Enrolment.objects.filter(course__slug="amls-ss2025").values_list("user__email", "role")
    assert dict(people) == {"lecturer@example.org": "lecturer"}


def test_an_admin_who_was_a_student_lectures_in_the_term_they_make(cast: Cast) -> None:
    imported(cast.client("lecturer"), {"text": TEXT})
    EnrolmentFactory.create(course=cast.course, user=cast.admin)
    client = cast.client("admin")
    answer = client.post(ROLL_OVER, roll_over_data())
    client.post(ROLL_OVER, {**roll_over_data(), "_shown": shown(answer.content), "_agreed": "1"})
    assert Enrolment.objects.get(course__slug="amls-ss2025", user=cast.admin).role == Role.LECTURER


def test_who_is_ticked_assists_in_the_new_term_again(cast: Cast) -> None:
    imported(cast.client("lecturer"), {"text": TEXT})
    other = EnrolmentFactory.create(course=cast.course, role=Role.ASSISTANT, user__display_name="Łukasz Żółć")
    page = BeautifulSoup(cast.client("lecturer").get(ROLL_OVER).content, "html.parser")
    boxes = page.select("fieldset [name=assistants][checked]")
    assert {str(box["value"]) for box in boxes} == {str(cast.assistant.pk), str(other.pk)}
    # One of them only; students and strangers are no choice.
    assert agree(cast, ROLL_OVER, {**roll_over_data(), "assistants": [other.pk]}).status_code == 302
    assert not Enrolment.objects.filter(course__slug="amls-ss2025", user=cast.assistant.user).exists()
    assert Enrolment.objects.get(course__slug="amls-ss2025", user=other.user).role == Role.ASSISTANT
    refused = cast.client("lecturer").post(
        ROLL_OVER, {**roll_over_data(), "new_slug": "next", "assistants": [cast.student.pk]}
    )
    assert refused.status_code == 422


def test_who_is_not_ticked_is_not_named_on_the_new_page_either(cast: Cast) -> None:
    imported(cast.client("lecturer"), {"text": TEXT})
    StaffMember.objects.create(course=cast.course, role=Role.ASSISTANT, name=f"Dr. {cast.assistant.user}")
    others = list(cast.course.staff.exclude(name=f"Dr. {cast.assistant.user}").values_list("pk", flat=True))
    assert agree(cast, ROLL_OVER, {**roll_over_data(), "named": others[1:]}).status_code == 302
    named = StaffMember.objects.filter(course__slug="amls-ss2025").values_list("name", flat=True)
    assert set(named) == set(StaffMember.objects.filter(pk__in=others[1:]).values_list("name", flat=True))


@pytest.mark.parametrize("start", ["9999-12-30", "0202-10-12"])
def test_a_year_with_a_slip_in_it_is_told_at_its_field(cast: Cast, start: str) -> None:
    imported(cast.client("lecturer"), {"text": TEXT})
    answer = cast.client("lecturer").post(ROLL_OVER, {**roll_over_data(), "start": start})
    assert answer.status_code == 422
    assert f"can&#x27;t begin on {start}, more than ten years from now" in answer.content.decode()


def test_a_term_of_which_another_has_the_address_is_refused_where_it_was_agreed_to(cast: Cast) -> None:
    imported(cast.client("lecturer"), {"text": TEXT})
    client = cast.client("lecturer")
    seal = shown(client.post(ROLL_OVER, roll_over_data()).content)
    CourseFactory.create(slug="amls-ss2025")
    answer = client.post(ROLL_OVER, {**roll_over_data(), "_shown": seal, "_agreed": "1"})
    assert answer.status_code == 422
    assert "is taken by another course" in answer.content.decode()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", [NEW, ROLL_OVER])
def test_a_course_that_is_made_twice_at_once_is_made_once_with_its_lecturer(cast: Cast, path: str) -> None:
    imported(cast.client("lecturer"), {"text": TEXT})
    clients = [cast.client("lecturer") for _ in range(2)]
    if path == NEW:
        ways = [(f"{brought(client, NEW, {'text': TEXT})}make/", dict[str, Any]()) for client in clients]
    else:
        seal = shown(clients[0].post(path, roll_over_data()).content)
        ways = [(path, {**roll_over_data(), "_shown": seal, "_agreed": "1"})] * 2

    def press(client: Client, way: tuple[str, dict[str, Any]]) -> tuple[int, str]:
        answer = client.post(*way)
        return answer.status_code, answer.content.decode()

    answers = at_once([partial(press, client, way) for client, way in zip(clients, ways, strict=True)])
    (first, _page), (second, page) = sorted(answers)
    # Who pressed twice gets to the new term that they made.
    assert (first, second) == (302, 422 if path == NEW else 302)
    assert path == ROLL_OVER or "There is a course" in page or "is taken by" in page or "already exists" in page
    slug = "amls-ss2024" if path == NEW else "amls-ss2025"
    assert Enrolment.objects.get(course__slug=slug).user == cast.lecturer.user


def test_a_line_that_cannot_be_read_is_named_before_anything_is_saved(cast: Cast) -> None:
    text = TEXT.replace("[Jul 04]", "[Jun 31]")
    line = next(number for number, row in enumerate(text.split("\n"), start=1) if "Jun 31" in row)
    client = cast.client("lecturer")
    page = client.get(brought(client, IMPORT, {"text": text})).content.decode()
    assert f"Line {line}: there is no &#x27;Jun 31&#x27; in 2024" in page
    assert not Lecture.objects.exists()


def test_staff_get_the_course_file_on_a_page_and_bring_it_in_again(cast: Cast) -> None:
    Course.objects.filter(slug="amls").update(title="Größen für Łukasz", enrolment_code="geheim")
    course = Course.objects.get(slug="amls")
    client = cast.client("lecturer")
    page = BeautifulSoup(client.get(IMPORT).content, "html.parser")
    button = page.find("a", string="Download course.toml")
    assert button is not None
    answer = client.get(button["href"])
    # The very text that the command prints.
    assert answer.content.decode() == dump_toml(export_course(course))
    printed = StringIO()
    call_command("export_course", "amls", stdout=printed)
    assert printed.getvalue() == answer.content.decode()
    assert answer["Content-Disposition"] == 'attachment; filename="amls.toml"'
    assert answer["Content-Type"] == "application/toml; charset=utf-8"
    assert answer["Cache-Control"] == "private, no-store"
    # Brought in again it changes nothing; edited, what was edited.
    edited = answer.content.replace("Größen für Łukasz".encode(), "Größen für Şahin".encode())
    imported(client, {"file": SimpleUploadedFile("amls.toml", edited)})
    course.refresh_from_db()
    assert course.title == "Größen für Şahin"


def test_the_course_file_is_for_those_who_may_change_the_course(cast: Cast) -> None:
    for part in ("student", "stranger"):
        assert cast.client(part).get("/amls/staff/course.toml").status_code == 404
    assert Client().get("/amls/staff/course.toml").status_code == 302
    assert cast.client("lecturer").post("/amls/staff/course.toml").status_code == 405
    # A new course has none to get.
    assert "Download course.toml" not in cast.client("lecturer").get(NEW).content.decode()
