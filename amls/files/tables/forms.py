"""The form of every import: a file, what is chosen about it, and the file kept while its preview is looked at."""

from dataclasses import dataclass
from typing import Any, Protocol

from django import forms
from django.core.exceptions import ValidationError
from django.utils.functional import lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from amls.core.preview import SEAL, Preview, is_wanted, preview_of
from amls.core.sizes import say_size
from amls.core.violations import RuleViolation
from amls.files.checks import file_bounds, too_large
from amls.files.models import KeptUpload
from amls.files.shelf import Shelf, opened
from amls.files.tables.encodings import LABELS
from amls.files.tables.meanings import label_of
from amls.files.tables.plan import Plan
from amls.files.tables.table import MAX_BYTES, HowToRead, Table, Upload

_COLUMN = "column-"
_FIRST_ROWS = 5


def _help() -> str:
    return _("CSV or XLSX, at most %(limit)s.") % {"limit": say_size(MAX_BYTES)}


class TableForm(forms.Form):
    """A table to import: chosen, shown as understood, and then imported as it was shown.

    Between the two the file waits on the server, so that what is imported is what was shown.

    Args:
        shelf: where it waits: of one person, and for what the file is meant, such as an exam. A file that was
            shown for another one, or to another person, is refused. A form that is only shown needs none.
    """

    file = forms.FileField(
        label=gettext_lazy("Table"),
        error_messages={"required": gettext_lazy("Choose a file first.")},
        help_text=lazy(_help, str)(),
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,.xlsx,.txt,.tsv,text/csv"}),
    )
    kept = forms.CharField(required=False, widget=forms.HiddenInput)
    encoding = forms.ChoiceField(required=False, choices=[("", ""), *LABELS.items()])

    def __init__(self, *args: Any, shelf: Shelf | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["file"].widget.attrs.update(file_bounds(MAX_BYTES))
        self.shelf = shelf
        self.kept_file: KeptUpload | None = None
        self.fields["file"].required = not self.data.get("kept")

    @property
    def is_agreed(self) -> bool:
        """Whether what was shown is to be imported."""
        return is_wanted(self.data) and not self.files.get("file")

    def clean(self) -> dict[str, Any]:
        """Bound the size of the file, or open the one that was kept."""
        data = super().clean() or {}
        file = data.get("file")
        if file is not None:
            if file.size > MAX_BYTES:
                raise ValidationError({"file": str(too_large(file.name or "", file.size, MAX_BYTES).message)})
            # Another file is another table: what was chosen for the last one says nothing about it.
            data["upload"] = Upload(file.read(), file.name or "")
        elif data.get("kept"):
            data["upload"] = self._find(data["kept"], data.get("encoding", ""))
        return data

    def _find(self, token: str, encoding: str) -> Upload:
        kept = self.shelf.find([token]) if self.shelf is not None else []
        if not kept:
            raise ValidationError({"file": _("Choose the file again.")})
        self.kept_file = kept[0]
        with opened(kept) as files:
            return Upload(files[0].read(), kept[0].filename, HowToRead(encoding, self._columns()))

    def _columns(self) -> dict[str, int]:
        chosen = {}
        for name, value in self.data.items():
            text = str(value)
            if name.startswith(_COLUMN) and (text == "-1" or (text.isascii() and text.isdecimal() and len(text) < 4)):
                chosen[name.removeprefix(_COLUMN)] = int(text)
        return chosen

    @property
    def upload(self) -> Upload:
        """The table that was sent; after `is_valid()`."""
        upload: Upload = self.cleaned_data["upload"]
        return upload

    def keep(self) -> None:
        """Keep the file for the next try, so that `kept_file` names it; one that was found wrong itself is not kept.

        As long as one is kept, the form asks for none.
        """
        file = self.files.get("file")
        if self.kept_file is None and self.shelf is not None and file is not None and "file" not in self.errors:
            self.kept_file = self.shelf.keep(file)
        self.fields["file"].required = self.kept_file is None

    def drop(self) -> None:
        """Delete what was kept, for it was imported."""
        if self.kept_file is not None and self.shelf is not None:
            rest = [file for file in self.shelf.all() if file.pk != self.kept_file.pk]
            self.shelf.drop(but=rest)


@dataclass(frozen=True, slots=True)
class ColumnChoice:
    """A select of the preview: which column means this."""

    name: str
    label: str
    options: list[tuple[str, str, bool]]
    is_asked: bool


def column_choices(table: Table) -> list[ColumnChoice]:
    """Return for each meaning which columns may be chosen; those that must be chosen first."""
    choices = []
    for meaning in table.meanings:
        if not meaning.is_read:
            continue
        is_asked, current = meaning.name in table.questions, table.columns.get(meaning.name)
        options = [("", _("– choose –"), True)] if is_asked else []
        options.append(("-1", _("not in this file"), not is_asked and current is None))
        options += [
            (str(index), heading or _("column %(number)d") % {"number": index + 1}, index == current)
            for index, heading in enumerate(table.heading)
        ]
        label = label_of(meaning.name, table.meanings)
        choices.append(ColumnChoice(f"{_COLUMN}{meaning.name}", label, options, is_asked))
    return sorted(choices, key=lambda choice: not choice.is_asked)


class Run(Protocol):
    """Reads an uploaded table and compares it, or writes what it says."""

    def __call__(self, upload: Upload, *, dry_run: bool, expected: str) -> Plan:
        """Return the plan; with `dry_run`, or where its seal isn't `expected`, nothing is written."""
        ...


@dataclass(frozen=True, slots=True)
class ImportOutcome:
    """What became of the form of a table.

    Attributes:
        plan: None where the form is wrong or the file no table.
        preview: for `files/_table.html`; None where there is nothing to show.
        is_done: whether it was imported.
        status: of the answer that shows it.
    """

    plan: Plan | None = None
    preview: dict[str, Any] | None = None
    is_done: bool = False
    status: int = 200


def preview_or_apply(form: TableForm, run: Run) -> ImportOutcome:
    """Show what the table of a form would change; where that was shown and agreed to, do exactly that.

    What changed meanwhile is shown again. A violation of a rule becomes an error of the form.
    """
    if not form.is_valid():
        form.keep()
        return ImportOutcome(status=422)
    expected = str(form.data.get(SEAL) or "nothing was shown")
    try:
        plan = run(form.upload, dry_run=not form.is_agreed, expected=expected)
    except RuleViolation as violation:
        if violation.field != "file":
            form.keep()
        form.add_error("file", str(violation.message))
        return ImportOutcome(status=422)
    preview = preview_of(form.data, plan.shown)
    if form.is_agreed and preview.is_agreed and plan.can_be_done:
        form.drop()
        return ImportOutcome(plan, is_done=True)
    is_wrong = not plan.table.is_clear or bool(plan.problems)
    return ImportOutcome(plan, _preview(form, plan, preview), status=422 if is_wrong else 200)


def _preview(form: TableForm, plan: Plan, preview: Preview) -> dict[str, Any]:
    table = plan.table
    form.keep()
    columns = [
        name for name in sorted(table.columns, key=lambda name: table.columns[name])
        if next(meaning.is_read for meaning in table.meanings if meaning.name == name)
    ]  # fmt: skip
    choices = column_choices(table)
    return {
        "plan": plan,
        "table": table,
        "labels": [label_of(name, table.meanings) for name in columns],
        "first_rows": [(row.line, [row[name] for name in columns]) for row in table.rows[:_FIRST_ROWS]],
        "asked": [choice for choice in choices if choice.is_asked],
        "other_choices": [choice for choice in choices if not choice.is_asked],
        "kept": str(form.kept_file.token) if form.kept_file is not None else "",
        "seal": preview.seal,
        "is_other": form.is_agreed and preview.is_other,
        "filename": form.upload.filename,
    }
