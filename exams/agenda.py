"""What exams say to the agenda."""

from collections.abc import Iterator

from django.urls import reverse
from django.utils import translation

from amls.agenda.models import Kind
from amls.agenda.sources import Item, deadline, opening, registry
from amls.courses.models import Course
from exams.models import Exam

_TITLES = {
    "en": ("Exam sign-up opens", "Exam sign-up closes", "Last day to withdraw from the exam"),
    "de": ("Prüfungsanmeldung beginnt", "Prüfungsanmeldung endet", "Letzter Rücktritt von der Prüfung"),
}


@registry.items("exams")
def items(course: Course) -> Iterator[Item]:
    """Yield each exam with the opening and closing of its sign-up and its last moment to withdraw."""
    path = reverse("overview:home", args=[course.slug])
    opens, closes, withdraw = _TITLES.get(course.language, _TITLES["en"])
    for exam in Exam.objects.filter(course=course):
        with translation.override(course.language):
            title = str(exam)
        key = f"exams.exam:{exam.pk}"
        yield Item(
            key=key,
            kind=Kind.EXAM,
            title=title,
            starts_at=exam.starts_at,
            ends_at=exam.ends_at,
            place=exam.place,
            path=path,
        )
        if exam.opens_at:
            yield opening(key=f"{key}:signup-opens", title=opens, opens_at=exam.opens_at, path=path)
        if exam.closes_at:
            yield deadline(key=f"{key}:signup-closes", title=closes, due_at=exam.closes_at, path=path)
        if exam.withdraw_until:
            yield deadline(key=f"{key}:withdraw-until", title=withdraw, due_at=exam.withdraw_until, path=path)
