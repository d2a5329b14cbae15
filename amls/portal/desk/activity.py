"""How a running course fills: registrations and hand-ins over time, for the desk."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from django.db.models import Count, DateField, DateTimeField, F, Func, QuerySet
from django.db.models.functions import Cast
from django.utils.translation import gettext as _

from amls.core.clock import start_of_day
from amls.core.plots import Plot, by_week, last_weeks
from amls.courses.models import Course
from exams.models import Registration
from projects.models import Project, Submission

_WEEKS = 12
_AT_LEAST = 4


def activity_plots(courses: Sequence[Course], *, now: datetime) -> list[tuple[Course, list[Plot]]]:
    """Return each course with the plots of its last weeks that have something to show: 3 queries for any number."""
    today = {course.pk: now.astimezone(course.zone).date() for course in courses}
    starts = [start_of_day(last_weeks(today[course.pk], weeks=_WEEKS)[0], course.zone) for course in courses]
    since = min(starts, default=now)
    series = [
        (
            "projects", _("Projects registered by week"), _("Projects"),
            _by_day(Project.objects.filter(registered_at__gte=since), "assignment__course", "registered_at", courses),
        ),
        (
            "submissions", _("Hand-ins by week"), _("Attempts"),
            _by_day(Submission.objects.filter(received_at__gte=since), "project__assignment__course", "received_at", courses),
        ),
        (
            "registrations", _("Sign-ups for exams by week"), _("Sign-ups"),
            _by_day(Registration.objects.filter(created_at__gte=since), "course", "created_at", courses),
        ),
    ]  # fmt: skip
    shown = []
    for course in courses:
        plots = [
            by_week(
                f"{course.slug}-{name}", counted[course.pk], last=today[course.pk], weeks=_WEEKS, at_least=_AT_LEAST,
                title=title, unit=unit, empty="",
            )
            for name, title, unit, counted in series
        ]  # fmt: skip
        shown.append((course, [plot for plot in plots if plot.total]))
    return shown


def _by_day(
    rows: QuerySet[Any], course: str, moment: str, courses: Sequence[Course]
) -> dict[int, list[tuple[date, int]]]:
    """Return by course how many rows have their moment on each day, in the course's zone."""
    local = Func(F(f"{course}__timezone"), F(moment), function="timezone", output_field=DateTimeField())
    counts = (
        rows.filter(**{f"{course}__in": courses})
        .order_by()
        .values_list(course, Cast(local, DateField()))
        .annotate(total=Count("pk"))
    )
    totals: dict[int, list[tuple[date, int]]] = defaultdict(list)
    for pk, day, total in counts:
        totals[pk].append((day, total))
    return totals
