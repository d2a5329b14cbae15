"""Who searches where: the courses, and as what the person sees each of them."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db.models import DateTimeField, Func, Q

from amls.core.statements import Parameter, is_among
from amls.courses.access import Access
from amls.courses.models import Audience, Course, User
from amls.courses.permissions import lacks_second_factor

NOW = Parameter("now", DateTimeField())


def in_courses(column: str = "course") -> Func:
    """Return the condition that something belongs to the reader's courses."""
    return is_among(column, Parameter("courses"))


def in_managed(column: str = "course") -> Func:
    """Return the condition that something belongs to a course of which the reader sees everything."""
    return is_among(column, Parameter("managed"))


def sees_material() -> Q:
    """Return the condition under which a material may be seen by the reader."""
    timely = Q(visible_from__isnull=True) | Q(visible_from__lte=Parameter("now"))
    for_them = Q(audience=Audience.PUBLIC) | Q(is_among("lecture__course", Parameter("enrolled")))
    return timely & for_them | Q(is_among("lecture__course", Parameter("managed")))


@dataclass(frozen=True)
class Reader:
    """Courses by how the person sees them.

    Attributes:
        courses: in the order in which they are shown, by primary key.
        managed: of which they see everything.
        enrolled: of which they see what is for enrolled people, once its time has come.
        is_signed_in: whether they are anybody whom the site knows.
        is_across: whether they look into whichever courses there are, and not into one that they are in.
    """

    now: datetime
    courses: dict[int, Course] = field(default_factory=dict)
    managed: frozenset[int] = frozenset()
    enrolled: frozenset[int] = frozenset()
    is_signed_in: bool = False
    is_across: bool = False

    @property
    def has_several_zones(self) -> bool:
        """Whether the clocks of these courses differ."""
        return len({course.timezone for course in self.courses.values()}) > 1

    @classmethod
    def of(cls, access: Access, *, is_signed_in: bool) -> "Reader":
        """Return the reader of one course."""
        pk = access.course.pk
        return cls(
            access.now,
            {pk: access.course},
            frozenset({pk} if access.is_manager else ()),
            frozenset({pk} if access.enrolment is not None else ()),
            is_signed_in,
        )

    @classmethod
    def across(cls, user: User | AnonymousUser, *, now: datetime, only_own: bool) -> "Reader":
        """Return the reader of all that a person may see, or of the courses that they have a part in."""
        roles = (
            {enrolment.course_id: enrolment for enrolment in user.enrolments.all()} if isinstance(user, User) else {}
        )
        visible = Course.objects.visible_to(user)
        if only_own:
            visible = visible.filter(pk__in=list(roles))
        courses = {course.pk: course for course in visible}
        taught = {pk for pk, enrolment in roles.items() if enrolment.is_staff and pk in courses}
        if isinstance(user, User) and user.is_superuser:
            taught = set(courses)
        managed = taught if isinstance(user, User) and taught and not lacks_second_factor(user) else set()
        enrolled = frozenset(pk for pk in roles if pk in courses)
        return cls(now, courses, frozenset(managed), enrolled, isinstance(user, User), is_across=True)

    @property
    def insiders(self) -> frozenset[int]:
        """The courses of which they see more than visitors do."""
        return self.enrolled | self.managed

    @property
    def kind(self) -> str:
        """Return what all have in common who find the same in the same courses."""
        return f"{sorted(self.managed)} {sorted(self.enrolled)} {self.is_signed_in} {self.is_across}"

    @property
    def languages(self) -> list[str]:
        """The languages of the courses, the one of most courses first."""
        languages = [course.language for course in self.courses.values()]
        return sorted(set(languages), key=lambda language: (-languages.count(language), language))

    def in_language(self, language: str) -> list[int]:
        """Return the courses held in a language."""
        return [pk for pk, course in self.courses.items() if course.language == language]

    @property
    def given(self) -> dict[str, Any]:
        """What is put into the conditions of `sees` and its kin."""
        return {
            "now": self.now,
            "courses": list(self.courses),
            "managed": list(self.managed),
            "enrolled": list(self.enrolled),
        }

    def only(self, courses: Iterable[int]) -> "Reader":
        """Return the reader of some of these courses."""
        chosen = set(courses)
        if chosen.issuperset(self.courses):
            return self
        kept = {pk: course for pk, course in self.courses.items() if pk in chosen}
        return replace(self, courses=kept, managed=self.managed & chosen, enrolled=self.enrolled & chosen)
