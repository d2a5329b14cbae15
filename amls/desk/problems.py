"""What is to be mended in a form of the desk, by name, wherever its field stands, and at its field."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS
from django.forms import BaseForm
from django.forms.models import BaseModelForm
from django.utils.text import capfirst


@dataclass(frozen=True, slots=True)
class FormProblem:
    """One thing to mend.

    Attributes:
        text: what is wrong.
        label: of the field; empty where it is the form's as a whole.
        anchor: the field's id in the page.
        place: of which row it is, where the form has rows.
        tab: the prefix of the rows that have a tab of their own; empty where it stands in the first tab.
    """

    text: str
    label: str = ""
    anchor: str = ""
    place: str = ""
    tab: str = ""


def problems_of(form: BaseForm, inlines: Iterable[Any]) -> list[FormProblem]:
    """Return the problems of a form and of the rows that belong to it, as Django's admin wraps them.

    What is wrong with a row as a whole is moved to the field that it is about, so that it is shown there, and each of the
    `inlines` gets the number of its problems as `error_count`.
    """
    problems = list(_of_form(form))
    for inline in inlines:
        texts = [FormProblem(str(text)) for text in inline.formset.non_form_errors()]
        for number, row in enumerate(inline.formset.forms, start=1):
            texts += _of_form(row, f"{capfirst(inline.opts.verbose_name)} {number}")
        tab = inline.formset.prefix if inline.opts.tab else ""
        problems += [replace(problem, tab=tab) for problem in texts]
        inline.error_count = len(texts)
    return problems


def problems_in_list(formset: Any) -> list[FormProblem]:
    """Return the problems of the rows that are edited in a list, each moved to the field that it is about."""
    problems = [FormProblem(str(text)) for text in formset.non_form_errors()]
    for row in formset.forms:
        problems += _of_form(row, str(row.instance))
    return problems


def _of_form(form: BaseForm, place: str = "") -> Iterator[FormProblem]:
    _move_to_fields(form)
    for name, texts in form.errors.items():
        for text in texts:
            if name not in form.fields:
                yield FormProblem(str(text), place=place)
                continue
            field = form[name]
            yield FormProblem(str(text), capfirst(str(field.label)), field.id_for_label or field.auto_id, place)


def _move_to_fields(form: BaseForm) -> None:
    """Let what is wrong with the row as a whole stand at the field that it is about, where there is one."""
    general = form.errors.pop(NON_FIELD_ERRORS, None)
    for error in general.as_data() if general is not None else ():
        form.add_error(_meant(form, error.messages[0]) or None, error)


def _meant(form: BaseForm, text: str) -> str:
    """Return the field to look at where a constraint of the row is broken: the last of those that it is about."""
    if not isinstance(form, BaseModelForm):
        return ""
    for constraint in form.instance._meta.constraints:  # noqa: SLF001 - Django's public name for it
        if str(constraint.get_violation_error_message()) == text:
            condition = getattr(constraint, "condition", None)
            about = {*getattr(constraint, "fields", ()), *getattr(condition, "referenced_base_fields", ())}
            return next((name for name in reversed(form.fields) if name in about), "")
    return ""
