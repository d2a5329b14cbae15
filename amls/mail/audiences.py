"""To whom an announcement goes: apps contribute filters.

@audience("projects.none", gettext_lazy("Who has no project yet"))
def without_project(course: Course) -> QuerySet[Enrolment]:
return Enrolment.objects.filter(course=course, role="student").exclude(…)

What there are several of in a course, such as assignments, has audiences of each: `audience_kinds` are asked which, and
'projects.without-team:17' is the name of one.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from amls.core.hooks import Hook
from amls.core.keys import primary_key
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


@dataclass(frozen=True, slots=True)
class AudienceKind:
    """A kind of audience of which a course has any number.

    Attributes:
        offered: returns, for some courses, whose each audience is, by the course's key, its own key and its label.
        people: returns who belongs to one of a course, by its key; nobody where it is not there any more.
        label: what one is called where it is not asked which.
    """

    offered: Callable[[Iterable[Course]], Iterable[tuple[int, int, str]]]
    people: Callable[[Course, int], QuerySet[Enrolment]]
    label: "str | _StrPromise"


audience_kinds: Hook[AudienceKind] = Hook("kinds of audiences")


def audience_choices(courses: Iterable[Course] = ()) -> "list[tuple[str, Any]]":
    """Return the names and labels of all audiences; those that only some courses have in a group of each course."""
    choices: list[tuple[str, Any]] = [(name, label) for name, (label, _chosen) in audiences.items()]
    asked = list(courses)
    grouped: dict[int, list[tuple[str, str]]] = {course.pk: [] for course in asked}
    for name, kind in audience_kinds.items() if asked else ():
        for course, key, label in kind.offered(asked):
            grouped[course].append((f"{name}:{key}", label))
    return [*choices, *((str(course), grouped[course.pk]) for course in asked if grouped[course.pk])]


def audience_label(name: str, course: Course | None = None) -> str:
    """Return what an audience is called; its name where nobody contributes it any more.

    Args:
        name: as it is kept.
        course: whose audience it is: then also of which assignment or exam it speaks, 1 query; else of which kind.
    """
    kind, is_of_several, key = name.partition(":")
    if is_of_several and course is not None and kind in audience_kinds:
        told = {str(offered): label for _course, offered, label in audience_kinds[kind].offered([course])}
        if key in told:
            return told[key]
    if is_of_several:
        return str(audience_kinds[kind].label) if kind in audience_kinds else name
    return str(audiences[name][0]) if name in audiences else name


def people_in(name: str, course: Course) -> QuerySet[Enrolment]:
    """Return who belongs to an audience, and can sign in.

    Raises:
        LookupError: no app contributes it.
    """
    kind, is_of_several, key = name.partition(":")
    if is_of_several:
        people = audience_kinds[kind].people(course, primary_key(key) or 0)
    else:
        _label, chosen = audiences[name]
        people = chosen(course)
    return people.filter(user__is_active=True)


@audience("all", _("Everyone in the course"))
def _everyone(course: Course) -> QuerySet[Enrolment]:
    return Enrolment.objects.filter(course=course)


@audience("students", _("Students"))
def _students(course: Course) -> QuerySet[Enrolment]:
    return Enrolment.objects.filter(course=course).students()


@audience("staff", _("Staff"))
def _staff(course: Course) -> QuerySet[Enrolment]:
    return Enrolment.objects.filter(course=course).staff()
