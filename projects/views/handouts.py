"""Files of an assignment: what its members download, and the page on which the staff put them online."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_safe

from amls.core.violations import RuleViolation, add_violation
from amls.courses.access import open_course
from amls.courses.services import holding
from amls.files.serving import serve_file
from amls.files.versions import served_version
from projects.forms.handouts import HandoutForm, NewHandoutsForm
from projects.models import Handout
from projects.services.handouts import add_handout, change_handout, remove_handout, upload_handout
from projects.views.access import StaffPage, number, open_staff_page


@require_safe
def handout(request: HttpRequest, slug: str, pk: int, filename: str) -> HttpResponseBase:
    """Send the newest version to members of the course; the name of an older one leads to it."""
    access = open_course(request, slug)
    if access.enrolment is None and not access.is_manager:
        raise Http404
    rows = Handout.objects.filter(assignment__course=access.course).visible_at(access.now, is_manager=access.is_manager)
    row = get_object_or_404(rows.filter(current__isnull=False), pk=pk)
    assert row.current is not None  # noqa: S101 - asked for above
    if filename != row.current.filename:
        return redirect("projects:handout", slug, pk, row.current.filename)
    return serve_file(request, served_version(row.current, is_public=False))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def handouts(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Show the files of an assignment, and put more online, change or remove them."""
    page = open_staff_page(request, slug, pk)
    if "save" in request.POST:
        return _save(request, page)
    if "remove" in request.POST:
        _remove(request, page)
        return redirect("projects:handouts", slug, pk)
    form = NewHandoutsForm(request.POST or None, request.FILES or None, zone=page.course.zone)
    if request.method == "POST" and form.is_valid() and _add(request, page, form):
        return redirect("projects:handouts", slug, pk)
    return _show(request, page, form=form)


def _chosen(page: StaffPage, pk: str) -> Handout:
    rows = Handout.objects.filter(assignment=page.assignment).select_related("current")
    row = get_object_or_404(rows, pk=number(pk))
    row.assignment = page.assignment
    return row


def _add(request: HttpRequest, page: StaffPage, form: NewHandoutsForm) -> bool:
    """Put files online, each by itself: one that is refused does not stop the others; return whether all were."""
    data, kept, refused = form.cleaned_data, 0, []
    uploads: list[Any] = data["uploads"] or [None]
    for upload in uploads:
        # One title is not the title of many.
        title = data["title"] if len(uploads) == 1 else ""
        try:
            add_handout(
                assignment=page.assignment, upload=upload, title=title, visible_from=data["visible_from"],
                by=page.user, now=page.access.now,
            )  # fmt: skip
            kept += 1
        except RuleViolation as violation:
            refused.append(str(violation.message))
    if kept:
        said = ngettext("%(count)d file is added.", "%(count)d files are added.", kept)
        messages.success(request, said % {"count": kept})
    for problem in refused:
        form.add_error("uploads", problem)
    return not refused


def _save(request: HttpRequest, page: StaffPage) -> HttpResponse:
    form: HandoutForm | None = None
    try:
        with holding(page.course):
            row = _chosen(page, request.POST["save"])
            form = HandoutForm(request.POST, request.FILES, handout=row, zone=page.course.zone)
            if form.is_valid():
                data, now = form.cleaned_data, page.access.now
                change_handout(handout=row, title=data["title"], visible_from=data["visible_from"], now=now)
                if data["file"]:
                    upload_handout(handout=row, upload=data["file"], by=page.user, now=now)
    except RuleViolation as violation:
        assert form is not None  # noqa: S101 - nothing before it refuses
        add_violation(form, violation)
    if form.errors:
        return _show(request, page, changed=form, of=row)
    messages.success(request, _("Saved."))
    return redirect("projects:handouts", page.course.slug, page.assignment.pk)


def _remove(request: HttpRequest, page: StaffPage) -> None:
    """Remove a file, unless somebody changed it since the page was shown."""
    with holding(page.course):
        row = _chosen(page, request.POST["remove"])
        form = HandoutForm(request.POST, handout=row, zone=page.course.zone)
        version = request.POST.get("version")
        if form.changed_since or (version is not None and version != str(row.current_id or "")):
            messages.error(request, _said_changed(form))
            return
        remove_handout(row, now=page.access.now)
    messages.success(request, _("“%(title)s” is removed.") % {"title": row})


def _said_changed(form: HandoutForm) -> str:
    if form.changed_since:
        return form.said_changed(form.changed_since)
    current = form.handout.current
    said = _("%(name)s changed this meanwhile (%(what)s). If it is to go nevertheless, say so again.")
    by = current.uploaded_by if current is not None else None
    return said % {"name": by or _("Somebody"), "what": current.filename if current is not None else "–"}


def _show(
    request: HttpRequest,
    page: StaffPage,
    *,
    form: NewHandoutsForm | None = None,
    changed: HandoutForm | None = None,
    of: Handout | None = None,
) -> HttpResponse:
    """Return the page, with what is wrong with the form that was sent."""
    zone = page.course.zone
    rows = []
    handouts = Handout.objects.filter(assignment=page.assignment).select_related("current__uploaded_by")
    for row in handouts:
        row.assignment = page.assignment
        shown = changed if of is not None and row.pk == of.pk else HandoutForm(handout=row, zone=zone)
        rows.append({"handout": row, "form": shown, "is_visible": row.is_visible_at(page.access.now)})
    context = page.context | {"rows": rows, "form": form or NewHandoutsForm(zone=zone)}
    is_wrong = bool((form is not None and form.errors) or changed is not None)
    return render(request, "projects/handouts.html", context, status=422 if is_wrong else 200)
