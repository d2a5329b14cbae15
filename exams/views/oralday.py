"""The staff's page of a day of oral exams: who comes to which room when."""

from datetime import date

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from amls.courses.access import open_course_as_manager
from exams.oralday import oral_exams_of, plan_of


@login_required
@require_safe
def oral_day(request: HttpRequest, slug: str, day: str) -> HttpResponse:
    """Show the plan of a day: by room, who comes when, until when, how they are reached and whether they are admitted."""
    access = open_course_as_manager(request, slug)
    exams = list(oral_exams_of(access.course, _day(day)))
    if not exams:
        raise Http404
    plans = plan_of(exams, access.course, now=access.now)
    context = {
        "access": access, "course": access.course, "tab": "exams", "day": exams[0].starts_at, "plans": plans,
        "held": next((plan.exam for plan in plans if plan.exam is not None), None),
        "people_count": sum(plan.people_count for plan in plans),
    }  # fmt: skip
    return render(request, "exams/oral_day.html", context)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise Http404 from error
