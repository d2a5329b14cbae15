"""The one exception that services raise when a rule of the domain is broken."""

from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.forms import BaseForm

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise


class RuleViolation(Exception):
    """A rule said no. Views turn it into a form error, the admin into a message.

    Args:
        message: what happened and what to do, translated.
        code: a short, stable name for tests and templates.
        field: the form field that it belongs to, if any.
    """

    def __init__(self, message: "str | _StrPromise", code: str, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.field = field

    def as_validation_error(self) -> ValidationError:
        """Return the violation as Django's forms and admin understand it."""
        error = ValidationError(self.message, code=self.code)
        return ValidationError({self.field: [error]}) if self.field else error


def add_violation(form: BaseForm, violation: RuleViolation) -> None:
    """Show a refusal at the field that it belongs to, or above the form where that has no such field."""
    form.add_error(violation.field if violation.field in form.fields else None, str(violation.message))
