"""Files of an assignment, as the staff put them online."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from amls.core.clock import to_wall_clock
from amls.desk.own_changes import OwnChanges
from amls.files.checks import file_bounds
from projects.forms.pages import WallClockField
from projects.forms.staff import ZonedForm
from projects.models import Handout


class ManyFilesInput(forms.FileInput):
    """A field into which several files are dropped at once."""

    allow_multiple_selected = True

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[Any]:
        """Return all files that were chosen."""
        chosen: list[Any] = files.getlist(name)
        return chosen


class ManyFilesField(forms.FileField):
    """Any number of files."""

    def clean(self, data: Any, initial: Any = None) -> list[Any]:
        """Return the files; none where none was chosen."""
        return [super(ManyFilesField, self).clean(file) for file in data or []]


class _DatedForm(ZonedForm):
    visible_from = WallClockField(
        label=_("Visible from"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"],
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["visible_from"].help_text = gettext(
            "In %(zone)s. Empty: as soon as the assignment is. Before that only the staff see it."
        ) % {"zone": self.zone.key}

    def clean_visible_from(self) -> datetime | None:
        """Take the time as the course's clock shows it."""
        return self.instant(self.cleaned_data["visible_from"])


class NewHandoutsForm(_DatedForm):
    """Files that are put online together, or one that is only announced."""

    uploads = ManyFilesField(label=_("Files"), required=False, widget=ManyFilesInput(attrs={"multiple": True}))
    title = forms.CharField(
        label=_("Title"), required=False, max_length=200,
        help_text=_("Empty: as the file is called. A title without a file announces it."),
    )  # fmt: skip
    field_order = ["uploads", "title", "visible_from"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["uploads"].widget.attrs.update(file_bounds(settings.MAX_MATERIAL_BYTES))

    def clean(self) -> dict[str, Any]:
        """Ask for something."""
        data = super().clean() or {}
        if not self.errors and not data.get("uploads") and not data.get("title"):
            self.add_error("uploads", gettext("Choose a file first."))
        return data


class HandoutForm(OwnChanges, _DatedForm):
    """A file of an assignment that is there: its title, from when it is seen, and a new version."""

    title = forms.CharField(label=_("Title"), max_length=200)
    file = forms.FileField(label=_("New version"), required=False, help_text=_("A new version keeps the address."))
    field_order = ["title", "visible_from", "file"]

    def __init__(self, data: Any = None, files: Any = None, *, handout: Handout, **kwargs: Any) -> None:
        seen = handout.visible_from
        initial = {
            "title": handout.title,
            "visible_from": to_wall_clock(seen, kwargs["zone"]) if seen is not None else None,
        }
        super().__init__(data, files, initial=initial, auto_id=f"id_{handout.pk}_%s", **kwargs)
        self.handout = handout
        self.fields["file"].widget.attrs.update(file_bounds(settings.MAX_MATERIAL_BYTES))

    @property
    def changed_row(self) -> Handout:
        """The file."""
        return self.handout

    def stands_at(self, name: str) -> Any:
        """Return a value as it is kept: a moment, where the field shows a clock's time."""
        return self.handout.visible_from if name == "visible_from" else super().stands_at(name)
