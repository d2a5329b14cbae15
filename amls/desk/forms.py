"""Forms about courses and their people."""

from typing import Any

from django import forms
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from amls.core.violations import RuleViolation
from amls.courses.contradictions import contradictions_of
from amls.courses.models import Course, Enrolment, Role, RosterEntry, User
from amls.courses.numbers import clean_number, is_a_number, plain_number, plain_number_of
from amls.courses.participation import need_free_to_teach
from amls.courses.permissions import is_last_lecturer, may_appoint
from amls.desk.own_changes import OwnChangesForm
from amls.files.tables.forms import TableForm


def is_number_unchecked(enrolment: Enrolment) -> bool:
    """Return whether the person typed a matriculation number that nobody of the course has checked."""
    return bool(enrolment.number) and not enrolment.verified_number


class EnrolmentForm(OwnChangesForm):
    """A person's part in a course, with the matriculation number that staff enter for them."""

    number = forms.CharField(
        label=gettext_lazy("Matriculation number"),
        max_length=20,
        required=False,
        validators=[is_a_number],
        widget=UnfoldAdminTextInputWidget,
        help_text=gettext_lazy("What you enter counts as verified: the person can't change it any more."),
    )

    is_checked = forms.BooleanField(
        label=gettext_lazy("I have checked this number"),
        required=False,
        widget=UnfoldBooleanWidget,
        help_text=gettext_lazy("The person typed it. Compare it with the student ID; it counts as verified then."),
    )

    # Who fills the form in; the desk sets it.
    by: User | AnonymousUser = AnonymousUser()

    class Meta:
        model = Enrolment
        fields = ("user", "course", "role")

    def clean(self) -> dict[str, Any]:
        """Let only lecturers say who teaches, leave no course without one, and let nobody teach who takes part."""
        data = super().clean() or {}
        course = self.instance.course if self.instance.pk else data.get("course")
        role = data.get("role")
        if course is None or role is None or role == self.initial.get("role", Role.STUDENT):
            return data
        if not may_appoint(self.by, course):
            raise ValidationError({"role": _("Only lecturers of the course say who teaches it.")})
        if (
            self.instance.pk
            and not self.by.is_superuser
            and is_last_lecturer(Enrolment.objects.get(pk=self.instance.pk))
        ):
            raise ValidationError({"role": _("This is the course's only lecturer. Appoint another one first.")})
        if self.instance.pk and role != Role.STUDENT:
            former = Enrolment.objects.select_related("user", "course").get(pk=self.instance.pk)
            try:
                need_free_to_teach(former)
            except RuleViolation as violation:
                raise ValidationError({"role": str(violation.message)}) from violation
        return data

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.fields["number"].initial = self.instance.number
            against = [
                contradiction.text
                for contradiction in contradictions_of([self.instance.course])
                if contradiction.enrolment == self.instance
            ]
            self.fields["number"].help_text = " ".join([*against, str(self.fields["number"].help_text)])
        if not self.instance.pk or not is_number_unchecked(self.instance):
            del self.fields["is_checked"]

    def clean_number(self) -> str:
        """Refuse a number that is verified for another person of the course."""
        number = clean_number(self.cleaned_data["number"])
        others = Enrolment.objects.filter(course=self.instance.course_id).exclude(verified_number="")
        taken = others.exclude(pk=self.instance.pk).alias(plain=plain_number_of("verified_number"))
        for bearer in taken.filter(plain=plain_number(number)).select_related("user") if number else ():
            raise ValidationError(
                _("%(number)s is verified for %(person)s. Correct theirs first."),
                params={"number": number, "person": bearer.user},
            )
        return number


class AccountsField(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]
    """Accounts, each with its address, which tells it from another of the same name."""

    def label_from_instance(self, obj: User) -> str:
        """Return name and address."""
        return f"{obj} <{obj.email}>"


class RosterEntryForm(OwnChangesForm):
    """An entry of a roster, with the accounts that the staff declined for it."""

    declined = AccountsField(
        User.objects.none(),
        label=gettext_lazy("Declined accounts"),
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=gettext_lazy("They can't ask for this entry again. Untick whom you declined by mistake."),
    )

    class Meta:
        model = RosterEntry
        fields = ("course", "email", "name", "matriculation_number", "declined")

    def clean(self) -> dict[str, Any]:
        """Refuse a number that another entry of the roster has."""
        data = super().clean() or {}
        plain, course = (
            plain_number(data.get("matriculation_number", "")),
            data.get("course") or self.instance.course_id,
        )
        others = RosterEntry.objects.filter(course=course).exclude(pk=self.instance.pk)
        others = others.alias(plain=plain_number_of("matriculation_number")).filter(plain=plain)
        if plain and (other := others.first()):
            message = _("%(number)s is the number of %(email)s as well. Correct one of the two.")
            values = {"number": data["matriculation_number"], "email": other.email}
            raise ValidationError({"matriculation_number": message % values})
        return data

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk and self.instance.declined.exists():
            field = self.fields["declined"]
            assert isinstance(field, AccountsField)  # noqa: S101 - declared above
            field.queryset = self.instance.declined.all()
        else:
            del self.fields["declined"]


class RosterForm(TableForm):
    """A roster of a course."""

    course = forms.ModelChoiceField(Course.objects.none(), label=gettext_lazy("Course"), empty_label=None)
    field_order = ("course", "file")

    def __init__(self, *args: Any, courses: models.QuerySet[Course], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["course"]
        assert isinstance(field, forms.ModelChoiceField)  # noqa: S101 - declared above
        field.queryset = courses
