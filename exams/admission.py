"""Admission: facts, and decisions about them.

The rules of a course say what is; a decision says what holds. Once somebody is admitted,
a later change of the facts takes nothing away by itself: only another decision does, with
a reason and a mail.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache

from django.utils.translation import gettext_lazy as _

from amls.core.statements import ModelStatement, Parameter, is_among
from amls.courses.eligibility import Finding, Verdict, evaluate
from amls.courses.models import Course, Enrolment
from exams.models import AdmissionDecision, Registration


class AdmissionState(StrEnum):
    """How a person's admission stands."""

    ADMITTED = "admitted"
    PENDING = "pending"
    NOT_YET = "not_yet"
    REFUSED = "refused"


LABELS = {
    AdmissionState.ADMITTED: _("Admitted"),
    AdmissionState.PENDING: _("Admission pending"),
    AdmissionState.NOT_YET: _("Not admitted yet"),
    AdmissionState.REFUSED: _("Not admitted"),
}


@dataclass(frozen=True, slots=True)
class Admission:
    """A person's admission to the exams of a course.

    Attributes:
        state: what holds now.
        findings: what each rule found, met or not.
        decision: the newest decision, if there is one that still counts.
    """

    state: AdmissionState
    findings: tuple[Finding, ...]
    decision: AdmissionDecision | None

    @property
    def label(self) -> str:
        """The state in words."""
        return str(LABELS[self.state])

    @property
    def missing(self) -> list[Finding]:
        """What is not met yet."""
        return [finding for finding in self.findings if finding.verdict != Verdict.MET]

    @property
    def is_admitted(self) -> bool:
        """Whether the person may sit the exam."""
        return self.state == AdmissionState.ADMITTED

    @property
    def is_contradicted(self) -> bool:
        """Whether the rules decided on an admission whose facts have changed since: staff decide."""
        return self.is_admitted and self.decision is not None and not self.decision.is_by_hand and bool(self.missing)


def admissions_of(course: Course, enrolments: Iterable[Enrolment], *, now: datetime) -> dict[int, Admission]:
    """Return everyone's admission by enrolment pk: one query more than the rules need.

    Args:
        course: to whose exams.
        enrolments: people of the course, each with its user loaded.
        now: aware; handed to the rules.
    """
    people = list(enrolments)
    findings = evaluate(course, people, now=now)
    newest: dict[int, AdmissionDecision] = {}
    for decision in _decisions().read({"course": course.pk, "people": [person.pk for person in people]}):
        newest[decision.enrolment_id] = decision
    return {key: _judge(theirs, newest.get(key)) for key, theirs in findings.items()}


@cache
def _decisions() -> ModelStatement[AdmissionDecision]:
    theirs = is_among("enrolment_id", Parameter("people"))
    return ModelStatement.of(AdmissionDecision.objects.filter(theirs, course=Parameter("course")).order_by("pk"))


def without_admission(course: Course, registrations: Iterable[Registration], *, now: datetime) -> dict[int, Admission]:
    """Return how the admission of those stands who are not admitted, by registration: as many queries as `admissions_of`.

    Args:
        course: to whose exams.
        registrations: each with its enrolment and user loaded.
        now: aware; handed to the rules.
    """
    people = {registration.pk: registration.enrolment for registration in registrations}
    admissions = admissions_of(course, people.values(), now=now)
    standing = {pk: admissions[enrolment.pk] for pk, enrolment in people.items()}
    return {pk: admission for pk, admission in standing.items() if not admission.is_admitted}


def admission_of(enrolment: Enrolment, *, now: datetime) -> Admission:
    """Return one person's admission."""
    return admissions_of(enrolment.course, [enrolment], now=now)[enrolment.pk]


def _judge(findings: list[Finding], decision: AdmissionDecision | None) -> Admission:
    kept = tuple(findings)
    if decision is not None and decision.verdict != AdmissionDecision.Verdict.BY_RULES:
        is_admitted = decision.verdict == AdmissionDecision.Verdict.ADMITTED
        return Admission(AdmissionState.ADMITTED if is_admitted else AdmissionState.REFUSED, kept, decision)
    verdicts = {finding.verdict for finding in kept}
    if Verdict.UNMET in verdicts:
        return Admission(AdmissionState.NOT_YET, kept, None)
    if Verdict.PENDING in verdicts:
        return Admission(AdmissionState.PENDING, kept, None)
    return Admission(AdmissionState.ADMITTED, kept, None)
