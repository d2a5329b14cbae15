"""The course file and the projects: their rules, and topics that teams have."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone
from pytest_django import Settings

from amls.courses.models import Course, Enrolment
from amls.portal.takeover.apply import import_course
from amls.portal.takeover.export import export_course
from amls.portal.takeover.rollover import roll_over
from amls.portal.takeover.spec import CourseFileError, CourseSpec, TopicSpec
from amls.portal.takeover.toml import dump_toml, load_toml
from projects.models import Assignment, Project, Topic
from projects.services.registration import register_project, withdraw_project
from tests.factories import EnrolmentFactory, TopicFactory
from tests.seed import PAGE, import_seed, read_page
from tests.worlds import Worlds

NOW = timezone.now()
TEXT = PAGE.read_text(encoding="utf-8")


@pytest.fixture
def course(db: None, worlds: Worlds) -> Course:
    course = worlds.given("seed", import_seed)
    Assignment.objects.filter(course=course).update(
        due_at=NOW + timedelta(days=30),
        assessed_by=datetime(2024, 7, 19, 10, 0, tzinfo=UTC),
        takes_own_ideas=False,
        kinds_of_files=["zip", "pdf"],
        max_files=3,
        max_file_megabytes=20,
    )
    Course.objects.filter(pk=course.pk).update(state=Course.State.RUNNING)
    course.refresh_from_db()
    Topic.objects.filter(course=course).delete()
    TopicFactory.create(course=course, title="Sparse kernels", slots=2)
    TopicFactory.create(course=course, title="Compressed I/O", position=1)
    return course


def spec_of(course: Course) -> CourseSpec:
    """The course as its file would be read again."""
    return load_toml(dump_toml(export_course(course)))


def without(spec: CourseSpec, title: str) -> CourseSpec:
    return replace(spec, topics=tuple(topic for topic in spec.topics if topic.title != title))


def register(course: Course, title: str) -> Project:
    enrolment = EnrolmentFactory.create(course=course)
    return register_project(enrolment=enrolment, topic=course.topics.get(title=title), now=NOW)


def make_idea(course: Course, title: str) -> tuple[Topic, Enrolment]:
    author = EnrolmentFactory.create(course=course)
    return TopicFactory.create(
        course=course, track="Own ideas", title=title, proposal="accepted", proposed_by=author, proposed_at=NOW
    ), author


def test_every_rule_of_projects_stands_in_the_file(course: Course) -> None:
    spec = spec_of(course)
    assert spec == export_course(course)
    rules = spec.projects
    assert rules is not None
    assert rules.assessed_by == datetime(2024, 7, 19, 12, 0)
    assert (rules.takes_own_ideas, rules.kinds_of_files) == (False, ("zip", "pdf"))
    assert (rules.max_files, rules.max_file_megabytes) == (3, 20)
    assert not import_course(spec=spec, now=NOW)
    import_course(spec=spec, slug="again", now=NOW)
    assert export_course(Course.objects.get(slug="again")).projects == rules


def test_how_topics_are_given_by_wish_stands_in_the_file_and_moves_with_the_term(course: Course) -> None:
    closes = datetime(2024, 4, 30, 21, 59, tzinfo=UTC)
    by_wish = {"topics_given": "by-wish", "wishes_close_at": closes, "wishes_min": 2, "wishes_max": 5}
    Assignment.objects.filter(course=course).update(**by_wish)
    course.topics.filter(title="Sparse kernels").update(fewest_teams=2, must_be_held=True)
    import_course(spec=spec_of(course), slug="again", now=NOW)
    kept = Assignment.objects.get(course__slug="again")
    assert {name: getattr(kept, name) for name in by_wish} == by_wish
    topic = kept.course.topics.get(title="Sparse kernels")
    assert (topic.fewest_teams, topic.must_be_held) == (2, True)
    roll_over(course=course, new_slug="next", start=date(2025, 4, 14), now=NOW)
    new = Assignment.objects.get(course__slug="next")
    assert new.topics_given == "by-wish"
    assert new.wishes_close_at is not None
    assert new.wishes_close_at.astimezone(new.course.zone).strftime("%a %H:%M") == "Tue 23:59"
    assert new.wishes_close_at.year == 2025


def test_a_file_changes_the_rules_and_says_so(course: Course) -> None:
    spec = spec_of(course)
    assert spec.projects is not None
    wanted = replace(spec.projects, kinds_of_files=(".ZIP",), max_files=4, assessed_by=None, takes_own_ideas=True)
    diff = import_course(spec=replace(spec, projects=wanted), now=NOW)
    assert {str(entry) for entry in diff.entries} == {
        "~ Projects: assessed_by: 2024-07-19 12:00 → –",
        "~ Projects: kinds_of_files: zip, pdf → zip",
        "~ Projects: max_files: 3 → 4",
        "~ Projects: takes_own_ideas: False → True",
    }
    assert not import_course(spec=replace(spec, projects=wanted), now=NOW)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"kinds_of_files": ("docx",)}, "Projects, kinds_of_files: .*docx"),
        ({"kinds_of_files": ()}, "Projects, kinds_of_files: This field cannot be blank|Choose at least one"),
        ({"max_files": 0}, "at least one file of at least 1 MB"),
        ({"max_file_megabytes": 101}, "Projects, max_file_megabytes: This server takes files of up to 100 MB"),
    ],
)
def test_rules_that_cannot_be_kept_are_refused(course: Course, change: dict[str, object], why: str) -> None:
    spec = spec_of(course)
    assert spec.projects is not None
    with pytest.raises(CourseFileError, match=why):
        import_course(spec=replace(spec, projects=replace(spec.projects, **change)), now=NOW)
    assert Assignment.objects.get(course=course).max_files == 3


def test_a_page_keeps_the_rules_that_it_cannot_say(course: Course) -> None:
    before = export_course(course).projects
    import_course(spec=read_page(TEXT), now=NOW)
    after = export_course(course).projects
    assert before is not None
    assert after is not None
    assert replace(after, submission_deadline=before.submission_deadline) == before


def test_the_limit_of_the_server_is_named_at_the_desk(course: Course, settings: Settings) -> None:
    rules = Assignment.objects.get(course=course)
    settings.MAX_UPLOAD_BYTES = 20 * 1024**2
    rules.full_clean()
    settings.MAX_UPLOAD_BYTES -= 1
    with pytest.raises(ValidationError) as error:
        rules.full_clean()
    assert error.value.message_dict == {
        "max_file_megabytes": ["This server takes files of up to 19 MB. Choose at most that."]
    }


def test_a_topic_that_teams_have_is_closed_when_the_file_no_longer_names_it(course: Course) -> None:
    project = register(course, "Sparse kernels")
    spec = without(spec_of(course), "Sparse kernels")
    rehearsal = import_course(spec=spec, now=NOW, dry_run=True)
    assert Topic.objects.get(title="Sparse kernels").is_open
    diff = import_course(spec=spec, now=NOW)
    assert "~ Topic Sparse kernels: is_open: True → False" in map(str, diff.entries)
    assert diff.warnings == rehearsal.warnings
    assert "Topic Sparse kernels is not in the file, but 1 team has it: it is closed" in diff.warnings[0]
    topic = Topic.objects.get(title="Sparse kernels")
    assert (topic.is_open, topic.taken, list(topic.projects.all())) == (False, 1, [project])
    assert not import_course(spec=spec, now=NOW)


def test_a_topic_that_a_team_left_stays_closed_and_a_free_one_goes(course: Course) -> None:
    project = register(course, "Sparse kernels")
    withdraw_project(project=project, now=NOW)
    diff = import_course(spec=replace(spec_of(course), topics=()), now=NOW)
    assert "but a team had it" in diff.warnings[0]
    assert "- topic: Compressed I/O" in map(str, diff.entries)
    assert list(course.topics.values_list("title", "is_open")) == [("Sparse kernels", False)]


def test_fewer_slots_than_are_taken_are_refused(course: Course) -> None:
    for _team in range(2):
        register(course, "Sparse kernels")
    spec = spec_of(course)
    fewer = tuple(replace(topic, slots=1, description="New") for topic in spec.topics)
    with pytest.raises(
        CourseFileError, match=r"Topic Sparse kernels: 2 teams have it, so it can't have 1 slot. Give it at least 2"
    ):
        import_course(spec=replace(spec, topics=fewer), now=NOW)
    assert set(course.topics.values_list("slots", "description")) == {(2, ""), (1, "")}


def test_ideas_of_students_are_none_of_the_file(course: Course) -> None:
    idea, _author = make_idea(course, "My own idea")
    spec = spec_of(course)
    assert [topic.title for topic in spec.topics] == ["Sparse kernels", "Compressed I/O"]
    import_course(spec=replace(spec, topics=()), now=NOW)
    idea.refresh_from_db()
    assert (idea.is_open, idea.proposal) == (True, "accepted")
    taken = TopicSpec(track="Own ideas", title="My own idea")
    with pytest.raises(CourseFileError, match="Topic My own idea: a student has proposed an idea with this title"):
        import_course(spec=replace(spec, topics=(taken,)), now=NOW)


def test_rules_that_teams_need_are_not_removed(course: Course) -> None:
    register(course, "Sparse kernels")
    with pytest.raises(CourseFileError, match=r"\[projects\] is missing, but teams have registered"):
        import_course(spec=replace(spec_of(course), projects=None), now=NOW)
    assert Assignment.objects.filter(course=course).exists()


def test_a_new_term_starts_with_the_staffs_topics_and_free_slots(course: Course) -> None:
    register(course, "Sparse kernels")
    make_idea(course, "My own idea")
    roll_over(course=course, new_slug="next", start=date(2025, 4, 14), now=NOW)
    new = Course.objects.get(slug="next")
    assert list(new.topics.values_list("title", "taken", "proposal")) == [
        ("Sparse kernels", 0, ""), ("Compressed I/O", 0, ""),
    ]  # fmt: skip
    assert new.assignments.get().assessed_by.astimezone(new.zone).strftime("%a %H:%M") == "Fri 12:00"
    assert new.assignments.get().assessed_by.year == 2025
    assert new.assignments.get().kinds_of_files == ["zip", "pdf"]


def make_sheets(course: Course) -> None:
    """Two sheets, due on the Mondays before the lectures of Apr 25 and May 16, the second of which follows a gap."""
    for number, day in ((1, datetime(2024, 4, 22, 8, 0, tzinfo=UTC)), (2, datetime(2024, 5, 13, 8, 0, tzinfo=UTC))):
        Assignment.objects.create(
            course=course, kind="sheet", topics_given="", series="Übungsblatt", number=number, due_at=day,
            title=f"Übungsblatt {number}", position=number, teaming="kept", team_max=3, grading="points",
            max_points="20.5", opens_at=day - timedelta(days=7), description="Größe und **Łukasz**",
        )  # fmt: skip


def test_sheets_stand_in_the_file_and_come_back(course: Course) -> None:
    make_sheets(course)
    spec = spec_of(course)
    assert spec == export_course(course)
    assert [assignment.title for assignment in spec.assignments] == ["Übungsblatt 1", "Übungsblatt 2"]
    assert not import_course(spec=spec, now=NOW)
    import_course(spec=spec, slug="again", now=NOW)
    assert export_course(Course.objects.get(slug="again")).assignments == spec.assignments
    fewer = replace(spec, assignments=spec.assignments[:1])
    import_course(spec=fewer, now=NOW)
    assert list(course.assignments.filter(kind="sheet").values_list("number", flat=True)) == [1]


def test_a_new_term_has_its_sheets_in_the_same_teaching_weeks(course: Course) -> None:
    make_sheets(course)
    roll_over(course=course, new_slug="next", start=date(2025, 4, 14), now=NOW)
    new = Course.objects.get(slug="next")
    dues = [
        sheet.due_at.astimezone(new.zone)
        for sheet in new.assignments.filter(kind="sheet").order_by("number")
        if sheet.due_at
    ]
    assert [at.strftime("%a %d %b %H:%M") for at in dues] == ["Mon 21 Apr 10:00", "Mon 12 May 10:00"]
