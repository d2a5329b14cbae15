"""The fixed cast: each page proves who may not enter."""

from dataclasses import dataclass

from django.test import Client

from amls.courses.models import Course, Enrolment, Role, User
from tests.factories import CourseFactory, EnrolmentFactory, UserFactory


@dataclass(frozen=True)
class Cast:
    """A running course, the people in it, those of another course, and a stranger."""

    course: Course
    other_course: Course
    student: Enrolment
    other_student: Enrolment
    assistant: Enrolment
    lecturer: Enrolment
    foreign_lecturer: Enrolment
    stranger: User
    admin: User

    def users(self) -> dict[str, User | None]:
        """Return everyone by their part; None is who is not signed in."""
        return {
            "anonymous": None,
            "stranger": self.stranger,
            "student": self.student.user,
            "assistant": self.assistant.user,
            "lecturer": self.lecturer.user,
            "foreign lecturer": self.foreign_lecturer.user,
            "admin": self.admin,
        }

    def client(self, part: str) -> Client:
        """Return a browser in which that person is signed in."""
        client, user = Client(), self.users()[part]
        if user is not None:
            client.force_login(user, backend="amls.courses.accounts.AccountBackend")
        return client


def make_cast() -> Cast:
    """Make the cast."""
    course = CourseFactory.create(slug="amls")
    other_course = CourseFactory.create(slug="databases", title="Database Systems")
    return Cast(
        course=course,
        other_course=other_course,
        student=EnrolmentFactory.create(course=course, user__email="student@example.org"),
        other_student=EnrolmentFactory.create(course=course, user__email="other@example.org"),
        assistant=EnrolmentFactory.create(course=course, role=Role.ASSISTANT, user__email="assistant@example.org"),
        lecturer=EnrolmentFactory.create(course=course, role=Role.LECTURER, user__email="lecturer@example.org"),
        foreign_lecturer=EnrolmentFactory.create(
            course=other_course, role=Role.LECTURER, user__email="foreign@example.org"
        ),
        stranger=UserFactory.create(email="stranger@example.org"),
        admin=UserFactory.create(email="admin@example.org", is_superuser=True),
    )
