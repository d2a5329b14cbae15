"""Choosing a person at the desk: two of one name are told apart, however many there are to choose from."""

from __future__ import annotations

from typing import Any

from django import forms

from amls.courses.managers import EnrolmentQuerySet
from amls.courses.models import Enrolment, User


def who(user: User) -> str:
    """Return a person's name, with the matriculation number and the address that tell two of one name apart."""
    return " · ".join(filter(None, [str(user), user.matriculation_number, user.email]))


class AccountChoice(forms.ModelChoiceField):  # type: ignore[type-arg]
    """One account."""

    def label_from_instance(self, obj: User) -> str:
        """Say who it is."""
        return who(obj)


class PersonChoice(forms.ModelChoiceField):  # type: ignore[type-arg]
    """One person in a course whose account is not deleted: 1 query, however many there are."""

    def __init__(self, queryset: EnrolmentQuerySet, **options: Any) -> None:
        rows = queryset.present().select_related("user", "course")
        super().__init__(rows.order_by("course", "user__display_name", "user__email", "pk"), **options)

    def label_from_instance(self, obj: Enrolment) -> str:
        """Say who it is, and in which course."""
        return f"{who(obj.user)} · {obj.course.slug}"
