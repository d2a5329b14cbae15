"""What a person must fulfil, as the apps see it that know: rules register here, exams evaluate them.

A rule speaks of many people at once, so that a door list of 400 costs as many queries as
one person's page. `projects` and `exams` never meet but here.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from amls.core.hooks import Hook
from amls.courses.models import Course, Enrolment


class Verdict(StrEnum):
    """What a rule says of a person at this moment."""

    MET = "met"
    PENDING = "pending"  # not decided yet: it may still become either
    UNMET = "unmet"


# Tables make these for hundreds of people: a tuple is made six times as quickly as a frozen dataclass.
class Gauge(NamedTuple):
    """How far a person has come, in numbers.

    Attributes:
        have: what is there.
        need: what is asked for.
        most: what there is to be had.
    """

    have: Decimal
    need: Decimal
    most: Decimal


class Finding(NamedTuple):
    """What one rule found of one person.

    Attributes:
        rule: the rule's name, such as 'projects.passed'.
        verdict: how it stands.
        text: the state and what is missing, as the person reads it, in the active language; it may be put into words
            when it is shown.
        path: the address on this site where the person can mend it; empty if there is none.
        of_other: the same as the staff read it of somebody; empty where `text` does for both.
        gauge: how far the person has come, where that is a number.
        brief: what is there of what is asked, as a list of everybody has room for it; empty where the text is short.
    """

    rule: str
    verdict: Verdict
    text: str
    path: str = ""
    of_other: str = ""
    gauge: Gauge | None = None
    brief: str = ""

    @property
    def for_list(self) -> str:
        """What is missing, as the staff read it of one of many."""
        return str(self.brief) or self.for_staff

    @property
    def for_staff(self) -> str:
        """The state and what is missing, as the staff read it of somebody."""
        return self.of_other or str(self.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a course asks of whoever sits its exams, and what it gives for the project.

    Attributes:
        needs_project: a passed project is a prerequisite.
        most_extra_points: how far extra points count.
    """

    needs_project: bool = False
    most_extra_points: Decimal = Decimal(0)


# People of one course in, findings by enrolment pk out; whoever is left out is not under the rule.
Rule = Callable[[Course, Sequence[Enrolment], datetime], Mapping[int, Sequence[Finding]]]
# Extra points by enrolment pk, for those who have some.
ExtraPoints = Callable[[Course, Sequence[Enrolment], datetime], Mapping[int, Decimal]]
TermsOf = Callable[[Course], Terms]

# How many extra points a course may give, whatever comes from where: a tenth of the largest papers that are usual (200
# points), a fifth of most (100). What a course gives is its own number; constraints of the database know only this one.
MOST_EXTRA_POINTS = Decimal(20)
# They are given in halves.
HALF_POINTS = tuple(Decimal(half) / 2 for half in range(int(2 * MOST_EXTRA_POINTS) + 1))

# The rules by name ('projects.passed'), and who knows of extra points for the exam.
eligibility_rules: Hook[Rule] = Hook("rules of eligibility")
extra_points: Hook[ExtraPoints] = Hook("sources of extra points")
# Who knows the terms of a course's exams: one app does, the others ask `terms_of`.
exam_terms: Hook[TermsOf] = Hook("terms of exams")


def terms_of(course: Course) -> Terms:
    """Return the terms of a course's exams: those of the app that knows exams, else none."""
    return next((tell(course) for tell in exam_terms), Terms())


def evaluate(course: Course, enrolments: Iterable[Enrolment], *, now: datetime) -> dict[int, list[Finding]]:
    """Return what every rule finds of these people of `course`, by enrolment pk, in the order of registration.

    Nobody is missing in the answer; an empty list means that no rule applies.
    """
    people = list(enrolments)
    findings: dict[int, list[Finding]] = {person.pk: [] for person in people}
    for rule in eligibility_rules:
        for pk, of_one in rule(course, people, now).items():
            findings[pk] += of_one
    return findings


def extra_points_of(
    course: Course,
    enrolments: Iterable[Enrolment],
    *,
    now: datetime,
    known: Mapping[str, Mapping[int, Decimal]] | None = None,
) -> dict[int, Decimal]:
    """Return everyone's published extra points by enrolment pk, at most what the course gives; 0 for the others.

    Args:
        course: which.
        enrolments: of it.
        now: the request's clock.
        known: what sources say, by their names, where the caller has asked them already.
    """
    people = list(enrolments)
    total = {person.pk: Decimal(0) for person in people}
    for name, source in extra_points.items():
        said = known[name] if known is not None and name in known else source(course, people, now)
        for pk, points in said.items():
            total[pk] += points
    most = terms_of(course).most_extra_points
    return {pk: min(points, most) for pk, points in total.items()}
