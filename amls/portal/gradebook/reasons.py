"""Why what people know was corrected before a table corrected it again: said once more where that is taken back in time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from amls.portal.gradebook.entries import BookField
from exams.models import Registration, Result
from exams.services.pointfile import say_as_before
from projects.models import Membership
from projects.services.corrections import say_member_as_before

# In the record of an import; no field has this key.
WHY = "why"
# By 'e3' of an exam and 'a17' of an assignment.
Reasons = Mapping[str, str]


def reasons_of(people: Collection[int], fields: Iterable[BookField]) -> dict[int, dict[str, str]]:
    """Return why the published points in these fields were corrected last, by enrolment: 2 queries, 1 for each kind of field.

    What was never corrected is there too, with ''.
    """
    touched = list(fields)
    exams = {field.exam.pk for field in touched if field.exam is not None}
    assignments = {field.assignment.pk for field in touched if field.assignment is not None}
    reasons: dict[int, dict[str, str]] = defaultdict(dict)
    if exams:
        results = Result.objects.filter(registration__enrolment__in=people, registration__exam__in=exams)
        rows = results.filter(state=Result.State.PUBLISHED).order_by("registration")
        for person, exam, why in rows.values_list("registration__enrolment", "registration__exam", "correction"):
            reasons[person][f"e{exam}"] = why
    if assignments:
        teams = Membership.objects.filter(enrolment__in=people, project__assignment__in=assignments)
        for row in teams.filter(project__assessment__published_at__isnull=False).select_related("project__assessment"):
            why = row.project.assessment.correction_for(row.enrolment_id)
            reasons[row.enrolment_id][f"a{row.project.assignment_id}"] = why
    return reasons


def say_again(enrolment: int, reasons: Reasons, *, now: datetime) -> None:
    """Let a person read of their points what they read before a correction that nobody was told of.

    Args:
        enrolment: the person's.
        reasons: as `reasons_of` returned them before the correction.
        now: the request's clock.
    """
    for key, why in reasons.items():
        kind, pk = key[0], int(key[1:])
        if kind == "e":
            newest = Registration.objects.filter(enrolment=enrolment, exam=pk).order_by("pk").last()
            if newest is not None:
                say_as_before(registration_pk=newest.pk, correction=why, now=now)
        else:
            say_member_as_before(enrolment=enrolment, assignment=pk, correction=why, now=now)
