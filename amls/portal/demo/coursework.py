"""The demo's course with weekly sheets, a rule of admission from blocks, lists, and topics that are given by wish."""

from __future__ import annotations

import random
import tomllib
import uuid
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

from django.db import transaction

from amls.core.clock import from_wall_clock
from amls.courses.models import Course, Enrolment, Role, StaffMember, User
from amls.courses.participation import enrol
from amls.courses.services import quietly
from amls.grading.points import QUARTER
from amls.grading.services import Count, enter, keep_roll
from amls.grading.tree import AllBlock, EntriesBlock, PointsBlock
from amls.mail.models import Notice
from amls.portal.demo.projects import make_report
from amls.portal.takeover.apply import import_course
from amls.portal.takeover.rollover import term_label
from amls.portal.takeover.spec import (
    CourseSpec,
    ExamSpec,
    FreeDaySpec,
    LectureSpec,
    ProjectSpec,
    SlotSpec,
    StaffSpec,
    TopicSpec,
)
from exams.services.rules import set_rule
from projects.models import (
    Assessment,
    Assignment,
    Membership,
    MentorLimit,
    Outcome,
    Project,
    Submission,
    Task,
    TaskPoints,
    Topic,
    TopicPlacement,
)
from projects.services.allocating import ALLOCATIONS, ask_allocation
from projects.services.excuses import excuse
from projects.services.handin import hand_in
from projects.services.joining import team_for
from projects.services.points import give_points
from projects.services.registration import add_member
from projects.services.series import make_series, plan_series
from projects.services.solving import allocate_next
from projects.services.teamsheets import Given
from projects.services.wishes import form_team, keep_mentor_limit, keep_placement, rank_topics

COURSEWORK = "algorithms"
_DATA = tomllib.loads((Path(__file__).resolve().parent / "coursework.toml").read_text(encoding="utf-8"))
# Today lies in the eighth week; Monday of the fifth is a holiday.
_WEEKS_BEHIND, _HOLIDAY_WEEK = 7, 4
_ZONE = ZoneInfo("Europe/Berlin")
_SHEET_POINTS = Decimal(20)
_MENTORS = ("Łukasz Żółć", "Ștefan Ionescu")
# The demo's students by number; the first of each is who hands in, and how well they do, of 1.
_SHEET_TEAMS = (((1, 2, 3), 0.62), ((4, 5), 0.86), ((6, 7, 8), 0.48), ((9, 10), 0.74), ((11,), 0.35))
# Each team of the project with what it wishes for, by the place of the topics.
_PROJECT_TEAMS = (
    ((1, 4), (3, 0, 6, 4)),
    ((2, 3), (3, 6, 1)),
    ((5, 6, 7), (0, 3, 2, 5)),
    ((8, 9), (4, 1, 0)),
    ((10,), (3,)),
)
_PRESENTED = (1, 2, 0, 2, 1, 1, 0, 2, 1, 1, 0, 0)


def make_coursework(people: dict[str, User], *, now: datetime) -> None:
    """Make the course as it stands in its eighth week; one that is there stays as it is.

    Args:
        people: the demo's accounts by address.
        now: by which all its dates go, so that a sheet and the wishes are open.
    """
    if Course.objects.filter(slug=COURSEWORK).exists():
        return
    with quietly():
        import_course(spec=_spec(now), now=now)
        course = Course.objects.get(slug=COURSEWORK)
        course.state = Course.State.RUNNING
        course.save(update_fields=["state"])
        story = _DemoTerm(course, people, now)
        story.set_sheets()
        story.work_on_sheets()
        story.keep_lists()
        story.wish()
    # Nobody waits for mail about what the demo made.
    Notice.objects.filter(course=course).delete()


def _monday(now: datetime) -> date:
    """Return the first day of the course."""
    today = now.astimezone(_ZONE).date()
    return today - timedelta(days=today.weekday(), weeks=_WEEKS_BEHIND)


def _spec(now: datetime) -> CourseSpec:
    monday, today = _monday(now), now.astimezone(_ZONE).replace(tzinfo=None, hour=0, minute=0, second=0, microsecond=0)
    last = monday + timedelta(weeks=len(_DATA["lectures"]), days=-3)
    lectures = []
    for number, title in enumerate(_DATA["lectures"]):
        held = datetime.combine(monday + timedelta(weeks=number, days=1), time(10))
        lectures.append(
            LectureSpec(
                number=f"{number + 1:02}", title=title, starts_at=held, ends_at=held + timedelta(hours=2), room="H 0105"
            )
        )
    exam_at = datetime.combine(last + timedelta(days=11), time(9))
    return CourseSpec(
        slug=COURSEWORK,
        title="Algorithms and Data Structures",
        term=term_label("SS2024", monday),
        kinds=("VL", "UE"),
        institution="TU Berlin",
        language="en",
        timezone=_ZONE.key,
        description=_DATA["description"].strip(),
        first_day=monday,
        last_day=last,
        contact_email="algorithms@example.org",
        enrolment_policy="open",
        slots=(SlotSpec(weekday="tuesday", start=time(10), end=time(12), room="H 0105"),),
        staff=(
            StaffSpec(role="lecturer", name="Prof. Dr. Ayşe Größe"),
            *(StaffSpec(role="assistant", name=mentor) for mentor in _MENTORS),
        ),
        lectures=tuple(lectures),
        free_days=(FreeDaySpec(date=monday + timedelta(weeks=_HOLIDAY_WEEK), title="Holiday"),),
        projects=ProjectSpec(
            submission_deadline=datetime.combine(last, time(23, 59)),
            registration_opens_at=today - timedelta(days=7),
            registration_closes_at=today + timedelta(days=3, hours=18),
            topics_given="by-wish",
            wishes_close_at=today + timedelta(days=3, hours=18),
            wishes_min=2,
            wishes_max=5,
            takes_own_ideas=False,
            hours=40,
        ),
        topics=tuple(
            TopicSpec(**{**topic, "skills": tuple(topic["skills"])}, team_min=1, team_max=3)
            for topic in _DATA["topics"]
        ),
        exams=(
            ExamSpec(
                starts_at=exam_at,
                opens_at=today - timedelta(days=14),
                closes_at=exam_at - timedelta(days=7),
                withdraw_until=exam_at - timedelta(days=3),
                place="H 0105",
                capacity=300,
            ),
        ),
    )


class _DemoTerm:
    def __init__(self, course: Course, people: dict[str, User], now: datetime) -> None:
        self.course, self.now = course, now
        self.lecturer, self.assistant = people["lecturer@example.org"], people["assistant@example.org"]
        enrol(user=self.lecturer, course=course, role=Role.LECTURER)
        enrol(user=self.assistant, course=course, role=Role.ASSISTANT)
        students = [user for address, user in people.items() if address.startswith("student")]
        self.students: list[Enrolment] = [enrol(user=user, course=course) for user in students]
        self.chance = random.Random(90125)  # noqa: S311 - points of a demo

    def student(self, number: int) -> Enrolment:
        return self.students[number - 1]

    def set_sheets(self) -> None:
        first_due = from_wall_clock(datetime.combine(_monday(self.now) + timedelta(days=7), time(10)), _ZONE)
        planned = plan_series(self.course, name="Sheet", first=1, last=12, due_at=first_due, open_days=7)
        values = {
            "teaming": Assignment.Teaming.KEPT, "team_max": 3, "late_cutoff_hours": 24,
            "grading": Assignment.Grading.POINTS, "max_points": _SHEET_POINTS, "kinds_of_files": ["pdf", "zip"],
        }  # fmt: skip
        self.sheets = make_series(
            course=self.course, name="Sheet", planned=planned, values=values, by=self.lecturer, now=self.now
        )
        tasks = Task.objects.bulk_create(
            Task(assignment=sheet, title=title, max_points=Decimal(str(points)), position=place)
            for sheet, tasks in zip(self.sheets, _DATA["sheets"], strict=True)
            for place, (title, points) in enumerate(tasks)
        )
        self.tasks = {sheet.pk: [task for task in tasks if task.assignment_id == sheet.pk] for sheet in self.sheets}

    def work_on_sheets(self) -> None:
        """Hand in what is due, and some of what is open; the last that is due is being graded."""
        is_due = [sheet.due_at is not None and sheet.due_at < self.now - timedelta(minutes=1) for sheet in self.sheets]
        due = self.sheets[: sum(is_due)]
        self.tell_past(due[:-1])
        newest = due[-1]
        for place, (numbers, skill) in enumerate(_teams_of(newest)[:4]):
            project = self.hand_in(newest, numbers, _before(newest, hours=3 + 5 * place))
            if place < 2:
                given: dict[int | None, Given] = {task: Given(*got) for task, got in self.points_of(newest, skill)}
                give_points(project=project, given=given, by=self.assistant, now=_before(newest, hours=-1))
        opened = self.sheets[len(due)]
        if opened.opens_at is not None and opened.opens_at < self.now - timedelta(hours=1):
            for place, (numbers, _skill) in enumerate(_teams_of(opened)[:2]):
                self.hand_in(opened, numbers, self.now - timedelta(minutes=50 - place))
        for number, sheet in ((1, self.sheets[2]), (9, self.sheets[3])):
            excuse(enrolment=self.student(number), assignment=sheet, by=self.assistant, now=_before(sheet, hours=40))

    def tell_past(self, sheets: Sequence[Assignment]) -> None:
        """Write what came of these sheets in one stroke: teams, attempts, and points that are published."""
        works = [(sheet, numbers, skill) for sheet in sheets for numbers, skill in _teams_of(sheet)]
        at = [_before(sheet, hours=3 + 5 * numbers[0]) for sheet, numbers, _skill in works]
        projects = Project.objects.bulk_create(
            Project(assignment=sheet, registered_at=began)
            for (sheet, _numbers, _skill), began in zip(works, at, strict=True)
        )
        told = list(zip(projects, works, at, strict=True))
        Membership.objects.bulk_create(
            Membership(
                project=project, assignment=sheet, enrolment=self.student(number), joined_at=project.registered_at
            )
            for project, (sheet, numbers, _skill), _began in told
            for number in numbers
        )
        Submission.objects.bulk_create(
            Submission(
                project=project,
                attempt=1,
                submitted_by=self.student(numbers[-1]),
                began_at=began,
                received_at=began,
                repository_url="https://git.example.org/team/sheets",
                commit=f"{self.chance.getrandbits(48):012x}",
            )
            for project, (_sheet, numbers, _skill), began in told
        )
        for project, (sheet, _numbers, skill), _began in told:
            got = dict(self.points_of(sheet, skill))
            is_passed = 2 * sum(points for points, _comment in got.values()) >= (sheet.max_points or 0)
            assessment = Assessment.objects.create(
                project=project,
                outcome=Outcome.PASSED if is_passed else Outcome.FAILED,
                assessed_by=self.assistant,
                assessed_at=_before(sheet, hours=-72),
                published_at=_before(sheet, hours=-96),
            )
            TaskPoints.objects.bulk_create(
                TaskPoints(assessment=assessment, task_id=task, points=points, comment=comment)
                for task, (points, comment) in got.items()
            )

    def points_of(self, sheet: Assignment, skill: float) -> Iterator[tuple[int, tuple[Decimal, str]]]:
        for task in self.tasks[sheet.pk]:
            share = min(1.0, max(0.0, self.chance.gauss(skill, 0.15)))
            points = min(round(task.max_points * Decimal(share) / QUARTER) * QUARTER, task.max_points)
            yield task.pk, (points, self.chance.choice(["", "", "The idea is right, the last step needs a reason."]))

    def hand_in(self, sheet: Assignment, numbers: tuple[int, ...], at: datetime) -> Project:
        """Hand a PDF in, by the last of a team, which is kept from the sheet before."""
        project = team_for(enrolment=self.student(numbers[0]), assignment=sheet, now=at)
        hand_in(
            project=project,
            by=self.student(numbers[-1]),
            uploads=[make_report()],
            request_key=uuid.uuid4(),
            began_at=at,
            now=at + timedelta(seconds=4),
        )
        return project

    def keep_lists(self) -> None:
        presented = keep_roll(course=self.course, title="Presented at the board", planned=None, held=0, now=self.now)
        attended = keep_roll(
            course=self.course, title="Tutorial", planned=len(_DATA["lectures"]) - 1, held=_WEEKS_BEHIND, now=self.now
        )
        counts = {student.pk: Count(count) for student, count in zip(self.students, _PRESENTED, strict=True)}
        enter(roll_pk=presented.pk, counts=counts, by=self.assistant, now=self.now)
        attendance = {
            student.pk: Count(self.chance.randint(4, _WEEKS_BEHIND - 1), int(number % 5 == 0))
            for number, student in enumerate(self.students[:-1])
        }
        enter(roll_pk=attended.pk, counts=attendance, by=self.assistant, now=self.now)
        rule = AllBlock((PointsBlock(percent=Decimal(50), leave_out=2), EntriesBlock(roll=presented.pk, at_least=2)))
        set_rule(course=self.course, rule=rule, by=self.lecturer, now=self.now)

    def wish(self) -> None:
        """Teams rank topics; one run shows what would come of it, while wishes are still open."""
        assignment = Assignment.objects.select_related("course").get(course=self.course, is_main=True)
        topics = list(Topic.objects.filter(assignment=assignment).order_by("position"))
        teams = []
        for place, (numbers, wishes) in enumerate(_PROJECT_TEAMS):
            at = self.now - timedelta(days=2, hours=place)
            first = self.student(numbers[0])
            project = form_team(assignment=assignment, enrolment=first, now=at)
            with transaction.atomic():
                for number in numbers[1:]:
                    add_member(project, self.student(number), now=at)
            ranked = [topics[wish].pk for wish in wishes]
            rank_topics(project=project, topics=ranked, version=0, by=first, now=at + timedelta(hours=1))
            teams.append(project)
        mentor = StaffMember.objects.get(course=self.course, name=_MENTORS[1])
        limit = MentorLimit(assignment=assignment, mentor=mentor, most=2)
        keep_mentor_limit(limit, by=self.lecturer, now=self.now)
        excluded = TopicPlacement(project=teams[1], topic=topics[6], kind=TopicPlacement.Kind.EXCLUDED)
        excluded.reason = "Wrote a thesis on it."
        keep_placement(excluded, by=self.lecturer, now=self.now)
        ask_allocation(assignment=assignment, by=self.lecturer, now=self.now)
        ALLOCATIONS.work_off(allocate_next)


def _teams_of(sheet: Assignment) -> list[tuple[tuple[int, ...], float]]:
    """Return who hands a sheet in, with how well they do: who works alone hands in every other one only."""
    return [(numbers, skill) for numbers, skill in _SHEET_TEAMS if len(numbers) > 1 or (sheet.number or 0) % 2]


def _before(sheet: Assignment, *, hours: int) -> datetime:
    """Return a moment so many hours before a sheet is due."""
    assert sheet.due_at is not None  # noqa: S101 - every sheet of a series is due
    return sheet.due_at - timedelta(hours=hours)
