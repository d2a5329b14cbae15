"""What a table would change, line by line and by name: shown first, then done."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from amls.core.preview import seal_of_shown
from amls.files.models import TableImport
from amls.files.tables.table import Table

# What is changed: the column, what it was, what it becomes.
Change = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class LineProblem:
    """What is wrong with a line of a table: it is left out, the others can be imported.

    Attributes:
        line: in the file; 0 speaks of the whole table.
    """

    line: int
    text: str

    def __str__(self) -> str:
        return _("Line %(line)d: %(problem)s") % {"line": self.line, "problem": self.text} if self.line else self.text


@dataclass(frozen=True, slots=True)
class PlanLine:
    """What one line of a table asks for.

    Attributes:
        line: in the file.
        subject: whom or what it is about, as people call it.
        is_new: whether it will be added.
        changes: what becomes different.
    """

    line: int
    subject: str
    is_new: bool = False
    changes: Sequence[Change] = ()


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What an import would do or did.

    Attributes:
        table: as it was understood.
        lines: what will be added or changed.
        unchanged: how many lines say what is so already.
        problems: lines that are left out, and why.
        left: who or what is there and not in the table, by name: it stays as it is, or goes where the
            table replaces a whole list (`is_replacement`).
        notes: what else it does, in sentences.
        recorded: the import as it is kept, to be taken back; None where it is only shown or changed nothing.
    """

    table: Table
    lines: Sequence[PlanLine] = ()
    unchanged: int = 0
    problems: Sequence[LineProblem] = ()
    left: Sequence[str] = ()
    is_replacement: bool = False
    notes: Sequence[str] = field(default_factory=list)
    recorded: TableImport | None = None

    @property
    def added(self) -> int:
        """How many lines add something."""
        return sum(line.is_new for line in self.lines)

    @property
    def changed(self) -> int:
        """How many lines change something that is there."""
        return len(self.lines) - self.added

    @property
    def can_be_done(self) -> bool:
        """Whether the table is understood and there is something to do."""
        return self.table.is_clear and (bool(self.lines) or (self.is_replacement and self.unchanged > 0))

    @property
    def shown(self) -> object:
        """All that is shown of it before it is done."""
        said = [(line.line, line.subject, line.is_new, list(map(tuple, line.changes))) for line in self.lines]
        return said, list(self.left) if self.is_replacement else []

    @property
    def seal(self) -> str:
        """What names this plan: if it differs between showing and doing, something changed meanwhile."""
        return seal_of_shown(self.shown)

    def is_wanted(self, *, dry_run: bool, expected: str) -> bool:
        """Return whether it is to be done, and not only shown: where one was shown, as `expected` seals it, only that one."""
        return not dry_run and expected in ("", self.seal)


def problems_of(table: Table) -> list[LineProblem]:
    """Return why a table can't be understood as a whole, in sentences; nothing if it is clear."""
    return [
        LineProblem(
            table.heading_line,
            _("no column is named '%(name)s'. The first line must name the columns; found: %(found)s.")
            % {"name": name, "found": ", ".join(title for title in table.heading if title)[:200]},
        )
        for name in table.missing
    ]


def changes_of(before: Mapping[str, str], after: Mapping[str, str]) -> list[Change]:
    """Return what differs, column by column."""
    return [(name, before.get(name, ""), text) for name, text in after.items() if before.get(name, "") != text]
