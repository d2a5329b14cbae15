"""What the staff decide about single people of an assignment: excuses, answers to questions, snippets."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from amls.core.decimals import say_decimal
from amls.courses.models import Enrolment
from amls.desk.own_changes import LinesForm
from amls.grading.forms import TaskPointsField
from projects.models import Assignment, PointsQuestion
from projects.models.questions import LONGEST_QUESTION


class StudentField(forms.ModelChoiceField):  # type: ignore[type-arg]
    """A student, with the number that tells two of one name apart."""

    def label_from_instance(self, obj: Enrolment) -> str:
        """Say who it is."""
        return f"{obj.user} · {obj.number or obj.user.email}"


class ExcuseForm(forms.Form):
    """Who is excused, and why."""

    enrolment = StudentField(Enrolment.objects.none(), label=_("Student"), empty_label=_("–"))
    reason = forms.CharField(
        label=_("Reason"), required=False, max_length=300, help_text=_("The person reads it. No diagnosis, please.")
    )

    def __init__(self, *args: Any, assignment: Assignment, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        students = Enrolment.objects.students().present().filter(course=assignment.course_id)
        students = students.exclude(excuses__assignment=assignment).select_related("user")
        self.fields["enrolment"].queryset = students.order_by("user__sort_name", "pk")  # type: ignore[attr-defined]


class QuestionForm(forms.Form):
    """What a student asks about the points for a task."""

    text = forms.CharField(
        label=_("Your question"),
        max_length=LONGEST_QUESTION,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("You can ask once about each task. The staff read it; you get a mail with the answer."),
    )


class QuestionAnswerForm(forms.Form):
    """An answer to a question about points, with other points where it was right: left empty they stay.

    It stands among those of other questions; one in which nothing was typed is no answer.
    """

    # What was typed is told by what the page showed: a colleague may have answered since.
    answer = forms.CharField(
        label=_("Answer"), max_length=LONGEST_QUESTION, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Goes by mail to who asked. Where points change, the whole team reads it as the reason."),
        show_hidden_initial=True,
    )  # fmt: skip

    def __init__(self, data: Any = None, *, question: PointsQuestion, most: Decimal) -> None:
        super().__init__(data, initial={"answer": question.answer}, prefix=str(question.pk))
        label = gettext("Other points, of %(most)s") % {"most": say_decimal(most)}
        self.fields["points"] = TaskPointsField(most, label=label, help_text=gettext("Empty: they stay as they are."))

    @property
    def seen(self) -> str | None:
        """What was on the page from which it comes, by `version_of_question`."""
        seen: str | None = self.data.get(self.add_prefix("seen"))
        return seen


class SnippetsForm(LinesForm):
    """The snippets of a course, one to a line."""

    lines = forms.CharField(
        label=_("Snippets"),
        required=False,
        max_length=100_000,
        widget=forms.Textarea(attrs={"rows": 14, "spellcheck": "true"}),
        help_text=_("One to a line, in the order in which they are numbered."),
    )

    def texts(self) -> list[str]:
        """Return the snippets."""
        lines: str = self.cleaned_data["lines"]
        return lines.splitlines()
