"""What a form of the desk writes: what its sender changed, and nothing over what somebody else saved since it was shown.

A page sends one field along, `FIELD`: what names each value that its fields showed (`shown_in`). What is sent as it was
shown stays as it is by now; what both changed is refused at its field, with who it was and what is there
(`amls/core/meanwhile.py`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.forms.formsets import DELETION_FIELD_NAME

from amls.core.meanwhile import CODE, changed_meanwhile, exactly, own_changes
from amls.core.text import clean_text
from amls.desk.history import last_change

FIELD = "_seen"
_LETTERS = 6


class _FieldAsItStands(forms.BoundField):
    """A field that shows what stands where it was sent as it had been shown, and what was typed elsewhere."""

    form: OwnChangesForm

    @property
    def data(self) -> Any:
        """What counts as sent."""
        if self.name not in self.form.left:
            return super().data
        widget = self.field.widget
        return widget.decompress(self.initial) if isinstance(widget, forms.MultiWidget) else self.initial


class OwnChangesForm(forms.ModelForm):  # type: ignore[type-arg]
    """A form of a row, new or changed. A page that sends no `FIELD` showed nothing, and is not asked about it.

    Attributes:
        left: the fields that were sent as they were shown, and that somebody else changed since.
    """

    bound_field_class = _FieldAsItStands

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.left = frozenset[str]()
        super().__init__(*args, **kwargs)

    def shown(self) -> dict[str, str]:
        """Return what names the values that the fields show, by their names in the page: of a row that is there."""
        return {self[name].html_name: self._shown(name) for name in self._asked} if self.instance.pk else {}

    @cached_property
    def _asked(self) -> list[str]:
        # A field for a file shows none.
        return [
            name
            for name, field in self.fields.items()
            if not (field.widget.is_hidden or isinstance(field, forms.FileField) or name == DELETION_FIELD_NAME)
        ]

    @cached_property
    def _sent(self) -> dict[str, str]:
        """What named the values that the page showed, by field."""
        parts = (part.rpartition(":") for part in self.data.get(FIELD, "").split())
        sent = {name: named for name, _colon, named in parts}
        return {name: sent[self[name].html_name] for name in self._asked if self[name].html_name in sent}

    def _shown(self, name: str) -> str:
        """Return what names the value of a field; who only reads that it can't be as typed has seen nothing new."""
        is_wrong = name in self.errors and not self.has_error(name, CODE)
        return self._sent.get(name, "") if is_wrong and self._sent else _named(self[name].initial)

    def _clean_fields(self) -> None:
        super()._clean_fields()  # type: ignore[misc]
        if not self.instance.pk:
            return
        wanted = {name: self.cleaned_data[name] for name in self._sent if name in self.cleaned_data}
        stands = {name: self[name].initial for name in wanted}
        own, overtaken = own_changes(wanted, stands=stands, seen=self._sent, named=_named)
        self.left = frozenset(
            name for name in wanted if name not in own and _named(wanted[name]) != _named(stands[name])
        )
        self.left -= frozenset(overtaken)
        # A table of forms asks what changed before it has them cleaned.
        self.__dict__.pop("changed_data", None)
        for name in self.left:
            try:
                self.cleaned_data[name] = self.fields[name].clean(self[name].data)
            except ValidationError as error:
                self.add_error(name, error)
        for name in overtaken:
            by, said = last_change(self.instance, name) or (None, _exactly(stands[name]))
            violation = changed_meanwhile(by, said)
            self.add_error(name, ValidationError(str(violation.message), code=violation.code))


def shown_in(rows: Iterable[forms.BaseForm]) -> str:
    """Return what a page sends along as `FIELD` of the forms in it."""
    forms_of_rows = (row for row in rows if isinstance(row, OwnChangesForm))
    return " ".join(f"{name}:{named}" for row in forms_of_rows for name, named in row.shown().items())


def _named(value: object) -> str:
    """Return what names a value, whether a row holds it or a form has cleaned it."""
    return hashlib.sha256(_exactly(value).encode()).hexdigest()[:_LETTERS]


def _exactly(value: object) -> str:
    match value:
        case None:
            return ""
        case Model():
            return str(value.pk)
        case datetime():
            return value.astimezone(UTC).isoformat()
        case Decimal():
            return exactly(value)
        case str():
            return clean_text(value).strip()
        case QuerySet() | list() | tuple():
            return " ".join(sorted(_exactly(part) for part in value))
    return str(value)
