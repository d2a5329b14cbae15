"""What is deducted for being late is, after every act that decides on it, what it would be if it were worked out from scratch."""

import ast
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from amls.courses.models import Enrolment
from amls.mail.letters import letter_kinds
from amls.mail.models import Notice
from projects.deadlines import standing_of
from projects.models import Assessment, Assignment, Project, Submission
from projects.services.assessing import publish_assessments
from projects.services.assignments import keep_assignment
from projects.services.extensions import extend, revoke_extension
from projects.services.handin import accept_late, pick_submission, restore_submission, withdraw_submission
from projects.services.joining import team_for
from projects.services.registration import leave_team, restore_project, withdraw_project
from projects.services.teams import accept_invitation, invite_member, merge_teams, move_member
from tests.projects.conftest import NOW, World
from tests.projects.test_assignments import give
from tests.projects.test_lateness import DAY, DUE, MINUTE, OVER, assessed, deducting

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("one_factor")]

AFTER = OVER + 4 * DAY


def open_teams(world: World, **values: object) -> Assignment:
    """Add an assignment of which teams may be changed long after it was due; for each begun day late a tenth is deducted."""
    return deducting(world, team_max=3, registration_closes_at=OVER + 30 * DAY, **values)


def late_team(world: World, assignment: Assignment, person: Enrolment, days: int) -> Project:
    """Let somebody hand in in the `days`-th begun day after the deadline, and get 10 of 20 points for it."""
    team = team_for(enrolment=person, assignment=assignment, now=NOW)
    give(team, person, OVER + (days - 1) * DAY)
    assessed(world, team, "10", AFTER)
    return team


def stored(team: Project) -> int:
    return Assessment.objects.get(project=team).late_percent


def from_scratch(team: Project) -> int:
    """Say what is deducted of the attempt that was decided on by who is in the team and what holds at this moment."""
    row = Assessment.objects.get(project=team)
    known = Submission.objects.filter(project=team, received_at__lte=row.assessed_at).order_by("-attempt")
    return next((stands.percent for attempt in known if (stands := standing_of(attempt)).is_counting), 0)


def join(world: World, team: Project, person: Enrolment, at: datetime) -> None:
    by = team.memberships.get(left_at=None).enrolment
    invitation = invite_member(project=team, email=person.user.email, by=by, now=at)
    accept_invitation(invitation=invitation, enrolment=person, now=at)


def test_every_act_that_decides_on_it_leaves_what_it_is_from_scratch(world: World) -> None:
    assignment = open_teams(world)
    helped, stranger = world.another(), world.another()
    strangers = late_team(world, assignment, stranger, 3)
    team = late_team(world, assignment, world.student, 2)
    theirs = late_team(world, assignment, world.other, 1)
    given = extend(assignment=assignment, by=world.staff, reason="x", enrolment=helped, delta=7 * DAY, now=AFTER)
    first, theirs_first = Submission.objects.get(project=team), Submission.objects.get(project=theirs)
    moment = AFTER

    def rule(**values: object) -> None:
        row = Assignment.objects.get(pk=assignment.pk)
        for name, value in values.items():
            setattr(row, name, value)
        keep_assignment(row, now=moment)

    def withdraw_and_change() -> None:
        withdraw_project(project=team, now=moment)
        rule(late_percent=30)
        restore_project(project=team, now=moment)

    # Each act, and what is deducted of both teams after it: 20 and 10 to begin with.
    acts: list[tuple[str, Callable[[], object], tuple[int, int]]] = [
        ("somebody with more time joins", lambda: join(world, team, helped, moment), (0, 10)),
        ("leaves", lambda: leave_team(project=team, enrolment=helped, now=moment), (20, 10)),
        ("is put into a team", lambda: move_member(enrolment=helped, to=team, by=world.staff, now=moment), (0, 10)),
        ("is moved on", lambda: move_member(enrolment=helped, to=theirs, by=world.staff, now=moment), (20, 0)),
        ("is moved back", lambda: move_member(enrolment=helped, to=team, by=world.staff, now=moment), (0, 10)),
        ("gets no more time", lambda: revoke_extension(extension=given[0], now=moment), (20, 10)),
        (
            "gets it once more",
            lambda: given.extend(
                extend(assignment=assignment, by=world.staff, reason="x", enrolment=helped, delta=DAY, now=moment)
            ),
            (10, 10),
        ),
        ("the team is withdrawn, the rule changes, it comes back", withdraw_and_change, (30, 30)),
        ("less is deducted", lambda: rule(late_percent=15), (15, 15)),
        ("nothing is deducted", lambda: rule(late_policy="accepted", late_percent=0), (0, 0)),
        ("again it is", lambda: rule(late_policy="deducted", late_percent=10), (10, 10)),
        ("it was due earlier", lambda: rule(due_at=DUE - DAY), (20, 20)),
        ("it was due then", lambda: rule(due_at=DUE), (10, 10)),
        ("an attempt is accepted", lambda: accept_late(submission=theirs_first, by=world.staff, now=moment), (10, 0)),
        ("one is withdrawn", lambda: withdraw_submission(submission=first, now=moment), (0, 0)),
        ("and restored", lambda: restore_submission(submission=first, now=moment), (10, 0)),
        (
            "all get more time",
            lambda: given.extend(extend(by=world.staff, reason="x", assignment=assignment, delta=2 * DAY, now=moment)),
            (0, 0),
        ),
        ("and no more", lambda: revoke_extension(extension=given[-1], now=moment), (10, 0)),
        (
            "both teams come together",
            lambda: merge_teams(source=team, target=theirs, by=world.staff, now=moment),
            (0, 0),
        ),
    ]
    assert (stored(team), stored(theirs)) == (20, 10)
    for name, act, deducted in acts:
        moment += MINUTE
        act()
        both = [row for row in (team, theirs) if Project.objects.get(pk=row.pk).is_active]
        assert [stored(row) for row in both] == [from_scratch(row) for row in both], name
        assert tuple(stored(row) for row in both) == (deducted if len(both) == 2 else deducted[1:]), name
    assert stored(strangers) == from_scratch(strangers) == 30


def test_whoever_knows_their_points_hears_that_more_or_less_is_deducted(world: World) -> None:
    assignment = open_teams(world)
    team, helped = late_team(world, assignment, world.student, 1), world.another()
    extend(assignment=assignment, by=world.staff, reason="x", enrolment=helped, delta=DAY, now=AFTER)
    publish_assessments(projects=[team], now=AFTER)
    move_member(enrolment=helped, to=team, by=world.staff, now=AFTER + MINUTE)
    told = Notice.objects.filter(kind="projects.result-changed").values_list("recipient", flat=True)
    assert set(told) >= {world.student.user.pk}
    assert world.other.user.pk not in told
    row = Assessment.objects.get(project=team)
    assert (row.outcome, row.correction) == ("passed", "What is deducted for being late has changed.")


def test_a_changed_deduction_takes_nobody_the_reason_of_the_correction_before(world: World) -> None:
    team = late_team(world, (assignment := open_teams(world)), world.student, 1)
    publish_assessments(projects=[team], now=AFTER)
    assessed(world, team, "12", AFTER + MINUTE, "Task 2 was miscounted")
    changed = "What is deducted for being late has changed."
    for percent in (25, 30):
        row = Assignment.objects.get(pk=assignment.pk)
        row.late_percent = percent
        keep_assignment(row, now=AFTER + percent * MINUTE)
        said = Assessment.objects.get(project=team).correction_for(world.student.pk)
        assert said == f"Task 2 was miscounted · {changed}"
    notice = Notice.objects.filter(kind="projects.result-changed", recipient=world.student.user).latest("pk")
    letter = letter_kinds[notice.kind].writer(notice, AFTER + DAY)
    assert letter is not None
    assert "Why: Task 2 was miscounted · What is deducted for being late has changed" in letter.text


def test_what_is_handed_in_or_picked_after_the_decision_is_not_what_was_decided_on(world: World) -> None:
    assignment = open_teams(world, late_cutoff_hours=240)
    team = team_for(enrolment=world.student, assignment=assignment, now=NOW)
    early, late = give(team, world.student, OVER), give(team, world.student, OVER + DAY)
    assessed(world, team, "10", AFTER)
    # It is the second attempt that got ten points, whichever counts by now.
    for picked in (early, None, late):
        pick_submission(project=team, submission=picked, now=AFTER + MINUTE)
        keep_assignment(Assignment.objects.get(pk=assignment.pk), now=AFTER + MINUTE)
        assert stored(team) == 20, picked
    pick_submission(project=team, submission=early, now=AFTER + MINUTE)
    assessed(world, team, "10", AFTER + 2 * MINUTE)
    assert stored(team) == 10
    pick_submission(project=team, submission=None, now=AFTER + 3 * MINUTE)
    keep_assignment(Assignment.objects.get(pk=assignment.pk), now=AFTER + 3 * MINUTE)
    assert stored(team) == 10


def test_points_given_before_anything_is_handed_in_stay_whole(world: World) -> None:
    assignment = open_teams(world, late_cutoff_hours=240)
    team = team_for(enrolment=world.student, assignment=assignment, now=NOW)
    assessed(world, team, "10", OVER)
    give(team, world.student, OVER + DAY)
    keep_assignment(Assignment.objects.get(pk=assignment.pk), now=OVER + DAY)
    assert stored(team) == 0


def test_members_change_through_the_functions_that_let_it_follow() -> None:
    """Whoever writes memberships by another way than these is named here, with why nothing is to follow there."""
    ways = {
        ("registration", "add_member"),
        ("registration", "end_membership"),
        ("registration", "restore_projects"),
        # A withdrawn team has nobody whose points they would be; when it comes back, they follow.
        ("registration", "close_projects"),
        # New teams, in which nothing was handed in.
        ("points", "teams_for_points"),
        ("points", "_remove_untouched_team"),
    }
    written = set()
    for path in sorted(Path("projects/services").glob("*.py")):
        for function in ast.walk(ast.parse(path.read_text())):
            if isinstance(function, ast.FunctionDef) and _writes_members(function):
                written.add((path.stem, function.name))
    assert written == ways


def _writes_members(function: ast.FunctionDef) -> bool:
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            chain = ast.unparse(node.func)
            if chain.startswith("Membership.objects") and node.func.attr in (
                "create",
                "bulk_create",
                "update",
                "delete",
            ):
                return True
        if isinstance(node, ast.Assign) and any(ast.unparse(target).endswith(".left_at") for target in node.targets):
            return True
    return False
