"""The gradebook, for the staff of a course."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from amls.core.decimals import say_decimal
from amls.core.text import clean_line
from amls.courses.access import open_course_as_manager
from amls.courses.accounts import user_of
from amls.courses.models import Enrolment
from amls.exports.views.offer import document
from amls.files.tables.writing import CSV, XLSX, table_response
from amls.grading.notes import keep_note, note_field
from amls.portal.gradebook.cells import KINDS
from amls.portal.gradebook.columns import BookColumn, Columns, columns_of
from amls.portal.gradebook.rows import Parts, RowWriter, lines_of, parts_of, totals_of, whole_sum
from amls.portal.gradebook.sheet import sheet_of
from amls.portal.gradebook.standings import GRADEBOOK, BookQuery, standing_of, standings
from exams.admission import LABELS
from projects.states import STUDENT_STATES

# By which words an address says what is asked for.
_WORDS = {
    "search": "q", "state": "state", "admission": "admission", "column": "column", "work": "work", "sort": "sort",
    "tasks": "tasks",
}  # fmt: skip
# Whoever sorts by these looks for the first of the alphabet or the list, by all others for the most points.
_ASCENDING = ("name", "number", "project", "admission", "note")


def asked_of(request: HttpRequest) -> BookQuery:
    """Return what an address of the gradebook asks for."""
    return BookQuery(**{name: clean_line(request.GET.get(word, "")) for name, word in _WORDS.items()})


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def gradebook_pdf(request: HttpRequest, slug: str) -> HttpResponseBase:
    """The gradebook as PDF, narrowed down by the same filters as its page."""
    access = open_course_as_manager(request, slug)
    return document(request, kind=GRADEBOOK, course=access.course, parameters=asked_of(request).parameters())


def _heads(request: HttpRequest, columns: Columns, parts: Parts) -> list[dict[str, Any]]:
    """Return the columns, each with the address that sorts by it, turned round the second time."""
    named: list[tuple[str, str, str]] = [("name", _("Student"), "")]
    named += [("project", _("Project"), "")] if parts.project else []
    named += [("extra", _("Extra points"), "")] if parts.extra else []
    named += [("admission", _("Admission"), "")] if parts.admission else []
    for column in columns.shown:
        most = _("of %(most)s") % {"most": say_decimal(column.most)} if column.most is not None else ""
        named.append((column.key, column.title, most))
    exams = {column.key: column for column in columns.shown if column.exam is not None}
    named += [("sum", _("Sum of assignments"), "")] if parts.points else []
    named += [("note", _("Note"), "")] if parts.note else []
    present, heads = request.GET.get("sort", ""), []
    for key, label, most in named:
        query = request.GET.copy()
        query.pop("format", None)
        first, second = (key, f"-{key}") if key in _ASCENDING else (f"-{key}", key)
        query["sort"] = second if present == first else first
        order = {key: "ascending", f"-{key}": "descending"}.get(present, "")
        is_text = key in _ASCENDING
        heads.append(
            {
                "label": label, "most": most, "query": query.urlencode(), "order": order, "is_text": is_text,
                **(_of_exam(request, exams[key], columns) if key in exams else {}),
            }
        )  # fmt: skip
    return heads


def _of_exam(request: HttpRequest, column: BookColumn, columns: Columns) -> dict[str, Any]:
    """Return what the head of an exam or of its task says beside: whose task it is, or the address that folds tasks."""
    if column.task is not None:
        return {"exam": str(column.exam)}
    count = len(column.exam.tasks.all()) if column.exam is not None else 0
    if not count:
        return {}
    query = request.GET.copy()
    query.pop("format", None)
    query["tasks"] = "0" if columns.has_exam_tasks else "1"
    return {"tasks": count, "folds": columns.has_exam_tasks, "tasks_query": query.urlencode()}


def _by_number(request: HttpRequest) -> str:
    query = request.GET.copy()
    query.pop("format", None)
    query["sort"] = "-number" if query.get("sort") == "number" else "number"
    return query.urlencode()


@login_required
@require_safe
def gradebook(request: HttpRequest, slug: str) -> HttpResponse:
    """Show how every student stands, narrowed down, or send it as a table."""
    access = open_course_as_manager(request, slug)
    asked, every_column = asked_of(request), columns_of(access.course)
    kind = request.GET.get("format", "")
    # A file has room for everything.
    tasks = asked.tasks or ("1" if kind in (CSV, XLSX) else "")
    columns = every_column.only(asked.column).unfolded(tasks)
    rows = standings(access.course, now=access.now, asked=asked, columns=columns)
    if kind in (CSV, XLSX):
        headers, cells = sheet_of(rows, columns, now=access.now)
        return table_response(headers, cells, filename=f"{slug}-{timezone.localdate(access.now)}", kind=kind)
    query = request.GET.copy()
    query.pop("format", None)
    parts = parts_of(rows, columns)
    writer = RowWriter(parts, slug=slug)
    sums = whole_sum(rows)
    context = {
        "access": access,
        "course": access.course,
        "rows": rows,
        "lines": [writer.row(row) for row in rows],
        "parts": parts,
        "heads": _heads(request, columns, parts),
        "heads_of_tasks": columns.has_exam_tasks,
        "by_number": _by_number(request),
        "blanks": range(parts.project + parts.extra + parts.admission),
        "totals": totals_of(rows, columns),
        "sums": {"points": say_decimal(sums.points), "most": say_decimal(sums.most)},
        "with_tasks": [
            column for column in columns.shown
            if (column.exam is not None and column.task is None) or (column.assignment is not None and column.most is not None)
        ],
        "asked": asked,
        "columns": every_column.shown,
        "states": [(state.value, state.label) for state in STUDENT_STATES],
        "admissions": [(state.value, label) for state, label in LABELS.items()],
        "kinds": KINDS.items(),
        "query": query.urlencode(),
    }  # fmt: skip
    return render(request, "portal/gradebook.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def gradebook_person(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Show how one student stands, and what the staff note of them; let the note be changed."""
    access = open_course_as_manager(request, slug)
    students = (
        Enrolment.objects.students().filter(course=access.course).select_related("user", "person_note__written_by")
    )
    person = get_object_or_404(students, pk=pk)
    field = note_field(getattr(person, "person_note", None))
    if request.method == "POST":
        field = keep_note(enrolment=person, sent=request.POST, by=user_of(request), now=access.now)
        if not field.problem:
            messages.success(request, _("Saved."))
            return redirect("portal:gradebook_person", slug, pk)
    columns = columns_of(access.course).unfolded("1")
    row = standing_of(person, now=access.now, columns=columns)
    context = {
        "access": access, "course": access.course, "person": person, "row": row, "note": field,
        "problem": field.problem,
        **lines_of(row, columns),
    }  # fmt: skip
    return render(request, "portal/gradebook_person.html", context, status=422 if field.problem else 200)
