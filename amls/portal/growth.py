"""What grows, and how long it is kept: every table is purged, or is kept for a reason that stands here."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import connection
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from amls.privacy.registry import retentions

_COURSE = "what a course was is its archive, and there are few of them"
_SET_UP = "how a course is set up: a few rows for each"
_PERSON = "an account's own: it goes with the account"
_ONE_EACH = "one row for each of what it belongs to, and goes with that"

# Tables that no purge shrinks, and why none has to.
KEPT: dict[str, str] = {
    **dict.fromkeys(
        ("courses.Course", "lectures.Lecture", "lectures.Part", "exams.Exam", "mail.Announcement"), _COURSE
    ),
    **dict.fromkeys(
        ("lectures.Deadline", "lectures.FreeDay", "lectures.OfficeHour", "lectures.OfficeHourException"), _COURSE
    ),
    **dict.fromkeys(
        (
            "courses.CourseAddress",
            "courses.WeeklySlot",
            "courses.StaffMember",
            "mail.MailSettings",
            "mail.ReminderRule",
        ),
        _SET_UP,
    ),
    **dict.fromkeys(
        (
            "projects.Assignment",
            "projects.Task",
            "projects.CommentSnippet",
            "projects.MentorLimit",
            "grading.Roll",
            "exams.ExamRules",
            "exams.ExamTask",
            "exams.GradeStep",
            "exams.Room",
            "portal.Upstream",
        ),
        _SET_UP,
    ),
    **dict.fromkeys(
        ("courses.User", "account.EmailAddress", "account.EmailConfirmation", "mfa.Authenticator"), _PERSON
    ),
    **dict.fromkeys(
        (
            "courses.User_groups",
            "courses.User_user_permissions",
            "socialaccount.SocialAccount",
            "socialaccount.SocialToken",
        ),
        _PERSON,
    ),
    **dict.fromkeys(
        ("lectures.Material", "lectures.Extraction", "lectures.Passage", "lectures.Chapter", "projects.Handout"),
        _ONE_EACH,
    ),
    "lectures.WordList": "each word of a course's slides once",
    "projects.Topic": "offered again by the next term; students' own go with their course's people",
    "agenda.AgendaItem": "a row for each date; what was cancelled goes after 90 days, a person's with the person",
    "portal.LegalPage": "one row for each page and language",
    "mail.Pulse": "one row for each thing that is noted",
    "core.KeyPrint": "one row for each key that this installation ever had",
    "files.StorageMark": "one row for the installation",
    "files.MissingFile": "a row only as long as a file is missing",
    "socialaccount.SocialApp": "one row for each provider of sign-in, if any",
    "auth.Group": "Django's own: not used here",
    "auth.Group_permissions": "Django's own: not used here",
    "auth.Permission": "Django's own: one row for each table and act",
    "contenttypes.ContentType": "Django's own: one row for each table",
}

# Whose history tells how something was set up: it has a period of its own. All other histories go with the people.
_SET_UP_HISTORIES = {
    "courses.Course", "courses.StaffMember", "courses.User", "courses.WeeklySlot", "exams.Exam", "exams.ExamRules",
    "exams.ExamTask", "exams.GradeStep", "exams.Room", "lectures.Chapter", "lectures.Deadline", "lectures.FreeDay", "lectures.Lecture", "lectures.Material",
    "lectures.MaterialFile", "lectures.OfficeHour", "lectures.OfficeHourException", "lectures.Part", "mail.Announcement",
    "grading.Roll", "mail.ReminderRule", "portal.LegalPage", "projects.Assignment", "projects.CommentSnippet", "projects.Handout",
    "projects.HandoutFile", "projects.MentorLimit", "projects.Task", "projects.Topic",
}  # fmt: skip


def histories() -> list[Any]:
    """Return all tables of histories."""
    return [model for model in apps.get_models() if hasattr(model, "pgh_tracked_model")]


def set_up_histories() -> list[Any]:
    """Return those that tell how something was set up, not what somebody did or got."""
    return [model for model in histories() if model.pgh_tracked_model._meta.label in _SET_UP_HISTORIES]  # noqa: SLF001 - Django's public name for it


HISTORY_YEARS = format_lazy(_("{years} years"), years=f"{settings.KEEP_HISTORY_YEARS:g}")


@dataclass(frozen=True, slots=True)
class TableSize:
    """A table, how large it is, and how long it keeps what.

    Attributes:
        label: of its model, such as 'mail.Notice'.
        rows: about how many, as PostgreSQL has counted last.
        size: in bytes, with its indexes.
        kept: for how long, or why for ever.
    """

    label: str
    rows: int
    size: int
    kept: str


def purged() -> dict[str, str]:
    """Return the labels of tables that a purge shrinks, and for how long each keeps its rows, in words."""
    periods = {label: str(kind.period) for kind in retentions() for label in kind.tables}
    people = next(kind for kind in retentions() if kind.name == "courses.enrolments")
    set_up = set(set_up_histories())
    for model in histories():
        periods[model._meta.label] = str(HISTORY_YEARS if model in set_up else people.period)  # noqa: SLF001 - as above
    return periods


def table_sizes() -> Iterator[TableSize]:
    """Yield every table of the site, the largest first: 1 query."""
    kept = {**KEPT, **purged()}
    labels = {model._meta.db_table: model._meta.label for model in apps.get_models(include_auto_created=True)}  # noqa: SLF001
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, greatest(reltuples, 0)::bigint, pg_total_relation_size(oid) FROM pg_class "
            "WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 3 DESC, 1"
        )
        for name, rows, size in cursor.fetchall():
            if name in labels:
                yield TableSize(labels[name], rows, size, kept.get(labels[name], ""))
