"""Points for assignments: per task, for the team and for one member, published once, corrected with a reason."""

import random
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from amls.agenda.services import reconcile
from amls.core import clock
from amls.core.preview import without_trace
from amls.core.violations import RuleViolation
from amls.courses.models import Enrolment
from amls.files.tables.imports import undo_import
from amls.grading.facts import facts_of
from amls.grading.tasks import TaskWish
from amls.grading.tree import AllBlock, PassedBlock, PointsBlock
from amls.grading.words import findings_of
from amls.held.services import HOLD, apply_next
from amls.mail.models import Notice
from amls.privacy.registry import everything_about, forget_people_of
from projects.addresses import address_of
from projects.deadlines import Deadlines
from projects.hooks.letters.results import result_changed
from projects.models import Assessment, AssessmentDraft, Assignment, Membership, Project, Task, TaskPoints
from projects.points import score_of
from projects.queries import assignments_of
from projects.services.assessing import publish_assessments, version_of
from projects.services.excuses import end_excuse, excuse
from projects.services.points import give_points, set_tasks, team_for_points
from projects.services.pointtable import RowWish, enter_table
from projects.services.teamsheets import Given
from projects.workrows import read_rows
from projects.works import works_of
from tests.markup import squeeze
from tests.projects.conftest import DEADLINE, NOW, World
from tests.projects.teams import assess_url, make_teams

pytestmark = pytest.mark.django_db
D = Decimal


def make_sheet(world: World, number: int = 1, **values: object) -> Assignment:
    kept = {
        "course": world.course, "kind": "sheet", "title": f"Blatt {number}", "position": number, "topics_given": "",
        "grading": "points", "max_points": D(20), "teaming": "alone", "hand_in": "paper", "due_at": NOW + timedelta(days=7 * number),
    }  # fmt: skip
    return Assignment.objects.create(**{**kept, **values})


@pytest.fixture
def sheet(world: World) -> Assignment:
    return make_sheet(world)


def with_tasks(sheet: Assignment, world: World, *most: str) -> list[int]:
    wishes = [TaskWish(f"Aufgabe {number}", D(text)) for number, text in enumerate(most, 1)]
    set_tasks(assignment=sheet, tasks=wishes, by=world.staff, now=NOW)
    sheet.refresh_from_db()
    return list(sheet.tasks.values_list("pk", flat=True))


def of(world: World, sheet: Assignment, enrolment: Enrolment | None = None) -> Project:
    return team_for_points(enrolment=enrolment or world.student, assignment=sheet, now=NOW)


def joined(world: World, project: Project, enrolment: Enrolment) -> None:
    Membership.objects.create(project=project, assignment=project.assignment, enrolment=enrolment, joined_at=NOW)


def state_of(
    world: World, sheet: Assignment, enrolment: Enrolment | None = None, *, later: int = 0
) -> tuple[str, object]:
    person = enrolment or world.student
    work = works_of(assignments_of(world.course), [person], now=NOW + timedelta(days=later))[person.pk][sheet.pk]
    return work.state.value, work.points


def test_points_per_task_add_up_and_are_a_draft_until_they_are_published(world: World, sheet: Assignment) -> None:
    first, second = with_tasks(sheet, world, "7.5", "12.5")
    assert sheet.max_points == D(20)
    team = of(world, sheet)
    row = give_points(project=team, given={first: Given(D("3.25"), "Induktion fehlt")}, by=world.staff, now=NOW)
    assert (row.outcome, score_of(row, sheet).is_complete) == ("", False)
    give_points(project=team, given={second: Given(D("6.75"))}, by=world.staff, now=NOW)
    row = Assessment.objects.get()
    score = score_of(row, sheet)
    assert (score.points, score.most, row.outcome) == (D(10), D(20), "passed")
    assert [(task.most, task.points, task.comment) for task in score.tasks] == [
        (D("7.5"), D("3.25"), "Induktion fehlt"), (D("12.5"), D("6.75"), ""),
    ]  # fmt: skip
    # A draft tells nothing before it is published, but that what is over may still bring points.
    assert (state_of(world, sheet)[0], state_of(world, sheet, later=30)[0]) == ("open", "waiting")
    assert [published.pk for published in publish_assessments(projects=[team], now=NOW)] == [row.pk]
    assert state_of(world, sheet) == ("graded", D(10))


def test_a_member_has_what_differs_and_the_team_the_rest(world: World, sheet: Assignment) -> None:
    Assignment.objects.filter(pk=sheet.pk).update(teaming="kept", team_max=2)
    first, second = with_tasks(sheet, world, "10", "10")
    team = of(world, sheet)
    joined(world, team, world.other)
    both = {first: Given(D(4)), second: Given(D(5))}
    own = {world.other.pk: {first: Given(D("9.5"))}}
    give_points(project=team, given=both, members=own, by=world.staff, now=NOW)
    publish_assessments(projects=[team], now=NOW)
    works = works_of(assignments_of(world.course), [world.student, world.other], now=NOW)
    assert [(works[enrolment.pk][sheet.pk].points, works[enrolment.pk][sheet.pk].outcome) for enrolment in (world.student, world.other)] == [
        (D(9), "failed"), (D("14.5"), "passed"),
    ]  # fmt: skip
    give_points(project=team, given={}, members={world.other.pk: {}}, by=world.staff, now=NOW, reason="Beide gleich")
    assert state_of(world, sheet, world.other) == ("graded", D(9))


@pytest.mark.parametrize(("hand_in", "after_it"), [("files", "missing"), ("paper", "waiting")])
def test_a_draft_takes_no_sheet_from_what_is_to_be_handed_in(
    world: World, sheet: Assignment, hand_in: str, after_it: str
) -> None:
    now = timezone.now()
    Assignment.objects.filter(pk=sheet.pk).update(hand_in=hand_in, due_at=now + timedelta(days=7))
    sheet.refresh_from_db()
    page = f"/{world.course.slug}/me/"
    student = world.cast.client("student")
    before = student.get(page).content.decode()
    assert "Nothing is to be handed in at present." not in before
    team = of(world, sheet)
    for given, later in ((D(9), "waiting"), (None, after_it)):
        give_points(project=team, given={None: Given(given)}, by=world.staff, now=now)
        assert "Nothing is to be handed in at present." not in student.get(page).content.decode()
        states = [
            works_of(assignments_of(world.course), [world.student], now=moment)[world.student.pk][sheet.pk].state
            for moment in (now, now + timedelta(days=30))
        ]
        assert states == ["open", later]


def test_a_member_with_own_points_reads_what_is_said_to_the_team(world: World, sheet: Assignment) -> None:
    Assignment.objects.filter(pk=sheet.pk).update(teaming="kept", team_max=2)
    first, second = with_tasks(sheet, world, "10", "10")
    team = of(world, sheet)
    joined(world, team, world.other)
    given = {first: Given(D(4), "Siehe *Induktion*"), second: Given(D(5), "Schön")}
    own = {world.other.pk: {first: Given(D(9)), second: Given(D(6), "Sehr schön")}}
    row = give_points(project=team, given=given, members=own, by=world.staff, now=NOW)
    scores = {person: score_of(row, sheet, person.pk).tasks for person in (world.student, world.other)}
    assert {person: [(task.points, task.comment) for task in tasks] for person, tasks in scores.items()} == {
        world.student: [(D(4), "Siehe *Induktion*"), (D(5), "Schön")],
        world.other: [(D(9), "Siehe *Induktion*"), (D(6), "Sehr schön")],
    }


def test_only_whose_points_changed_is_told_of_a_correction(world: World, sheet: Assignment) -> None:
    Assignment.objects.filter(pk=sheet.pk).update(teaming="kept", team_max=3)
    first, second = with_tasks(sheet, world, "10", "10")
    team, third = of(world, sheet), world.another()
    joined(world, team, world.other)
    joined(world, team, third)
    own = {world.other.pk: {first: Given(D(9))}}
    give_points(project=team, given={first: Given(D(4)), second: Given(D(5))}, members=own, by=world.staff, now=NOW)
    publish_assessments(projects=[team], now=NOW)

    def corrected(given: dict[int | None, Given], members: dict[int, dict[int | None, Given]] | None) -> set[int]:
        give_points(project=team, given=given, members=members, by=world.staff, now=NOW, reason="Übersehen")
        told = Notice.objects.filter(kind="projects.result-changed")
        return {notice.recipient_id for notice in told if notice.recipient_id is not None}

    students = {world.student.user_id, third.user_id}
    assert corrected({first: Given(D(6))}, None) == students
    assert corrected({}, {world.other.pk: {first: Given(D(8))}}) == {*students, world.other.user_id}
    # What stands again as they know it is told to them no more, and to the others still.
    assert corrected({first: Given(D(4))}, None) == {world.other.user_id}
    assert corrected({}, {world.other.pk: {first: Given(D(9))}}) == set()
    assert corrected({second: Given(D(7))}, None) == {*students, world.other.user_id}


def test_each_member_reads_why_their_own_points_were_corrected(world: World, sheet: Assignment) -> None:
    Assignment.objects.filter(pk=sheet.pk).update(teaming="kept", team_max=2)
    first, second = with_tasks(sheet, world, "10", "10")
    team = of(world, sheet)
    joined(world, team, world.other)
    own = {world.other.pk: {first: Given(D(9))}}
    give_points(project=team, given={first: Given(D(4)), second: Given(D(5))}, members=own, by=world.staff, now=NOW)
    publish_assessments(projects=[team], now=NOW)
    clients = {person: Client() for person in (world.student, world.other)}
    for person, client in clients.items():
        client.force_login(person.user, backend="amls.courses.accounts.AccountBackend")

    def read() -> list[tuple[list[str], str]]:
        """What both members read on the page, and in what they take along."""
        reasons = []
        for person, client in clients.items():
            page = BeautifulSoup(client.get(address_of(sheet, "my_points")).content, "html.parser")
            notes = [squeeze(note.text).strip() for note in page.select(".stack > p.note")]
            (taken,) = dict(everything_about(person.user))["projects/assessments.json"]
            reasons.append((notes, taken["corrected"]))
        return reasons

    assert read() == [([], ""), ([], "")]
    kept = {"project": team, "by": world.staff}
    give_points(given={first: Given(D(6))}, now=NOW, reason="Frau Ost las es anders", **kept)
    assert read() == [(["Corrected: Frau Ost las es anders"], "Frau Ost las es anders"), ([], "")]
    give_points(given={}, members={world.other.pk: {first: Given(D(8))}}, now=NOW, reason="Vertauscht", **kept)
    assert read() == [
        (["Corrected: Frau Ost las es anders"], "Frau Ost las es anders"), (["Corrected: Vertauscht"], "Vertauscht"),
    ]  # fmt: skip
    why = [
        result_changed(notice, NOW) for notice in Notice.objects.filter(kind="projects.result-changed").order_by("pk")
    ]
    assert [letter.text.partition("\n")[0] for letter in why if letter is not None] == [
        "Why: Frau Ost las es anders", "Why: Vertauscht",
    ]  # fmt: skip
    # What is taken back before anybody was told leaves no reason behind, from the page of one team and from the table of all.
    before = read()
    table = enter_table(
        assignment=sheet,
        wishes={f"t{team.pk}": RowWish({second: D(7)})},
        by=world.staff,
        now=clock.now(),
        reason="Alle",
    )
    both = ["Frau Ost las es anders · Alle", "Vertauscht · Alle"]
    assert read() == [([f"Corrected: {said}"], said) for said in both]
    assert table.made is not None
    undo_import(table_import=table.made, by=world.staff, now=clock.now())
    assert read() == before
    # How many points there are is everybody's.
    tasks = [TaskWish("Aufgabe 1", D(10), first), TaskWish("Aufgabe 2", D(12), second)]
    set_tasks(assignment=sheet, tasks=tasks, by=world.staff, now=NOW, reason="Mehr")
    both = ["Frau Ost las es anders · Mehr", "Vertauscht · Mehr"]
    assert read() == [([f"Corrected: {said}"], said) for said in both]


@pytest.mark.parametrize("seed", range(6))
def test_what_the_database_adds_up_is_what_the_tasks_add_up_to(world: World, sheet: Assignment, seed: int) -> None:
    drawn = random.Random(seed)
    Assignment.objects.filter(pk=sheet.pk).update(teaming="kept", team_max=3)
    tasks: list[int | None] = [*with_tasks(sheet, world, *["6"] * drawn.choice((1, 3)))] if seed else [None]
    people = [world.student, world.other, world.another()]
    team = of(world, sheet)
    for person in people[1:]:
        joined(world, team, person)

    def some() -> dict[int | None, Given]:
        return {task: Given(D(drawn.randrange(24)) / 4) for task in tasks if drawn.random() < 0.7}

    give_points(project=team, given=some(), members={person.pk: some() for person in people}, by=world.staff, now=NOW)
    publish_assessments(projects=[team], now=NOW)
    summed = works_of(assignments_of(world.course), people, now=NOW)
    told = works_of(assignments_of(world.course), people, now=NOW, with_tasks=True)
    for person in people:
        work, detailed = summed[person.pk][sheet.pk], told[person.pk][sheet.pk]
        assert (work.state, work.points, work.outcome) == (detailed.state, detailed.points, detailed.outcome)
        assert detailed.points == (detailed.score.points if detailed.score is not None else None)


def test_a_published_correction_has_a_reason_and_a_mail(world: World, sheet: Assignment) -> None:
    team = of(world, sheet)
    give_points(project=team, given={None: Given(D(8))}, by=world.staff, now=NOW)
    publish_assessments(projects=[team], now=NOW)
    with pytest.raises(RuleViolation) as refused:
        give_points(project=team, given={None: Given(D(12))}, by=world.staff, now=NOW)
    assert refused.value.code == "no-reason"
    assert state_of(world, sheet) == ("graded", D(8))
    assert give_points(project=team, given={None: Given(D(8))}, by=world.staff, now=NOW).correction == ""
    later = NOW + timedelta(hours=1)
    give_points(project=team, given={None: Given(D(12))}, by=world.staff, now=later, reason="Übersehene Rückseite")
    row = Assessment.objects.get()
    assert (state_of(world, sheet), row.correction, row.outcome) == (
        ("graded", D(12)),
        "Übersehene Rückseite",
        "passed",
    )
    assert Notice.objects.filter(kind="projects.result-changed", recipient=world.student.user).count() == 1
    with pytest.raises(RuleViolation) as refused:
        give_points(project=team, given={None: Given(None)}, by=world.staff, now=later, reason="weg")
    assert refused.value.code == "incomplete"


@pytest.mark.parametrize(
    ("points", "code"), [("20.25", "points-range"), ("-0.25", "points-range"), ("3.1", "points-range")]
)
def test_points_that_there_are_not_are_refused(world: World, sheet: Assignment, points: str, code: str) -> None:
    with pytest.raises(RuleViolation) as refused:
        give_points(project=of(world, sheet), given={None: Given(D(points))}, by=world.staff, now=NOW)
    assert (refused.value.code, TaskPoints.objects.count()) == (code, 0)


def test_only_own_tasks_members_and_the_state_that_was_seen(world: World, sheet: Assignment) -> None:
    team, foreign = of(world, sheet), make_sheet(world, 2)
    stranger = {world.other.pk: {None: Given(D(1))}}
    with_tasks(foreign, world, "5")
    for wrong, code in (
        ({"given": {Task.objects.get().pk: Given(D(1))}}, "no-task"),
        ({"given": {}, "members": stranger}, "not-a-member"),
    ):
        with pytest.raises(RuleViolation) as refused:
            give_points(project=team, by=world.staff, now=NOW, **wrong)
        assert refused.value.code == code
    seen = version_of(give_points(project=team, given={None: Given(D(1))}, by=world.staff, now=NOW))
    give_points(project=team, given={None: Given(D(2))}, by=world.staff, now=NOW + timedelta(seconds=1))
    with pytest.raises(RuleViolation) as refused:
        give_points(project=team, given={None: Given(D(3))}, by=world.staff, now=NOW + timedelta(seconds=2), seen=seen)
    assert refused.value.code == "changed-meanwhile"


def test_tasks_change_with_a_preview_of_what_that_does(world: World, sheet: Assignment) -> None:
    first, second = with_tasks(sheet, world, "10", "10")
    team = of(world, sheet)
    give_points(project=team, given={first: Given(D(6)), second: Given(D(3))}, by=world.staff, now=NOW)
    publish_assessments(projects=[team], now=NOW)
    without = [TaskWish("Aufgabe 1", D(10), first)]
    change = {"assignment": sheet, "tasks": without, "by": world.staff, "now": NOW}
    with pytest.raises(RuleViolation) as refused:
        set_tasks(**change)
    assert refused.value.code == "no-reason"
    shown = without_trace(lambda: set_tasks(**change, reason="Aufgabe 2 war falsch"))
    assert [
        (change.before.points, change.after.points, change.after.most, change.is_published) for change in shown
    ] == [(D(9), D(6), D(10), True)]
    assert state_of(world, sheet) == ("graded", D(9))
    set_tasks(**change, reason="Aufgabe 2 war falsch")
    assert state_of(world, sheet) == ("graded", D(6))
    assert Assessment.objects.get().outcome == "passed"
    with pytest.raises(RuleViolation) as refused:
        set_tasks(assignment=sheet, tasks=[TaskWish("Aufgabe 1", D(5), first)], by=world.staff, now=NOW, reason="x")
    assert refused.value.code == "more-given"


def test_missing_excused_open_waiting_and_zero_are_told_apart(world: World, sheet: Assignment) -> None:
    assert state_of(world, sheet) == ("open", None)
    assert state_of(world, sheet, later=30) == ("waiting", None)
    team = of(world, sheet, world.other)
    give_points(project=team, given={None: Given(D(0))}, by=world.staff, now=NOW)
    publish_assessments(projects=[team], now=NOW)
    assert state_of(world, sheet, world.other, later=30) == ("graded", D(0))
    assert state_of(world, sheet, later=30) == ("missing", None)
    excuse(enrolment=world.student, assignment=sheet, by=world.staff, now=NOW)
    excuse(enrolment=world.student, assignment=sheet, by=world.staff, now=NOW)
    assert state_of(world, sheet, later=30) == ("excused", None)
    end_excuse(enrolment=world.student, assignment=sheet, now=NOW)
    assert state_of(world, sheet, later=30) == ("missing", None)


def test_the_rule_reads_what_is_published_and_nothing_else(world: World, sheet: Assignment) -> None:
    make_sheet(world, 2)
    make_sheet(world, 3, counts=False)
    rule = AllBlock((PointsBlock(), PassedBlock((sheet.pk,), 1)))
    team = of(world, sheet)
    give_points(project=team, given={None: Given(D("17.5"))}, by=world.staff, now=NOW)

    def said() -> list[str]:
        return [
            finding.text
            for finding in findings_of(rule, facts_of(world.course, [world.student], now=NOW)[world.student.pk])
        ]

    assert said() == [
        "At least 50 % of all points: 0 of 40 points, 20 are needed. 20 more points in 2 assignments would be enough.",
        "Blatt 1 passed: 0 of 1",
    ]
    publish_assessments(projects=[team], now=NOW)
    assert said() == [
        "At least 50 % of all points: 17.5 of 40 points, 20 are needed. 2.5 more points in 1 assignment would be enough.",
        "Blatt 1 passed: 1 of 1",
    ]


def test_who_has_a_team_keeps_it_and_a_project_needs_its_topic(world: World, sheet: Assignment) -> None:
    team = of(world, sheet)
    assert of(world, sheet) == team
    with pytest.raises(RuleViolation) as refused:
        of(world, world.assignment)
    assert refused.value.code == "no-team"
    with pytest.raises(RuleViolation) as refused:
        give_points(project=world.project(), given={None: Given(D(1))}, by=world.staff, now=NOW)
    assert refused.value.code == "no-points"


def test_the_database_refuses_what_the_services_do(world: World, sheet: Assignment) -> None:
    row = give_points(project=of(world, sheet), given={None: Given(D(1))}, by=world.staff, now=NOW)
    wrong = [
        {"task": None, "points": D(2)}, {"enrolment": world.student, "points": D("-0.25")},
        {"enrolment": world.student, "points": D("0.1")},
    ]  # fmt: skip
    for values in wrong:
        with pytest.raises(IntegrityError), transaction.atomic():
            TaskPoints.objects.create(assessment=row, **values)
    for most in (D(0), D("0.3")):
        with pytest.raises(IntegrityError), transaction.atomic():
            Task.objects.create(assignment=sheet, title="x", max_points=most)
    with pytest.raises(IntegrityError), transaction.atomic():
        sheet.excuses.create(enrolment=world.cast.foreign_lecturer, at=NOW)


def test_many_people_and_sheets_cost_as_many_queries_as_few(world: World, sheet: Assignment) -> None:
    give_points(project=of(world, sheet), given={None: Given(D(1))}, by=world.staff, now=NOW)
    counts = []
    for batch in (1, 9):
        for number in range(batch):
            make_sheet(world, 10 * batch + number)
        make_teams(world, batch)
        people = list(Enrolment.objects.filter(course=world.course, role="student"))
        with CaptureQueriesContext(connection) as queries:
            works_of(assignments_of(world.course), people, now=DEADLINE)
        counts.append(len(queries))
    assert counts == [8, 8]


def test_of_one_person_only_what_is_theirs_is_read(world: World, sheet: Assignment) -> None:
    own, *others = [of(world, sheet, person) for person in (world.student, world.another(), world.another())]
    for project in (own, *others):
        give_points(project=project, given={None: Given(D(1))}, by=world.staff, now=NOW)
    excuse(enrolment=world.another(), assignment=sheet, by=world.staff, now=NOW)
    known = read_rows([sheet], [world.student.pk], Deadlines.of_each([sheet]))
    assert (list(known.teams_points), known.excused) == ([own.assessment.pk], set())


def test_the_desk_has_a_field_for_each_task_and_says_what_is_wrong(
    world: World, sheet: Assignment, settings: Any
) -> None:
    settings.STAFF_NEEDS_SECOND_FACTOR = False
    Assignment.objects.filter(pk=sheet.pk).update(teaming="kept", team_max=2)
    first, second = with_tasks(sheet, world, "7.5", "12.5")
    team = of(world, sheet)
    joined(world, team, world.other)
    desk: Client = world.cast.client("assistant")
    typed = {
        f"task_{first}": "3,25", f"comment_{first}": "Induktion fehlt", f"task_{second}": "6.75", "feedback": "Weiter so",
        f"task_{first}_{world.other.pk}": "7,5", "seen": "", "save": "1",
    }  # fmt: skip
    wrong = desk.post(assess_url(team), {**typed, f"task_{second}": "12,6"})
    assert wrong.status_code == 422
    assert "Points lie between 0 and 12.5, found 12,6." in wrong.content.decode()
    assert desk.post(assess_url(team), typed).status_code == 302
    page = desk.get(assess_url(team)).content.decode()
    assert "10 of 20 points are saved." in page
    assert 'value="3.25"' in page
    seen = version_of(Assessment.objects.get())
    assert desk.post(assess_url(team), {**typed, "seen": seen, "save_publish": "1"}).status_code == 302
    assert apply_next(clock.now() + HOLD) == 1
    assert (state_of(world, sheet), state_of(world, sheet, world.other)) == (("graded", D(10)), ("graded", D("14.25")))
    seen = version_of(Assessment.objects.get())
    changed = {**typed, f"task_{second}": "8", "seen": seen}
    refused = desk.post(assess_url(team), changed)
    assert refused.status_code == 422
    assert refused.context["form"].errors == {"correction": ["These points are published: say why they change."]}
    assert desk.post(assess_url(team), {**changed, "correction": "Übersehen"}).status_code == 302
    assert state_of(world, sheet) == ("graded", D("11.25"))


def labelled(page: BeautifulSoup, label: str) -> str:
    """Return the name of the only field that is called so."""
    (ident,) = [str(part["for"]) for part in page.find_all("label") if part.get_text(strip=True) == label]
    (field,) = page.select(f"[id='{ident}']")
    return str(field["name"])


def test_why_points_were_corrected_is_asked_apart_from_why_there_is_more_time(
    world: World, sheet: Assignment, settings: Any
) -> None:
    settings.STAFF_NEEDS_SECOND_FACTOR = False
    team = of(world, sheet)
    give_points(project=team, given={None: Given(D(7))}, by=world.staff, now=NOW)
    publish_assessments(projects=[team], now=NOW)
    desk = world.cast.client("assistant")
    page = BeautifulSoup(desk.get(assess_url(team)).content, "html.parser")
    points, why, until = (labelled(page, label) for label in ("Points, of 20", "Reason of the correction", "Reason"))
    sent = {
        "seen": version_of(Assessment.objects.get()), points: "9", why: "Übersehene Rückseite",
        until: "Sie war krank", "save": "1",
    }  # fmt: skip
    assert desk.post(assess_url(team), sent).status_code == 302
    assert Assessment.objects.get().correction == "Übersehene Rückseite"
    assert state_of(world, sheet) == ("graded", D(9))
    # What was typed for the staff alone waits for its own button.
    assert AssessmentDraft.objects.get().typed == {until: "Sie war krank"}


def test_a_student_sees_points_per_task_once_they_are_published(world: World, sheet: Assignment) -> None:
    first, second = with_tasks(sheet, world, "7.5", "12.5")
    make_sheet(world, 2, visible_from=NOW + timedelta(days=9000))
    team = of(world, sheet)
    both = {first: Given(D("3.25"), "Induktion fehlt <b>"), second: Given(D("6.75"))}
    give_points(project=team, given=both, by=world.staff, now=NOW)
    mine = world.cast.client("student")
    assert "Induktion fehlt" not in mine.get("/amls/me/").content.decode()
    publish_assessments(projects=[team], now=NOW)
    page = squeeze(mine.get("/amls/me/").content.decode())
    assert "10 of 20 points so far; 0 can still be had." in page
    assert "Blatt 2" not in page
    address = f"/amls/assignments/{sheet.pk}/points/"
    assert address in page
    page = squeeze(mine.get(address).content.decode())
    assert "Aufgabe 1: 3.25 / 7.5" in page
    assert "Induktion fehlt &lt;b&gt;" in page
    assert "Induktion fehlt" not in world.cast.client("lecturer").get("/amls/me/").content.decode()


def test_a_person_takes_their_own_points_along_and_they_go_with_the_course(world: World, sheet: Assignment) -> None:
    Assignment.objects.filter(pk=sheet.pk).update(teaming="kept", team_max=2)
    (first,) = with_tasks(sheet, world, "10")
    team = of(world, sheet)
    joined(world, team, world.other)
    own = {world.other.pk: {first: Given(D(9))}}
    give_points(project=team, given={first: Given(D(4), "Skizze")}, members=own, by=world.staff, now=NOW)
    excuse(enrolment=world.student, assignment=make_sheet(world, 2), by=world.staff, now=NOW)

    def told() -> list[Any]:
        return [
            told_result["points"]
            for told_result in dict(everything_about(world.student.user))["projects/assessments.json"]
        ]

    assert told() == []
    publish_assessments(projects=[team], now=NOW)
    assert told() == [[{"task": "Aufgabe 1", "points": D(4), "most": D(10), "comment": "Skizze"}]]
    assert len(dict(everything_about(world.student.user))["projects/excuses.json"]) == 1
    # What was taken back before stands in the history alone.
    give_points(project=team, given={}, members={world.other.pk: {}}, by=world.staff, now=NOW, reason="Beide gleich")
    forget_people_of([world.course.pk])
    assert (TaskPoints.objects.count(), TaskPoints.events.rel.related_model.objects.count()) == (0, 0)  # type: ignore[attr-defined]


def test_tasks_are_lines_that_are_shown_before_they_are_saved(world: World, sheet: Assignment, settings: Any) -> None:
    settings.STAFF_NEEDS_SECOND_FACTOR = False
    first, second = with_tasks(sheet, world, "10", "10")
    team = of(world, sheet)
    give_points(project=team, given={first: Given(D(6)), second: Given(D(3))}, by=world.staff, now=NOW)
    publish_assessments(projects=[team], now=NOW)
    staff, address = world.cast.client("assistant"), f"/amls/staff/assignments/{sheet.pk}/tasks/"
    for wrong in ("Aufgabe 1", "Aufgabe 1 | viel", "| 3", "a | 3\na | 4", "a | 0,1", "a | -1", "a | 1e9"):
        assert staff.post(address, {"lines": wrong, "_agreed": "1"}).status_code == 422
    shown = staff.post(address, {"lines": "Aufgabe 1 | 12,5"})
    assert (shown.status_code, f"#{team.pk}: 9 / 20 → 6 / 12.5" in squeeze(shown.content.decode())) == (200, True)
    assert state_of(world, sheet) == ("graded", D(9))
    sent = {"lines": "Aufgabe 1 | 12,5", "_shown": shown.context["preview"].seal, "_agreed": "1"}
    assert staff.post(address, sent).status_code == 422
    assert staff.post(address, {**sent, "reason": "Aufgabe 2 war falsch"}).status_code == 302
    assert state_of(world, sheet) == ("graded", D(6))
    assert world.cast.client("student").get(address).status_code == 404


def test_a_member_with_own_points_reads_their_own_outcome(world: World, sheet: Assignment) -> None:
    Assignment.objects.filter(pk=sheet.pk).update(teaming="kept", team_max=2)
    (first,) = with_tasks(sheet, world, "20")
    team = of(world, sheet)
    joined(world, team, world.other)
    own = {world.student.pk: {first: Given(D("14.25"))}}
    give_points(project=team, given={first: Given(D(9))}, members=own, by=world.staff, now=NOW)
    publish_assessments(projects=[team], now=NOW)
    page = world.cast.client("student").get(f"/amls/assignments/{sheet.pk}/").content
    result = BeautifulSoup(page, "html.parser").select_one("#result")
    assert result is not None
    assert squeeze(result.text).strip() == "Passed · 14.25 of 20 points"


def test_my_course_says_each_sheet_once_and_folds_what_is_done(world: World, sheet: Assignment) -> None:
    due = timezone.now() + timedelta(days=2)
    for number in range(2, 8):
        make_sheet(world, number, due_at=due + timedelta(weeks=number))
    team = of(world, sheet)
    give_points(project=team, given={None: Given(D(15))}, by=world.staff, now=NOW)
    publish_assessments(projects=[team], now=NOW)
    reconcile(world.course, now=NOW)
    page = BeautifulSoup(world.cast.client("student").get("/amls/me/").content, "html.parser")
    works = page.select_one("section[aria-labelledby=works]")
    assert works is not None
    assert [link.text for link in works.select(":scope > ul > li > a")] == [
        "Blatt 2",
        "Blatt 3",
        "Blatt 4",
    ]
    past, later = works.select(":scope > details")
    assert [squeeze(row.text).strip() for row in past.select("li")] == ["Blatt 1 15 of 20 points"]
    assert [link.text for link in later.select("li > a")] == ["Blatt 5", "Blatt 6", "Blatt 7"]
    titles = [link.text for link in page.select("main a") if link.text.startswith("Blatt")]
    assert sorted(titles) == sorted(set(titles))
    assert "due" not in squeeze("".join(row.text for row in page.select("section[aria-labelledby=deadlines] li")))


def test_my_course_draws_my_points_and_says_the_same_in_words(world: World, sheet: Assignment) -> None:
    second, third = make_sheet(world, 2), make_sheet(world, 3)
    make_sheet(world, 4)
    for number, points in ((sheet, "15"), (second, "5")):
        team = of(world, number)
        give_points(project=team, given={None: Given(D(points))}, by=world.staff, now=NOW)
        publish_assessments(projects=[team], now=NOW)
    excuse(enrolment=world.student, assignment=third, by=world.staff, now=NOW)
    page = BeautifulSoup(world.cast.client("student").get("/amls/me/").content, "html.parser")
    figure = page.select_one("figure.progress-row")
    titles = [title.text for title in figure.select("title")]
    assert titles == [
        "Blatt 1: 15 of 20 points", "Blatt 2: 5 of 20 points", "Blatt 3: excused, does not count", "Blatt 4: not graded yet",
    ]  # fmt: skip
    assert figure.select_one("p").text == "".join(f"{title}. " for title in titles)
    bars = [(bar["class"], bar["height"]) for bar in figure.select("rect:not(.before)")]
    assert bars == [(["pass"], "75.0"), (["fail"], "25.0")]
