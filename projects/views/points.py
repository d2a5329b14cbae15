"""Points of an assignment as a table: a row for each team or person, a field for each task; by hand or from a file."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods

from amls.core.preview import is_wanted, preview_of
from amls.core.text import clean_line
from amls.core.violations import RuleViolation
from amls.courses.models import Enrolment
from amls.files.shelf import Shelf
from amls.files.tables.forms import TableForm
from amls.files.tables.imports import with_undo
from amls.files.tables.pages import ImportPage, show_or_import
from amls.files.tables.plan import Plan
from amls.files.tables.table import Upload
from amls.files.tables.writing import CSV, XLSX, table_response
from amls.held.corrections import say_corrected
from projects.models import Assignment, Project
from projects.pointfilter import WantedRows
from projects.pointrows import PointsRow, points_rows
from projects.points import Mark, read_mark, say_mark
from projects.publication import publication_of, refuse_overtaken, waiting_about
from projects.publishing import hold_publication, say_overtaken
from projects.rowstates import RowState, row_states, said_of_nothing
from projects.services.assessing import version_of
from projects.services.deductions import deductions_of
from projects.services.pointfile import PEOPLE, columns_of, import_task_points
from projects.services.points import most_by_column
from projects.services.pointtable import Entered, RowWish, enter_table
from projects.views.access import StaffPage, open_staff_page

# So many rows are sent at once: with forty tasks no browser sends more fields than the server reads.
_ROWS = 100


class TaskPointsFileForm(TableForm):
    """Points for tasks in a table, with a reason where published ones change."""

    reason = forms.CharField(
        label=gettext_lazy("Reason, if published points change"),
        required=False,
        max_length=300,
        help_text=gettext_lazy("The teams read it."),
    )


def _open(request: HttpRequest, slug: str, pk: int) -> StaffPage:
    return open_staff_page(request, slug, pk)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def points(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Show everyone's points, save what was typed row by row, and publish what is complete."""
    page = _open(request, slug, pk)
    if is_wanted(request.POST):
        return _publish(request, page)
    if request.method == "POST":
        return _filter(request, page) if _asks_for_others(request) else _save(request, page)
    rows = points_rows(page.assignment)
    kind = request.GET.get("format", "")
    if kind in (CSV, XLSX):
        return _table(page, rows, kind)
    return _show(request, page, rows)


def _named(key: str, task: int | None) -> str:
    return f"{key}-{task or 'sum'}"


def _key_in(sent: QueryDict, row: PointsRow, most: Iterable[int | None]) -> str:
    """Return by which key a form speaks of a row: by that of a member, where the team was made after it was shown."""
    keys = (row.key, *(f"p{member.pk}" for member in row.members))
    return next((key for key in keys if any(_named(key, task) in sent for task in most)), row.key)


def _shown(row: PointsRow, most: Iterable[int | None]) -> str:
    """Return what the fields of a row show, as the page sends it back beside what is typed."""
    return "|".join(say_mark(row.mark_for(task)) for task in most)


def _is_untouched(sent: QueryDict, key: str, names: Iterable[str]) -> bool:
    """Return whether the fields of a row were sent as they were shown: then it is none of what is to be saved."""
    return sent.get(f"{key}-shown") == "|".join(str(sent[name]).strip() for name in names)


def _asks_for_others(request: HttpRequest) -> bool:
    """Return whether the filter was used: by its buttons, or by Enter in its field, which saves where nothing is asked anew."""
    if "enter" in request.POST:
        return WantedRows.asked_by(request.POST) != WantedRows.asked_by(request.GET)
    return "filter" in request.POST


def _filter(request: HttpRequest, page: StaffPage) -> HttpResponse:
    """Show the rows that are asked for; what was typed and is not saved comes along, whatever is asked for."""
    asked = WantedRows.asked_by(request.POST if request.POST.get("filter") != "all" else QueryDict())
    here = f"{request.path}?{asked.query}" if asked.is_set else request.path
    rows, most = points_rows(page.assignment), most_by_column(page.assignment)
    typed = set()
    for row in rows:
        key = _key_in(request.POST, row, most)
        names = [name for task in most if (name := _named(key, task)) in request.POST]
        if names and not _is_untouched(request.POST, key, names):
            typed.add(row.key)
    if not typed:
        return redirect(here)
    reason = clean_line(request.POST.get("reason", ""))[:300]
    return _show(request, page, rows, typed=typed, asked=asked, here=here, reason=reason)


def _save(request: HttpRequest, page: StaffPage) -> HttpResponse:
    """Save the rows that are right, and show the others again with what is wrong with them."""
    rows, most = points_rows(page.assignment), most_by_column(page.assignment)
    wishes: dict[str, RowWish] = {}
    wrong: dict[str, str] = {}
    for line, row in enumerate(rows, 1):
        key = _key_in(request.POST, row, most)
        named = {task: _named(key, task) for task in most if _named(key, task) in request.POST}
        is_for_newest = f"{key}-newest" in request.POST
        if not is_for_newest and _is_untouched(request.POST, key, named.values()):
            continue
        given: dict[int | None, Mark | None] = {}
        for task, name in named.items():
            try:
                text = request.POST[name].strip()
                given[task] = read_mark(text, most=most[task]) if text else None
            except RuleViolation as violation:
                wrong[name] = str(violation.message)
        if named and not any(name in wrong for name in named.values()):
            wishes[row.key] = RowWish(given, line, request.POST.get(f"{key}-seen"), is_for_newest)
    reason = clean_line(request.POST.get("reason", ""))[:300]
    entered = enter_table(
        assignment=page.assignment, wishes=wishes, by=page.user, now=page.access.now, reason=reason
    )  # fmt: skip
    is_overtaken = False
    if entered.changes:
        count = len(entered.changes)
        said = ngettext("%(count)d row is saved.", "%(count)d rows are saved.", count) % {"count": count}
        if entered.made is not None and entered.is_told:
            say_corrected(
                request, entered.made, course=page.course, title=f"{page.assignment.title}: {said.rstrip('.')}",
                back=request.get_full_path(), by=page.user, now=page.access.now,
            )  # fmt: skip
        else:
            messages.success(request, with_undo(said, page.course.slug))
        _warn_of_nothing(request, page, entered)
        is_overtaken = _say_overtaken(request, page)
    elif not wrong and not entered.problems and "publish" not in request.POST:
        messages.info(request, _("Nothing was changed."))
    if wrong or entered.problems:
        return _show(request, page, points_rows(page.assignment), wrong=wrong, problems=entered.problems, reason=reason)
    # What was to be published and is not any more is offered again as it stands now.
    is_offered = is_overtaken or "publish" in request.POST
    return _publish(request, page) if is_offered else redirect(request.get_full_path())


def _warn_of_nothing(request: HttpRequest, page: StaffPage, entered: Entered) -> None:
    """Say which of the saved rows have a result for nothing that counts."""
    marks = {change.row.key: change.after.values() for change in entered.changes}
    if warning := said_of_nothing(page.assignment, [change.row for change in entered.changes], marks):
        messages.warning(request, warning)


def _say_overtaken(request: HttpRequest, page: StaffPage) -> bool:
    """Say which publications of this assignment don't happen, as points changed since they were asked for; return if any."""
    teams = Project.objects.filter(assignment=page.assignment).values_list("pk", flat=True)
    refused = refuse_overtaken(teams, course=page.course, by=page.user, now=page.access.now)
    say_overtaken(request, refused)
    return bool(refused)


def _publish(request: HttpRequest, page: StaffPage) -> HttpResponse:
    """Show who will be told, then publish the points of all who have some for every task."""
    rows = points_rows(page.assignment)
    complete = [row for row in rows if row.is_draft]
    preview = preview_of(request.POST, [(row.key, version_of(row.assessment)) for row in complete])
    if preview.is_agreed:
        teams = [row.project for row in complete if row.project is not None]
        back = request.get_full_path()
        wanted = publication_of(teams, course=page.course, back=back)
        if wanted is not None:
            hold_publication(request, wanted, by=page.user, now=page.access.now, at_desk=False)
        return redirect(back)
    tasks = most_by_column(page.assignment)
    marks = {row.key: [row.mark_for(task) for task in tasks] for row in complete}
    warning = said_of_nothing(page.assignment, complete, marks)
    return _show(request, page, rows, preview=preview, complete=complete, warning=warning)


@dataclass(frozen=True)
class _ShownTable:
    """Rows as the page shows them, with what was typed into those that come back.

    Attributes:
        sent: what was typed; empty where nothing was.
        most: the points to be had, by column.
        labels: of the columns.
        wrong: what is wrong with a field, by its name.
        problems: why a row is not saved, by its key.
        states: what each row's team handed in, as `row_states`.
        typed: the keys of rows into which something was typed that nobody asked to save yet.
        newly: by team, how many percent are deducted of a late attempt that came after its published points.
    """

    sent: QueryDict
    most: Mapping[int | None, Decimal | None]
    labels: Mapping[int | None, str]
    wrong: Mapping[str, str]
    problems: Mapping[str, str]
    states: Mapping[str, RowState]
    newly: Mapping[int, int]
    typed: Collection[str] = ()

    def line(self, row: PointsRow) -> dict[str, Any]:
        """Return what the template shows of a row."""
        return {
            "row": row,
            "fields": self._fields(row),
            "seen": self._known(row, "seen", version_of(row.assessment)),
            "shown": self._known(row, "shown", _shown(row, self.most)),
            "sum": _say_sum(row),
            "problem": self.problems.get(row.key, ""),
            "newly": self.newly.get(row.project.pk, 0) if row.project is not None else 0,
            "is_for_newest": self.comes_back(row) and f"{_key_in(self.sent, row, self.most)}-newest" in self.sent,
            "differing": [self._differing(row, member) for member in row.differing],
            "is_excused": len(row.excused) == len(row.members),
            "state": self.states.get(row.key),
        }

    def _differing(self, row: PointsRow, member: Enrolment) -> str:
        """Say who has something else than the team, and what: the sum of points, or the result."""
        points = row.sum_of(member.pk)
        mark = points[1] if points is not None else next((row.mark_of(member.pk, task) for task in self.most), None)
        return f"{member.user}: {say_mark(mark)}"

    def comes_back(self, row: PointsRow) -> bool:
        """Return whether what was typed into a row is not saved: it is shown whatever is filtered."""
        return row.key in self.typed or row.key in self.problems or self._is_wrong(row)

    def _is_wrong(self, row: PointsRow) -> bool:
        key = _key_in(self.sent, row, self.most)
        return any(_named(key, task) in self.wrong for task in self.most)

    def _known(self, row: PointsRow, what: str, stands: str) -> str:
        """Return what the reader has seen of a row: what stands, unless the row comes back without a word of that."""
        key = f"{_key_in(self.sent, row, self.most)}-{what}"
        is_as_seen = row.key in self.typed or (self._is_wrong(row) and row.key not in self.problems)
        return self.sent.get(key, stands) if is_as_seen else stands

    def _fields(self, row: PointsRow) -> list[dict[str, Any]]:
        key = _key_in(self.sent, row, self.most)
        is_again = self.comes_back(row)
        return [
            {
                "name": _named(row.key, task),
                "label": f"{self.labels[task]}: {row.label}",
                "value": self.sent.get(_named(key, task), "") if is_again else say_mark(row.mark_for(task)),
                "problem": self.wrong.get(_named(key, task), ""),
            }
            for task in self.most
        ]


def _say_sum(row: PointsRow) -> str:
    """Say a team's points: where some are deducted for being late, what is earned, deducted and counted."""
    points = row.sum_of()
    if points is None:
        return ""
    earned, counted = points
    if not row.late_percent:
        return say_mark(earned)
    return f"{say_mark(earned)} − {say_mark(earned - counted)} = {say_mark(counted)}"


def _newly_deducted(rows: Iterable[PointsRow]) -> dict[int, int]:
    """Return by team the percent of which published points know nothing yet: of what came late after them, if it is more."""
    published = {row.project.pk: row for row in rows if row.project is not None and row.is_published}
    percents = deductions_of({pk: row.project for pk, row in published.items() if row.project is not None})
    return {pk: percent for pk, percent in percents.items() if percent > published[pk].late_percent}


def _show(
    request: HttpRequest,
    page: StaffPage,
    rows: list[PointsRow],
    *,
    wrong: dict[str, str] | None = None,
    problems: dict[str, str] | None = None,
    typed: Collection[str] = (),
    asked: WantedRows | None = None,
    **context: Any,
) -> HttpResponse:
    """Return the page.

    Args:
        request: with what was typed, where something is wrong with it.
        page: of the assignment.
        rows: everyone.
        wrong: what is wrong with a field, by its name.
        problems: why a row is not saved, by its key.
        typed: the keys of rows into which something was typed that is not to be saved yet.
        asked: which rows are wanted; None: as the address says.
        context: more for the template.
    """
    wrong, problems = wrong or {}, problems or {}
    most = most_by_column(page.assignment)
    labels = {task: str(column.label) for task, column in columns_of(page.assignment).items()}
    states = row_states(page.assignment, rows)
    drawn = _ShownTable(request.POST, most, labels, wrong, problems, states, _newly_deducted(rows), typed)
    gives_points = page.assignment.grading == Assignment.Grading.POINTS
    back = {row.key for row in rows if drawn.comes_back(row)}
    number = request.GET.get("page") if asked is None else None
    asked = asked or WantedRows.asked_by(request.GET)
    seen = asked.seen(rows, states, set(most), but=back)
    if typed:
        # On the first of the pages, with all that goes along.
        seen.sort(key=lambda row: row.key not in typed)
    shown = Paginator(seen, _ROWS).get_page(number)
    table = [drawn.line(row) for row in shown]
    waiting = waiting_about((row.project.pk for row in rows if row.project is not None), course=page.course)
    in_waiting = {key for act in waiting for key in act.references["decisions"]}
    context = {"here": request.get_full_path()} | context | page.context
    context |= {
        "table": table,
        "typed": len(typed),
        "is_unsaved": bool(back),
        "asked": asked,
        "choices": asked.choices(rows, states, set(most), gives_points=gives_points),
        "seen": len(seen),
        "total": len(rows),
        "heads": [(labels[task], say_mark(points)) for task, points in most.items()],
        "shown": shown,
        "refused": [entry for entry in table if entry["problem"] or any(field["problem"] for field in entry["fields"])],
        "gives_points": gives_points,
        "waiting": waiting,
        "drafts": sum(row.is_draft and str(row.project and row.project.pk) not in in_waiting for row in rows),
        "is_out": any(row.is_published for row in rows),
    }
    return render(request, "projects/points.html", context, status=422 if wrong or problems else 200)


def _table(page: StaffPage, rows: list[PointsRow], kind: str) -> HttpResponse:
    """Send a table that can be filled in and read again: a line for each person."""
    columns = columns_of(page.assignment)
    header = [
        _("matriculation number"),
        _("e-mail address"),
        _("name"),
        *(str(column.label) for column in columns.values()),
    ]
    is_deducted = any(row.late_percent for row in rows)
    if is_deducted:
        header += [_("deducted for being late"), _("points that count")]
    lines = [
        [
            member.number,
            member.user.email,
            str(member.user),
            *(_cell(row.mark_of(member.pk, task)) for task in columns),
            *(_counted(row, member) if is_deducted else ()),
        ]
        for row in rows
        for member in row.members
    ]
    filename = f"{page.course.slug}-{slugify(page.assignment.title, allow_unicode=True)}"
    return table_response(header, lines, filename=filename, kind=kind)


def _counted(row: PointsRow, member: Enrolment) -> tuple[Decimal | None, Decimal | None]:
    """Return what is deducted of a member's points for being late, and what counts; nothing where none are given."""
    points = row.sum_of(member.pk)
    return (points[0] - points[1], points[1]) if points is not None else (None, None)


def _cell(mark: Mark | None) -> Decimal | str | None:
    """Return a mark as a table has it: a number, or a word."""
    return mark if mark is None or isinstance(mark, Decimal) else say_mark(mark)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def points_import(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Show what a table would change, then change it."""
    page = _open(request, slug, pk)
    shelf = Shelf(page.user.pk, f"projects.points:{pk}", page.access.now)
    form = TaskPointsFileForm(request.POST or None, request.FILES or None, shelf=shelf)

    def run(upload: Upload, *, dry_run: bool, expected: str) -> Plan:
        return import_task_points(
            assignment=page.assignment, upload=upload, by=page.user,
            reason=form.cleaned_data.get("reason", ""), now=page.access.now, dry_run=dry_run, expected=expected,
        )  # fmt: skip

    wanted = [str(meaning.label) for meaning in (PEOPLE[0], *columns_of(page.assignment).values())]
    place = ImportPage(
        template="projects/points_import.html", slug=slug, back=reverse("projects:points", args=[slug, pk]),
        said=lambda count: ngettext("%(count)d row is imported.", "%(count)d rows are imported.", count) % {"count": count},
        context=page.context | {"wanted": wanted},
    )  # fmt: skip
    answer = show_or_import(request, form, run, place)
    if isinstance(answer, HttpResponseRedirect):
        _say_overtaken(request, page)
    return answer
