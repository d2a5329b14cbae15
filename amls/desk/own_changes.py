"""What a form of the staff writes: what its sender changed, and nothing over what somebody else saved since it was shown.

A page sends one field along, `FIELD`: what names each value that its fields showed (`shown_in`). What is sent as it was
shown stays as it is by now; what both changed is refused at its field, with who it was and what is there
(`amls/core/meanwhile.py`). Such a form is made and read under the lock of its course, so that what it was compared with is
what it writes over. A field of lines (`LinesForm`) is judged line by line.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.forms.formsets import DELETION_FIELD_NAME
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from amls.core.meanwhile import CODE, changed_meanwhile, exactly, merged_lines, own_changes
from amls.core.text import clean_line, clean_text
from amls.desk.history import last_change

FIELD = "_seen"
_LETTERS = 6
_TWICE = "\n"


class _FieldAsItStands(forms.BoundField):
    """A field that shows what stands where it was sent as it had been shown, and what was typed elsewhere."""

    form: OwnChanges

    @property
    def data(self) -> Any:
        """What counts as sent."""
        if self.name not in self.form.left:
            return super().data
        widget = self.field.widget
        return widget.decompress(self.initial) if isinstance(widget, forms.MultiWidget) else self.initial


class OwnChanges(forms.BaseForm):
    """What a form has that changes what is there. A page that sends no `FIELD` showed nothing, and is not asked about it.

    Attributes:
        left: the fields that were sent as they were shown, and that somebody else changed since.
        column_of: by the name of a field, that of the row's in which its value is kept, where that is another.
    """

    bound_field_class = _FieldAsItStands
    column_of: ClassVar[Mapping[str, str]] = {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.left = frozenset[str]()
        super().__init__(*args, **kwargs)

    @property
    def changed_row(self) -> Model | None:
        """The row that the form changes; None where it makes a new one."""
        raise NotImplementedError

    @property
    def sent_along(self) -> list[tuple[str, str]]:
        """What a page sends along with the form, hidden: names and values."""
        return [(FIELD, shown)] if (shown := shown_in([self])) else []

    def stands_at(self, name: str) -> Any:
        """Return the value that a field shows of what is there, as the form would clean it."""
        return self[name].initial

    def last_change_of(self, name: str) -> tuple[str | None, str]:
        """Return who changed what a field shows, and what is there since, in words."""
        column, row = self.column_of.get(name), self.changed_row
        changed = last_change(row, column or name) if row is not None else None
        if column is None:
            return changed or (None, _exactly(self.stands_at(name)))
        stands = self[name].initial
        # The row says a whole of which the field is a part.
        said = "" if stands is None else str(self[name].field.widget.format_value(stands) or "")
        return (changed[0] if changed is not None else None), said

    def shown(self) -> dict[str, str]:
        """Return what names the values that the fields show, by their names in the page: of a row that is there."""
        if self.changed_row is None:
            return {}
        return {self[name].html_name: self._shown(name) for name in self._asked}

    @property
    def changed_since(self) -> list[str]:
        """The fields whose values are not those that the page showed any more."""
        return [name for name, seen in self._sent.items() if seen != _named(self.stands_at(name))]

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
        return self._sent.get(name, "") if is_wrong and self._sent else _named(self.stands_at(name))

    def _clean_fields(self) -> None:
        super()._clean_fields()  # type: ignore[misc]
        if self.changed_row is None:
            return
        if self.cleaned_data.get(DELETION_FIELD_NAME):
            self._refuse_to_delete_what_was_changed()
            return
        wanted = {name: self.cleaned_data[name] for name in self._sent if name in self.cleaned_data}
        stands = {name: self.stands_at(name) for name in wanted}
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
                if hasattr(self, f"clean_{name}"):
                    self.cleaned_data[name] = getattr(self, f"clean_{name}")()
            except ValidationError as error:
                self.add_error(name, error)
        for name in overtaken:
            violation = changed_meanwhile(*self.last_change_of(name))
            self.add_error(name, ValidationError(str(violation.message), code=violation.code))

    def _refuse_to_delete_what_was_changed(self) -> None:
        """Let nobody delete a row that they have not seen as it is by now."""
        if changed := self.changed_since:
            self.add_error(DELETION_FIELD_NAME, ValidationError(self.said_changed(changed), code=CODE))

    def said_changed(self, names: Iterable[str]) -> str:
        """Return who changed the row meanwhile, what stands there, and how it is deleted nevertheless."""
        changes = {name: self.last_change_of(name) for name in names}
        by = next((by for by, _said in changes.values() if by), None)
        what = ", ".join(f"{capfirst(str(self[name].label))}: {said or '–'}" for name, (_by, said) in changes.items())
        said = _("%(name)s changed this meanwhile (%(what)s). If it is to go nevertheless, say so again.")
        return said % {"name": by or _("Somebody"), "what": what}


class OwnChangesForm(OwnChanges, forms.ModelForm):  # type: ignore[type-arg]
    """A form of a row, new or changed."""

    @property
    def changed_row(self) -> Model | None:
        """The row, once it is there."""
        row: Model = self.instance
        return row if row.pk else None


class LinesForm(OwnChanges, forms.Form):
    """A form with a field of lines, which several may change at once: each line is judged by itself.

    Attributes:
        lines_in: the name of that field.
    """

    lines_in = "lines"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._merged: str | None = None
        super().__init__(*args, **kwargs)

    @property
    def changed_row(self) -> Model | None:
        """The row that has the form's other fields."""
        return None

    def read_line(self, line: str) -> tuple[str, str]:
        """Return what tells a line from the others, and what it says beside."""
        return line, line

    def write_line(self, key: str, value: str) -> str:
        """Return the line that `read_line` would read so."""
        return value

    def who_changed(self, key: str) -> str | None:
        """Return who changed a line last; None where nobody knows."""
        return None

    @property
    def sent_along(self) -> list[tuple[str, str]]:
        """What a page sends along with the form, hidden: names and values."""
        seen = self._seen_lines
        if seen is None or self._merged is not None:
            seen = str(self.initial.get(self.lines_in) or "")
        return [*super().sent_along, (f"{FIELD}-{self.lines_in}", seen)]

    @property
    def _seen_lines(self) -> str | None:
        seen: str | None = self.data.get(f"{FIELD}-{self.lines_in}")
        return seen

    @cached_property
    def _asked(self) -> list[str]:
        return [name for name in super()._asked if name != self.lines_in]

    def _clean_fields(self) -> None:
        super()._clean_fields()
        seen = self._seen_lines
        if seen is None or self.lines_in not in self.cleaned_data:
            return
        stands = self._keyed(str(self.initial.get(self.lines_in) or ""))
        merged = merged_lines(self._keyed(self.cleaned_data[self.lines_in]), stands=stands, seen=self._keyed(seen))
        self._merged = "\n".join(self.write_line(key, value) for key, value in merged.lines.items())
        # Browsers show what the form was sent with.
        self.data = self.data.copy()  # type: ignore[attr-defined]
        self.data[self.add_prefix(self.lines_in)] = self._merged  # type: ignore[index]
        self.cleaned_data[self.lines_in] = self._merged
        for key in merged.overtaken:
            said = self.write_line(key, stands[key]) if stands.get(key) else ""
            text = f"{key.split(_TWICE)[0]}: {changed_meanwhile(self.who_changed(key), said).message}"
            self.add_error(self.lines_in, ValidationError(text, code=CODE))

    def _keyed(self, text: str) -> dict[str, str]:
        keyed: dict[str, str] = {}
        for line in filter(None, map(clean_line, text.splitlines())):
            key, value = self.read_line(line)
            # What stands there twice is for the form to refuse.
            while key in keyed:
                key += _TWICE
            keyed[key] = value
        return keyed


def shown_in(rows: Iterable[forms.BaseForm]) -> str:
    """Return what a page sends along as `FIELD` of the forms in it."""
    forms_of_rows = (row for row in rows if isinstance(row, OwnChanges))
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
