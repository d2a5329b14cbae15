"""Everyone's standing in a course, joined from what the apps know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.utils.translation import gettext as _

from amls.courses.eligibility import Finding, Verdict, evaluate, extra_points_of
from amls.courses.models import Course, Enrolment, Role
from amls.files.tables.writing import Cell
from projects.models import Outcome
from projects.queries import StudentResult, results_of
from projects.states import ProjectState

# The kind of its exports.
GRADEBOOK = "portal.gradebook"


@dataclass(frozen=True, slots=True)
class Standing:
    """One student.

    Attributes:
        points: published extra points, at most what the course gives.
        findings: what the rules of admission say.
    """

    enrolment: Enrolment
    project: StudentResult
    points: Decimal
    findings: list[Finding]

    @property
    def state(self) -> ProjectState:
        """How the student stands with their project, as published."""
        return self.project.state

    @property
    def draft(self) -> str:
        """The decision that is not published yet, in words; '' without."""
        return str(Outcome(self.project.draft).label) if self.project.draft else ""

    @property
    def verdict(self) -> Verdict:
        """What the rules say together: the worst of them."""
        verdicts = {finding.verdict for finding in self.findings}
        return next((worst for worst in (Verdict.UNMET, Verdict.PENDING) if worst in verdicts), Verdict.MET)


def standings(course: Course, *, now: datetime, search: str = "", state: str = "", verdict: str = "") -> list[Standing]:
    """Return the students of a course by name: a fixed number of queries, however many.

    Args:
        course: whose they are.
        now: the request's clock.
        search: words, each in the name, the address or the matriculation number.
        state: only those who stand so.
        verdict: only those of whom the rules say so.
    """
    rows = Enrolment.objects.filter(course=course, role=Role.STUDENT).select_related("user")
    if search:
        rows = rows.found_by(search)
    people = list(rows.order_by("user__sort_name", "pk"))
    for person in people:
        person.course = course
    results, findings = results_of(course, people), evaluate(course, people, now=now)
    points = extra_points_of(course, people)
    everyone = [Standing(person, results[person.pk], points[person.pk], findings[person.pk]) for person in people]
    return [
        standing
        for standing in everyone
        if (not state or standing.state == state) and (not verdict or standing.verdict == verdict)
    ]


def sheet_of(rows: Sequence[Standing]) -> tuple[list[str], list[list[Cell]]]:
    """Return the gradebook as a table: headers and rows."""
    headers = [
        _("name"), _("e-mail"), _("matriculation number"), _("project"), _("topic"), _("state"),
        _("not published yet"), _("extra points"), _("admission"), _("what the rules say"),
    ]  # fmt: skip
    return headers, [
        [
            str(row.enrolment.user),
            row.enrolment.user.email,
            row.enrolment.number,
            row.project.team.project.pk if row.project.team else "",
            row.project.team.project.title if row.project.team else "",
            str(row.state.label),
            row.draft,
            row.points,
            row.verdict.value,
            "; ".join(finding.for_staff for finding in row.findings),
        ]
        for row in rows
    ]
