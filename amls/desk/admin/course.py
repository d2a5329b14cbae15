"""Courses at the desk, with who is shown on their page and their weekly slots."""

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
from amls.courses.models import Course, StaffMember, WeeklySlot
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

# What the button sends that archives a course.
_ARCHIVE = "_archive"


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
        """Add or change a course; archiving asks first, reopening asks why."""
        row = self.get_object(request, object_id) if object_id and request.method == "POST" else None
        wanted = request.POST.get("state", "")
        if row is None or not self.has_change_permission(request, row) or wanted not in Course.State.values:
            return super().changeform_view(request, object_id, form_url, extra_context)
        is_closing = row.state != Course.State.ARCHIVED and wanted == Course.State.ARCHIVED
        is_reopening = row.state == Course.State.ARCHIVED and wanted != Course.State.ARCHIVED
        reason = request.POST.get("_reason", "").strip()
        loose_ends = loose_ends_of(row) if is_closing else []
        preview = _archiving(request, row, loose_ends)
        if (is_closing and not preview.is_agreed) or (is_reopening and not reason):
            return self._ask_about_state(request, row, preview, loose_ends, is_closing=is_closing)
        return super().changeform_view(request, object_id, form_url, extra_context)

    def save_model(self, request: HttpRequest, obj: Course, form: Any, change: bool) -> None:
        """Save; archiving and reopening wait, so that they can be taken back."""
        was, wanted = form.initial.get("state", ""), obj.state
        if not change or Course.State.ARCHIVED not in (was, wanted) or was == wanted:
            super().save_model(request, obj, form, change)
            return
        obj.state = Course.State(was)
        super().save_model(request, obj, form, change)
        is_closing = wanted == Course.State.ARCHIVED
        title = (_("Archive %(course)s") if is_closing else _("Reopen %(course)s")) % {"course": obj}
        references = {
            "was": was, "state": wanted, "reason": clean_text(request.POST.get("_reason", "").strip()),
            "loose_ends": name_loose_ends(loose_ends_of(obj)) if is_closing else "",
        }  # fmt: skip
        back = reverse("admin:courses_course_change", args=[obj.pk])
        hold_at_desk(request, WantedAct(obj, STATE_ACT, str(obj.pk), references, title, back))

    def response_post_save_add(self, request: HttpRequest, obj: Course) -> HttpResponse:
        """Lead to the page of the new course, which says what it still needs."""
        return HttpResponseRedirect(obj.get_absolute_url())

    def _ask_about_state(
        self, request: HttpRequest, row: Course, preview: Preview, loose_ends: list[str], *, is_closing: bool
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": (_("Archive %(course)s?") if is_closing else _("Reopen %(course)s?")) % {"course": row},
            "opts": self.opts,
            "is_closing": is_closing,
            "loose_ends": loose_ends,
            "preview": preview,
            "is_reason_missing": "_reason" in request.POST,
            "posted": sent_before(request.POST, "_reason", _ARCHIVE),
        }
        status = 422 if "_reason" in request.POST else 200
        return TemplateResponse(request, "admin/state.html", context, status=status)


def _archiving(request: HttpRequest, row: Course, loose_ends: list[str]) -> Preview:
    """Return what is shown before a course is archived; the question about calendars follows."""
    return preview_by_button(request.POST, (row.pk, loose_ends), button=_ARCHIVE)
