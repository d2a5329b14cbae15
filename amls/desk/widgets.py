"""Fields of the desk's forms, which say whose they are wherever they stand."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db import models
from django.http import HttpRequest
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from unfold.widgets import UnfoldAdminSplitDateTimeWidget


class DateAndTime(UnfoldAdminSplitDateTimeWidget):  # type: ignore[misc]
    """A date and a time beside each other, named after their field: its label is given as `aria-label`."""

    # What describes the field is said of both.
    use_fieldset = False

    def id_for_label(self, id_: str) -> str:
        """Return the id of the date, to which the field's label and what is wrong lead."""
        return f"{id_}_0" if id_ else ""

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        """Name both by the field and by what they are."""
        context: dict[str, Any] = super().get_context(name, value, attrs)
        date, time = (part["attrs"] for part in context["widget"]["subwidgets"])
        label = context["widget"]["attrs"].get("aria-label", "")
        date["aria-label"] = f"{label}: {_('Date')}" if label else _("Date")
        time["aria-label"] = f"{label}: {_('Time')}" if label else _("Time")
        return context


class NamesDates:
    """An admin class whose dates say to which field they belong; to be named before the admin class."""

    formfield_overrides = {models.DateTimeField: {"form_class": forms.SplitDateTimeField, "widget": DateAndTime}}

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Give the field's label to its date and time."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)  # type: ignore[misc]
        if field is not None and isinstance(field.widget, DateAndTime):
            field.widget.attrs["aria-label"] = capfirst(field.label)
        return field


def named_in_tables(formset: Any) -> Any:
    """Name the fields of a class of forms whose labels stand in the head of a table, and return it."""
    for field in formset.form.base_fields.values():
        field.widget.attrs.setdefault("aria-label", capfirst(field.label))
    return formset
