"""By whose clock the desk reads and shows moments: that of the course which a form chooses, or of which a row is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property
from typing import Any

from django import forms
from django.utils import timezone

from amls.courses.models import Course

# The column that names the zone of each row, where a list has rows of several zones.
ZONE_COLUMN = "time_zone"


def are_in_several_zones(courses: Iterable[Course]) -> bool:
    """Return whether the clocks of these courses differ."""
    return len({course.timezone for course in courses}) > 1


def with_zone(course: Course) -> str:
    """Return a course's name with its zone."""
    return f"{course} ({course.timezone})"


def by_the_clock_of(course: Course | None) -> AbstractContextManager[object]:
    """Read and show moments in a course's zone for a while; without a course nothing changes."""
    return timezone.override(course.zone) if course is not None else nullcontext()


def moments_in(fields: Mapping[str, forms.Field]) -> list[str]:
    """Return the names of the fields of a form that are moments."""
    return [name for name, field in fields.items() if isinstance(field, forms.DateTimeField | forms.SplitDateTimeField)]


def read_by_own_clocks(form: type[Any], course_of: Callable[[Any], Course | None]) -> type[Any]:
    """Return a class of forms of rows in a list that reads each in the zone of its row's course.

    Args:
        form: the class of model forms.
        course_of: returns the course of a row.
    """

    class FormByOwnClock(form):  # type: ignore[misc]
        def full_clean(self) -> None:
            with by_the_clock_of(course_of(self.instance)):
                super().full_clean()

        @cached_property
        def changed_data(self) -> list[str]:
            with by_the_clock_of(course_of(self.instance)):
                changed: list[str] = super().changed_data
                return changed

    return FormByOwnClock
