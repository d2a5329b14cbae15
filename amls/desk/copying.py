"""'Another date like this': the form of a new row begins with what a row of the list has, later by so much."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from django.forms.models import model_to_dict
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy
from unfold.decorators import action

from amls.core.keys import primary_key

# By which word an address says which row another is to be like.
_LIKE = "like"


class OffersAnother:
    """Beside an admin of rows that have a course.

    Attributes:
        another_later: how much later the other one is, by the clock of the course: 16:00 stays 16:00.
        another_without: fields that it begins without.
    """

    another_later: ClassVar[timedelta]
    another_without: ClassVar[tuple[str, ...]] = ()
    actions_detail: ClassVar[tuple[str, ...]] = ("make_another",)

    @action(description=gettext_lazy("Another date like this"), url_path="another")
    def make_another(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Lead to a new row that is as this one, later."""
        opts = self.opts  # type: ignore[attr-defined]
        there = reverse(f"admin:{opts.app_label}_{opts.model_name}_add")
        return HttpResponseRedirect(f"{there}?{urlencode({_LIKE: object_id})}")

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Begin with what the other row has, where the address names one of the person's courses."""
        initial: dict[str, Any] = super().get_changeform_initial_data(request)  # type: ignore[misc]
        rows = self.get_queryset(request).select_related("course")  # type: ignore[attr-defined]
        other = rows.filter(pk=primary_key(request.GET.get(_LIKE))).first()
        if other is None:
            return initial
        values = model_to_dict(other, exclude=("id", *self.another_without))
        return initial | {name: self._later(value, other.course.zone) for name, value in values.items()}

    def _later(self, value: Any, zone: ZoneInfo) -> Any:
        if isinstance(value, datetime):
            return (value.astimezone(zone).replace(tzinfo=None) + self.another_later).replace(tzinfo=zone)
        return value + self.another_later if isinstance(value, date) else value
