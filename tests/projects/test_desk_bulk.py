"""Many projects at once: shown first, all or nothing, with archives and tables."""

import csv
import hashlib
import io
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import openpyxl
import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone, translation

from amls.core import clock
from amls.core.formulas import guard_text
from amls.core.violations import RuleViolation
from amls.courses.models import Course, User
from amls.courses.participation import verify_number
from amls.exports.jobs import work_once
from amls.exports.models import Export
from amls.exports.services import make_order, request_export
from amls.files.tables.table import Upload, read_table
from amls.files.tables.values import cell_text
from amls.held.models import HeldAct
from amls.held.services import HOLD, apply_next
from amls.mail.models import Notice
from projects.exports.archive import LONG, archive_response, distinct, safe_name
from projects.exports.results import ResultResource
from projects.models import Assessment, Assignment, EarlierPass, Extension, Membership, Project, Submission, Topic
from projects.progress import desk_views
from projects.queries import with_team
from projects.receipts import receipt_code
from projects.services.assessing import Override, assess, assign_assessor, publish_assessments, version_of
from projects.services.extensions import extend
from projects.services.handin import accept_late_attempts
from projects.services.points import give_points, team_for_points
from projects.services.registration import register_project
from projects.services.teamsheets import Given
from tests.agreement import agree_to, do_held, seal_in
from tests.factories import TopicFactory
from tests.projects.conftest import DEADLINE, NOW, World
from tests.projects.teams import assess_url, handed_in, list_url, make_teams, packed
from tests.tables import agree

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("one_factor")]


@pytest.fixture
def desk(world: World) -> Client:
    return world.cast.client("assistant")


def run(client: Client, action: str, projects: list[Project], **values: Any) -> Any:
    data = {"action": action, "_selected_action": [project.pk for project in projects], **values}
    return client.post(list_url(), data)


def decided(world: World, project: Project) -> None:
    assess(project=project, outcome="passed", extra_points=Decimal(2), feedback="=1+1", by=world.staff, now=NOW)


def test_publishing_shows_the_mail_and_who_gets_it_first(world: World, desk: Client) -> None:
    ready, open_one = make_teams(world, 2)
    decided(world, ready)
    asked = run(desk, "publish", [ready, open_one])
    member = ready.memberships.get().enrolment.user
    assert asked.context["people"] == [f"{member} <{member.email}>"]
    assert asked.context["letter"].subject in asked.content.decode()
    assert "1 project stay as they are" in asked.content.decode()
    assert not Notice.objects.filter(kind="projects.result").exists()
    assert Assessment.objects.get().published_at is None
    for _time in ("once", "and again"):
        run(desk, "publish", [ready, open_one], _agreed="1", _shown=seal_in(asked))
    assert not Notice.objects.filter(kind="projects.result").exists(), "It is held back."
    assert apply_next(clock.now() + HOLD) == 1
    assert Notice.objects.filter(kind="projects.result").count() == 1


def test_what_was_decided_since_it_was_shown_is_not_published_unseen(world: World, desk: Client) -> None:
    ready, later = make_teams(world, 2)
    decided(world, ready)
    asked = run(desk, "publish", [ready, later])
    decided(world, later)
    again = run(desk, "publish", [ready, later], _agreed="1", _shown=seal_in(asked))
    assert "something changed since this was shown" in again.content.decode()
    assert not Notice.objects.filter(kind="projects.result").exists()
    assert run(desk, "publish", [ready, later], _agreed="1", _shown=seal_in(again)).status_code == 302
    assert apply_next(clock.now() + HOLD) == 1
    assert Assessment.objects.filter(published_at=None).count() == 0


def test_passing_leaves_out_what_is_decided_or_not_handed_in(world: World, desk: Client) -> None:
    ready, failed = make_teams(world, 2)
    empty = world.project()
    assess(project=failed, outcome="failed", extra_points=Decimal(0), feedback="", by=world.staff, now=NOW)
    asked = run(desk, "pass_all", [ready, failed, empty])
    assert [row.partition(" ")[0] for row in asked.context["rows"]] == [f"#{ready.pk}"]
    run(desk, "pass_all", [ready, failed, empty], _agreed="1", _shown=seal_in(asked))
    assert dict(Assessment.objects.values_list("project", "outcome")) == {ready.pk: "passed", failed.pk: "failed"}


def see_and_do(client: Client, action: str, projects: list[Project], **values: Any) -> Any:
    data = {"action": action, "_selected_action": [team.pk for team in projects], "_confirmed": "1", **values}
    return agree_to(client, list_url(), data)


def test_extending_assigning_and_splitting(world: World, desk: Client) -> None:
    teams = make_teams(world, 4)
    assert run(desk, "extend_all", teams).status_code == 200
    assert run(desk, "extend_all", teams, _confirmed="1", days="1", reason="").status_code == 422
    see_and_do(desk, "extend_all", teams, days="1", reason="Outage")
    assert {row.project_id for row in Extension.objects.all()} == {team.pk for team in teams}
    # Taken back where it was given, nobody gets a mail of it; the pages showed it already.
    assert "whoever looks sees it already. The mail about it waits until" in desk.get(list_url()).content.decode()
    desk.post(reverse("held:undo", args=[world.course.slug, HeldAct.objects.get().pk]))
    assert not Extension.objects.filter(revoked_at__isnull=True).exists()
    assert not Notice.objects.filter(kind__startswith="projects.extension", state="due").exists()
    lecturer = world.cast.lecturer.user
    see_and_do(desk, "split", teams, assessors=[world.staff.pk, lecturer.pk])
    counted = [Project.objects.filter(assessor=person).count() for person in (world.staff, lecturer)]
    assert counted == [2, 2]
    see_and_do(desk, "assign", teams, assessor=lecturer.pk)
    assert Project.objects.filter(assessor=lecturer).count() == 4
    stranger = run(desk, "assign", teams, _confirmed="1", assessor=world.cast.stranger.pk)
    assert stranger.status_code == 422


def test_what_a_form_would_do_to_many_is_shown_first_and_done_only_so(world: World, desk: Client) -> None:
    teams = make_teams(world, 2)
    time = {"_confirmed": "1", "days": "1", "reason": "Outage"}
    asked = run(desk, "extend_all", teams, **time)
    assert [line.rsplit(": ", 1)[1] for line in asked.context["outcome"]] == ["Tue 9 Jul 2024, 23:59"] * 2
    assert not Extension.objects.exists()
    # Others were faster, or another time was typed after it: it is shown anew.
    for later in (run(desk, "extend_all", teams, **time | {"days": "2"}, _agreed="1", _shown=seal_in(asked)),
                  run(desk, "extend_all", teams[:1], **time, _agreed="1", _shown=seal_in(asked))):  # fmt: skip
        assert later.context["preview"].is_other
    assert not Extension.objects.exists()
    split = {"_confirmed": "1", "assessors": [world.staff.pk]}
    asked = run(desk, "split", teams, **split)
    assert len(asked.context["outcome"]) == 2
    assign_assessor(projects=teams[:1], assessor=world.cast.lecturer.user)
    assert run(desk, "split", teams, **split, _agreed="1", _shown=seal_in(asked)).context["preview"].is_other
    assert not Project.objects.filter(assessor=world.staff).exists()


def test_as_many_are_chosen_as_a_list_shows(world: World, desk: Client) -> None:
    (team,) = make_teams(world, 1)
    chosen = [team.pk, *range(10**6, 10**6 + 2000)]
    answer = agree_to(desk, list_url(), {"action": "withdraw_all", "_selected_action": chosen})
    assert answer.status_code == 302
    do_held()
    team.refresh_from_db()
    assert not team.is_active


def test_forms_offer_first_the_course_that_has_projects(world: World, desk: Client) -> None:
    other = world.cast.other_course
    other.enrolments.create(user=world.staff, role="assistant")
    Course.objects.filter(pk=world.course.pk).update(first_day="2024-04-15")
    for address in (reverse("admin:projects_project_import"), reverse("admin:projects_extension_add")):
        assert desk.get(address).context["form"]["course"].value() in (world.course, world.course.pk), address
    asked = desk.get(f"{reverse('admin:projects_project_import')}?course={other.pk}")
    assert asked.context["form"]["course"].value() == other.pk
    page = desk.get(list_url(f"course={other.pk}")).content.decode()
    assert f"{reverse('admin:projects_project_import')}?course={other.pk}" in page


def test_withdrawing_many_shows_who_is_told_waits_and_has_one_undo(world: World, desk: Client) -> None:
    teams = make_teams(world, 2)
    shown = run(desk, "withdraw_all", teams)
    assert shown.content.decode().count(": Project withdrawn</li>") == 2
    agree_to(desk, list_url(), {"action": "withdraw_all", "_selected_action": [team.pk for team in teams]})
    act = HeldAct.objects.get()
    undo = reverse("held:undo", args=[world.course.slug, act.pk])
    assert f'action="{undo}"' in desk.get(list_url()).content.decode()
    assert Project.objects.active().count() == 2
    do_held()
    assert Project.objects.active().count() == 0


# ── archives ──


def unpack(response: Any) -> zipfile.ZipFile:
    assert response.status_code == 200
    assert response.streaming
    return zipfile.ZipFile(io.BytesIO(b"".join(response.streaming_content)))


def test_an_archive_has_sensible_folders_and_a_manifest(world: World, desk: Client) -> None:
    world.student.user.display_name, world.other.user.display_name = "Ada Lövelace", "Kim"
    world.student.user.save()
    project = world.project()
    submission = handed_in(project, world.student, uploads=[packed("A.zip", b"1"), packed("a.zip", b"2")])
    archive = unpack(run(desk, "download", [project]))
    folder = f"{project.pk:03}_Sparse-kernels_Lövelace/attempt-1"
    assert archive.namelist() == [f"{folder}/A.zip", f"{folder}/a (2).zip", "manifest.csv"]
    assert archive.testzip() is None
    rows = list(csv.DictReader(io.StringIO(archive.read("manifest.csv").decode("utf-8-sig"))))
    assert [row["path"] for row in rows] == archive.namelist()[:2]
    for row in rows:
        assert hashlib.sha256(archive.read(row["path"])).hexdigest() == row["sha256"]
        assert row["receipt"] == receipt_code(submission.pk)
    single = unpack(desk.get(reverse("admin:projects_project_zip", args=[project.pk])))
    assert single.namelist() == archive.namelist()


def test_a_file_that_is_gone_is_named_and_breaks_nothing(world: World, desk: Client) -> None:
    project = world.project()
    submission = handed_in(project, world.student, uploads=[packed("a.zip"), packed("b.zip")])
    default_storage.delete(submission.files.get(filename="a.zip").file.name)
    archive = unpack(run(desk, "download", [project]))
    rows = list(csv.DictReader(io.StringIO(archive.read("manifest.csv").decode("utf-8-sig"))))
    assert [bool(row["problem"]) for row in rows] == [True, False]


def test_an_archive_is_written_in_constant_memory(world: World) -> None:
    project = world.project()
    submission = handed_in(project, world.student)
    file = submission.files.get()

    def content() -> Iterator[bytes]:
        for _piece in range(64):
            yield b"x" * 1024**2

    with default_storage.open("big.bin", "wb") as big:
        for piece in content():
            big.write(piece)
    type(file).objects.filter(pk=file.pk).update(file="big.bin", size=64 * 1024**2)
    views = list(desk_views(with_team(Project.objects.filter(pk=project.pk))).values())
    response = archive_response(views, filename="x")
    tracemalloc.start()
    sizes: list[int] = [len(bytes(piece)) for piece in response.streaming_content]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sum(sizes) > 64 * 1024**2
    assert peak < 4 * 1024**2


def test_an_archive_of_what_counts_has_one_attempt_of_each_team_in_a_folder_that_names_it(world: World) -> None:
    User.objects.filter(pk=world.student.user_id).update(display_name="Łukasz Größe")
    Topic.objects.filter(pk=world.topic.pk).update(title='Slice: "finding" on GPUs / 山')
    project = world.project()
    handed_in(project, world.student, uploads=[packed("old.zip")])
    second = handed_in(project, world.student, uploads=[packed("new.zip")])
    nothing = world.project(world.other, topic=world.single)
    archive = unpack(run(world.cast.client("assistant"), "download_counting", [project, nothing]))
    folder = f"{project.pk:03}_Slice-finding-on-GPUs-山_Größe"
    assert sorted(archive.namelist()) == [f"{folder}/new.zip", "manifest.csv"]
    rows = list(csv.DictReader(io.StringIO(archive.read("manifest.csv").decode("utf-8-sig"))))
    assert [(row["attempt"], row["counts"], row["deducted_percent"]) for row in rows] == [
        (str(second.attempt), "yes", "0")
    ]


def test_an_archive_of_what_counts_names_who_waits_to_be_accepted_and_tells_namesakes_apart(world: World) -> None:
    world.student.user.display_name = world.other.user.display_name = "Jan Müller"
    world.student.user.matriculation_number, world.other.user.matriculation_number = "0412345", "0498765"
    for person in (world.student, world.other):
        person.user.save()
    now = timezone.now()
    Assignment.objects.filter(pk=world.assignment.pk).update(due_at=now - timedelta(hours=1))
    first, second = (
        world.project(person, topic) for person, topic in ((world.student, None), (world.other, world.single))
    )
    handed_in(first, world.student, uploads=[packed("a.zip")], began=now - timedelta(days=1))
    late = handed_in(second, world.other, uploads=[packed("b.zip")], began=now - timedelta(minutes=5))
    answer = run(world.cast.client("assistant"), "download_counting", [first, second])
    called = f"hand-ins-amls-{world.assignment}-counting-2-teams-{timezone.localdate(now)}.zip"
    assert f'filename="{called}"' in answer["Content-Disposition"]
    archive = unpack(answer)
    assert [name.rpartition("/")[2] for name in archive.namelist()] == ["a.zip", "manifest.csv"]
    rows = list(csv.DictReader(io.StringIO(archive.read("manifest.csv").decode("utf-8-sig"))))
    names = ("team", "numbers", "addresses", "attempt", "counts", "late", "bytes", "receipt", "problem")
    assert {tuple(row[name] for name in names) for row in rows if not row["path"]} == {
        ("Jan Müller", "0498765", world.other.user.email, "1", "no", "yes", "", receipt_code(late.pk), "late, waits to be accepted")
    }  # fmt: skip
    assert [row["numbers"] for row in rows if row["path"]] == ["0412345"]
    whole = run(world.cast.client("assistant"), "download", [first])
    assert f"-all-1-team-{timezone.localdate(now)}.zip" in whole["Content-Disposition"]


def test_a_long_archive_is_made_in_the_background_for_staff_alone(world: World) -> None:
    project = world.project()
    file = handed_in(project, world.student).files.get()
    type(file).objects.filter(pk=file.pk).update(size=LONG + 1)
    client = world.cast.client("assistant")
    sent = {"action": "download_counting", "_selected_action": [project.pk]}
    answer = client.post(list_url(), sent)
    export = Export.objects.get()
    assert answer.headers["Location"] == export.get_absolute_url()
    assert work_once(now=timezone.now())
    export.refresh_from_db()
    assert export.state == "done"
    with zipfile.ZipFile(io.BytesIO(export.file.read())) as made:
        assert "manifest.csv" in made.namelist()
    assert export.filename.startswith(f"hand-ins-amls-{world.assignment}-counting-1-team-")
    order = make_order(
        kind=export.kind, now=timezone.now(), user=world.student.user, course=world.course, parameters=export.parameters
    )
    with pytest.raises(RuleViolation):
        request_export(order=order)


@pytest.mark.parametrize(
    ("name", "safe"),
    [("CON.zip", "_CON.zip"), ("a:b?.pdf", "a_b_.pdf"), ("x. ", "x"), ("..", "_"), ("com1", "_com1"), ("ü" * 200 + ".zip", "ü" * 58 + ".zip"), ("\u202efdp.zip", "_fdp.zip")],
)  # fmt: skip
def test_names_unpack_everywhere(name: str, safe: str) -> None:
    assert safe_name(name) == safe


def test_names_that_differ_in_case_only_are_told_apart() -> None:
    taken: set[str] = set()
    assert [distinct(name, taken) for name in ("A.tar.gz", "a.TAR.gz", "a.tar.gz")] == [
        "A.tar.gz", "a (2).TAR.gz", "a (3).tar.gz",
    ]  # fmt: skip


# ── tables ──


@pytest.mark.parametrize("text", ["=1+1", "+49", "-1", "@x", "\tx", "'=x", "plain", "'quoted'", "＝1"])
def test_no_cell_runs_and_all_come_back(text: str) -> None:
    cell = guard_text(text)
    assert not cell.startswith(("=", "+", "-", "@", "\t", "＝"))
    assert cell_text(cell) == text


def table(rows: list[list[object]]) -> SimpleUploadedFile:
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=";").writerows(rows)
    return SimpleUploadedFile("t.csv", buffer.getvalue().encode())


def send(client: Client, name: str, course: int, file: SimpleUploadedFile) -> Any:
    """Show what a table changes, and import it if that is offered."""
    address = reverse(name)
    assert client.get(address).status_code == 200
    shown = client.post(address, {"course": course, "file": file})
    preview = shown.context.get("preview")
    if preview and not preview["plan"].problems:
        return agree(client, address, shown, course=course)
    return shown


def problems(answer: Any) -> list[tuple[int, str]]:
    assert answer.status_code == 422
    return [(problem.line, problem.text) for problem in answer.context["preview"]["plan"].problems]


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_results_go_out_and_corrections_come_back(world: World, desk: Client, kind: str) -> None:
    first, second = make_teams(world, 2)
    decided(world, first)
    sent = run(desk, f"to_{kind}", [first, second])
    rows = [dict(row.cells) for row in read_table(sent.content, ResultResource.meanings).rows]
    assert [(row["project"], row["outcome"], row["feedback"]) for row in rows] == [
        (str(first.pk), "passed", "=1+1"),
        (str(second.pk), "", ""),
    ]
    if kind == "xlsx":
        sheet = openpyxl.load_workbook(io.BytesIO(sent.content)).active
        assert {cell.data_type for row in sheet.iter_rows() for cell in row} <= {"s", "n", "inlineStr"}
    rows[0]["extra_points"], rows[1]["outcome"], rows[1]["extra_points"] = "3,5", "passed", "1"
    file = table([list[object](rows[0]), *(list[object](row.values()) for row in rows)])
    answer = send(desk, "admin:projects_project_import", world.course.pk, file)
    assert answer.status_code == 302
    assessments = {row.project_id: (row.outcome, row.extra_points, row.feedback) for row in Assessment.objects.all()}
    assert assessments == {first.pk: ("passed", Decimal("3.5"), "=1+1"), second.pk: ("passed", Decimal(1), "")}


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", [("outcome", "Passed", "Failed"), ("extra points", "3", "2"), ("feedback", "", "Größe fehlt")]),
        ("de", [("Ergebnis", "Bestanden", "Nicht bestanden"), ("Zusatzpunkte", "3", "2"), ("Rückmeldung", "", "Größe fehlt")]),
    ],
)  # fmt: skip
def test_what_a_table_changes_is_said_in_words_not_in_names_of_columns(
    world: World, language: str, said: list[tuple[str, str, str]]
) -> None:
    (project,) = make_teams(world, 1)
    assess(project=project, outcome="passed", extra_points=Decimal(3), feedback="", by=world.staff, now=NOW)
    row = {"project": str(project.pk), "outcome": "failed", "extra_points": "2", "feedback": "Größe fehlt"}
    resource = ResultResource(course=world.course, by=world.staff, now=NOW)
    content = f"{','.join([*row, 'version'])}\n{','.join([*row.values(), version_of(Assessment.objects.get())])}\n"
    with translation.override(language):
        plan = resource.run(Upload(content.encode(), "t.csv"), dry_run=True)
    assert [list(line.changes) for line in plan.lines] == [said]


def rows_sent(desk: Client, *teams: Project) -> list[dict[str, str]]:
    sent = run(desk, "to_csv", list(teams))
    table = list(csv.reader(io.StringIO(sent.content.decode("utf-8-sig"))))
    return [dict(zip(table[0], row, strict=True)) for row in table[1:]]


def test_results_name_the_members_who_differ(world: World, desk: Client) -> None:
    first, second = make_teams(world, 2)
    decided(world, second)
    member = first.memberships.get().enrolment
    differs = {member.pk: Override(outcome="failed", reason="Did nothing.")}
    assess(
        project=first,
        outcome="passed",
        extra_points=Decimal(3),
        feedback="",
        by=world.staff,
        now=NOW,
        overrides=differs,
    )
    rows = rows_sent(desk, first, second)
    assert [row["differing_members"] for row in rows] == [f"{member.user}: failed, 0", ""]
    assert {row["task_points"] for row in rows} == {""}


def test_results_of_a_sheet_have_its_points_and_no_extra_points(world: World, desk: Client) -> None:
    sheet = Assignment.objects.create(
        course=world.course, kind="sheet", title="Sheet 1", position=5, topics_given="", grading="points",
        max_points=Decimal(20), teaming="kept", team_max=2, hand_in="paper", due_at=NOW,
    )  # fmt: skip
    person, other = world.another(), world.another()
    team = team_for_points(enrolment=person, assignment=sheet, now=NOW)
    Membership.objects.create(project=team, assignment=sheet, enrolment=other, joined_at=NOW)
    own = {other.pk: {None: Given(Decimal(4))}}
    give_points(project=team, given={None: Given(Decimal("13.75"))}, members=own, by=world.staff, now=NOW)
    (row,) = rows_sent(desk, team)
    assert (row["outcome"], row["extra_points"], Decimal(row["task_points"])) == ("passed", "", Decimal("13.75"))
    assert row["differing_members"] == f"{other.user}: failed, 4"
    listed = desk.get(f"{reverse('admin:projects_project_changelist')}?assignment={sheet.pk}").content.decode()
    assert "Passed · 13.75 of 20 *" in listed


def test_a_wrong_row_is_named_and_left_out_alone(world: World, desk: Client) -> None:
    first, second, third = make_teams(world, 3)
    decided(world, third)
    header: list[object] = ["project", "outcome", "extra_points", "version"]
    rows: list[list[object]] = [
        header, [first.pk, "passed", "2", ""], [second.pk, "passed", "0.3", ""], [999999, "passed", "1", ""],
        [third.pk, "failed", "0", ""], [first.pk, "failed", "0", ""], [second.pk, "maybe", "0", ""],
    ]  # fmt: skip
    address = reverse("admin:projects_project_import")
    shown = send(desk, "admin:projects_project_import", world.course.pk, table(rows))
    refused = problems(shown)
    assert [number for number, _text in refused] == [3, 4, 5, 6, 7]
    texts = [text for _number, text in refused]
    assert "half points" in texts[0]
    assert "There is no project '999999'" in texts[1]
    assert "changed this decision meanwhile" in texts[2]
    assert texts[3] == "Line 2 speaks of the same already."
    assert "'maybe' is no outcome" in texts[4]
    assert list(Assessment.objects.values_list("project", flat=True)) == [third.pk]
    assert agree(desk, address, shown, course=world.course.pk).status_code == 302
    assert dict(Assessment.objects.values_list("project", "outcome")) == {first.pk: "passed", third.pk: "passed"}
    lacking = desk.post(
        reverse("admin:projects_project_import"), {"course": world.course.pk, "file": table([["project"], [1]])}
    )
    assert [str(problem) for problem in lacking.context["preview"]["plan"].problems] == [
        f"Line 1: no column is named '{name}'. The first line must name the columns; found: project."
        for name in ("outcome", "extra points", "version")
    ]


def test_another_courses_projects_are_unknown(world: World) -> None:
    (team,) = make_teams(world, 1)
    client = world.cast.client("foreign lecturer")
    file = table([["project", "outcome", "extra_points", "version"], [team.pk, "failed", "0", ""]])
    assert problems(send(client, "admin:projects_project_import", world.cast.other_course.pk, file))
    refused = client.post(reverse("admin:projects_project_import"), {"course": world.course.pk, "file": packed()})
    assert "course" in refused.context["form"].errors
    assert not Assessment.objects.exists()


def test_topics_come_in_by_track_and_title(world: World, desk: Client) -> None:
    (team,) = make_teams(world, 1)
    world.project()
    world.project(world.other)
    rows: list[list[object]] = [
        ["track", "title", "slots", "skills", "open"],
        ["Apache SystemDS", "Sparse kernels", 1, "C++; CUDA", "yes"],
        ["DAPHNE", "New one", 2, "", "no"],
    ]
    refused = problems(send(desk, "admin:projects_topic_upload_topics", world.course.pk, table(rows)))
    assert refused == [(2, "More teams than that have the topic. A slot that was given stays given.")]
    assert not Topic.objects.filter(title="New one").exists()
    rows[1][2] = 3
    assert send(desk, "admin:projects_topic_upload_topics", world.course.pk, table(rows)).status_code == 302
    world.topic.refresh_from_db()
    assert (world.topic.slots, world.topic.skills, world.topic.team_min) == (3, ["C++", "CUDA"], 2)
    assert Topic.objects.get(title="New one").is_open is False
    out = desk.post(
        reverse("admin:projects_topic_changelist"),
        {"action": "to_csv", "_selected_action": [world.topic.pk, team.topic_id]},
    )
    again = send(desk, "admin:projects_topic_upload_topics", world.course.pk, SimpleUploadedFile("t.csv", out.content))
    assert (again.context["preview"]["plan"].unchanged, again.context["preview"]["plan"].can_be_done) == (2, False)
    assert b"Sparse kernels" in out.content


def test_earlier_passes_by_number_or_address(world: World, desk: Client) -> None:
    user = world.student.user
    user.matriculation_number = "4711"
    user.save()
    rows: list[list[object]] = [
        ["matriculation_number", "email", "term", "extra_points"],
        ["4711", "", "SS2023", "2.5"],
        ["", world.other.user.email.upper(), "WS2022/23", ""],
        ["1", "", "SS2023", ""],
    ]
    refused = problems(send(desk, "admin:projects_earlierpass_upload_passes", world.course.pk, table(rows)))
    assert refused == [(4, "Nobody in this course has '1'.")]
    assert not EarlierPass.objects.exists()
    send(desk, "admin:projects_earlierpass_upload_passes", world.course.pk, table(rows[:3]))
    assert dict(EarlierPass.objects.values_list("enrolment", "extra_points")) == {
        world.student.pk: Decimal("2.5"), world.other.pk: Decimal(0),
    }  # fmt: skip


def test_what_is_no_table_is_refused_in_words(world: World, desk: Client) -> None:
    for content in (b"", b"\x00\x01\x02", b"PK\x03\x04broken"):
        answer = desk.post(
            reverse("admin:projects_project_import"),
            {"course": world.course.pk, "file": SimpleUploadedFile("x.xlsx", content)},
        )
        assert answer.status_code == 422
        assert answer.context["form"].errors


def test_deadline_extension_is_in_the_list_after_it(world: World, desk: Client) -> None:
    (team,) = make_teams(world, 1)
    see_and_do(desk, "extend_all", [team], until="2024-07-12T23:59", reason="Outage")
    assert Extension.objects.get().due_at == DEADLINE + timedelta(days=4)
    assert "extended" in desk.get(list_url()).content.decode()
    assert desk.get(assess_url(team)).context["view"].is_extended


def test_a_correction_that_names_somebody_of_another_team_is_refused(world: World, desk: Client) -> None:
    passing, other = make_teams(world, 2)
    first, second = (team.memberships.get().enrolment for team in (passing, other))
    verify_number(enrolment=first, number="0500001")
    header: list[object] = ["project", "outcome", "extra_points", "version", "Matrikelnummer", "E-Mail", "Name"]
    rows: list[list[object]] = [
        [passing.pk, "passed", "1", "", "500001", "", ""],
        # Sorted apart from the numbers of the projects.
        [other.pk, "failed", "0", "", "500001", "", ""],
    ]
    shown = send(desk, "admin:projects_project_import", world.course.pk, table([header, *rows]))
    assert problems(shown) == [(3, f"{first.user} is not in the team of project {other.pk}.")]
    rows[1][4:] = ["500001", second.user.email, ""]
    ((_line, said),) = problems(send(desk, "admin:projects_project_import", world.course.pk, table([header, *rows])))
    # Number and address are two people's.
    assert str(first.user) in said
    rows[1][4:] = ["", second.user.email, str(second.user)]
    done = send(desk, "admin:projects_project_import", world.course.pk, table([header, *rows]))
    assert done.status_code == 302
    assert dict(Assessment.objects.values_list("project", "outcome")) == {passing.pk: "passed", other.pk: "failed"}


def late_teams(world: World, count: int) -> tuple[list[Project], list[Submission]]:
    """Teams of one whose only attempt came two hours after the deadline."""
    topic = TopicFactory.create(course=world.course, slots=count)
    teams = [register_project(enrolment=world.another(), topic=topic, now=NOW) for _each in range(count)]
    at = DEADLINE + timedelta(hours=2)
    rows = [
        Submission.objects.create(
            project=project, submitted_by=project.memberships.get().enrolment, attempt=1, began_at=at, received_at=at,
            repository_url="https://example.org/r", commit="abcdef1",
        )
        for project in teams
    ]  # fmt: skip
    return teams, rows


def test_late_hand_ins_are_accepted_together_after_showing_which(world: World, desk: Client) -> None:
    teams, late = late_teams(world, 3)
    sent = {"action": "accept_late_ones", "_selected_action": "0", "select_across": "1"}
    page = desk.post(list_url("needs=late"), sent)
    said = page.content.decode()
    assert [f"#{project.pk} " in said for project in teams] == [True, True, True]
    assert not Submission.objects.filter(accepted_at__isnull=False).exists()
    agree_to(desk, list_url("needs=late"), sent, page)
    assert not Submission.objects.filter(accepted_at__isnull=False).exists()
    do_held()
    assert Submission.objects.filter(pk__in=[row.pk for row in late], accepted_at__isnull=False).count() == 3
    assert Notice.objects.filter(kind="projects.late-accepted").count() == 3


def test_accepting_extending_and_publishing_take_as_many_queries_for_many_as_for_two(world: World) -> None:
    def counts(count: int) -> list[int]:
        teams, rows = late_teams(world, count)
        for project in teams:
            decided(world, project)
        acts: list[Callable[[], object]] = [
            lambda: accept_late_attempts(submissions=rows, by=world.staff, now=NOW),
            lambda: extend(projects=teams, by=world.staff, reason="Ill", delta=timedelta(days=9), now=NOW),
            lambda: publish_assessments(projects=teams, now=NOW),
        ]
        numbers = []
        for act in acts:
            with CaptureQueriesContext(connection) as queries:
                act()
            numbers.append(len(queries))
        return numbers

    assert counts(2) == counts(6)


def test_splitting_begins_with_all_of_the_staff(world: World, desk: Client) -> None:
    make_teams(world, 2)
    Project.objects.update(assessor=None)
    sent = {"action": "split", "_selected_action": "0", "select_across": "1"}
    page = desk.post(list_url("assessor=none&needs=ungraded"), sent).content.decode()
    assert 'name="_agreed"' in page
    assert page.count(" checked") == page.count('name="assessors"') > 0
    assert not Project.objects.filter(assessor__isnull=False).exists()


def test_publishing_names_the_members_the_decision_and_the_points_first(world: World, desk: Client) -> None:
    project = make_teams(world, 1)[0]
    decided(world, project)
    page = run(desk, "publish", [project]).content.decode()
    names = ", ".join(str(row.enrolment.user) for row in project.memberships.order_by("joined_at", "pk"))
    assert f"#{project.pk} {names}: Passed · 2" in page
