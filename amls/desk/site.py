"""What the admin of every model has in common at the staff's desk: who sees what, and how it is written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.admin.utils import get_fields_from_path
from django.db import models, transaction
from django.db.models import ProtectedError, RestrictedError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.datastructures import MultiValueDict
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from pghistory.models import Events
from unfold.admin import ModelAdmin, TabularInline

from amls.core.preview import Preview, preview_of, sent_before
from amls.core.request import now_of
from amls.core.searchfields import FoldedSearch
from amls.core.violations import RuleViolation
from amls.courses.accounts import user_or_none
from amls.courses.models import Course, Enrolment, Role, User
from amls.courses.services import finish_course_change, gathering, lock_course, quietly
from amls.desk.addresses import OwnAddress
from amls.desk.chosen_course import chosen_course, courses_of, listed_course
from amls.desk.deleting import refuse_to_delete_unseen, seen_of
from amls.desk.history import describe_events
from amls.desk.kept_files import WAITING, WaitingFiles, files_of, waiting_files
from amls.desk.listing import CourseList
from amls.desk.of_course import OfCourseChoice, with_course
from amls.desk.own_changes import OwnChangesForm, shown_in
from amls.desk.people import AccountChoice, PersonChoice
from amls.desk.problems import problems_of
from amls.desk.sent_twice import SentTwice, token_of
from amls.desk.widgets import NamesDates, named_in_tables
from amls.desk.writes import ThroughServices, Writes
from amls.desk.zones import (
    ZONE_COLUMN,
    are_in_several_zones,
    moments_in,
    read_by_own_clocks,
    with_zone,
)

HISTORY_ROWS = 200
# What calendars see of a write, by course.
Changes = list[tuple[Course, Any]]


@dataclass(slots=True)
class _ShownFirst:
    """What is shown of a write before it is saved, beside calendars: what people would be told, and what else follows."""

    told: list[str] = field(default_factory=list)
    noted: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.told or self.noted)


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


class CourseScopedAdmin(ThroughServices, NamesDates, OwnAddress, FoldedSearch, ModelAdmin):  # type: ignore[misc]
    """People see and change what belongs to the courses that they teach.

    A request that writes runs in one transaction under the lock of its course, and at its
    end the course gets a new revision and the agenda follows, once. Where calendars would
    change, or people be told something else (`show_first`), or something else follows
    (`note_first`), the same code runs first and is rolled back to show how.

    Attributes:
        course_path: how a query gets from the model to its course.
        previews: whether changes of the agenda, and what people would be told, are shown before they are saved.
        says_moments: columns that say moments and are no fields.
        instead_of_deleting: what can be taken back and does as well, in words.
        which_in_history: see `which` of `describe_events`.
    """

    course_path = "course"
    previews = True
    says_moments: tuple[str, ...] = ()
    instead_of_deleting: str | Promise = ""
    which_in_history: ClassVar[Mapping[str, Callable[[dict[str, Any]], str]]] = {}
    warn_unsaved_form = True
    list_filter_submit = True
    # How many rows there are without a filter is one more count for every list.
    show_full_result_count = False
    change_form_template = "admin/desk_form.html"
    form = OwnChangesForm

    # ── who ──

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

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Begin with the chosen course."""
        initial: dict[str, Any] = super().get_changeform_initial_data(request)
        course = chosen_course(request)
        if course is not None:
            initial.setdefault("course", course.pk)
        return initial

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], **kwargs: Any) -> Any:
        """Name what is to be mended: a number on a tab says nothing to whoever doesn't see it."""
        context["once"] = token_of(request) if kwargs.get("add") else ""
        self._show_by_course(request, context)
        inlines = context["inline_admin_formsets"]
        problems = problems_of(context["adminform"].form, inlines)
        in_first = sum(not problem.tab for problem in problems)
        tabs = [inline for inline in inlines if inline.opts.tab]
        rows = (row for inline in inlines for row in inline.formset.forms)
        context |= {"problems": problems, "error_count": in_first, "inlines_list": tabs}
        context["seen"] = shown_in([context["adminform"].form, *rows])
        return super().render_change_form(request, context, **kwargs)

    def _show_by_course(self, request: HttpRequest, context: dict[str, Any]) -> None:
        """Show a form by the clock of the course that it begins with, or that was chosen before it was sent back."""
        form = context["adminform"].form
        if "course" not in form.fields:
            return
        chosen = form["course"].value()
        self._activate_zone(request, form.instance if form.instance.pk else None, chosen)
        moments = moments_in(form.fields)
        inner = any(moments_in(inline.formset.form.base_fields) for inline in context["inline_admin_formsets"])
        is_open = self._course_offered(request) is None and are_in_several_zones(courses_of(request))
        context["chooses_zone"] = is_open and (bool(moments) or inner)
        if not context["chooses_zone"]:
            return
        form.fields["course"].label_from_instance = with_zone
        for name in [] if chosen else moments:
            # By whose clock it would count is not known yet.
            form.initial.pop(name, None)

    # ── writes ──

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """Add or change, in the zone of the course that is chosen in the form, else of the row's."""
        row = self.get_object(request, object_id) if object_id else None
        self._activate_zone(request, row, request.POST.get("course"))
        request.desk_course_of_form = self.course_of(row) if row is not None else None  # type: ignore[attr-defined]
        return self._in_one_transaction(
            request,
            row,
            lambda: super(CourseScopedAdmin, self).changeform_view(request, object_id, form_url, extra_context),
        )

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """List, edit in the list, and run actions, all or nothing; each row is in the zone of its course."""
        for course in self.courses_listed(request)[:1]:
            timezone.activate(course.zone)
        answer = self._in_one_transaction(
            request, None, lambda: super(CourseScopedAdmin, self).changelist_view(request, extra_context)
        )
        asked: dict[str, Any] = getattr(answer, "context_data", None) or {}
        if "deletable_objects" not in asked or asked["perms_lacking"] or asked["protected"]:
            return answer
        rows = asked["queryset"]
        said = self._said_of_deletion(request, None, list(rows), lambda: self.delete_queryset(request, rows))
        if isinstance(said, str):
            messages.error(request, said)
            return redirect(request.get_full_path())
        answer.context_data |= said
        return answer

    def get_changelist_formset(self, request: HttpRequest, **kwargs: Any) -> Any:
        """Read each row of the list by the clock of its course, and leave its fields' help to its form."""
        formset = super().get_changelist_formset(request, **kwargs)
        formset.form = read_by_own_clocks(formset.form, self.course_of)
        for row_field in formset.form.base_fields.values():
            row_field.help_text = ""
        return formset

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None) -> Any:
        """Delete after a confirmation; what is not deleted says so before it asks."""
        row = self.get_object(request, object_id)
        self._activate_zone(request, row)
        said: str | dict[str, Any] = {}
        if request.method != "POST" and row is not None and self.has_delete_permission(request, row):
            said = self._said_of_deletion(request, row, [row], lambda: self.delete_model(request, row))
            row = self.get_object(request, object_id)
        if isinstance(said, str):
            messages.error(request, said)
            return redirect(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", object_id)
        context = said | (extra_context or {})
        return self._in_one_transaction(
            request, row, lambda: super(CourseScopedAdmin, self).delete_view(request, object_id, context)
        )

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Delete a row through its service, if nobody changed it since the person was asked.

        Raises:
            RuleViolation: somebody did, or the service refuses.
        """
        refuse_to_delete_unseen(self, request, obj)
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> None:
        """Delete rows through their service, all or none, and as they are under the locks of their courses."""
        for pk in sorted(set(queryset.order_by().values_list(self.course_path, flat=True))):
            lock_course(pk)
        super().delete_queryset(request, queryset)

    def _said_of_deletion(
        self, request: HttpRequest, row: Any, rows: Sequence[Any], delete: Callable[[], None]
    ) -> str | dict[str, Any]:
        """Return what the question before a deletion shows: what follows from it, tried and rolled back.

        What is not deleted says so before it is asked about: its reason is returned instead.
        """
        context: dict[str, Any] = {"seen": seen_of(self, request, rows), "instead": self.instead_of_deleting}

        def act() -> HttpResponse:
            delete()
            return HttpResponseRedirect("")

        try:
            changes = self._attempt(request, row, act, keeps=lambda _changes: False)[1]
        except RuleViolation as violation:
            return str(violation.message)
        except (ProtectedError, RestrictedError):
            # Django's page names what keeps it.
            return context
        finally:
            _forget_messages(request)
        first = _shown_first(request)
        if self.previews and (changes or first):
            context |= {"changes": changes, "first": first, "preview": _preview(request, changes)}
        return context

    def _activate_zone(self, request: HttpRequest, row: Any, chosen: object = None) -> None:
        """Read and show moments by the clock of the course that a form chooses by its key, else of its row, else of the desk."""
        courses = courses_of(request)
        course = next((course for course in courses if str(course.pk) == str(chosen)), None)
        if course is None and row is not None:
            course = self.course_of(row)
        course = course or chosen_course(request) or next(iter(courses), None)
        if course is not None:
            timezone.activate(course.zone)

    def _in_one_transaction(self, request: HttpRequest, row: Any, act: Any) -> Any:
        if request.method != "POST":
            return act()
        try:
            return self._write(request, row, act)
        except SentTwice as violation:
            _forget_messages(request)
            messages.info(request, str(violation.message))
            return redirect(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")
        except RuleViolation as violation:
            # What a form can't know before it saves, such as a full disk; all was rolled back.
            _forget_messages(request)
            messages.error(request, str(violation.message))
            return redirect(request.get_full_path())

    def show_first(self, request: HttpRequest, lines: Iterable[str]) -> None:
        """Have it shown, before what this request writes is saved, what people would be told of it.

        Args:
            request: that writes.
            lines: who, and what.
        """
        _shown_first(request).told.extend(lines)

    def note_first(self, request: HttpRequest, line: str) -> None:
        """Have it shown, before what this request writes is saved, what follows from it that nobody is told.

        Args:
            request: that writes.
            line: what follows.
        """
        _shown_first(request).noted.append(line)

    def _write(self, request: HttpRequest, row: Any, act: Any) -> Any:
        def is_wanted(changes: Changes) -> bool:
            is_seen = bool(changes or _shown_first(request))
            return not self.previews or not is_seen or _preview(request, changes).is_agreed

        with waiting_files(request) as waiting:
            if self.previews and request.FILES:
                # Nothing is stored of a file before it is certain that the write stays.
                changes = self._changes_without_files(request, row, act)
                if not is_wanted(changes):
                    return self._ask(request, changes, waiting)
            response, changes = self._attempt(request, row, act, keeps=is_wanted)
            if not is_wanted(changes):
                return self._ask(request, changes, waiting)
            waiting.drop(response)
        return response

    def _changes_without_files(self, request: HttpRequest, row: Any, act: Any) -> Changes:
        with files_of(request, MultiValueDict()):
            changes = self._attempt(request, row, act, keeps=lambda _changes: False)[1]
        _forget_messages(request)
        return changes

    def _attempt(
        self, request: HttpRequest, row: Any, act: Any, *, keeps: Callable[[Changes], bool]
    ) -> tuple[Any, Changes]:
        """Run what writes, and return its response and what calendars see of it; it stays if `keeps` of that says so."""
        now = now_of(request)
        request.__dict__["desk_first"] = _ShownFirst()
        with transaction.atomic():
            course = self.course_of(row) if row is not None else None
            if course is not None and course.pk:
                lock_course(course.pk)
            with gathering() as gathered:
                response = act()
            if not isinstance(response, HttpResponseRedirect):
                return response, []
            with quietly(is_wanted="_quiet" in request.POST):
                changes = [
                    (course, change)
                    for course in Course.objects.filter(pk__in=gathered).order_by("pk")
                    for change in finish_course_change(course, now=now)
                    if change.is_news
                ]
            if not keeps(changes):
                transaction.set_rollback(True)
        return response, changes

    def _ask(self, request: HttpRequest, changes: Changes, waiting: WaitingFiles) -> HttpResponse:
        # What the form wanted to tell was rolled back with it.
        _forget_messages(request)
        waiting.keep()
        first = _shown_first(request)
        context = {
            **self.admin_site.each_context(request),
            "title": _title_of(changes, first),
            "opts": self.opts,
            "changes": changes,
            "first": first,
            "preview": _preview(request, changes),
            # Of the question before it.
            "deletes": request.POST.get("post") == "yes",
            "waiting": waiting,
            "posted": sent_before(request.POST, WAITING),
        }
        return TemplateResponse(request, "admin/agree.html", context)

    # ── history ──

    def history_of(self, row: Any) -> list[dict[str, Any]]:
        """Return what was changed of a row, the newest first, in words."""
        events: Any = Events.objects
        newest = events.references(row).order_by("-pgh_created_at", "-pgh_id")[:HISTORY_ROWS]
        return describe_events(newest, which=self.which_in_history)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show who changed what, when, from what to what."""
        row = self.get_object(request, object_id)
        if row is None:
            raise Http404
        self._activate_zone(request, row)
        context = {
            **self.admin_site.each_context(request),
            "title": _("History of %(row)s") % {"row": row},
            "opts": self.opts,
            "object": row,
            "events": self.history_of(row)[:HISTORY_ROWS],
            **(extra_context or {}),
        }
        return TemplateResponse(request, "admin/history.html", context)


def _preview(request: HttpRequest, changes: Changes) -> Preview:
    return preview_of(request.POST, ([(course.pk, change.shown) for course, change in changes], _shown_first(request)))


def _title_of(changes: Changes, first: _ShownFirst) -> str:
    if changes:
        return _("Everyone's calendar will change")
    return _("People will be told") if first.told else _("Nothing is saved yet")


def _shown_first(request: HttpRequest) -> _ShownFirst:
    first: _ShownFirst = request.__dict__.setdefault("desk_first", _ShownFirst())
    return first


def _forget_messages(request: HttpRequest) -> None:
    """Drop what this request wanted to tell: to read it would not do, templates would show it once more."""
    storage: Any = messages.get_messages(request)
    storage._queued_messages = []  # noqa: SLF001 - messages can't be taken back otherwise


class CourseScopedInline(NamesDates, OwnAddress, TabularInline):  # type: ignore[misc]
    """Rows within a row of a course-scoped admin."""

    writes: Writes
    form = OwnChangesForm
    extra = 0
    tab = True

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        """Name the fields of the rows: their labels stand in the head of the table only."""
        return named_in_tables(super().get_formset(request, obj, **kwargs))

    def _may(self, request: HttpRequest) -> bool:
        user = user_or_none(request)
        return user is not None and user.is_staff

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Follow the row that it belongs to."""
        return self._may(request)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Follow the row that it belongs to."""
        return self._may(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Follow the row that it belongs to."""
        return self._may(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Follow the row that it belongs to."""
        return self._may(request)


class SuperuserAdmin(ThroughServices, NamesDates, OwnAddress, FoldedSearch, ModelAdmin):  # type: ignore[misc]
    """What belongs to the installation, not to a course: superusers see it, and nobody else has permissions for rows."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Show it to superusers."""
        return bool(request.user.is_superuser)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Show rows to superusers."""
        return bool(request.user.is_superuser)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let superusers add what something saves."""
        return self.writes.keeps and bool(request.user.is_superuser)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let superusers change what something saves."""
        return self.writes.keeps and bool(request.user.is_superuser)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let superusers delete what something deletes."""
        return self.writes.delete is not None and bool(request.user.is_superuser)


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


def _registered(admin: ModelAdmin, related: type[Any]) -> CourseScopedAdmin | None:
    site = admin.admin_site
    registered = site.get_model_admin(related) if site.is_registered(related) else None
    return registered if isinstance(registered, CourseScopedAdmin) else None
