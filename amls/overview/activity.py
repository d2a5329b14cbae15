"""How a running course fills: registrations and hand-ins over time, for the desk."""

from datetime import date, datetime
from typing import Any

from django.db.models import Count, QuerySet
from django.db.models.functions import TruncDate
from django.utils.translation import gettext as _

from amls.courses.models import Course
from amls.overview.plots import Plot, by_week, last_weeks
from amls.web.localtime import start_of_day
from exams.models import Registration
from projects.models import Project, Submission

_WEEKS = 12
_AT_LEAST = 4


def activity_plots(course: Course, *, now: datetime) -> list[Plot]:
    """Return the plots of a course's last weeks that have something to show: 3 queries."""
    today = now.astimezone(course.zone).date()
    since = start_of_day(last_weeks(today, weeks=_WEEKS)[0], course.zone)
    series: list[tuple[str, str, str, QuerySet[Any], str]] = [
        (
            "projects", _("Projects registered by week"), _("Projects"),
            Project.objects.filter(topic__course=course), "registered_at",
        ),
        (
            "submissions", _("Hand-ins by week"), _("Attempts"),
            Submission.objects.filter(project__topic__course=course), "received_at",
        ),
        (
            "registrations", _("Sign-ups for exams by week"), _("Sign-ups"),
            Registration.objects.filter(course=course), "created_at",
        ),
    ]  # fmt: skip
    plots = [
        by_week(
            f"{course.slug}-{name}", _by_day(rows, moment, course=course, since=since), last=today, weeks=_WEEKS,
            at_least=_AT_LEAST, title=title, unit=unit, empty="",
        )
        for name, title, unit, rows, moment in series
    ]  # fmt: skip
    return [plot for plot in plots if plot.total]


def _by_day(rows: QuerySet[Any], moment: str, *, course: Course, since: datetime) -> list[tuple[date, int]]:
    """Return how many rows have their moment on each day from then on, in the course's zone."""
    return list(
        rows.filter(**{f"{moment}__gte": since})
        .order_by()
        .values_list(TruncDate(moment, tzinfo=course.zone))
        .annotate(total=Count("pk"))
    )
