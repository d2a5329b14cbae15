"""What stands in a course's schedule beside its lectures, at the desk, and the parts that these are of."""

from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest

from amls.courses.saving import delete_row, save_row
from amls.desk.copying import OffersAnother
from amls.desk.site import CourseScopedAdmin, CourseScopedInline
from amls.desk.writes import Writes
from lectures.advice import held_on_free
from lectures.models import Deadline, FreeDay, OfficeHour, OfficeHourException, Part
from lectures.services.schedule import (
    remove_dated,
    remove_exception,
    save_dated,
    save_exception,
)


@admin.register(Part)
class PartAdmin(CourseScopedAdmin):
    """The parts of a course."""

    writes = Writes(save=save_row, delete=delete_row)
    list_display = ("letter", "title", "course", "position")
    list_display_links = ("title",)
    list_filter = ("course",)
    list_select_related = ("course",)


class ExceptionInline(CourseScopedInline):
    model = OfficeHourException
    writes = Writes(save=save_exception, delete=remove_exception)
    fields = ("day", "is_cancelled", "moved_to_start", "moved_to_end", "room")


@admin.register(OfficeHour)
class OfficeHourAdmin(OffersAnother, CourseScopedAdmin):
    """Weekly office hours and their exceptions."""

    writes = Writes(save=save_dated, delete=remove_dated)
    list_display = ("__str__", "course", "room", "mode", "first", "last")
    list_filter = ("course",)
    list_select_related = ("course",)
    inlines = (ExceptionInline,)
    # Of the same weeks, on another day or with somebody else.
    another_later = timedelta(0)


@admin.register(FreeDay)
class FreeDayAdmin(CourseScopedAdmin):
    """Days without class."""

    writes = Writes(save=save_dated, delete=remove_dated)
    list_display = ("first", "last", "title", "course")
    list_filter = ("course",)
    list_select_related = ("course",)
    fields = ("course", ("first", "last"), "title")

    def save_model(self, request: HttpRequest, obj: FreeDay, form: Any, change: bool) -> None:
        """Save, and say which lectures are to be held on its days."""
        super().save_model(request, obj, form, change)
        for text in held_on_free(obj):
            messages.warning(request, text)


@admin.register(Deadline)
class DeadlineAdmin(OffersAnother, CourseScopedAdmin):
    """Deadlines that are neither the project's nor an exam's."""

    writes = Writes(save=save_dated, delete=remove_dated)
    list_display = ("title", "kind", "due_at", "day", "course")
    list_filter = ("course", "kind")
    list_select_related = ("course",)
    search_fields = ("title",)
    fields = ("course", ("title", "kind"), ("due_at", "day"), "url")
    another_later = timedelta(weeks=1)
