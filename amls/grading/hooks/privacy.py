"""What lists know of a person: how often they were there. Notes among the staff are these', as everywhere in the house."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any

from amls.courses.models import User
from amls.grading.models import PersonNote, RollEntry
from amls.privacy.endings import happenings, latest
from amls.privacy.registry import forget_rows, on_account_deletion, on_course_purge, personal_data


@personal_data.named("grading")
def tell(user: User) -> Iterator[tuple[str, Any]]:
    """Yield what stands of a person in the lists of their courses."""
    rows = RollEntry.objects.filter(enrolment__user=user).order_by("pk")
    columns = ("roll__course__slug", "roll__title", "entered", "excused", "entered_at")
    yield "lists.json", list(rows.values(*columns))


@on_account_deletion
def forget(user: User, now: datetime) -> None:
    """Delete what the staff noted of whoever goes."""
    PersonNote.objects.filter(enrolment__user=user).delete()


@on_course_purge
def forget_people(courses: Sequence[int]) -> None:
    """Delete what stands in the lists of these courses, and what is noted of people, with its history; the lists stay."""
    PersonNote.objects.filter(enrolment__course__in=courses).delete()
    forget_rows(RollEntry, roll__course__in=courses)


@happenings
def what_happened(courses: Sequence[int]) -> Iterator[tuple[int, datetime | date]]:
    """Yield when somebody was last entered in a list of each course."""
    yield from latest(RollEntry.objects.filter(roll__course__in=courses), "roll__course", "entered_at")
