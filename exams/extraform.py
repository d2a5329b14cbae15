"""What staff type about extra points for assignments: steps in rows, of which the empty ones are none."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from amls.core.decimals import say_decimal
from amls.core.violations import RuleViolation
from amls.files.tables.values import read_number
from amls.grading.extra import MOST_STEPS, ExtraRule, ExtraStep


class _NumberField(forms.CharField):
    """A number as people type it, '62,5' or '62.5'; None where nothing is typed."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            required=False, max_length=20, widget=forms.TextInput(attrs={"inputmode": "decimal"}), **options
        )

    def clean(self, value: Any) -> Decimal | None:
        """Return the number.

        Raises:
            ValidationError: it is none.
        """
        text = super().clean(value)
        try:
            return read_number(text) if text else None
        except RuleViolation as violation:
            raise ValidationError(str(violation.message), code=violation.code) from violation


class ExtraPointsForm(forms.Form):
    """The most extra points of a course, and the steps by which assignments give them."""

    most = _NumberField(
        label=gettext_lazy("Most extra points"),
        help_text=gettext_lazy(
            "What somebody has counts up to this number, wherever it comes from. A course gives 0 to 20."
        ),
    )
    leave_out = _NumberField(label=gettext_lazy("The weakest that don't count"))

    def __init__(self, data: Any = None, *, rule: ExtraRule, most: Decimal) -> None:
        initial: dict[str, Any] = {"most": say_decimal(most), "leave_out": str(rule.leave_out)}
        for place, step in enumerate(rule.steps):
            initial |= {f"percent-{place}": say_decimal(step.percent), f"points-{place}": say_decimal(step.points)}
        super().__init__(data, initial=initial)
        for place in range(MOST_STEPS):
            self.fields[f"percent-{place}"] = _NumberField(
                label=_("From percent, step %(place)d") % {"place": place + 1}
            )
            self.fields[f"points-{place}"] = _NumberField(
                label=_("Extra points, step %(place)d") % {"place": place + 1}
            )
        # The places of the rows that are filled in, as steps are counted.
        self._filled: list[int] = []

    @property
    def rows(self) -> list[tuple[forms.BoundField, forms.BoundField]]:
        """The fields of each step."""
        return [(self[f"percent-{place}"], self[f"points-{place}"]) for place in range(MOST_STEPS)]

    def clean_most(self) -> Decimal:
        """Return the number; nothing is 0."""
        return self.cleaned_data["most"] or Decimal(0)

    def clean_leave_out(self) -> int:
        """Return the number; nothing is 0.

        Raises:
            ValidationError: it is no whole number.
        """
        value = self.cleaned_data["leave_out"] or Decimal(0)
        if value != int(value):
            raise ValidationError(_("Give a whole number."), code="no-count")
        return int(value)

    def clean(self) -> None:
        """Refuse a row of which only one half is filled in."""
        for place in range(MOST_STEPS):
            names = f"percent-{place}", f"points-{place}"
            if any(name in self.errors for name in names):
                continue
            empty = [name for name in names if self.cleaned_data.get(name) is None]
            if len(empty) == 1:
                self.add_error(
                    empty[0], ValidationError(_("Fill in both fields of this step, or neither."), code="half")
                )
            elif not empty:
                self._filled.append(place)

    def rule(self) -> ExtraRule:
        """Return the rule that is typed; whether it is one, the service says."""
        said = self.cleaned_data
        steps = tuple(ExtraStep(said[f"percent-{place}"], said[f"points-{place}"]) for place in self._filled)
        return ExtraRule(steps, said["leave_out"])

    def refuse(self, violation: RuleViolation) -> str:
        """Say a refusal at its field and return '', or return its words where it is of no field."""
        name, _dash, place = (violation.field or "").partition("-")
        if place.isdecimal() and int(place) < len(self._filled):
            name = f"{name}-{self._filled[int(place)]}"
        if not violation.field or name not in self.fields:
            return str(violation.message)
        self.add_error(name, ValidationError(str(violation.message), code=violation.code))
        return ""
