"""Topics at the desk: the staff's proposals, and students' own ideas to decide on."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Case, QuerySet, Value, When
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import action

from amls.core.request import now_of
from amls.core.violations import RuleViolation, add_violation
from amls.courses.accounts import user_of
from amls.desk.chosen_course import courses_of
from amls.desk.listing import list_as_left
from amls.desk.writes import Writes
from projects.admin.filters import TopicTrackFilter
from projects.admin.pages import KeptAdmin
from projects.admin.sheets import import_sheet
from projects.exports.topics import TopicResource, topics_response
from projects.forms.staff import AnswerForm
from projects.heldacts import TeamAct
from projects.models import Assignment, Topic
from projects.services.topics import delete_topic, keep_topic


@admin.register(Topic)
class TopicAdmin(KeptAdmin):
    """The project proposals of a course, open ideas first."""

    writes = Writes(save=keep_topic, delete=delete_topic)
    previews = True
    list_display = (
        "title",
        "assignment",
        "shown_track",
        "mentor",
        "team_size",
        "slots_left",
        "is_open",
        "proposal_state",
        "course",
    )
    told_once = ("assignment",)
    list_filter = ("course", TopicTrackFilter, "is_open", "proposal")
    list_select_related = ("course", "assignment", "mentor", "proposed_by__user")
    search_fields = ("title", "description", "mentor__name")
    actions = ("to_csv", "to_xlsx")
    actions_list = ("upload_topics",)
    fieldsets = (
        (None, {"fields": ("course", ("track", "title"), "description", "mentor", ("team_min", "team_max"), ("slots", "is_open", "position"))}),
        (gettext_lazy("Topics by wish"), {"fields": (("fewest_teams", "must_be_held"),), "classes": ("tab",)}),
        (gettext_lazy("Skills and links"), {"fields": ("skills", "links"), "classes": ("tab",)}),
    )  # fmt: skip

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Ask of which assignment a topic is where a course has several with topics."""
        (name, options), *others = super().get_fieldsets(request, obj)
        rows = Assignment.objects.filter(course__in=courses_of(request), kind=Assignment.Kind.PROJECT, is_main=False)
        if not rows.exists():
            return [(name, options), *others]
        course, *fields = options["fields"]
        return [(name, {**options, "fields": (course, "assignment", *fields)}), *others]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Keep of which assignment it is: teams work on it."""
        return (*super().get_readonly_fields(request, obj), *(("assignment",) if obj is not None else ()))

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Take the course's project where nothing else is said."""
        form = super().get_form(request, obj, change=change, **kwargs)
        if "assignment" in form.base_fields:
            form.base_fields["assignment"].required = False
        return form

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Delete what staff typed by mistake; the database keeps topics that a team had, and ideas stay."""
        return self._may(request, obj) and (obj is None or not self.why_kept(request, obj))

    def why_kept(self, request: HttpRequest, row: Any) -> str:
        """Say that a team has or had it, or that it is somebody's idea."""
        if not (row.proposal or row.projects.exists() or row.switched_from.exists()):
            return ""
        return _("“%(title)s” is kept: a team has or had it, or a student proposed it.") % {"title": row}

    def get_ordering(self, request: HttpRequest) -> list[Any]:
        """Put open ideas first."""
        waits = Case(When(proposal=Topic.Proposal.OPEN, then=Value(0)), default=Value(1))
        return [waits.asc(), "-course", "position", "pk"]

    def get_urls(self) -> list[URLPattern]:
        """Add the page that decides on an idea."""
        own = path(
            "<int:object_id>/decide/", self.admin_site.admin_view(self.decide_view), name="projects_topic_decide"
        )
        return [own, *super().get_urls()]

    @admin.display(description=gettext_lazy("track"), ordering="track")
    def shown_track(self, topic: Topic) -> str:
        """Say its track in the reader's language."""
        return topic.said_track

    @admin.display(description=gettext_lazy("team"))
    def team_size(self, topic: Topic) -> str:
        """Say how large a team may be."""
        return f"{topic.team_min}–{topic.team_max}" if topic.team_min < topic.team_max else str(topic.team_max)

    @admin.display(description=gettext_lazy("slots left"), ordering="taken")
    def slots_left(self, topic: Topic) -> str:
        """Say how many teams may still take it."""
        return _("%(free)d of %(slots)d") % {"free": topic.free, "slots": topic.slots}

    @admin.display(description=gettext_lazy("proposal"))
    def proposal_state(self, topic: Topic) -> str:
        """Say whose it is."""
        author = f", {topic.proposed_by.user}" if topic.proposed_by else ""
        return f"{topic.get_proposal_display()}{author}"

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> Any:
        """Edit a topic; an idea that waits is decided on."""
        row = self.get_object(request, object_id)
        if row is not None and row.proposal == Topic.Proposal.OPEN:
            return self.decide_view(request, row.pk)
        return super().change_view(request, object_id, form_url, extra_context)

    def decide_view(self, request: HttpRequest, object_id: int) -> HttpResponseBase:
        """Accept a student's own idea, or decline it with a reason."""
        topic = self.get_object(request, str(object_id))
        if topic is None or not topic.proposal:
            raise Http404
        form = AnswerForm(request.POST or None)
        form.fields["answer"].label = _("Reason")
        form.fields["answer"].help_text = _("The student reads it. Needed if you decline.")
        if request.method == "POST" and form.is_valid():
            is_accepted = "accept" in request.POST
            title = _("Accept the idea %(idea)s") if is_accepted else _("Decline the idea %(idea)s")
            values = {"topic": topic.pk, "is_accepted": is_accepted, "reason": form.cleaned_data["answer"]}
            act = TeamAct("decide-idea", values, topic.course, title % {"idea": topic}, user_of(request))
            back = list_as_left(self, request)
            try:
                answer = self.hold(request, act, back=back)
            except RuleViolation as violation:
                form.add_error("answer", str(violation.message)) if violation.field else add_violation(form, violation)
            else:
                return answer or redirect(back)
        context = {"title": topic.title, "topic": topic, "form": form}
        return self.page(request, "admin/projects/idea.html", context, 422 if form.errors else 200)

    @action(description=gettext_lazy("Import topics"), url_path="import")
    def upload_topics(self, request: HttpRequest) -> HttpResponseBase:
        """Read topics from a table."""
        return import_sheet(self, request, TopicResource, title=_("Import topics"))

    @admin.action(description=gettext_lazy("Export as CSV"))
    def to_csv(self, request: HttpRequest, queryset: QuerySet[Topic]) -> HttpResponseBase:
        """Send topics as a table."""
        return topics_response(queryset.select_related("mentor"), kind="csv", now=now_of(request))

    @admin.action(description=gettext_lazy("Export as XLSX"))
    def to_xlsx(self, request: HttpRequest, queryset: QuerySet[Topic]) -> HttpResponseBase:
        """Send topics as a spreadsheet."""
        return topics_response(queryset.select_related("mentor"), kind="xlsx", now=now_of(request))
