"""How the list of projects is narrowed down: by what the rows say, and by what follows from the deadlines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from amls.core.keys import primary_key
from amls.courses.accounts import user_of
from amls.courses.models import Course, Enrolment, StaffMember
from amls.desk.chosen_course import courses_of, listed_course
from projects.models import Assignment, Project, Topic
from projects.models.topics import say_track
from projects.progress import DECIDED, desk_views, is_mentor, state_of
from projects.queries import TeamView, teams_listed
from projects.states import TEAM_STATES, ProjectState


def is_action(request: HttpRequest) -> bool:
    """Return whether the request does something with chosen rows, instead of showing the list."""
    return request.method == "POST" and "action" in request.POST


def shows_no_list(request: HttpRequest) -> bool:
    """Return whether the request wants no more than the rows that a list would have: an action, or who asks for their keys."""
    return is_action(request) or getattr(request, "wants_keys_only", False)


def chosen_courses(request: HttpRequest) -> list[Course]:
    """Return the courses that the list is about: the one of its address or of the desk, else those not archived, else all."""
    courses, wanted = courses_of(request), request.GET.get("course", "")
    if wanted == "all":
        return courses
    named = [course for course in courses if str(course.pk) == wanted]
    of_desk = listed_course(request)
    chosen = named or ([of_desk] if of_desk is not None else [])
    return chosen or [course for course in courses if course.state != Course.State.ARCHIVED] or courses


def usual_course(request: HttpRequest) -> Course | None:
    """Return the course that a form offers first: of the chosen ones the first that has projects, else the first."""
    courses = chosen_courses(request)
    with_projects = set(Assignment.objects.filter(course__in=courses).values_list("course", flat=True))
    return next((course for course in courses if course.pk in with_projects), next(iter(courses), None))


def matching(request: HttpRequest, fits: Callable[[TeamView], bool]) -> list[int]:
    """Return the projects of the chosen courses that fit; all of them are read once per request."""
    views: list[TeamView] | None = getattr(request, "desk_views", None)
    if views is None:
        rows = teams_listed(Project.objects.filter(assignment__course__in=chosen_courses(request)))
        views = list(desk_views(rows).values())
        request.desk_views = views  # type: ignore[attr-defined]
    return [view.project.pk for view in views if fits(view)]


def topics_of(request: HttpRequest) -> list[tuple[int, str, str, bool]]:
    """Return the topics of the chosen courses by title: key, title, track, whether a team has it. Read once per request."""
    topics: list[tuple[int, str, str, bool]] | None = getattr(request, "desk_topics", None)
    if topics is None:
        rows = Topic.objects.filter(course__in=chosen_courses(request)).order_by("title")
        has_team = Exists(Project.objects.filter(topic=OuterRef("pk")))
        topics = list(rows.values_list("pk", "title", "track", has_team))
        request.desk_topics = topics  # type: ignore[attr-defined]
    return topics


class _Filter(admin.SimpleListFilter):
    """A filter whose empty choice says what it means."""

    empty = _("All")

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return what is offered: nothing where no list is shown; read once per request, which may make several."""
        self.only_narrows = shows_no_list(request)
        if self.only_narrows:
            return []
        kept: dict[type, list[tuple[str, Any]]] = request.__dict__.setdefault("desk_choices", {})
        if type(self) not in kept:
            kept[type(self)] = self.offered(request)
        return kept[type(self)]

    def offered(self, request: HttpRequest) -> list[tuple[str, Any]]:
        """Return the choices: value and text."""
        raise NotImplementedError

    def has_output(self) -> bool:
        """Show it also where there is one choice: what is there can then be seen. It narrows rows down also where no list is shown."""
        return self.only_narrows or bool(self.lookup_choices)

    def rows(self) -> list[tuple[str, Any, bool]]:
        """Return value, text and whether it is chosen, for a select."""
        chosen = self.value() or ""
        return [
            ("", self.empty, not chosen),
            *((str(key), text, str(key) == chosen) for key, text in self.lookup_choices),
        ]


class CourseFilter(_Filter):
    title = _("Course")
    parameter_name = "course"
    empty = _("Running")

    def offered(self, request: HttpRequest) -> list[tuple[str, Any]]:
        """Offer the person's courses, where none is chosen for the desk."""
        if listed_course(request) is not None and not request.GET.get(self.parameter_name):
            return []
        return [
            *((str(course.pk), f"{course.title}, {course.term}") for course in courses_of(request)),
            ("all", _("All")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the chosen courses."""
        return queryset.filter(assignment__course__in=chosen_courses(request))

    def has_output(self) -> bool:
        """Narrow the list down also where there is nothing to choose: the desk's course is chosen at its top."""
        return True


class AssignmentFilter(_Filter):
    title = _("Assignment")
    parameter_name = "assignment"

    def offered(self, request: HttpRequest) -> list[tuple[str, Any]]:
        """Offer the assignments of courses that have more than one."""
        rows = Assignment.objects.filter(course__in=chosen_courses(request)).order_by("course", "due_at", "pk")
        named = list(rows.values_list("pk", "title", "course"))
        counted = Counter(course for _pk, _title, course in named)
        return [(str(pk), title) for pk, title, course in named if counted[course] > 1]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep what was done for one assignment."""
        assignment = primary_key(self.value())
        return queryset.filter(assignment=assignment) if assignment else queryset


class TrackFilter(_Filter):
    """Which track the topic of a row is of."""

    title = _("Track")
    parameter_name = "track"
    path = "topic__track"

    def offered(self, request: HttpRequest) -> list[tuple[str, Any]]:
        """Offer the tracks of the chosen courses."""
        tracks = sorted({track for _pk, _title, track, _has_team in topics_of(request)})
        return [(track, say_track(track)) for track in tracks]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep one track."""
        return queryset.filter(**{self.path: self.value()}) if self.value() else queryset


class TopicTrackFilter(TrackFilter):
    """Which track a topic is of."""

    path = "track"


class TopicFilter(_Filter):
    title = _("Topic")
    parameter_name = "topic"

    def offered(self, request: HttpRequest) -> list[tuple[str, Any]]:
        """Offer the topics that some team has."""
        return [(str(pk), title) for pk, title, _track, has_team in topics_of(request) if has_team]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep one topic."""
        topic = primary_key(self.value())
        return queryset.filter(topic=topic) if topic else queryset


class MentorFilter(_Filter):
    title = _("Mentor")
    parameter_name = "mentor"

    def offered(self, request: HttpRequest) -> list[tuple[str, Any]]:
        """Offer oneself and whoever is mentor of a topic."""
        rows = StaffMember.objects.filter(course__in=chosen_courses(request), topics__isnull=False).distinct()
        return [("me", _("I am")), *((str(row.pk), row.name) for row in rows)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep a mentor's topics."""
        if self.value() == "me":
            return queryset.filter(is_mentor(user_of(request)))
        mentor = primary_key(self.value())
        return queryset.filter(topic__mentor=mentor) if mentor else queryset


class AssessorFilter(_Filter):
    title = _("Assessor")
    parameter_name = "assessor"

    def offered(self, request: HttpRequest) -> list[tuple[str, Any]]:
        """Offer oneself, nobody, and the staff."""
        staff = (
            Enrolment.objects.staff()
            .reachable()
            .filter(course__in=chosen_courses(request))
            .select_related("user")
            .order_by("user__sort_name")
        )
        people = {person.user_id: str(person.user) for person in staff}
        return [("me", _("I am")), ("none", _("Nobody")), *((str(pk), name) for pk, name in people.items())]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep an assessor's projects."""
        if self.value() == "none":
            return queryset.filter(assessor__isnull=True)
        if self.value() == "me":
            return queryset.filter(assessor=request.user.pk)
        assessor = primary_key(self.value())
        return queryset.filter(assessor=assessor) if assessor else queryset


class StageFilter(_Filter):
    title = _("State")
    parameter_name = "state"
    empty = _("All but withdrawn ones")

    def offered(self, request: HttpRequest) -> list[tuple[str, Any]]:
        """Offer the stages."""
        return [(state.value, state.label) for state in TEAM_STATES]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep one stage."""
        match self.value():
            case ProjectState.WITHDRAWN:
                return queryset.filter(withdrawn_at__isnull=False)
            case ProjectState.PUBLISHED:
                return queryset.filter(withdrawn_at__isnull=True, assessment__published_at__isnull=False)
            case ProjectState.ASSESSED:
                return queryset.filter(DECIDED, withdrawn_at__isnull=True, assessment__published_at__isnull=True)
            case ProjectState.REGISTERED | ProjectState.SUBMITTED as stage:
                return queryset.filter(pk__in=matching(request, lambda view: state_of(view) == stage))
            case _:
                return queryset.filter(withdrawn_at__isnull=True)


class NeedsFilter(_Filter):
    title = _("Needs")
    parameter_name = "needs"
    empty = _("Anything")

    def offered(self, request: HttpRequest) -> list[tuple[str, Any]]:
        """Offer what staff look for."""
        return [
            ("ungraded", _("A decision")),
            ("late", _("An answer to a late hand-in")),
            ("newer", _("A look: handed in after its decision")),
            ("small", _("More members")),
            ("extended", _("Nothing: has an extension")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep those."""
        match self.value():
            case "ungraded":
                return queryset.exclude(DECIDED)
            case "late":
                return queryset.filter(pk__in=matching(request, lambda view: bool(view.waiting_late)))
            case "newer":
                return queryset.filter(pk__in=matching(request, lambda view: view.is_newer_than_decision))
            case "small":
                return queryset.filter(pk__in=Project.objects.below_minimum().values("pk"))
            case "extended":
                return queryset.filter(pk__in=matching(request, lambda view: view.is_extended))
            case _:
                return queryset
