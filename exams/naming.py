"""By what the lists of an exam tell people apart, and how its files are called."""

from collections import Counter
from collections.abc import Collection

from django.utils.text import slugify
from django.utils.translation import ngettext

from amls.courses.models import Enrolment
from exams.models import Exam
from exams.models.exam import Apart

_TITLE_IN_A_NAME = 60


def known_by(people: Collection[Enrolment]) -> dict[int, str]:
    """Return by what each is told from the others of a list, beside the name, by pk: their matriculation number.

    Who has none and shares the name with somebody is known by the address; who has none and shares it with nobody, by
    nothing.

    Args:
        people: all of the list, each with its user loaded.
    """
    names = Counter(str(person.user) for person in people)
    return {person.pk: person.number or (person.user.email if names[str(person.user)] > 1 else "") for person in people}


def file_stem(exam: Exam) -> str:
    """Return how the names of an exam's files begin, as 'algorithms-klausur-2026-12-14': by course, exam and local day.

    Where the course has another exam on that day, its time stands behind; where that begins at the same time, its key as well:
    no file takes the place of another's in a folder. 1 query.
    """
    begins = exam.starts_at.astimezone(exam.course.zone)
    title = slugify(str(exam), allow_unicode=True)[:_TITLE_IN_A_NAME].strip("-")
    parts = [exam.course.slug, title, f"{begins:%Y-%m-%d}"]
    parts += [begins.time().isoformat("minutes").replace(":", "")] if exam.apart != Apart.DAY else []
    parts += [str(exam.pk)] if exam.apart == Apart.PLACE else []
    return "-".join(filter(None, parts))


def say_hours(hours: int) -> str:
    """Return so many hours in words, as days where they are whole ones: '2 days', '36 hours'."""
    if hours % 24:
        return ngettext("%(count)d hour", "%(count)d hours", hours) % {"count": hours}
    return ngettext("%(count)d day", "%(count)d days", hours // 24) % {"count": hours // 24}
