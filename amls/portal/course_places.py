"""Which places a course has: what it does not have needs no tab and no way, but for its staff, who begin there."""

from dataclasses import dataclass

from django.db.models import Exists

from amls.courses.models import Course
from amls.pagecache.store import Key, store
from exams.models import Exam, ExamRules
from projects.models import Assignment


@dataclass(frozen=True, slots=True)
class Places:
    """What a course has.

    Attributes:
        kinds: of its assignments.
        has_exams: whether dates of an exam, or rules for them, are there.
        size: roughly how many bytes of memory it takes.
    """

    kinds: frozenset[str]
    has_exams: bool
    size: int = 200

    @property
    def has_assignments(self) -> bool:
        """Whether there is anything to hand in, or a project."""
        return bool(self.kinds)

    @property
    def has_projects(self) -> bool:
        """Whether there are projects."""
        return Assignment.Kind.PROJECT in self.kinds

    @property
    def has_sheets_alone(self) -> bool:
        """Whether there are assignments, and none of them is a project."""
        return self.has_assignments and not self.has_projects


def places_of(course: Course) -> Places:
    """Return which places a course has: 1 query after a change of the course, and none while it stays as it is."""
    key: Key = ("places", str(course.pk), str(course.revision))
    kept = store.get(key, Places)
    if kept is None:
        of_course = {"course": course.pk}
        rows = Course.objects.filter(pk=course.pk).order_by().distinct()
        has_exams = Exists(Exam.objects.filter(**of_course)), Exists(ExamRules.objects.filter(**of_course))
        standing = list(rows.values_list("assignments__kind", *has_exams))
        kept = Places(
            frozenset(kind for kind, *_exams in standing if kind),
            any(dates or rules for _kind, dates, rules in standing),
        )
        store.put(key, kept)
    return kept
