"""Who sees what at the staff's desk: rows, choices and filters of the courses that they teach."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import get_fields_from_path
from django.db import models
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy
from unfold.admin import ModelAdmin

from amls.courses.accounts import user_or_none
from amls.courses.models import Course, Enrolment, Role, User
from amls.desk.chosen_course import chosen_course, courses_of, listed_course
from amls.desk.listing import CourseList
from amls.desk.of_course import OfCourseChoice, with_course
from amls.desk.people import AccountChoice, PersonChoice
from amls.desk.writes import Writes
from amls.desk.zones import ZONE_COLUMN, are_in_several_zones


class ScopedFilter(admin.RelatedFieldListFilter):
    """A filter by related rows that names only those which the person may see."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> list[Any]:
        """Return the choices among the rows of the person's courses, with its course where these are several."""
        course = model_admin.course_of_list(request)
        rows = scoped_choices(model_admin, field, request, course=course)
        if rows is not None and (path := told_apart_by(model_admin, rows.model, request, course)):
            named = rows.select_related(path).order_by(*self.field_admin_ordering(field, request, model_admin))
            return [(row.pk, with_course(row, path)) for row in named]
        limit = {"pk__in": rows.values("pk")} if rows is not None else None
        ordering = self.field_admin_ordering(field, request, model_admin)
        choices: list[Any] = field.get_choices(include_blank=False, ordering=ordering, limit_choices_to=limit)
        return choices


class Scoped(ModelAdmin):  # type: ignore[misc]
    """People see, and may change, what belongs to the courses that they teach.

    Attributes:
        course_path: how a query gets from the model to its course.
        says_moments: columns that say moments and are no fields.
        writes: by which services rows are written.
    """

    course_path = "course"
    says_moments: tuple[str, ...] = ()
    writes: Writes

    def courses(self, request: HttpRequest) -> models.QuerySet[Course]:
        """Return the courses that the person may manage."""
        return Course.objects.taught_by(request.user)

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        """Return the rows of these courses."""
        rows: models.QuerySet[Any] = super().get_queryset(request)
        return rows.filter(**{f"{self.course_path}__in": self.courses(request)})

    def course_of(self, row: Any) -> Course | None:
        """Return the course that a row belongs to."""
        reached = row
        for name in self.course_path.split("__"):
            if name != "pk":
                reached = getattr(reached, name, None)
        return reached if isinstance(reached, Course) else None

    def _may(self, request: HttpRequest, row: Any = None) -> bool:
        user = user_or_none(request)
        if user is None or not user.is_staff:
            return False
        course = self.course_of(row) if row is not None else None
        # A course that this request has just made is not among those that were read.
        return course is None or course in courses_of(request) or self.courses(request).filter(pk=course.pk).exists()

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Show the model to whoever teaches."""
        return self._may(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Show a row to its course's staff."""
        return self._may(request, obj)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let its course's staff add a row, where something saves it."""
        return self.writes.keeps and self._may(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let its course's staff change a row, where something saves it."""
        return self.writes.keeps and self._may(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let its course's staff delete a row, where something deletes it."""
        return self.writes.delete is not None and self._may(request, obj)

    def course_of_list(self, request: HttpRequest) -> Course | None:
        """Return the course that a list is of; None where it is of all courses, or of those that its address names."""
        if self.model is Course or any(name.startswith(f"{self.course_path}__") for name in request.GET):
            return None
        return listed_course(request)

    def courses_listed(self, request: HttpRequest) -> Sequence[Course]:
        """Return the courses that a list has rows of."""
        course = self.course_of_list(request)
        return [course] if course is not None else courses_of(request)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[Any]:
        """List what is of the chosen course."""
        return CourseList

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        """Show no column for the course where all rows are of one, and one for the zone where moments are of several."""
        shown = super().get_list_display(request)
        shown = [name for name in shown if name != "course" or self.course_of_list(request) is None]
        moments = {field.name for field in self.opts.fields if isinstance(field, models.DateTimeField)}
        has_moments = not moments.union(self.says_moments).isdisjoint(shown)
        return [*shown, ZONE_COLUMN] if has_moments and are_in_several_zones(self.courses_listed(request)) else shown

    @admin.display(description=gettext_lazy("time zone"))
    def time_zone(self, row: Any) -> str:
        """Name the zone of what a row of a list says."""
        course = self.course_of(row)
        return course.timezone if course is not None else timezone.get_current_timezone_name()

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        """Filter by rows of the person's courses only, and by these where there are several."""
        is_of_one = self.course_of_list(request) is not None
        return [
            (field, ScopedFilter)
            if isinstance(field, str) and get_fields_from_path(self.model, field)[-1].is_relation
            else field
            for field in super().get_list_filter(request)
            if not (is_of_one and field == self.course_path)
        ]

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Offer only what belongs to the person's courses."""
        course = self._course_offered(request)
        rows = kwargs.setdefault("queryset", scoped_choices(self, db_field, request, course=course))
        if rows is not None and rows.model is Enrolment:
            # What is granted, decided or entered is a student's.
            kwargs = {"form_class": PersonChoice, **kwargs, "queryset": rows.filter(role=Role.STUDENT)}
        elif rows is not None and rows.model is User:
            kwargs["form_class"] = AccountChoice
        elif rows is not None and (path := told_apart_by(self, rows.model, request, course)):
            kwargs = {"form_class": partial(OfCourseChoice, path=path), **kwargs}
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def _course_offered(self, request: HttpRequest) -> Course | None:
        """Return the course to which what a form offers is narrowed down; one that is sent is judged by permissions alone."""
        match = request.resolver_match
        is_new = request.method == "GET" and match is not None and not match.kwargs
        return chosen_course(request) if is_new else self._course_of_form(request)

    def _course_of_form(self, request: HttpRequest) -> Course | None:
        """Return the course of the row whose form is shown."""
        course: Course | None = getattr(request, "desk_course_of_form", None)
        return course if request.method == "GET" and self.model is not Course else None


def scoped_choices(
    admin: ModelAdmin, db_field: Any, request: HttpRequest, *, course: Course | None = None
) -> models.QuerySet[Any] | None:
    """Return the rows that a foreign key may point to, as the desk shows them to this person; those of one course only."""
    related = db_field.remote_field.model
    path, registered = _path_to_course(admin, related), _registered(admin, related)
    if not path:
        return None
    if registered is not None:
        rows = registered.get_queryset(request)
    else:
        rows = related._default_manager.filter(course__in=Course.objects.taught_by(request.user))  # noqa: SLF001
    return rows.filter(**{path: course.pk}) if course is not None else rows


def told_apart_by(admin: ModelAdmin, related: type[Any], request: HttpRequest, course: Course | None) -> str:
    """Return the way to the course that tells rows of one name apart; empty where they are of one course, or are courses."""
    is_of_one = course is not None or related is Course or len(courses_of(request)) < 2
    return "" if is_of_one else _path_to_course(admin, related)


def _path_to_course(admin: ModelAdmin, related: type[Any]) -> str:
    registered = _registered(admin, related)
    if registered is not None:
        return registered.course_path
    has_course = any(field.name == "course" for field in related._meta.get_fields())  # noqa: SLF001
    return "course" if has_course else ""


def _registered(admin: ModelAdmin, related: type[Any]) -> Scoped | None:
    site = admin.admin_site
    registered = site.get_model_admin(related) if site.is_registered(related) else None
    return registered if isinstance(registered, Scoped) else None
