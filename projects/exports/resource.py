"""Tables that come back: each row through a service, all or none, with a report per row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

import tablib
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from import_export import resources
from import_export.instance_loaders import BaseInstanceLoader
from import_export.results import RowResult

from amls.core.violations import RuleViolation
from amls.courses.models import Course, User

# What is changed: the column, what it was, what it becomes.
Change = tuple[str, str, str]


@dataclass
class Line:
    """What one row of a table asks for.

    Attributes:
        subject: what it is about, as the report names it.
        is_new: whether it will be added.
        changes: what becomes different; nothing where the row says what is so already.
    """

    subject: str = ""
    row: Any = None
    values: dict[str, Any] = field(default_factory=dict)
    is_new: bool = False
    changes: list[Change] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Report:
    """What an import would do or did.

    Attributes:
        problems: row numbers as the spreadsheet shows them, and what is wrong there.
        lines: row numbers with what each changes.
        unchanged: how many rows say what is so already.
    """

    problems: list[tuple[int, str]]
    lines: list[tuple[int, Line]]
    unchanged: int


class ServiceResource(resources.Resource):  # type: ignore[misc]
    """A table of a course whose rows go through a service.

    Attributes:
        columns: what the table must have.
        label: what it is called.
    """

    columns: ClassVar[Sequence[str]] = ()

    class Meta:
        import_id_fields: Sequence[str] = ()
        instance_loader_class = BaseInstanceLoader
        skip_diff = True
        report_skipped = True
        use_transactions = True

    def __init__(self, *, course: Course | None = None, by: User | None = None, now: datetime | None = None) -> None:
        super().__init__()
        self._course, self._by, self._now = course, by, now
        self._seen: dict[Any, int] = {}

    @cached_property
    def course(self) -> Course:
        """The course into which it imports."""
        assert self._course is not None  # noqa: S101 - only exports do without
        return self._course

    @cached_property
    def by(self) -> User:
        """Who imports."""
        assert self._by is not None  # noqa: S101 - only exports do without
        return self._by

    @cached_property
    def now(self) -> datetime:
        """The request's clock."""
        assert self._now is not None  # noqa: S101 - only exports do without
        return self._now

    # ── what a table says ──

    def read(self, row: Mapping[str, str]) -> tuple[object, Line]:
        """Return the identity of what a row is about, and what it asks for.

        Raises:
            RuleViolation: it can't be understood.
        """
        raise NotImplementedError

    def write(self, line: Line) -> None:
        """Do what a row asks for, through a service.

        Raises:
            RuleViolation: it may not be.
        """
        raise NotImplementedError

    # ── the library's steps ──

    def get_or_init_instance(self, instance_loader: Any, row: Any) -> tuple[Line, bool]:
        """Read a row."""
        return Line(), True

    def import_instance(self, instance: Line, row: Any, **kwargs: Any) -> None:
        """Understand a row; the same thing twice in a table is a mistake."""
        try:
            key, found = self.read({name: value or "" for name, value in row.items()})
        except RuleViolation as violation:
            raise ValidationError(str(violation.message)) from violation
        if key in self._seen:
            raise ValidationError(_("Row %(row)d speaks of the same already.") % {"row": self._seen[key]})
        self._seen[key] = kwargs["row_number"] + 1
        instance.__dict__.update(found.__dict__)

    def skip_row(self, instance: Line, original: Any, row: Any, import_validation_errors: Any = None) -> bool:
        """Skip what is so already."""
        return not import_validation_errors and not instance.changes and not instance.is_new

    def validate_instance(
        self, instance: Line, import_validation_errors: Any = None, validate_unique: bool = True
    ) -> None:
        """Pass on what reading found."""
        if import_validation_errors:
            raise ValidationError(import_validation_errors)

    def save_instance(self, instance: Line, is_create: bool, row: Any, **kwargs: Any) -> None:
        """Write a row, also for a preview: that is rolled back."""
        try:
            with transaction.atomic():
                self.write(instance)
        except RuleViolation as violation:
            raise ValidationError(str(violation.message)) from violation

    def save_m2m(self, *args: Any, **kwargs: Any) -> None:
        """Nothing hangs on a row."""

    def after_import_row(self, row: Any, row_result: RowResult, **kwargs: Any) -> None:
        """Nothing is left to do."""

    def run(self, data: tablib.Dataset, *, is_preview: bool) -> Report:
        """Import a table in one transaction; if a row is wrong, or for a preview, nothing stays.

        Args:
            data: with lower-case headers, as `read_sheet` gives it.
            is_preview: whether it is only to be shown.

        Raises:
            RuleViolation: a column is missing.
        """
        missing = [name for name in self.columns if name not in (data.headers or [])]
        if missing:
            raise RuleViolation(
                _("The table lacks the column %(names)s.") % {"names": ", ".join(missing)},
                code="no-column",
                field="file",
            )
        self._seen = {}
        self._meta.store_instance = True
        result = self.import_data(
            data, dry_run=is_preview, use_transactions=True, rollback_on_validation_errors=True, raise_errors=False
        )
        for error in result.base_errors:
            raise error.error
        for _number, errors in result.row_errors():
            raise errors[0].error
        rows = list(enumerate(result.rows, start=2))
        invalid = {one.number: " ".join(one.error.messages) for one in result.invalid_rows}
        return Report(
            problems=[(number + 1, text) for number, text in sorted(invalid.items())],
            lines=[(n, one.instance) for n, one in rows if one.import_type in ("new", "update") and one.instance],
            unchanged=sum(one.import_type == RowResult.IMPORT_TYPE_SKIP for _n, one in rows),
        )


def changes_of(before: Mapping[str, str], after: Mapping[str, str]) -> list[Change]:
    """Return what differs, column by column."""
    return [(name, before.get(name, ""), text) for name, text in after.items() if before.get(name, "") != text]
