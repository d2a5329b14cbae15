"""Points for tasks, as the desk's page of a team takes them: one field per task, a comment, and what differs for a member."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from amls.core.decimals import say_decimal
from amls.core.violations import RuleViolation
from amls.courses.models import Enrolment
from amls.desk.tasklines import TasksForm
from amls.files.tables.values import read_number
from amls.grading.forms import TaskPointsField
from amls.grading.tasks import TaskScore, task_lines
from projects.forms.staff import AssessForm
from projects.models import Assignment
from projects.points import Score, score_of
from projects.queries import TeamView
from projects.services.assessing import version_of
from projects.services.teamsheets import Given

_SUM = "sum"


class TaskPointsForm(forms.Form):
    """What a team gets for each task of an assignment, with what differs for single members."""

    feedback = forms.CharField(
        label=_("Feedback"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text=_("Markdown. Seen by the team once it is published."),
    )
    # The page has another field for a reason, that of more time.
    correction = forms.CharField(
        label=_("Reason of the correction"),
        required=False,
        max_length=300,
        help_text=_("Needed where published points change. The team reads it."),
    )
    # What the assessor had before them, so that nobody overwrites what somebody else decided meanwhile.
    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, data: Any = None, *, view: TeamView, initial: Mapping[str, str] | None = None) -> None:
        assessment, assignment = view.assessment, view.project.assignment
        self.view = view
        self.assignment = assignment
        feedback = assessment.feedback if assessment is not None else ""
        saved = {"feedback": feedback, "seen": version_of(assessment)}
        super().__init__(data, initial={**saved, **(initial or {})})
        self.score = self._score(None)
        for task in self.score.tasks:
            title = task.task.title if task.task is not None else gettext("Points")
            most = say_decimal(task.most)
            label = gettext("%(task)s, of %(most)s") % {"task": title, "most": most}
            self._add(task, f"task_{_key(task)}", label, task.points)
            self.fields[f"comment_{_key(task)}"] = forms.CharField(
                label=gettext("Comment on %(task)s") % {"task": title},
                required=False,
                max_length=5000,
                initial=task.comment,
                widget=forms.Textarea(attrs={"rows": 1}),
            )
        for member in view.members if len(view.members) > 1 else []:
            own = self._own(member)
            for task in self.score.tasks:
                title = task.task.title if task.task is not None else gettext("Points")
                label = gettext("%(task)s for %(name)s") % {"task": title, "name": member.user}
                self._add(task, f"task_{_key(task)}_{member.pk}", label, own.get(_key(task)))

    def _add(self, task: TaskScore, name: str, label: str, points: Decimal | None) -> None:
        self.fields[name] = TaskPointsField(
            task.most, label=label, initial="" if points is None else say_decimal(points)
        )

    def _score(self, enrolment: int | None) -> Score:
        if self.view.assessment is None:
            return Score(_unscored(self.assignment), self.assignment.pass_percent)
        return score_of(self.view.assessment, self.assignment, enrolment)

    def _own(self, member: Enrolment) -> dict[str, Decimal]:
        """Return a member's own points by the key of the task."""
        if self.view.assessment is None:
            return {}
        rows = self.view.assessment.task_points.all()
        return {str(row.task_id or _SUM): row.points for row in rows if row.enrolment_id == member.pk}

    def tasks(self) -> list[tuple[forms.BoundField, forms.BoundField]]:
        """Return the fields of each task: points and comment."""
        return [(self[f"task_{_key(task)}"], self[f"comment_{_key(task)}"]) for task in self.score.tasks]

    def members(self) -> list[tuple[Enrolment, list[forms.BoundField]]]:
        """Return each member of a team of several with the fields of their own points."""
        if len(self.view.members) < 2:
            return []
        return [
            (member, [self[f"task_{_key(task)}_{member.pk}"] for task in self.score.tasks])
            for member in self.view.members
        ]

    @property
    def differs(self) -> bool:
        """Whether some member has points of their own, or is given some now."""
        return any(field.value() for _member, fields in self.members() for field in fields)

    @property
    def total(self) -> str:
        """The sum of what is saved, in words."""
        values = {"points": say_decimal(self.score.points), "most": say_decimal(self.score.most)}
        return gettext("%(points)s of %(most)s points are saved.") % values

    def given(self) -> dict[int | None, Given]:
        """Return what was typed for the team, by task."""
        data = self.cleaned_data
        return {
            _task(task): Given(data[f"task_{_key(task)}"], data[f"comment_{_key(task)}"]) for task in self.score.tasks
        }

    def own_points(self) -> dict[int, dict[int | None, Given]]:
        """Return what was typed for single members, by enrolment and task."""
        data = self.cleaned_data
        return {
            member.pk: {_task(task): Given(data[f"task_{_key(task)}_{member.pk}"]) for task in self.score.tasks}
            for member, _fields in self.members()
        }


def _unscored(assignment: Assignment) -> tuple[TaskScore, ...]:
    tasks = tuple(TaskScore(task, task.max_points, None) for task in assignment.tasks.all())
    return tasks or (TaskScore(None, assignment.max_points or Decimal(0), None),)


def _task(task: TaskScore) -> int | None:
    return task.task.pk if task.task is not None else None


def _key(task: TaskScore) -> str:
    return str(_task(task) or _SUM)


def decision_form(
    data: Any = None, *, view: TeamView, initial: Mapping[str, str] | None = None
) -> AssessForm | TaskPointsForm:
    """Return the form by which a team's work is decided on: with points where the assignment gives some."""
    gives_points = view.project.assignment.grading == Assignment.Grading.POINTS
    return (TaskPointsForm if gives_points else AssessForm)(data, view=view, initial=initial)


class AssignmentTasksForm(TasksForm):
    """The tasks of an assignment, and with what share of their points it is passed."""

    pass_percent = forms.CharField(
        label=_("Pass mark in percent"),
        max_length=10,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "size": 4}),
        help_text=_("Of all points: with so many it is passed."),
    )

    def __init__(self, data: Any = None, *, assignment: Assignment) -> None:
        standing = list(assignment.tasks.all())
        super().__init__(data, standing=standing, text=task_lines(standing), pass_percent=str(assignment.pass_percent))
        self.assignment = assignment
        if data is not None and "pass_percent" not in data:
            del self.fields["pass_percent"]

    @property
    def changed_row(self) -> Assignment:
        """The assignment."""
        return self.assignment

    def clean_pass_percent(self) -> int:
        """Return the whole number that was typed."""
        try:
            value = read_number(self.cleaned_data["pass_percent"])
        except RuleViolation as violation:
            raise ValidationError(str(violation.message), code=violation.code) from violation
        if value != int(value) or not 1 <= value <= 100:
            raise ValidationError(gettext("The pass mark lies between 1 and 100 percent."), code="no-percent")
        return int(value)
