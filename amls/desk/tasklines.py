"""The tasks of an assignment or an exam as lines that several of the staff may change at once."""

from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from amls.core.decimals import say_decimal
from amls.core.meanwhile import exactly
from amls.core.violations import RuleViolation
from amls.desk.history import last_change
from amls.desk.own_changes import LinesForm
from amls.grading.models import TaskBase
from amls.grading.points import MOST_POINTS, read_points


class TasksForm(LinesForm):
    """The tasks of an assignment or an exam, one to a line; each is known by its title.

    Args:
        standing: the tasks that there are.
        text: these as lines.
    """

    lines = forms.CharField(
        label=_("Tasks"), required=False, max_length=10_000, widget=forms.Textarea(attrs={"rows": 8})
    )

    def __init__(self, data: Any = None, *, standing: Iterable[TaskBase], text: str, **initial: Any) -> None:
        super().__init__(data, initial={"lines": text, **initial}, auto_id="%s")
        self.standing = list(standing)

    def read_line(self, line: str) -> tuple[str, str]:
        """Tell a task from others by its title; its points are the same in every language."""
        title, _bar, points = (part.strip() for part in line.rpartition("|"))
        try:
            return (title, exactly(read_points(points, most=MOST_POINTS - 1))) if title else (line, line)
        except RuleViolation:
            return title, line

    def write_line(self, key: str, value: str) -> str:
        """Return the task with its points as its reader writes them."""
        try:
            return f"{key.strip()} | {say_decimal(Decimal(value))}"
        except InvalidOperation:
            return value

    def who_changed(self, key: str) -> str | None:
        """Return who changed the points of a task that is there."""
        task = next((task for task in self.standing if task.title == key), None)
        changed = last_change(task, "max_points") if task is not None else None
        return changed[0] if changed is not None else None
