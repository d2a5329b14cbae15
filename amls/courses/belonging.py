"""Rows that belong to a course and point to other rows: both must be of the same course."""

from typing import Any

import pgtrigger
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from amls.core.triggers import owner, refuses


def require_own_course(row: Any, field: str, *, error_field: str | None = None) -> None:
    """Refuse, in a model's `clean`, that a row points to one of another course.

    Args:
        row: has a `course`.
        field: the foreign key, to a model that has a `course` too; may be empty.
        error_field: the form's field that the error belongs to; none where not every form has it.

    Raises:
        ValidationError: the two courses differ.
    """
    if row.course_id is None or getattr(row, f"{field}_id") is None:
        return
    other = getattr(row, field)
    if other.course_id != row.course_id:
        message = _("'%(other)s' belongs to %(theirs)s, not to %(ours)s. Choose one of the same course.")
        error = ValidationError(
            message % {"other": other, "theirs": other.course, "ours": row.course}, code="other-course"
        )
        raise ValidationError({error_field: error}) if error_field else error


def of_same_course(name: str, field: str = "enrolment", table: str = "courses_enrolment") -> pgtrigger.Trigger:
    """Return a trigger by which the database refuses a row that points to one of another course; see `of_same`."""
    return of_same("course", name, field, table)


def of_same(what: str, name: str, field: str, table: str) -> pgtrigger.Trigger:
    """Return a trigger by which the database refuses a row that points to one which belongs elsewhere.

    Args:
        what: both belong to, such as 'course': the foreign key of either.
        name: of the trigger; the error says it.
        field: the foreign key; may be empty.
        table: where it points to.
    """
    where = f"({owner(what, table, field)}) <> NEW.{what}_id"
    return refuses(name, where=where, because=f"the {field} is one in another {what}.")
