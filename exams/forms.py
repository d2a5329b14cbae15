"""What staff type about exams."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from amls.core.decimals import say_decimal, say_grade
from amls.core.meanwhile import CODE, exactly, is_own_change
from amls.core.text import clean_line
from amls.core.violations import RuleViolation
from amls.courses.models import Enrolment
from amls.files.tables.forms import TableForm
from amls.grading.forms import TaskPointsField
from exams.models import FAILED, GRADES, Exam, ExamTask, HelperLink, Registration
from exams.services.points import parse_points


def _reason_field(label: Any) -> forms.CharField:
    # Whether a reason is needed is a rule of the service.
    return forms.CharField(label=label, required=False, max_length=300)


def words_of(form: forms.BaseForm, name: str = "") -> str:
    """Return what is wrong with a form, or with one of its fields, in one line."""
    errors = form.errors.get_json_data()
    return " ".join(error["message"] for field, several in errors.items() if name in ("", field) for error in several)


@dataclass(frozen=True, slots=True)
class ShownField:
    """A field as a table of a page shows it: its name, what stands in it, and what is wrong with that.

    Attributes:
        seen: what names the points that are kept, as the page sends it back beside what is typed.
    """

    name: str
    typed: str
    seen: str
    problem: str = ""


class TableOfPointsForm(forms.Form):
    """Points in the fields of a table, each sent with what it showed. What the page did not ask about is left alone.

    Attributes:
        asked: the names of the fields, by what their points are for.
    """

    asked: Mapping[Any, str]

    def seen_in(self, name: str) -> str | None:
        """Return what named the points that a field showed; None where that was not sent."""
        seen: str | None = self.data.get(f"{name}-seen")
        return seen

    def seen(self) -> dict[Any, str]:
        """Return what named the points that the fields showed, by what they are for."""
        return {key: seen for key, name in self.asked.items() if (seen := self.seen_in(name)) is not None}

    def refuse(self, refused: Mapping[Any, RuleViolation]) -> None:
        """Say at the fields whose points were changed in them what is refused, by what the points are for."""
        for key, violation in refused.items():
            name = self.asked[key]
            if exactly(self.cleaned_data[name]) != self.seen_in(name):
                self.add_error(name, ValidationError(str(violation.message), code=violation.code))


def shown_field(
    form: TableOfPointsForm | None, name: str, stands: Decimal | None, *, offered: Decimal | None = None
) -> ShownField:
    """Return a field with what was typed into it where that is not kept, or else with what stands.

    Whoever sends it again has read what is said at the field, and nothing else.

    Args:
        form: that was sent; None where the page is only shown.
        name: of the field; the form may have others.
        stands: the points that are kept.
        offered: what stands in it while there are none.
    """
    kept, there = exactly(stands), offered if stands is None else stands
    shown = ShownField(name, "" if there is None else say_decimal(there), kept)
    if form is None or name not in form.fields:
        return shown
    problem, seen = words_of(form, name), form.seen_in(name)
    if not problem and not is_own_change(exactly(form.cleaned_data[name]), stands=kept, seen=seen):
        return shown
    if seen is None or form.has_error(name, CODE):
        seen = kept
    return ShownField(name, str(form[name].value() or ""), seen, problem)


class ExamActForm(forms.Form):
    """What an act on an exam needs to know; by itself nothing.

    What a row is chosen by is hidden in the page: a choice that is none is no slip of whoever sent it.
    """

    def __init__(self, data: Mapping[str, Any] | None = None, *, exam: Exam) -> None:
        super().__init__(data)
        self.exam = exam

    @property
    def problem(self) -> str:
        """What is wrong with it, in words."""
        return words_of(self)

    @property
    def names_nobody(self) -> bool:
        """Whether the person or link that is chosen is none of this exam's."""
        return any(isinstance(self.fields.get(name), forms.ModelChoiceField) for name in self.errors)


class SeenField(forms.Field):
    """What names something that a page showed, '' where there was none; None where the page did not say."""

    widget = forms.HiddenInput

    def __init__(self) -> None:
        super().__init__(required=False)

    def clean(self, value: str | None) -> str | None:
        """Return it as it was sent, as long as such a name is."""
        return None if value is None else clean_line(value)[:40]


class ReasonForm(ExamActForm):
    """Why."""

    reason = _reason_field(_("Reason"))


class CancelForm(forms.Form):
    """Why a date is not held, and what names who was in it on the page from which it is sent."""

    reason = forms.CharField(label=_("Reason"), required=False, max_length=300)
    seen = SeenField()


class PersonForm(ReasonForm):
    """Somebody on the exam's list, and why."""

    registration = forms.ModelChoiceField(Registration.objects.none(), label=_("Person"))
    # What names how the person stood on the page from which it is sent; None where it did not say so.
    seen = SeenField()
    seen_decision = SeenField()
    seen_points = SeenField()

    def __init__(self, data: Mapping[str, Any] | None = None, *, exam: Exam) -> None:
        super().__init__(data, exam=exam)
        self.fields["registration"].queryset = Registration.objects.with_people().filter(exam=exam)  # type: ignore[attr-defined]


class OtherDateForm(PersonForm):
    """Somebody on the exam's list, the date to which they are moved, and why."""

    # That one is chosen is a rule of the act.
    target = forms.ModelChoiceField(Exam.objects.none(), label=_("Move to another date"), required=False)

    def __init__(self, data: Mapping[str, Any] | None = None, *, exam: Exam) -> None:
        super().__init__(data, exam=exam)
        self.fields["target"].queryset = Exam.objects.filter(course=exam.course)  # type: ignore[attr-defined]


class StudentForm(ReasonForm):
    """A student of the course, and why."""

    enrolment = forms.ModelChoiceField(Enrolment.objects.none(), label=_("Person"))

    def __init__(self, data: Mapping[str, Any] | None = None, *, exam: Exam) -> None:
        super().__init__(data, exam=exam)
        students = Enrolment.objects.students().present().filter(course=exam.course).select_related("user", "course")
        self.fields["enrolment"].queryset = students  # type: ignore[attr-defined]

    @property
    def names_nobody(self) -> bool:
        """Whether who is chosen is no student of the course; to choose nobody is a slip, and said at the field."""
        return self.has_error("enrolment", "invalid_choice")


class WalkInForm(StudentForm):
    """A student who came without a registration, and where they sit."""

    seat = forms.CharField(label=_("Seat"), required=False)

    def clean_seat(self) -> str:
        """Return as much of it as is kept."""
        seat: str = self.cleaned_data["seat"]
        return seat[:100]


class AfterwardsForm(StudentForm):
    """A student who sat a closed exam without being on its list, why, and their points where they are known."""

    def __init__(self, data: Mapping[str, Any] | None = None, *, exam: Exam) -> None:
        super().__init__(data, exam=exam)
        # A date that is graded without points has its grade entered on its page of results.
        if not exam.is_graded_directly:
            self.fields["points"] = PointsField(exam, label=_("Points"))

    def clean_points(self) -> str:
        """Return what names the points, as a held act keeps them; '' for none."""
        return exactly(self.cleaned_data["points"])


class CapacityForm(ExamActForm):
    """How many seats there are; nothing for no limit."""

    capacity = forms.CharField(label=_("Seats"), required=False)
    # How many there were on the page from which it is sent.
    seen = SeenField()

    def clean_capacity(self) -> int | None:
        """Return the number, or None."""
        text: str = self.cleaned_data["capacity"]
        if text and (not text.isdecimal() or len(text) > 6):
            raise ValidationError(_("Give the capacity as a number, or nothing for no limit."), code="capacity-form")
        return int(text) if text else None


class OrderForm(ExamActForm):
    """In which order seats are given; at random unless it is said."""

    order = forms.ChoiceField(label=_("Order"), choices=Exam.SeatOrder, required=False)


class FreezeForm(ExamActForm):
    """Whether the results of those who are not admitted are frozen as well."""

    with_reserved = forms.BooleanField(label=_("Also with those who are not admitted"), required=False)


class HelperForm(ExamActForm):
    """Who helps at the door."""

    name = forms.CharField(label=_("Name of the helper"), required=False, max_length=100)


class LinkForm(ExamActForm):
    """A helper's link."""

    link = forms.ModelChoiceField(HelperLink.objects.none())

    def __init__(self, data: Mapping[str, Any] | None = None, *, exam: Exam) -> None:
        super().__init__(data, exam=exam)
        self.fields["link"].queryset = HelperLink.objects.filter(exam=exam)  # type: ignore[attr-defined]


class PointsForm(TableForm):
    """Points from a file, with a reason where some are published."""

    reason = _reason_field(_("Reason, if a published result changes"))

    def __init__(self, *args: Any, exam: Exam, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if exam.results_published_at is None:
            del self.fields["reason"]


class PointsField(forms.CharField):
    """Points of an exam as people type them, such as '37,5'; None where nothing is typed."""

    def __init__(self, exam: Exam, **options: Any) -> None:
        super().__init__(required=False, **options)
        self.exam = exam

    def clean(self, value: Any) -> Decimal | None:
        """Return the points.

        Raises:
            ValidationError: there are none such in this exam.
        """
        text = super().clean(value)
        try:
            return parse_points(text, self.exam) if text else None
        except RuleViolation as violation:
            raise ValidationError(str(violation.message), code=violation.code) from violation


class EntryForm(TableOfPointsForm):
    """Everyone's points by registration, and a reason where published ones change."""

    reason = _reason_field(_("Reason, if a published result changes"))

    def __init__(self, data: Mapping[str, Any], *, exam: Exam, people: Iterable[Registration]) -> None:
        super().__init__(data)
        self.asked = {person.pk: f"points-{person.pk}" for person in people if f"points-{person.pk}" in data}
        self.fields.update({name: PointsField(exam) for name in self.asked.values()})

    def points(self) -> dict[int, Decimal | None]:
        """Return the points by registration."""
        return {pk: self.cleaned_data[name] for pk, name in self.asked.items()}


class GradesForm(TableOfPointsForm):
    """Everyone's grade by registration, where there are no points, and a reason where published ones change."""

    reason = _reason_field(_("Reason, if a published result changes"))

    def __init__(self, data: Mapping[str, Any] | None, *, people: Iterable[Registration]) -> None:
        super().__init__(data)
        listed = {f"grade-{person.pk}": person for person in people}
        self.asked = {person.pk: name for name, person in listed.items() if data is None or name in data}
        choices = [("", "–"), *((exactly(grade), say_grade(grade)) for grade in (*GRADES, FAILED))]
        for name, person in listed.items():
            result = getattr(person, "result", None)
            self.fields[name] = forms.TypedChoiceField(
                choices=choices,
                required=False,
                coerce=Decimal,
                empty_value=None,
                initial=exactly(result.grade) if result is not None else "",
            )

    def grades(self) -> dict[int, Decimal | None]:
        """Return the grades by registration."""
        return {pk: self.cleaned_data[name] for pk, name in self.asked.items()}


class StepsForm(TableOfPointsForm):
    """The boundaries of the grade table, by grade."""

    def __init__(self, data: Mapping[str, Any], *, exam: Exam) -> None:
        super().__init__(data)
        self.asked = {grade: f"grade-{grade}" for grade in GRADES}
        self.fields.update({name: PointsField(exam) for name in self.asked.values()})

    def steps(self) -> dict[Decimal, Decimal]:
        """Return the boundaries that were typed, by grade."""
        typed = {grade: self.cleaned_data[name] for grade, name in self.asked.items()}
        return {grade: points for grade, points in typed.items() if points is not None}


class TaskEntryForm(TableOfPointsForm):
    """Points by registration and task, and a reason where published ones change."""

    reason = _reason_field(_("Reason, if a published result changes"))

    def __init__(self, data: Mapping[str, Any], *, people: Iterable[Registration], tasks: Sequence[ExamTask]) -> None:
        super().__init__(data)
        self.asked = {
            (person.pk, task.pk): name
            for person in people
            for task in tasks
            if (name := f"points-{person.pk}-{task.pk}") in data
        }
        most = {task.pk: task.max_points for task in tasks}
        self.fields.update({name: TaskPointsField(most[task]) for (_person, task), name in self.asked.items()})

    def points(self) -> dict[int, dict[int, Decimal | None]]:
        """Return the points by registration and task."""
        points: dict[int, dict[int, Decimal | None]] = {}
        for (person, task), name in self.asked.items():
            points.setdefault(person, {})[task] = self.cleaned_data[name]
        return points
