"""Rows for tests, each valid by itself. Times are those of the summer of 2024 in Berlin."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

import factory
from factory.django import DjangoModelFactory

from amls.courses.models import Course, Enrolment, Mode, Role, StaffMember, User, Weekday, WeeklySlot
from exams.models import Exam
from lectures.models import Lecture, Material, OfficeHour, Part
from projects.models import Assignment, Topic

FIRST_LECTURE = datetime(2024, 4, 18, 14, 0, tzinfo=UTC)
# Above those of what a module or a worker makes before its first test; the first part is A, the first lecture in week 1.
FIRST_NUMBER = 10_400


class UserFactory(DjangoModelFactory[User]):
    class Meta:
        model = User

    email = factory.Sequence(lambda number: f"person{number}@example.org")
    display_name = factory.Sequence(lambda number: f"Person {number}")

    @classmethod
    def _create(cls, model_class: type[User], *args: Any, **kwargs: Any) -> User:
        return User.objects.create_user(*args, **kwargs)


class CourseFactory(DjangoModelFactory[Course]):
    class Meta:
        model = Course
        skip_postgeneration_save = True

    slug = factory.Sequence(lambda number: f"amls-{number}")
    title = "Architecture of Machine Learning Systems"
    codes = ["41078"]
    kinds = ["VL", "UE"]
    term = "SS2024"
    ects = 6
    state = Course.State.RUNNING
    timezone = "Europe/Berlin"
    slot = factory.RelatedFactory("tests.factories.WeeklySlotFactory", factory_related_name="course")


class WeeklySlotFactory(DjangoModelFactory[WeeklySlot]):
    class Meta:
        model = WeeklySlot

    course = factory.SubFactory(CourseFactory, slot=None)
    weekday = Weekday.THURSDAY
    start = time(16)
    end = time(18)
    room = "H 0107"
    mode = Mode.HYBRID
    call_in = "https://zoom.example.org/lecture"


class EnrolmentFactory(DjangoModelFactory[Enrolment]):
    class Meta:
        model = Enrolment

    user = factory.SubFactory(UserFactory)
    course = factory.SubFactory(CourseFactory)
    role = Role.STUDENT


class StaffMemberFactory(DjangoModelFactory[StaffMember]):
    class Meta:
        model = StaffMember

    course = factory.SubFactory(CourseFactory)
    role = Role.LECTURER
    name = factory.Sequence(lambda number: f"Prof. Dr. Person {number}")


class PartFactory(DjangoModelFactory[Part]):
    class Meta:
        model = Part

    course = factory.SubFactory(CourseFactory)
    letter = factory.Sequence(lambda number: chr(ord("A") + number % 26))
    title = "Overview and ML System Internals"


class LectureFactory(DjangoModelFactory[Lecture]):
    class Meta:
        model = Lecture

    course = factory.SubFactory(CourseFactory)
    # Beyond those that tests name themselves.
    number = factory.Sequence(lambda number: f"{number % 899 + 101}")
    title = "Parameter Servers"
    starts_at = factory.Sequence(lambda number: FIRST_LECTURE + timedelta(weeks=number % 20))
    ends_at = factory.LazyAttribute(lambda lecture: lecture.starts_at + timedelta(hours=2))
    room = "H 0107"
    mode = Mode.HYBRID


class MaterialFactory(DjangoModelFactory[Material]):
    class Meta:
        model = Material

    lecture = factory.SubFactory(LectureFactory)
    kind = Material.Kind.PDF


class OfficeHourFactory(DjangoModelFactory[OfficeHour]):
    class Meta:
        model = OfficeHour

    course = factory.SubFactory(CourseFactory)
    weekday = Weekday.TUESDAY
    start = time(16)
    end = time(17, 30)
    room = "TEL 0811"
    mode = Mode.HYBRID


class ExamFactory(DjangoModelFactory[Exam]):
    class Meta:
        model = Exam

    course = factory.SubFactory(CourseFactory)
    starts_at = datetime(2024, 7, 18, 14, 0, tzinfo=UTC)


class OpenExamFactory(ExamFactory):
    """An exam of July 18 whose sign-up is open in June, until Jul 11, 23:59; one withdraws until Jul 15, 23:59."""

    opens_at = datetime(2024, 6, 1, 6, 0, tzinfo=UTC)
    closes_at = datetime(2024, 7, 11, 21, 59, tzinfo=UTC)
    withdraw_until = datetime(2024, 7, 15, 21, 59, tzinfo=UTC)
    capacity = 2


class AssignmentFactory(DjangoModelFactory[Assignment]):
    """The course's project, of which there is one: what a topic brought along becomes what is asked for."""

    class Meta:
        model = Assignment

    @classmethod
    def _create(cls, model_class: type[Assignment], *args: Any, **kwargs: Any) -> Assignment:
        main = Assignment.objects.main_of(kwargs["course"]) if kwargs["is_main"] else None
        if main is None:
            return super()._create(model_class, *args, **kwargs)
        for name, value in kwargs.items():
            setattr(main, name, value)
        main.save()
        return main

    course = factory.SubFactory(CourseFactory)
    title = "Project"
    is_main = True
    due_at = datetime(2024, 7, 8, 21, 59, tzinfo=UTC)


class TopicFactory(DjangoModelFactory[Topic]):
    class Meta:
        model = Topic

    course = factory.SubFactory(CourseFactory)
    assignment = factory.LazyAttribute(
        lambda topic: (
            Assignment.objects.main_of(topic.course) or AssignmentFactory.create(course=topic.course, due_at=None)
        )
    )
    track = "Apache SystemDS"
    title = factory.Sequence(lambda number: f"Topic {number}")


def next_numbers() -> dict[str, int]:
    """Return the number that each factory gives next, by its name."""
    numbers = {counting.__name__: counting._meta.next_sequence() for counting in _all_counting()}
    count_from(numbers)
    return numbers


def count_from(numbers: dict[str, int]) -> None:
    """Have each factory give this number next: `FIRST_NUMBER` where none is named."""
    for counting in _all_counting():
        counting.reset_sequence(numbers.get(counting.__name__, FIRST_NUMBER))


def _all_counting() -> list[type[DjangoModelFactory[Any]]]:
    # Those derived from one of these count on with it.
    return DjangoModelFactory.__subclasses__()
