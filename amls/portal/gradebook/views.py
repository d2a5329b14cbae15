"""The gradebook, for the staff of a course."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from amls.core.text import clean_line
from amls.courses.access import open_course_as_manager
from amls.courses.eligibility import Verdict
from amls.exports.views.offer import document
from amls.files.tables.writing import CSV, XLSX, table_response
from amls.portal.gradebook.standings import GRADEBOOK, Columns, columns_of, marks_of, sheet_of, standings
from projects.states import STUDENT_STATES


def _chosen(request: HttpRequest) -> dict[str, str]:
    return {name: clean_line(request.GET.get(name, "")) for name in ("q", "state", "verdict", "sort")}


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def gradebook_pdf(request: HttpRequest, slug: str) -> HttpResponseBase:
    """The gradebook as PDF, narrowed down by the same filters as its page."""
    access = open_course_as_manager(request, slug)
    chosen = _chosen(request)
    parameters = {"search": chosen["q"], "state": chosen["state"], "verdict": chosen["verdict"]}
    return document(request, kind=GRADEBOOK, course=access.course, parameters=parameters)


def _heads(request: HttpRequest, columns: Columns) -> list[dict[str, str]]:
    """Return the columns that can be sorted by, each with the address that does it, turned round the second time."""
    names = [("name", _("Student"))]
    heads = [(f"a{assignment.pk}", assignment.title) for assignment in columns.assignments]
    heads += [(f"e{exam.pk}", str(exam)) for exam in columns.exams]
    heads += [("sum", _("Sum"))] if columns.gives_points else []
    present, sortable = request.GET.get("sort", ""), []
    for name, label in names + heads:
        query = request.GET.copy()
        query.pop("format", None)
        # Whoever sorts by points looks for the best first.
        first, second = ("name", "-name") if name == "name" else (f"-{name}", name)
        query["sort"] = second if present == first else first
        order = {name: "ascending", f"-{name}": "descending"}.get(present, "")
        sortable.append({"name": name, "label": label, "query": query.urlencode(), "order": order})
    return sortable


@login_required
@require_safe
def gradebook(request: HttpRequest, slug: str) -> HttpResponse:
    """Show how every student stands, narrowed down, or send it as a table."""
    access = open_course_as_manager(request, slug)
    chosen = _chosen(request)
    columns = columns_of(access.course)
    rows = standings(
        access.course, now=access.now, search=chosen["q"], state=chosen["state"], verdict=chosen["verdict"],
        sort=chosen["sort"], columns=columns,
    )  # fmt: skip
    kind = request.GET.get("format", "")
    if kind in (CSV, XLSX):
        headers, cells = sheet_of(rows, columns)
        return table_response(headers, cells, filename=f"{slug}-{timezone.localdate(access.now)}", kind=kind)
    query = request.GET.copy()
    query.pop("format", None)
    context = {
        "access": access,
        "course": access.course,
        "rows": [(row, marks_of(row, columns)) for row in rows],
        "columns": columns,
        "heads": _heads(request, columns),
        "chosen": chosen,
        "states": [(state.value, state.label) for state in STUDENT_STATES],
        "verdicts": [verdict.value for verdict in Verdict],
        "query": query.urlencode(),
        "has_rules": any(row.findings for row in rows),
    }
    return render(request, "portal/gradebook.html", context)
