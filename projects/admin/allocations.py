"""Giving topics by wish at the desk: what there is, runs of the solver, and the one that is published."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from amls.core.keys import primary_key
from amls.core.preview import preview_of
from amls.core.request import now_of
from amls.core.violations import RuleViolation
from amls.courses.accounts import user_of
from amls.courses.models import Course
from amls.desk.holding import hold_at_desk
from projects.admin.matching import match_people
from projects.admin.pages import KeptAdmin
from projects.admin.rounds import rounds_of
from projects.admin.runs import compared, run_page
from projects.admin.wishes import change_team, list_wishes
from projects.heldacts import TeamAct
from projects.models import Allocation, Assignment
from projects.services.allocating import (
    ask_allocation,
    change_allocation,
    require_publishable,
    require_unchanged,
)


@admin.register(Allocation)
class AllocationAdmin(KeptAdmin):
    """The runs of the solver, the newest first. Nothing is given before one is published."""

    course_path = "assignment__course"
    list_display = ("number", "assignment", "state", "asked_at", "asked_by", "published_at")
    list_filter = ("assignment",)
    list_select_related = ("assignment", "asked_by")
    list_before_template = "admin/projects/rounds.html"

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let nobody write a result: the solver does."""
        return False

    def get_urls(self) -> list[URLPattern]:
        """Add the pages that match people, show and change wishes, ask for a run and publish one."""
        wrap = self.admin_site.admin_view
        own = [
            path("new/", wrap(self.new_run_view), name="projects_allocation_new_run"),
            path("<int:assignment>/match/", wrap(self.match_view), name="projects_allocation_match"),
            path("<int:assignment>/wishes/", wrap(self.wishes_view), name="projects_allocation_wishes"),
            path(
                "<int:assignment>/wishes/<int:project>/",
                wrap(self.team_wishes_view),
                name="projects_allocation_team_wishes",
            ),
            path("<int:object_id>/publish/", wrap(self.publish_view), name="projects_allocation_publish"),
        ]
        return [*own, *super().get_urls()]

    def _run(self, request: HttpRequest, pk: object) -> Allocation:
        run = self.get_object(request, str(pk))
        if not isinstance(run, Allocation):
            raise Http404
        return run

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Show above the runs what they are made from."""
        rounds = rounds_of(self._by_wish(request)) if request.method == "GET" else []
        return super().changelist_view(request, {"rounds": rounds, **(extra_context or {})})

    def _by_wish(self, request: HttpRequest) -> QuerySet[Assignment]:
        """Return the assignments of the person's running courses whose topics are given by wish."""
        rows = Assignment.objects.filter(topics_given=Assignment.TopicsGiven.BY_WISH, course__in=self.courses(request))
        return rows.exclude(course__state=Course.State.ARCHIVED).select_related("course").order_by("course", "position")

    def new_run_view(self, request: HttpRequest) -> HttpResponseBase:
        """Let the solver work on what there is now, for one assignment."""
        assignment = self._by_wish(request).filter(pk=primary_key(request.POST.get("assignment"))).first()
        if request.method != "POST" or assignment is None:
            raise Http404
        try:
            run = ask_allocation(assignment=assignment, by=user_of(request), now=now_of(request))
        except RuleViolation as violation:
            messages.error(request, str(violation.message))
            return redirect("admin:projects_allocation_changelist")
        return redirect("admin:projects_allocation_change", run.pk)

    def _round(self, request: HttpRequest, pk: int) -> Assignment:
        assignment = self._by_wish(request).filter(pk=pk).first()
        if assignment is None:
            raise Http404
        timezone.activate(assignment.course.zone)
        return assignment

    def match_view(self, request: HttpRequest, assignment: int) -> HttpResponseBase:
        """Make teams of those who wish to be matched."""
        return match_people(self, request, self._round(request, assignment))

    def wishes_view(self, request: HttpRequest, assignment: int) -> HttpResponseBase:
        """Show what the teams of an assignment wish for."""
        return list_wishes(self, request, self._round(request, assignment))

    def team_wishes_view(self, request: HttpRequest, assignment: int, project: int) -> HttpResponseBase:
        """Change what a team wishes for."""
        return change_team(self, request, self._round(request, assignment), project)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> Any:
        """Show what a run would give, beside another one where that is asked for, and change it by hand."""
        run = self._run(request, object_id)
        if request.method == "POST":
            return self._change(request, run)
        others = Allocation.objects.filter(assignment=run.assignment, state=Allocation.State.DONE).exclude(pk=run.pk)
        other = others.filter(pk=primary_key(request.GET.get("with"))).first() or run.base
        # Of the runs of an assignment one waits at most.
        waiting = list(self._publication(request, run).waiting())
        context = {
            "title": f"{run.assignment}: {run}",
            "run": run,
            "course": run.assignment.course,
            "waiting": waiting,
            "is_to_come": any(act.references["values"]["allocation"] == run.pk for act in waiting),
            "others": others,
            **run_page(run),
            "problem": self._problem(request, run),
            "compared": compared(other, run) if other is not None and run.result is not None else None,
        }
        return self.page(request, "admin/projects/run.html", context)

    def _problem(self, request: HttpRequest, run: Allocation) -> str:
        """Return why a run can't be published now, or an empty text."""
        try:
            require_publishable(run, now=now_of(request))
            require_unchanged(run)
        except RuleViolation as violation:
            return str(violation.message)
        return ""

    def _change(self, request: HttpRequest, run: Allocation) -> HttpResponseBase:
        try:
            changed = change_allocation(
                allocation=run,
                team=primary_key(request.POST.get("team")) or 0,
                topic=primary_key(request.POST.get("topic")) or None,
                reason=request.POST.get("reason", "")[:300],
                by=user_of(request),
                now=now_of(request),
            )
        except RuleViolation as violation:
            messages.error(request, str(violation.message))
            return redirect("admin:projects_allocation_change", run.pk)
        messages.success(request, _("Changed as a run of its own: below is what it costs. Nothing is published."))
        return redirect("admin:projects_allocation_change", changed.pk)

    def publish_view(self, request: HttpRequest, object_id: int) -> HttpResponseBase:
        """Give the topics, after showing to how many teams, and who gets a mail."""
        run = self._run(request, object_id)
        shown = run_page(run)
        people = sorted(f"{person.user} <{person.user.email}>" for team in shown["members"].values() for person in team)
        preview = preview_of(request.POST, (run.pk, shown["figures"], people))
        if preview.is_agreed:
            return self._hold_publication(request, run)
        figures = shown["figures"]
        lead = ngettext(
            "%(placed)d of %(teams)d team gets a topic. Once it is done it can't be taken back.",
            "%(placed)d of %(teams)d teams get a topic. Once it is done it can't be taken back.",
            figures.teams if figures is not None else 0,
        ) % {"placed": figures.placed if figures else 0, "teams": figures.teams if figures else 0}
        return self.ask(
            request,
            title=_("Publish %(run)s") % {"run": run},
            submit=_("Do it in five minutes"),
            may=run.state == Allocation.State.DONE and not run.is_published,
            lead=lead,
            notes=shown["broken"],
            people=people,
            preview=preview,
        )

    @staticmethod
    def _publication(request: HttpRequest, run: Allocation) -> TeamAct:
        return TeamAct(
            name="allocate",
            values={"allocation": run.pk, "assignment": run.assignment_id},
            course=run.assignment.course,
            title=_("Publish %(run)s") % {"run": run},
            by=user_of(request),
        )

    def _hold_publication(self, request: HttpRequest, run: Allocation) -> HttpResponseBase:
        back = reverse("admin:projects_allocation_change", args=[run.pk])
        act = self._publication(request, run)
        try:
            hold_at_desk(request, act.wanted(act.tried(now_of(request)), back=back))
        except RuleViolation as violation:
            messages.error(request, str(violation.message))
        return redirect(back)
