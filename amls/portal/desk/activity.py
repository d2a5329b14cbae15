"""How a running course fills: registrations and hand-ins over time, for the desk."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime
from functools import cache
from typing import Any

from django.db.models import Count, DateField, DateTimeField, F, Func, QuerySet, Value
from django.db.models.functions import Cast
from django.utils.translation import gettext as _

from amls.core.clock import start_of_day
from amls.core.plots import Plot, by_week, last_weeks
from amls.core.statements import Parameter, Statement, is_among
from amls.courses.models import Course
from exams.models import Registration
from projects.models import Assignment, Project, Submission

_WEEKS = 12
_AT_LEAST = 4


def activity_plots(courses: Sequence[Course], *, now: datetime) -> list[tuple[Course, list[Plot]]]:
    """Return each course with the plots of its last weeks that have something to show: 1 query for any number."""
    today = {course.pk: now.astimezone(course.zone).date() for course in courses}
    starts = [start_of_day(last_weeks(today[course.pk], weeks=_WEEKS)[0], course.zone) for course in courses]
    since = min(starts, default=now)
    words = {
        "projects": (_("Projects registered by week"), _("Projects")),
        "submissions": (_("Hand-ins by week"), _("Attempts")),
        "registrations": (_("Sign-ups for exams by week"), _("Sign-ups")),
    }
    counted = defaultdict[tuple[str, int], list[tuple[date, int]]](list)
    for name, key, day, total in _counts().run({"courses": list(today), "since": since}):
        counted[name, key].append((day, total))
    shown = []
    for course in courses:
        plots = [
            by_week(
                f"{course.slug}-{name}", counted[name, course.pk], last=today[course.pk], weeks=_WEEKS,
                at_least=_AT_LEAST, title=title, unit=unit, empty="",
            )
            for name, (title, unit) in words.items()
        ]  # fmt: skip
        shown.append((course, [plot for plot in plots if plot.total]))
    return shown


@cache
def _counts() -> Statement:
    """Return the statement that counts what was made on each day since a moment, by its name and course."""
    first, *others = (
        _by_day(
            "projects",
            Project.objects.filter(assignment__kind=Assignment.Kind.PROJECT),
            "assignment__course",
            "registered_at",
        ),
        _by_day("submissions", Submission.objects.all(), "project__assignment__course", "received_at"),
        _by_day("registrations", Registration.objects.all(), "course", "created_at"),
    )
    return Statement.of(first.union(*others, all=True))


def _by_day(name: str, rows: QuerySet[Any], course: str, moment: str) -> QuerySet[Any, Any]:
    """Return how many rows have their moment on each day, in the course's zone, each with what they are called by."""
    local = Func(F(f"{course}__timezone"), F(moment), function="timezone", output_field=DateTimeField())
    since, courses = Parameter("since", DateTimeField()), Parameter("courses")
    counted: QuerySet[Any, Any] = (
        rows.filter(is_among(f"{course}_id", courses), **{f"{moment}__gte": since})
        .order_by()
        .annotate(counted=Value(name), of_course=F(course), day=Cast(local, DateField()))
        .values_list("counted", "of_course", "day")
        .annotate(total=Count("pk"))
    )
    return counted
