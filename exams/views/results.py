"""Results: points by hand or from a file, the grade table with its plot, publication, the office's list."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from amls.core.violations import RuleViolation
from amls.courses.access import Access
from amls.courses.accounts import user_or_none
from amls.files.models import TableImport
from amls.files.tables.pages import show_or_import
from amls.files.tables.plan import Plan
from amls.files.tables.table import Upload
from amls.files.tables.writing import CSV, table_response
from amls.held.corrections import say_corrected
from amls.held.models import HeldAct
from exams.admission import without_admission
from exams.forms import EntryForm, PointsForm, ReasonForm, StepsForm, TableOfPointsForm, shown_field
from exams.grading import PASSING, GradeTable, Statistics, grade_bars, point_bars, statistics_of, usual_table
from exams.models import FAILED, GRADES, Exam, Registration, Result, ResultChange
from exams.naming import file_stem, known_by
from exams.queries import office_rows
from exams.services.corrections import keep_corrected
from exams.services.gradetable import check_steps, set_grade_table
from exams.services.pointfile import import_points
from exams.services.points import enter_points
from exams.services.publication import RESULTS
from exams.services.regrading import current_extra_points, grade_table, lifts_fail
from exams.services.results import regrade
from exams.taskpoints import stack_order
from exams.views.grades import show_grades
from exams.views.not_held import show_not_held
from exams.views.staff import import_page, open_exam, open_exam_by_points, shelf_of

# What an address says for people in the order of the stack of papers, by matriculation number.
STACK = "stack"


@require_safe
def results(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Show everyone's points and grade, the grade table, and what it makes of the points."""
    access, exam = open_exam(request, slug, pk)
    if exam.is_cancelled:
        return show_not_held(request, access, exam)
    if exam.is_graded_directly:
        return show_grades(request, access, exam)
    return render(request, "exams/results.html", _context(access, exam, order=request.GET.get("order", "")))


def _context(
    access: Access,
    exam: Exam,
    *,
    entry: EntryForm | None = None,
    boundaries: StepsForm | None = None,
    proposal: GradeTable | None = None,
    problem: str = "",
    order: str = "",
) -> dict[str, Any]:
    """Return what the page shows.

    Args:
        access: to the course.
        exam: whose results they are.
        entry: points that were typed and are shown again.
        boundaries: a grade table that was typed and is shown again.
        proposal: a grade table that is tried.
        problem: why what was typed is not saved.
        order: 'stack' for that of the stack of papers, else people stand by name.
    """
    people = stack_order(_people(exam)) if order == STACK else _people(exam)
    extra = current_extra_points(exam, [person.enrolment for person in people], now=access.now)
    table, lifts = grade_table(exam), lifts_fail(exam)
    standing = table if table.is_complete else usual_table(exam.max_points)
    used = proposal or standing
    without = without_admission(access.course, people, now=access.now)
    known = known_by([person.enrolment for person in people])
    rows = [
        _row(person, extra[person.enrolment_id], used, lifts_fail=lifts, typed=entry)
        | {"without_admission": without.get(person.pk), "known_by": known[person.enrolment_id]}
        for person in people
    ]
    graded = [row for row in rows if row["result"] is not None]
    statistics = statistics_of((row["result"].points, row["would_be"]) for row in graded)
    before = statistics_of(
        (row["result"].points, standing.grade_of(row["result"].points, row["extra"], lifts_fail=lifts))
        for row in graded
    )
    points = [row["result"].points for row in graded]
    return {
        "access": access,
        "course": access.course,
        "tab": "exams",
        "exam": exam,
        "rows": rows,
        "graded_without_admission": sum(
            row["registration"].pk in without and row["result"].state == Result.State.DRAFT for row in graded
        ),
        "steps": [_step(grade, table, used, statistics, before, typed=boundaries) for grade in GRADES],
        "failed": {"grade": FAILED, "count": statistics.failed, "before": before.failed},
        "has_table": table.is_complete,
        "is_proposal": proposal is not None,
        "statistics": statistics,
        "grade_bars": grade_bars(statistics.counts, before.counts if proposal else None),
        "point_bars": point_bars(points, max_points=exam.max_points, pass_at=used.steps.get(PASSING)),
        "waiting": HeldAct.objects.waiting_in(access.course, RESULTS).filter(about=str(exam.pk)),
        "drafts": sum(row["result"].state == Result.State.DRAFT for row in graded),
        "others": sum(row["is_stale"] for row in graded),
        "changes": ResultChange.objects.filter(registration__exam=exam).select_related("registration__enrolment__user", "by")[:30],
        "problem": problem,
        "reason": entry.data.get("reason", "") if entry is not None else "",
        "is_stack": order == STACK,
        "import_form": PointsForm(exam=exam),
    }  # fmt: skip


def _row(
    person: Registration, extra: Decimal, used: GradeTable, *, lifts_fail: bool, typed: EntryForm | None
) -> dict[str, Any]:
    """Return what the page shows of a person; who has a result, with the grade by the table that is `used`."""
    result: Result | None = getattr(person, "result", None)
    row: dict[str, Any] = {
        "registration": person,
        "result": result,
        "extra": extra,
        "field": shown_field(typed, f"points-{person.pk}", result.points if result is not None else None),
    }
    if result is not None and result.points is not None:
        row["would_be"] = used.grade_of(result.points, extra, lifts_fail=lifts_fail)
        row["counts_extra"] = not extra or bool(used.applied(result.points, extra, lifts_fail=lifts_fail))
        row["is_other"] = result.grade is not None and row["would_be"] != result.grade
        applied = used.applied(result.points, extra, lifts_fail=lifts_fail)
        row["is_stale"] = row["is_other"] or (result.grade is not None and applied != result.extra_points)
    return row


def _step(
    grade: Decimal,
    kept: GradeTable,
    used: GradeTable,
    statistics: Statistics,
    before: Statistics,
    *,
    typed: StepsForm | None,
) -> dict[str, Any]:
    """Return what the page shows of a grade: from which points on it is given, and how many have and had it."""
    return {
        "grade": grade,
        "field": shown_field(typed, f"grade-{grade}", kept.steps.get(grade), offered=used.steps.get(grade)),
        "count": statistics.counts[grade],
        "before": before.counts[grade],
    }


def _people(exam: Exam) -> list[Registration]:
    return list(
        Registration.objects.filter(exam=exam, state=Registration.State.ATTENDED)
        .select_related("enrolment__user", "enrolment__course", "result", "seat__room")
        .by_name()
    )


def say_saved(request: HttpRequest, access: Access, count: int, made: TableImport | None, *, back: str) -> None:
    """Say whose points are saved; where they know them, with the button that takes the correction back until they are told.

    Args:
        request: of whoever entered them.
        access: to the course.
        count: of how many people points changed.
        made: how published ones were before.
        back: the path of the page.
    """
    text = ngettext("The points of %(count)d person are saved.", "The points of %(count)d people are saved.", count)
    said = text % {"count": count}
    if made is None:
        messages.success(request, said)
        return
    say_corrected(
        request, made, course=access.course, title=said.rstrip("."), back=back, by=user_or_none(request), now=access.now
    )


def refuse_overtaken(
    request: HttpRequest,
    access: Access,
    form: TableOfPointsForm,
    overtaken: Mapping[Any, RuleViolation],
    *,
    count: int,
    made: TableImport | None,
    back: str,
) -> str:
    """Say at its fields what is not saved, as somebody else changed it meanwhile, and whose points are; return it in a sentence.

    Args:
        request: of whoever entered them.
        access: to the course.
        form: in which they were typed.
        overtaken: what is refused, by what the fields are asked for.
        count: of how many people points changed.
        made: how published ones were before.
        back: the path of the page.
    """
    form.refuse(overtaken)
    if count:
        say_saved(request, access, count, made, back=back)
    return ngettext(
        "Points in %(count)d field are not saved, as somebody else changed them meanwhile. See what stands beside it.",
        "Points in %(count)d fields are not saved, as somebody else changed them meanwhile. See what stands beside each.",
        len(overtaken),
    ) % {"count": len(overtaken)}


@require_POST
def enter(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Keep the points that were typed; one that is wrong keeps all of them on the page, one that is overtaken itself alone."""
    access, exam = open_exam_by_points(request, slug, pk)
    form, problem = EntryForm(request.POST, exam=exam, people=_people(exam)), ""
    order = request.GET.get("order", "")
    if form.is_valid():
        try:
            changes, overtaken = enter_points(
                exam_pk=pk,
                points=form.points(),
                by=user_or_none(request),
                reason=form.cleaned_data["reason"],
                now=access.now,
                seen=form.seen(),
            )
        except RuleViolation as violation:
            problem = str(violation.message)
        else:
            back = f"{reverse('exams:results', args=[slug, pk])}{f'?order={STACK}' if order == STACK else ''}"
            made = keep_corrected(changes, exam=exam, by=user_or_none(request), now=access.now)
            if not overtaken:
                say_saved(request, access, len(changes), made, back=back)
                return redirect(back)
            problem = refuse_overtaken(request, access, form, overtaken, count=len(changes), made=made, back=back)
    context = _context(access, exam, entry=form, problem=problem, order=order)
    return render(request, "exams/results.html", context, status=422)


@require_http_methods(["GET", "HEAD", "POST"])
def import_file(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Show what a file would change, then change it; between the two the file is kept."""
    access, exam = open_exam_by_points(request, slug, pk)
    shelf = shelf_of(request, access, f"exams.points:{pk}")
    form = PointsForm(request.POST or None, request.FILES or None, exam=exam, shelf=shelf)

    def run(upload: Upload, *, dry_run: bool, expected: str) -> Plan:
        return import_points(
            exam_pk=pk, upload=upload, by=user_or_none(request),
            reason=form.cleaned_data.get("reason", ""), now=access.now, dry_run=dry_run, expected=expected,
        )  # fmt: skip

    def said(count: int) -> str:
        text = ngettext("The points of %(count)d person are saved.", "The points of %(count)d people are saved.", count)
        return text % {"count": count}

    back = reverse("exams:results", args=[slug, pk])
    place = import_page(access, exam, title=_("Points from a file"), back=back, tab="results", said=said)
    return show_or_import(request, form, run, place)


@require_POST
def table(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Show what other boundaries would do, or keep them."""
    access, exam = open_exam_by_points(request, slug, pk)
    form = StepsForm(request.POST, exam=exam)
    problem = "" if form.is_valid() else _("The grade table is not saved: mend the marked boundaries.")
    steps = {} if problem else form.steps()
    try:
        if not problem:
            check_steps(steps, exam.max_points)
        if not problem and "keep" in request.POST:
            overtaken = set_grade_table(exam_pk=pk, steps=steps, now=access.now, seen=form.seen())
            if not overtaken:
                messages.success(request, _("The grade table is saved. Drafts follow it; published results stay."))
                return redirect("exams:results", slug=slug, pk=pk)
            form.refuse(overtaken)
            problem = _(
                "The grade table is not saved, as somebody else changed it meanwhile. Look at it, and press 'Keep the table' again."
            )
    except RuleViolation as violation:
        problem = str(violation.message)
    if problem:
        context = _context(access, exam, boundaries=form, problem=problem)
        return render(request, "exams/results.html", context, status=422)
    return render(request, "exams/results.html", _context(access, exam, boundaries=form, proposal=GradeTable(steps)))


@require_POST
def grade_anew(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Grade what is published anew, for a reason."""
    access, exam = open_exam_by_points(request, slug, pk)
    form = ReasonForm(request.POST, exam=exam)
    if not form.is_valid():
        messages.error(request, form.problem)
        return redirect("exams:results", slug=slug, pk=pk)
    try:
        count = regrade(exam_pk=pk, by=user_or_none(request), reason=form.cleaned_data["reason"], now=access.now)
    except RuleViolation as violation:
        messages.error(request, str(violation.message))
    else:
        text = ngettext("%(count)d grade changed.", "%(count)d grades changed.", count)
        messages.success(request, text % {"count": count})
    return redirect("exams:results", slug=slug, pk=pk)


@require_safe
def office(request: HttpRequest, slug: str, pk: int, kind: str = CSV) -> HttpResponse:
    """The examination office's list as a table: a grade only for who has one; absent and excused are no 5.0."""
    _access, exam = open_exam(request, slug, pk)
    if exam.frozen_at is None:
        messages.error(request, _("Freeze the results first: the office's list must not change under its hands."))
        return redirect("exams:results", slug=slug, pk=pk)
    header = [_("matriculation number"), _("name"), _("grade"), _("status"), _("course"), _("exam"), _("date")]
    # A sheet that has lost its name still says of which exam it is.
    of_exam = (str(exam.course), str(exam), exam.starts_at.astimezone(exam.course.zone).date())
    rows = [(*row, str(Registration.State(state).label), *of_exam) for *row, state in office_rows(exam)]
    return table_response(header, rows, filename=file_stem(exam), kind=kind)
