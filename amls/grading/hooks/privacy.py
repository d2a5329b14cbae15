"""What lists know of a person: how often they were there."""

from collections.abc import Iterator, Sequence
from typing import Any

from amls.courses.models import User
from amls.grading.models import RollEntry
from amls.privacy.registry import delete_with_history, on_course_purge, personal_data


@personal_data.named("grading")
def tell(user: User) -> Iterator[tuple[str, Any]]:
    """Yield what stands of a person in the lists of their courses."""
    rows = RollEntry.objects.filter(enrolment__user=user).order_by("pk")
    columns = ("roll__course__slug", "roll__title", "entered", "excused", "entered_at")
    yield "lists.json", list(rows.values(*columns))


@on_course_purge
def forget_people(courses: Sequence[int]) -> None:
    """Delete what stands in the lists of these courses, with its history; the lists stay."""
    delete_with_history(RollEntry.objects.filter(roll__course__in=courses))
