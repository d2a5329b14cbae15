"""The course that somebody works in at the desk: chosen once, kept by their browser, shown on every page.

It narrows what lists show and what forms offer first. Who may see what follows from permissions alone: what is chosen
counts only where the person teaches that course.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache, wraps
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponseRedirect
from django.urls import NoReverseMatch, reverse
from django.utils.http import urlencode

from amls.core.statements import ModelStatement, Parameter
from amls.courses.models import Course, User

# What a link into the desk says to choose a course, by its key; ALL for all that the person teaches.
PARAMETER, ALL = "of", "all"
# What a list sends along with what it does: of which course it was when it was shown.
FIELD = "_of"
_COOKIE, _KEPT = "desk_course", timedelta(days=365)
# Whoever runs an installation teaches, as it were, hundreds of courses.
_MOST_OFFERED = 12


@dataclass(frozen=True, slots=True)
class CourseChoice:
    """What the switch at the top of the desk offers.

    Attributes:
        chosen: the course that everything is about; None for all.
        ways: what may be chosen instead, each with the address that chooses it; None for all courses.
        has_more: whether there are courses that it has no room for.
    """

    chosen: Course | None
    ways: Sequence[tuple[Course | None, str]]
    has_more: bool


def courses_of(request: HttpRequest) -> list[Course]:
    """Return the courses that the person teaches, those that are not archived first; read once per request."""
    # With the person, whom a request has anew, and whom requests made of it share.
    user = request.user
    courses: list[Course] | None = getattr(user, "desk_courses", None)
    if courses is None:
        is_usual = isinstance(user, User) and user.is_active and not user.is_superuser
        taught = _taught().read({"user": user.pk}) if is_usual else Course.objects.taught_by(user)
        courses = sorted(taught, key=lambda course: course.state == Course.State.ARCHIVED)
        user.desk_courses = courses  # type: ignore[union-attr]
    return courses


@cache
def _taught() -> ModelStatement[Course]:
    return ModelStatement.of(Course.objects.with_staff(Parameter("user")))


def chosen_course(request: HttpRequest) -> Course | None:
    """Return the course that the person works in; None where they work in all that they teach."""
    return _course(request, request.COOKIES.get(_COOKIE, ""))


def listed_course(request: HttpRequest) -> Course | None:
    """Return the course that a list is of: the chosen one; for what is sent from a list, the one that it was of."""
    return _course(request, request.POST.get(FIELD, "")) if request.method == "POST" else chosen_course(request)


def _course(request: HttpRequest, key: str) -> Course | None:
    courses = courses_of(request)
    if len(courses) == 1:
        return courses[0]
    return next((course for course in courses if str(course.pk) == key), None)


def way_to_choose(address: str, course: Course | None) -> str:
    """Return the address of a page of the desk that chooses a course first; None for all."""
    return f"{address}?{urlencode({PARAMETER: course.pk if course else ALL})}"


def offered_courses(request: HttpRequest) -> CourseChoice:
    """Return what the switch offers on this page; it stays on lists, and leads from a row to its list."""
    courses, chosen = courses_of(request), chosen_course(request)
    place = _place(request)
    others: list[Course | None] = [course for course in courses if course != chosen]
    offered = [*others[:_MOST_OFFERED], *([None] if chosen and others else [])]
    return CourseChoice(
        chosen, [(course, way_to_choose(place, course)) for course in offered], len(others) > _MOST_OFFERED
    )


def _place(request: HttpRequest) -> str:
    match = request.resolver_match
    if match is None or not match.kwargs:
        return request.path
    try:
        # Of a row, of which another course has none.
        return reverse(f"admin:{'_'.join((match.url_name or '').split('_')[:2])}_changelist")
    except NoReverseMatch:
        return reverse("admin:index")


def choosing(view: Callable[..., Any]) -> Callable[..., Any]:
    """Return a view of the desk whose address may choose a course: the browser keeps it, nothing is written here."""

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        wanted = request.GET.get(PARAMETER)
        if wanted is None or request.method != "GET":
            return view(request, *args, **kwargs)
        if wanted != ALL and wanted not in {str(course.pk) for course in courses_of(request)}:
            raise Http404
        rest = request.GET.copy()
        del rest[PARAMETER]
        response = HttpResponseRedirect(f"{request.path}?{rest.urlencode()}" if rest else request.path)
        response.set_cookie(
            _COOKIE,
            wanted,
            max_age=_KEPT,
            path=reverse("admin:index"),
            secure=settings.SESSION_COOKIE_SECURE,
            httponly=True,
            samesite="Lax",
        )
        return response

    return answer
