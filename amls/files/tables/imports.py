"""Imports are kept for a while with what was there before, so that each can be taken back.

An app that imports a kind of table does what it says by `import_or_show`, and says how one row of it is taken back:

    @takes_back("exams.points", gettext_lazy("Points"))
    def take_back(row: ImportedRow, by: User, now: datetime) -> None:
        …    # put `row.before` there again, or raise a RuleViolation if it isn't `row.after` any more
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from amls.core.hooks import Hook
from amls.core.violations import RuleViolation
from amls.files.models import ImportedRow, TableImport
from amls.files.tables.plan import Plan
from amls.files.tables.table import Upload

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

KEPT = timedelta(days=30)
TakeBack = Callable[[ImportedRow, Any, datetime], None]
P = TypeVar("P", bound=Plan)


@dataclass(frozen=True, slots=True)
class Imported:
    """One row of an import, as it is to be kept; see `ImportedRow`."""

    line: int
    label: str
    object_id: int
    before: dict[str, Any] | None
    after: dict[str, Any]
    person_id: int | None = None


@dataclass(frozen=True, slots=True)
class Undoing:
    """What became of taking an import back: how many rows are as before, and which are not, and why."""

    done: int
    problems: list[tuple[str, str]]

    @property
    def by_reason(self) -> list[tuple[str, list[str]]]:
        """Why rows are not as before, each reason once, with what the rows are about."""
        rows: dict[str, list[str]] = defaultdict(list)
        for label, why in self.problems:
            rows[why].append(label)
        return list(rows.items())


import_kinds: "Hook[tuple[str | _StrPromise, TakeBack]]" = Hook("kinds of imports")


def takes_back(kind: str, label: "str | _StrPromise") -> Callable[[TakeBack], TakeBack]:
    """Contribute, as a decorator, how one row of a kind of import is taken back, and what the kind is called."""

    def register(take_back: TakeBack) -> TakeBack:
        import_kinds.add(kind, (label, take_back))
        return take_back

    return register


def label_of_kind(kind: str) -> str:
    """Return what a kind of import is called."""
    return str(import_kinds[kind][0]) if kind in import_kinds else kind


def record_import(
    *, course_id: int, kind: str, rows: Iterable[Imported], filename: str, by: Any, now: datetime, subject: str = ""
) -> TableImport | None:
    """Keep what an import changed; None where it changed nothing."""
    kept = [row for row in rows if row.before != row.after]
    if not kept:
        return None
    with transaction.atomic():
        made = TableImport.objects.create(
            course_id=course_id, kind=kind, subject=subject[:200], filename=filename[:200], by=by, at=now
        )
        ImportedRow.objects.bulk_create(
            ImportedRow(
                table_import=made, line=row.line, label=row.label[:300], object_id=row.object_id,
                before=row.before, after=row.after, person_id=row.person_id,
            )
            for row in kept
        )  # fmt: skip
    return made


def import_or_show(
    act: Callable[[], tuple[P, Iterable[Imported]]],
    *,
    course_id: int,
    kind: str,
    upload: Upload,
    by: Any,
    now: datetime,
    dry_run: bool,
    expected: str,
    subject: str = "",
) -> P:
    """Do what a table says in one transaction, and keep what was there before; nothing stays of what is only shown.

    Args:
        act: writes, and returns what it did and what was there before.
        course_id: the primary key of the course into which it is imported.
        kind: as it is registered by `takes_back`.
        upload: the table.
        by: who imports.
        now: the request's clock.
        dry_run: whether it is only to be shown.
        expected: the seal of the plan that was shown; another one is only shown, too.
        subject: what it was imported into, as people call it.

    Raises:
        RuleViolation: as `act`.
    """
    with transaction.atomic():
        plan, rows = act()
        if not plan.is_wanted(dry_run=dry_run, expected=expected):
            transaction.set_rollback(True)
            return plan
        recorded = record_import(
            course_id=course_id, kind=kind, rows=rows, filename=upload.filename, by=by, now=now, subject=subject
        )
    return replace(plan, recorded=recorded)


def imports_of(course_id: int, *, now: datetime) -> QuerySet[TableImport]:
    """Return the imports of a course that can be taken back, newest first, with `count` and `undone` rows."""
    return (
        TableImport.objects.filter(course=course_id, at__gt=now - KEPT)
        .select_related("by")
        .annotate(count=Count("rows"), undone=Count("rows", filter=Q(rows__undone_at__isnull=False)))
        # The order of the model goes where rows are counted.
        .order_by("-at", "-pk")
    )


def undo_import(*, table_import: TableImport, by: Any, now: datetime) -> Undoing:
    """Put back what was there before an import, row by row; what somebody changed since stays, and is named.

    Args:
        table_import: one of `imports_of`.
        by: who takes it back.
        now: the request's clock.
    """
    take_back = import_kinds[table_import.kind][1]
    done, problems = 0, []
    with transaction.atomic():
        TableImport.objects.select_for_update().get(pk=table_import.pk)
        rows = table_import.rows.filter(undone_at__isnull=True).select_related("table_import").order_by("-line", "-pk")
        for row in rows:
            try:
                with transaction.atomic():
                    take_back(row, by, now)
            except RuleViolation as violation:
                problems.append((row.label, str(violation.message)))
            else:
                row.undone_at = now
                row.save(update_fields=["undone_at"])
                done += 1
    return Undoing(done, problems[::-1])


def need_unchanged(row: ImportedRow, present: dict[str, Any] | None) -> None:
    """Refuse to take back what isn't as the import left it.

    Args:
        row: of the import.
        present: what is there now; None where it is gone.

    Raises:
        RuleViolation: it was changed or deleted since (codes 'gone', 'changed-since').
    """
    if present is None:
        raise RuleViolation(_("It is not there any more."), code="gone")
    if present != row.after:
        raise RuleViolation(_("Somebody changed it since: it stays as it is."), code="changed-since")


def why_taken_back(row: ImportedRow) -> str:
    """Return the reason with which what a row changed is put back, for the history."""
    if row.table_import.filename:
        return _("The import of a file was taken back.")
    return _("The correction was taken back.")


def forget_person(*, user_id: int, addresses: Sequence[str]) -> None:
    """Delete what imports tell of a person."""
    theirs = Q(person=user_id)
    for address in addresses:
        theirs |= Q(after__email__iexact=address)
    ImportedRow.objects.filter(theirs).delete()


def forget_courses(courses: Sequence[int]) -> None:
    """Delete the imports of courses."""
    TableImport.objects.filter(course__in=courses).delete()


def purge_imports(now: datetime, *, dry_run: bool) -> int:
    """Delete imports that can't be taken back any more, or only count them; return how many."""
    rows = TableImport.objects.filter(at__lte=now - KEPT)
    count = rows.count()
    if not dry_run:
        rows.delete()
    return count


def with_undo(said: str, slug: str) -> SafeString:
    """Return what is said of an import of a table, with a link to where it can be taken back.

    Args:
        said: in a sentence.
        slug: of the course into which it was imported.
    """
    return format_html('{} <a href="{}">{}</a>', said, reverse("portal:imports", args=[slug]), _("Undo it"))
