"""The courses, and a course's home."""

from itertools import groupby
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from amls.agenda.feeds import irrelevant_keys, present_items
from amls.agenda.hooks.boundaries import JOIN_LEAD
from amls.agenda.models import ItemKind, Status
from amls.agenda.views.subscribe import subscribe_context
from amls.courses.access import Access, open_course
from amls.courses.models import Course
from amls.courses.permissions import may_create_courses
from amls.pagecache.store import cacheable
from exams.queries import exam_rules, exams_for
from lectures.models import Lecture
from lectures.queries import lectures_for
from projects.deadlines import Deadlines
from projects.pieces import assignments_of, pieces_of
from projects.queries import read_part


@require_safe
def courses(request: HttpRequest) -> HttpResponse:
    """List the courses; with a single public one, go straight to it (`?all` lists it anyway)."""
    visible = list(Course.objects.visible_to(request.user))
    if len(visible) == 1 and "all" not in request.GET and visible[0].state != Course.State.DRAFT:
        return redirect(visible[0])
    by_state: dict[str, list[Course]] = {"draft": [], "running": [], "archived": []}
    for course in visible:
        by_state[course.state].append(course)
    groups = [
        (_("Running"), by_state["running"]),
        (_("In preparation"), by_state["draft"]),
        (_("Earlier terms"), by_state["archived"]),
    ]
    context = {"groups": groups, "is_empty": not visible, "may_create": may_create_courses(request.user)}
    return render(request, "portal/courses.html", context)


@require_safe
def home(request: HttpRequest, slug: str) -> HttpResponse:
    """Who, when, where; what is next; the schedule with its materials; key dates; staff."""
    access = open_course(request, slug, along=["exam_rules"], own=["feed_token", "earlier_pass", "accommodation"])
    response = render(request, "portal/home.html", _home_context(access))
    if request.user.is_authenticated:
        return response
    return cacheable(response, course=access.course, now=access.now)


def _home_context(access: Access) -> dict[str, Any]:
    course, now = access.course, access.now
    assignments = assignments_of(course, now=now)
    known = Deadlines.of_each(assignments)
    main = next((assignment for assignment in assignments if assignment.is_main), None)
    deadlines = known[main.pk] if main is not None else Deadlines.of(None)
    student = access.enrolment if access.enrolment is not None and not access.enrolment.is_staff else None
    # First: what else is asked of this person finds it.
    part = read_part(student, main, deadlines) if student is not None else None
    if student is not None:
        exams_for(access)
    lectures = lectures_for(access)
    upcoming = next(
        (
            lecture
            for lecture in lectures
            if lecture.held_on and not lecture.is_over_at(now) and not lecture.is_cancelled
        ),
        None,
    )
    agenda = present_items(course, access.enrolment, now=now)
    dates = [item for item in agenda if item.kind in (ItemKind.DEADLINE, ItemKind.EXAM)]
    others = irrelevant_keys(access.enrolment, now=now) if access.enrolment is not None else set()
    coming = [
        item for item in dates if item.ends_at > now and item.status == Status.CONFIRMED and item.key not in others
    ]
    return {
        "access": access,
        "course": course,
        "tab": "home",
        "parts": _by_part(lectures),
        "rows_that_say": lectures if access.is_manager else [],
        "next_lecture": upcoming,
        "is_on": upcoming is not None and upcoming.is_on_at(now),
        "joins_now": upcoming is not None and upcoming.is_on_at(now, JOIN_LEAD),
        "deadline": next((item for item in coming if item.kind == ItemKind.DEADLINE and not item.is_done), None),
        "next_exam": next((item for item in coming if item.kind == ItemKind.EXAM), None),
        "key_dates": dates,
        "staff": list(course.staff.all()),
        "office_hours": list(course.office_hours.all()),
        "due_at": deadlines.for_all,
        "extended_until": deadlines.for_all if deadlines.for_all != deadlines.base else None,
        "team": part.team if part is not None else None,
        "assignment": main,
        "has_pieces": len(assignments) > (main is not None),
        "pieces": [
            piece
            for piece in pieces_of(student, [row for row in assignments if not row.is_main], known)
            if piece.is_coming_at(now)
        ][:3],
        "exam_rules": exam_rules(course),
        **subscribe_context(access),
    }


def _by_part(lectures: list[Lecture]) -> list[tuple[Any, list[Lecture]]]:
    """Return the lectures under their parts; parts and lectures in the order of the course."""
    ordered = sorted(lectures, key=lambda lecture: lecture.part.position if lecture.part else -1)
    return [(part, list(group)) for part, group in groupby(ordered, key=lambda lecture: lecture.part)]
