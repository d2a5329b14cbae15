"""Exams and their rooms at the desk."""

from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db import connection
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from amls.core.request import now_of
from amls.core.violations import RuleViolation
from amls.courses.saving import delete_row, save_row
from amls.desk.copying import OffersAnother
from amls.desk.own_changes import OwnChangesForm
from amls.desk.site import CourseScopedAdmin, CourseScopedInline
from amls.desk.writes import Writes
from exams.models import Exam, Registration, Room
from exams.overlaps import overlaps_of
from exams.services.capacity import lock_dates
from exams.services.gradetable import check_max_points
from exams.services.kinds import check_kind
from exams.services.seatcount import promote_waiting
from exams.services.seating import follow_rooms
from exams.services.seatnews import seats_of
from exams.services.setup import delete_room, save_room

_WHEN_AND_WHERE = {"starts_at", "duration_minutes", "place", "examiners"}


class ExamForm(OwnChangesForm):
    """An exam, judged while its row is locked: the counters are those of this very moment."""

    class Meta:
        model = Exam
        fields = (
            "course", "kind", "title", "starts_at", "duration_minutes", "place", "capacity", "examiners", "call_in", "opens_at",
            "closes_at", "closes_hours_before", "withdraw_until", "max_points", "review_at", "review_minutes", "review_place",
        )  # fmt: skip

    def clean_capacity(self) -> int | None:
        """Refuse less than is held already."""
        capacity: int | None = self.cleaned_data["capacity"]
        if capacity is not None and capacity < self.instance.seats_taken:
            raise ValidationError(
                ngettext(
                    "%(count)d person holds a seat. The capacity can't be lower: withdraw them first.",
                    "%(count)d people hold a seat. The capacity can't be lower: withdraw some of them first.",
                    self.instance.seats_taken,
                )
                % {"count": self.instance.seats_taken},
                code="capacity-too-low",
            )
        return capacity

    def clean(self) -> dict[str, Any]:
        """Refuse other points to be had than results, tasks and grade table have room for."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        hours, starts_at = cleaned.get("closes_hours_before"), cleaned.get("starts_at")
        if hours is not None and starts_at is not None:
            follows = starts_at - timedelta(hours=hours)
            typed = cleaned.get("closes_at") if "closes_at" in self.changed_data else None
            # A copy of a date of another time of year may be an hour off.
            if typed is not None and abs(typed - follows) > timedelta(hours=1):
                problem = _("Sign-up closes at a moment of its own or so many hours before: empty one of the two.")
                self.add_error("closes_hours_before", ValidationError(problem, code="two-ways"))
            else:
                cleaned["closes_at"] = follows
        if self.instance.pk and "kind" in cleaned:
            try:
                check_kind(Exam.objects.get(pk=self.instance.pk), cleaned["kind"])
            except RuleViolation as violation:
                self.add_error("kind", ValidationError(str(violation.message), code=violation.code))
        if self.instance.pk and "max_points" in cleaned:
            try:
                check_max_points(self.instance, cleaned["max_points"])
            except RuleViolation as violation:
                self.add_error("max_points", ValidationError(str(violation.message), code=violation.code))
        return cleaned


class RoomInline(CourseScopedInline):
    model = Room
    writes = Writes(save=save_room, delete=delete_room)
    fields = ("name", "rows", "seats_per_row", "spacing", "is_separate", "position")


@admin.register(Exam)
class ExamAdmin(OffersAnother, CourseScopedAdmin):
    """The dates of a course's exams, with the windows of their sign-up and their rooms."""

    writes = Writes(save=save_row, delete=delete_row)
    form = ExamForm
    list_display = ("__str__", "course", "starts_at", "place", "at_a_glance", "state", "work")
    list_filter = ("course",)
    list_select_related = ("course",)
    inlines = (RoomInline,)
    fieldsets = (
        (None, {"fields": ("course", ("kind", "title"), ("starts_at", "duration_minutes"), ("place", "capacity"), ("examiners", "call_in"), "state", "work", "whether_held")}),
        (gettext_lazy("Sign-up"), {"fields": (("opens_at", "closes_at"), ("closes_hours_before", "withdraw_until")), "classes": ("tab",)}),
        (gettext_lazy("Points and review"), {"fields": ("max_points", ("review_at", "review_minutes", "review_place")), "classes": ("tab",)}),
    )  # fmt: skip
    readonly_fields = ("state", "work", "whether_held")
    instead_of_deleting = gettext_lazy(
        "An exam that only does not take place is better cancelled, from its page at the course. Then it can be held after all."
    )
    another_later = timedelta(weeks=4)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Exam | None:
        """Return the exam; where a form is being saved, locked like in every other write."""
        exam: Exam | None = super().get_object(request, object_id, from_field)
        if exam is not None and request.method == "POST" and connection.in_atomic_block:
            exam = lock_dates(exam.course, along=exam.pk)[exam.pk]
        return exam

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Keep an exam in its course."""
        return (*self.readonly_fields, "course") if obj is not None else self.readonly_fields

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let an exam be deleted as long as nobody ever stood on its list."""
        return super().has_delete_permission(request, obj) and (obj is None or not self.why_kept(request, obj))

    def why_kept(self, request: HttpRequest, row: Any) -> str:
        """Say that somebody stands or stood on its list."""
        if not Registration.objects.filter(exam=row).exists():
            return ""
        return _(
            "“%(exam)s” is kept: people stand or stood on its list. If it does not take place, cancel it on its page."
        ) % {"exam": row}

    @admin.display(description=gettext_lazy("seats"))
    def at_a_glance(self, exam: Exam) -> str:
        """Say how many hold a seat and how many wait."""
        held = f"{exam.seats_taken}/{exam.capacity}" if exam.capacity is not None else f"{exam.seats_taken}"
        waiting = ngettext("%(count)d waits", "%(count)d wait", exam.waiting) % {"count": exam.waiting}
        return f"{held} · {waiting}" if exam.waiting else held

    @admin.display(description=gettext_lazy("state"))
    def state(self, exam: Exam) -> str:
        """Say how far the exam has come."""
        if exam.is_cancelled:
            return _("cancelled: %(reason)s") % {"reason": exam.cancelled_because}
        if exam.frozen_at is not None:
            return _("frozen for export")
        if exam.results_published_at is not None:
            return _("results published")
        if exam.closed_at is not None:
            return _("closed")
        return _("seats released") if exam.seats_released_at is not None else ""

    @admin.display(description=gettext_lazy("work on it"))
    def work(self, exam: Exam) -> SafeString | str:
        """Lead to the exam's own pages."""
        if not exam.pk:
            return ""
        args = [exam.course.slug, exam.pk]
        if exam.is_cancelled:
            return format_html(
                '<a class="underline" href="{}">{}</a>', reverse("exams:staff", args=args), _("people and seats")
            )
        return format_html(
            '<span><a class="underline" href="{}">{}</a> · <a class="underline" href="{}">{}</a> · <a class="underline" href="{}">{}</a></span>',
            reverse("exams:staff", args=args), _("people and seats"),
            reverse("exams:check_in", args=args), _("the door"),
            reverse("exams:results", args=args), _("results"),
        )  # fmt: skip

    @admin.display(description=gettext_lazy("if it is not held"))
    def whether_held(self, exam: Exam) -> SafeString | str:
        """Lead to where the date is cancelled, or held after all."""
        if not exam.pk or exam.closed_at is not None:
            return ""
        name, said = (
            ("staff_hold", _("Hold it after all")) if exam.is_cancelled else ("staff_cancel", _("Cancel the date"))
        )
        return format_html(
            '<a class="underline" href="{}">{}</a>', reverse(f"exams:{name}", args=[exam.course.slug, exam.pk]), said
        )

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Save the rooms; then whoever waits may move up, and whoever lost a seat gets another.

        Of a seat that people know it is shown first what becomes of it, and so is what a date overlaps that is new, or is at
        another time or place or with others now.
        """
        knew = seats_of(form.instance)
        super().save_related(request, form, formsets, change)
        now = now_of(request)
        is_elsewhere = not change or not _WHEN_AND_WHERE.isdisjoint(form.changed_data)
        if not form.instance.is_cancelled and (is_elsewhere or any(formset.has_changed() for formset in formsets)):
            for text in overlaps_of(form.instance):
                self.note_first(request, text)
        promoted = promote_waiting(exam_pk=form.instance.pk, now=now)
        if promoted:
            messages.success(
                request,
                ngettext("%(count)d person moved up.", "%(count)d people moved up.", len(promoted)) % {"count": len(promoted)},
            )  # fmt: skip
        mended = follow_rooms(exam_pk=form.instance.pk, knew=knew, now=now)
        if mended is None:
            return
        if mended.told:
            self.show_first(request, [str(change) for change in mended.told])
            text = ngettext(
                "%(count)d person is told in five minutes where they sit now.",
                "%(count)d people are told in five minutes where they sit now.",
                len(mended.told),
            )
            messages.info(request, text % {"count": len(mended.told)})
        if mended.without_seat:
            text = ngettext(
                "%(count)d person has no seat: there are too few.",
                "%(count)d people have no seat: there are too few.",
                mended.without_seat,
            )
            messages.warning(request, text % {"count": mended.without_seat})
        if mended.misplaced:
            text = ngettext(
                "%(count)d person sits where what is granted to them is not met: nothing that fits is free.",
                "%(count)d people sit where what is granted to them is not met: nothing that fits is free.",
                mended.misplaced,
            )
            messages.warning(request, text % {"count": mended.misplaced})
