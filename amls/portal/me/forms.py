"""Forms about people and their courses."""

from datetime import timedelta
from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from amls.core.bounds import Bound, spend
from amls.core.request import now_of
from amls.core.violations import RuleViolation, add_violation
from amls.courses.models import Language, User
from amls.courses.numbers import is_a_number
from amls.courses.validators import is_a_name
from amls.courses.vouched import vouched_number

# Each may be one of a roster, whose staff are asked.
_NUMBERS = Bound(
    "courses.numbers",
    most=5,
    per=timedelta(days=1),
    message=_(
        "You entered %(most)s numbers today. Enter the right one in %(wait)s, or ask the staff of your course to do it."
    ),
    field="matriculation_number",
)


class ProfileForm(forms.Form):
    """What a person may say of themselves. A verified matriculation number is changed by staff only."""

    display_name = forms.CharField(
        label=_("Name"), max_length=150, validators=[is_a_name], help_text=_("As it stands on rosters and lists.")
    )
    matriculation_number = forms.CharField(
        label=_("Matriculation number"),
        max_length=20,
        required=False,
        validators=[is_a_number],
        help_text=_("Seen by you and the staff of your courses only."),
    )
    language = forms.ChoiceField(
        label=_("Language of pages and mail"),
        choices=[("", _("Pages as my browser asks, mail in the language of the course")), *Language.choices],
        required=False,
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        initial = {name: getattr(user, name) for name in ("display_name", "matriculation_number", "language")}
        super().__init__(*args, **{**kwargs, "initial": initial})
        if user.is_matriculation_verified:
            self.fields["matriculation_number"].disabled = True
            self.fields["matriculation_number"].help_text = (
                _("From your university's sign-in. Have it changed there.")
                if vouched_number(user)
                else _("Verified. Ask the staff of your course to change it.")
            )
        if user.is_name_verified:
            self.fields["display_name"].disabled = True
            self.fields["display_name"].help_text = _("From your university's sign-in. Have it changed there.")
        self.fields["display_name"].widget.attrs["autocomplete"] = "name"


class EnrolForm(forms.Form):
    """The code of a course that is joined by code."""

    code = forms.CharField(label=_("Enrolment code"), max_length=50, help_text=_("Your lecturer tells you the code."))


class ClaimForm(forms.Form):
    """The number with which a person stands on a roster that names another of their addresses."""

    matriculation_number = forms.CharField(label=_("Matriculation number"), max_length=20, validators=[is_a_number])

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "initial": {"matriculation_number": user.matriculation_number}})
        if user.is_matriculation_verified:
            self.fields["matriculation_number"].disabled = True


def bound_numbers(request: HttpRequest, form: ProfileForm | ClaimForm) -> None:
    """Refuse a new matriculation number where the person has tried many: each may ask the staff of their courses."""
    if not form.is_bound or "matriculation_number" not in form.changed_data:
        return
    now = now_of(request)
    try:
        spend(_NUMBERS, who=request.user.pk, now=now)
    except RuleViolation as violation:
        add_violation(form, violation)
