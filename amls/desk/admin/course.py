"""Courses at the desk, with who is shown on their page and their weekly slots."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from amls.core.preview import Preview, preview_by_button, sent_before
from amls.core.text import clean_text
from amls.core.violations import RuleViolation
from amls.courses.models import Course, Enrolment, StaffMember, WeeklySlot
from amls.courses.permissions import may_create_courses
from amls.courses.saving import (
    STATE_ACT,
    delete_course,
    delete_row,
    name_loose_ends,
    remove_staff_member,
    save_course,
    save_row,
)
from amls.courses.services import loose_ends_of, need_without_charge
from amls.desk.holding import WantedAct, hold_at_desk
from amls.desk.site import CourseScopedAdmin, CourseScopedInline
from amls.desk.writes import Writes

# What the button sends that archives a course, or makes it a draft again.
_AGREED_STATE = "_state"
_ACTS = {
    Course.State.DRAFT: gettext_lazy("Make %(course)s a draft again"),
    Course.State.RUNNING: gettext_lazy("Reopen %(course)s"),
    Course.State.ARCHIVED: gettext_lazy("Archive %(course)s"),
}
_QUESTIONS = {
    Course.State.DRAFT: gettext_lazy("Make %(course)s a draft again?"),
    Course.State.RUNNING: gettext_lazy("Reopen %(course)s?"),
    Course.State.ARCHIVED: gettext_lazy("Archive %(course)s?"),
}


def _is_held(was: str, state: Course.State) -> bool:
    """Return whether a change of state is asked about and waits: any but publishing a draft, which takes nothing away."""
    return was != state and (was, state) != (Course.State.DRAFT, Course.State.RUNNING)


@dataclass(frozen=True, slots=True)
class _AskedState:
    """The question before a course has another state; the one about calendars follows.

    Attributes:
        state: that it is to have.
        loose_ends: what is not finished in a course that is to be archived.
        people: how many take part in one that they are to see no more.
        needs_reason: whether whoever agrees says why.
        is_agreed: whether they did, to this very question.
    """

    state: Course.State
    loose_ends: list[str]
    people: int
    needs_reason: bool
    preview: Preview
    is_agreed: bool

    @classmethod
    def of(cls, request: HttpRequest, row: Course, state: Course.State) -> _AskedState:
        """Return the question about a course, and how a request answers it."""
        loose_ends = loose_ends_of(row) if state == Course.State.ARCHIVED else []
        people = Enrolment.objects.students().filter(course=row).count() if state == Course.State.DRAFT else 0
        preview = preview_by_button(request.POST, (row.pk, state.value, loose_ends, people), button=_AGREED_STATE)
        needs_reason = row.state == Course.State.ARCHIVED
        reason = request.POST.get("_reason", "").strip()
        return cls(
            state, loose_ends, people, needs_reason, preview, bool(reason) if needs_reason else preview.is_agreed
        )


class StaffMemberFormSet(forms.BaseInlineFormSet):  # type: ignore[type-arg]
    """Who stands on a course's page."""

    def clean(self) -> None:
        """Keep who is in charge of something, before anything is saved."""
        super().clean()
        for form in self.deleted_forms:
            if form.instance.pk:
                try:
                    need_without_charge(form.instance)
                except RuleViolation as violation:
                    raise ValidationError(str(violation.message)) from violation


class StaffMemberInline(CourseScopedInline):
    model = StaffMember
    formset = StaffMemberFormSet
    writes = Writes(save=save_row, delete=remove_staff_member)
    fields = ("role", "name", "affiliation", "email", "url", "position")


class WeeklySlotInline(CourseScopedInline):
    model = WeeklySlot
    writes = Writes(save=save_row, delete=delete_row)
    # One below the other: seven columns would cut every choice to two letters.
    template = "admin/edit_inline/stacked.html"
    fields = (("kind", "weekday"), ("start", "end"), ("room", "mode"), "call_in")


@admin.register(Course)
class CourseAdmin(CourseScopedAdmin):
    """A course: its facts, its weekly slots, its staff, its state."""

    writes = Writes(save=save_course, delete=delete_course)
    course_path = "pk"
    list_display = ("title", "term", "state", "enrolment_policy", "slug")
    list_filter = ("state",)
    search_fields = ("title", "slug", "term")
    inlines = (WeeklySlotInline, StaffMemberInline)
    fieldsets = (
        (None, {"fields": ("title", "slug", "term", "state", "institution", ("codes", "kinds"), ("ects", "language"), ("first_day", "last_day"), ("timezone", "contact_email"))}),
        (gettext_lazy("Texts"), {"fields": ("description", "grading"), "classes": ("tab",)}),
        (gettext_lazy("Enrolment"), {"fields": ("enrolment_policy", "enrolment_code"), "classes": ("tab",)}),
    )  # fmt: skip

    def course_of(self, row: Any) -> Course | None:
        """Return the course itself."""
        return row if isinstance(row, Course) else None

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let lecturers and superusers make courses."""
        return may_create_courses(request.user)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let only superusers delete a course; everyone else archives it."""
        return bool(request.user.is_superuser)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Return what goes with a course: nothing of it needs leave of its own, as `delete_course` keeps what is people's."""
        listed, counts, _needed, protected = super().get_deleted_objects(objs, request)
        return listed, counts, set(), protected

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """Add or change a course; what takes it from its students asks first, reopening asks why."""
        row = self.get_object(request, object_id) if object_id and request.method == "POST" else None
        wanted = request.POST.get("state", "")
        if row is None or not self.has_change_permission(request, row) or wanted not in Course.State.values:
            return super().changeform_view(request, object_id, form_url, extra_context)
        state = Course.State(wanted)
        if not _is_held(row.state, state):
            return super().changeform_view(request, object_id, form_url, extra_context)
        asked = _AskedState.of(request, row, state)
        if not asked.is_agreed:
            return self._ask_about_state(request, row, asked)
        return super().changeform_view(request, object_id, form_url, extra_context)

    def save_model(self, request: HttpRequest, obj: Course, form: Any, change: bool) -> None:
        """Save; a new state waits, so that it can be taken back, unless it publishes a draft."""
        if change and "slug" in form.changed_data:
            said = _(
                "The course's address changes from /%(former)s/ to /%(address)s/. The former one goes on leading there, "
                "also from links in mails and calendars."
            )
            self.note_first(request, said % {"former": form.initial["slug"], "address": obj.slug})
        was, wanted = form.initial.get("state", ""), Course.State(obj.state)
        if not change or not _is_held(was, wanted):
            super().save_model(request, obj, form, change)
            return
        obj.state = Course.State(was)
        super().save_model(request, obj, form, change)
        references = {
            "was": was, "state": wanted, "reason": clean_text(request.POST.get("_reason", "").strip()),
            "loose_ends": name_loose_ends(loose_ends_of(obj)) if wanted == Course.State.ARCHIVED else "",
        }  # fmt: skip
        back = reverse("admin:courses_course_change", args=[obj.pk])
        hold_at_desk(request, WantedAct(obj, STATE_ACT, str(obj.pk), references, _ACTS[wanted] % {"course": obj}, back))

    def response_post_save_add(self, request: HttpRequest, obj: Course) -> HttpResponse:
        """Lead to the page of the new course, which says what it still needs."""
        return HttpResponseRedirect(obj.get_absolute_url())

    def _ask_about_state(self, request: HttpRequest, row: Course, asked: _AskedState) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": _QUESTIONS[asked.state] % {"course": row},
            "opts": self.opts,
            "asked": asked,
            "preview": asked.preview,
            "is_reason_missing": "_reason" in request.POST,
            "posted": sent_before(request.POST, "_reason", _AGREED_STATE),
        }
        status = 422 if "_reason" in request.POST else 200
        return TemplateResponse(request, "admin/state.html", context, status=status)
