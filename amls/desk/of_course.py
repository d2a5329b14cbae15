"""Choosing among rows of several courses at the desk: two of one name are told apart by their course."""

from __future__ import annotations

from functools import reduce
from typing import Any

from django import forms
from django.db import models


def with_course(row: models.Model, path: str) -> str:
    """Return a row's name with its course's; `path` is how a query gets there, which was read along."""
    return f"{row} ({reduce(getattr, path.split('__'), row)})"


class OfCourseChoice(forms.ModelChoiceField):  # type: ignore[type-arg]
    """One row of any of several courses: 1 query, however many there are."""

    def __init__(self, queryset: models.QuerySet[Any], *, path: str, **options: Any) -> None:
        self.path = path
        super().__init__(queryset.select_related(path), **options)

    def label_from_instance(self, obj: models.Model) -> str:
        """Say what it is, and of which course."""
        return with_course(obj, self.path)
