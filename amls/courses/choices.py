"""What fields of courses and of what hangs on them may hold."""

from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from amls.core.constraints import RowCheck


class Role(models.TextChoices):
    """What a person is in a course."""

    STUDENT = "student", _("Student")
    ASSISTANT = "assistant", _("Teaching assistant")
    LECTURER = "lecturer", _("Lecturer")


STAFF_ROLES = (Role.ASSISTANT, Role.LECTURER)


class SessionKind(models.TextChoices):
    """What a session of a course is; each kind counts its numbers by itself."""

    LECTURE = "lecture", _("Lecture")
    EXERCISE = "exercise", _("Exercise")
    LAB = "lab", _("Lab")
    TUTORIAL = "tutorial", _("Tutorial")
    SEMINAR = "seminar", _("Seminar")
    OTHER = "other", _("Session")


class Mode(models.TextChoices):
    """How a session is held."""

    IN_PERSON = "in_person", _("In person")
    HYBRID = "hybrid", _("In person and online")
    VIRTUAL = "virtual", _("Online only")


class Weekday(models.IntegerChoices):
    """Days as `date.weekday()` counts them."""

    MONDAY = 0, _("Monday")
    TUESDAY = 1, _("Tuesday")
    WEDNESDAY = 2, _("Wednesday")
    THURSDAY = 3, _("Thursday")
    FRIDAY = 4, _("Friday")
    SATURDAY = 5, _("Saturday")
    SUNDAY = 6, _("Sunday")


class Audience(models.TextChoices):
    """Who may see something."""

    PUBLIC = "public", _("Everyone")
    ENROLLED = "enrolled", _("Enrolled people")


class Language(models.TextChoices):
    """The languages of the interface and of mail."""

    ENGLISH = "en", _("English")
    GERMAN = "de", _("German")


def choices_hold(name: str, field: str, values: list[Any]) -> RowCheck:
    """Return a constraint by which the database keeps to a field's choices."""
    return RowCheck(
        name=name,
        condition=Q(**{f"{field}__in": values}),
        violation_error_message=_("Choose one of the offered values."),
    )
