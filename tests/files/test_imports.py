"""Imports of tables: shown, agreed to as shown, taken back."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from amls.courses.models import Enrolment, RosterEntry
from amls.files.models import ImportedRow, TableImport
from amls.files.tables.imports import KEPT, imports_of
from amls.files.tables.table import Upload
from amls.membership.roster import import_roster
from amls.privacy.hooks.people import purge_imports
from amls.privacy.registry import delete_account, forget_people_of
from projects.models import Assessment, EarlierPass, Topic
from tests.cast import Cast
from tests.factories import UserFactory
from tests.projects.conftest import World, world  # noqa: F401 - a fixture
from tests.projects.teams import make_teams
from tests.tables import agree, kept, show, workbook

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("one_factor")]

IMPORTS = "/amls/staff/imports/"


def undo(client: Any) -> Any:
    """Press the undo of the newest import."""
    return client.post(IMPORTS, {"undo": TableImport.objects.latest("pk").pk})


# ── shown and agreed to ──


def test_what_is_imported_is_what_was_shown(cast: Cast) -> None:
    client, address = cast.client("lecturer"), reverse("admin:courses_rosterentry_upload_roster")
    content = "Name;Vorname;E-Mail;Studiengang\nŽižková;Łukasz;a@example.org;Informatik\n".encode()
    shown = show(client, address, content, course=cast.course.pk)
    page = shown.content.decode()
    assert "Łukasz Žižková &lt;a@example.org&gt;" in page
    assert shown.context["preview"]["table"].ignored == ["Studiengang"]
    RosterEntry.objects.create(course=cast.course, email="a@example.org", name="Somebody else")
    again = agree(client, address, shown, course=cast.course.pk)
    assert "something changed since this was shown" in again.content.decode()
    assert RosterEntry.objects.get().name == "Somebody else"
    assert agree(client, address, again, course=cast.course.pk).status_code == 302
    assert RosterEntry.objects.get().name == "Łukasz Žižková"


def test_a_file_that_was_shown_for_another_table_is_refused(cast: Cast) -> None:
    client, address = cast.client("lecturer"), reverse("admin:courses_rosterentry_upload_roster")
    shown = show(client, address, b"email\na@example.org\n", course=cast.course.pk)
    other = client.post(reverse("admin:projects_topic_upload_topics"), {**kept(shown), "course": cast.course.pk})
    assert other.context["form"].errors["file"] == ["Choose the file again."]
    broken = client.post(address, {"kept": f"{kept(shown)['kept']}x", "course": cast.course.pk, "_agreed": "1"})
    assert (broken.status_code, RosterEntry.objects.count()) == (422, 0)


def test_nothing_is_imported_that_was_not_shown(cast: Cast) -> None:
    client, address = cast.client("lecturer"), reverse("admin:courses_rosterentry_upload_roster")
    shown = show(client, address, b"email\na@example.org\n", course=cast.course.pk)
    client.post(address, {"kept": kept(shown)["kept"], "course": cast.course.pk, "_agreed": "1"})
    show(client, address, b"email\nb@example.org\n", course=cast.course.pk, _agreed="1", _shown=kept(shown)["_shown"])
    assert not RosterEntry.objects.exists()


def test_an_encoding_and_a_column_are_chosen_in_the_preview(cast: Cast) -> None:
    client, address = cast.client("lecturer"), reverse("admin:courses_rosterentry_upload_roster")
    content = "E-Mail;Mailadresse;Name\na@uni.example;a@home.example;Größe\n".encode("mac-roman")
    shown = show(client, address, content, course=cast.course.pk)
    assert [question.name for question in shown.context["preview"]["asked"]] == ["column-email"]
    assert "Import" not in shown.content.decode().partition("As it was understood")[2]
    chosen = {"course": cast.course.pk, "encoding": "mac-roman", "column-email": "1"}
    again = client.post(address, {**kept(shown), **chosen})
    assert agree(client, address, again, **chosen).status_code == 302
    assert RosterEntry.objects.values_list("email", "name").get() == ("a@home.example", "Größe")


# ── taken back ──


def test_a_roster_is_taken_back_where_nobody_changed_it_since(cast: Cast) -> None:
    old = RosterEntry.objects.create(course=cast.course, email="old@example.org", name="Old", matriculation_number="1")
    content = b"email;name;matriculation number\nold@example.org;New;2\nb@example.org;B;3\nc@example.org;C;4\n"
    import_roster(course=cast.course, upload=Upload(content, "r.csv"), by=cast.lecturer.user, now=timezone.now())
    RosterEntry.objects.filter(email="c@example.org").update(name="Mended by hand")
    client = cast.client("lecturer")
    answer = undo(client)
    assert (answer.status_code, answer.context["undoing"].done) == (409, 2)
    assert [(label, text) for label, text in answer.context["undoing"].problems] == [
        ("C <c@example.org>", "Somebody changed it since: it stays as it is.")
    ]
    old.refresh_from_db()
    assert (old.name, old.matriculation_number) == ("Old", "1")
    assert set(RosterEntry.objects.values_list("name", flat=True)) == {"Old", "Mended by hand"}


def test_that_people_joined_by_a_roster_is_said_once_with_the_way_to_take_them_out(cast: Cast) -> None:
    people = UserFactory.create_batch(3)
    for person in people:
        EmailAddress.objects.create(user=person, email=person.email, verified=True, primary=True)
    client, address = cast.client("lecturer"), reverse("admin:courses_rosterentry_upload_roster")

    def bring(*emails: str) -> str:
        content = "\n".join(["email", *emails]).encode()
        shown = show(client, address, content, course=cast.course.pk)
        answer = client.post(address, {**kept(shown), "_agreed": "1", "course": cast.course.pk}, follow=True)
        return str(next(iter(answer.context["messages"])))

    # Who has joined stays: there is nothing to take back, until somebody else stands in the file.
    assert IMPORTS not in bring(people[0].email)
    assert IMPORTS in bring(*(person.email for person in people[1:]), "nobody@example.org")
    answer = undo(client)
    ((why, labels),) = answer.context["undoing"].by_reason
    assert (answer.status_code, answer.context["undoing"].done) == (409, 1)
    assert sorted(labels) == sorted(person.email for person in people[1:])
    page = " ".join(answer.content.decode().split())
    assert page.count("Who has joined the course by it stays.") == 1
    assert f"2 rows: {why}" in page
    assert why.endswith(f'<a href="{reverse("admin:courses_enrolment_changelist")}">Enrolments</a>')
    assert Enrolment.objects.filter(course=cast.course, user__in=people).count() == 3


def test_only_those_who_may_change_the_course_undo_its_imports(cast: Cast) -> None:
    import_roster(
        course=cast.course, upload=Upload(b"email\nb@example.org\n"), by=cast.lecturer.user, now=timezone.now()
    )
    for part in ("student", "stranger", "foreign lecturer"):
        assert undo(cast.client(part)).status_code == 404
    assert RosterEntry.objects.count() == 1
    assert undo(cast.client("assistant")).status_code == 302
    assert RosterEntry.objects.count() == 0


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_topics_results_and_passes_are_taken_back(world: World, kind: str) -> None:  # noqa: F811
    (team,) = make_teams(world, 1)
    desk, course = world.cast.client("assistant"), world.course.pk
    number_of_topics = Topic.objects.count()
    tables: dict[str, list[list[object]]] = {
        "admin:projects_topic_upload_topics": [["track", "title", "slots", "is_open"], ["DAPHNE", "Brand new", 2, "nein"]],
        "admin:projects_project_import": [["project", "outcome", "extra_points", "version"], [team.pk, "bestanden", "1,5", ""]],
        "admin:projects_earlierpass_upload_passes": [["E-Mail", "Semester"], [world.student.user.email, "SS2023"]],
    }  # fmt: skip
    for name, rows in tables.items():
        content = workbook(*rows) if kind == "xlsx" else "\n".join(";".join(map(str, row)) for row in rows).encode()
        shown = show(desk, reverse(name), content, course=course)
        assert agree(desk, reverse(name), shown, course=course).status_code == 302, name
    assert Topic.objects.get(title="Brand new").is_open is False
    assert Assessment.objects.values_list("outcome", "extra_points").get() == ("passed", Decimal("1.5"))
    assert EarlierPass.objects.get().term == "SS2023"
    for made in list(TableImport.objects.order_by("-pk")):
        assert desk.post(IMPORTS, {"undo": made.pk}).status_code == 302
    assert Topic.objects.count() == number_of_topics
    assert Assessment.objects.values_list("outcome", "extra_points").get() == ("", Decimal(0))
    assert not EarlierPass.objects.exists()


def test_imports_are_forgotten_after_a_month_and_with_their_people(cast: Cast) -> None:
    now = timezone.now()
    content = f"email\n{cast.student.user.email}\nb@example.org\n".encode()
    import_roster(course=cast.course, upload=Upload(content), by=cast.lecturer.user, now=now)
    delete_account(user=cast.student.user, now=now)
    assert ImportedRow.objects.get().after["email"] == "b@example.org"
    assert (purge_imports(now, False), purge_imports(now + KEPT, True), TableImport.objects.count()) == (0, 1, 1)
    forget_people_of([cast.course.pk])
    assert not TableImport.objects.exists()


def test_an_imported_row_changed_something_once(cast: Cast) -> None:
    made = TableImport.objects.create(course=cast.course, kind="courses.roster", at=timezone.now())
    values = {"table_import": made, "line": 2, "object_id": 1, "label": "a"}
    with pytest.raises(IntegrityError, match="importedrow_changes_something"), transaction.atomic():
        ImportedRow.objects.create(**values, before={"name": "A"}, after={"name": "A"})
    ImportedRow.objects.create(**values, before=None, after={"name": "A"})
    with pytest.raises(IntegrityError, match="importedrow_once"), transaction.atomic():
        ImportedRow.objects.create(**values, before=None, after={"name": "B"})


def test_the_import_just_made_stands_first_of_those_to_take_back(cast: Cast) -> None:
    now = timezone.now()
    for hours, subject in ((3, "Blatt 1"), (1, "Blatt 3"), (2, "Blatt 2")):
        at = now - timedelta(hours=hours)
        TableImport.objects.create(course=cast.course, kind="projects.points", subject=subject, at=at)
    assert [row.subject for row in imports_of(cast.course.pk, now=now)] == ["Blatt 3", "Blatt 2", "Blatt 1"]
