"""A lecture as its staff change it on the course's own page."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from amls.core.clock import from_wall_clock, to_wall_clock
from amls.core.times import say_date
from amls.core.violations import RuleViolation
from amls.courses.models import Course, Mode
from amls.desk.history import last_change, last_writer
from amls.desk.own_changes import LinesForm, OwnChanges
from lectures.models import Lecture
from lectures.services.chapters import chapter_in, stamp


class LectureForm(OwnChanges, forms.Form):
    """Day, times, place, mode, link and state of a lecture; times in the course's zone, open as long as they are empty."""

    column_of: ClassVar[Mapping[str, str]] = {"start": "starts_at", "end": "ends_at"}

    day = forms.DateField(
        label=_("Day"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    start = forms.TimeField(
        label=_("From"), required=False, widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
    )
    end = forms.TimeField(
        label=_("Until"), required=False, widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
    )
    room = forms.CharField(label=_("Room"), max_length=100, required=False)
    mode = forms.ChoiceField(label=_("Mode"), choices=Mode)
    call_in = forms.URLField(
        label=_("Call-in link"),
        max_length=500,
        required=False,
        help_text=_("Empty: the course's link."),
        assume_scheme="https",
    )
    state = forms.ChoiceField(label=_("State"), choices=Lecture.State)

    def __init__(self, *args: Any, lecture: Lecture, course: Course, **kwargs: Any) -> None:
        starts, ends = (to_wall_clock(at, course.zone) if at else None for at in (lecture.starts_at, lecture.ends_at))
        initial = {
            "day": lecture.held_on,
            "start": starts.time() if starts else None,
            "end": ends.time() if ends else None,
            "room": lecture.room,
            "mode": lecture.mode,
            "call_in": lecture.call_in,
            "state": lecture.state,
        }
        super().__init__(*args, **{**kwargs, "initial": initial, "prefix": f"lecture{lecture.pk}"})
        self.course, self.lecture = course, lecture

    @property
    def changed_row(self) -> Lecture:
        """The lecture."""
        return self.lecture

    def last_change_of(self, name: str) -> tuple[str | None, str]:
        """Return who changed what a field shows, and what is there since; its day is that of its moment, or one without time."""
        if name != "day":
            return super().last_change_of(name)
        changed = last_change(self.lecture, "starts_at" if self.lecture.starts_at else "day")
        return (changed[0] if changed else None), say_date(self.lecture.held_on) if self.lecture.held_on else ""

    def clean(self) -> dict[str, Any]:
        """Turn day and times into instants; the hour that the clocks skip is refused."""
        data = super().clean() or {}
        if self.errors:
            return data
        day, start, end = data["day"], data["start"], data["end"]
        data |= {"starts_at": None, "ends_at": None}
        if start is None and end is None:
            return data
        if day is None:
            raise ValidationError({"day": _("Give the day too, or leave day and times empty while the date is open.")})
        if start is None or end is None:
            field = "start" if start is None else "end"
            raise ValidationError({field: _("Give both times, or leave both empty while the time is open.")})
        data["day"] = None
        if end <= start:
            raise ValidationError({"end": _("It ends before it starts.")})
        for field, clock, target in (("start", start, "starts_at"), ("end", end, "ends_at")):
            try:
                data[target] = from_wall_clock(datetime.combine(day, clock), self.course.zone)
            except RuleViolation as violation:
                self.add_error(field, str(violation.message))
        return data

    def values(self) -> dict[str, Any]:
        """Return the fields of the model as the form says them."""
        names = ("starts_at", "ends_at", "day", "room", "mode", "call_in", "state")
        return {name: self.cleaned_data[name] for name in names}


class ChaptersForm(LinesForm):
    """The chapters of a recording, one per line."""

    lines_in = "chapters"

    chapters = forms.CharField(
        label=_("Chapters"),
        required=False,
        max_length=30_000,
        widget=forms.Textarea(attrs={"rows": 16, "spellcheck": "true"}),
        help_text=_("One per line: time, title and, if you like, the slide, such as '12:30 Operator fusion #23'."),
    )

    def __init__(self, *args: Any, lecture: Lecture, **kwargs: Any) -> None:
        self.lecture = lecture
        super().__init__(*args, **kwargs)

    def read_line(self, line: str) -> tuple[str, str]:
        """Tell a chapter from others by where it begins."""
        chapter = chapter_in(line)
        return (stamp(chapter.seconds), str(chapter)) if chapter is not None else (line, line)

    def who_changed(self, key: str) -> str | None:
        """Return who wrote the chapter that begins where a line does, or took it away."""
        begins = chapter_in(f"{key} x")
        if begins is None:
            return None
        return last_writer(self.lecture, of="lectures.Chapter", seconds=begins.seconds)
