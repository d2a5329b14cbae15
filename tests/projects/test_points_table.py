"""Points of a paper sheet as a table: by hand and from a file, row by row, saved once and taken back."""

import uuid
from datetime import timedelta
from decimal import Decimal

import pytest
from bs4 import BeautifulSoup
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.forms.models import model_to_dict
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from amls.core import clock
from amls.core.markdown import plain_text
from amls.core.preview import SEAL
from amls.courses.models import Enrolment
from amls.files.models import TableImport
from amls.files.tables.imports import undo_import
from amls.files.tables.plan import Plan
from amls.files.tables.table import Upload
from amls.grading.tasks import TaskWish
from amls.held.models import HeldAct
from amls.held.services import HOLD, apply_next
from amls.mail.letters import letter_kinds
from amls.mail.models import Notice
from projects.models import Assessment, Assignment, Membership, Outcome, Project, TaskPoints
from projects.pointrows import points_rows
from projects.services.assessing import Override, assess, note_for_staff, publish_assessments
from projects.services.excuses import excuse
from projects.services.handin import hand_in
from projects.services.joining import team_for
from projects.services.pointfile import import_task_points
from projects.services.points import give_points, set_tasks, team_for_points
from projects.services.pointtable import RowWish, enter_table
from projects.services.teamsheets import Given
from tests.exams.people import make_students
from tests.factories import EnrolmentFactory, UserFactory
from tests.projects.conftest import NOW, World
from tests.projects.teams import assess_url

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("one_factor")]
D = Decimal
NAMES = ("Łukasz Żółć", "Ștefan Șahin", "山田太郎", "Jürgen Größe")


@pytest.fixture
def sheet(world: World) -> Assignment:
    return Assignment.objects.create(
        course=world.course, kind="sheet", title="Blatt 4", position=4, topics_given="", grading="points", max_points=D(20),
        teaming="alone", hand_in="paper", due_at=NOW - timedelta(days=1),
    )  # fmt: skip


@pytest.fixture
def tasks(world: World, sheet: Assignment) -> list[int]:
    wishes = [TaskWish("Induktion", D("7.5")), TaskWish("Größe von Graphen", D("12.5"))]
    set_tasks(assignment=sheet, tasks=wishes, by=world.staff, now=NOW)
    sheet.refresh_from_db()
    return list(sheet.tasks.values_list("pk", flat=True))


@pytest.fixture
def people(world: World) -> list[Enrolment]:
    users = [UserFactory.create(display_name=name, email=f"p{number}@example.org") for number, name in enumerate(NAMES)]
    return [
        EnrolmentFactory.create(course=world.course, user=user, verified_number=f"04711{number}")
        for number, user in enumerate(users)
    ]


def address(sheet: Assignment, name: str = "points") -> str:
    return reverse(f"projects:{name}", args=[sheet.course.slug, sheet.pk])


def given(enrolment: Enrolment, sheet: Assignment) -> list[Decimal]:
    rows = TaskPoints.objects.filter(
        assessment__project__memberships__enrolment=enrolment, assessment__project__assignment=sheet
    )
    return list(rows.order_by("task__position").values_list("points", flat=True))


def test_one_save_gives_points_to_everyone_and_again_changes_nothing(
    world: World, sheet: Assignment, tasks: list[int], people: list[Enrolment]
) -> None:
    first = tasks[0]
    typed = {f"p{person.pk}-{task}": "3,25" for person in people for task in tasks}
    client = world.cast.client("assistant")
    assert client.post(address(sheet), typed).status_code == 302
    assert [given(person, sheet) for person in people] == [[D("3.25"), D("3.25")]] * 4
    before = list(Assessment.objects.order_by("pk").values())
    again = {
        f"t{Project.objects.get(memberships__enrolment=person, assignment=sheet).pk}-{first}": "3.25"
        for person in people
    }
    assert client.post(address(sheet), again).status_code == 302
    assert list(Assessment.objects.order_by("pk").values()) == before
    assert TableImport.objects.count() == 1
    # The same request twice, as from a browser that was impatient: the rows are teams by now.
    assert client.post(address(sheet), typed).status_code == 302
    assert list(Assessment.objects.order_by("pk").values()) == before


def test_a_bad_row_stops_itself_alone(
    world: World, sheet: Assignment, tasks: list[int], people: list[Enrolment]
) -> None:
    first, second = tasks
    typed = {f"p{person.pk}-{first}": "7" for person in people}
    typed |= {f"p{people[1].pk}-{second}": "13", f"p{people[2].pk}-{first}": "viel", f"p{people[3].pk}-{first}": "1,3"}
    answer = world.cast.client("assistant").post(address(sheet), typed)
    assert answer.status_code == 422
    assert [given(person, sheet) for person in people] == [[D(7)], [], [], []]
    shown = answer.content.decode()
    assert 'value="viel"' in shown
    assert 'value="13"' in shown
    for person, task in ((people[1], second), (people[2], first), (people[3], first)):
        assert f'id="p{person.pk}-{task}-problem"' in shown
        assert f'href="#p{person.pk}-{task}"' in shown
    assert "3 rows" in shown


def test_whoever_decided_meanwhile_is_not_overwritten(world: World, sheet: Assignment, people: list[Enrolment]) -> None:
    team = team_for_points(enrolment=people[0], assignment=sheet, now=NOW)
    give_points(project=team, given={None: Given(D(5))}, by=world.cast.lecturer.user, now=NOW)
    typed = {f"t{team.pk}-sum": "6", f"t{team.pk}-seen": "", f"p{people[1].pk}-sum": "8"}
    answer = world.cast.client("assistant").post(address(sheet), typed)
    assert answer.status_code == 422
    assert (given(people[0], sheet), given(people[1], sheet)) == ([D(5)], [D(8)])
    assert str(world.cast.lecturer.user) in answer.content.decode()


def test_a_row_that_nobody_touched_is_left_as_a_colleague_changed_it(
    world: World, sheet: Assignment, people: list[Enrolment]
) -> None:
    team = team_for_points(enrolment=people[0], assignment=sheet, now=NOW)
    give_points(project=team, given={None: Given(D("3.5"))}, by=world.staff, now=NOW)
    client = world.cast.client("assistant")
    fields = BeautifulSoup(client.get(address(sheet)).text, "html.parser").select("form input[name]:not([type=file])")
    sent = {str(field["name"]): str(field.get("value", "")) for field in fields if "csrf" not in str(field["name"])}
    give_points(project=team, given={None: Given(D(5))}, by=world.cast.lecturer.user, now=NOW)
    assert client.post(address(sheet), {**sent, f"p{people[1].pk}-sum": "8"}).status_code == 302
    assert (given(people[0], sheet), given(people[1], sheet)) == ([D(5)], [D(8)])


def test_a_row_that_comes_back_for_a_wrong_number_has_seen_nothing_new(
    world: World, sheet: Assignment, people: list[Enrolment]
) -> None:
    team = team_for_points(enrolment=people[0], assignment=sheet, now=NOW)
    typed = {f"t{team.pk}-sum": "viel", f"t{team.pk}-seen": "", f"t{team.pk}-shown": ""}
    give_points(project=team, given={None: Given(D(5))}, by=world.cast.lecturer.user, now=NOW)
    client = world.cast.client("assistant")
    for text in ("viel", "6"):
        answer = client.post(address(sheet), {**typed, f"t{team.pk}-sum": text})
        shown = BeautifulSoup(answer.text, "html.parser").select(f"input[name^=t{team.pk}-]")
        typed = {str(field["name"]): str(field.get("value", "")) for field in shown}
        assert (answer.status_code, given(people[0], sheet)) == (422, [D(5)])
    assert str(world.cast.lecturer.user) in answer.text
    # Now it was said, and whoever saves again means it.
    assert client.post(address(sheet), typed).status_code == 302
    assert given(people[0], sheet) == [D(6)]


def test_who_typed_before_the_team_was_there_is_told_of_other_points(
    world: World, sheet: Assignment, people: list[Enrolment]
) -> None:
    key, client = f"p{people[0].pk}", world.cast.client("assistant")
    assert client.post(address(sheet), {f"{key}-sum": "5", f"{key}-seen": ""}).status_code == 302
    answer = client.post(address(sheet), {f"{key}-sum": "6", f"{key}-seen": ""})
    assert (answer.status_code, given(people[0], sheet)) == (422, [D(5)])
    assert 'value="6"' in answer.content.decode()


def test_comments_of_single_tasks_stay(
    world: World, sheet: Assignment, tasks: list[int], people: list[Enrolment]
) -> None:
    team = team_for_points(enrolment=people[0], assignment=sheet, now=NOW)
    give_points(project=team, given={tasks[0]: Given(D(5), "Induktionsanfang fehlt")}, by=world.staff, now=NOW)
    enter_table(assignment=sheet, wishes={f"t{team.pk}": RowWish({tasks[0]: D(6)})}, by=world.staff, now=NOW)
    assert TaskPoints.objects.get().comment == "Induktionsanfang fehlt"


def test_published_points_change_with_a_reason_only(world: World, sheet: Assignment, people: list[Enrolment]) -> None:
    team = team_for_points(enrolment=people[0], assignment=sheet, now=NOW)
    give_points(project=team, given={None: Given(D(5))}, by=world.staff, now=NOW)
    publish_assessments(projects=[team], now=NOW)
    name = f"t{team.pk}-sum"
    client = world.cast.client("assistant")
    assert client.post(address(sheet), {name: "6"}).status_code == 422
    assert given(people[0], sheet) == [D(5)]
    assert client.post(address(sheet), {name: "6", "reason": "Rückseite übersehen"}).status_code == 302
    assert (given(people[0], sheet), Assessment.objects.get().correction) == ([D(6)], "Rückseite übersehen")


def test_saving_is_undone_as_an_import_is(world: World, sheet: Assignment, people: list[Enrolment]) -> None:
    wishes = {f"p{person.pk}": RowWish({None: D(4)}) for person in people[:2]}
    enter_table(assignment=sheet, wishes=wishes, by=world.staff, now=NOW)
    changed = Project.objects.get(memberships__enrolment=people[1], assignment=sheet)
    give_points(project=changed, given={None: Given(D(9))}, by=world.staff, now=NOW)
    undone = undo_import(table_import=TableImport.objects.get(), by=world.staff, now=NOW)
    assert (undone.done, [label for label, _why in undone.problems]) == (1, [NAMES[1]])
    assert (given(people[0], sheet), given(people[1], sheet)) == ([], [D(9)])


def test_a_team_that_points_made_goes_with_them_unless_something_hangs_on_it(
    world: World, sheet: Assignment, people: list[Enrolment]
) -> None:
    wishes = {f"p{person.pk}": RowWish({None: D(4)}) for person in people}
    enter_table(assignment=sheet, wishes=wishes, by=world.staff, now=NOW)
    noted, joined, standing = (team_of(person, sheet) for person in people[1:])
    note_for_staff(project=noted, text="War krank", by=world.staff, now=NOW)
    Membership.objects.create(project=joined, assignment=sheet, enrolment=world.other, joined_at=clock.now())
    first = TableImport.objects.get()
    enter_table(assignment=sheet, wishes={f"t{standing.pk}": RowWish({None: D(5)})}, by=world.staff, now=NOW)
    # What is taken back is points alone, where the team was there before.
    assert undo_import(table_import=TableImport.objects.latest("pk"), by=world.staff, now=NOW).done == 1
    assert given(people[3], sheet) == [D(4)]
    assert undo_import(table_import=first, by=world.staff, now=NOW).done == 4
    assert set(Project.objects.filter(assignment=sheet)) == {noted, joined}
    assert not TaskPoints.objects.filter(assessment__project__assignment=sheet).exists()


def test_points_before_the_hand_in_part_nobody_from_their_team(
    world: World, sheet: Assignment, people: list[Enrolment]
) -> None:
    Assignment.objects.filter(pk=sheet.pk).update(teaming="kept", team_max=3, hand_in="files")
    sheet.refresh_from_db()
    values = {**model_to_dict(sheet, exclude=["id", "course"]), "course": sheet.course, "position": sheet.position + 1}
    team = team_for_points(enrolment=people[0], assignment=sheet, now=NOW)
    for mate in people[1:3]:
        Membership.objects.create(project=team, assignment=sheet, enrolment=mate, joined_at=NOW)
    following = Assignment.objects.create(**{**values, "title": "Blatt 5", "due_at": NOW + timedelta(days=7)})
    wishes = {f"p{person.pk}": RowWish({None: D(4)}) for person in (people[0], people[3])}
    entered = enter_table(assignment=following, wishes=wishes, by=world.staff, now=NOW)
    assert list(entered.problems) == [f"p{people[0].pk}"]
    assert f"hands in together with {NAMES[1]}, {NAMES[2]}" in entered.problems[f"p{people[0].pk}"]
    assert [given(person, following) for person in people] == [[], [], [], [D(4)]]
    # The team hands in as it is; afterwards whoever is in none yet may have points alone.
    handed_in = team_for(enrolment=people[1], assignment=following, now=NOW)
    assert {row.enrolment for row in handed_in.memberships.all()} == set(people[:3])
    Membership.objects.filter(project=handed_in).delete()
    late = NOW + timedelta(days=30)
    alone = {f"p{people[0].pk}": RowWish({None: D(4)})}
    assert not enter_table(assignment=following, wishes=alone, by=world.staff, now=late).problems
    assert given(people[0], following) == [D(4)]


def test_complete_drafts_are_published_after_they_were_shown(
    world: World, sheet: Assignment, tasks: list[int], people: list[Enrolment]
) -> None:
    client = world.cast.client("assistant")
    half = {f"p{people[0].pk}-{tasks[0]}": "1"}
    whole = {f"p{people[1].pk}-{task}": "2" for task in tasks}
    shown = client.post(address(sheet), {**half, **whole, "publish": "1"})
    assert shown.status_code == 200
    assert Assessment.objects.filter(published_at__isnull=False).count() == 0
    assert client.post(address(sheet), {"_agreed": "1", SEAL: "another"}).status_code == 200
    assert Assessment.objects.filter(published_at__isnull=False).count() == 0
    assert client.post(address(sheet), {"_agreed": "1", SEAL: shown.context["preview"].seal}).status_code == 302
    assert Assessment.objects.filter(published_at__isnull=False).count() == 0, "It is held back."
    assert apply_next(clock.now() + HOLD) == 1
    row = Assessment.objects.get(published_at__isnull=False)
    assert [member.enrolment for member in row.project.memberships.all()] == [people[1]]
    assert list(Notice.objects.filter(kind="projects.result").values_list("recipient", flat=True)) == [
        people[1].user_id
    ]


@pytest.fixture
def asked(world: World, sheet: Assignment, people: list[Enrolment]) -> HeldAct:
    """The points of three people, which the assistant wants published."""
    client = world.cast.client("assistant")
    typed = {f"p{person.pk}-sum": "5" for person in people[:3]}
    shown = client.post(address(sheet), {**typed, "publish": "1"})
    client.post(address(sheet), {"_agreed": "1", SEAL: shown.context["preview"].seal})
    return HeldAct.objects.get()


def team_of(person: Enrolment, sheet: Assignment) -> Project:
    return Project.objects.get(memberships__enrolment=person, assignment=sheet)


def test_what_waits_is_said_with_its_undo_wherever_its_points_are_changed(
    world: World, sheet: Assignment, people: list[Enrolment], asked: HeldAct
) -> None:
    other = Assignment.objects.create(
        course=world.course, kind="sheet", title="Blatt 5", position=5, topics_given="", grading="points", max_points=D(20),
        teaming="alone", hand_in="paper",
    )  # fmt: skip
    beside = team_for_points(enrolment=people[0], assignment=other, now=NOW)
    client, undo = world.cast.client("lecturer"), reverse("held:undo", args=[world.course.slug, asked.pk])
    pages = {
        address(sheet): True,
        assess_url(team_of(people[0], sheet)): True,
        address(other): False,
        assess_url(beside): False,
    }
    assert {page: f'action="{undo}"' in client.get(page).content.decode() for page in pages} == pages
    assert client.get(address(sheet)).context["drafts"] == 0, "They wait already."
    client.post(undo)
    assert undo not in client.get(address(sheet)).content.decode()
    assert client.get(address(sheet)).context["drafts"] == 3


@pytest.mark.parametrize("way", ["table", "page", "file"])
def test_a_change_that_stops_a_publication_says_so_at_once_and_offers_it_again(
    world: World, sheet: Assignment, people: list[Enrolment], asked: HeldAct, way: str
) -> None:
    client, team = world.cast.client("lecturer"), team_of(people[1], sheet)
    if way == "table":
        answer = client.post(address(sheet), {f"t{team.pk}-sum": "6"})
    elif way == "page":
        seen = client.get(assess_url(team)).context["seen"]
        answer = client.post(assess_url(team), {"task_sum": "6", "seen": seen, "save": "1"}, follow=True)
    else:
        file = SimpleUploadedFile("punkte.csv", b"E-Mail;Punkte\np1@example.org;6\n")
        preview = client.post(address(sheet, "points_import"), {"file": file}).context["preview"]
        agreed = {"_agreed": "1", SEAL: preview["seal"], "kept": preview["kept"]}
        answer = client.post(address(sheet, "points_import"), agreed, follow=True)
    assert given(people[1], sheet) == [D(6)]
    said = [str(message) for message in answer.context["messages"]]
    assert any(f"does not, since this changed: Blatt 4: {NAMES[1]}. Publish again." in text for text in said), said
    asked.refresh_from_db()
    assert asked.state == "refused"
    notice = Notice.objects.get(kind="held.refused")
    letter = letter_kinds["held.refused"].writer(notice, NOW)
    assert (notice.recipient, letter is not None) == (world.staff, True)
    assert f"Somebody decided anew meanwhile: Blatt 4: {NAMES[1]}." in plain_text(letter.text)
    assert f"#{team.pk}" not in str(letter)
    if way == "table":
        # What it offers, it does.
        assert {row.label for row in answer.context["complete"]} == set(NAMES[:3])
        client.post(address(sheet), {"_agreed": "1", SEAL: answer.context["preview"].seal})
        assert apply_next(clock.now() + HOLD) == 1
        assert Assessment.objects.filter(published_at__isnull=False).count() == 3


def test_who_stops_their_own_publication_gets_no_mail_of_it_and_what_is_unchanged_goes_on(
    world: World, sheet: Assignment, people: list[Enrolment], asked: HeldAct
) -> None:
    client = world.cast.client("assistant")
    client.post(address(sheet), {f"p{people[3].pk}-sum": "7"})
    asked.refresh_from_db()
    assert asked.state == "waiting", "It is not about this person."
    client.post(address(sheet), {f"t{team_of(people[0], sheet).pk}-sum": "7"})
    asked.refresh_from_db()
    assert asked.state == "refused"
    assert not Notice.objects.filter(kind="held.refused").exists()


def test_what_changed_unnoticed_is_replaced_by_what_is_asked_for_again(
    world: World, sheet: Assignment, people: list[Enrolment], asked: HeldAct
) -> None:
    give_points(project=team_of(people[0], sheet), given={None: Given(D(9))}, by=world.staff, now=clock.now())
    client = world.cast.client("assistant")
    shown = client.post(address(sheet), {"publish": "1"})
    client.post(address(sheet), {"_agreed": "1", SEAL: shown.context["preview"].seal})
    act = HeldAct.objects.get()
    assert (act.pk, act.state, act.references != asked.references) == (asked.pk, "waiting", True)
    assert apply_next(clock.now() + HOLD) == 1
    assert Assessment.objects.filter(published_at__isnull=False).count() == 3


def test_a_filled_table_comes_back_by_number_or_address(
    world: World, sheet: Assignment, tasks: list[int], people: list[Enrolment]
) -> None:
    rows = [
        "Matrikelnummer;Nachname, Vorname;Induktion (max. 7,5);Größe von Graphen",
        "47110;Żółć, Łukasz;7,5;12,25",
        "047111;Șahin, Ștefan;;-",
        "047112;山田太郎;3;13",
        "999999;Niemand, Niemals;1;1",
        "047113;Größe, Jürgen;0;0",
    ]
    content = "\r\n".join(rows).encode("utf-8-sig")
    kept = {"assignment": sheet, "upload": Upload(content, "blatt4.csv"), "by": world.staff, "now": NOW}
    plan = import_task_points(**kept, dry_run=True)
    assert not TaskPoints.objects.exists()
    assert not Membership.objects.filter(assignment=sheet).exists()
    assert [line.subject for line in plan.lines] == [NAMES[0], NAMES[3]]
    assert [problem.line for problem in plan.problems] == [4, 5]
    # Whose line is wrong, or says nothing, stands in the file all the same.
    assert not set(NAMES) & set(plan.left)
    other_name = Upload("\n".join([rows[0], "47110;Niemand, Niemals;1;1"]).encode(), "blatt4.csv")
    refused = import_task_points(**{**kept, "upload": other_name}, dry_run=True)
    assert ([problem.line for problem in refused.problems], NAMES[0] in refused.left) == ([2], False)
    assert set(NAMES[1:]) < set(refused.left)
    import_task_points(**kept, dry_run=False, expected=plan.seal)
    assert [given(person, sheet) for person in people] == [[D("7.5"), D("12.25")], [], [], [D(0), D(0)]]
    again = import_task_points(**kept, dry_run=True)
    assert (again.lines, again.unchanged) == ([], 2)


def pair(sheet: Assignment, people: list[Enrolment]) -> Project:
    """A team of the first two."""
    Assignment.objects.filter(pk=sheet.pk).update(teaming="kept", team_max=2)
    sheet.refresh_from_db()
    team = team_for_points(enrolment=people[0], assignment=sheet, now=NOW)
    Membership.objects.create(project=team, assignment=sheet, enrolment=people[1], joined_at=NOW)
    return team


def test_lines_of_a_team_agree_or_none_of_them_is_read(
    world: World, sheet: Assignment, people: list[Enrolment]
) -> None:
    team = pair(sheet, people)
    kept = {"assignment": sheet, "by": world.staff, "now": NOW, "dry_run": True}
    alike = import_task_points(upload=Upload(b"e-mail,points\np0@example.org,5\np1@example.org,5\n"), **kept)
    assert (len(alike.lines), list(alike.problems)) == (1, [])
    give_points(project=team, given={None: Given(D(5))}, by=world.staff, now=NOW)
    # One of them as before, the other not, whichever comes first; and the others of the file all the same.
    for rows in ("p0@example.org,2\np1@example.org,5", "p0@example.org,5\np1@example.org,2"):
        other = import_task_points(upload=Upload(f"e-mail,points\n{rows}\np2@example.org,7\n".encode()), **kept)
        assert [problem.line for problem in other.problems] == [2, 3]
        assert "Nothing of this team is imported" in str(other.problems[0])
        assert [line.subject for line in other.lines] == [NAMES[2]]


def test_what_a_member_has_alone_is_in_the_table_and_its_file_and_comes_back_as_it_is(
    world: World, sheet: Assignment, tasks: list[int], people: list[Enrolment]
) -> None:
    team = pair(sheet, people)
    first, second = tasks
    own = {people[1].pk: {second: Given(D(5))}}
    give_points(project=team, given={first: Given(D(4)), second: Given(D("8.5"))}, members=own, by=world.staff, now=NOW)
    client = world.cast.client("assistant")
    page = client.get(address(sheet)).content.decode()
    assert f"Differs: {NAMES[1]}: 9<" in " ".join(page.split())
    table = client.get(f"{address(sheet)}?format=csv").content.decode("utf-8-sig").replace(";", ",")
    assert f"{NAMES[0]},4.00,8.50" in table
    assert f"{NAMES[1]},4.00,5.00" in table
    kept = {"assignment": sheet, "by": world.staff, "now": NOW, "dry_run": True}

    def plan(said: str) -> Plan:
        return import_task_points(upload=Upload(said.encode()), **kept)

    again = plan(table)
    assert (again.lines, list(again.problems), again.unchanged) == ([], [], 1)
    # What all have with the team is changed for all; what one has alone is left, and that is said.
    whole = plan(table.replace(",4.00,", ",3.00,"))
    assert ([len(line.changes) for line in whole.lines], list(whole.problems)) == ([1], [])
    for said in (table.replace("8.50", "6.00").replace("5.00", "6.00"), table.replace("8.50", "6.00")):
        refused = plan(said)
        assert (refused.lines, len(refused.problems)) == ([], 2)
    assert f"{NAMES[1]} has something of their own" in str(
        plan(table.replace("8.50", "6.00").replace("5.00", "6.00")).problems[0]
    )


def test_who_passed_otherwise_than_the_team_is_in_the_table_and_its_file(
    world: World, ungraded: Assignment, people: list[Enrolment]
) -> None:
    team = pair(ungraded, people)
    differs = {people[1].pk: Override(outcome="failed", reason="Did nothing.")}
    assess(project=team, outcome="passed", extra_points=D(0), feedback="", by=world.staff, now=NOW, overrides=differs)
    client = world.cast.client("assistant")
    assert f"Differs: {NAMES[1]}: Failed" in " ".join(client.get(address(ungraded)).content.decode().split())
    table = client.get(f"{address(ungraded)}?format=csv").content.decode("utf-8-sig").replace(";", ",")
    assert f"{NAMES[1]},Failed" in table
    again = import_task_points(
        assignment=ungraded, upload=Upload(table.encode()), by=world.staff, now=NOW, dry_run=True
    )
    assert (again.lines, list(again.problems), again.unchanged) == ([], [], 1)


def test_the_file_is_shown_and_then_read_by_the_page(world: World, sheet: Assignment, people: list[Enrolment]) -> None:
    client = world.cast.client("assistant")
    sent = client.get(f"{address(sheet)}?format=xlsx")
    assert sent.headers["Content-Disposition"] == f'attachment; filename="{sheet.course.slug}-blatt-4.xlsx"'
    file = SimpleUploadedFile("punkte.csv", "E-Mail;Punkte\np0@example.org;4,5\n".encode("cp1252"))
    asked = client.get(address(sheet, "points_import")).context["form"]["file"].field
    assert asked.required
    assert "Choose a file first." in client.post(address(sheet, "points_import"), {"_show": "1"}).content.decode()
    shown = client.post(address(sheet, "points_import"), {"file": file})
    assert shown.status_code == 200
    assert not shown.context["form"]["file"].field.required, "It is kept, and what was shown can be agreed to."
    preview = shown.context["preview"]
    agreed = {"_agreed": "1", SEAL: preview["seal"], "kept": preview["kept"]}
    assert client.post(address(sheet, "points_import"), agreed).status_code == 302
    assert given(people[0], sheet) == [D("4.5")]


@pytest.mark.parametrize("read_in", ["en", "de"])
def test_the_table_speaks_the_language_of_who_fetches_it_and_is_read_in_each(
    world: World, sheet: Assignment, people: list[Enrolment], read_in: str
) -> None:
    client = world.cast.client("assistant")
    client.cookies["django_language"] = "de"
    table = client.get(f"{address(sheet)}?format=csv").content.decode("utf-8-sig")
    assert table.splitlines()[0] == "Matrikelnummer;E-Mail-Adresse;Name;Punkte"
    client.cookies["django_language"] = read_in
    filled = table.replace(f"p0@example.org;{NAMES[0]};", f"p0@example.org;{NAMES[0]};4,5")
    shown = client.post(address(sheet, "points_import"), {"file": SimpleUploadedFile("t.csv", filled.encode())})
    assert [line.subject for line in shown.context["preview"]["plan"].lines] == [NAMES[0]]


def test_excused_people_and_teams_stand_in_the_table_once(
    world: World, sheet: Assignment, people: list[Enrolment]
) -> None:
    excuse(enrolment=people[2], assignment=sheet, by=world.staff, now=NOW)
    team_for_points(enrolment=people[0], assignment=sheet, now=NOW)
    rows = points_rows(sheet)
    assert sorted(member.pk for row in rows for member in row.members) == sorted(
        Enrolment.objects.students().filter(course=world.course).values_list("pk", flat=True)
    )
    assert [row.members[0] for row in rows if row.excused] == [people[2]]


@pytest.fixture
def ungraded(sheet: Assignment) -> Assignment:
    """A sheet that is passed or failed."""
    Assignment.objects.filter(pk=sheet.pk).update(grading="passed", max_points=None)
    sheet.refresh_from_db()
    return sheet


def outcomes(sheet: Assignment) -> dict[str, str]:
    rows = Assessment.objects.filter(project__assignment=sheet).select_related("project")
    return {str(row.project.memberships.get().enrolment.user): row.outcome for row in rows}


def test_a_sheet_that_is_passed_or_failed_is_entered_published_and_undone_in_one_table(
    world: World, ungraded: Assignment, people: list[Enrolment]
) -> None:
    staff, page = world.cast.client("assistant"), address(ungraded)
    said = ("p", "nicht bestanden", "F", "vielleicht")
    typed = {f"p{person.pk}-sum": word for person, word in zip(people, said, strict=True)}
    answer = staff.post(page, typed)
    assert answer.status_code == 422
    assert "Write &#x27;Passed&#x27; or &#x27;Failed&#x27;, found &#x27;vielleicht&#x27;." in answer.content.decode()
    assert outcomes(ungraded) == {NAMES[0]: "passed", NAMES[1]: "failed", NAMES[2]: "failed"}
    shown = staff.post(page, {"publish": "1"})
    sent = {"_agreed": "1", SEAL: shown.context["preview"].seal}
    assert staff.post(page, sent).status_code == 302
    assert not Notice.objects.filter(kind="projects.result").exists(), "It is held back."
    assert apply_next(clock.now() + HOLD) == 1
    assert Notice.objects.filter(kind="projects.result").count() == 3
    table = staff.get(f"{page}?format=csv").content.decode("utf-8-sig")
    changed = table.replace(f"{NAMES[1]};Failed", f"{NAMES[1]};bestanden").replace(
        f"{NAMES[1]},Failed", f"{NAMES[1]},bestanden"
    )
    assert changed != table
    file = SimpleUploadedFile("testat.csv", changed.encode())
    shown = staff.post(address(ungraded, "points_import"), {"file": file, "reason": "Nachgereicht"})
    assert outcomes(ungraded)[NAMES[1]] == "failed"
    preview = shown.context["preview"]
    assert [line.changes for line in preview["plan"].lines] == [[("result", "Failed", "Passed")]]
    agreed = {"_agreed": "1", SEAL: preview["seal"], "kept": preview["kept"], "reason": "Nachgereicht"}
    assert staff.post(address(ungraded, "points_import"), agreed).status_code == 302
    assert outcomes(ungraded)[NAMES[1]] == "passed"
    undo_import(table_import=TableImport.objects.latest("pk"), by=world.staff, now=NOW)
    assert outcomes(ungraded)[NAMES[1]] == "failed"


@pytest.mark.parametrize("count", [3, 30])
def test_a_long_table_costs_as_many_queries_as_a_short_one(world: World, sheet: Assignment, count: int) -> None:
    listed = make_students(world.course, count, prefix="q")
    first = {f"p{person.pk}": RowWish({None: D(4)}) for person in listed[::3]}
    enter_table(assignment=sheet, wishes=first, by=world.staff, now=NOW)
    publish_assessments(projects=Project.objects.filter(assignment=sheet), now=NOW)
    keys = {row.members[0].pk: row.key for row in points_rows(sheet)}
    # A third is changed with a mail, a third is new, and of a third each is refused.
    wishes = {keys[person.pk]: RowWish({None: D(99 if place % 3 == 2 else 7)}) for place, person in enumerate(listed)}
    with CaptureQueriesContext(connection) as queries:
        entered = enter_table(assignment=sheet, wishes=wishes, by=world.staff, now=NOW, reason="Nachkorrektur")
    assert (len(entered.changes), len(entered.problems)) == (count // 3 * 2, count // 3)
    assert Notice.objects.filter(kind="projects.result-changed").count() == count // 3
    assert Membership.objects.filter(assignment=sheet).count() == count // 3 * 2
    assert len(queries) == 57


@pytest.mark.parametrize("count", [3, 30])
def test_a_long_table_of_who_passed_costs_as_many_queries_as_a_short_one(
    world: World, ungraded: Assignment, count: int
) -> None:
    listed = make_students(world.course, count, prefix="q")
    wishes = {f"p{person.pk}": RowWish({None: Outcome.PASSED}) for person in listed}
    with CaptureQueriesContext(connection) as queries:
        enter_table(assignment=ungraded, wishes=wishes, by=world.staff, now=NOW)
    assert sorted(outcomes(ungraded).values()) == ["passed"] * count
    assert len(queries) == 23


def test_ten_thousand_rows_of_strange_numbers_are_judged_line_by_line(world: World, sheet: Assignment) -> None:
    people = make_students(world.course, 12, prefix="q")
    strange = [
        "4,12E+05",
        "1e309",
        "NaN",
        "-0.25",
        "20.25",
        "3.1",
        "zwölf",
        "½",
        "0x10",
        "=1+1",
        "2024-05-03",
        "9" * 400,
    ]
    rows = [
        f"{person.user.email};7,{quarter}" for person, quarter in zip(people[:4], ("0", "25", "5", "75"), strict=True)
    ]
    rows += [f"{people[place % 12].user.email};{strange[place % 12]}" for place in range(4, 5000)]
    rows += [f"niemand{place}@example.org;{strange[place % 12]}" for place in range(5000)]
    content = "\n".join(["E-Mail;Punkte", *rows]).encode()
    kept = {"assignment": sheet, "upload": Upload(content), "by": world.staff, "now": NOW}
    with CaptureQueriesContext(connection) as queries:
        plan = import_task_points(**kept, dry_run=False)
    assert [(line.line, list(line.changes)) for line in plan.lines] == [
        (2, [("points", "", "7")]), (3, [("points", "", "7.25")]), (4, [("points", "", "7.5")]), (5, [("points", "", "7.75")]),
    ]  # fmt: skip
    assert [problem.line for problem in plan.problems] == list(range(6, 10_002))
    assert all(len(problem.text) < 300 for problem in plan.problems)
    assert Assessment.objects.filter(project__assignment=sheet).count() == 4
    assert len(queries) == 41


def test_rows_are_found_and_filtered_and_stay_so_through_saving(
    world: World, sheet: Assignment, tasks: list[int], people: list[Enrolment]
) -> None:
    Assignment.objects.filter(pk=sheet.pk).update(hand_in="files", due_at=NOW + timedelta(days=1))
    sheet.refresh_from_db()
    client, first = world.cast.client("assistant"), tasks[0]

    def seen(query: str) -> tuple[set[str], dict[str, str]]:
        page = BeautifulSoup(client.get(f"{address(sheet)}?{query}").content, "html.parser")
        names = {
            str(person.user)
            for person in people
            if str(person.user) in " ".join(row.text for row in page.select("tbody th"))
        }
        return names, {
            str(option["value"]): option.text.rpartition("(")[2].rstrip(")") for option in page.select("#show option")
        }

    everyone = {str(person.user) for person in people}
    # With the cast's two students, who are in the course as well.
    assert seen("") == (everyone, {"": "6", "without": "6", "late": "0", "missing": "6"})
    assert seen("q=lukasz")[0] == {NAMES[0]}
    assert seen("q=047112")[0] == {NAMES[2]}
    assert seen("q=groesse&show=missing") == ({NAMES[3]}, {"": "1", "without": "1", "late": "0", "missing": "1"})
    # One row is right, and one isn't: the address stays, and what was typed stands there though it is filtered out.
    team = team_for(enrolment=people[0], assignment=sheet, now=NOW)
    hand_in(
        project=team, by=people[0], repository_url="https://git.example.org/x", commit="abcdef1",
        request_key=uuid.uuid4(), began_at=NOW + timedelta(days=2), now=NOW + timedelta(days=2),
    )  # fmt: skip
    assert seen("show=late")[0] == {NAMES[0]}
    assert seen(f"q=%23{team.pk}")[0] == {NAMES[0]}
    assert seen("show=missing")[0] == everyone - {NAMES[0]}
    query = "?q=lukasz&show=without"
    saved = client.post(f"{address(sheet)}{query}", {f"t{team.pk}-{first}": "7", f"t{team.pk}-{tasks[1]}": "3"})
    assert saved.headers["Location"] == f"{address(sheet)}{query}"
    assert seen("show=without")[0] == everyone - {NAMES[0]}
    assert seen("q=lukasz&show=without")[0] == set()
    bad = client.post(f"{address(sheet)}{query}", {f"t{team.pk}-{first}": "viel", f"t{team.pk}-{tasks[1]}": "3"})
    page = BeautifulSoup(bad.content, "html.parser")
    assert (bad.status_code, page.select_one(f"[name=t{team.pk}-{first}]")["value"]) == (422, "viel")  # type: ignore[index]


def test_what_is_typed_comes_along_when_the_rows_are_filtered(
    world: World, sheet: Assignment, people: list[Enrolment]
) -> None:
    client = world.cast.client("assistant")

    def fields(page: bytes) -> dict[str, str]:
        read = BeautifulSoup(page, "html.parser")
        return {str(row["name"]): str(row.get("value", "")) for row in read.select("#entry input[name]")}

    first, second = (f"p{person.pk}-sum" for person in people[:2])
    sent = fields(client.get(address(sheet)).content) | {first: "7,5", second: "zwei"}
    # Nothing is saved by filtering, nothing judged; what was typed stands first, whatever is asked for.
    answer = client.post(address(sheet), {**sent, "q": "groesse", "show": "", "filter": "1"})
    page = BeautifulSoup(answer.content, "html.parser")
    assert [row.th.get_text(" ", strip=True).partition(" 0")[0] for row in page.select("tbody tr")] == [
        NAMES[1], NAMES[0], NAMES[3],
    ]  # fmt: skip
    kept = fields(answer.content)
    assert (kept[first], kept[second], kept["csrfmiddlewaretoken"] != "") == ("7,5", "zwei", True)
    assert "What you typed into 2 rows is not saved yet." in page.get_text(" ", strip=True)
    (form,) = page.select("#entry")
    assert form["action"] == f"{address(sheet)}?q=groesse"
    assert not TaskPoints.objects.exists()
    # Filtered once more, it still is what its reader has seen, and a colleague's change meanwhile is not overwritten.
    everyone = fields(client.post(address(sheet), {**kept, "filter": "all"}).content)
    assert (everyone[first], everyone[f"p{people[0].pk}-shown"]) == ("7,5", "")
    saved = client.post(f"{address(sheet)}?q=groesse", {**everyone, second: "2"})
    assert (saved.status_code, saved["Location"]) == (302, f"{address(sheet)}?q=groesse")
    assert [given(person, sheet) for person in people[:2]] == [[D("7.5")], [D(2)]]


def test_the_filter_leads_to_an_address_where_nothing_is_typed_and_enter_does_what_its_field_is_for(
    world: World, sheet: Assignment, people: list[Enrolment]
) -> None:
    client, name = world.cast.client("assistant"), f"p{people[0].pk}-sum"
    read = BeautifulSoup(client.get(address(sheet)).content, "html.parser")
    sent = {row["name"]: row.get("value", "") for row in read.select("#entry input[name]")}
    # By Enter the first button is pressed: in the field of words it filters, in one of points it saves.
    for pressed in ({"filter": "1"}, {"enter": "1"}):
        answer = client.post(address(sheet), {**sent, "q": "Größe", "show": "without", **pressed})
        assert answer["Location"] == f"{address(sheet)}?q=Gr%C3%B6%C3%9Fe&show=without"
    answer = client.post(f"{address(sheet)}?q=lukasz", {**sent, "q": "lukasz", name: "3", "enter": "1"})
    assert answer["Location"] == f"{address(sheet)}?q=lukasz"
    assert given(people[0], sheet) == [D(3)]
    for part in ("student", "stranger", "foreign lecturer"):
        assert world.cast.client(part).post(address(sheet), {**sent, "filter": "1"}).status_code == 404
