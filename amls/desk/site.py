"""What the admin of every model has in common at the staff's desk: who sees what, and how it is written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar

from django.contrib import messages
from django.db import models, transaction
from django.db.models import ProtectedError, RestrictedError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.datastructures import MultiValueDict
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from pghistory.models import Events
from unfold.admin import ModelAdmin, TabularInline

from amls.core.preview import sent_before
from amls.core.request import now_of
from amls.core.searchfields import FoldedSearch
from amls.core.sent_twice import SentTwice, token_of
from amls.core.text import say_some
from amls.core.violations import RuleViolation
from amls.courses.accounts import user_or_none
from amls.courses.models import Course
from amls.courses.services import finish_course_change, gathering, lock_course, quietly
from amls.desk.addresses import OwnAddress
from amls.desk.asking import Changes, ShownFirst, forget_messages, preview_before, shown_first, title_of
from amls.desk.chosen_course import chosen_course, courses_of
from amls.desk.deleting import refuse_to_delete_unseen, seen_of
from amls.desk.history import describe_events
from amls.desk.kept_files import WAITING, WaitingFiles, files_of, waiting_files
from amls.desk.own_changes import OwnChangesForm, shown_in
from amls.desk.problems import problems_of
from amls.desk.scoping import Scoped
from amls.desk.widgets import NamesDates, named_in_tables
from amls.desk.writes import ThroughServices, Writes
from amls.desk.zones import are_in_several_zones, moments_in, read_by_own_clocks, with_zone

HISTORY_ROWS = 200


class CourseScopedAdmin(Scoped, ThroughServices, NamesDates, OwnAddress, FoldedSearch, ModelAdmin):  # type: ignore[misc]
    """People see and change what belongs to the courses that they teach.

    A request that writes runs in one transaction under the lock of its course, and at its
    end the course gets a new revision and the agenda follows, once. Where calendars would
    change, or people be told something else (`show_first`), or something else follows
    (`note_first`), the same code runs first and is rolled back to show how.

    Attributes:
        previews: whether changes of the agenda, and what people would be told, are shown before they are saved.
        instead_of_deleting: what can be taken back and does as well, in words.
        which_in_history: see `which` of `describe_events`.
    """

    previews = True
    instead_of_deleting: str | Promise = ""
    which_in_history: ClassVar[Mapping[str, Callable[[dict[str, Any]], str]]] = {}
    warn_unsaved_form = True
    list_filter_submit = True
    # How many rows there are without a filter is one more count for every list.
    show_full_result_count = False
    change_form_template = "admin/desk_form.html"
    form = OwnChangesForm

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
        if "deletable_objects" not in asked:
            return answer
        rows = asked["queryset"]
        if kept := [why for row in rows if (why := self.why_kept(request, row))]:
            messages.error(request, say_some(kept, most=5))
            return redirect(request.get_full_path())
        if asked["perms_lacking"] or asked["protected"]:
            return answer
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
        is_asked = request.method != "POST" and row is not None
        if is_asked and self.has_delete_permission(request, row):
            said = self._said_of_deletion(request, row, [row], lambda: self.delete_model(request, row))
            row = self.get_object(request, object_id)
        elif is_asked and self.has_view_permission(request, row):
            said = self.why_kept(request, row) or {}
        if isinstance(said, str):
            messages.error(request, said)
            return redirect(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", object_id)
        context = said | (extra_context or {})
        return self._in_one_transaction(
            request, row, lambda: super(CourseScopedAdmin, self).delete_view(request, object_id, context)
        )

    def why_kept(self, request: HttpRequest, row: Any) -> str:
        """Return why nobody deletes a row, in words that say what to do instead; '' where nothing stands against it."""
        return ""

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
            forget_messages(request)
        first = shown_first(request)
        if self.previews and (changes or first):
            context |= {"changes": changes, "first": first, "preview": preview_before(request, changes)}
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
            forget_messages(request)
            messages.info(request, str(violation.message))
            return redirect(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")
        except RuleViolation as violation:
            # What a form can't know before it saves, such as a full disk; all was rolled back.
            forget_messages(request)
            messages.error(request, str(violation.message))
            return redirect(request.get_full_path())

    def show_first(self, request: HttpRequest, lines: Iterable[str]) -> None:
        """Have it shown, before what this request writes is saved, what people would be told of it.

        Args:
            request: that writes.
            lines: who, and what.
        """
        shown_first(request).told.extend(lines)

    def note_first(self, request: HttpRequest, line: str) -> None:
        """Have it shown, before what this request writes is saved, what follows from it that nobody is told.

        Args:
            request: that writes.
            line: what follows.
        """
        shown_first(request).noted.append(line)

    def _write(self, request: HttpRequest, row: Any, act: Any) -> Any:
        def is_wanted(changes: Changes) -> bool:
            is_seen = bool(changes or shown_first(request))
            return not self.previews or not is_seen or preview_before(request, changes).is_agreed

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
        forget_messages(request)
        return changes

    def _attempt(
        self, request: HttpRequest, row: Any, act: Any, *, keeps: Callable[[Changes], bool]
    ) -> tuple[Any, Changes]:
        """Run what writes, and return its response and what calendars see of it; it stays if `keeps` of that says so."""
        now = now_of(request)
        request.__dict__["desk_first"] = ShownFirst()
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
        forget_messages(request)
        waiting.keep()
        first = shown_first(request)
        context = {
            **self.admin_site.each_context(request),
            "title": title_of(changes, first),
            "opts": self.opts,
            "changes": changes,
            "first": first,
            "preview": preview_before(request, changes),
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
