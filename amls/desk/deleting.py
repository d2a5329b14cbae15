"""Deleting at the desk: nobody deletes what a colleague has changed since they were asked, without having seen it.

The question sends along what names the rows as they were shown, in the way of `own_changes.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.http import HttpRequest

from amls.core.meanwhile import CODE
from amls.core.violations import RuleViolation
from amls.desk.own_changes import FIELD, OwnChanges, shown_in


def seen_of(admin: Any, request: HttpRequest, rows: Iterable[Any]) -> str:
    """Return what a question about deleting rows sends along as `FIELD`: what names the values that their forms show.

    Args:
        admin: the rows' class at the desk.
        request: of whoever is asked.
        rows: as they are.
    """
    return " ".join(filter(None, (shown_in(_forms_of(admin, request, row)) for row in rows)))


def refuse_to_delete_unseen(admin: Any, request: HttpRequest, row: Any) -> None:
    """Let nobody delete a row that they were asked about and that was changed since.

    Args:
        admin: its class at the desk.
        request: that deletes; who was not asked about this row is not refused.
        row: as it is, under the lock of its course.

    Raises:
        RuleViolation: with who changed it, and what is there.
    """
    parts = (part.rpartition(":") for part in request.POST.get(FIELD, "").split())
    seen = {name: named for name, _colon, named in parts if name.startswith(f"{_prefix_of(row)}-")}
    if not seen:
        return
    for form in _forms_of(admin, request, row):
        stands = form.shown()
        names = {form[name].html_name: name for name in form.fields}
        changed = [names[shown] for shown, named in stands.items() if seen.get(shown) != named]
        if changed:
            raise RuleViolation(f"{form.changed_row}: {form.said_changed(changed)}", code=CODE)


def _forms_of(admin: Any, request: HttpRequest, row: Any) -> Iterator[OwnChanges]:
    """Yield the form of a row, and those of what stands in it."""
    prefix = _prefix_of(row)
    # Forms may fill in their row.
    own = type(row)._base_manager.get(pk=row.pk)  # noqa: SLF001 - Django's documented name for it
    forms = [admin.get_form(request, row, change=True)(instance=own, prefix=prefix)]
    for number, (formset, inline) in enumerate(admin.get_formsets_with_inlines(request, row)):
        within = formset(instance=row, prefix=f"{prefix}-{number}", queryset=inline.get_queryset(request))
        for form in within.initial_forms:
            # A row is told by its key: another one may stand in its place by now.
            form.prefix = f"{prefix}-{number}-{form.instance.pk}"
            forms.append(form)
    yield from (form for form in forms if isinstance(form, OwnChanges))


def _prefix_of(row: Any) -> str:
    return f"gone-{row.pk}"
