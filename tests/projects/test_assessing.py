"""Decisions: drafts, overrides, publishing; what exams learn of them."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from amls.core.violations import RuleViolation
from amls.courses.eligibility import Verdict, evaluate, extra_points_of
from amls.courses.models import Course, Enrolment
from amls.held.services import HOLD
from amls.mail.letters import letter_kinds
from amls.mail.models import Notice
from amls.mail.still_due import still_due_for
from exams.models import ExamRules
from projects.hooks.eligibility import PASSED
from projects.models import Assessment, Assignment, MemberAssessment, Project, Topic
from projects.queries import results_of
from projects.services.assessing import (
    Override,
    assess,
    assign_assessor,
    enter_earlier_pass,
    note_for_staff,
    publish_assessments,
    split_assessors,
)
from projects.services.excuses import end_excuse, excuse
from projects.services.extensions import request_extension
from projects.services.ideas import decide_idea, propose_idea, take_idea_back
from projects.states import ProjectState
from tests.factories import TopicFactory
from tests.markup import shows
from tests.projects.conftest import DEADLINE, NOW, World
from tests.projects.test_extensions import team_of_two
from tests.projects.test_handin import attempt

pytestmark = pytest.mark.django_db


def decide(world: World, project: Project, outcome: str = "passed", points: str = "3.5", **values: Any) -> Assessment:
    return assess(
        project=project,
        outcome=outcome,
        extra_points=Decimal(points),
        feedback="Good",
        by=world.staff,
        **{"now": NOW, "reason": "Looked at it again", **values},
    )


def state_of(world: World) -> tuple[ProjectState, Decimal]:
    result = results_of(world.course, [world.student])[world.student.pk]
    return result.state, result.extra_points


def test_a_draft_is_the_staffs_alone(world: World) -> None:
    project = team_of_two(world)
    attempt(world, project)
    decide(world, project)
    assert state_of(world) == (ProjectState.SUBMITTED, Decimal(0))
    assert not Notice.objects.filter(kind="projects.result").exists()
    publish_assessments(projects=[project], now=NOW)
    assert state_of(world) == (ProjectState.PASSED, Decimal("3.5"))
    assert Notice.objects.filter(kind="projects.result").count() == 2
    # Again it publishes nothing and tells nobody.
    assert publish_assessments(projects=[project], now=NOW + timedelta(minutes=1)) == []
    assert Notice.objects.filter(kind="projects.result").count() == 2


def test_publishing_costs_the_same_for_one_and_for_many(world: World, django_assert_num_queries: Any) -> None:
    topic = TopicFactory.create(course=world.course, slots=20)
    projects = [world.project(world.another(), topic=topic) for _n in range(7)]
    for project in projects:
        decide(world, project)
    for chosen in (projects[:1], projects[1:]):
        # A savepoint and its release beside the six.
        with django_assert_num_queries(8):
            assert [assessment.project for assessment in publish_assessments(projects=chosen, now=NOW)] == chosen
    told = Notice.objects.filter(kind="projects.result").values_list("recipient", "course", "references__assessment")
    members = [
        (project.memberships.get().enrolment.user_id, world.course.pk, project.assessment.pk) for project in projects
    ]
    assert sorted(told) == sorted(members)
    assert {assessment.published_at for assessment in Assessment.objects.all()} == {NOW}


def test_what_is_not_decided_is_not_published(world: World) -> None:
    project = team_of_two(world)
    decide(world, project, outcome="", points="0")
    assert publish_assessments(projects=[project], now=NOW) == []


def test_a_member_may_differ_from_the_team(world: World) -> None:
    project = team_of_two(world)
    decide(world, project, overrides={world.student.pk: Override("failed", None, "Did not contribute")})
    publish_assessments(projects=[project], now=NOW)
    results = results_of(world.course, [world.student, world.other])
    assert [(result.state, result.extra_points) for result in results.values()] == [
        (ProjectState.FAILED, Decimal(0)),
        (ProjectState.PASSED, Decimal("3.5")),
    ]
    decide(world, project, overrides={})
    assert MemberAssessment.objects.count() == 0
    with pytest.raises(RuleViolation, match="Say why this member"):
        decide(world, project, overrides={world.student.pk: Override("failed")})
    with pytest.raises(RuleViolation, match="not in the team"):
        decide(world, project, overrides={world.another().pk: Override("failed", None, "x")})


def test_a_failed_member_is_given_no_extra_points(world: World) -> None:
    project, two, none = team_of_two(world), Decimal(2), Decimal(0)
    failed = {"own": ("passed", "failed"), "as the team": ("failed", "")}
    for why, (teams, own) in failed.items():
        with pytest.raises(RuleViolation, match="a failed project gives no extra points") as refusal:
            decide(world, project, outcome=teams, overrides={world.student.pk: Override(own, two, "Did little")})
        assert (refusal.value.code, refusal.value.field) == ("failed-has-no-points", "overrides"), why
        assert str(world.student.user) in refusal.value.message
    assert not MemberAssessment.objects.exists()
    decide(world, project, overrides={world.student.pk: Override("failed", none, "Did little")})
    decide(world, project, outcome="failed", overrides={world.student.pk: Override("passed", two, "Did it all")})
    assert MemberAssessment.objects.get().extra_points == two


def test_a_published_result_changes_with_a_reason_that_those_read_whose_it_is(world: World) -> None:
    project = team_of_two(world)
    decide(world, project, reason="")
    publish_assessments(projects=[project], now=NOW)
    # As it was decided it needs none.
    decide(world, project, reason="")
    for changed in ({"points": "4"}, {"outcome": "failed"}, {"overrides": {}, "points": "1"}):
        with pytest.raises(RuleViolation, match="say why it changes") as refusal:
            decide(world, project, reason=" ", **changed)
        assert (refusal.value.code, refusal.value.field) == ("no-reason", "correction")
    assert Assessment.objects.get().extra_points == Decimal("3.5")
    # Who is decided on in particular reads the reason of that.
    decide(world, project, reason="", overrides={world.other.pk: Override("failed", None, "Did nothing")})
    row = decide(world, project, points="4", reason="Die Größe der Tests zählt")
    assert (row.correction_for(world.student.pk), row.correction_for(world.other.pk)) == (
        "Die Größe der Tests zählt",
        "",
    )
    page = world.cast.client("student").get("/amls/projects/mine/").content.decode()
    assert shows(page, "Corrected: Die Größe der Tests zählt")
    other = Client()
    other.force_login(world.other.user, backend="amls.courses.accounts.AccountBackend")
    assert "Größe" not in other.get("/amls/projects/mine/").content.decode()
    letter = letter_kinds["projects.result-changed"].writer(
        Notice.objects.filter(kind="projects.result-changed", recipient=world.student.user).latest("pk"), NOW
    )
    assert letter is not None
    assert "Die Größe der Tests zählt" in letter.text


def test_a_changed_result_is_told_and_an_equal_one_is_not(world: World) -> None:
    project = team_of_two(world)
    decide(world, project)
    publish_assessments(projects=[project], now=NOW)
    decide(world, project)
    assert not Notice.objects.filter(kind="projects.result-changed").exists()
    decide(world, project, points="4")
    assert Notice.objects.filter(kind="projects.result-changed", not_before=NOW + HOLD).count() == 2
    decide(world, project, points="2")
    assert Notice.objects.filter(kind="projects.result-changed").count() == 2


def test_a_result_that_is_changed_back_in_time_is_told_to_nobody(world: World) -> None:
    project = team_of_two(world)
    decide(world, project, points="3.5")
    publish_assessments(projects=[project], now=NOW)
    decide(world, project, points="4")
    decide(world, project, points="3.5")
    assert not Notice.objects.filter(kind="projects.result-changed").exists()


@pytest.mark.parametrize(
    ("points", "why"),
    [("5.5", "at most 5 extra points"), ("-0.5", "are 0 to 5, in half points"), ("0.3", "are 0 to 5, in half points")],
)
def test_points_are_half_points_up_to_what_the_course_gives(world: World, points: str, why: str) -> None:
    with pytest.raises(RuleViolation, match=why):
        decide(world, world.project(), points=points)


def test_a_course_may_give_fewer(world: World) -> None:
    ExamRules.objects.filter(course=world.course).update(max_extra_points=2)
    with pytest.raises(RuleViolation, match="at most 2 extra points"):
        decide(world, world.project(), points="2.5")


def test_a_course_may_give_up_to_twenty(world: World) -> None:
    ExamRules.objects.filter(course=world.course).update(max_extra_points=20)
    assert decide(world, world.project(), points="20").extra_points == 20
    enter_earlier_pass(enrolment=world.other, term="SS2023", extra_points=Decimal("19.5"), by=world.staff)
    assert extra_points_of(world.course, [world.other], now=NOW) == {world.other.pk: Decimal("19.5")}


def test_an_earlier_pass_gives_at_most_what_the_course_gives_and_stays_where_it_gives_less_later(world: World) -> None:
    enter_earlier_pass(enrolment=world.other, term="SS2023", extra_points=Decimal(5), by=world.staff)
    with pytest.raises(RuleViolation, match="at most 5 extra points"):
        enter_earlier_pass(enrolment=world.other, term="SS2023", extra_points=Decimal(6), by=world.staff)
    ExamRules.objects.filter(course=world.course).update(max_extra_points=2)
    course = Course.objects.get(pk=world.course.pk)
    enrolment = Enrolment.objects.get(pk=world.other.pk)
    kept = enter_earlier_pass(enrolment=enrolment, term="SS2023", extra_points=Decimal(5), note="2023", by=world.staff)
    assert (kept.extra_points, extra_points_of(course, [enrolment], now=NOW)) == (5, {enrolment.pk: Decimal(2)})


def test_a_failed_project_gives_no_points(world: World) -> None:
    assert decide(world, world.project(), outcome="failed").extra_points == 0


@pytest.mark.parametrize(
    ("constraint", "values"),
    [
        ("assessment_points_valid", {"extra_points": Decimal("0.3")}),
        ("assessment_points_valid", {"extra_points": Decimal("20.5")}),
        ("assessment_outcome_valid", {"outcome": "great"}),
        ("assessment_published_is_decided", {"outcome": "", "extra_points": 0, "published_at": NOW}),
        ("assessment_failed_has_no_points", {"outcome": "failed"}),
    ],
)
def test_the_database_keeps_the_rules(world: World, constraint: str, values: dict[str, Any]) -> None:
    decide(world, world.project())
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        Assessment.objects.update(**values)


def test_open_ones_are_split_evenly(world: World) -> None:
    lecturer, assistant = world.cast.lecturer.user, world.staff
    topic = TopicFactory.create(course=world.course, slots=20)
    projects = [world.project(world.another(), topic=topic) for _n in range(7)]
    assign_assessor(projects=projects[:2], assessor=lecturer)
    assert split_assessors(course=world.course, assessors=[assistant, lecturer]) == 5
    counts = [Project.objects.filter(assessor=assessor).count() for assessor in (assistant, lecturer)]
    assert sorted(counts) == [3, 4]
    assert split_assessors(course=world.course, assessors=[assistant, lecturer]) == 0


def test_a_note_among_staff(world: World) -> None:
    note = note_for_staff(project=world.project(), text="Looks copied", by=world.staff, now=NOW)
    assert note.author == world.staff
    with pytest.raises(RuleViolation):
        note_for_staff(project=note.project, text=" ", by=world.staff, now=NOW)


def test_what_exams_learn(world: World) -> None:
    everyone = [world.student, world.other]

    def findings(now: Any = NOW) -> list[tuple[Verdict, str, str]]:
        by_person = evaluate(world.course, everyone, now=now)
        return [
            (finding.verdict, finding.text, finding.path)
            for pk in by_person
            for finding in by_person[pk]
            if finding.rule == PASSED
        ]

    topics, mine = "/amls/projects/", "/amls/projects/mine/"
    nothing = (Verdict.PENDING, "No project yet: choose a topic", topics)
    assert findings() == [nothing, nothing]
    assert findings(DEADLINE + timedelta(minutes=1))[0] == (Verdict.UNMET, "No project", topics)
    project = world.project()
    assert findings()[0] == (Verdict.PENDING, "Project registered, not handed in yet", mine)
    assert findings(DEADLINE + timedelta(days=3))[0] == (Verdict.UNMET, "Project not handed in", mine)
    attempt(world, project)
    assert findings()[0] == (Verdict.PENDING, "Project handed in, not assessed yet", mine)
    decide(world, project)
    publish_assessments(projects=[project], now=NOW)
    enter_earlier_pass(enrolment=world.other, term="SS2023", extra_points=Decimal(1), by=world.staff)
    assert findings() == [(Verdict.MET, "Project passed", mine), (Verdict.MET, "Project passed in SS2023", "")]
    assert list(extra_points_of(world.course, everyone, now=NOW).values()) == [Decimal("3.5"), Decimal(1)]
    decide(world, project, outcome="failed")
    assert findings()[0] == (Verdict.UNMET, "Project failed", mine)
    ExamRules.objects.filter(course=world.course).update(project_is_prerequisite=False)
    world.course.refresh_from_db()
    assert findings() == []


def test_the_rule_costs_the_same_for_one_and_for_many(world: World, django_assert_num_queries: Any) -> None:
    topic = TopicFactory.create(course=world.course, slots=20)
    people = [world.student, *(world.another() for _n in range(5))]
    for person in people:
        attempt_by = world.project(person, topic=topic)
        assess(project=attempt_by, outcome="passed", extra_points=Decimal(1), feedback="", by=world.staff, now=NOW)
    for evaluated in (people[:1], people):
        course = Course.objects.get(pk=world.course.pk)
        with django_assert_num_queries(8):
            evaluate(course, evaluated, now=NOW)
        with django_assert_num_queries(7):
            evaluate(course, evaluated, now=NOW)


def test_who_is_still_to_be_reminded(world: World) -> None:
    people = [world.student, world.other, world.cast.assistant]

    def due(key: str) -> set[int]:
        return still_due_for(world.course, key, people, now=NOW)

    assert due("projects.registration-closes") == {world.student.pk, world.other.pk}
    project = world.project()
    assert due("projects.registration-closes") == {world.other.pk}
    assert due("projects.submission") == {world.student.pk, world.other.pk}
    attempt(world, project)
    assert due("projects.submission") == {world.other.pk}
    enter_earlier_pass(enrolment=world.other, term="SS2023", by=world.staff)
    assert due("projects.registration-closes") == due("projects.submission") == set()


def test_who_has_no_project_is_reminded_of_the_deadline_where_registration_ends_with_it(world: World) -> None:
    rules = Assignment.objects.filter(pk=world.assignment.pk)
    for closes_at, reminded in ((None, {world.student.pk}), (DEADLINE - timedelta(days=9), set())):
        rules.update(registration_closes_at=closes_at)
        people = [world.student, world.cast.assistant]
        assert still_due_for(world.course, "projects.submission", people, now=NOW) == reminded


def propose(world: World, title: str = "Sparse attention") -> Topic:
    return propose_idea(
        enrolment=world.student, assignment=world.assignment, title=title, description="With data", team_max=2, now=NOW
    )


def test_an_accepted_idea_is_a_project_at_once(world: World) -> None:
    idea = propose(world)
    assert not Topic.objects.visible_to(world.other, now=NOW).filter(pk=idea.pk).exists()
    assert Topic.objects.visible_to(world.student, now=NOW).filter(pk=idea.pk).exists()
    # Proposed in time, decided after registration closed.
    project = decide_idea(topic=idea, is_accepted=True, reason="", now=DEADLINE + timedelta(days=1))
    assert project is not None
    assert project.topic == idea
    assert Notice.objects.filter(kind="projects.idea-decided").count() == 1


def test_a_declined_idea_has_a_reason(world: World) -> None:
    idea = propose(world)
    with pytest.raises(RuleViolation, match="Say why"):
        decide_idea(topic=idea, is_accepted=False, reason="", now=NOW)
    assert decide_idea(topic=idea, is_accepted=False, reason="Too large", now=NOW) is None
    with pytest.raises(RuleViolation, match="decided already"):
        decide_idea(topic=idea, is_accepted=True, reason="", now=NOW)
    assert propose(world, "Smaller").proposal == "open"


def test_one_idea_at_a_time(world: World) -> None:
    idea = propose(world)
    with pytest.raises(RuleViolation, match="waits for the staff"):
        propose(world, "Another")
    take_idea_back(topic=idea, now=NOW)
    assert propose(world, "Another").proposal == "open"
    world.assignment.takes_own_ideas = False
    world.assignment.save()
    with pytest.raises(RuleViolation, match="No own ideas are taken here"):
        propose(world, "Third")


def test_ideas_proposed_and_taken_back_all_day_reach_the_staff_five_times(world: World) -> None:
    for number in range(5):
        take_idea_back(topic=propose(world, f"Idea {number}"), now=NOW)
    with pytest.raises(RuleViolation, match="proposed 5 ideas today"):
        propose(world, "One more")
    staff = Enrolment.objects.staff().filter(course=world.course).count()
    assert Notice.objects.filter(kind="projects.idea-proposed").count() == 5 * staff


def test_an_idea_accepted_for_someone_with_a_project_waits_for_their_switch(world: World) -> None:
    idea = propose(world)
    world.project()
    assert decide_idea(topic=idea, is_accepted=True, reason="", now=NOW) is None
    idea.refresh_from_db()
    assert (idea.proposal, idea.taken, idea.is_available) == ("accepted", 0, True)


def test_who_has_a_result_or_is_excused_is_not_asked_whether_they_want_more_time(world: World) -> None:
    project, page = team_of_two(world), world.cast.client("student")
    address = reverse("projects:mine", args=["amls"])
    asking = reverse("projects:extension", args=["amls"])
    assert asking in page.get(address).content.decode()
    excuse(enrolment=world.student, assignment=world.assignment, by=world.staff, now=NOW)
    assert asking not in page.get(address).content.decode()
    end_excuse(enrolment=world.student, assignment=world.assignment, now=NOW)
    decide(world, project)
    assert asking in page.get(address).content.decode()
    publish_assessments(projects=[project], now=NOW)
    assert asking not in page.get(address).content.decode()
    with pytest.raises(RuleViolation, match="more time would change nothing"):
        request_extension(project=project, by=world.student, reason="Flu", wanted_until=None, now=NOW)
