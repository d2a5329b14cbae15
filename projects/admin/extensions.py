"""More time at the desk: requests to decide, extensions to give and to revoke."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Case, QuerySet, Value, When
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from amls.core.request import now_of
from amls.core.times import say_length, say_time
from amls.core.violations import RuleViolation, add_violation
from amls.courses.accounts import user_of
from amls.courses.models import User
from amls.desk.chosen_course import courses_of
from amls.desk.listing import list_as_left
from projects.admin.filters import usual_course
from projects.admin.pages import KeptAdmin
from projects.forms.staff import AnswerForm, ForWhomForm, MoreTimeForm
from projects.heldacts import TeamAct
from projects.models import Extension, ExtensionRequest, Project
from projects.moretime import say_more_time, warn_if_over
from projects.progress import desk_views
from projects.queries import with_team
from projects.services.extensions import decline_request, extend, grant_request, reopen_request, say_kept_in_time


@admin.register(ExtensionRequest)
class ExtensionRequestAdmin(KeptAdmin):
    """Wishes for more time, the open ones first."""

    course_path = "project__assignment__course"
    list_display = ("enrolment", "project", "wanted_until", "asked_at", "state", "decided_by")
    list_filter = ("project__assignment__course", "state")
    list_select_related = (
        "enrolment__user", "enrolment__course", "project__topic", "project__assignment__course", "decided_by",
    )  # fmt: skip
    search_fields = ("enrolment__user__display_name", "enrolment__user__email", "project__topic__title")
    actions = ()

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Add none: the teams ask."""
        return False

    def get_ordering(self, request: HttpRequest) -> list[Any]:
        """Put the open ones first."""
        is_decided = Case(When(state=ExtensionRequest.State.OPEN, then=Value(0)), default=Value(1))
        return [is_decided.asc(), "asked_at", "pk"]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponseBase:
        """Show a wish, and grant or decline it with an answer."""
        row = self.get_object(request, object_id)
        if row is None:
            raise Http404
        here = reverse("admin:projects_extensionrequest_change", args=[row.pk])
        if "reopen" in request.POST:
            return self._reopen(request, row, here)
        course = row.project.course
        timezone.activate(course.zone)
        project = with_team(Project.objects.filter(pk=row.project_id)).get()
        is_grant, is_decline = "grant" in request.POST, "decline" in request.POST
        initial = {"reason": row.reason}
        if row.wanted_until:
            initial["until"] = timezone.localtime(row.wanted_until, course.zone)
        time_form = MoreTimeForm(request.POST if is_grant else None, zone=course.zone, initial=initial)
        # The reason of the extension is the one that the team gave.
        del time_form.fields["reason"]
        answer_form = AnswerForm(request.POST or None)
        if is_grant and answer_form.is_valid() and time_form.is_valid():
            act = {**time_form.given(), "answer": answer_form.cleaned_data["answer"]}
            try:
                extension = grant_request(request=row, by=user_of(request), now=now_of(request), **act)
            except RuleViolation as violation:
                add_violation(time_form, violation)
            else:
                said = _("Granted: page, calendar and reminders follow. The team is told in five minutes.")
                messages.success(request, said, extra_tags=f"undo {here} reopen 1")
                warn_if_over(request, [extension], now=now_of(request))
                return redirect(list_as_left(self, request))
        if is_decline and answer_form.is_valid():
            try:
                answer = answer_form.cleaned_data["answer"]
                decline_request(request=row, by=user_of(request), answer=answer, now=now_of(request))
            except RuleViolation as violation:
                add_violation(answer_form, violation)
            else:
                said = _("Declined; the team is told why in five minutes.")
                messages.success(request, said, extra_tags=f"undo {here} reopen 1")
                return redirect(list_as_left(self, request))
        context = {
            "title": _("More time for %(project)s?") % {"project": row.project},
            "row": row,
            "view": desk_views([project])[project.pk],
            "time_form": time_form,
            "answer_form": answer_form,
        }
        status = 422 if time_form.errors or answer_form.errors else 200
        return self.page(request, "admin/projects/request.html", context, status)

    def _reopen(self, request: HttpRequest, row: ExtensionRequest, here: str) -> HttpResponseBase:
        """Take a decision back that nobody was told of yet."""
        try:
            kept = reopen_request(request=row, now=now_of(request))
        except RuleViolation as violation:
            messages.error(request, str(violation.message))
        else:
            said = [_("Taken back: no mail leaves, and the request waits for a decision."), *say_kept_in_time(kept)]
            messages.success(request, " ".join(said))
        return redirect(here)


def _extend(form: ForWhomForm, *, by: User, now: datetime) -> list[Extension]:
    """Give the time that was typed: to a team for its assignment, else for each that was chosen, all or none."""
    data = form.cleaned_data
    given = {"by": by, "reason": data["reason"], "now": now, **form.given()}
    with transaction.atomic():
        if data["project"]:
            return extend(projects=[data["project"]], **given)
        return [
            extension
            for assignment in form.chosen(now)
            for extension in extend(assignment=assignment, enrolment=data["enrolment"], **given)
        ]


@admin.register(Extension)
class ExtensionAdmin(KeptAdmin):
    """Who has more time, and since when."""

    list_display = ("whom", "more", "assignment", "course", "granted_at", "granted_by", "revoked_at")
    list_filter = ("course", ("revoked_at", admin.EmptyFieldListFilter))
    list_select_related = (
        "course",
        "assignment",
        "project__topic",
        "project__assignment",
        "enrolment__user",
        "granted_by",
    )
    search_fields = ("project__topic__title", "enrolment__user__display_name", "enrolment__user__email", "reason")
    actions = ("revoke_all",)

    @admin.display(description=gettext_lazy("for"))
    def whom(self, row: Extension) -> str:
        """Say for whom."""
        if row.project is not None:
            return str(row.project)
        return str(row.enrolment.user) if row.enrolment is not None else _("everyone")

    @admin.display(description=gettext_lazy("more time"))
    def more(self, row: Extension) -> str:
        """Say until when, or by how much."""
        if row.due_at is not None:
            return _("until %(time)s") % {"time": say_time(row.due_at, row.course.zone)}
        return _("by %(delta)s") % {"delta": say_length(row.delta) if row.delta else "–"}

    def _named(self, rows: Sequence[Extension]) -> dict[str, str]:
        """Name what is for the same people: them, and the assignments."""
        return {"whom": self.whom(rows[0]), "what": ", ".join(str(row.assignment) for row in rows)}

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponseBase:
        """Give more time to everyone, a team or a person."""
        courses = courses_of(request)
        wanted = request.POST.get("course", "")
        course = next((course for course in courses if str(course.pk) == wanted), usual_course(request))
        if course is None:
            raise Http404
        timezone.activate(course.zone)
        form = ForWhomForm(request.POST or None, courses=courses, zone=course.zone, initial={"course": course.pk})
        if request.method == "POST" and form.is_valid():
            try:
                given = _extend(form, by=user_of(request), now=now_of(request))
            except RuleViolation as violation:
                add_violation(form, violation)
            else:
                back = reverse("admin:projects_extension_changelist")
                title = _("More time for %(whom)s: %(what)s") % self._named(given)
                say_more_time(request, given, title=title, back=back, by=user_of(request), now=now_of(request))
                return redirect(back)
        return self.ask(
            request,
            title=_("Extend the deadline"),
            submit=_("Extend, and tell whom it concerns"),
            form=form,
            chooses_zone=form.chooses_zone,
            lead=_("Page, calendar and reminders follow at once."),
        )

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponseBase:
        """Show an extension, and revoke it."""
        row = self.get_object(request, object_id)
        if row is None:
            raise Http404
        timezone.activate(row.course.zone)
        if request.method == "POST":
            title = _("Revoke more time for %(whom)s: %(what)s") % self._named([row])
            act = _revoking([row], title=title, by=user_of(request))
            back = reverse("admin:projects_extension_change", args=[row.pk])
            asked = self.hold(request, act, back=back)
            return asked or redirect(list_as_left(self, request))
        notes = [
            f"{self.more(row)} · {row.granted_by or '–'} · {say_time(row.granted_at, row.course.zone)}",
            row.reason,
        ]
        if row.revoked_at is not None:
            notes.append(_("Revoked %(time)s.") % {"time": say_time(row.revoked_at, row.course.zone)})
        return self.ask(
            request,
            title=_("More time for %(whom)s: %(what)s") % self._named([row]),
            submit=_("Revoke"),
            notes=notes,
            may=row.revoked_at is None,
        )

    @admin.action(description=gettext_lazy("Revoke"))
    def revoke_all(self, request: HttpRequest, queryset: QuerySet[Extension]) -> HttpResponseBase | None:
        """Revoke several."""
        rows = list(queryset.filter(revoked_at__isnull=True).select_related("course").order_by("course", "pk"))
        courses = {row.course_id for row in rows}
        if len(courses) != 1:
            messages.error(request, _("Choose extensions of one course that are not revoked yet."))
            return None
        act = _revoking(rows, title=_("Revoke these extensions"), by=user_of(request))
        back = f"{reverse('admin:projects_extension_changelist')}?{urlencode({'course__id__exact': rows[0].course_id})}"
        return self.hold(request, act, back=back, action="revoke_all", rows=rows)


def _revoking(rows: Sequence[Extension], *, title: str, by: User) -> TeamAct:
    """Return the act that revokes extensions of one course."""
    return TeamAct(
        name="revoke", values={"extensions": [row.pk for row in rows]}, course=rows[0].course, title=title, by=by
    )
