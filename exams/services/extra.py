"""The rule by which assignments give extra points: what a change would do to whom, and the change itself."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _

from amls.core.decimals import say_decimal
from amls.core.preview import without_trace
from amls.core.violations import RuleViolation
from amls.courses.eligibility import MOST_EXTRA_POINTS, extra_points_of
from amls.courses.models import Course, Enrolment, User
from amls.courses.services import finish_course_change, lock_course
from amls.grading.extra import ExtraRule, check_rule, dump_extra
from exams.models import ExamRules, Result


@dataclass(frozen=True, slots=True)
class ExtraChange:
    """What another rule does to one student: the extra points that count, before and after."""

    enrolment: Enrolment
    before: Decimal
    after: Decimal


@dataclass(frozen=True, slots=True)
class ExtraEffect:
    """What another rule does to the students of a course.

    Attributes:
        changes: of those who have more or fewer extra points.
        counts: how many have how many, before and after, by the points.
        people: how many students there are.
        published: how many published results keep what they have until they are graded anew.
    """

    changes: list[ExtraChange]
    counts: list[tuple[Decimal, int, int]]
    people: int
    published: int

    @property
    def seal(self) -> object:
        """All that is shown of it."""
        return [(change.enrolment.pk, change.before, change.after) for change in self.changes], self.published


def effect_of_extra(*, course: Course, rule: ExtraRule, most: Decimal, now: datetime) -> ExtraEffect:
    """Return what another rule would do to the students of a course; nothing is written.

    Raises:
        RuleViolation: as `set_extra_points`.
    """
    people = list(
        Enrolment.objects.students().filter(course=course).select_related("user").order_by("user__sort_name", "pk")
    )

    def standing() -> dict[int, Decimal]:
        # Read anew: what holds for the course's exams is kept on it.
        fresh = Course.objects.select_related("exam_rules").get(pk=course.pk)
        return extra_points_of(fresh, people, now=now)

    def tried() -> dict[int, Decimal]:
        _keep(course.pk, rule, most)
        return standing()

    before, after = standing(), without_trace(tried)
    had, would_have = Counter(before.values()), Counter(after.values())
    changed = [person for person in people if before[person.pk] != after[person.pk]]
    published = Result.objects.filter(state=Result.State.PUBLISHED, registration__exam__frozen_at__isnull=True)
    return ExtraEffect(
        changes=[ExtraChange(person, before[person.pk], after[person.pk]) for person in changed],
        counts=[(points, had[points], would_have[points]) for points in sorted({*had, *would_have})],
        people=len(people),
        published=published.filter(registration__enrolment__in=changed).count(),
    )


def set_extra_points(*, course: Course, rule: ExtraRule, most: Decimal, by: User | None, now: datetime) -> None:
    """Let a rule hold: drafts follow it, published results when they are graded anew.

    Args:
        course: whose.
        rule: from how many percent of all points of the assignments how many extra points are given.
        most: how many extra points the course gives, whatever they come from.
        by: who changes it; None for a file.
        now: the request's clock.

    Raises:
        RuleViolation: the rule is none, or a step gives more than the course does.
    """
    with transaction.atomic():
        locked = lock_course(course.pk)
        _keep(locked.pk, rule, most)
        finish_course_change(locked, now=now)


def _keep(course_pk: int, rule: ExtraRule, most: Decimal) -> None:
    check_rule(rule)
    if not 0 <= most <= MOST_EXTRA_POINTS:
        raise RuleViolation(_("A course gives 0 to 20 extra points."), code="too-many-points", field="most")
    if most != round(most, 1):
        raise RuleViolation(_("Extra points have at most one decimal."), code="too-fine", field="most")
    if rule.steps and rule.steps[-1].points > most:
        raise RuleViolation(
            _(
                "The course gives at most %(most)s extra points: the last step gives more. Raise the one or lower the other."
            )
            % {"most": say_decimal(most)},
            code="too-many-points",
            field=f"points-{len(rule.steps) - 1}",
        )
    values = {"extra_points_rule": dump_extra(rule), "max_extra_points": most}
    ExamRules.objects.update_or_create(course_id=course_pk, defaults=values)
