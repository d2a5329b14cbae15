"""The coursework of a course's file: tasks, topics by wish, lists and the rule come back the same, and move with a term."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from hypothesis import given

from amls.courses.models import Course, StaffMember
from amls.grading.models import Roll
from amls.grading.services import Count, enter
from amls.grading.tree import (
    DEEPEST,
    AllBlock,
    AnyBlock,
    Block,
    EarlierBlock,
    EntriesBlock,
    PassedBlock,
    PointsBlock,
    ProjectBlock,
)
from amls.portal.takeover.apply import import_course
from amls.portal.takeover.export import export_course
from amls.portal.takeover.references import blocks_of, rule_of
from amls.portal.takeover.rollover import roll_over
from amls.portal.takeover.spec import BlockSpec, CourseFileError, CourseSpec, ListSpec, TaskSpec
from amls.portal.takeover.toml import dump_toml, load_toml
from exams.services.rules import set_rule, whole_rule
from projects.models import Assignment, Handout, MentorLimit, Topic
from projects.services.handouts import add_handout, upload_handout
from projects.services.points import give_points, team_for_points
from projects.services.snippets import keep_snippets
from projects.services.teamsheets import Given
from tests.factories import CourseFactory, EnrolmentFactory, LectureFactory, TopicFactory, UserFactory
from tests.grading.test_rules import BLOCKS, KEYS
from tests.grading.test_rules import depth as depth_of

NOW = datetime(2024, 4, 10, 10, 0, tzinfo=UTC)
HEAD = 'format = 1\n[course]\nslug = "a"\ntitle = "b"\nterm = "SS2024"\n'


@pytest.fixture
def course(db: None) -> Course:
    """Two projects, three sheets with tasks, two lists, and a rule that speaks of all of them."""
    course = CourseFactory.create(slug="algorithms", term="SS2024", language="de", title="Algorithmen für Größen")
    LectureFactory.create(
        course=course, starts_at=datetime(2024, 4, 16, 8, tzinfo=UTC), ends_at=datetime(2024, 4, 16, 10, tzinfo=UTC)
    )
    mentor = StaffMember.objects.create(course=course, name="Łukasz Żółć", role="assistant")
    main = Assignment.objects.create(course=course, title="Das große Projekt", is_main=True, counts=False)
    talk = Assignment.objects.create(
        course=course, title="Vortrag", position=1, topics_given="by-wish", wishes_min=2, wishes_max=4, hours=20,
        wishes_close_at=datetime(2024, 5, 3, 16, tzinfo=UTC), is_mandatory=True, takes_own_ideas=False,
        registration_closes_at=datetime(2024, 5, 3, 16, tzinfo=UTC),
    )  # fmt: skip
    MentorLimit.objects.create(assignment=talk, mentor=mentor, most=2)
    sheets = []
    for number in (1, 2, 3):
        due = datetime(2024, 4, 22, 8, tzinfo=UTC) + timedelta(weeks=number)
        sheet = Assignment.objects.create(
            course=course, kind="sheet", topics_given="", series="Blatt", number=number, title=f"Blatt {number}",
            position=number + 1, grading="points", max_points=12, due_at=due, teaming="kept", team_max=3,
        )  # fmt: skip
        sheet.tasks.create(title="Größe", max_points="7.5", position=0)
        sheet.tasks.create(title="Beweis, mit Komma", max_points="4.5", position=1)
        sheets.append(sheet)
    TopicFactory.create(course=course, assignment=main, title="Sortieren", mentor=mentor)
    TopicFactory.create(
        course=course, assignment=talk, title="Sortieren", position=1, fewest_teams=2, must_be_held=True, slots=3
    )
    board = Roll.objects.create(course=course, title="An der Tafel")
    there = Roll.objects.create(course=course, title="Übung", planned=13)
    keep_snippets(course=course, texts=["Vorzeichen!", 'Begründung fehlt:\n– "warum"?', "よくできました"], now=NOW)
    rule = AllBlock((
        ProjectBlock(),
        PointsBlock(percent=Decimal("50.5"), leave_out=1),
        PointsBlock(of=(sheets[2].pk, sheets[0].pk), percent=Decimal(40), halves=True),
        AnyBlock((EarlierBlock(), AllBlock((EntriesBlock(board.pk, 2), PassedBlock(of=(talk.pk, main.pk), at_least=1))))),
        EntriesBlock(there.pk, 9),
    ))  # fmt: skip
    set_rule(course=course, rule=rule, by=None, now=NOW)
    return Course.objects.get(pk=course.pk)


def spec_of(course: Course) -> CourseSpec:
    """The course as its file would be read again."""
    return load_toml(dump_toml(export_course(course)))


def test_all_coursework_comes_back_the_same(course: Course) -> None:
    text = dump_toml(export_course(course))
    assert load_toml(text) == export_course(course)
    assert not import_course(spec=load_toml(text), now=NOW)
    import_course(spec=load_toml(text), slug="again", now=NOW)
    again = Course.objects.get(slug="again")
    assert dump_toml(export_course(again)) == text.replace('slug = "algorithms"', 'slug = "again"')
    titles = list(again.assignments.order_by("position", "pk").values_list("title", "max_points", "topics_given"))
    assert titles[:3] == [("Das große Projekt", None, "first-come"), ("Vortrag", None, "by-wish"), ("Blatt 1", 12, "")]
    topic = Topic.objects.get(assignment__course=again, assignment__title="Vortrag")
    assert (topic.title, topic.fewest_teams, topic.must_be_held) == ("Sortieren", 2, True)
    assert MentorLimit.objects.get(assignment__course=again).mentor.course == again
    last, first = (again.assignments.get(title=f"Blatt {number}").pk for number in (3, 1))
    halves = whole_rule(again).parts[2]
    assert isinstance(halves, PointsBlock)
    assert (halves.of, halves.halves) == ((last, first), True)
    assert isinstance(whole_rule(again).parts[0], ProjectBlock)


def test_the_files_of_assignments_come_back_the_same(course: Course) -> None:
    """As slides do: by name and hash, in their order, and one content is stored once."""
    sheet = course.assignments.get(title="Blatt 1")
    seen = datetime(2024, 4, 15, 8, tzinfo=UTC)
    row = add_handout(assignment=sheet, upload=SimpleUploadedFile("Größe 1.txt", b"old"), by=None, now=NOW)
    upload_handout(handout=row, upload=SimpleUploadedFile("Größe 1b.txt", b"new"), by=None, now=NOW)
    add_handout(assignment=sheet, upload=None, title="Daten", visible_from=seen, by=None, now=NOW)
    text = dump_toml(export_course(course))
    assert load_toml(text) == export_course(course)
    assert not import_course(spec=load_toml(text), now=NOW)
    import_course(spec=load_toml(text), slug="again", now=NOW)
    again = Course.objects.get(slug="again")
    assert dump_toml(export_course(again)) == text.replace('slug = "algorithms"', 'slug = "again"')
    handouts = list(Handout.objects.filter(assignment__course=again).select_related("current"))
    assert [(handout.title, handout.visible_from) for handout in handouts] == [("Größe 1", None), ("Daten", seen)]
    assert handouts[0].current is not None
    assert (handouts[0].current.filename, handouts[0].current.version) == ("Größe 1b.txt", 1)
    assert handouts[0].current.file.name == Handout.objects.get(pk=row.pk).current.file.name
    roll_over(course=course, new_slug="next", start=date(2025, 4, 14), now=NOW)
    assert not Handout.objects.filter(assignment__course__slug="next", current__isnull=False).exists()


def test_a_file_that_is_not_here_is_asked_for(course: Course) -> None:
    spec = load_toml(
        HEAD.replace('"a"', '"algorithms"') + '[[assignments]]\ntitle = "Blatt 1"\n'
        f'handouts = [{{title = "Sheet", file = "sheet.pdf", sha256 = "{"a" * 64}"}}]\n'
    )
    diff = import_course(spec=replace(spec, slug="elsewhere"), now=NOW)
    asked = "Assignment Blatt 1, file Sheet: upload 'sheet.pdf' yourself; this installation does not have it."
    assert diff.warnings == [asked]


def test_comments_of_a_file_are_bounded_like_typed_ones(course: Course) -> None:
    spec = replace(export_course(course), comment_snippets=("x" * 1001,))
    with pytest.raises(CourseFileError, match="Comment snippets: A snippet has at most 1000 letters"):
        import_course(spec=spec, now=NOW)


def test_a_file_of_before_is_still_read(db: None) -> None:
    """As 0.9.0 wrote it: most points without tasks, topics of the only project, neither lists nor a rule."""
    text = HEAD + (
        "[projects]\nsubmission_deadline = 2024-07-08T23:59:00\n"
        '[[topics]]\ntrack = "DAPHNE"\ntitle = "Sortieren"\n'
        '[[assignments]]\ntitle = "Sheet 1"\nseries = "Sheet"\nnumber = 1\ngrading = "points"\nmax_points = 20.5\n'
        '[[assignments]]\ntitle = "Second"\nkind = "project"\n'
    )
    import_course(spec=load_toml(text), now=NOW)
    made = list(
        Assignment.objects.order_by("position", "pk").values_list("title", "is_main", "topics_given", "max_points")
    )
    assert made == [
        ("Project", True, "first-come", None), ("Sheet 1", False, "", Decimal("20.50")), ("Second", False, "first-come", None),
    ]  # fmt: skip
    assert Topic.objects.get().assignment.title == "Project"
    assert not whole_rule(Course.objects.get()).parts
    assert not import_course(spec=spec_of(Course.objects.get()), now=NOW)


SHEETS = '[[assignments]]\ntitle = "Sheet 1"\ngrading = "points"\ntasks = [{title = "A", max_points = 3}]\n'


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('[[topics]]\ntrack = "x"\ntitle = "y"\nassignment = "Second"\n', r"line 9: topics\[0\]\.assignment says 'Second', which the file has not; it has Project"),
        (SHEETS.replace("3}", "3.1}"), r"line 9: assignments\[0\]\.tasks\[0\]\.max_points must be above 0, in quarters"),
        (SHEETS.replace("3}", "0}"), r"line 9: assignments\[0\]\.tasks\[0\]\.max_points must be above 0"),
        (SHEETS + "max_points = 4\n", r"line 10: assignments\[0\]\.max_points is not what its tasks add up to; leave it out"),
        (SHEETS.replace('points"\nt', 'passed"\nt'), r"line 8: assignments\[0\]\.grading must be 'points'"),
        (SHEETS + '[[admission]]\nblock = "points"\npercent = 50\nof = ["Sheet 2"]\n', r"line 13: admission\[0\]\.of says 'Sheet 2', which the file has not; it has Sheet 1"),
        ('[[admission]]\nblock = "points"\npercent = 120\n', r"line 8: admission\[0\]\.percent is not right: A share lies above 0 and is at most 100 percent\."),
        ('[[admission]]\nblock = "sum"\n', r"line 6: admission\[0\] is not right: This is no rule: look at 'block'\."),
        ('[[lists]]\ntitle = "There"\n[[admission]]\nblock = "entries"\nlist = "Board"\n', r"line 10: admission\[0\]\.list says 'Board', which the file has not; it has There"),
        ('[[admission]]\nblock = "any"\nparts = [\n  {block = "earlier"},\n  {block = "passed", of = ["X"]},\n]\n', r"line 8: admission\[0\]\.parts\[1\]\.of says 'X'"),
        ('[[admission]]\nblock = "earlier"\npercent = 5\n', r"line 6: admission\[0\] is not right: This is no rule: look at 'percent'"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_coursework_is_told_with_its_line(text: str, why: str) -> None:
    with pytest.raises(CourseFileError, match=why):
        load_toml(HEAD + text)


def _points_given(course: Course) -> None:
    sheet = course.assignments.get(title="Blatt 1")
    project = team_for_points(enrolment=EnrolmentFactory.create(course=course), assignment=sheet, now=NOW)
    task = sheet.tasks.get(title="Größe")
    give_points(project=project, given={task.pk: Given(Decimal(6))}, by=UserFactory.create(), now=NOW)


def _without_tasks(spec: CourseSpec) -> CourseSpec:
    first = next(place for place, row in enumerate(spec.assignments) if row.title == "Blatt 1")
    rows = list(spec.assignments)
    rows[first] = replace(rows[first], tasks=(TaskSpec(title="Anderes", max_points=Decimal(12)),))
    return replace(spec, assignments=tuple(rows))


def _smaller(spec: CourseSpec) -> CourseSpec:
    tasks = (TaskSpec(title="Größe", max_points=Decimal(5)), TaskSpec(title="Beweis, mit Komma", max_points=Decimal(7)))
    rows = [replace(row, tasks=tasks) if row.title == "Blatt 1" else row for row in spec.assignments]
    return replace(spec, assignments=tuple(rows))


def _no_project(spec: CourseSpec) -> CourseSpec:
    rows = [replace(row, kind="sheet", topics_given="") if row.title == "Vortrag" else row for row in spec.assignments]
    return replace(spec, assignments=tuple(rows), topics=spec.topics[:1])


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (_without_tasks, "Blatt 1: points were given for 'Größe', which is not in the file. Put it back"),
        (_smaller, "'Größe': somebody has 6 points for it already"),
        (_no_project, "Vortrag: it has topics or teams, so topics stay given as they are"),
    ],
)
def test_a_file_takes_nothing_from_people(course: Course, change: Callable[[CourseSpec], CourseSpec], why: str) -> None:
    _points_given(course)
    spec = spec_of(course)
    with pytest.raises(CourseFileError, match=why):
        import_course(spec=change(spec), now=NOW)
    assert spec_of(course) == spec


def test_a_file_changes_tasks_lists_and_the_rule_and_says_so(course: Course) -> None:
    _points_given(course)
    board = Roll.objects.get(course=course, title="An der Tafel")
    person = EnrolmentFactory.create(course=course)
    enter(roll_pk=board.pk, counts={person.pk: Count(1)}, by=UserFactory.create(), now=NOW)
    spec = spec_of(course)
    tasks = (
        TaskSpec(title="Größe", max_points=Decimal(8)),
        TaskSpec(title="Beweis, mit Komma", max_points=Decimal("4.5")),
    )
    rows = tuple(replace(row, tasks=tasks) if row.title == "Blatt 1" else row for row in spec.assignments)
    changed = replace(
        spec, assignments=rows, lists=(ListSpec(title="Übung", planned=14),),
        admission=(BlockSpec(block="points", percent=Decimal(60)),),
    )  # fmt: skip
    diff = import_course(spec=changed, now=NOW)
    said = str(diff)
    assert "~ Assignment Blatt 1: tasks: Größe 7.5, Beweis, mit Komma 4.5 → Größe 8, Beweis, mit Komma 4.5" in said
    assert "~ Rule of admission: admission: 5 → 2" in said
    assert diff.warnings == ["List An der Tafel is not in the file, but people stand in it: it stays."]
    assert course.assignments.get(title="Blatt 1").max_points == Decimal("12.5")
    assert board.entries.count() == 1
    assert Roll.objects.get(course=course, title="Übung").planned == 14


@given(BLOCKS)
def test_a_rule_is_the_same_after_it_stood_in_a_course_file(block: Block) -> None:
    assignments, lists = {f"Blatt {key}": key for key in [*KEYS, 99]}, {f"Liste {key}": key for key in range(1, 4)}
    rule = AllBlock((block,))
    said = blocks_of(
        rule, {key: title for title, key in assignments.items()}, {key: title for title, key in lists.items()}
    )
    if depth_of(rule) <= DEEPEST:
        assert rule_of(said, assignments, lists) == rule


def test_what_a_rule_speaks_of_and_is_gone_is_named_in_the_file(course: Course) -> None:
    course.assignments.get(title="Blatt 3").delete()
    with pytest.raises(CourseFileError, match=r"admission\[1\]\.of says '#\d+', which the file has not"):
        spec_of(course)


def test_a_new_term_has_the_tasks_the_lists_the_wishes_and_the_rule(course: Course) -> None:
    diff = roll_over(course=course, new_slug="next", start=date(2025, 4, 14), now=NOW)
    assert not any("rule of admission" in warning for warning in diff.warnings)
    new = Course.objects.get(slug="next")
    sheets = {sheet.title: sheet for sheet in new.assignments.filter(series="Blatt").prefetch_related("tasks")}
    assert {len(sheet.tasks.all()) for sheet in sheets.values()} == {2}
    last = new.assignments.get(title="Vortrag").wishes_close_at
    assert last is not None
    assert last.astimezone(new.zone).strftime("%a %d %b %Y %H:%M") == "Fri 02 May 2025 18:00"
    assert set(Roll.objects.filter(course=new).values_list("title", "planned", "held")) == {
        ("An der Tafel", None, 0), ("Übung", 13, 0),
    }  # fmt: skip
    halves = whole_rule(new).parts[2]
    assert isinstance(halves, PointsBlock)
    assert halves.of == (sheets["Blatt 3"].pk, sheets["Blatt 1"].pk)


def test_a_new_term_says_which_part_of_the_rule_it_has_not(course: Course) -> None:
    """One of two sheets is gone, and the list of a block: what is left of the rule is taken over, the rest is named."""
    gone = course.assignments.get(title="Blatt 3")
    there = Roll.objects.get(course=course, title="Übung")
    keys = f"#{gone.pk}, #{there.pk}"
    gone.delete()
    there.delete()
    diff = roll_over(course=course, new_slug="next", start=date(2025, 4, 14), now=NOW)
    said = [warning for warning in diff.warnings if "rule of admission" in warning]
    said_so = (
        f"The rule of admission speaks of what is gone ({keys}): that part is not in the new course, where nobody has"
    )
    assert said == [f"{said_so} to meet it. Look at the rule at /next/staff/admission/."]
    new = Course.objects.get(slug="next")
    rule = whole_rule(new)
    assert [type(part).__name__ for part in rule.parts] == ["ProjectBlock", "PointsBlock", "PointsBlock", "AnyBlock"]
    assert isinstance(rule.parts[2], PointsBlock)
    assert rule.parts[2].of == (new.assignments.get(title="Blatt 1").pk,)
