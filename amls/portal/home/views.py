"""The courses, and a course's home."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import groupby
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from amls.agenda.feeds import irrelevant_keys, present_items
from amls.agenda.managers import JOIN_LEAD
from amls.agenda.models import AgendaItem, ItemKind, Status
from amls.core.request import now_of
from amls.courses.access import Access, open_course
from amls.courses.accounts import user_or_none
from amls.courses.models import Course, StaffMember
from amls.courses.permissions import may_create_courses
from amls.held.models import HeldAct
from amls.pagecache.parts import Shared
from amls.pagecache.signed_in import kept_for_reader
from amls.pagecache.store import cacheable
from amls.portal.home.heroes import heroes_of
from amls.portal.home.setup import setup_steps
from exams.models import ExamRules
from exams.queries import exam_rules, exams_for, why_cancelled
from lectures.models import Lecture, OfficeHour
from lectures.queries import lectures_for
from projects.deadlines import Deadlines
from projects.models import Assignment
from projects.queries import assignments_of, read_part
from projects.works import own_works_of


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
        (_("In preparation"), by_state["draft"]),
        (_("Earlier terms"), by_state["archived"]),
    ]
    now = now_of(request)
    context = {
        "running": heroes_of(by_state["running"], user_or_none(request), now=now),
        "groups": groups,
        "is_empty": not visible,
        "may_create": may_create_courses(request.user),
    }
    return render(request, "portal/courses.html", context)


@require_safe
@kept_for_reader
def home(request: HttpRequest, slug: str) -> HttpResponse:
    """Who, when, where; what is next; the schedule with its materials; key dates; staff."""
    access = open_course(request, slug, along=["exam_rules"], own=["feed_token", "earlier_pass", "accommodation"])
    response = render(request, "portal/home.html", _home_context(access))
    if request.user.is_authenticated:
        return response
    return cacheable(response, course=access.course, now=access.now)


class HomeShared(Shared):
    """What a course's home shows to everybody of an audience.

    Attributes:
        assignment: the course's project.
        due_at: when it is due for all, extensions for all counted in.
    """

    def __init__(self, access: Access, assignment: Assignment | None, due_at: datetime | None) -> None:
        super().__init__(access)
        self.assignment = assignment
        self.due_at = due_at

    @cached_property
    def lectures(self) -> list[Lecture]:
        """Return the course's lectures with what this audience may open: 2 queries."""
        return lectures_for(self._access)

    @property
    def parts(self) -> list[tuple[Any, list[Lecture]]]:
        """Return the lectures under their parts; parts and lectures in the order of the course."""
        ordered = sorted(self.lectures, key=lambda lecture: lecture.part.position if lecture.part else -1)
        return [(part, list(group)) for part, group in groupby(ordered, key=lambda lecture: lecture.part)]

    @cached_property
    def next_lecture(self) -> Lecture | None:
        """Return the one that goes on or comes next."""
        return next(
            (
                lecture
                for lecture in self.lectures
                if lecture.held_on and not lecture.is_over_at(self.now) and not lecture.is_cancelled
            ),
            None,
        )

    @property
    def split_parts(self) -> list[tuple[Any, list[Lecture], list[Lecture]]]:
        """Return the parts, each with the lectures that are folded and those that are not.

        Folded is what is over but the last one, whose slides are asked for most; of a course that is over nothing is.
        """
        over = [lecture for lecture in self.lectures if lecture.held_on and lecture.is_over_at(self.now)]
        folded = {lecture.pk for lecture in over[:-1]} if self.next_lecture is not None else set()
        return [
            (part, [row for row in rows if row.pk in folded], [row for row in rows if row.pk not in folded])
            for part, rows in self.parts
        ]

    @property
    def is_on(self) -> bool:
        """Return whether it goes on now."""
        return self.next_lecture is not None and self.next_lecture.is_on_at(self.now)

    @property
    def joins_now(self) -> bool:
        """Return whether it is time to join it."""
        return self.next_lecture is not None and self.next_lecture.is_on_at(self.now, JOIN_LEAD)

    @cached_property
    def staff(self) -> list[StaffMember]:
        """Return whom to ask: 1 query."""
        return list(self.course.staff.all())

    @cached_property
    def office_hours(self) -> list[OfficeHour]:
        """Return when they can be asked: 1 query."""
        return list(self.course.office_hours.all())

    @property
    def exam_rules(self) -> ExamRules:
        """Return by which rules the course grades."""
        return exam_rules(self.course)


@dataclass(frozen=True, slots=True)
class KeyDate:
    """A key date, with those that belong to it: of an exam its sign-up and the last moment to withdraw.

    Attributes:
        is_hot: it is what is next for the reader.
        why: of an exam that is cancelled, why it is.
    """

    item: AgendaItem
    is_hot: bool
    along: list[tuple[AgendaItem, bool]]
    why: str = ""

    @property
    def is_open(self) -> bool:
        """Whether what belongs to it is shown at once: the next thing is among it."""
        return any(is_hot for _item, is_hot in self.along)


def _key_dates(dates: list[AgendaItem], next_up: AgendaItem | None) -> list[KeyDate]:
    """Return one line for each exam and for each other date, in the order of the agenda: 1 query where an exam is cancelled."""
    exams = {item.key: item for item in dates if item.kind == ItemKind.EXAM}

    def exam_of(item: AgendaItem) -> str:
        return next((key for key in exams if item.key.startswith(f"{key}:")), "")

    along: dict[str, list[tuple[AgendaItem, bool]]] = defaultdict(list)
    for item in dates:
        if item.key not in exams and (key := exam_of(item)):
            along[key].append((item, item is next_up))
    cancelled = [item.key for item in exams.values() if item.is_cancelled]
    why = why_cancelled(cancelled)
    return [
        KeyDate(item, item is next_up, along[item.key], why.get(item.key, ""))
        for item in dates
        if item.key in exams or not exam_of(item)
    ]


def _home_context(access: Access) -> dict[str, Any]:
    course, now = access.course, access.now
    assignments = assignments_of(course, visible_at=now)
    known = Deadlines.of_each(assignments)
    main = next((assignment for assignment in assignments if assignment.is_main), None)
    deadlines = known[main.pk] if main is not None else Deadlines.of(None)
    student = access.enrolment if access.enrolment is not None and not access.enrolment.is_staff else None
    # First: what else is asked of this person finds it.
    part = read_part(student, main, deadlines) if student is not None else None
    if student is not None:
        exams_for(access)
    works = own_works_of(
        student, [row for row in assignments if not row.is_main], now=now, deadlines=known, with_results=False
    )
    shared = HomeShared(access, main, deadlines.for_all)
    agenda = present_items(course, access.enrolment, now=now)
    dates = [item for item in agenda if item.kind in (ItemKind.DEADLINE, ItemKind.EXAM)]
    others = irrelevant_keys(access.enrolment, now=now) if access.enrolment is not None else set()
    coming = [
        item for item in dates if item.ends_at > now and item.status == Status.CONFIRMED and item.key not in others
    ]
    is_over = any(item.key == "projects.submission" and item.is_done for item in agenda)
    deadline = next((item for item in coming if item.kind == ItemKind.DEADLINE and not item.is_done), None)
    return {
        "access": access,
        "course": course,
        "tab": "home",
        "shared": shared,
        "steps": setup_steps(course) if access.is_manager and course.state == Course.State.DRAFT else [],
        "held_back": HeldAct.objects.count_waiting([course]).get(course.pk, 0) if access.is_manager else 0,
        "rows_that_say": shared.lectures if access.is_manager else [],
        "deadline": deadline,
        "next_exam": next((item for item in coming if item.kind == ItemKind.EXAM), None),
        "key_dates": _key_dates(dates, deadline),
        "extended_until": deadlines.for_all if deadlines.for_all != deadlines.base else None,
        "team": part.team if part is not None else None,
        # Its date is done with, and nothing that was handed in counts.
        "is_excused": is_over and (part is None or part.team is None or part.team.counting is None),
        # Who has no project yet is told where to get one.
        "shows_project": part is not None and main is not None and (part.team is not None or main.has_topics),
        "assignment": main,
        "registration_closes_at": deadlines.registration_closes_at,
        "has_other_works": len(assignments) > (main is not None),
        "works": [work for work in works if work.is_coming_at(now)][:3],
    }
