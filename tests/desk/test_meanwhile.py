"""Two of the staff at one form outside the desk: none writes over what the other saved meanwhile; and no form is left out."""

import html
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from importlib import import_module
from pkgutil import walk_packages
from typing import Any

import pytest
from bs4 import BeautifulSoup
from django import forms
from django.urls import reverse
from django.utils import timezone

import amls
import exams
import lectures
import projects
from amls.core.meanwhile import merged_lines
from amls.desk.own_changes import FIELD, OwnChanges
from amls.grading.tasks import TaskWish
from exams.forms import PersonForm
from exams.models import AdmissionDecision, Exam, ExamTask, Registration, Room, Seat
from exams.services.admission import decide_admission
from exams.services.moving import SeatSpot, move_seat
from exams.services.points import enter_points
from exams.services.registration import staff_register
from exams.services.seating import assign_seats
from exams.services.tasks import set_exam_tasks
from lectures.models import Chapter, Lecture
from projects.models import Assignment, CommentSnippet, Handout, Project, Task
from projects.services.handouts import add_handout
from projects.services.points import set_tasks
from projects.services.snippets import keep_snippets
from tests.agreement import agree_to
from tests.cast import Cast
from tests.desk.test_own_changes import problems_in
from tests.desk.test_site import project_rows, rows  # noqa: F401
from tests.desk.test_writes import classes, form_of, pk_of
from tests.exams.people import make_students
from tests.factories import AssignmentFactory, LectureFactory, OpenExamFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("one_factor")]
NOW = timezone.now()
# What forms write that are not compared with what is there, and why.
NO_ROW_OF_OTHERS = {
    # Their services ask by what the page showed, see `amls/core/meanwhile.py`.
    "amls.grading.views.RollForm", "amls.grading.views.EntriesForm",
    "exams.forms.PersonForm", "exams.forms.CapacityForm", "exams.forms.TableOfPointsForm", "exams.forms.EntryForm",
    "exams.forms.StepsForm", "exams.forms.GradesForm", "exams.forms.TaskEntryForm", "exams.forms.CancelForm",
    "projects.forms.decisions.QuestionAnswerForm", "projects.forms.points.TaskPointsForm",
    "projects.forms.staff.AssessForm", "projects.forms.staff.AssessorForm",
    # They add a row, or say to what something is done that is shown with its seal before it is.
    "amls.files.tables.forms.TableForm", "amls.desk.forms.RosterForm", "amls.portal.gradebook.importing.CorrectionsForm",
    "amls.portal.inviting.views.PeopleToInviteForm", "amls.portal.takeover.forms.SourceForm",
    "amls.portal.takeover.forms.RollOverForm", "projects.views.points.TaskPointsFileForm",
    "exams.forms.PointsForm", "exams.forms.ExamActForm", "exams.forms.ReasonForm", "exams.forms.StudentForm",
    "exams.forms.WalkInForm", "exams.forms.AfterwardsForm", "exams.forms.OtherDateForm", "exams.forms.OrderForm", "exams.forms.FreezeForm", "exams.forms.HelperForm",
    "exams.forms.LinkForm", "projects.forms.series.SeriesForm", "projects.forms.staff.ZonedForm",
    "projects.forms.staff.MoreTimeForm", "projects.forms.staff.ForWhomForm", "projects.forms.staff.SplitForm",
    "projects.forms.staff.NoteForm", "projects.forms.staff.MoveForm", "projects.forms.staff.MergeForm",
    "projects.forms.staff.SheetForm", "projects.forms.decisions.ExcuseForm", "projects.forms.handouts._DatedForm",
    "projects.forms.handouts.NewHandoutsForm",
    # What is decided already is decided once: the service says so.
    "projects.forms.staff.AnswerForm",
    # Of the installation, see below.
    "amls.accounts.forms.UserForm",
    # What people do with what is their own.
    "amls.exports.views.data.DeleteForm", "amls.signin.parting.PartForm", "amls.signin.forms.OwnAddressForm",
    "amls.accounts.appcodes.AppCodeForm", "amls.accounts.appcodes.AppCodeAgainForm", "amls.accounts.appcodes.NewAppForm",
    "amls.accounts.credentials.AddKeyForm", "amls.accounts.credentials.KeyForm",
    "amls.accounts.credentials.PasskeyForm", "amls.accounts.credentials.KeyAgainForm",
    "amls.accounts.signup.SignupForm", "amls.portal.me.forms.ProfileForm", "amls.portal.me.forms.EnrolForm",
    "amls.portal.me.forms.ClaimForm", "projects.forms.pages.TeamForm", "projects.forms.pages.InviteForm",
    "projects.forms.pages.SeekingForm", "projects.forms.pages.IdeaForm", "projects.forms.pages.ExtensionForm",
    "projects.forms.pages.HandInForm", "projects.forms.decisions.QuestionForm",
}  # fmt: skip
# Of the installation, where few have a part and each does all: accounts with their addresses, and pages of the law.
OF_THE_INSTALLATION = {"account_emailaddress", "courses_user", "portal_legalpage"}


def own_forms() -> Iterator[type[forms.BaseForm]]:
    """Go through every form of ours."""
    for package in (amls, exams, lectures, projects):
        for module in walk_packages(package.__path__, f"{package.__name__}."):
            if ".migrations." in module.name or ".management." in module.name or ".judges" in module.name:
                continue
            if not any(part in module.name for part in ("forms", "views", "admin", "appcodes", "credentials", "parting", "signup", "importing", "tasklines", "own_changes")):  # fmt: skip
                continue
            for kept in vars(import_module(module.name)).values():
                is_form = isinstance(kept, type) and issubclass(kept, forms.BaseForm)
                if is_form and kept.__module__ == module.name:
                    yield kept


def test_every_form_writes_over_nothing_that_was_not_seen_or_says_why_it_needs_not() -> None:
    ours = {f"{form.__module__}.{form.__qualname__}": form for form in own_forms()}
    unguarded = {name for name, form in ours.items() if not issubclass(form, OwnChanges)}
    assert unguarded == NO_ROW_OF_OTHERS
    assert [name for name, form in ours.items() if issubclass(form, OwnChanges)] != []


def test_every_form_of_the_desk_writes_over_nothing_that_was_not_seen() -> None:
    unguarded = {
        name
        for name, desk in classes().items()
        for edited in (desk, *desk.inlines)
        if desk.writes.save is not None and not issubclass(edited.form, OwnChanges)
    }
    assert unguarded == OF_THE_INSTALLATION


def test_every_question_before_a_deletion_names_what_it_showed(cast: Cast, rows: dict[str, int]) -> None:  # noqa: F811
    """By what somebody else's change is seen: `refuse_to_delete_unseen`; what refuses to go asks nothing."""
    client, unseen, asked = cast.client("admin"), set(), set()
    for name, desk in classes().items():
        if name in OF_THE_INSTALLATION or desk.writes.save is None or desk.writes.delete is None:
            continue
        answer = client.get(reverse(f"admin:{name}_delete", args=[pk_of(name, rows, cast)]))
        if answer.status_code == 200 and 'name="post"' in answer.content.decode():
            asked.add(name)
            if f'name="{FIELD}" value="gone-' not in answer.content.decode():
                unseen.add(name)
    assert unseen == set()
    assert {"lectures_lecture", "lectures_deadline", "lectures_officehour", "courses_rosterentry"} <= asked


# ── the pages ──


@dataclass(frozen=True)
class Desk:
    """A page on which two of the staff are at work, with what each changes.

    Attributes:
        address: of the page.
        field: one of its form's.
        theirs, ours: what the colleague and whoever holds the older page type, different things.
        both: what the latter types where the colleague has changed something: the field, and what is typed.
        kept: returns what is there.
        after: what both together come to.
        refused: what is said of `both`.
        pressed: the button.
    """

    address: str
    field: str
    theirs: dict[str, str]
    ours: dict[str, str]
    both: dict[str, str]
    kept: Callable[[], object]
    after: object
    refused: str
    pressed: tuple[str, str] = ("", "")


def lecture_page(cast: Cast) -> Desk:
    """A lecture outside the desk: the colleague moves it, we give it another room."""
    starts_at = datetime(2044, 5, 3, 12, tzinfo=UTC)
    made = LectureFactory.create(
        course=cast.course, number="05", room="H 1", starts_at=starts_at, ends_at=starts_at + timedelta(hours=2)
    )
    prefix = f"lecture{made.pk}"
    return Desk(
        address="/amls/lectures/05/edit/", field=f"{prefix}-room",
        theirs={f"{prefix}-start": "16:00", f"{prefix}-end": "18:00"}, ours={f"{prefix}-room": "H 0104 Größe"},
        both={f"{prefix}-start": "15:00"},
        kept=lambda: Lecture.objects.values_list("room", "starts_at").get(),
        after=("H 0104 Größe", datetime(2044, 5, 3, 14, tzinfo=UTC)),
        refused="{name} entered 16:00 meanwhile. If yours is to hold, save again.",
    )  # fmt: skip


def chapters_page(cast: Cast) -> Desk:
    """Chapters of a recording."""
    made = LectureFactory.create(course=cast.course, number="05")
    for seconds, title in ((0, "Start"), (60, "Łukasz")):
        Chapter.objects.create(lecture=made, seconds=seconds, title=title)
    return Desk(
        address="/amls/lectures/05/chapters/", field="chapters",
        theirs={"chapters": "0:00 Begin\n1:00 Łukasz\n3:00 End"},
        ours={"chapters": "0:00 Start\n1:00 Łukasz\n2:00 Größe"}, both={"chapters": "0:00 First\n1:00 Łukasz"},
        kept=lambda: [*Chapter.objects.order_by("seconds").values_list("seconds", "title")],
        after=[(0, "Begin"), (60, "Łukasz"), (120, "Größe"), (180, "End")],
        refused="0:00: {name} entered 0:00 Begin meanwhile. If yours is to hold, save again.",
    )  # fmt: skip


def exam_tasks_page(cast: Cast) -> Desk:
    """The tasks of an exam: each of two changes the points of another one."""
    exam = OpenExamFactory.create(course=cast.course)
    set_exam_tasks(exam_pk=exam.pk, tasks=[TaskWish("Joins", Decimal(5)), TaskWish("Größe", Decimal(6))], by=None, now=NOW)  # fmt: skip
    return Desk(
        address=f"/amls/exams/{exam.pk}/results/tasks/", field="lines",
        theirs={"lines": "Joins | 7.5\nGröße | 6"}, ours={"lines": "Joins | 5\nGröße | 8\nIndexes | 2"},
        both={"lines": "Joins | 9\nGröße | 6"},
        kept=lambda: [*ExamTask.objects.order_by("position").values_list("title", "max_points")],
        after=[("Joins", Decimal("7.5")), ("Größe", Decimal(8)), ("Indexes", Decimal(2))],
        refused="Joins: {name} entered Joins | 7.5 meanwhile. If yours is to hold, save again.",
    )  # fmt: skip


def tasks_page(cast: Cast) -> Desk:
    """The tasks of an assignment, and its pass mark."""
    sheet = AssignmentFactory.create(course=cast.course, kind="sheet", topics_given="", grading="points", max_points=Decimal(9), is_main=False)  # fmt: skip
    set_tasks(assignment=sheet, tasks=[TaskWish("Joins", Decimal(5)), TaskWish("Größe", Decimal(6))], by=None, now=NOW)
    return Desk(
        address=f"/amls/staff/assignments/{sheet.pk}/tasks/", field="lines",
        theirs={"pass_percent": "40", "lines": "Größe | 6\nJoins | 5"}, ours={"lines": "Joins | 5\nGröße | 8"},
        both={"pass_percent": "60"},
        kept=lambda: (
            [*Task.objects.order_by("position").values_list("title", "max_points")],
            Assignment.objects.get(pk=sheet.pk).pass_percent,
        ),
        after=([("Größe", Decimal(8)), ("Joins", Decimal(5))], 40),
        refused="{name} entered 40 meanwhile. If yours is to hold, save again.",
    )  # fmt: skip


def snippets_page(cast: Cast) -> Desk:
    """The comments that staff use again: two who add one keep both."""
    keep_snippets(course=cast.course, texts=["Sign", "Größe"], now=NOW)
    return Desk(
        address="/amls/staff/snippets/", field="lines",
        theirs={"lines": "Sign\nŁukasz: see b"}, ours={"lines": "Sign\nGröße\nUnit"}, both={},
        kept=lambda: [*CommentSnippet.objects.order_by("position").values_list("text", flat=True)],
        after=["Sign", "Unit", "Łukasz: see b"], refused="",
    )  # fmt: skip


def handouts_page(cast: Cast) -> Desk:
    """A file of an assignment."""
    made = add_handout(assignment=AssignmentFactory.create(course=cast.course), upload=None, title="Sheet", by=None, now=NOW)  # fmt: skip
    return Desk(
        address=f"/amls/staff/assignments/{made.assignment_id}/files/", field="visible_from",
        theirs={"title": "Größe"}, ours={"visible_from": "2044-05-03T14:00"}, both={"title": "Szkic"},
        kept=lambda: Handout.objects.values_list("title", "visible_from").get(),
        after=("Größe", datetime(2044, 5, 3, 12, tzinfo=UTC)),
        refused="{name} entered Größe meanwhile. If yours is to hold, save again.", pressed=("save", str(made.pk)),
    )  # fmt: skip


PAGES = [lecture_page, chapters_page, exam_tasks_page, tasks_page, snippets_page, handouts_page]


def sent_of(answer: Any, field: str) -> dict[str, str]:
    """Return what a browser sends of the form that has a field of this name, without its buttons."""
    page = BeautifulSoup(answer.content.decode(), "html.parser")
    form = next(form for form in page.select("main form") if form.select_one(f'[name="{field}"]'))
    sent: dict[str, str] = {}
    for part in form.select("input[name], textarea[name], select[name]"):
        if part.name == "select":
            chosen = part.select_one("option[selected]") or part.select_one("option")
            sent[str(part["name"])] = str(chosen["value"]) if chosen is not None else ""
        elif part.get("type") not in ("checkbox", "file", "submit") or part.has_attr("checked"):
            sent[str(part["name"])] = (
                part.get_text().strip("\n") if part.name == "textarea" else str(part.get("value", ""))
            )
    return sent


@pytest.mark.parametrize("make", PAGES)
def test_a_page_keeps_what_each_of_two_changed(cast: Cast, make: Callable[[Cast], Desk]) -> None:
    desk = make(cast)
    ours, theirs = cast.client("assistant"), cast.client("lecturer")
    button = {desk.pressed[0]: desk.pressed[1]} if desk.pressed[0] else {}
    older = sent_of(ours.get(desk.address), desk.field) | button
    newer = sent_of(theirs.get(desk.address), desk.field) | button
    assert agree_to(theirs, desk.address, newer | desk.theirs).status_code == 302
    before = desk.kept()
    if desk.both:
        refused = ours.post(desk.address, older | desk.both)
        said = html.unescape(refused.content.decode())
        assert (refused.status_code, desk.kept()) == (422, before)
        assert desk.refused.format(name=cast.lecturer.user) in said
        # What was typed stays, and holds once it is sent again by who has read that.
        again = sent_of(refused, desk.field)
        for name, typed in desk.both.items():
            assert typed.splitlines()[0] in again[name]
    assert agree_to(ours, desk.address, older | desk.ours).status_code == 302
    assert desk.kept() == desk.after


@pytest.mark.parametrize("make", [make for make in PAGES if make is not snippets_page])
def test_what_is_sent_again_by_who_has_read_of_the_change_holds(cast: Cast, make: Callable[[Cast], Desk]) -> None:
    desk = make(cast)
    ours, theirs = cast.client("assistant"), cast.client("lecturer")
    button = {desk.pressed[0]: desk.pressed[1]} if desk.pressed[0] else {}
    older = sent_of(ours.get(desk.address), desk.field) | button
    assert agree_to(theirs, desk.address, sent_of(theirs.get(desk.address), desk.field) | button | desk.theirs).status_code == 302  # fmt: skip
    before = desk.kept()
    refused = ours.post(desk.address, older | desk.both)
    assert agree_to(ours, desk.address, sent_of(refused, desk.field) | button).status_code == 302
    assert desk.kept() != before


def test_whoever_took_a_chapter_out_that_another_renamed_is_named(cast: Cast) -> None:
    desk = chapters_page(cast)
    ours, theirs = cast.client("assistant"), cast.client("lecturer")
    older = sent_of(ours.get(desk.address), desk.field)
    theirs.post(desk.address, sent_of(theirs.get(desk.address), desk.field) | {"chapters": "1:00 Łukasz"})
    refused = ours.post(desk.address, older | desk.both)
    said = html.unescape(refused.content.decode())
    assert f"0:00: {cast.lecturer.user} emptied this meanwhile. If yours is to hold, save again." in said
    assert (desk.kept(), sent_of(refused, "chapters")["chapters"]) == ([(60, "Łukasz")], "0:00 First\n1:00 Łukasz")


def test_a_file_that_a_colleague_changed_is_not_removed_unseen(cast: Cast) -> None:
    desk = handouts_page(cast)
    client, row = cast.client("assistant"), Handout.objects.get()
    page = BeautifulSoup(client.get(desk.address).content, "html.parser")
    (form,) = [form for form in page.select("main form") if form.select_one('[name="remove"]')]
    older = {str(part["name"]): str(part["value"]) for part in form.select("input[name]")} | {"remove": str(row.pk)}
    Handout.objects.update(title="Größe")
    said = client.post(desk.address, older, follow=True).content.decode()
    assert "changed this meanwhile (Title: Größe). If it is to go nevertheless, say so again." in html.unescape(said)
    assert Handout.objects.exists()


# ── exams ──


@pytest.fixture
def exam(cast: Cast) -> Exam:
    """An exam with a room in which three sit."""
    made: Exam = OpenExamFactory.create(course=cast.course, capacity=9, starts_at=NOW + timedelta(days=9))
    Room.objects.create(exam=made, name="H 0107", rows=3, seats_per_row=3)
    for enrolment in make_students(cast.course, 3):
        staff_register(enrolment=enrolment, exam_pk=made.pk, reason="x", now=NOW)
    assign_seats(exam_pk=made.pk, order="name", now=NOW)
    return made


def test_a_capacity_that_a_colleague_changed_meanwhile_stays(cast: Cast, exam: Exam) -> None:
    page, act = f"/amls/exams/{exam.pk}/staff/", f"/amls/exams/{exam.pk}/staff/capacity/"
    ours, theirs = cast.client("assistant"), cast.client("lecturer")
    older = sent_of(ours.get(page), "capacity")
    assert theirs.post(act, sent_of(theirs.get(page), "capacity") | {"capacity": "30"}).status_code == 302
    refused = ours.post(act, older | {"capacity": "40"})
    assert refused.status_code == 422
    problem = BeautifulSoup(refused.content, "html.parser").find(id="capacity-problem")
    assert problem is not None
    assert problem.get_text() == f"{cast.lecturer.user} entered 30 meanwhile. If yours is to hold, save again."
    exam.refresh_from_db()
    assert exam.capacity == 30
    again = sent_of(refused, "capacity")
    assert again["capacity"] == "40"
    assert ours.post(act, again).status_code == 302
    exam.refresh_from_db()
    assert exam.capacity == 40


def test_buttons_for_a_person_do_nothing_once_a_colleague_decided(cast: Cast, exam: Exam) -> None:
    person = Registration.objects.filter(exam=exam).order_by("pk")[0]
    client = cast.client("assistant")
    page = f"/amls/exams/{exam.pk}/staff/people/{person.pk}/"
    older = sent_of(client.get(page), "registration") | {"reason": "Szkic"}
    decide_admission(enrolment=person.enrolment, verdict="refused", reason="Größe", by=cast.lecturer.user, now=NOW)
    for name in ("admit", "refuse", "by-rules"):
        refused = client.post(f"/amls/exams/{exam.pk}/staff/{name}/", older)
        assert refused.status_code == 422
        verdict = AdmissionDecision.objects.get().get_verdict_display()
        said = html.unescape(refused.content.decode())
        assert f"{cast.lecturer.user} entered {verdict} – Größe meanwhile. If yours is to hold, save again." in said
        assert sent_of(refused, "registration")["reason"] == "Szkic"
    assert AdmissionDecision.objects.count() == 1
    # Who has read it may decide otherwise.
    assert client.post(f"/amls/exams/{exam.pk}/staff/admit/", sent_of(refused, "registration")).status_code == 200
    Registration.objects.filter(pk=person.pk).update(state="attended", arrived_at=NOW)
    enter_points(exam_pk=exam.pk, points={person.pk: Decimal(40)}, by=cast.lecturer.user, now=NOW)
    refused = client.post(f"/amls/exams/{exam.pk}/staff/no-result/", older)
    assert f"{cast.lecturer.user} entered 40 meanwhile." in html.unescape(refused.content.decode())
    Registration.objects.filter(pk=person.pk).update(state="absent", arrived_at=None)
    refused = client.post(f"/amls/exams/{exam.pk}/staff/excuse/", older)
    assert "meanwhile. If yours is to hold, save again." in html.unescape(refused.content.decode())
    assert Registration.objects.get(pk=person.pk).state == "absent"


def test_acts_on_a_person_say_what_their_page_showed() -> None:
    assert {"seen", "seen_decision", "seen_points"} < PersonForm.base_fields.keys()


def test_nobody_is_moved_on_a_plan_that_is_not_as_it_was_shown(cast: Cast, exam: Exam) -> None:
    room, (first, second, third) = exam.rooms.get(), Registration.objects.filter(exam=exam).order_by("pk")
    ours, spots = cast.client("assistant"), {row.registration_id: f"{row.room_id}.{row.row}.{row.number}" for row in Seat.objects.all()}  # fmt: skip
    plan = f"/amls/exams/{exam.pk}/staff/rooms/"
    older = sent_of(ours.get(f"{plan}?pick={first.pk}"), "person")
    theirs = cast.client("lecturer")
    free = SeatSpot(room.pk, 3, 3)
    assert theirs.post(f"{plan}move/", sent_of(theirs.get(f"{plan}?pick={second.pk}"), "person") | {"spot": str(free)}).status_code == 302  # fmt: skip
    seats = {row.registration_id: (row.row, row.number) for row in Seat.objects.all()}
    # To where the colleague put somebody, and to where they sat, from an older plan.
    for spot in (str(free), spots[second.pk]):
        said = html.unescape(ours.post(f"{plan}move/", older | {"spot": spot}, follow=True).content.decode())
        assert f"{cast.lecturer.user} moved {second.enrolment.user} meanwhile, to " in said
    move_seat(exam_pk=exam.pk, registration_pk=first.pk, spot=SeatSpot(room.pk, 2, 3), now=NOW)
    said = html.unescape(ours.post(f"{plan}move/", older | {"spot": spots[third.pk]}, follow=True).content.decode())
    assert f"moved {first.enrolment.user} meanwhile, to " in said
    seats[first.pk] = (2, 3)
    assert {row.registration_id: (row.row, row.number) for row in Seat.objects.all()} == seats
    # Elsewhere the plan may have changed.
    newer = sent_of(ours.get(f"{plan}?pick={first.pk}"), "person")
    move_seat(exam_pk=exam.pk, registration_pk=second.pk, spot=SeatSpot(room.pk, 3, 1), now=NOW)
    ours.post(f"{plan}move/", newer | {"spot": f"{room.pk}.2.1"})
    assert Seat.objects.filter(registration=first, row=2, number=1).exists()


# ── the desk ──


def test_a_row_that_a_colleague_changed_meanwhile_is_not_deleted_within_another(cast: Cast, exam: Exam) -> None:
    Room.objects.create(exam=exam, name="H 0108", rows=5, seats_per_row=4, position=1)
    address = reverse("admin:exams_exam_change", args=[exam.pk])
    ours, theirs = cast.client("assistant"), cast.client("lecturer")
    older = form_of(ours, address)
    assert agree_to(theirs, address, {**form_of(theirs, address), "rooms-1-rows": "8"}).status_code == 302
    refused = ours.post(address, {**older, "rooms-1-DELETE": "on"})
    assert problems_in(refused) == [
        f"Room 2, Delete: {cast.lecturer.user} changed this meanwhile (Rows: 8). If it is to go nevertheless, say so again."
    ]
    assert Room.objects.filter(exam=exam).count() == 2
    again = form_of(type("Answered", (), {"get": lambda _self, _address: refused})(), "")
    assert "rooms-1-DELETE" in again
    assert agree_to(ours, address, again).status_code == 302
    assert Room.objects.filter(exam=exam).count() == 1


def test_who_assesses_is_not_changed_over_what_a_colleague_chose(cast: Cast) -> None:
    project = Project.objects.get(pk=project_rows(cast)["projects_project"])
    address = reverse("admin:projects_project_assess", args=[project.pk])
    ours, theirs = cast.client("assistant"), cast.client("lecturer")
    sent = {"assign": "1", "assessor-seen": ""}
    assert theirs.post(address, {**sent, "assessor": cast.lecturer.user.pk}).status_code == 302
    refused = ours.post(address, {**sent, "assessor": cast.assistant.user.pk})
    assert refused.status_code == 422
    said = html.unescape(refused.content.decode())
    assert f"{cast.lecturer.user} entered {cast.lecturer.user} meanwhile. If yours is to hold, save again." in said
    project.refresh_from_db()
    assert project.assessor == cast.lecturer.user


def test_lines_keep_what_each_of_two_changed_in_the_order_of_who_moved_them() -> None:
    seen = {"a": "1", "b": "2", "c": "3"}
    merged = merged_lines({"a": "1", "n": "9", "b": "5", "c": "3"}, stands={"c": "4", "a": "1", "b": "2"}, seen=seen)
    assert (merged.lines, merged.overtaken) == ({"c": "4", "a": "1", "n": "9", "b": "5"}, [])
    assert [*merged.lines] == ["c", "a", "n", "b"]
    merged = merged_lines({"c": "3", "a": "7"}, stands={"a": "8", "b": "2", "c": "3", "z": "1"}, seen=seen)
    assert [*merged.lines.items()] == [("c", "3"), ("z", "1"), ("a", "7")]
    assert merged.overtaken == ["a"]
    # What one takes out and the other changes is for them to settle.
    assert merged_lines({}, stands={"a": "2"}, seen={"a": "1"}).overtaken == ["a"]
