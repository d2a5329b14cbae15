"""A course as large as they get, in few statements: 100 lectures, 180 teams of three, 600 people, an exam with all of them."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from amls.courses.models import Course, Enrolment, Role, RosterEntry, User
from amls.mail.models import Notice
from exams.models import Exam, Registration
from lectures.models import Lecture, Material
from projects.models import (
    Assessment,
    Assignment,
    Extension,
    ExtensionRequest,
    Invitation,
    Membership,
    Project,
    Submission,
    Topic,
)
from tests.factories import AssignmentFactory, CourseFactory, EnrolmentFactory, PartFactory, StaffMemberFactory

# A Wednesday in the summer of 2024.
NOW = datetime(2024, 6, 12, 10, tzinfo=UTC)
LECTURES, TOPICS, TEAMS, TEAM_SIZE, PEOPLE = 100, 24, 180, 3, 600
NAMES = ("Łukasz Żółć", "Ayşe Şahin", "Hans Größe", "Ștefan Țăranu", "山田太郎")


@dataclass(frozen=True)
class Large:
    """What was made of it."""

    course: Course
    assistant: Enrolment
    people: list[Enrolment]
    topics: list[Topic]
    projects: list[Project]
    exam: Exam


def make_large(
    slug: str = "large",
    *,
    now: datetime = NOW,
    lectures: int = LECTURES,
    topics: int = TOPICS,
    teams: int = TEAMS,
    people: int = PEOPLE,
) -> Large:
    """Make the course as it stands at `now`, in the middle of its term; every team has handed in, half are decided."""
    course = CourseFactory.create(slug=slug)
    assistant = EnrolmentFactory.create(course=course, role=Role.ASSISTANT, user__email=f"ta@{slug}.example.org")
    users = User.objects.bulk_create(
        User(
            email=f"p{number}@{slug}.example.org",
            display_name=f"{NAMES[number % len(NAMES)]} {number}",
            matriculation_number=f"{400_000 + number}",
            password="!",
        )
        for number in range(people)
    )
    enrolled = Enrolment.objects.bulk_create(Enrolment(user=user, course=course) for user in users)
    # They are made within one minute or two, as it happens, and a list says once what is the same in all rows.
    Enrolment.objects.filter(course=course).update(created_at=now)
    RosterEntry.objects.bulk_create(
        RosterEntry(course=course, email=f"roster{number}@{slug}.example.org", name=f"Somebody {number}")
        for number in range(people // 6)
    )
    _make_lectures(course, now, lectures)
    assignment, offered = _make_topics(course, now, topics, teams)
    projects = _make_teams(assignment, offered, enrolled, now, teams, assistant.user)
    exam = _make_exam(course, enrolled, now)
    Notice.objects.bulk_create(
        Notice(
            key=f"{slug}:{number}", kind="projects.receipt", course=course, recipient=person.user, state="sent",
            not_before=now, created_at=now, sent_at=now, sent_to=person.user.email, subject="Received",
        )
        for number, person in enumerate(enrolled)
    )  # fmt: skip
    return Large(course, assistant, enrolled, offered, projects, exam)


def _make_lectures(course: Course, now: datetime, count: int) -> None:
    parts = [PartFactory.create(course=course, letter=letter) for letter in "ABC"]
    first = now - timedelta(days=count // 2)
    lectures = Lecture.objects.bulk_create(
        Lecture(
            course=course, part=parts[number % 3], number=f"{number:03}", title=f"Parameter Servers {number}",
            starts_at=first + timedelta(days=number), ends_at=first + timedelta(days=number, hours=2), room="H 0107",
        )
        for number in range(count)
    )  # fmt: skip
    Material.objects.bulk_create(
        Material(lecture=lecture, kind=kind, url=f"https://example.org/{lecture.number}.{kind}")
        for lecture in lectures
        for kind in ("pdf", "mp4")
    )


def _make_topics(course: Course, now: datetime, count: int, teams: int) -> tuple[Assignment, list[Topic]]:
    assignment = AssignmentFactory.create(course=course, due_at=now - timedelta(days=1))
    mentors = [StaffMemberFactory.create(course=course, role=Role.ASSISTANT) for _each in range(4)]
    topics = Topic.objects.bulk_create(
        Topic(
            course=course, assignment=assignment, track=("Apache SystemDS", "DAPHNE", "ML pipeline")[number % 3],
            title=f"Topic {number}: sparse operators", mentor=mentors[number % 4], team_min=2, team_max=4,
            slots=teams // count + 2, taken=len(range(number, teams, count)), position=number,
        )
        for number in range(count)
    )  # fmt: skip
    return assignment, topics


def _make_teams(
    assignment: Assignment, topics: list[Topic], people: list[Enrolment], now: datetime, count: int, by: User
) -> list[Project]:
    registered, handed_in = now - timedelta(days=30), now - timedelta(days=2)
    projects = Project.objects.bulk_create(
        Project(assignment=assignment, topic=topics[number % len(topics)], registered_at=registered)
        for number in range(count)
    )
    size = min(TEAM_SIZE, len(people) // max(count, 1))
    teams = [people[number * size : (number + 1) * size] for number in range(count)]
    pairs = list(zip(projects, teams, strict=True))
    Membership.objects.bulk_create(
        Membership(project=project, assignment=assignment, enrolment=person, joined_at=registered)
        for project, team in pairs
        for person in team
    )
    Submission.objects.bulk_create(
        Submission(
            project=project, submitted_by=team[0], attempt=attempt, repository_url="https://example.org/r",
            commit="abcdef1", began_at=handed_in + delay, received_at=handed_in + delay,
        )
        for number, (project, team) in enumerate(pairs)
        # Every tenth team has a late attempt that waits.
        for attempt, delay in ((1, timedelta()), (2, timedelta(days=1, hours=2)))[: 1 + (number % 10 == 0)]
    )  # fmt: skip
    Assessment.objects.bulk_create(
        Assessment(
            project=project, outcome="passed", extra_points=Decimal("3.5"), feedback="Good.", assessed_by=by,
            assessed_at=now,
        )
        for project in projects[1::2]
    )  # fmt: skip
    ExtensionRequest.objects.bulk_create(
        ExtensionRequest(project=project, enrolment=team[0], reason="Ill", asked_at=now) for project, team in pairs[::6]
    )
    Extension.objects.bulk_create(
        Extension(
            course=assignment.course, assignment=assignment, project=project, delta=timedelta(hours=3), reason="Ill",
            granted_at=now,
        )
        for project in projects[3::6]
    )  # fmt: skip
    Invitation.objects.bulk_create(
        Invitation(
            project=project, email=f"new{number}@example.org", invited_by=team[0], invited_at=registered,
            expires_at=registered + timedelta(days=7),
        )
        for number, (project, team) in enumerate(pairs[1::2])
    )  # fmt: skip
    return projects


def _make_exam(course: Course, people: list[Enrolment], now: datetime) -> Exam:
    exam = Exam.objects.create(
        course=course, starts_at=now + timedelta(days=30), opens_at=now - timedelta(days=5),
        closes_at=now + timedelta(days=20), withdraw_until=now + timedelta(days=25), seats_taken=len(people),
    )  # fmt: skip
    Registration.objects.bulk_create(
        Registration(course=course, exam=exam, enrolment=person, created_at=now, changed_at=now) for person in people
    )
    return exam


def desk_pages(large: Large) -> dict[str, str]:
    """Return what the staff look at most, by name: the first page, lists (whose address ends with a slash), and forms."""
    project, exam = large.projects[0], large.exam
    lecture = Lecture.objects.filter(course=large.course)[0]
    return {
        "first page": "/admin/",
        "lectures": "/admin/lectures/lecture/",
        "enrolments": "/admin/courses/enrolment/",
        "roster": "/admin/courses/rosterentry/",
        "projects": "/admin/projects/project/",
        "topics": "/admin/projects/topic/",
        "requests for more time": "/admin/projects/extensionrequest/",
        "extensions": "/admin/projects/extension/",
        "invitations": "/admin/projects/invitation/",
        "exams": "/admin/exams/exam/",
        "sign-ups": "/admin/exams/registration/",
        "mails": "/admin/mail/notice/",
        "form: a lecture": f"/admin/lectures/lecture/{lecture.pk}/change/",
        "form: a topic": f"/admin/projects/topic/{large.topics[0].pk}/change/",
        "form: an exam": f"/admin/exams/exam/{exam.pk}/change/",
        "form: a person": f"/admin/courses/enrolment/{large.people[0].pk}/change/",
        "page: an assessment": f"/admin/projects/project/{project.pk}/assess/",
        "page: an exam for staff": f"/{large.course.slug}/exams/{exam.pk}/staff/",
        "page: the gradebook": f"/{large.course.slug}/staff/gradebook/",
    }
