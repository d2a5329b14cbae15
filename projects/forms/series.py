"""The desk's form for a series of assignments."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from amls.courses.models import Course
from projects.forms.staff import ZonedForm
from projects.models import Assignment


class SeriesForm(ZonedForm):
    """Numbers, the first date, and what holds for all of them."""

    course = forms.ModelChoiceField(Course.objects.none(), label=_("Course"), empty_label=None)
    name = forms.CharField(
        label=_("Name"), max_length=100, help_text=_("Such as 'Sheet': the titles are it with a number.")
    )
    first = forms.IntegerField(label=_("From number"), min_value=0, max_value=999, initial=1)
    last = forms.IntegerField(label=_("To number"), min_value=0, max_value=999, initial=12)
    due = forms.DateTimeField(
        label=_("The first is due"),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )
    open_days = forms.IntegerField(
        label=_("Each opens days before"), min_value=0, max_value=365, required=False, help_text=_("Empty: at once.")
    )
    teaming = forms.ChoiceField(label=_("Teams"), choices=Assignment.Teaming.choices, initial=Assignment.Teaming.KEPT)
    team_max = forms.IntegerField(label=_("Largest team"), min_value=1, max_value=50, initial=2)
    hand_in = forms.ChoiceField(label=_("Handed in as"), choices=Assignment.HandIn.choices)
    max_points = forms.DecimalField(
        label=_("Most points"), min_value=0, max_digits=6, decimal_places=2, required=False, help_text=_("Of each.")
    )
    pass_percent = forms.IntegerField(
        label=_("Pass mark in percent"),
        min_value=1,
        max_value=100,
        initial=50,
        help_text=_(
            "Of the most points, where they give any. With 1 whoever got a few points has passed: so a rule can ask how "
            "many were handed in."
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["due"].help_text = gettext("In %(zone)s; the others a week later each.") % {"zone": self.zone_name}

    def clean_due(self) -> datetime | None:
        """Take the time as the course's clock shows it."""
        return self.instant(self.cleaned_data["due"])

    def clean_name(self) -> str:
        """Take it without spaces around it."""
        return str(self.cleaned_data["name"]).strip()

    def numbers(self) -> dict[str, Any]:
        """Return what `plan_series` takes."""
        data = self.cleaned_data
        return {name: data[name] for name in ("name", "first", "last", "open_days")} | {"due_at": data["due"]}

    def values(self) -> dict[str, Any]:
        """Return the fields that hold for all."""
        data = self.cleaned_data
        points = data["max_points"]
        return {
            "teaming": data["teaming"],
            "team_max": 1 if data["teaming"] == Assignment.Teaming.ALONE else data["team_max"],
            "hand_in": data["hand_in"],
            "grading": Assignment.Grading.POINTS if points else Assignment.Grading.PASSED,
            "max_points": points or None,
            "pass_percent": data["pass_percent"],
        }
