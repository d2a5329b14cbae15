"""Many people at once, without a hash for each password."""

from amls.courses.models import Course, Enrolment, User
from amls.courses.participation import verify_number


def make_students(course: Course, count: int, *, prefix: str = "s") -> list[Enrolment]:
    """Enrol `count` new students and return their enrolments with user and course loaded."""
    users = User.objects.bulk_create(
        User(email=f"{prefix}{number}@{course.slug}.example.org", display_name=f"{prefix.upper()} {number:04}", matriculation_number=f"4{number:05}")
        for number in range(count)
    )  # fmt: skip
    Enrolment.objects.bulk_create(Enrolment(user=user, course=course) for user in users)
    return list(
        Enrolment.objects.filter(user__in=users).select_related("user", "course").order_by("user__display_name")
    )


def verify_all(course: Course) -> None:
    """Verify the number that everybody of the course has typed."""
    for enrolment in (
        Enrolment.objects.filter(course=course).exclude(user__matriculation_number="").select_related("user")
    ):
        verify_number(enrolment=enrolment, number=enrolment.user.matriculation_number)
