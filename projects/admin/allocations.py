"""Giving topics by wish at the desk: runs of the solver, what they would give, and the one that is published."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.decorators import action

from amls.core.keys import primary_key
from amls.core.preview import preview_of
from amls.core.violations import RuleViolation
from amls.desk.writes import Writes
from projects.admin.pages import KeptAdmin, now_of, user_of
from projects.admin.runs import compared, run_page
from projects.models import Allocation, Assignment, MentorLimit, TopicPlacement
from projects.services.allocating import ask_allocation, change_allocation, publish_allocation
from projects.services.wishes import delete_mentor_limit, delete_placement, keep_mentor_limit, keep_placement


@admin.register(Allocation)
class AllocationAdmin(KeptAdmin):
    """The runs of the solver, the newest first. Nothing is given before one is published."""

    course_path = "assignment__course"
    list_display = ("number", "assignment", "state", "asked_at", "asked_by", "published_at")
    list_filter = ("assignment",)
    list_select_related = ("assignment", "asked_by")
    actions_list = ("new_run",)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let nobody write a result: the solver does."""
        return False

    def get_urls(self) -> list[URLPattern]:
        """Add the page that publishes."""
        publish = path(
            "<int:object_id>/publish/",
            self.admin_site.admin_view(self.publish_view),
            name="projects_allocation_publish",
        )
        return [publish, *super().get_urls()]

    def _run(self, request: HttpRequest, pk: object) -> Allocation:
        run = self.get_object(request, str(pk))
        if not isinstance(run, Allocation):
            raise Http404
        return run

    @action(description=gettext_lazy("Ask for a run"), url_path="new")
    def new_run(self, request: HttpRequest) -> HttpResponseBase:
        """Let the solver work on what there is now, for one assignment."""
        by_wish = Assignment.objects.filter(topics_given=Assignment.TopicsGiven.BY_WISH)
        assignments = (
            by_wish.filter(course__in=self.courses(request)).select_related("course").order_by("course", "position")
        )
        if request.method == "POST":
            assignment = assignments.filter(pk=primary_key(request.POST.get("assignment"))).first()
            if assignment is None:
                raise Http404
            try:
                run = ask_allocation(assignment=assignment, by=user_of(request), now=now_of(request))
            except RuleViolation as violation:
                messages.error(request, str(violation.message))
                return redirect("admin:projects_allocation_changelist")
            return redirect("admin:projects_allocation_change", run.pk)
        context = {"title": _("Ask for a run"), "assignments": assignments}
        return self.page(request, "admin/projects/new_run.html", context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> Any:
        """Show what a run would give, beside another one where that is asked for, and change it by hand."""
        run = self._run(request, object_id)
        if request.method == "POST":
            return self._change(request, run)
        others = Allocation.objects.filter(assignment=run.assignment, state=Allocation.State.DONE).exclude(pk=run.pk)
        other = others.filter(pk=primary_key(request.GET.get("with"))).first() or run.base
        context = {
            "title": f"{run.assignment}: {run}",
            "run": run,
            "others": others,
            **run_page(run),
            "compared": compared(other, run) if other is not None and run.result is not None else None,
        }
        return self.page(request, "admin/projects/run.html", context)

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
            try:
                with transaction.atomic():
                    publish_allocation(allocation=run, by=user_of(request), now=now_of(request))
            except RuleViolation as violation:
                messages.error(request, str(violation.message))
            else:
                messages.success(request, _("The topics are given, and every team is told."))
            return redirect("admin:projects_allocation_change", run.pk)
        figures = shown["figures"]
        lead = ngettext(
            "%(placed)d of %(teams)d team gets a topic. It can't be taken back.",
            "%(placed)d of %(teams)d teams get a topic. It can't be taken back.",
            figures.teams if figures is not None else 0,
        ) % {"placed": figures.placed if figures else 0, "teams": figures.teams if figures else 0}
        return self.ask(
            request,
            title=_("Publish %(run)s") % {"run": run},
            submit=_("Give the topics, and tell the teams"),
            may=run.state == Allocation.State.DONE and not run.is_published,
            lead=lead,
            notes=shown["broken"],
            people=people,
            preview=preview,
        )


@admin.register(TopicPlacement)
class TopicPlacementAdmin(KeptAdmin):
    """That a team gets a topic in any case, or doesn't."""

    course_path = "project__assignment__course"
    writes = Writes(save=keep_placement, delete=delete_placement)
    list_display = ("project", "kind", "topic", "reason", "decided_by")
    list_select_related = ("project__topic", "project__assignment", "topic", "decided_by")
    fields = ("project", "kind", "topic", "reason")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Take rules back."""
        return self._may(request, obj)


@admin.register(MentorLimit)
class MentorLimitAdmin(KeptAdmin):
    """How many teams a mentor looks after at most."""

    course_path = "assignment__course"
    writes = Writes(save=keep_mentor_limit, delete=delete_mentor_limit)
    list_display = ("mentor", "most", "assignment")
    list_select_related = ("mentor", "assignment")
    fields = ("assignment", "mentor", "most")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Take limits away."""
        return self._may(request, obj)
