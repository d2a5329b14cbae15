"""What staff type to move the remaining sessions of a weekly time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from amls.core.keys import primary_key
from amls.core.text import clean_line
from amls.courses.models import Mode, Weekday
from lectures.models import Lecture
from lectures.services.slots import OnFree, SlotMove, named
from lectures.timetable import SlotSession, WeeklyTime

_AS_IT_IS = _("as it is")
# What says something of where or when; one of them at least.
_NEW = ("weekday", "start", "minutes", "room", "mode", "call_in")
SEEN = "_seen_sessions"


class SlotMoveForm(forms.Form):
    """Which sessions move, and what is another then; what stays empty stays as it is.

    Attributes:
        offered: the sessions that the page shows.
    """

    weekday = forms.TypedChoiceField(
        label=_("Weekday"),
        required=False,
        coerce=int,
        empty_value=None,
        choices=[("", _AS_IT_IS), *Weekday.choices],
        help_text=_("Each session stays in its week."),
    )
    start = forms.TimeField(
        label=_("From"),
        required=False,
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        input_formats=["%H:%M", "%H:%M:%S", "%H.%M"],
    )
    minutes = forms.IntegerField(label=_("Length in minutes"), required=False, min_value=5, max_value=720)
    room = forms.CharField(label=_("Room"), required=False, max_length=100)
    mode = forms.ChoiceField(label=_("Mode"), required=False, choices=[("", _AS_IT_IS), *Mode.choices])
    call_in = forms.URLField(label=_("Call-in link"), required=False, max_length=500, assume_scheme="https")
    follows = forms.BooleanField(
        label=_("The course's page says the new weekly time"),
        required=False,
        initial=True,
        help_text=_("At once. Untick it where the sessions move for some weeks only."),
    )
    # Several have this name: see `ticked`.
    sessions = forms.CharField(label=_("Sessions"), required=False)

    def __init__(self, data: Any = None, *, weekly: WeeklyTime, offered: Sequence[SlotSession]) -> None:
        super().__init__(data)
        self.weekly, self.offered = weekly, offered
        if weekly.slot is None:
            del self.fields["follows"]

    @property
    def new_fields(self) -> list[forms.BoundField]:
        """Return the fields that say what is another."""
        return [self[name] for name in _NEW]

    @property
    def rows(self) -> list[tuple[SlotSession, bool]]:
        """Return the sessions, each with whether it is ticked."""
        ticked = self.ticked
        return [
            (row, row.lecture.pk in ticked if ticked is not None and row.can_move else row.is_ticked)
            for row in self.offered
        ]

    @property
    def ticked(self) -> set[int] | None:
        """Return the keys of the sessions that were ticked; None before anything was sent."""
        if not self.is_bound:
            return None
        sent: Any = self.data
        return {pk for text in sent.getlist("sessions") if (pk := primary_key(text))}

    @property
    def seen(self) -> dict[int, str]:
        """Return by key what named each of the sessions that the page showed."""
        parts = (part.partition(":") for part in self.data.get(SEEN, "").split())
        return {pk: name for text, _colon, name in parts if (pk := primary_key(text))}

    @property
    def shown(self) -> str:
        """Return what the page sends along of the sessions that it shows."""
        return " ".join(f"{row.lecture.pk}:{named(row.lecture)}" for row in self.offered)

    def changed_since(self) -> list[Lecture]:
        """Return the ticked sessions that are not as the page showed them any more."""
        seen, ticked = self.seen, self.ticked or set()
        return [
            row.lecture
            for row in self.offered
            if row.lecture.pk in ticked and seen.get(row.lecture.pk) not in (None, named(row.lecture))
        ]

    def clean_room(self) -> str:
        """Take it in one line."""
        return clean_line(self.cleaned_data["room"])

    def clean_sessions(self) -> set[int]:
        """Refuse to move nothing, or what can't be."""
        ticked, can_move = self.ticked or set(), {row.lecture.pk for row in self.offered if row.can_move}
        if not ticked:
            raise forms.ValidationError(gettext("Tick at least one session."))
        if not ticked <= can_move:
            raise forms.ValidationError(
                gettext("A ticked session is not to come any more, or was removed. Look at the list again.")
            )
        return ticked

    def clean(self) -> dict[str, Any]:
        """Refuse to change nothing, and what contradicts itself."""
        data = super().clean() or self.cleaned_data
        if not any(name in self.errors or data.get(name) not in (None, "") for name in _NEW):
            self.add_error("weekday", gettext("Say what is another: the weekday, the time, the place or the link."))
        if data.get("mode") == Mode.VIRTUAL and data.get("room"):
            self.add_error("room", gettext("What is held online only has no room. Leave one of the two as it is."))
        if data.get("mode") == Mode.IN_PERSON and data.get("call_in"):
            self.add_error(
                "call_in", gettext("What is held in person has no call-in link. Leave one of the two as it is.")
            )
        return data

    def move(self) -> SlotMove:
        """Return what was asked for; only of a form that is valid."""
        data = self.cleaned_data
        slot = self.weekly.slot if data.get("follows") else None
        return SlotMove(
            sessions=data["sessions"],
            **{name: data[name] if data[name] not in (None, "") else None for name in _NEW},
            on_free=dict(self._on_free()),
            slot=slot.pk if slot is not None else None,
        )

    def _on_free(self) -> Iterator[tuple[int, OnFree]]:
        for row in self.offered:
            choice = self.data.get(f"free-{row.lecture.pk}")
            if choice in OnFree.values:
                yield row.lecture.pk, OnFree(choice)
