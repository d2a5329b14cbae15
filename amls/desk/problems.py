"""What is to be mended in a form of the desk, by name, wherever its field stands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

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
    """

    text: str
    label: str = ""
    anchor: str = ""
    place: str = ""


def problems_of(form: BaseForm, inlines: Iterable[Any]) -> list[FormProblem]:
    """Return the problems of a form and of the rows that belong to it, as Django's admin wraps them."""
    problems = list(_of_form(form))
    for inline in inlines:
        problems += [FormProblem(str(text)) for text in inline.formset.non_form_errors()]
        for number, row in enumerate(inline.formset.forms, start=1):
            problems += _of_form(row, f"{capfirst(inline.opts.verbose_name)} {number}")
    return problems


def _of_form(form: BaseForm, place: str = "") -> Iterator[FormProblem]:
    for name, texts in form.errors.items():
        for text in texts:
            meant = name if name in form.fields else _meant(form, str(text))
            if not meant:
                yield FormProblem(str(text), place=place)
                continue
            field = form[meant]
            yield FormProblem(str(text), capfirst(str(field.label)), field.id_for_label or field.auto_id, place)


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
