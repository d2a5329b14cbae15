"""The list of projects: who works on what, what they handed in, and what is decided."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeVar, cast
from urllib.parse import parse_qsl, urlencode

from django.contrib import admin
from django.db.models import Case, QuerySet, Value, When
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import URLPattern, path
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from amls.core.keys import primary_key
from amls.core.request import now_of
from amls.core.times import say_moment
from amls.courses.accounts import user_of
from amls.courses.models import Course
from amls.desk.listing import LeadingList
from amls.desk.site import HISTORY_ROWS
from projects.admin.assess.files import show_differences, show_file, show_member
from projects.admin.assess.views import assess_project, send_attempts
from projects.admin.bulk import ACTIONS
from projects.admin.filters import (
    AssessorFilter,
    AssignmentFilter,
    CourseFilter,
    MentorFilter,
    NeedsFilter,
    StageFilter,
    TopicFilter,
    TrackFilter,
    chosen_courses,
    shows_no_list,
)
from projects.admin.happened import events_of
from projects.admin.pages import KeptAdmin
from projects.admin.sheets import import_sheet
from projects.exports.results import ResultResource
from projects.models import Project
from projects.progress import desk_views, is_mentor, names_of, progress_of, said_result, state_of
from projects.queries import Attempt, TeamView, read_points_of, teams_listed
from projects.states import ProjectState
from projects.teamrows import places_taken

T = TypeVar("T")
# What is looked for most, with the filters that find it; what is done to all of a kind at once, by which action.
CHIPS = (
    (gettext_lazy("Mine, undecided"), "assessor=me&needs=ungraded"),
    (gettext_lazy("My topics"), "mentor=me"),
    (gettext_lazy("Late, waiting"), "needs=late"),
    (gettext_lazy("Nobody's"), "assessor=none&needs=ungraded"),
)
WORKS = (
    (gettext_lazy("Publish what is decided"), "publish", "state=assessed"),
    (gettext_lazy("Accept late hand-ins"), "accept_late_ones", "needs=late"),
    (gettext_lazy("Split what is nobody's"), "split", "assessor=none&needs=ungraded"),
)


def _is_asked(request: HttpRequest, way: str) -> bool:
    """Return whether the address asks for exactly these filters, in whatever course."""
    return {name: value for name, value in request.GET.items() if name != "course"} == dict(parse_qsl(way))


class ProjectList(LeadingList):
    """The list with what follows from deadlines, read for the whole page at once; its rows lead to the assessment."""

    leads_to = "admin:projects_project_assess"

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().__init__(request, *args, **kwargs)
        # The page has its filters in a bar of its own, which works without scripts.
        self.has_filters = False
        self.narrowed = [
            (spec.title, text, self.get_query_string(remove=[spec.parameter_name]).removeprefix("?"))
            for spec in self.filter_specs
            for value, text in spec.lookup_choices
            if str(value) == spec.value()
        ]

    def get_results(self, request: HttpRequest) -> None:
        """Load the page's rows with their views; where no list is shown, none: who wants rows reads their own."""
        if shows_no_list(request):
            self.result_count = self.full_result_count = 0
            self.result_list: list[Project] = []
            return
        super().get_results(request)
        rows = teams_listed(cast("QuerySet[Project]", self.result_list))
        read_points_of(rows)
        said: dict[Hashable, Any] = {}
        for row, view in zip(rows, desk_views(rows).values(), strict=True):
            row.view = view  # type: ignore[attr-defined]
            row.now, row.said = now_of(request), said  # type: ignore[attr-defined]
        self.result_list = rows


def _late_mark(counting: Attempt) -> SafeString | str:
    """Say of the attempt that counts that it came late, and what that means for its points."""
    if not counting.is_late:
        return ""
    if counting.percent:
        return _mark("wait", _("late, %(percent)d %% are deducted") % {"percent": counting.percent})
    return _mark("wait", _("late, accepted"))


@admin.register(Project)
class ProjectAdmin(KeptAdmin):
    """The teams and what they hand in."""

    course_path = "assignment__course"
    change_list_template = "admin/projects/list.html"
    list_display = ("team", "topic_title", "deadline", "hand_in", "assessor_name", "result")
    list_display_links = ("team",)
    says_moments = ("deadline", "hand_in")
    list_filter = (
        CourseFilter, AssignmentFilter, StageFilter, NeedsFilter, TrackFilter, TopicFilter, MentorFilter, AssessorFilter,
    )  # fmt: skip
    list_per_page = 200
    list_max_show_all = 2000
    list_fullwidth = True
    search_fields = (
        "memberships__enrolment__user__display_name",
        "memberships__enrolment__user__email",
        "memberships__enrolment__user__matriculation_number",
        "memberships__enrolment__verified_number",
        "topic__title",
    )
    search_help_text = gettext_lazy("Name, address, matriculation number, topic or #number")
    actions = ACTIONS

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Add no project: students register, and staff move people."""
        return False

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ProjectList]:
        """Use the list with views."""
        return ProjectList

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Load what every row is called by."""
        return super().get_queryset(request).select_related("topic", "assignment__course")

    def get_ordering(self, request: HttpRequest) -> list[Any]:
        """Put a mentor's own topics first."""
        mine = Case(When(is_mentor(user_of(request)), then=Value(0)), default=Value(1))
        return [mine.asc(), "topic__position", "topic", "pk"]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Find '#17' by number, everything else by words."""
        number = search_term.strip().removeprefix("#")
        if search_term.strip().startswith("#") and number.isdecimal():
            return queryset.filter(pk=primary_key(number)), False
        return super().get_search_results(request, queryset, search_term)  # type: ignore[no-any-return]

    def get_urls(self) -> list[URLPattern]:
        """Add the pages beside the list."""
        wrap = self.admin_site.admin_view
        own = [
            path("import/", wrap(self.sheet_view), name="projects_project_import"),
            path("<int:object_id>/assess/", wrap(self.assess_view), name="projects_project_assess"),
            path("<int:object_id>/zip/", wrap(self.zip_view), name="projects_project_zip"),
            path("<int:object_id>/files/<int:file>/", wrap(self.file_view, True), name="projects_project_file"),
            path(
                "<int:object_id>/files/<int:file>/member/", wrap(self.member_view, True), name="projects_project_member"
            ),
            path("<int:object_id>/compare/", wrap(self.compare_view, True), name="projects_project_compare"),
        ]
        return [*own, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponseBase:
        """Show the assessment instead of a form of bare fields."""
        return self.assess_view(request, primary_key(object_id))

    def assess_view(self, request: HttpRequest, object_id: int) -> HttpResponseBase:
        """Show a project with all that was handed in and decided, and do what is asked."""
        return assess_project(self, request, object_id)

    def zip_view(self, request: HttpRequest, object_id: int) -> HttpResponseBase:
        """Send every attempt of one project."""
        return send_attempts(self, request, object_id)

    def file_view(self, request: HttpRequest, object_id: int, file: int) -> HttpResponseBase:
        """Show one file of an attempt, to be read beside the decision."""
        return show_file(self, request, object_id, file)

    def member_view(self, request: HttpRequest, object_id: int, file: int) -> HttpResponseBase:
        """Send a picture or a PDF of an archive."""
        return show_member(self, request, object_id, file)

    def compare_view(self, request: HttpRequest, object_id: int) -> HttpResponseBase:
        """Show how two attempts differ."""
        return show_differences(self, request, object_id)

    def sheet_view(self, request: HttpRequest) -> HttpResponse:
        """Read corrected results from a table."""
        return import_sheet(self, request, ResultResource, title=_("Import corrected results"))

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """List the projects, with how far the assessment is."""
        courses = chosen_courses(request)
        assignment = primary_key(request.GET.get("assignment"))
        progress = progress_of(courses, user_of(request), assignment=assignment) if request.method == "GET" else []
        context = {
            "now": now_of(request),
            # The ways to often needed lists stay in the course that is chosen.
            "of_course": f"&{urlencode({'course': request.GET['course']})}" if request.GET.get("course") else "",
            "progress": progress,
            "decided": sum(of_course.decided for of_course in progress),
            "teams": sum(of_course.total for of_course in progress),
            "chips": [(label, "" if _is_asked(request, way) else way, _is_asked(request, way)) for label, way in CHIPS],
            # What is done to many is done in one course.
            "works": WORKS if len(courses) == 1 else (),
            **(extra_context or {}),
        }
        return super().changelist_view(request, context)

    def courses_listed(self, request: HttpRequest) -> list[Course]:
        """Return the courses that the list is about."""
        return chosen_courses(request)

    def history_of(self, row: Project) -> list[dict[str, Any]]:
        """Return what was changed of a project, also of the decision on each member and of the points."""
        return events_of(row, most=HISTORY_ROWS)

    # ── columns ──

    @admin.display(description=gettext_lazy("team"), ordering="pk")
    def team(self, project: Project) -> SafeString:
        """Say who it is, and whether they are too few."""
        view: TeamView = project.view  # type: ignore[attr-defined]
        names = names_of(view)
        text = format_html("#{} {}", project.pk, ", ".join(names) or _("nobody"))
        if project.is_active and view.is_small:
            missing = _("%(count)d of at least %(least)d") % {
                "count": places_taken(view.members),
                "least": project.team_min,
            }
            text = format_html("{}{}", text, _mark("wait", missing))
        return text

    @admin.display(description=gettext_lazy("topic"), ordering="topic__title")
    def topic_title(self, project: Project) -> SafeString:
        """Say the topic, its track and its mentor; or the assignment."""
        return _once(project, ("topic", project.topic_id, project.assignment_id), lambda: _topic(project))

    @admin.display(description=gettext_lazy("deadline"))
    def deadline(self, project: Project) -> SafeString | str:
        """Say the team's deadline."""
        view: TeamView = project.view  # type: ignore[attr-defined]
        if view.due_at is None:
            return "–"
        return _once(
            project, ("deadline", project.course.pk, view.due_at, view.is_extended), lambda: _deadline(project)
        )

    @admin.display(description=gettext_lazy("hand-in"))
    def hand_in(self, project: Project) -> SafeString | str:
        """Say which attempt counts, when it came, and what waits."""
        view: TeamView = project.view  # type: ignore[attr-defined]
        counting, parts = view.counting, []
        if counting is not None:
            what = _("Attempt %(attempt)d of %(count)d, %(time)s") % {
                "attempt": counting.row.attempt, "count": len(view.attempts), "time": _time(project, counting.row.began_at),
            }  # fmt: skip
            parts.append((what, _late_mark(counting)))
            if view.is_newer_than_decision:
                parts.append(("", _mark("wait", _("newer than its decision"))))
        for late in view.waiting_late:
            what = _("Attempt %(attempt)d, %(time)s") % {
                "attempt": late.row.attempt, "time": _time(project, late.row.began_at),
            }  # fmt: skip
            parts.append((what, _mark("bad", _("late, waits for you"))))
        if [mark for _what, mark in parts] == [""]:
            return parts[0][0]
        return format_html_join("", "<div>{}{}</div>", parts) if parts else "–"

    @admin.display(description=gettext_lazy("assessor"), ordering="assessor__sort_name")
    def assessor_name(self, project: Project) -> str:
        """Say who assesses it."""
        return str(project.assessor) if project.assessor else "–"

    @admin.display(description=gettext_lazy("result"))
    def result(self, project: Project) -> SafeString | str:
        """Say what is decided, and whether the team knows."""
        view: TeamView = project.view  # type: ignore[attr-defined]
        stage, row = state_of(view), view.assessment
        what = said_result(view) if row is not None else ""
        return _once(project, ("result", stage, what), lambda: _result(view))


def _topic(project: Project) -> SafeString:
    if project.topic is None:
        return format_html("<span>{}</span>", project.title)
    mentor = project.topic.mentor.name if project.topic.mentor else ""
    small = " · ".join(filter(None, [project.topic.said_track, mentor]))
    return format_html("<span>{}<small>{}</small></span>", project.title, small)


def _deadline(project: Project) -> SafeString:
    view: TeamView = project.view  # type: ignore[attr-defined]
    assert view.due_at is not None  # noqa: S101 - asked before
    return format_html("{}{}", _time(project, view.due_at), _mark("ok", _("extended")) if view.is_extended else "")


def _result(view: TeamView) -> SafeString | str:
    stage, row = state_of(view), view.assessment
    if stage == ProjectState.WITHDRAWN:
        return _mark("wait", _("withdrawn"))
    if row is None or not row.outcome:
        return _("Not decided")
    what = said_result(view)
    mark = _mark("ok", _("published")) if stage == ProjectState.PUBLISHED else _mark("wait", _("draft"))
    return format_html("{}{}", what, mark)


def _once(project: Project, key: Hashable, say: Callable[[], T]) -> T:
    """Return what a cell says, worked out once for all rows of the list of which the key is the same."""
    said: dict[Hashable, T] = project.said  # type: ignore[attr-defined]
    if key not in said:
        said[key] = say()
    return said[key]


# A list says the same few in hundreds of rows.
@lru_cache(maxsize=256)
def _mark(kind: str, text: str) -> SafeString:
    return format_html(' <span class="desk-mark desk-{}">{}</span>', kind, text)


def _time(project: Project, value: datetime) -> str:
    """Return a moment in words; most rows of a list say the same ones."""
    zone, now = project.course.zone, project.now  # type: ignore[attr-defined]
    return _once(project, (zone.key, value), lambda: say_moment(value, zone, now=now))
