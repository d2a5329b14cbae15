"""What changed of the examination office's list since one that it got, as a page and as a file."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from amls.files.tables.writing import CSV, Cell, table_response
from exams.models import Registration
from exams.naming import file_stem
from exams.officelist import Line, OfficeChange, OfficeList, changes_since, earlier_lists
from exams.views.staff import open_exam


@require_safe
def office_changes(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Show who was added to the list, left it or has another grade or status since one that was sent."""
    access, exam = open_exam(request, slug, pk)
    lists = earlier_lists(exam)
    chosen = _chosen(request, lists)
    context = {
        "access": access, "course": access.course, "exam": exam, "page": "results", "lists": lists, "chosen": chosen,
        "changes": [(change, *_in_words(change)) for change in changes_since(exam, chosen)] if chosen else [],
    }  # fmt: skip
    return render(request, "exams/office_changes.html", context)


@require_safe
def office_changes_file(request: HttpRequest, slug: str, pk: int, kind: str = CSV) -> HttpResponse:
    """The same as a table: old and new of each line."""
    _access, exam = open_exam(request, slug, pk)
    chosen = _chosen(request, earlier_lists(exam))
    if exam.frozen_at is None or chosen is None:
        if exam.frozen_at is None:
            messages.error(request, _("Freeze the results first: the office's list must not change under its hands."))
        return redirect("exams:office_changes", slug=slug, pk=pk)
    header = [
        _("matriculation number"), _("name"), _("change"), _("grade before"), _("grade"), _("status before"), _("status"),
        _("course"), _("exam"), _("date"),
    ]  # fmt: skip
    of_exam = (str(exam.course), str(exam), exam.starts_at.astimezone(exam.course.zone).date())
    rows = [[*_row(change), *of_exam] for change in changes_since(exam, chosen)]
    return table_response(header, rows, filename=f"{file_stem(exam)}-changes", kind=kind)


def _row(change: OfficeChange) -> list[Cell]:
    before, after = change.before or ("", ""), change.after or ("", "")
    person = change.person
    what, state_before, state = _in_words(change)
    return [person.verified_number, person.user.display_name, what, before[0], after[0], state_before, state]


def _in_words(change: OfficeChange) -> tuple[str, str, str]:
    said = {"added": _("added"), "left": _("no longer on the list"), "changed": _("changed")}
    return said[change.kind], _state(change.before), _state(change.after)


def _state(line: Line | None) -> str:
    return str(Registration.State(line[1]).label) if line is not None else ""


def _chosen(request: HttpRequest, lists: list[OfficeList]) -> OfficeList | None:
    """Return the list that the address names, else the newest one before that of now; None where there is none."""
    if "since" not in request.GET:
        return lists[0] if lists else None
    for known in lists:
        if str(known.key) == request.GET["since"]:
            return known
    raise Http404
