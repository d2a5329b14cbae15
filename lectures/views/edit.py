"""Changing a lecture right on the course's page, with an undo."""

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from amls.agenda.changes import describe_change
from amls.agenda.services import Change
from amls.core.preview import Preview, is_wanted, preview_of, without_trace
from amls.core.request import htmx_of, lead_to
from amls.core.violations import RuleViolation
from amls.courses.access import Access, open_course_as_manager
from amls.courses.accounts import user_or_none
from amls.courses.services import holding, quietly
from lectures.advice import advice_for, clashes_of
from lectures.filenames import recognise
from lectures.forms import LectureForm
from lectures.models import Lecture, Material
from lectures.services.materials import AddedFile, upload_each
from lectures.services.schedule import change_lecture
from lectures.undo import make_undo, read_undo, said_at, snapshot, take_uploads_back, undo_of_uploads
from lectures.views.pages import find_lecture


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, slug: str, ref: str) -> HttpResponse:
    """Show the form, in the row or as a page; save it, or first show what calendars will say."""
    access = open_course_as_manager(request, slug)
    if request.method == "POST":
        with holding(access.course):
            form, preview, changes, clashes = _sent(request, access, ref)
        if preview is None and not form.errors:
            # The schedule, the tiles and the key dates may all have changed.
            return lead_to(request, _back(request, form.lecture))
    else:
        form = LectureForm(lecture=find_lecture(access, ref)[0], course=access.course)
        preview, changes, clashes = None, [], []
    lecture = form.lecture
    context = {
        "access": access,
        "course": access.course,
        "lecture": lecture,
        "form": form,
        "preview": None if form.errors else preview,
        "described": [describe_change(change, access.course.zone) for change in changes],
        "clashes": clashes,
        "changes": [(access.course, change) for change in changes],
    }
    is_part = bool(htmx_of(request))
    status = 422 if form.errors and not is_part else 200
    return render(request, "lectures/_edit.html" if is_part else "lectures/edit.html", context, status=status)


def _sent(
    request: HttpRequest, access: Access, ref: str
) -> tuple[LectureForm, Preview | None, list[Change], list[str]]:
    """Save what a form holds, or first say what calendars will say; without a preview and without errors it is saved."""
    lecture, _lectures = find_lecture(access, ref)
    form = LectureForm(request.POST, lecture=lecture, course=access.course)
    changes: list[Change] = []
    clashes: list[str] = []
    preview: Preview | None = None
    if form.is_valid() and ("preview" in request.POST or is_wanted(request.POST)):
        changes, clashes = _outcome(form, lecture, access)
        preview = preview_of(request.POST, (form.values(), [change.shown for change in changes], clashes))
    may_save = not form.errors and (preview is None or preview.is_agreed)
    if may_save and _save(request, form, lecture, access):
        preview = None
    return form, preview, changes, clashes


def _outcome(form: LectureForm, lecture: Lecture, access: Access) -> tuple[list[Change], list[str]]:
    """Return what saving would change for subscribers, and what of the date should be looked at: the same code, rolled back."""

    def change() -> tuple[list[Change], list[str]]:
        changes = change_lecture(lecture_pk=lecture.pk, now=access.now, **form.values())
        return changes, clashes_of(Lecture.objects.select_related("course").get(pk=lecture.pk))

    try:
        return without_trace(change)
    except ValidationError as error:
        _add_errors(form, error)
        return [], []


def _save(request: HttpRequest, form: LectureForm, lecture: Lecture, access: Access) -> bool:
    before, is_quiet = snapshot(lecture), "_quiet" in request.POST
    try:
        with quietly(is_wanted=is_quiet):
            changes = change_lecture(lecture_pk=lecture.pk, now=access.now, **form.values())
    except ValidationError as error:
        _add_errors(form, error)
        return False
    after = Lecture.objects.get(pk=lecture.pk)
    if snapshot(after) == before:
        messages.info(request, _("Nothing was changed."), extra_tags=said_at(lecture))
        return True
    words = [str(describe_change(change, access.course.zone)) for change in changes]
    text = _("Saved, and in everyone's calendar: %(changes)s") % {"changes": "; ".join(words)} if words else _("Saved.")
    messages.success(request, text, extra_tags=said_at(lecture, make_undo(before, after, is_quiet=is_quiet)))
    for clash in clashes_of(after):
        messages.warning(request, clash, extra_tags=said_at(lecture))
    return True


def _add_errors(form: LectureForm, error: ValidationError) -> None:
    for field, problems in error.message_dict.items():
        form.add_error(field if field in form.fields else None, problems)


def _back(request: HttpRequest, lecture: Lecture) -> str:
    if request.POST.get("back") == "lecture":
        return lecture.get_absolute_url()
    return f"{lecture.course.get_absolute_url()}#lecture-{lecture.pk}"


@require_POST
def undo(request: HttpRequest, slug: str, ref: str) -> HttpResponse:
    """Bring back what a lecture was before the last change."""
    access = open_course_as_manager(request, slug)
    lecture, _lectures = find_lecture(access, ref)
    try:
        values, is_quiet = read_undo(request.POST.get("token", ""), lecture)
        with quietly(is_wanted=is_quiet):
            change_lecture(lecture_pk=lecture.pk, now=access.now, **values)
    except RuleViolation as violation:
        messages.error(request, str(violation.message), extra_tags=said_at(lecture))
    else:
        said = _("Taken back: the lecture is as it was, in everyone's calendar too.")
        messages.success(request, said, extra_tags=said_at(lecture))
    return redirect(_back(request, lecture))


@require_POST
def upload(request: HttpRequest, slug: str, ref: str) -> HttpResponse:
    """Keep files for this lecture, and say which is a new version of what; one bad file does not stop the others."""
    access = open_course_as_manager(request, slug)
    lecture, _lectures = find_lecture(access, ref)
    files: list[Any] = request.FILES.getlist("files")
    uploads = [(lecture, recognise(file.name or "", [lecture]).kind or Material.Kind.OTHER, file) for file in files]
    kept: list[AddedFile] = []
    for answer in upload_each(uploads=uploads, by=user_or_none(request), now=access.now):
        if isinstance(answer, RuleViolation):
            messages.error(request, str(answer.message))
        else:
            kept.append(answer)
    if kept:
        undo = said_at(lecture, undo_of_uploads(kept), undo="lectures:lecture_undo_files")
        messages.success(request, _said_of_uploads(kept), extra_tags=undo)
    elif not files:
        messages.error(request, _("Choose a file first."))
    return lead_to(request, lecture.get_absolute_url())


def _said_of_uploads(kept: Sequence[AddedFile]) -> str:
    said = ngettext("%(count)d file is online.", "%(count)d files are online.", len(kept)) % {"count": len(kept)}
    return " ".join([said, *filter(None, (file.said_replaced for file in kept))])


@require_POST
def undo_files(request: HttpRequest, slug: str, ref: str) -> HttpResponse:
    """Take files back that were sent, or the newest version of one: the versions before them are the newest again."""
    access = open_course_as_manager(request, slug)
    lecture, _lectures = find_lecture(access, ref)
    try:
        count = take_uploads_back(request.POST.get("token", ""), courses=[access.course], now=access.now)
    except RuleViolation as violation:
        messages.error(request, str(violation.message))
    else:
        said = ngettext("%(count)d file is taken back.", "%(count)d files are taken back.", count) % {"count": count}
        messages.success(request, said if count else _("Nothing was changed."))
    return redirect(lecture)


@require_safe
def reading(request: HttpRequest, slug: str, ref: str) -> HttpResponse:
    """Show how far the reading of the lecture's files is: a part of its page, which asks again until all is read."""
    access = open_course_as_manager(request, slug)
    lecture, _lectures = find_lecture(access, ref)
    going_on, to_mend = advice_for(lecture)
    context = {"course": access.course, "lecture": lecture, "going_on": going_on, "to_mend": to_mend}
    response = render(request, "lectures/_reading.html", context)
    if not going_on and htmx_of(request):
        # All is read: the page has slides to show now.
        response.headers["HX-Refresh"] = "true"
    return response
