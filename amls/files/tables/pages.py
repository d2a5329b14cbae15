"""The page on which a table is read: it shows what the table would change, then changes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from amls.files.tables.forms import ImportOutcome, Run, TableForm, preview_or_apply
from amls.files.tables.imports import with_undo


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportPage:
    """Where a table is read.

    Attributes:
        template: extends `files/table_import.html`.
        slug: of the course, whose imports can be undone.
        back: address of the page from which the form comes.
        said: tells how many lines were imported.
        context: what the template shows beside the table.
    """

    template: str
    slug: str
    back: str
    said: Callable[[int], str]
    context: Mapping[str, Any] = field(default_factory=dict)


def show_or_import(request: HttpRequest, form: TableForm, run: Run, page: ImportPage) -> HttpResponse:
    """Answer the form of a table: with what it would change, or with the page before it once it is imported.

    Args:
        request: with the form.
        form: bound.
        run: reads the table and compares, or writes.
        page: the page.
    """
    outcome = preview_or_apply(form, run) if request.method == "POST" else ImportOutcome()
    plan = outcome.plan
    if outcome.is_done and plan is not None:
        text = page.said(len(plan.lines))
        messages.success(request, text if plan.is_replacement else with_undo(text, page.slug))
        return redirect(page.back)
    context = {**page.context, "form": form, "preview": outcome.preview, "plan": plan, "back": page.back}
    return render(request, page.template, context, status=outcome.status)
