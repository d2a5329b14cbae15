"""When and how projects of a course are registered and handed in."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.forms import ModelForm
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import action

from amls.core.preview import preview_of
from amls.core.request import now_of
from amls.core.times import say_date, say_length, say_time
from amls.core.violations import RuleViolation, add_violation
from amls.courses.accounts import user_of
from amls.courses.models import Course
from amls.desk.asking import Changes
from amls.desk.chosen_course import courses_of
from amls.desk.kept_files import WaitingFiles
from amls.desk.writes import Writes
from amls.grading.facts import names_in_rules
from projects.admin.filters import usual_course
from projects.admin.pages import KeptAdmin
from projects.forms.series import SeriesForm
from projects.lateness import LATE_FIELDS, lateness_of, said_of_lateness
from projects.models import Assignment, Extension, Project
from projects.services.assignments import delete_assignment, keep_assignment
from projects.services.series import PlannedAssignment, make_series, plan_series


def extensions_after_move(assignment: Assignment, deadline: datetime | None) -> list[str]:
    """Return, for each extension that holds, what it gives when the deadline becomes `deadline`."""
    zone = assignment.course.zone
    rows = Extension.objects.filter(assignment=assignment, revoked_at__isnull=True)
    said = []
    for row in rows.select_related("project__topic", "project__assignment", "enrolment__user", "course"):
        whom = str(row.project or (row.enrolment.user if row.enrolment else _("everyone")))
        if row.due_at is not None:
            values = {"whom": whom, "until": say_time(row.due_at, zone)}
            if deadline is not None and row.due_at <= deadline:
                said.append(_("%(whom)s: until %(until)s, which no longer gives more time.") % values)
            else:
                said.append(_("%(whom)s: stays at %(until)s.") % values)
        elif row.delta is not None and deadline is not None:
            values = {"whom": whom, "by": say_length(row.delta), "until": say_time(row.extends(deadline), zone)}
            said.append(_("%(whom)s: moves along by %(by)s to %(until)s.") % values)
    return said


def _said(plan: PlannedAssignment, course: Course) -> str:
    """Say when one of a series is due, and what was left out before it."""
    said = _("%(title)s: due %(due)s") % {"title": plan.title, "due": say_time(plan.due_at, course.zone)}
    if plan.skipped:
        days = ", ".join(say_date(day) for day in plan.skipped)
        said += " · " + _("no class on %(days)s") % {"days": days}
    return said


@admin.register(Assignment)
class AssignmentAdmin(KeptAdmin):
    """What a course asks for, when and how it is handed in."""

    writes = Writes(save=keep_assignment, delete=delete_assignment, has_pages=True)
    previews = True
    actions_list = ("add_series",)
    list_display = ("title", "course", "kind", "due_at", "assessed_by", "is_mandatory")
    list_filter = ("course", "kind")
    list_select_related = ("course",)
    search_fields = ("title", "description")
    fieldsets = (
        (None, {"fields": ("course", ("kind", "title"), "due_at", ("opens_at", "registration_closes_at"), ("visible_from", "position"), "assessed_by", ("hours", "ects", "is_mandatory"), "takes_own_ideas")}),
        (gettext_lazy("Teams and points"), {"fields": ("teaming", ("team_min", "team_max"), ("grading", "max_points", "counts"), "question_days"), "classes": ("tab",)}),
        (gettext_lazy("Hand-in"), {"fields": ("hand_in", "late_policy", ("late_cutoff_hours", "grace_minutes", "late_percent"), "kinds_of_files", ("max_files", "max_file_megabytes"), "max_total_megabytes"), "classes": ("tab",)}),
        (gettext_lazy("Topics by wish"), {"fields": ("topics_given", "wishes_close_at", ("wishes_min", "wishes_max")), "classes": ("tab",)}),
        (gettext_lazy("Description"), {"fields": ("description",), "classes": ("tab",)}),
    )  # fmt: skip

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Keep the rules under which a team registered."""
        return self._may(request, obj) and (obj is None or not self.why_kept(request, obj))

    def why_kept(self, request: HttpRequest, row: Any) -> str:
        """Say that teams or people have begun it."""
        if not Project.objects.filter(assignment=row).exists():
            return ""
        return _(
            "“%(title)s” is kept: teams or people have begun it, and what they did would be lost. If it shall not count, take it"
            " out of the sum on its form, under “Teams and points”."
        ) % {"title": row}

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Say first what else a deletion does: a rule of admission that names what is gone lets nobody through."""
        listed, *more = super().get_deleted_objects(objs, request)
        why = _(
            "The rule of admission names %(title)s. Once it is deleted nobody is admitted by that part of the rule: change "
            "the rule first."
        )
        warnings = [
            format_html("<strong>{}</strong>", why % {"title": assignment})
            for assignment in objs
            if names_in_rules(assignment.course, assignment=assignment.pk)
        ]
        return [*warnings, *listed], *more

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Keep whose it is, and what it is: teams worked by it."""
        return ("course", "kind") if obj is not None else ()

    @action(description=gettext_lazy("Make a series"), url_path="series")
    def add_series(self, request: HttpRequest) -> HttpResponseBase:
        """Make a sheet for every week, after showing when each is due."""
        courses = courses_of(request)
        wanted = request.POST.get("course", "")
        course = next((course for course in courses if str(course.pk) == wanted), usual_course(request))
        if course is None:
            raise Http404
        timezone.activate(course.zone)
        form = SeriesForm(request.POST or None, courses=courses, zone=course.zone, initial={"course": course.pk})
        planned, preview = [], None
        if request.method == "POST" and form.is_valid():
            try:
                planned = plan_series(form.cleaned_data["course"], **form.numbers())
                preview = preview_of(request.POST, (form.cleaned_data, planned))
                if preview.is_agreed:
                    make_series(
                        course=form.cleaned_data["course"],
                        name=form.cleaned_data["name"],
                        planned=planned,
                        values=form.values(),
                        by=user_of(request),
                        now=now_of(request),
                    )
            except RuleViolation as violation:
                add_violation(form, violation)
                preview = None
            else:
                if preview.is_agreed:
                    messages.success(request, _("%(count)d assignments are made.") % {"count": len(planned)})
                    return redirect("admin:projects_assignment_changelist")
        return self.ask(
            request,
            title=_("Make a series"),
            submit=_("Make them") if preview is not None else _("Show when each is due"),
            form=form,
            chooses_zone=form.chooses_zone,
            lead=_("One a week. A week whose day is without class is left out."),
            notes=[_said(plan, course) for plan in planned] if preview is not None else [],
            preview=preview,
        )

    def get_ordering(self, request: HttpRequest) -> list[str]:
        """Put what is due first in front."""
        return ["-course", "due_at", "position", "pk"]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Let the title of a course's project be left out."""
        form = super().get_form(request, obj, change=change, **kwargs)
        if "title" in form.base_fields:
            form.base_fields["title"].required = False
        return form

    def save_model(self, request: HttpRequest, obj: Assignment, form: ModelForm[Any], change: bool) -> None:
        """Save, and note a moved deadline for the question that follows."""
        if change and "due_at" in form.changed_data:
            request.moved_deadline = obj  # type: ignore[attr-defined]
        if not change or not LATE_FIELDS & set(form.changed_data):
            super().save_model(request, obj, form, change)
            return
        before = lateness_of(Assignment.objects.get(pk=obj.pk))
        super().save_model(request, obj, form, change)
        for line in said_of_lateness(before, lateness_of(obj)):
            self.note_first(request, line)

    def _ask(self, request: HttpRequest, changes: Changes, waiting: WaitingFiles) -> HttpResponse:
        response = super()._ask(request, changes, waiting)
        moved: Assignment | None = getattr(request, "moved_deadline", None)
        if moved is not None:
            notes = extensions_after_move(moved, moved.due_at)
            response.context_data["notes"] = notes  # type: ignore[attr-defined]
        return response
