"""What staff type to plan a series of oral exams."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.dateparse import parse_date
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from amls.core.clock import from_wall_clock
from amls.core.text import clean_line
from amls.core.violations import RuleViolation
from exams.models.exam import MOST_HOURS_BEFORE
from exams.services.series import OralSeries

# As many days as the form offers at first, and at most.
_DAYS_OFFERED, _MOST_DAYS = 4, 20
_TIMES = (
    "begins", "ends", "minutes", "gap_minutes", "break_begins", "break_ends", "second_begins", "second_ends",
)  # fmt: skip
_ALIKE = ("begins", "ends", "minutes", "call_in", "capacity", "opens_at", "closes_at", "withdraw_until")


def _clock(label: Any, *, required: bool = True) -> forms.TimeField:
    widget = forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
    return forms.TimeField(label=label, required=required, widget=widget, input_formats=["%H:%M", "%H:%M:%S", "%H.%M"])


class _MomentField(forms.DateTimeField):
    """A moment as the course's clock shows it, naive until the form, which knows the zone, has looked at it."""

    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"], required=False, **kwargs)

    def to_python(self, value: Any) -> datetime | None:
        """Return the naive time; Django's own would read it by the clock of the reader."""
        if value in self.empty_values or isinstance(value, datetime):
            return value or None
        typed = forms.fields.BaseTemporalField.to_python(self, str(value))
        if not isinstance(typed, datetime) or not 2000 <= typed.year <= 9000:
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        return typed


class OralSeriesForm(forms.Form):
    """Days, times and breaks, who examines where, and until when one signs up.

    Attributes:
        typed_days: the days as they were typed, for the page; see `day_fields`.
    """

    # Several have this name: see `typed_days`.
    day = forms.CharField(label=_("Days"), required=False)
    begins = _clock(_("From"))
    ends = _clock(_("Until"))
    minutes = forms.IntegerField(label=_("Length of a slot in minutes"), min_value=5, max_value=480, initial=30)
    gap_minutes = forms.IntegerField(
        label=_("Minutes between two slots"), min_value=0, max_value=240, required=False, initial=0
    )
    break_begins = _clock(_("Break from"), required=False)
    break_ends = _clock(_("Break until"), required=False)
    second_begins = _clock(_("Second break from"), required=False)
    second_ends = _clock(_("Second break until"), required=False)
    title = forms.CharField(label=_("Title"), max_length=200, required=False, help_text=_("Empty: named by its kind."))
    place = forms.CharField(label=_("Place"), max_length=200, required=False)
    examiners = forms.CharField(
        label=_("Examiners"), max_length=200, required=False, help_text=_("By name, such as 'Prof. Boehm, Dr. Größe'.")
    )
    call_in = forms.URLField(
        label=_("Call-in link"),
        max_length=500,
        required=False,
        assume_scheme="https",
        help_text=_("Shown to the staff and to who holds a seat of this date, and to nobody else."),
    )
    capacity = forms.IntegerField(label=_("People in each slot"), min_value=1, max_value=50, initial=1)
    opens_at = _MomentField(label=_("Sign-up opens"))
    closes_at = _MomentField(label=_("Sign-up closes"))
    closes_before = forms.IntegerField(
        label=_("Or it closes so long before each slot"), min_value=1, max_value=MOST_HOURS_BEFORE, required=False
    )
    closes_unit = forms.ChoiceField(
        label=_("Hours or days"), choices=[("hours", _("hours")), ("days", _("days of 24 hours"))], required=False
    )
    withdraw_until = _MomentField(label=_("Withdraw until"))

    def __init__(self, data: QueryDict | None = None, *, zone: ZoneInfo) -> None:
        super().__init__(data)
        self.zone = zone
        self.typed_days = [text.strip() for text in data.getlist("day")[:_MOST_DAYS]] if data is not None else []
        for name in ("opens_at", "closes_at", "withdraw_until"):
            self.fields[name].help_text = gettext("In %(zone)s, the same for all slots.") % {"zone": zone.key}

    @property
    def day_fields(self) -> list[str]:
        """Return what stands in the fields for days: what was typed, and some empty ones."""
        typed = [text for text in self.typed_days if text]
        return [*typed, *[""] * max(2, _DAYS_OFFERED - len(typed))][:_MOST_DAYS]

    @property
    def times(self) -> list[forms.BoundField]:
        """Return the fields that say when, beside the days."""
        return [self[name] for name in _TIMES]

    @property
    def whereabouts(self) -> list[forms.BoundField]:
        """Return the fields that say who examines where."""
        return [self[name] for name in ("examiners", "place", "call_in", "capacity", "title")]

    @property
    def moments(self) -> list[forms.BoundField]:
        """Return the fields that say until when one signs up."""
        return [self[name] for name in ("opens_at", "closes_at", "closes_before", "closes_unit", "withdraw_until")]

    def _instant(self, name: str) -> datetime | None:
        value: datetime | None = self.cleaned_data[name]
        try:
            return from_wall_clock(value, self.zone) if value is not None else None
        except RuleViolation as violation:
            raise ValidationError(str(violation.message), code=violation.code) from violation

    def clean_opens_at(self) -> datetime | None:
        """Take the moment as the course's clock shows it."""
        return self._instant("opens_at")

    def clean_closes_at(self) -> datetime | None:
        """Take the moment as the course's clock shows it."""
        return self._instant("closes_at")

    def clean_withdraw_until(self) -> datetime | None:
        """Take the moment as the course's clock shows it."""
        return self._instant("withdraw_until")

    def clean(self) -> dict[str, Any]:
        """Read the days, and refuse times that are in no order."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        try:
            days = [parse_date(text) for text in self.typed_days if text]
        except ValueError:
            days = [None]
        if not days:
            self.add_error("day", gettext("Give at least one day."))
        elif not all(day is not None and 2000 <= day.year <= 9000 for day in days):
            self.add_error("day", gettext("Give each day as a date."))
        cleaned["days"] = [day for day in days if day is not None]
        self._in_order("begins", "ends", gettext("The end comes after the beginning."))
        cleaned["breaks"] = [
            (cleaned[begins], cleaned[ends])
            for begins, ends in (("break_begins", "break_ends"), ("second_begins", "second_ends"))
            if self._is_break(begins, ends)
        ]
        self._in_order("opens_at", "closes_at", gettext("Sign-up closes before it opens."))
        self._take_hours_before(cleaned)
        return cleaned

    def _take_hours_before(self, cleaned: dict[str, Any]) -> None:
        """Note how many hours before each slot sign-up closes; one moment for all is the other way to say it."""
        before, cleaned["closes_hours_before"] = cleaned.get("closes_before"), None
        if before is None:
            return
        if cleaned.get("closes_at") is not None:
            self.add_error(
                "closes_before",
                gettext("Sign-up closes at one moment or so long before each slot: empty one of the two."),
            )
            return
        hours = before * 24 if cleaned.get("closes_unit") == "days" else before
        if hours > MOST_HOURS_BEFORE:
            self.add_error("closes_before", gettext("Sign-up closes 1 to 2000 hours before the exam begins."))
        cleaned["closes_hours_before"] = hours

    def _in_order(self, first: str, last: str, problem: str) -> bool:
        """Return whether there are two values in order; `add_error` takes out what isn't."""
        begins, ends = self.cleaned_data.get(first), self.cleaned_data.get(last)
        if begins is None or ends is None:
            return False
        if begins >= ends:
            self.add_error(last, problem)
            return False
        return True

    def _is_break(self, first: str, last: str) -> bool:
        begins, ends = self.cleaned_data.get(first), self.cleaned_data.get(last)
        if (begins is None) != (ends is None) and not {first, last} & set(self.errors):
            self.add_error(last if ends is None else first, gettext("Give both times of a break, or none."))
            return False
        return self._in_order(first, last, gettext("The end comes after the beginning."))

    def series(self) -> OralSeries:
        """Return what was typed; only of a form that is valid."""
        data = self.cleaned_data
        days: list[date] = data["days"]
        breaks: list[tuple[time, time]] = data["breaks"]
        values: dict[str, Any] = {name: data[name] for name in _ALIKE}
        values["closes_hours_before"] = data["closes_hours_before"]
        values |= {name: clean_line(data[name]) for name in ("title", "place", "examiners")}
        return OralSeries(days=days, breaks=breaks, gap_minutes=data["gap_minutes"] or 0, **values)
