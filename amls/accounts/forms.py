"""Accounts as those who run the site edit them."""

from django import forms
from django.core.exceptions import ValidationError

from amls.accounts.services import refuse_taken
from amls.core.violations import RuleViolation
from amls.courses.models import User


class UserForm(forms.ModelForm):  # type: ignore[type-arg]
    """An account, for those who run the site."""

    class Meta:
        model = User
        fields = ("email",)

    def clean_email(self) -> str:
        """Refuse an address that opens another account."""
        email: str = self.cleaned_data["email"].lower()
        try:
            refuse_taken(user=self.instance, email=email)
        except RuleViolation as violation:
            raise ValidationError(violation.message, code=violation.code) from violation
        return email
