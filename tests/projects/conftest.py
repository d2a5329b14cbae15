"""A course whose projects are open, at a fixed time."""

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from amls.courses.models import Course, Enrolment, User
from exams.models import ExamRules
from projects.deadlines import Deadlines
from projects.models import Assignment, Project, Topic
from projects.queries import TeamView, team_of
from projects.services.assignments import keep_assignment
from projects.services.registration import register_project
from tests.cast import Cast
from tests.factories import AssignmentFactory, EnrolmentFactory, TopicFactory

# Mon 8 Jul 2024, 23:59 in Berlin, as AMLS typed it; and a day in May.
DEADLINE = datetime(2024, 7, 8, 21, 59, tzinfo=UTC)
NOW = datetime(2024, 5, 6, 10, 0, tzinfo=UTC)


@dataclass
class World:
    """A course with a topic for teams of two or three, and its people."""

    cast: Cast
    assignment: Assignment
    topic: Topic
    single: Topic

    @property
    def course(self) -> Course:
        return self.cast.course

    @property
    def student(self) -> Enrolment:
        return self.cast.student

    @property
    def other(self) -> Enrolment:
        return self.cast.other_student

    @property
    def staff(self) -> User:
        return self.cast.assistant.user

    def another(self) -> Enrolment:
        return EnrolmentFactory.create(course=self.course)

    def team(self, enrolment: Enrolment) -> TeamView | None:
        assignment = Assignment.objects.get(pk=self.assignment.pk)
        return team_of(enrolment, assignment, Deadlines.of(assignment))

    def give_by_wish(self, *, closes_at: datetime, fewest: int) -> Assignment:
        """Let topics be given by wish, of which there are none yet."""
        Topic.objects.filter(assignment=self.assignment).delete()
        row = self.assignment
        row.topics_given, row.wishes_close_at, row.wishes_min = Assignment.TopicsGiven.BY_WISH, closes_at, fewest
        keep_assignment(row, now=NOW)
        return row

    def project(self, enrolment: Enrolment | None = None, topic: Topic | None = None) -> Project:
        return register_project(enrolment=enrolment or self.student, topic=topic or self.topic, now=NOW)


@pytest.fixture
def world(cast: Cast) -> World:
    Course.objects.filter(pk=cast.course.pk).update(contact_email="amls@example.org")
    ExamRules.objects.create(course=cast.course, max_extra_points=5, project_is_prerequisite=True)
    cast.course.refresh_from_db()
    for enrolment in (cast.student, cast.other_student, cast.assistant, cast.lecturer):
        enrolment.course = cast.course
    return World(
        cast,
        AssignmentFactory.create(course=cast.course, due_at=DEADLINE),
        TopicFactory.create(course=cast.course, title="Sparse kernels", team_min=2, team_max=3, slots=2),
        TopicFactory.create(course=cast.course, title="Compressed I/O"),
    )
