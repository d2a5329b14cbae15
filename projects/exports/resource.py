"""Tables that come back: each row through a service and by itself, shown first, kept so that it can be taken back."""

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
from import_export.results import Result, RowResult

from amls.core.violations import RuleViolation
from amls.courses.models import Course, User
from amls.files.tables.imports import Imported, import_or_show
from amls.files.tables.meanings import Meaning
from amls.files.tables.plan import Change, LineProblem, Plan, PlanLine, problems_of
from amls.files.tables.table import Table, Upload, read_table


@dataclass
class ImportRow:
    """What one row of a table asks for.

    Attributes:
        subject: what it is about, as the report names it.
        number: the line on which it stands in the file.
        is_new: whether it will be added.
        changes: what becomes different; nothing where the row says what is so already.
    """

    subject: str = ""
    row: Any = None
    values: dict[str, Any] = field(default_factory=dict)
    number: int = 0
    is_new: bool = False
    changes: list[Change] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class StoredRow:
    """What a row of a table speaks of, as it stands in the database.

    Attributes:
        object_id: of it.
        values: JSON-able; None where it isn't there.
        person_id: whose it is alone, if anybody's.
    """

    object_id: int
    values: dict[str, Any] | None
    person_id: int | None = None


class ServiceResource(resources.Resource):  # type: ignore[misc]
    """A table of a course whose rows go through a service.

    Attributes:
        kind: under which imports of it are kept.
        meanings: what its columns may say.
        needs: groups of names of meanings, of each of which a table must have one at least.
    """

    kind: ClassVar[str] = ""
    meanings: ClassVar[Sequence[Meaning]] = ()
    needs: ClassVar[Sequence[Sequence[str]]] = ()

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
        self._lines: list[int] = []
        self._kept: list[Imported] = []

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

    def read(self, row: Mapping[str, str]) -> tuple[object, ImportRow]:
        """Return the identity of what a row is about, and what it asks for.

        Args:
            row: by the names of meanings; those for which the table has no column are left out.

        Raises:
            RuleViolation: it can't be understood.
        """
        raise NotImplementedError

    def write(self, line: ImportRow) -> None:
        """Do what a row asks for, through a service.

        Raises:
            RuleViolation: it may not be.
        """
        raise NotImplementedError

    def standing(self, line: ImportRow) -> StoredRow | None:
        """Return how what a row is about stands in the database now; None where it was never there."""
        raise NotImplementedError

    # ── the library's steps ──

    def get_or_init_instance(self, instance_loader: Any, row: Any) -> tuple[ImportRow, bool]:
        """Read a row."""
        return ImportRow(), True

    def import_instance(self, instance: ImportRow, row: Any, **kwargs: Any) -> None:
        """Understand a row; the same thing twice in a table is a mistake."""
        try:
            key, read = self.read({name: value or "" for name, value in row.items()})
        except RuleViolation as violation:
            raise ValidationError(str(violation.message)) from violation
        number = self._lines[kwargs["row_number"] - 1]
        if key in self._seen:
            raise ValidationError(_("Line %(line)d speaks of the same already.") % {"line": self._seen[key]})
        self._seen[key] = read.number = number
        instance.__dict__.update(read.__dict__)

    def skip_row(self, instance: ImportRow, original: Any, row: Any, import_validation_errors: Any = None) -> bool:
        """Skip what is so already."""
        return not import_validation_errors and not instance.changes and not instance.is_new

    def validate_instance(
        self, instance: ImportRow, import_validation_errors: Any = None, validate_unique: bool = True
    ) -> None:
        """Pass on what reading found."""
        if import_validation_errors:
            raise ValidationError(import_validation_errors)

    def save_instance(self, instance: ImportRow, is_create: bool, row: Any, **kwargs: Any) -> None:
        """Write a row, also for a preview: that is rolled back."""
        try:
            with transaction.atomic():
                before = self.standing(instance)
                self.write(instance)
                after = self.standing(instance)
        except RuleViolation as violation:
            raise ValidationError(str(violation.message)) from violation
        if after is not None and after.values is not None:
            values = before.values if before is not None else None
            self._kept.append(
                Imported(instance.number, instance.subject, after.object_id, values, after.values, after.person_id)
            )

    def save_m2m(self, *args: Any, **kwargs: Any) -> None:
        """Nothing hangs on a row."""

    def after_import_row(self, row: Any, row_result: RowResult, **kwargs: Any) -> None:
        """Nothing is left to do."""

    def run(self, upload: Upload, *, dry_run: bool, expected: str = "") -> Plan:
        """Import a table in one transaction; rows that are wrong are left out, and for a preview nothing stays.

        Args:
            upload: the table.
            dry_run: whether it is only to be shown.
            expected: the seal of the plan that was shown; with another one nothing is written.

        Raises:
            RuleViolation: it is no table.
        """
        table = read_table(upload.content, self.meanings, needs=self.needs, how=upload.how)
        if not table.is_clear:
            return Plan(table=table, problems=problems_of(table))
        names = [meaning.name for meaning in table.meanings if meaning.is_read and table.has(meaning.name)]
        data = tablib.Dataset(*([row[name] for name in names] for row in table.rows), headers=names)
        self._seen, self._kept, self._lines = {}, [], [row.line for row in table.rows]
        self._meta.store_instance = True

        def write_all() -> tuple[Plan, list[Imported]]:
            return self._plan(table, self.import_data(data, use_transactions=False, raise_errors=False)), self._kept

        return import_or_show(
            write_all, course_id=self.course.pk, kind=self.kind, upload=upload, by=self.by, now=self.now,
            dry_run=dry_run, expected=expected,
        )  # fmt: skip

    def _in_words(self, changes: Sequence[Change]) -> list[Change]:
        """Return changes as people read them: what a column is called, and its codes in words."""
        labels = {meaning.name: str(meaning.label) for meaning in self.meanings}
        return [(labels.get(name, name), self.said(name, old), self.said(name, new)) for name, old, new in changes]

    def said(self, name: str, text: str) -> str:
        """Return what a column says, as people read it; where it has codes, a table has words for them."""
        return text

    def _plan(self, table: Table, result: Result) -> Plan:
        for error in result.base_errors:
            raise error.error
        for _number, errors in result.row_errors():
            raise errors[0].error
        done = [row.instance for row in result.rows if row.import_type in ("new", "update") and row.instance]
        return Plan(
            table=table,
            lines=[PlanLine(row.number, row.subject, row.is_new, self._in_words(row.changes)) for row in done],
            unchanged=sum(row.import_type == RowResult.IMPORT_TYPE_SKIP for row in result.rows),
            problems=[
                LineProblem(self._lines[row.number - 1], " ".join(row.error.messages))
                for row in sorted(result.invalid_rows, key=lambda row: int(row.number))
            ],
        )
