"""Seats and results as they are released and published a few minutes later: as they were seen, or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from amls.core.decimals import say_decimal, say_grade
from amls.core.preview import seal_of_shown
from amls.core.violations import RuleViolation
from amls.courses.models import User
from amls.held.models import HeldAct
from exams.admission import Admission, without_admission
from exams.models import Registration, Result
from exams.services.results import publish_results
from exams.services.seating import release_seats

SEATS, RESULTS = "exams.seats", "exams.results"

# A person, and what they see from then on.
Seen = tuple[str, str]


def released(*, exam_pk: int, now: datetime) -> list[Seen]:
    """Release the seats, and return who sees which.

    Raises:
        RuleViolation: as `release_seats`.
    """
    release_seats(exam_pk=exam_pk, now=now)
    rows = Registration.objects.holding().filter(exam=exam_pk).select_related("enrolment__user", "seat__room")
    return [(str(row.enrolment.user), str(row.seat)) for row in rows.order_by("enrolment__user__sort_name", "pk")]


def published(*, exam_pk: int, by: User | None, now: datetime) -> list[Seen]:
    """Publish the drafts, and return who sees which points and grade, and how the admission of those stands who are not admitted.

    Raises:
        RuleViolation: as `publish_results`.
    """
    drafts = list(Registration.objects.filter(exam=exam_pk, result__state="draft").values_list("pk", flat=True))
    publish_results(exam_pk=exam_pk, by=by, now=now)
    rows = list(Registration.objects.with_people().filter(pk__in=drafts).select_related("result").by_name())
    without = without_admission(rows[0].course, rows, now=now) if rows else {}
    return [(str(row.enrolment.user), _say_result(row.result, without.get(row.pk))) for row in rows]


def _say_result(result: Result, without: Admission | None) -> str:
    if result.points is None:
        said = _("grade %(grade)s") % {"grade": "" if result.grade is None else say_grade(result.grade)}
        return said if without is None else f"{said} · {without.label}"
    said = _("%(points)s points, grade %(grade)s") % {
        "points": say_decimal(result.points),
        "grade": "" if result.grade is None else say_grade(result.grade),
    }
    if result.extra_points:
        said = _("%(result)s, with %(points)s extra points") % {
            "result": said,
            "points": say_decimal(result.extra_points),
        }
    return said if without is None else f"{said} · {without.label}"


def seal_seen(rows: Sequence[Seen]) -> str:
    """Return what names what was seen, in whatever language."""
    digits = [(person, "".join(letter for letter in what if letter.isdigit())) for person, what in rows]
    return seal_of_shown(digits)


def release_as_seen(act: HeldAct, now: datetime) -> str:
    """Release the seats that somebody wanted released.

    Raises:
        RuleViolation: they are others by now, or as `release_seats`.
    """
    with transaction.atomic():
        rows = released(exam_pk=act.references["exam"], now=now)
        if seal_seen(rows) != act.references["seal"]:
            raise RuleViolation(
                _("Seats or people changed meanwhile. Look at them, and release them again."), code="changed-meanwhile"
            )
    count = len(rows)
    return ngettext("%(count)d person sees their seat now.", "%(count)d people see their seats now.", count) % {
        "count": count
    }


def publish_as_seen(act: HeldAct, now: datetime) -> str:
    """Publish the results that somebody wanted published.

    Raises:
        RuleViolation: they are others by now, or as `publish_results`.
    """
    with transaction.atomic():
        rows = published(exam_pk=act.references["exam"], by=act.by, now=now)
        if seal_seen(rows) != act.references["seal"]:
            raise RuleViolation(
                _("Points, extra points or the grade table changed meanwhile. Look at them, and publish again."),
                code="changed-meanwhile",
            )
    count = len(rows)
    return ngettext("%(count)d result is published.", "%(count)d results are published.", count) % {"count": count}
