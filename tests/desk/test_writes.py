"""One door for every write: what the desk saves and deletes is what the services save and delete."""

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.apps import apps
from django.contrib import admin
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import models, transaction
from django.db.models import ProtectedError
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from amls.core.violations import RuleViolation
from amls.courses.models import Enrolment, Mode, StaffMember, User, WeeklySlot
from amls.courses.services import finish_course_change
from amls.desk.site import CourseScopedAdmin
from amls.desk.writes import NOTHING, Writes, call, check_writes, without_services
from exams.models import Room
from lectures.models import Lecture, Material, MaterialFile, OfficeHourException
from lectures.services.materials import upload_for_lecture
from lectures.services.schedule import change_lecture
from tests.agreement import agree_to
from tests.cast import Cast
from tests.desk.test_site import rows  # noqa: F401
from tests.lectures.files import pdf

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("one_factor")]

# What is changed of a row of each kind: the form's field, as it is typed; the model's, as it is kept.
CHANGES: dict[str, tuple[dict[str, str], dict[str, Any]]] = {
    "courses_course": ({"title": "Systems"}, {"title": "Systems"}),
    "courses_enrolment": ({"role": "lecturer"}, {"role": "lecturer"}),
    "courses_rosterentry": ({"name": "Łukasz Żółć"}, {"name": "Łukasz Żółć"}),
    "courses_user": ({"display_name": "Łukasz Żółć"}, {"display_name": "Łukasz Żółć"}),
    "lectures_part": ({"title": "Größe"}, {"title": "Größe"}),
    "lectures_lecture": ({"mode": "virtual"}, {"mode": "virtual"}),
    "lectures_officehour": ({"room": "H 0111"}, {"room": "H 0111"}),
    "lectures_freeday": ({"title": "Whitsun"}, {"title": "Whitsun"}),
    "lectures_deadline": (
        {"due_at_0": "2024-05-17", "due_at_1": "23:59"},
        {"due_at": datetime(2024, 5, 17, 21, 59, tzinfo=UTC)},
    ),
    "exams_examrules": ({"binding_name": "Moses"}, {"binding_name": "Moses"}),
    "exams_exam": ({"place": "H 0105"}, {"place": "H 0105"}),
    "exams_accommodation": ({"extra_minutes": "30"}, {"extra_minutes": 30}),
    "projects_assignment": ({"hours": "81"}, {"hours": 81}),
    "projects_topic": ({"title": "Größe"}, {"title": "Größe"}),
    "projects_topicplacement": ({"reason": "Ill"}, {"reason": "Ill"}),
    "projects_mentorlimit": ({"most": "3"}, {"most": 3}),
    "projects_earlierpass": ({"term": "WS2022"}, {"term": "WS2022"}),
    # By mail it would wait as a held act beside the row.
    "mail_announcement": (
        {"title": "Größe", "text": "**H**", "by_mail": "", "on_page_until_0": "2044-05-06", "on_page_until_1": "12:00"},
        {"title": "Größe", "text": "**H**", "by_mail": False, "on_page_until": datetime(2044, 5, 6, 10, tzinfo=UTC)},
    ),
    "mail_reminderrule": ({"days": "6"}, {"days": 6}),
    "mail_mailsettings": ({"hold_back_minutes": "7"}, {"hold_back_minutes": 7}),
}
# Drawn anew by each write, or counted up by it.
DRAWN = {"id", "uid", "token", "password", "pgh_id", "pgh_context", "pgh_context_id", "pgh_created_at"}
# What the desk writes about itself, beside what a service writes.
OF_THE_DESK = {
    "admin.LogEntry",
    "sessions.Session",
    "pghistory.Context",
    "usersessions.UserSession",
    "courses.AccountEvent",
    # A row for each statement: the desk may take more of them.
    "courses.Invalidation",
}


@contextmanager
def tried() -> Iterator[None]:
    """Take back whatever the block writes."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def everything(start: datetime) -> dict[str, list[str]]:
    """Return all rows of all tables; what a write stamped since `start` reads 'now', and revisions whether they rose."""

    def said(name: str, value: Any) -> str:
        if name == "revision":
            return "higher" if value > 1 else "first"
        return "now" if isinstance(value, datetime) and abs(value - start) < timedelta(minutes=10) else str(value)

    return {
        model._meta.label: sorted(
            " ".join(f"{name}={said(name, value)}" for name, value in row.items() if name not in DRAWN)
            for row in models.QuerySet(model).order_by().values()
        )
        for model in apps.get_models()
        if model._meta.managed and not model._meta.proxy and model._meta.label not in OF_THE_DESK
    }


def difference(left: dict[str, list[str]], right: dict[str, list[str]]) -> dict[str, Any]:
    return {name: (set(left[name]) ^ set(right[name])) for name in left if left[name] != right[name]}


def form_of(client: Client, address: str) -> dict[str, Any]:
    """Return what a browser sends of a form of the desk as it stands."""
    page = BeautifulSoup(client.get(address).content, "html.parser")
    (form,) = page.select('form[id$="_form"], form#changelist-form')
    data: dict[str, Any] = {}
    for field in form.select("[name]"):
        name, kind = str(field["name"]), field.get("type")
        if field.name == "button" or kind in ("submit", "file") or "__prefix__" in name:
            continue
        if field.name == "select":
            chosen = [option["value"] for option in field.select("option[selected]")]
            data[name] = chosen if field.has_attr("multiple") else (chosen or [""])[0]
        elif field.name == "textarea":
            data[name] = re.sub(r"^\n", "", field.get_text())
        elif kind in ("checkbox", "radio"):
            if field.has_attr("checked"):
                data.setdefault(name, []).append(field.get("value", "on"))
        else:
            data[name] = field.get("value", "")
    return data


def classes() -> dict[str, Any]:
    """Return everything that the desk is registered for, as addresses name it."""
    return {desk.model._meta.label_lower.replace(".", "_"): desk for desk in admin.site._registry.values()}


def pk_of(name: str, rows: dict[str, int], cast: Cast) -> int:  # noqa: F811
    # Of students much hangs on their part.
    others = {"courses_user": cast.stranger.pk, "courses_enrolment": cast.assistant.pk}
    return others.get(name) or rows[name]


def request_of(user: User) -> Any:
    return type("Asked", (), {"user": user, "now": timezone.now()})()


def test_every_class_says_by_which_services_it_writes() -> None:
    assert check_writes(None) == []
    saving = {name for name, desk in classes().items() if desk.writes.save}
    # Decisions are added only; pages of the law and addresses belong to nobody's course.
    assert saving == {*CHANGES, "exams_admissiondecision", "portal_legalpage", "account_emailaddress"}


def test_a_class_that_names_no_services_is_refused() -> None:
    class Careless(CourseScopedAdmin):
        pass

    (error,) = without_services([Careless(Room, admin.site)])
    assert (error.id, error.obj) == ("desk.E001", Careless)
    with pytest.raises(TypeError, match="Nothing at the desk writes"):
        call(NOTHING.save, request_of(User()), Room())


@pytest.mark.parametrize("name", CHANGES)
def test_saving_at_the_desk_is_what_the_service_does(cast: Cast, rows: dict[str, int], name: str) -> None:  # noqa: F811
    typed, kept = CHANGES[name]
    finish_course_change(cast.course, now=timezone.now())
    desk, pk, start = classes()[name], pk_of(name, rows, cast), timezone.now()
    client, address = cast.client("admin"), reverse(f"admin:{name}_change", args=[pk])
    before = everything(start)
    with tried():
        answer = agree_to(client, address, {**form_of(client, address), **typed})
        assert answer.status_code == 302, BeautifulSoup(answer.content, "html.parser").get_text(" ", strip=True)
        by_desk = everything(start)
    with tried():
        row = desk.model._default_manager.get(pk=pk)
        for field, value in kept.items():
            setattr(row, field, value)
        call(desk.writes.save, request_of(cast.admin), row)
        by_service = everything(start)
    assert difference(before, by_service)
    assert difference(by_desk, by_service) == {}


@pytest.mark.parametrize("name", [*CHANGES])
def test_deleting_at_the_desk_is_what_the_service_does(cast: Cast, rows: dict[str, int], name: str) -> None:  # noqa: F811
    finish_course_change(cast.course, now=timezone.now())
    desk, pk, start = classes()[name], pk_of(name, rows, cast), timezone.now()
    client, address = cast.client("admin"), reverse(f"admin:{name}_delete", args=[pk])
    row = desk.model._default_manager.get(pk=pk)
    is_kept = bool(getattr(desk, "why_kept", lambda *_asked: "")(request_of(cast.admin), row))
    if is_kept or desk.writes.delete is None or client.get(address).status_code == 403:
        assert client.post(address, {"post": "yes"}).status_code == 403
        return
    with tried():
        agree_to(client, address, {"post": "yes"})
        by_desk = everything(start)
    with tried():
        # What the service or the database refuses is refused at the desk too.
        with suppress(RuleViolation, ProtectedError):
            call(desk.writes.delete, request_of(cast.admin), row)
        by_service = everything(start)
    assert difference(by_desk, by_service) == {}


def test_what_the_desk_only_shows_it_writes_in_no_way(cast: Cast, rows: dict[str, int]) -> None:  # noqa: F811
    client = cast.client("admin")
    names = sorted(name for name, desk in classes().items() if desk.writes == NOTHING)
    assert names == [
        "exams_registration", "exams_result", "exams_resultchange", "exports_export", "mail_notice", "projects_invitation",
    ]  # fmt: skip
    before = everything(timezone.now())
    for name in names:
        assert client.post(reverse(f"admin:{name}_add"), {}).status_code == 403
        for view in ("change", "delete"):
            assert client.post(reverse(f"admin:{name}_{view}", args=[rows[name]]), {"post": "yes"}).status_code == 403
    assert difference(before, everything(timezone.now())) == {}


def uploaded(lecture: Lecture) -> MaterialFile:
    sent = SimpleUploadedFile("slides.pdf", pdf(["Caching"]))
    return upload_for_lecture(lecture=lecture, kind="pdf", upload=sent, by=None, now=timezone.now())


def test_a_lecture_with_files_is_deleted_nowhere_at_the_desk(cast: Cast, rows: dict[str, int]) -> None:  # noqa: F811
    lecture, client = Lecture.objects.get(), cast.client("lecturer")
    file = uploaded(lecture)
    single = reverse("admin:lectures_lecture_delete", args=[lecture.pk])
    many = reverse("admin:lectures_lecture_changelist")
    chosen = {"action": "delete_selected", "_selected_action": [str(lecture.pk)], "post": "yes"}
    for address, data in ((single, {"post": "yes"}), (many, chosen)):
        said = client.post(address, data, follow=True).content.decode()
        assert "has uploaded files. Set its state to cancelled instead" in said
        assert Lecture.objects.get() == lecture
    assert file.file.storage.exists(str(file.file))


def test_a_material_that_is_deleted_at_the_desk_takes_its_files_along(
    cast: Cast,
    rows: dict[str, int],  # noqa: F811
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    lecture, client = Lecture.objects.get(), cast.client("lecturer")
    file = uploaded(lecture)
    address = reverse("admin:lectures_lecture_change", args=[lecture.pk])
    form = {**form_of(client, address), "materials-0-DELETE": "on"}
    with django_capture_on_commit_callbacks(execute=True):
        assert agree_to(client, address, form).status_code == 302
    assert not Material.objects.exists()
    assert not file.file.storage.exists(str(file.file))


@pytest.mark.parametrize("way", ["form", "list", "page"])
def test_a_lecture_that_becomes_virtual_has_no_room(cast: Cast, rows: dict[str, int], way: str) -> None:  # noqa: F811
    lecture, client = Lecture.objects.get(), cast.client("lecturer")
    assert lecture.room
    if way == "page":
        change_lecture(lecture_pk=lecture.pk, mode=Mode.VIRTUAL, room=lecture.room, now=timezone.now())
    elif way == "form":
        address = reverse("admin:lectures_lecture_change", args=[lecture.pk])
        assert agree_to(client, address, {**form_of(client, address), "mode": "virtual"}).status_code == 302
    else:
        address = reverse("admin:lectures_lecture_changelist")
        data = {**form_of(client, f"{address}?edit=all"), "form-0-mode": "virtual", "_save": "Save"}
        assert agree_to(client, address, data).status_code == 302
    lecture.refresh_from_db()
    assert (lecture.mode, lecture.room) == ("virtual", "")


def test_rows_within_a_row_go_through_services_too() -> None:
    inlines = {inline.model: inline.writes for desk in classes().values() for inline in desk.inlines}
    assert set(inlines) == {StaffMember, WeeklySlot, Material, OfficeHourException, Room}
    assert all(isinstance(inline, Writes) and inline.save and inline.delete for inline in inlines.values())


def test_whoever_is_deleted_at_the_desk_is_forgotten_and_the_teams_work_stays(cast: Cast) -> None:
    client, person = cast.client("admin"), cast.student.user
    assert client.post(reverse("admin:courses_user_delete", args=[person.pk]), {"post": "yes"}).status_code == 302
    person.refresh_from_db()
    assert (person.is_active, person.display_name) == (False, "")
    assert not Enrolment.objects.filter(user=person, user__email="student@example.org").exists()
