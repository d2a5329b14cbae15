"""Lectures and their materials at the desk."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Cast, Coalesce
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.decorators import action
from unfold.widgets import INPUT_CLASSES, UnfoldAdminFileFieldWidget

from amls.core.request import lead_to, now_of
from amls.core.sent_twice import token_of
from amls.core.times import say_day
from amls.core.violations import RuleViolation
from amls.courses.accounts import user_or_none
from amls.desk.chosen_course import chosen_course, courses_of, way_to_choose
from amls.desk.copying import OffersAnother
from amls.desk.listing import OpensRows
from amls.desk.own_changes import OwnChangesForm
from amls.desk.site import CourseScopedAdmin, CourseScopedInline
from amls.desk.writes import Writes
from amls.files.checks import check_upload
from lectures.admin.uploading import keep_files, matches_of
from lectures.admin.weekly import days_asked_for, repeat, take_back
from lectures.advice import clashes_of
from lectures.models import Lecture, Material
from lectures.queries import lectures_of
from lectures.services.chapters import ChapterLine
from lectures.services.materials import SUFFIXES, remove_material, save_material, upload_version
from lectures.services.schedule import (
    remove_lecture,
    save_lecture,
)
from lectures.undo import take_uploads_back


def _moment_widget() -> forms.DateTimeInput:
    attrs = {"type": "datetime-local", "class": " ".join(INPUT_CLASSES)}
    return forms.DateTimeInput(attrs=attrs, format="%Y-%m-%dT%H:%M")


def _chapter_in_words(columns: dict[str, Any]) -> str:
    """Return which chapter a row of the history is about, as its line says it."""
    return str(ChapterLine(columns["seconds"], columns["title"], columns["page"]))


class QuickEditForm(OwnChangesForm):
    """A lecture's row in the list: one field for each moment, so that date, room and mode fit side by side."""

    starts_at = forms.DateTimeField(label=gettext_lazy("starts"), required=False, widget=_moment_widget())
    ends_at = forms.DateTimeField(label=gettext_lazy("ends"), required=False, widget=_moment_widget())

    def clean(self) -> dict[str, Any]:
        """Let a moment take the place of the day that stood for it while its time was open: the row doesn't show it."""
        data = super().clean() or {}
        if data.get("starts_at") is not None:
            self.instance.day = None
        return data


class MaterialForm(OwnChangesForm):
    """A material with room for a new version of its file."""

    upload = forms.FileField(
        label=gettext_lazy("new file"),
        required=False,
        widget=UnfoldAdminFileFieldWidget,
        help_text=gettext_lazy("A new version keeps the address."),
    )

    class Meta:
        model = Material
        fields = ("kind", "title", "url", "audience", "visible_from", "position")

    def clean(self) -> dict[str, Any]:
        """Judge the upload before anything is saved."""
        data = super().clean() or {}
        upload, kind = data.get("upload"), data.get("kind")
        if upload is not None and kind:
            try:
                check_upload(upload, upload.name, size=upload.size, max_bytes=upload.size, allowed=SUFFIXES[kind])
            except RuleViolation as violation:
                raise ValidationError({"upload": [str(violation.message)]}) from violation
        return data


class MaterialInline(CourseScopedInline):
    model = Material
    writes = Writes(save=save_material, delete=remove_material)
    form = MaterialForm
    fields = ("kind", "title", "url", "audience", "visible_from", "position", "current_file", "upload")
    readonly_fields = ("current_file",)

    @admin.display(description=gettext_lazy("file"))
    def current_file(self, material: Material) -> str:
        """Say which file is there now."""
        return str(material.current) if material.current else "–"


@admin.register(Lecture)
class LectureAdmin(OpensRows, OffersAnother, CourseScopedAdmin):
    """All lectures on one page, with quick edit of date, room and mode of the rows that are opened."""

    writes = Writes(save=save_lecture, delete=remove_lecture)
    list_display = ("number", "title", "what", "starts_at", "ends_at", "room", "mode", "state")
    list_display_links = ("number", "title")
    list_editable = ("starts_at", "ends_at", "room", "mode", "state")
    list_filter = ("course", "kind", "part", "mode", "state")
    list_select_related = ("course", "part")
    search_fields = ("number", "title")
    ordering = ("course", Coalesce("starts_at", Cast("day", models.DateTimeField())), "number", "pk")
    inlines = (MaterialInline,)
    instead_of_deleting = gettext_lazy(
        "A session that only does not take place is better cancelled: open it and set its state. Then it can be held after all."
    )
    which_in_history: ClassVar[Mapping[str, Callable[[dict[str, Any]], str]]] = {"lectures.Chapter": _chapter_in_words}
    actions_list = ("upload_files", "move_weekly")
    actions_detail = ("make_another", "hold_weekly", "move_following")
    # What is told of one session says nothing of the next.
    another_later, another_without = timedelta(weeks=1), ("number", "abstract", "state")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "course",
                    "part",
                    ("kind", "number", "title"),
                    ("starts_at", "ends_at", "day"),
                    ("room", "mode", "state"),
                )
            },
        ),
        (gettext_lazy("Online"), {"fields": ("call_in", "is_call_in_public"), "classes": ("tab",)}),
        (gettext_lazy("Abstract"), {"fields": ("abstract",), "classes": ("tab",)}),
    )

    @admin.display(description=gettext_lazy("kind"), ordering="kind")
    def what(self, lecture: Lecture) -> str:
        """Say what it is, and what of its moment is open."""
        words = [str(lecture.get_kind_display())]
        if lecture.starts_at is None:
            words.append(f"{say_day(lecture.day)}, {_('time open')}" if lecture.day else _("date open"))
        return ", ".join(words)

    def get_changelist_form(self, request: HttpRequest, **kwargs: Any) -> Any:
        """Edit rows of the list in a form of their own."""
        return super().get_changelist_form(request, **{"form": QuickEditForm, **kwargs})

    def save_model(self, request: HttpRequest, obj: Lecture, form: Any, change: bool) -> None:
        """Save, and say what of its date should be looked at."""
        super().save_model(request, obj, form, change)
        for text in clashes_of(obj):
            messages.warning(request, text)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Save the materials, then keep what was uploaded to them."""
        super().save_formset(request, form, formset, change)
        by = user_or_none(request)
        for material_form in formset.forms:
            # What was just deleted has no key, and to ask whether it is valid would look for what hangs on it.
            upload = (
                material_form.cleaned_data.get("upload")
                if material_form.instance.pk and material_form.is_valid()
                else None
            )
            if upload is not None:
                upload_version(material=material_form.instance, upload=upload, by=by, now=now_of(request))

    @action(description=gettext_lazy("Hold it every week"), url_path="weekly")
    def hold_weekly(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show on which days a session would be held again, and add the chosen ones."""
        lecture = self.get_object(request, object_id)
        if lecture is None:
            raise Http404
        if request.method == "POST" and "undo" in request.POST:
            return take_back(request, lecture)
        self._activate_zone(request, lecture)
        answer: HttpResponse = self._in_one_transaction(request, lecture, lambda: self._weekly(request, lecture))
        return answer

    def _weekly(self, request: HttpRequest, lecture: Lecture) -> HttpResponse:
        answer = repeat(request, lecture) if request.method == "POST" else None
        if answer is not None:
            return answer
        title = _("Hold every week: %(what)s") % {"what": lecture}
        context = {
            **self.admin_site.each_context(request),
            "title": title,
            "opts": self.opts,
            "once": token_of(request),
        }
        return TemplateResponse(
            request,
            "admin/weekly.html",
            context | days_asked_for(request, lecture),
            status=422 if request.method == "POST" else 200,
        )

    @action(description=gettext_lazy("Move this and the following ones"), url_path="move-following")
    def move_following(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Lead to the page that moves what is still to come at its weekly time."""
        lecture = self.get_object(request, object_id)
        if lecture is None:
            raise Http404
        return redirect(f"{reverse('lectures:move_sessions', args=[lecture.course.slug])}?session={lecture.pk}")

    @action(description=gettext_lazy("Move weekly sessions"), url_path="move-weekly")
    def move_weekly(self, request: HttpRequest) -> HttpResponse:
        """Lead to the page that moves what is still to come at a weekly time of the chosen course."""
        course = chosen_course(request) or next(iter(courses_of(request)), None)
        if course is None:
            raise Http404
        return redirect("lectures:move_sessions", course.slug)

    @action(description=gettext_lazy("Upload files"), url_path="upload")
    def upload_files(self, request: HttpRequest) -> HttpResponse:
        """Keep several files at once; each finds its lecture and kind by its name, or as chosen."""
        courses = courses_of(request)
        wanted = request.POST.get("course") or request.GET.get("course")
        course = next((course for course in courses if str(course.pk) == wanted), None)
        if wanted is not None and course is None:
            raise Http404
        course = course or chosen_course(request) or next(iter(courses), None)
        lectures = lectures_of(course) if course else []
        if "names" in request.GET:
            matches = matches_of(request.GET.getlist("names"), lectures)
            return TemplateResponse(request, "admin/_upload_matches.html", {"matches": matches, "lectures": lectures})
        results: list[dict[str, Any]] = []
        if request.method == "POST" and "undo" in request.POST:
            return self._take_back(request)
        if request.method == "POST" and course is not None:
            results, undo = keep_files(request, lectures)
            address = reverse("admin:lectures_lecture_upload_files")
            tags = f"undo {address} undo {undo}" if undo else ""
            if not results:
                messages.error(request, _("Choose a file first."))
            elif all(result["error"] == "" for result in results):
                replaced = [result["replaced"] for result in results if result.get("replaced")]
                messages.success(request, " ".join([_("All files are online."), *replaced]), extra_tags=tags)
                return lead_to(request, way_to_choose(reverse("admin:lectures_lecture_changelist"), course))
            elif undo:
                messages.warning(request, _("Some files are online."), extra_tags=tags)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Upload files"),
            "opts": self.opts,
            "courses": courses,
            "chosen": course,
            "lectures": lectures,
            "results": results,
        }
        return TemplateResponse(request, "admin/upload.html", context)

    @staticmethod
    def _take_back(request: HttpRequest) -> HttpResponse:
        now = now_of(request)
        try:
            count = take_uploads_back(request.POST["undo"], courses=courses_of(request), now=now)
        except RuleViolation as violation:
            messages.error(request, str(violation.message))
        else:
            said = ngettext("%(count)d file is taken back.", "%(count)d files are taken back.", count)
            messages.success(request, said % {"count": count})
        return redirect("admin:lectures_lecture_changelist")
