"""The staff's desk: who sees what, what is shown before it is saved, what is kept."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from amls.agenda.models import AgendaItem
from amls.agenda.services import reconcile
from amls.core.violations import RuleViolation
from amls.courses.models import Course, Enrolment, Role, RosterEntry, StaffMember, User
from amls.courses.participation import enrol
from amls.exports.models import Export
from amls.files.models import KeptUpload
from amls.files.tables.table import Upload
from amls.mail.models import Announcement, MailSettings, Notice, ReminderRule
from amls.membership.roster import import_roster, read_roster
from exams.models import Accommodation, AdmissionDecision, ExamRules, Registration, Result, ResultChange
from lectures.models import Deadline, FreeDay, Lecture, MaterialFile
from lectures.services.schedule import change_lecture
from projects.allocation.problem import input_to_json
from projects.models import (
    Allocation,
    Assignment,
    EarlierPass,
    Extension,
    ExtensionRequest,
    Invitation,
    Membership,
    MentorLimit,
    Project,
    TopicPlacement,
)
from projects.services.allocating import inputs_of
from tests.agreement import agree_to
from tests.cast import Cast
from tests.factories import (
    AssignmentFactory,
    ExamFactory,
    LectureFactory,
    OfficeHourFactory,
    PartFactory,
    TopicFactory,
)
from tests.tables import agree, said, show

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("one_factor")]
PARTS = ("anonymous", "stranger", "student", "assistant", "lecturer", "foreign lecturer", "admin")
SCOPED = (
    "courses_course", "courses_enrolment", "courses_rosterentry", "lectures_lecture", "lectures_part", "lectures_officehour",
    "lectures_freeday", "lectures_deadline",
    "exams_examrules", "exams_registration", "exams_accommodation",
    "exams_admissiondecision", "exams_result", "exams_resultchange",
    "projects_assignment", "projects_topic", "projects_project", "projects_extensionrequest", "projects_extension",
    "projects_earlierpass", "projects_invitation", "projects_allocation", "projects_topicplacement",
    "projects_mentorlimit", "exams_exam", "mail_announcement", "mail_reminderrule",
    "mail_mailsettings", "mail_notice", "exports_export",
)  # fmt: skip


@pytest.fixture
def rows(cast: Cast) -> dict[str, Any]:
    course = cast.course
    lecture = LectureFactory.create(course=course, number="05", starts_at=datetime(2024, 5, 21, 14, tzinfo=UTC))
    reconcile(course, now=timezone.now())
    exam, now = ExamFactory.create(course=course), timezone.now()
    held = Registration.objects.create(
        course=course,
        exam=exam,
        enrolment=cast.student,
        state="attended",
        arrived_at=now,
        created_at=now,
        changed_at=now,
    )
    return {
        "exams_examrules": ExamRules.objects.create(course=course).pk,
        "exams_registration": held.pk,
        "exams_accommodation": Accommodation.objects.create(course=course, enrolment=cast.student, extra_minutes=9).pk,
        "exams_admissiondecision": AdmissionDecision.objects.create(
            course=course, enrolment=cast.student, verdict="admitted", reason="Passed in 2022", decided_at=now
        ).pk,
        "exams_result": Result.objects.create(registration=held, points=50).pk,
        "exams_resultchange": ResultChange.objects.create(registration=held, at=now, what="points", after="50").pk,
        "courses_course": course.pk,
        "courses_enrolment": cast.student.pk,
        "courses_rosterentry": RosterEntry.objects.create(course=course, email="new@example.org").pk,
        "lectures_lecture": lecture.pk,
        "lectures_part": PartFactory.create(course=course).pk,
        "lectures_officehour": OfficeHourFactory.create(course=course).pk,
        "lectures_freeday": FreeDay.objects.create(course=course, first=date(2024, 5, 9)).pk,
        "lectures_deadline": Deadline.objects.create(course=course, title="Sheet 1", due_at=now).pk,
        "projects_assignment": AssignmentFactory.create(course=course).pk,
        **project_rows(cast),
        "exams_exam": exam.pk,
        "mail_announcement": Announcement.objects.create(course=course, title="A", publish_at=timezone.now()).pk,
        "mail_reminderrule": ReminderRule.objects.create(course=course, days=5).pk,
        "mail_mailsettings": MailSettings.objects.create(course=course).pk,
        "mail_notice": Notice.objects.create(
            key="k",
            kind="tests",
            course=course,
            address="a@example.org",
            not_before=timezone.now(),
            created_at=timezone.now(),
        ).pk,
        "exports_export": Export.objects.create(
            fingerprint="f", kind="tests", course=course, language="en", not_before=now, created_at=now, expires_at=now
        ).pk,
    }


def project_rows(cast: Cast) -> dict[str, int]:
    """A project with something of each kind in it."""
    now = timezone.now()
    topic = TopicFactory.create(course=cast.course, team_max=2)
    project = Project.objects.create(assignment=topic.assignment, topic=topic, registered_at=now)
    Membership.objects.create(project=project, assignment=project.assignment, enrolment=cast.student, joined_at=now)
    about = {"project": project, "enrolment": cast.student}
    return {
        "projects_topic": topic.pk,
        "projects_project": project.pk,
        "projects_extensionrequest": ExtensionRequest.objects.create(**about, reason="Ill", asked_at=now).pk,
        "projects_extension": Extension.objects.create(
            course=cast.course,
            assignment=project.assignment,
            project=project,
            delta=timedelta(days=1),
            reason="Ill",
            granted_at=now,
        ).pk,
        "projects_allocation": Allocation.objects.create(
            assignment=project.assignment,
            number=1,
            state="done",
            inputs=input_to_json(inputs_of(project.assignment, seed="")),
            result=[],
            worst=0,
            asked_at=now,
            done_at=now,
        ).pk,
        "projects_topicplacement": TopicPlacement.objects.create(project=project, topic=topic, decided_at=now).pk,
        "projects_mentorlimit": MentorLimit.objects.create(
            assignment=project.assignment,
            mentor=StaffMember.objects.create(course=cast.course, name="Łukasz Żółć", role="assistant"),
            most=2,
        ).pk,
        "projects_earlierpass": EarlierPass.objects.create(enrolment=cast.other_student, term="SS2023").pk,
        "projects_invitation": Invitation.objects.create(
            project=project, email="new@example.org", invited_by=cast.student, invited_at=now, expires_at=now
        ).pk,
    }


def test_every_scoped_model_is_in_the_table() -> None:
    ours = {
        f"{model._meta.app_label}_{model._meta.model_name}"
        for model in admin.site._registry
        if model._meta.app_label in ("courses", "lectures", "projects", "exams", "portal", "mail", "exports")
    }
    assert ours == {*SCOPED, "courses_user", "portal_legalpage"}


@pytest.mark.parametrize("part", PARTS)
def test_every_page_of_the_desk_as_everyone(cast: Cast, rows: dict[str, int], part: str) -> None:
    client = cast.client(part)
    statuses: dict[str, set[int]] = {"list": set(), "object": set()}
    for name in SCOPED:
        statuses["list"].add(client.get(reverse(f"admin:{name}_changelist")).status_code)
        for page in ("change", "history"):
            statuses["object"].add(client.get(reverse(f"admin:{name}_{page}", args=[rows[name]])).status_code)
    is_staff = part in ("assistant", "lecturer", "foreign lecturer", "admin")
    assert statuses["list"] == ({200} if is_staff else {302})
    # An object of a course that one does not teach leads away, as one that does not exist.
    assert statuses["object"] <= ({200} if part in ("assistant", "lecturer", "admin") else {302, 404})
    if not is_staff:
        target = client.get("/admin/", follow=True)
        assert target.status_code == (404 if part != "anonymous" else 200)


def test_lists_hold_only_ones_own(cast: Cast, rows: dict[str, int]) -> None:
    ours, theirs = cast.client("lecturer"), cast.client("foreign lecturer")

    def listed(client: Client) -> list[str]:
        lists = {name: client.get(reverse(f"admin:{name}_changelist")).context["cl"].queryset for name in SCOPED}
        return [name for name, listed in lists.items() if rows[name] in [row.pk for row in listed]]

    assert listed(ours) == list(SCOPED)
    assert listed(theirs) == []


def lecture_post(lecture: Lecture, **changes: str) -> dict[str, str]:
    data = {
        "course": str(lecture.course_id), "part": "", "kind": lecture.kind, "number": lecture.number, "title": lecture.title,
        "starts_at_0": "2024-05-21", "starts_at_1": "16:00", "ends_at_0": "2024-05-21", "ends_at_1": "18:00",
        "room": lecture.room, "mode": lecture.mode, "state": lecture.state, "call_in": "", "abstract": "",
        "materials-TOTAL_FORMS": "0", "materials-INITIAL_FORMS": "0",
    }  # fmt: skip
    return {**data, **changes}


def test_a_move_is_shown_before_it_is_saved(cast: Cast, rows: dict[str, int]) -> None:
    client, lecture = cast.client("lecturer"), Lecture.objects.get()
    address = reverse("admin:lectures_lecture_change", args=[lecture.pk])
    before = AgendaItem.objects.get(key=f"lectures.lecture:{lecture.pk}")
    Lecture.objects.filter(pk=lecture.pk).update(ends_at=datetime(2024, 5, 21, 16, tzinfo=UTC))
    reconcile(cast.course, now=timezone.now())
    before.refresh_from_db()
    data = lecture_post(lecture, room="H 0111")
    asked = client.post(address, data)
    assert asked.status_code == 200
    assert "Tue 21 May 2024, 16:00–18:00, H 0107 → Tue 21 May 2024, 16:00–18:00, H 0111" in asked.content.decode()
    assert "was changed successfully" not in asked.content.decode()
    lecture.refresh_from_db()
    before_again = AgendaItem.objects.get(pk=before.pk)
    assert (lecture.room, before_again.sequence) == ("H 0107", before.sequence)
    saved = agree_to(client, address, data, asked)
    assert saved.status_code == 302
    lecture.refresh_from_db()
    after = AgendaItem.objects.get(pk=before.pk)
    assert (lecture.room, after.place, after.sequence) == ("H 0111", "H 0111", before.sequence + 1)
    history = client.get(reverse("admin:lectures_lecture_history", args=[lecture.pk])).content.decode()
    assert str(cast.lecturer.user) in history
    assert "H 0107" in history


def test_what_others_changed_since_a_move_was_shown_is_shown_again(cast: Cast, rows: dict[str, int]) -> None:
    client, lecture = cast.client("lecturer"), Lecture.objects.get()
    address = reverse("admin:lectures_lecture_change", args=[lecture.pk])
    data = lecture_post(lecture, room="H 0111")
    asked = client.post(address, data)
    change_lecture(lecture_pk=lecture.pk, room="EB 301", now=timezone.now())
    again = agree_to(client, address, data, asked)
    assert again.status_code == 200
    assert "something changed since this was shown" in again.content.decode()
    assert ", EB 301 → " in again.content.decode()
    assert Lecture.objects.get().room == "EB 301"
    # Who agrees without having seen anything sees it first.
    assert client.post(address, {**data, "_agreed": "1"}).status_code == 200
    assert Lecture.objects.get().room == "EB 301"
    assert agree_to(client, address, data, again).status_code == 302
    assert Lecture.objects.get().room == "H 0111"


def test_a_file_waits_while_the_desk_asks(cast: Cast, rows: dict[str, int]) -> None:
    client, lecture = cast.client("lecturer"), Lecture.objects.get()
    address = reverse("admin:lectures_lecture_change", args=[lecture.pk])
    files_before = MaterialFile.objects.count()
    data = lecture_post(lecture, room="H 0111") | {
        "materials-TOTAL_FORMS": "1", "materials-0-kind": "captions", "materials-0-title": "", "materials-0-url": "",
        "materials-0-audience": "public", "materials-0-position": "0",
    }  # fmt: skip
    asked = client.post(address, {**data, "materials-0-upload": SimpleUploadedFile("Größe.vtt", b"WEBVTT\n\n")})
    assert "Kept until you decide: Größe.vtt" in " ".join(asked.content.decode().split())
    assert MaterialFile.objects.count() == files_before
    # It waits for the person to whom it was shown, at this page.
    assert [(row.owner, row.filename) for row in KeptUpload.objects.all()] == [(cast.lecturer.user, "Größe.vtt")]
    assert agree_to(client, address, data, asked).status_code == 302
    assert [file.filename for file in MaterialFile.objects.order_by("pk")][files_before:] == ["Größe.vtt"]
    assert not KeptUpload.objects.exists()


def test_a_move_in_the_list_is_shown_before_it_is_saved(cast: Cast, rows: dict[str, int]) -> None:
    client, lecture = cast.client("lecturer"), Lecture.objects.get()
    address = reverse("admin:lectures_lecture_changelist")
    data = {
        "form-TOTAL_FORMS": "1", "form-INITIAL_FORMS": "1", "form-0-id": str(lecture.pk), "_save": "Save",
        "form-0-starts_at": "2024-05-22T16:00", "form-0-ends_at": "2024-05-22T18:00", "form-0-room": "H 0111",
        "form-0-mode": lecture.mode, "form-0-state": lecture.state,
    }  # fmt: skip
    asked = client.post(address, data)
    assert "→ Wed 22 May 2024, 16:00–18:00, H 0111" in asked.content.decode()
    assert Lecture.objects.get().room == "H 0107"
    assert agree_to(client, address, data, asked).status_code == 302
    lecture.refresh_from_db()
    assert (lecture.room, lecture.starts_at) == ("H 0111", datetime(2024, 5, 22, 14, tzinfo=UTC))
    assert AgendaItem.objects.get(key=f"lectures.lecture:{lecture.pk}").place == "H 0111"
    # A time that doesn't exist is an error of its field.
    wrong = client.post(address, {**data, "form-0-starts_at": "2024-03-31T02:30"})
    assert "Europe/Berlin" in str(wrong.context["cl"].formset.errors[0]["starts_at"])


def test_a_move_with_a_file_is_shown_first_and_without_one_the_file_is_kept_at_once(
    cast: Cast, rows: dict[str, int]
) -> None:
    client, lecture = cast.client("lecturer"), Lecture.objects.get()
    address = reverse("admin:lectures_lecture_change", args=[lecture.pk])
    file = {
        "materials-TOTAL_FORMS": "1", "materials-0-kind": "captions", "materials-0-title": "", "materials-0-url": "",
        "materials-0-audience": "public", "materials-0-position": "0",
    }  # fmt: skip

    def send(**changes: str) -> str:
        upload = SimpleUploadedFile("05.vtt", b"WEBVTT\n\n")
        data = {**lecture_post(lecture, **changes), **file, "materials-0-upload": upload}
        return client.post(address, data).content.decode()

    said = send(room="H 0111")
    assert "Nothing is saved yet" in said
    assert "Kept until you decide: 05.vtt" in said
    assert (Lecture.objects.get().room, MaterialFile.objects.count()) == ("H 0107", 0)
    Lecture.objects.filter(pk=lecture.pk).update(ends_at=datetime(2024, 5, 21, 16, tzinfo=UTC))
    reconcile(cast.course, now=timezone.now())
    # Where nothing moves, the file is kept at once.
    assert send() == ""
    assert [file.filename for file in MaterialFile.objects.all()] == ["05.vtt"]


def test_what_no_calendar_shows_is_saved_at_once(cast: Cast, rows: dict[str, int]) -> None:
    lecture = Lecture.objects.get()
    Lecture.objects.filter(pk=lecture.pk).update(ends_at=datetime(2024, 5, 21, 16, tzinfo=UTC))
    reconcile(cast.course, now=timezone.now())
    revision = type(cast.course).objects.get(pk=cast.course.pk).revision
    address = reverse("admin:lectures_lecture_change", args=[lecture.pk])
    assert cast.client("lecturer").post(address, lecture_post(lecture, abstract="New words")).status_code == 302
    assert Lecture.objects.get().abstract == "New words"
    assert type(cast.course).objects.get(pk=cast.course.pk).revision == revision + 1


def test_the_hour_that_the_clocks_skip_is_a_field_error(cast: Cast, rows: dict[str, int]) -> None:
    lecture = Lecture.objects.get()
    data = lecture_post(lecture, starts_at_0="2024-03-31", starts_at_1="02:30")
    answer = cast.client("lecturer").post(reverse("admin:lectures_lecture_change", args=[lecture.pk]), data)
    assert answer.status_code == 200
    assert "Europe/Berlin" in str(answer.context["adminform"].form.errors["starts_at"])


def test_a_row_cannot_be_moved_into_anothers_course(cast: Cast, rows: dict[str, int]) -> None:
    lecture = Lecture.objects.get()
    data = lecture_post(lecture, course=str(cast.other_course.pk))
    answer = cast.client("lecturer").post(reverse("admin:lectures_lecture_change", args=[lecture.pk]), data)
    assert "course" in answer.context["adminform"].form.errors
    assert Lecture.objects.get().course_id == cast.course.pk


def test_several_files_find_their_lectures_and_a_bad_one_stops_no_other(cast: Cast, rows: dict[str, int]) -> None:
    files = [
        SimpleUploadedFile("05_Parallel.vtt", b"WEBVTT\n\n"),
        SimpleUploadedFile("05.pdf", b"no"),
        SimpleUploadedFile("zz.pdf", b"%PDF-"),
    ]
    answer = cast.client("lecturer").post(
        reverse("admin:lectures_lecture_upload_files"), {"course": cast.course.pk, "files": files}
    )
    text = answer.content.decode()
    assert "&#x27;05.pdf&#x27; is not a PDF" in text
    assert "No lecture is recognised from this name" in text
    assert [file.filename for file in MaterialFile.objects.all()] == ["05_Parallel.vtt"]


def test_staff_need_a_second_factor_where_it_is_asked_for(cast: Cast, settings: Settings) -> None:
    settings.STAFF_NEEDS_SECOND_FACTOR = True
    answer = cast.client("lecturer").get("/admin/", follow=True)
    assert answer.redirect_chain[-1][0] == "/accounts/2fa/"
    assert "Staff need a second factor" in answer.content.decode()


@pytest.mark.parametrize(
    "content",
    [
        "E-Mail;Vorname;Nachname;Matrikelnummer\nada@example.org;Ada;Lövelace;123\n".encode("latin-1"),
        "\ufeffname,e-mail,matriculation number\nAda Lövelace,ADA@example.org,123\n".encode(),
        b"Email\tName\tMatrikelnr.\nada@example.org\tAda L\xc3\xb6velace\t123\n\n",
    ],
)
def test_rosters_come_in_any_shape(content: bytes) -> None:
    _table, rows, problems = read_roster(content)
    assert problems == []
    assert [(row.email, row.name, row.matriculation_number) for row in rows] == [
        ("ada@example.org", "Ada Lövelace", "123")
    ]


@pytest.mark.parametrize("rest", [b'"' + b"x" * 200_000, b'a@example.org;"Ada\nb@example.org;Bob\nc@example.org;Cy\n'])
def test_a_roster_whose_quotation_mark_is_left_open_loses_nobody(rest: bytes) -> None:
    with pytest.raises(
        RuleViolation, match=r"Line 2: a quotation mark opens here and isn't closed at the end of its cell."
    ):
        read_roster(b"e-mail;name\n" + rest)


def test_a_wrong_line_of_a_roster_is_left_out_alone_and_accounts_join(cast: Cast) -> None:
    now = timezone.now()
    bad = import_roster(
        course=cast.course, upload=Upload(b"email\nada@example.org\nnonsense\nada@example.org\n"), now=now
    )
    assert said(bad.problems) == [
        "Line 3: 'nonsense' is not an e-mail address.",
        "Line 4: ada@example.org stands on line 2 already.",
    ]
    assert list(RosterEntry.objects.values_list("email", flat=True)) == ["ada@example.org"]
    # Whose line is wrong stands in the file all the same.
    wrong = Upload(b"email;name;matriculation number\nada@example.org;Ada;12-34\n")
    shown = import_roster(course=cast.course, upload=wrong, now=now, dry_run=True)
    assert ([problem.line for problem in shown.problems], shown.left) == ([2], [])
    EmailAddress.objects.create(user=cast.stranger, email="stranger@example.org", verified=True, primary=True)
    content = b"email,name,matriculation number\nstranger@example.org,Stray,42\nnew@example.org,New,43\n"
    shown = import_roster(course=cast.course, upload=Upload(content), now=now, dry_run=True)
    assert (shown.added, shown.joined, shown.left) == (2, 1, ["ada@example.org"])
    assert RosterEntry.objects.count() == 1
    import_roster(course=cast.course, upload=Upload(content), now=now)
    again = import_roster(course=cast.course, upload=Upload(content), now=now)
    assert (again.added, again.changed, again.unchanged, again.joined) == (0, 0, 2, 0)
    assert Enrolment.objects.filter(user=cast.stranger, course=cast.course).exists()
    assert User.objects.get(pk=cast.stranger.pk).matriculation_number == "42"


def test_letters_that_a_roster_lost_are_kept_where_they_are_known_and_said_to_be_lost(cast: Cast) -> None:
    """As Excel in German saves CSV: Windows-1252 lacks these letters."""
    people = {"l": "Łukasz Żółć", "t": "山田太郎", "a": "Anna Schmidt", "n": "Ayşe Şahin"}
    for key in "lta":
        RosterEntry.objects.create(course=cast.course, email=f"{key}@uni.example", name=people[key])
    people["a"] = "Anna Şahin"
    rows = ["E-Mail;Name", *(f"{key}@uni.example;{name}" for key, name in people.items())]
    client, address = cast.client("lecturer"), reverse("admin:courses_rosterentry_upload_roster")
    lossy = "\n".join(rows).encode("cp1252", errors="replace")
    shown = show(client, address, lossy, course=cast.course.pk)
    plan = shown.context["preview"]["plan"]
    assert [(line.subject, line.is_new) for line in plan.lines] == [
        ("Anna ?ahin <a@uni.example>", False),
        ("Ay?e ?ahin <n@uni.example>", True),
    ]
    assert plan.unchanged == 2
    assert "4 names have lost letters, such as &#x27;?ukasz ?ó??&#x27;, because" in shown.content.decode()
    agree(client, address, shown, course=cast.course.pk)
    whole = show(client, address, "\n".join(rows).encode(), course=cast.course.pk)
    assert "lost letters" not in whole.content.decode()
    assert [line.changes for line in whole.context["preview"]["plan"].lines] == [
        [("name", "Anna ?ahin", "Anna Şahin")],
        [("name", "Ay?e ?ahin", "Ayşe Şahin")],
    ]


def test_the_roster_page_shows_first_and_imports_then(cast: Cast) -> None:
    client, address = cast.client("lecturer"), reverse("admin:courses_rosterentry_upload_roster")
    shown = show(client, address, b"email\nada@example.org\n", course=cast.course.pk)
    assert "1 new, 0 changed, 0 as before." in shown.content.decode()
    assert not RosterEntry.objects.exists()
    agree(client, address, shown, course=cast.course.pk)
    assert RosterEntry.objects.get().email == "ada@example.org"


@pytest.mark.parametrize(
    ("site", "peer", "more", "works"),
    [
        ("localhost", "127.0.0.1", {}, True),
        ("localhost", "::1", {}, True),
        ("localhost", "::ffff:127.0.0.1", {}, True),
        ("localhost", "192.0.2.7", {}, False),
        ("localhost", "192.0.2.7", {"X-Forwarded-For": "127.0.0.1"}, False),
        ("localhost", "127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}, False),
        ("localhost", "127.0.0.1", {"Forwarded": "for=127.0.0.1"}, False),
        ("localhost", "", {}, False),
        ("courses.example.org", "127.0.0.1", {}, False),
    ],
)
def test_the_demo_password_works_from_this_machine_only(
    cast: Cast, settings: Settings, site: str, peer: str, more: dict[str, str], works: bool
) -> None:
    settings.SITE_HOST = site
    user = cast.student.user
    user.set_password(settings.DEMO_PASSWORD)
    user.save()
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    client = Client(REMOTE_ADDR=peer, headers={"Host": "localhost", **more})
    client.post("/accounts/login/", {"login": user.email, "password": settings.DEMO_PASSWORD})
    assert ("_auth_user_id" in client.session) == works


@pytest.mark.parametrize(
    ("address", "model", "values", "said"),
    [
        ("exams_accommodation", Accommodation, {"extra_minutes": "30"}, "Choose one of the same course."),
        ("exams_admissiondecision", AdmissionDecision, {"verdict": "admitted", "reason": "By hand"}, "Choose one of the same course."),
    ],
)  # fmt: skip
def test_a_course_and_an_enrolment_of_another_one_are_refused(
    cast: Cast, address: str, model: type[Accommodation | AdmissionDecision], values: dict[str, str], said: str
) -> None:
    # Whoever teaches in both courses may choose both.
    Enrolment.objects.create(user=cast.assistant.user, course=cast.other_course, role="assistant")
    client, add = cast.client("assistant"), reverse(f"admin:{address}_add")
    data = {"course": cast.other_course.pk, "enrolment": cast.student.pk, **values}
    answer = client.post(add, data)
    assert answer.status_code == 200
    assert said in answer.content.decode()
    assert model.objects.count() == 0
    assert client.post(add, {**data, "course": cast.course.pk}).status_code == 302
    assert model.objects.get().course == cast.course


@pytest.mark.parametrize(("make", "field"), [(LectureFactory, "part"), (TopicFactory, "mentor")])
def test_what_a_course_shows_of_its_own_is_its_own(cast: Cast, make: Any, field: str) -> None:
    related: Callable[[Any], Any] = {
        "part": lambda course: PartFactory.create(course=course),
        "mentor": lambda course: StaffMember.objects.create(course=course, name="M", role="lecturer"),
    }[field]
    row = make.create(course=cast.course, **{field: related(cast.course)})
    row.full_clean()
    setattr(row, field, related(cast.other_course))
    with pytest.raises(ValidationError, match="Choose one of the same course"):
        row.full_clean()


@pytest.mark.parametrize("method", ["get", "post"])
def test_files_are_never_uploaded_to_another_course_than_asked_for(cast: Cast, method: str) -> None:
    LectureFactory.create(course=cast.course, number="05")
    client, address = cast.client("lecturer"), reverse("admin:lectures_lecture_upload_files")
    files = SimpleUploadedFile("05.vtt", b"WEBVTT\n\n")
    data = {"course": cast.other_course.pk} | ({"files": files} if method == "post" else {})
    assert getattr(client, method)(address, data).status_code == 404
    assert client.get(f"{address}?course=x").status_code == 404
    assert client.get(address).status_code == 200
    assert MaterialFile.objects.count() == 0


def test_a_course_with_students_is_archived_and_one_without_deleted(cast: Cast) -> None:
    admin, fresh = cast.client("admin"), Course.objects.create(slug="fresh", title="Größe", term="SS2026")
    LectureFactory.create(course=fresh)
    enrol(user=cast.lecturer.user, course=fresh, role=Role.LECTURER)
    for method in (admin.get, admin.post):
        answer = method(f"/admin/courses/course/{cast.course.pk}/delete/", {"post": "yes"}, follow=True)
        assert answer.redirect_chain[-1][0] == f"/admin/courses/course/{cast.course.pk}/change/"
        assert "students take part in it. Archive it instead." in answer.content.decode()
    page = admin.get(f"/admin/courses/course/{fresh.pk}/delete/").content.decode()
    assert "Größe" in page
    admin.post(f"/admin/courses/course/{fresh.pk}/delete/", {"post": "yes"})
    assert list(Course.objects.filter(pk__in=[fresh.pk, cast.course.pk])) == [cast.course]


def test_every_list_of_the_desk_is_reached_from_its_first_page(cast: Cast, rows: dict[str, int]) -> None:
    """By links, one page of each kind: an address that nobody is led to is a page that nobody has.

    Django's pages of an app, which list all of its models, are led to by breadcrumbs alone: they count for nobody.
    """
    Assignment.objects.filter(topics__isnull=False).update(topics_given="by-wish")
    client = cast.client("admin")
    waiting, seen = ["/admin/"], set()
    while waiting:
        path = waiting.pop()
        if (kind := re.sub(r"/\d+/", "/1/", path)) in seen or re.fullmatch(r"/admin/\w+/", path):
            continue
        seen.add(kind)
        page = client.get(path)
        if page.headers.get("Content-Type", "").startswith("text/html"):
            text = page.content.decode()
            waiting += re.findall(r'href="(/admin/[^"?#]*)', text)
    lists = {
        reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist") for model in admin.site._registry
    }
    assert lists - seen == set()
