"""Points as people type them into a form."""

from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from amls.core.violations import RuleViolation
from amls.grading.points import read_points


class TaskPointsField(forms.CharField):
    """Points for a task, in quarters; None where nothing is typed.

    Args:
        most: how many there are for it.
    """

    def __init__(self, most: Decimal, **options: Any) -> None:
        super().__init__(required=False, **options)
        self.most = most

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        """Ask for a short number, on a phone by its keys for numbers."""
        return {**super().widget_attrs(widget), "inputmode": "decimal", "size": 6}

    def clean(self, value: Any) -> Decimal | None:
        """Return the points.

        Raises:
            ValidationError: there are none such for this task.
        """
        text = super().clean(value)
        try:
            return read_points(text, most=self.most) if text else None
        except RuleViolation as violation:
            raise ValidationError(str(violation.message), code=violation.code) from violation
