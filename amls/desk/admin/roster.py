"""The roster at the desk: who may join, by hand and by a table, and who claims to be on it."""

from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.db.models import Case, Value, When
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.decorators import action

from amls.core.keys import primary_key
from amls.core.names import SortName
from amls.core.preview import without_trace
from amls.core.request import now_of
from amls.core.violations import RuleViolation
from amls.courses.accounts import user_of
from amls.courses.models import Course, RosterEntry
from amls.courses.participation import follow_roster
from amls.courses.saving import (
    delete_row,
    save_row,
)
from amls.desk.chosen_course import chosen_course, courses_of
from amls.desk.forms import RosterEntryForm, RosterForm
from amls.desk.holding import WantedAct, hold_at_desk
from amls.desk.listing import list_as_left
from amls.desk.site import CourseScopedAdmin
from amls.desk.writes import Writes
from amls.files.shelf import Shelf
from amls.files.tables.forms import preview_or_apply
from amls.files.tables.imports import with_undo
from amls.files.tables.plan import Plan
from amls.files.tables.table import Upload
from amls.membership.claims import CLAIM_ACT, claim_for_enrolled, decide_claim
from amls.membership.roster import KIND, MEANINGS, RosterPlan, import_roster


@admin.register(RosterEntry)
class RosterEntryAdmin(CourseScopedAdmin):
    """Who may join a course before they ever sign in; first whoever signed in with another address."""

    writes = Writes(save=save_row, delete=delete_row)
    list_display = ("email", "name", "matriculation_number", "course", "has_joined", "has_left", "claim")
    list_filter = ("course", ("claimed_by", admin.EmptyFieldListFilter))
    list_select_related = ("course", "enrolment", "claimed_by")
    search_fields = ("email", "name", "matriculation_number")
    form = RosterEntryForm
    readonly_fields = ("left_by",)
    actions_list = ("upload_roster", "invite_by_mail")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Show who left, and which accounts were declined, where some were."""
        fields = ("course", "email", "name", "matriculation_number")
        if obj is None:
            return fields
        left = ("left_by",) if obj.left_by_id is not None and obj.enrolment_id is None else ()
        return (*fields, *left, *(("declined",) if obj.declined.exists() else ()))

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Save, and ask about who is enrolled and has the number of the roster."""
        super().save_related(request, form, formsets, change)
        follow_roster(form.instance, former=form.initial.get("matriculation_number", ""))
        claim_for_enrolled(course=form.instance.course, now=now_of(request))

    @admin.display(boolean=True, description=gettext_lazy("joined"))
    def has_joined(self, entry: RosterEntry) -> bool:
        """Say whether an account joined this entry."""
        return entry.enrolment_id is not None

    @admin.display(boolean=True, description=gettext_lazy("left"))
    def has_left(self, entry: RosterEntry) -> bool:
        """Say whether who joined by this entry left, or was taken out."""
        return entry.enrolment_id is None and entry.left_by_id is not None

    @admin.display(description=gettext_lazy("to confirm"))
    def claim(self, entry: RosterEntry) -> str:
        """Say which account says that it is this person."""
        return f"{entry.claimed_by} <{entry.claimed_by.email}>" if entry.claimed_by else "–"

    def get_ordering(self, request: HttpRequest) -> list[Any]:
        """Put those to confirm first."""
        waits = Case(When(claimed_by__isnull=False, then=Value(0)), default=Value(1))
        return [waits.asc(), "course", SortName("name", "email").asc()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> Any:
        """Edit an entry; where an account says that it is this person, confirm or decline that first."""
        entry = self.get_object(request, object_id)
        if entry is not None and request.method == "POST" and (entry.claimed_by or "claimant" in request.POST):
            return self._decide(request, entry)
        if entry is None or entry.claimed_by is None:
            return super().change_view(request, object_id, form_url, extra_context)
        context = {**self.admin_site.each_context(request), "title": _("Is it the same person?"), "opts": self.opts, "entry": entry}  # fmt: skip
        return TemplateResponse(request, "admin/claim.html", context)

    def _decide(self, request: HttpRequest, entry: RosterEntry) -> HttpResponse:
        claimant, is_confirmed = primary_key(request.POST.get("claimant")), "confirm" in request.POST
        now = now_of(request)
        here = reverse("admin:courses_rosterentry_change", args=[entry.pk])
        try:
            without_trace(partial(decide_claim, entry=entry, claimant=claimant, is_confirmed=is_confirmed, now=now))
        except RuleViolation as violation:
            messages.error(request, str(violation.message))
            return redirect(here)
        title = _("Enrol %(name)s") if is_confirmed else _("Decline %(name)s")
        references = {"entry": entry.pk, "claimant": claimant, "is_confirmed": is_confirmed}
        wanted = WantedAct(entry.course, CLAIM_ACT, str(entry.pk), references, title % {"name": entry.claimed_by}, here)
        hold_at_desk(request, wanted)
        return redirect(list_as_left(self, request))

    @action(description=gettext_lazy("Invite by mail"), url_path="invite")
    def invite_by_mail(self, request: HttpRequest) -> HttpResponse:
        """Lead to the page that invites people to the chosen course, else to the first of one's own."""
        course = chosen_course(request) or next(iter(courses_of(request)), None)
        if course is None:
            raise Http404
        return redirect("portal:invite", slug=course.slug)

    @action(description=gettext_lazy("Import a table"), url_path="import")
    def upload_roster(self, request: HttpRequest) -> HttpResponse:
        """Show what a table would change, then change it."""
        shelf = Shelf(user_of(request).pk, KIND, now_of(request))
        form = RosterForm(request.POST or None, request.FILES or None, courses=self.courses(request), shelf=shelf)
        form.initial.setdefault("course", chosen_course(request))
        context: dict[str, Any] = {
            **self.admin_site.each_context(request), "title": _("Import a roster"), "opts": self.opts, "form": form,
            "meanings": MEANINGS,
        }  # fmt: skip
        if request.method != "POST":
            return TemplateResponse(request, "admin/table_import.html", context)

        def run(upload: Upload, *, dry_run: bool, expected: str) -> Plan:
            return import_roster(
                course=form.cleaned_data["course"], upload=upload,
                by=user_of(request), now=now_of(request), dry_run=dry_run, expected=expected,
            )  # fmt: skip

        outcome = preview_or_apply(form, run)
        if outcome.is_done and isinstance(outcome.plan, RosterPlan):
            self._say_imported(request, outcome.plan, form.cleaned_data["course"])
            return redirect(reverse("admin:courses_rosterentry_changelist"))
        context["preview"] = outcome.preview
        return TemplateResponse(request, "admin/table_import.html", context, status=outcome.status)

    @staticmethod
    def _say_imported(request: HttpRequest, plan: RosterPlan, course: Course) -> None:
        said = _("%(added)d added, %(changed)d changed, %(unchanged)d as before; %(joined)d joined at once.")
        counts = {"added": plan.added, "changed": plan.changed, "unchanged": plan.unchanged, "joined": plan.joined}
        text = said % counts
        messages.success(request, with_undo(text, course.slug) if plan.can_be_taken_back else text)
        if plan.claimed:
            more = ngettext(
                "%(claimed)d person is to confirm: first in this list.",
                "%(claimed)d people are to confirm: first in this list.",
                plan.claimed,
            )
            messages.warning(request, more % {"claimed": plan.claimed})
