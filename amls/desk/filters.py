"""Filters of lists that several models share."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.utils.translation import gettext_lazy


class KindFilter(admin.SimpleListFilter):
    """Which kind a row is of, where the apps above say what kinds there are: named in words, never by its key.

    Only the kinds that the person's rows are of are offered.
    """

    title = gettext_lazy("kind")
    parameter_name = "kind"

    def label_of(self, kind: str) -> str:
        """Return the kind in words, in the active language."""
        raise NotImplementedError

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        """Return the kinds of the rows that the person may see, by their words."""
        rows = model_admin.get_queryset(request).order_by()
        there = rows.values_list(self.parameter_name, flat=True).distinct()
        return sorted(((kind, self.label_of(kind)) for kind in there), key=lambda choice: choice[1])

    def queryset(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> models.QuerySet[Any]:
        """Return the rows of the chosen kind."""
        return queryset.filter(**{self.parameter_name: self.value()}) if self.value() else queryset
