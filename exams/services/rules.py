"""The rule of admission that a course builds from blocks: what a change would do to whom, and the change itself."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from amls.core.preview import without_trace
from amls.courses.models import Course, Enrolment, User
from amls.courses.services import finish_course_change, lock_course
from amls.grading.tree import AllBlock, dump, load, split_project, with_project
from exams.admission import Admission, AdmissionState, admissions_of
from exams.models import AdmissionDecision, ExamRules
from exams.queries import exam_rules
from exams.services.admission import decide_admission


@dataclass(frozen=True, slots=True)
class AdmissionChange:
    """What another rule does to one student.

    Attributes:
        before, after: how their admission stands by the rule that holds and by the new one.
        is_against_decision: they were admitted once and would not be by the new rule: they stay admitted until the
            staff decide otherwise.
    """

    enrolment: Enrolment
    before: Admission
    after: Admission

    @property
    def is_against_decision(self) -> bool:
        """Whether an admission that was decided stands against the new rule."""
        return self.after.is_contradicted and not self.before.is_contradicted


@dataclass(frozen=True, slots=True)
class RuleEffect:
    """What another rule does to the students of a course.

    Attributes:
        changes: of those whose admission stands otherwise, or would be contradicted.
        counts: how many stand how: by state, before and after.
        people: how many students there are.
    """

    changes: list[AdmissionChange]
    counts: dict[AdmissionState, tuple[int, int]]
    people: int

    @property
    def against_decisions(self) -> list[AdmissionChange]:
        """The changes of those whose admission was decided before."""
        return [change for change in self.changes if change.is_against_decision]

    @property
    def seal(self) -> object:
        """All that is shown of it."""
        return [
            (change.enrolment.pk, change.before.state, change.after.state, change.is_against_decision)
            for change in self.changes
        ]


def whole_rule(course: Course) -> AllBlock:
    """Return the rule of a course with the demand for a passed project, which a switch says, as its first block.

    Raises:
        RuleViolation: a later version of this program wrote it.
    """
    rules = exam_rules(course)
    return with_project(load(rules.rule), needs_project=rules.project_is_prerequisite)


def effect_of(*, course: Course, rule: AllBlock, now: datetime) -> RuleEffect:
    """Return what another rule would do to the students of a course; nothing is written."""
    people = list(
        Enrolment.objects.students().filter(course=course).select_related("user").order_by("user__sort_name", "pk")
    )

    def standing() -> dict[int, Admission]:
        # Read anew: what holds for the course's exams is kept on it.
        fresh = Course.objects.select_related("exam_rules").get(pk=course.pk)
        return admissions_of(fresh, people, now=now)

    def tried() -> dict[int, Admission]:
        _keep(course.pk, rule)
        return standing()

    before, after = standing(), without_trace(tried)
    pairs = [AdmissionChange(person, before[person.pk], after[person.pk]) for person in people]
    return RuleEffect(
        changes=[pair for pair in pairs if pair.before.state != pair.after.state or pair.is_against_decision],
        counts={
            state: (sum(pair.before.state == state for pair in pairs), sum(pair.after.state == state for pair in pairs))
            for state in AdmissionState
        },
        people=len(people),
    )


def set_rule(
    *,
    course: Course,
    rule: AllBlock,
    by: User | None,
    now: datetime,
    taking_back: Collection[int] = (),
    reason: str = "",
) -> int:
    """Let a rule hold for the exams of a course; return how many admissions were taken back.

    Whoever was admitted stays so, whatever the new rule says, unless their admission is taken back here: then the
    rules decide on it, which is a decision of its own, with the reason and a mail.

    Args:
        course: whose rule.
        rule: as the builder made it, with the project as one of its blocks.
        by: who changes it; None for a file.
        now: the request's clock.
        taking_back: enrolments whose admission goes by the rules again.
        reason: why; it is told to those.

    Raises:
        RuleViolation: the rule is none, or an admission is taken back without a reason.
    """
    with transaction.atomic():
        locked = lock_course(course.pk)
        _keep(locked.pk, rule)
        fresh = Course.objects.select_related("exam_rules").get(pk=locked.pk)
        people = list(Enrolment.objects.filter(course=fresh, pk__in=taking_back).select_related("user").order_by("pk"))
        admissions = admissions_of(fresh, people, now=now)
        contradicted = [person for person in people if admissions[person.pk].is_contradicted]
        for person in contradicted:
            person.course = fresh
            verdict = AdmissionDecision.Verdict.BY_RULES
            decide_admission(enrolment=person, verdict=verdict, reason=reason, by=by, now=now)
        finish_course_change(locked, now=now)
    return len(contradicted)


def _keep(course_pk: int, rule: AllBlock) -> None:
    rest, needs_project = split_project(rule)
    data = dump(rest)
    # What is written can be read again, whoever built it.
    load(data)
    values = {"rule": data if rest.parts else {}, "project_is_prerequisite": needs_project}
    ExamRules.objects.update_or_create(course_id=course_pk, defaults=values)
