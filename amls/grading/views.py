"""The lists that the staff of a course keep: attendance, presentations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods

from amls.core.meanwhile import CODE, is_own_change
from amls.core.preview import Preview, preview_of
from amls.core.violations import RuleViolation, add_violation
from amls.courses.access import Access, open_course_as_manager
from amls.courses.accounts import user_of
from amls.courses.models import Enrolment
from amls.files.shelf import Shelf
from amls.files.tables.forms import TableForm
from amls.files.tables.imports import with_undo
from amls.files.tables.pages import ImportPage, show_or_import
from amls.files.tables.plan import Plan
from amls.files.tables.table import Upload
from amls.grading.facts import names_in_rules
from amls.grading.models import MOST_OCCASIONS, Roll, RollEntry
from amls.grading.rollfile import import_entries
from amls.grading.services import Count, delete_roll, enter, keep_roll, values_of_roll


class RollForm(forms.Form):
    """What a list is called, and how many occasions it has."""

    title = forms.CharField(label=gettext_lazy("Title"), max_length=100, help_text=gettext_lazy("Such as 'Tutorial'."))
    planned = forms.IntegerField(
        label=gettext_lazy("Occasions in all"),
        required=False,
        min_value=1,
        max_value=MOST_OCCASIONS,
        help_text=gettext_lazy("Empty: nobody knows, as with presentations."),
    )
    held = forms.IntegerField(
        label=gettext_lazy("Occasions so far"), required=False, min_value=0, max_value=MOST_OCCASIONS,
        help_text=gettext_lazy("By this each student reads whether it can still be reached."),
    )  # fmt: skip

    def values(self) -> dict[str, Any]:
        """Return what `keep_roll` takes."""
        data = self.cleaned_data
        return {"title": data["title"], "planned": data["planned"], "held": data["held"] or 0}


class EntriesForm(forms.Form):
    """How often people were there, each sent with what the page showed. Whom it did not ask about is left alone."""

    def __init__(self, data: Any, *, people: list[Enrolment]) -> None:
        super().__init__(data)
        self.asked = [person.pk for person in people if f"entered-{person.pk}" in data]
        for pk in self.asked:
            for name in ("entered", "excused"):
                self.fields[f"{name}-{pk}"] = forms.IntegerField(required=False, min_value=0, max_value=MOST_OCCASIONS)

    def counts(self) -> dict[int, Count]:
        """Return what was typed, by enrolment."""
        return {pk: self.count_of(pk) for pk in self.asked}

    def count_of(self, pk: int) -> Count:
        """Return what was typed for a person, where nothing is wrong with it."""
        return Count(self.cleaned_data[f"entered-{pk}"] or 0, self.cleaned_data[f"excused-{pk}"] or 0)

    def seen(self) -> dict[int, str]:
        """Return what named the counts that the page showed, by enrolment."""
        return {pk: self.data[f"seen-{pk}"] for pk in self.asked if f"seen-{pk}" in self.data}

    def problems_of(self, pk: int) -> list[str]:
        """Return what is wrong with the counts of a person."""
        fields = (f"entered-{pk}", f"excused-{pk}")
        return [str(problem) for field in fields for problem in self.errors.get(field, ())]


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def rolls(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the lists of a course, and make a new one."""
    access = open_course_as_manager(request, slug)
    form = RollForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = keep_roll(course=access.course, now=access.now, **form.values())
            return redirect("grading:roll", slug, made.pk)
        except RuleViolation as violation:
            form.add_error(None, str(violation.message))
    context = {
        "access": access,
        "course": access.course,
        "rolls": Roll.objects.filter(course=access.course),
        "form": form,
    }
    return render(request, "grading/rolls.html", context, status=422 if form.errors else 200)


@dataclass
class _RollPage:
    """A list as it is shown, and what came of what was sent.

    Attributes:
        access: to the course.
        listed: the list.
        people: whom it is about.
        is_in_rule: whether an admission asks for it.
        form: what it is called, with what is wrong.
        seen: what the sender of the form has seen, by field.
        entries: what was typed for people.
        preview: of the deletion that was asked for.
        problem: why what was sent is not saved.
    """

    access: Access
    listed: Roll
    people: list[Enrolment]
    is_in_rule: bool
    form: RollForm
    seen: dict[str, str]
    entries: EntriesForm | None = None
    preview: Preview | None = None
    problem: str = ""

    def context(self) -> dict[str, Any]:
        """Return what the template shows."""
        standing = {entry.enrolment_id: entry for entry in RollEntry.objects.filter(roll=self.listed)}
        return {
            "access": self.access,
            "course": self.access.course,
            "roll": self.listed,
            "form": self.form,
            "problem": self.problem,
            "seen": self.seen,
            "is_in_rule": self.is_in_rule,
            "preview": self.preview,
            "lost": [entry for entry in standing.values() if entry.entered or entry.excused],
            "rows": [_row(person, standing.get(person.pk), self.entries) for person in self.people],
        }


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def roll(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Show a list with everyone's entries; write them down, change the list, or delete it."""
    access = open_course_as_manager(request, slug)
    listed = get_object_or_404(Roll, pk=pk, course=access.course)
    people = Enrolment.objects.students().filter(course=access.course).select_related("user")
    page = _RollPage(
        access,
        listed,
        list(people.order_by("user__sort_name", "pk")),
        is_in_rule=names_in_rules(access.course, roll=pk),
        form=RollForm(initial={"title": listed.title, "planned": listed.planned, "held": listed.held}),
        seen=values_of_roll(listed),
    )
    if request.method == "POST":
        act = _delete if "delete" in request.POST else _change if "change" in request.POST else _enter
        try:
            answer = act(request, page)
        except RuleViolation as violation:
            answer, page.problem = None, str(violation.message)
        if answer is not None:
            return answer
    is_refused = page.problem or page.form.errors
    return render(request, "grading/roll.html", page.context(), status=422 if is_refused else 200)


def _delete(request: HttpRequest, page: _RollPage) -> HttpResponse | None:
    """Delete the list; show first what goes with it."""
    course, pk = page.access.course, page.listed.pk
    there = RollEntry.objects.filter(roll=page.listed).order_by("pk").values_list("pk", "entered", "excused")
    page.preview = preview_of(request.POST, [*there, page.is_in_rule])
    if not page.preview.is_agreed:
        return None
    kept = delete_roll(course=course, roll_pk=pk, by=user_of(request), now=page.access.now)
    said = _("The list is deleted.")
    messages.success(request, with_undo(said, course.slug) if kept is not None else said)
    return redirect("grading:rolls", course.slug)


def _change(request: HttpRequest, page: _RollPage) -> HttpResponse | None:
    """Change what the list is called and how many occasions it has; what is refused stands in the page's form."""
    listed = page.listed
    form, stands = RollForm(request.POST), values_of_roll(listed)
    sent = {name: request.POST[f"seen-{name}"] for name in stands if f"seen-{name}" in request.POST}
    page.form, page.seen = form, stands | sent
    if not form.is_valid():
        return None
    try:
        keep_roll(course=listed.course, roll_pk=listed.pk, now=page.access.now, **form.values(), seen=sent)
    except RuleViolation as violation:
        add_violation(form, violation)
        listed.refresh_from_db()
        if violation.code == CODE and violation.field:
            # Only who was told what is there by now has seen it.
            page.seen[violation.field] = values_of_roll(listed)[violation.field]
        return None
    messages.success(request, _("Saved."))
    return redirect("grading:roll", page.access.course.slug, listed.pk)


def _enter(request: HttpRequest, page: _RollPage) -> HttpResponse | None:
    """Write down how often people were there; what is refused stands in their rows."""
    page.entries = entries = EntriesForm(request.POST, people=page.people)
    if not entries.is_valid():
        page.problem = _("Give whole numbers from 0 to %(most)d.") % {"most": MOST_OCCASIONS}
        return None
    changes, overtaken = enter(
        roll_pk=page.listed.pk,
        counts=entries.counts(),
        by=user_of(request),
        now=page.access.now,
        seen=entries.seen(),
    )
    count = len(changes)
    said = ngettext("Changed for %(count)d person.", "Changed for %(count)d people.", count)
    if count or not overtaken:
        messages.success(request, said % {"count": count})
    if overtaken:
        page.problem = _refuse(entries, overtaken)
        return None
    return redirect("grading:roll", page.access.course.slug, page.listed.pk)


def _refuse(entries: EntriesForm, overtaken: Mapping[int, RuleViolation]) -> str:
    """Say in the rows of people what is not saved, as somebody else changed it meanwhile; return it in a sentence."""
    for pk, violation in overtaken.items():
        entries.add_error(f"entered-{pk}", ValidationError(str(violation.message), code=violation.code))
    count = len(overtaken)
    said = ngettext(
        "The row of %(count)d person is not saved, as somebody else changed it meanwhile.",
        "The rows of %(count)d people are not saved, as somebody else changed them meanwhile.",
        count,
    )
    return said % {"count": count}


def _row(person: Enrolment, entry: RollEntry | None, typed: EntriesForm | None) -> dict[str, Any]:
    """Return a person's row: with what was typed into it where that is not kept, or else with what stands."""
    stands = Count(entry.entered, entry.excused) if entry is not None else Count()
    row: dict[str, Any] = {
        "person": person,
        "entered": stands.entered or "",
        "excused": stands.excused or "",
        "seen": stands.name,
        "problems": [],
    }
    if typed is None or person.pk not in typed.asked:
        return row
    problems, seen = typed.problems_of(person.pk), typed.seen().get(person.pk)
    if not problems and not is_own_change(typed.count_of(person.pk).name, stands=stands.name, seen=seen):
        return row
    if seen is not None and not typed.has_error(f"entered-{person.pk}", CODE):
        row["seen"] = seen
    return (
        row
        | {name: typed.data.get(f"{name}-{person.pk}", "") for name in ("entered", "excused")}
        | {"problems": problems}
    )


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def roll_import(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Show what a table would enter, then enter it."""
    access = open_course_as_manager(request, slug)
    listed = get_object_or_404(Roll, pk=pk, course=access.course)
    by = user_of(request)
    shelf = Shelf(by.pk, f"grading.entries:{pk}", access.now)
    form = TableForm(request.POST or None, request.FILES or None, shelf=shelf)

    def run(upload: Upload, *, dry_run: bool, expected: str) -> Plan:
        return import_entries(
            roll_pk=pk, upload=upload, by=by, now=access.now,
            dry_run=dry_run, expected=expected,
        )  # fmt: skip

    page = ImportPage(
        template="grading/roll_import.html", slug=slug, back=reverse("grading:roll", args=[slug, pk]),
        said=lambda count: ngettext("Changed for %(count)d person.", "Changed for %(count)d people.", count) % {"count": count},
        context={"access": access, "course": access.course, "roll": listed},
    )  # fmt: skip
    return show_or_import(request, form, run, page)
