"""Forms of students about their projects."""

import re
import uuid
from datetime import MAXYEAR, MINYEAR, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from amls.core.clock import from_wall_clock
from amls.core.violations import RuleViolation


class TeamForm(forms.Form):
    """Teammates to invite when a project is registered."""

    emails = forms.CharField(
        label=_("E-mail addresses of your teammates"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("One on each line. They get a mail with which they join; they need no account yet."),
    )

    def addresses(self) -> list[str]:
        """Return the addresses, each once."""
        # As mail programs copy them: 'Şahin Größe <sahin@example.org>, …' is one address and another.
        typed = re.sub(r"[^,;<>@\n]*<([^<>]*)>", r" \1 ", self.cleaned_data["emails"])
        words = typed.replace(",", " ").replace(";", " ").split()
        return list(dict.fromkeys(words))


class InviteForm(forms.Form):
    """One more teammate."""

    email = forms.CharField(
        label=_("E-mail address"), max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "off"})
    )


class SeekingForm(forms.Form):
    """A short note of somebody who looks for teammates."""

    text = forms.CharField(
        label=_("What you can do, what you want to work on"), max_length=300, widget=forms.Textarea(attrs={"rows": 2})
    )


class IdeaForm(forms.Form):
    """An own idea for the staff to decide on."""

    title = forms.CharField(label=_("Title"), max_length=300)
    description = forms.CharField(
        label=_("What you want to do, with which data and tools, and how one will see that it works"),
        widget=forms.Textarea(attrs={"rows": 8}),
        help_text=_("Markdown."),
        max_length=20000,
    )
    team_max = forms.IntegerField(label=_("How many of you"), min_value=1, max_value=10, initial=1)


class WallClockField(forms.DateTimeField):
    """A time as a clock on the wall shows it; the form knows in which zone."""

    def to_python(self, value: Any) -> datetime | None:
        """Return the naive time: Django's own would refuse an hour that comes twice and fall over the year 1."""
        if value in self.empty_values:
            return None
        if isinstance(value, datetime):
            return value
        typed = forms.fields.BaseTemporalField.to_python(self, str(value))
        if not isinstance(typed, datetime) or typed.year in (MINYEAR, MAXYEAR):
            # The same instant may have no date in another zone.
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        return typed


class ExtensionForm(forms.Form):
    """A wish for more time."""

    reason = forms.CharField(
        label=_("Why you need more time"),
        widget=forms.Textarea(attrs={"rows": 4}),
        max_length=2000,
        help_text=_("Only the course's staff read it."),
    )
    wanted_until = WallClockField(
        label=_("Until when"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"],
    )

    def __init__(self, *args: Any, zone: ZoneInfo, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.zone = zone
        self.fields["wanted_until"].help_text = gettext("In %(zone)s.") % {"zone": zone.key}

    def clean_wanted_until(self) -> datetime | None:
        """Take the time as the course's clock shows it; a time that it skips is refused."""
        value: datetime | None = self.cleaned_data["wanted_until"]
        if value is None:
            return None
        try:
            return from_wall_clock(value, self.zone)
        except RuleViolation as violation:
            raise ValidationError(str(violation.message)) from violation


class HandInForm(forms.Form):
    """What goes with the files of a hand-in, and what is wrong with these: the view takes them as they were sent."""

    repository_url = forms.URLField(
        label=_("Address of your repository"), required=False, max_length=500, assume_scheme="https"
    )
    commit = forms.CharField(
        label=_("Commit that counts"), required=False, max_length=64, help_text=_("Its hash, such as 4f2a91c.")
    )
    comment = forms.CharField(
        label=_("Comment for the assessor"), required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 3})
    )
    request_key = forms.UUIDField(widget=forms.HiddenInput)
    ticket = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "initial": {"request_key": uuid.uuid4(), **kwargs.get("initial", {})}})
        # Django's forms have something else of this name.
        field = forms.FileField(label=_("Files"), required=False, widget=forms.FileInput(attrs={"id": "files"}))
        self.fields["files"] = field

    def clean(self) -> dict[str, Any]:
        """Return all but the files."""
        return {name: value for name, value in self.cleaned_data.items() if name != "files"}
