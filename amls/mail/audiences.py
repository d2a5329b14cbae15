"""To whom an announcement goes: apps contribute filters.

@audience("projects.none", gettext_lazy("Who has no project yet"))
def without_project(course: Course) -> QuerySet[Enrolment]:
return Enrolment.objects.filter(course=course, role="student").exclude(…)
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from amls.core.hooks import Hook
from amls.courses.models import Course, Enrolment

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

Filter = Callable[[Course], QuerySet[Enrolment]]
audiences: "Hook[tuple[str | _StrPromise, Filter]]" = Hook("audiences")


def audience(name: str, label: "str | _StrPromise") -> Callable[[Filter], Filter]:
    """Contribute, as a decorator, who belongs to an audience."""

    def register(chosen: Filter) -> Filter:
        audiences.add(name, (label, chosen))
        return chosen

    return register


def audience_choices() -> "list[tuple[str, str | _StrPromise]]":
    """Return the names and labels of all audiences."""
    return [(name, label) for name, (label, _chosen) in audiences.items()]


def people_in(name: str, course: Course) -> QuerySet[Enrolment]:
    """Return who belongs to an audience.

    Raises:
        LookupError: no app contributes it.
    """
    _label, chosen = audiences[name]
    return chosen(course)


@audience("all", _("Everyone in the course"))
def _everyone(course: Course) -> QuerySet[Enrolment]:
    return Enrolment.objects.filter(course=course)


@audience("students", _("Students"))
def _students(course: Course) -> QuerySet[Enrolment]:
    return Enrolment.objects.filter(course=course).students()


@audience("staff", _("Staff"))
def _staff(course: Course) -> QuerySet[Enrolment]:
    return Enrolment.objects.filter(course=course).staff()
