"""Who is in a course, at the desk."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from amls.courses.models import Enrolment, Role, User
from amls.courses.participation import verify_as_typed, verify_number
from amls.courses.permissions import is_last_lecturer, may_appoint, may_create_courses
from amls.courses.saving import (
    remove_enrolment,
    save_enrolment,
)
from amls.desk.forms import EnrolmentForm, is_number_unchecked
from amls.desk.listing import PeopleList
from amls.desk.people import who
from amls.desk.site import CourseScopedAdmin
from amls.desk.writes import Writes


class NumberFilter(admin.SimpleListFilter):
    """Whether the course has verified the matriculation number."""

    title = gettext_lazy("matriculation number")
    parameter_name = "number"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Offer the three states."""
        return [("verified", _("verified")), ("typed", _("typed, not verified")), ("missing", _("missing"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep those in the chosen state."""
        if self.value() == "verified":
            return queryset.exclude(verified_number="")
        if self.value() not in ("typed", "missing"):
            return queryset
        open_ones = queryset.filter(verified_number="")
        is_missing = {"user__matriculation_number": ""}
        return open_ones.filter(**is_missing) if self.value() == "missing" else open_ones.exclude(**is_missing)


@admin.register(Enrolment)
class EnrolmentAdmin(CourseScopedAdmin):
    """Who is in a course, and the matriculation number that staff have checked."""

    writes = Writes(save=save_enrolment, delete=remove_enrolment)
    form = EnrolmentForm
    list_display = ("user", "matriculation_number", "course", "role", "created_at")
    ordering = ("course", "user__sort_name")
    list_filter = ("course", "role", NumberFilter)
    actions = ("verify_numbers",)
    list_select_related = ("user", "course")
    search_fields = ("user__email", "user__display_name", "user__matriculation_number", "verified_number")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[PeopleList]:
        """Lead to the pages of the people."""
        return PeopleList

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Offer the people of one's own courses; others come by roster."""
        if db_field.name == "user":
            mine = Enrolment.objects.filter(course__in=self.courses(request)).values("user")
            everyone = User.objects.present()
            kwargs["queryset"] = everyone if request.user.is_superuser else everyone.filter(pk__in=mine)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def formfield_for_choice_field(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Offer the roles that the person may give in one of their courses at least; `EnrolmentForm` looks at which."""
        if db_field.name == "role" and not may_create_courses(request.user):
            kwargs["choices"] = [(Role.STUDENT.value, Role.STUDENT.label)]
        return super().formfield_for_choice_field(db_field, request, **kwargs)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Tell the form who decides."""
        form = super().get_form(request, obj, change, **kwargs)
        form.by = request.user
        return form

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let only lecturers change those who teach."""
        return super().has_change_permission(request, obj) and self._may_decide(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let only lecturers take out those who teach, and nobody a course's last lecturer."""
        may = super().has_delete_permission(request, obj) and self._may_decide(request, obj)
        return may and (obj is None or not self.why_kept(request, obj))

    def why_kept(self, request: HttpRequest, row: Any) -> str:
        """Say that nobody else leads the course, to whoever decides on roles and does not run the installation."""
        is_last = isinstance(row, Enrolment) and self._may_decide(request, row) and is_last_lecturer(row)
        if request.user.is_superuser or not is_last:
            return ""
        return _("%(person)s is the last lecturer of the course: make somebody else a lecturer first.") % {
            "person": row.user
        }

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Return what goes with a person's part: nothing of it needs leave of its own, as `take_out` keeps what binds them."""
        listed, counts, _needed, _protected = super().get_deleted_objects(objs, request)
        return listed, counts, set(), []

    def told(self, request: HttpRequest, row: Any, result: Any) -> None:
        """Say what is free for others now that somebody teaches no more."""
        for said in result or ():
            messages.warning(request, said)

    @staticmethod
    def _may_decide(request: HttpRequest, obj: Any) -> bool:
        return not isinstance(obj, Enrolment) or not obj.is_staff or may_appoint(request.user, obj.course)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Keep person and course of an enrolment as they are."""
        return ("person", "course") if obj is not None else ()

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Ask for the number of who is enrolled, and whether the one that is there was checked."""
        number = () if obj is None else ("number", "is_checked") if is_number_unchecked(obj) else ("number",)
        return ("user" if obj is None else "person", "course", "role", *number)

    @admin.display(description=gettext_lazy("person"))
    def person(self, row: Enrolment) -> str:
        """Say who it is; their account is for those who run the installation."""
        return who(row.user)

    @admin.action(description=gettext_lazy("I have checked the matriculation numbers of these people"))
    def verify_numbers(self, request: HttpRequest, queryset: QuerySet[Enrolment]) -> None:
        """Enter what the chosen people typed as verified, and say for whom that can't be."""
        count, problems = verify_as_typed(enrolments=queryset.select_related("user", "course").order_by("pk"))
        text = ngettext("%(count)d number is verified now.", "%(count)d numbers are verified now.", count)
        messages.success(request, text % {"count": count})
        for problem in problems:
            messages.error(request, problem)

    @admin.display(description=gettext_lazy("matriculation number"), ordering="user__matriculation_number")
    def matriculation_number(self, row: Enrolment) -> str:
        """Say the number, and whether somebody has checked it."""
        return f"{row.verified_number} ✓" if row.verified_number else row.number or "–"

    def save_model(self, request: HttpRequest, obj: Enrolment, form: Any, change: bool) -> None:
        """Save, and enter the number as checked where it was changed or is said to be."""
        super().save_model(request, obj, form, change)
        if change and ("number" in form.changed_data or form.cleaned_data.get("is_checked")):
            verify_number(enrolment=obj, number=form.cleaned_data["number"])
