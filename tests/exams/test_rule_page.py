"""The builder of the rule of admission: buttons, no JavaScript, and nothing holds before it was seen."""

import html
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from hypothesis import given

from amls.courses.eligibility import Verdict
from amls.courses.models import Course
from amls.grading.facts import facts_of
from amls.grading.services import Count, delete_roll, enter, keep_roll
from amls.grading.tree import (
    BLOCKS,
    DEEPEST,
    AllBlock,
    AnyBlock,
    Block,
    EarlierBlock,
    EntriesBlock,
    PassedBlock,
    PointsBlock,
    ProjectBlock,
    fields_of,
    walk,
)
from amls.grading.words import findings_of
from exams.builder import KINDS, RuleDraft
from exams.models import AdmissionDecision, ExamRules
from exams.services.admission import admit_whoever_fulfils_the_rules
from exams.services.registration import register
from exams.services.rules import set_rule, whole_rule
from projects.models import Assignment
from projects.services.assessing import publish_assessments
from projects.services.assignments import delete_assignment
from projects.services.points import give_points, team_for_points
from projects.services.teamsheets import Given
from tests.cast import Cast
from tests.factories import OpenExamFactory
from tests.grading.test_rules import BLOCKS as RULES
from tests.grading.test_rules import depth as depth_of
from tests.markup import sent_by

pytestmark = pytest.mark.django_db
JUNE = datetime(2024, 6, 20, 10, tzinfo=UTC)
PAGE = "/amls/staff/admission/"


class RuleForm:
    """The page in a browser without JavaScript: what stands in its form is sent with the button that is pressed."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.answer: Any = client.get(PAGE)

    def press(self, button: str = "", value: str = "", **typed: Any) -> "RuleForm":
        """Type something, and press a button; none is the Enter key."""
        data: dict[str, Any] = sent_by(self.answer.content.decode())
        data |= typed
        self.answer = self.client.post(PAGE, data | ({button: value} if button else {}))
        return self

    def add(self, kind: str, to: str = "b") -> "RuleForm":
        """Add a block to a group."""
        return self.press("do", f"add:{to}", **{f"add-{to}": kind})

    @property
    def kinds(self) -> list[str]:
        """The kinds of the blocks, in their order."""
        sent = sent_by(self.answer.content.decode())
        return [sent[name][0] for name in sent if name.endswith("-kind") and name != "b-kind"]


@pytest.fixture
def builder(cast: Cast) -> RuleForm:
    ExamRules.objects.create(course=cast.course, needs_matriculation_number=False)
    return RuleForm(cast.client("lecturer"))


def rule_of(cast: Cast) -> AllBlock:
    return whole_rule(Course.objects.get(pk=cast.course.pk))


def test_a_rule_is_built_by_buttons_and_holds_once_it_was_seen(cast: Cast, builder: RuleForm) -> None:
    roll = keep_roll(course=cast.course, title="Tutorial", planned=12, held=4, now=JUNE)
    builder.add("points").add("any").add("entries", "b-1").add("earlier", "b-1").add("project")
    assert builder.kinds == ["points", "any", "entries", "earlier", "project"]
    builder.press("do", "up:b-2").press("do", "up:b-1").press("do", "down:b-1").press("do", "remove:b-2")
    assert builder.kinds == ["project", "any", "entries", "earlier"]
    builder.press()
    assert (builder.answer.status_code, "Choose a list." in builder.answer.content.decode()) == (422, True)
    data = {"b-1-0-roll": str(roll.pk), "b-1-0-at_least": "9"}
    builder.press("", "", **data)
    assert builder.answer.status_code == 200
    page = builder.answer.content.decode()
    assert "One of: Tutorial: at least 9 times; Passed in an earlier term" in page
    assert rule_of(cast) == AllBlock()
    builder.press("_agreed", "1")
    assert builder.answer.status_code == 302
    assert rule_of(cast) == AllBlock((ProjectBlock(), AnyBlock((EntriesBlock(roll.pk, 9), EarlierBlock()))))


def test_every_block_is_offered_with_an_input_for_each_of_its_fields(cast: Cast, builder: RuleForm) -> None:
    keep_roll(course=cast.course, title="Tutorial", planned=12, held=4, now=JUNE)
    Assignment.objects.create(course=cast.course, kind="sheet", topics_given="", title="Blatt 1", grading="points")
    assert set(KINDS) == set(BLOCKS)
    for kind in BLOCKS:
        builder.add(kind)
    page = builder.answer.content.decode()
    for place, kind in enumerate(BLOCKS):
        asked = set(re.findall(rf'name="b-{place}-(\w+)"', page)) | set(re.findall(rf'name="add-b-{place}()"', page))
        assert asked == {"kind", *(name.replace("parts", "") for name in fields_of(kind))}, kind


@given(RULES)
def test_a_rule_is_the_same_after_it_was_built(block: Block) -> None:
    rule = AllBlock((block,))
    is_hollow = any(isinstance(part, AllBlock | AnyBlock) and not part.parts for part in walk(block))
    if is_hollow or depth_of(rule) > DEEPEST:
        return
    assert RuleDraft.of_rule(rule).rule() == rule


def test_what_is_wrong_stands_beside_its_block_with_what_was_typed(builder: RuleForm) -> None:
    builder.add("points").press("", "", **{"b-0-percent": "fünfzig"})
    page = builder.answer.content.decode()
    assert builder.answer.status_code == 422
    assert 'value="fünfzig"' in page
    assert "A share lies above 0 and is at most 100 percent." in page
    builder.press("", "", **{"b-0-percent": "62,5", "b-0-leave_out": "2", "b-0-halves": "on"})
    assert "Choose either the halves or how many are left out" in builder.answer.content.decode()


@pytest.mark.parametrize("percent", ["-1", "0", "100,5", "1e-9", "NaN", "９" * 30, "50%", "<b>", "\x00", "Infinity"])
@pytest.mark.parametrize("button", ["", "_agreed"])
def test_no_share_breaks_the_page(cast: Cast, builder: RuleForm, percent: str, button: str) -> None:
    builder.add("points").press(button, "1", **{"b-0-percent": percent})
    assert builder.answer.status_code == 422
    assert rule_of(cast) == AllBlock()


@pytest.mark.parametrize(
    "act", ["add:b-7", "add:", "up:b", "remove:b", "down:b-9-9", "up:b-0", "x", "remove:b-0-0-0-0-0"]
)
def test_buttons_that_are_none_do_nothing(builder: RuleForm, act: str) -> None:
    builder.add("points").press("do", act)
    assert (builder.answer.status_code, builder.kinds) == (200, ["points"])


def test_a_form_of_endless_blocks_is_cut_short(cast: Cast, builder: RuleForm) -> None:
    data = {"b-kind": "all"} | {f"b{'-0' * depth}-kind": "all" for depth in range(1, 400)}
    data |= {f"b-{number}-kind": "points" for number in range(1, 400)}
    assert builder.client.post(PAGE, data).status_code == 422
    assert rule_of(cast) == AllBlock()


def test_who_agrees_to_what_was_changed_meanwhile_is_shown_it_anew(cast: Cast, builder: RuleForm) -> None:
    builder.add("earlier").press()
    set_rule(course=cast.course, rule=AllBlock((PointsBlock(),)), by=cast.assistant.user, now=JUNE)
    builder.press("_agreed", "1")
    refused = builder.answer.content.decode()
    assert " changed the rule meanwhile. It asks now: " in html.unescape(refused)
    assert rule_of(cast) == AllBlock((PointsBlock(),))
    # What was built stays, and holds once it was looked at with what holds by now.
    assert builder.kinds == ["earlier"]
    builder.press().press("_agreed", "1")
    assert rule_of(cast) == AllBlock((EarlierBlock(),))


def test_admissions_are_taken_back_where_staff_tick_them_with_a_reason(cast: Cast, builder: RuleForm) -> None:
    roll = keep_roll(course=cast.course, title="Tutorial", planned=12, held=12, now=JUNE)
    counts = {cast.student.pk: Count(8), cast.other_student.pk: Count(7)}
    enter(roll_pk=roll.pk, counts=counts, by=cast.assistant.user, now=JUNE)
    set_rule(course=cast.course, rule=AllBlock((EntriesBlock(roll.pk, 6),)), by=cast.lecturer.user, now=JUNE)
    exam = OpenExamFactory.create(course=cast.course, starts_at=timezone.now() + timedelta(days=3), opens_at=JUNE)
    for enrolment in (cast.student, cast.other_student):
        register(enrolment=enrolment, exam_pk=exam.pk, now=JUNE)
    admit_whoever_fulfils_the_rules(course=Course.objects.get(pk=cast.course.pk), now=JUNE)
    builder = RuleForm(builder.client).press("", "", **{"b-0-at_least": "10"})
    page = builder.answer.content.decode()
    assert "Admitted already, and not by this rule" in page
    builder.press("_agreed", "1", take=[str(cast.student.pk)], reason=" ")
    assert (builder.answer.status_code, "Give the reason of the decision." in builder.answer.content.decode()) == (
        422,
        True,
    )
    builder.press("_agreed", "1", take=[str(cast.student.pk)], reason="Entered by mistake")
    assert builder.answer.status_code == 302
    decisions = AdmissionDecision.objects.filter(is_by_hand=True).values_list("enrolment", "verdict", "reason")
    assert list(decisions) == [(cast.student.pk, "by_rules", "Entered by mistake")]


def test_looking_at_it_writes_nothing(cast: Cast, builder: RuleForm) -> None:
    builder.add("points").press()
    assert ExamRules.objects.get().rule == {}


def test_a_rule_that_speaks_of_what_is_gone_says_so_at_its_block(cast: Cast, builder: RuleForm) -> None:
    """Nothing is left out in silence: whatever was chosen and is gone stays ticked until the staff choose anew."""
    kept, gone = (
        Assignment.objects.create(
            course=cast.course, kind="sheet", topics_given="", title=title, grading="points", max_points=10
        )
        for title in ("Blatt 1", "Blatt 2")
    )
    roll = keep_roll(course=cast.course, title="Übung", planned=12, held=4, now=JUNE)
    rule = AllBlock((PointsBlock(of=(kept.pk, gone.pk)), EarlierBlock(), EntriesBlock(roll.pk, 9)))
    set_rule(course=cast.course, rule=rule, by=cast.lecturer.user, now=JUNE)
    key = str(gone.pk)
    delete_assignment(gone, now=JUNE)
    delete_roll(course=cast.course, roll_pk=roll.pk, by=None, now=JUNE)
    page = RuleForm(builder.client)
    said = page.answer.content.decode()
    assert '<p class="error" id="b-0-problem">An assignment is gone: take it out, or choose another.</p>' in said
    assert '<p class="error" id="b-2-problem">This list is gone: choose another.</p>' in said
    assert 'id="b-1-problem"' not in said
    sent = sent_by(said)
    assert sent["b-0-of"] == [key, str(kept.pk)]
    page.press()
    assert page.answer.status_code == 422
    assert '<a href="#b-0-problem">' in page.answer.content.decode()
    assert rule_of(cast) == rule
    page.press("do", "remove:b-2", **{"b-0-of": [str(kept.pk)]}).press().press("_agreed", "1")
    assert page.answer.status_code == 302
    assert rule_of(cast) == AllBlock((PointsBlock(of=(kept.pk,)), EarlierBlock()))


@pytest.mark.parametrize("block", [PointsBlock, PassedBlock])
def test_a_rule_about_an_assignment_that_is_gone_lets_nobody_through(
    cast: Cast, block: type[PointsBlock | PassedBlock]
) -> None:
    """Also where what is left of it would be met: nobody can tell what the gone one would have asked."""
    kept, gone = (
        Assignment.objects.create(
            course=cast.course, kind="sheet", topics_given="", title=title, grading="points", max_points=10
        )
        for title in ("Blatt 1", "Blatt 2")
    )
    project = team_for_points(enrolment=cast.student, assignment=kept, now=JUNE)
    give_points(project=project, given={None: Given(Decimal(10))}, by=cast.lecturer.user, now=JUNE)
    publish_assessments(projects=[project], now=JUNE)
    rule = AllBlock((block(of=(kept.pk, gone.pk)),))
    delete_assignment(gone, now=JUNE)
    facts = facts_of(cast.course, [cast.student], now=JUNE)[cast.student.pk]
    (finding,) = findings_of(rule, facts)
    assert finding.verdict == Verdict.PENDING
    assert finding.text.endswith("something of it is gone, the course has to mend this rule")


def test_who_deletes_what_the_rule_names_is_told_what_follows(cast: Cast, settings: Any) -> None:
    settings.STAFF_NEEDS_SECOND_FACTOR = False
    sheets = [
        Assignment.objects.create(course=cast.course, kind="sheet", title=title, topics_given="", position=1)
        for title in ("Blatt 1", "Blatt 2")
    ]
    roll = keep_roll(course=cast.course, title="Übung", planned=None, held=0, now=JUNE)
    rule = AllBlock((AnyBlock((PassedBlock(of=(sheets[0].pk,)), EntriesBlock(roll.pk, 1))),))
    set_rule(course=cast.course, rule=rule, by=None, now=JUNE)
    staff, warning = cast.client("lecturer"), "The rule of admission names "
    for sheet, is_named in zip(sheets, (True, False), strict=True):
        page = staff.get(reverse("admin:projects_assignment_delete", args=[sheet.pk])).content.decode()
        assert (f"{warning}{sheet.title}." in page) == is_named
    assert f"{warning}this list." in staff.get(f"/amls/staff/lists/{roll.pk}/").content.decode()
