"""What projects say to exams: the rule 'project passed', and the extra points."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from enum import Enum, auto
from functools import cache

from django.urls import reverse
from django.utils.translation import gettext as _

from amls.core.clock import is_open_until
from amls.courses.eligibility import Finding, Verdict, eligibility_rules, extra_points, terms_of
from amls.courses.models import Course, Enrolment
from projects.deadlines import Deadlines
from projects.queries import StudentResult, part_of, results_of
from projects.states import ProjectState

PASSED = "projects.passed"


@eligibility_rules.named(PASSED)
def project_passed(course: Course, enrolments: Sequence[Enrolment], now: datetime) -> Mapping[int, list[Finding]]:
    """Find whether these students have a passed project, where the course makes it a prerequisite."""
    if not terms_of(course).needs_project:
        return {}
    return {pk: [finding] for pk, finding in judge_projects(course, enrolments, now).items()}


def judge_projects(course: Course, enrolments: Sequence[Enrolment], now: datetime) -> dict[int, Finding]:
    """Find whether these students have a passed project, whether or not the course makes it a prerequisite."""
    known = next((part for enrolment in enrolments if (part := part_of(enrolment)) is not None), None)
    deadlines = known.deadlines if known is not None else Deadlines.of_main(course)
    closes = deadlines.registration_closes_at
    is_open = course.state == Course.State.RUNNING and (closes is None or is_open_until(closes, now))
    results = results_of(course, enrolments, deadlines)
    mine, topics = reverse("projects:mine", args=[course.slug]), reverse("projects:topics", args=[course.slug])

    # Hundreds stand in the same few ways.
    @cache
    def find(state: ProjectState, term: str, hand_in: _HandIn) -> Finding:
        return _finding(state, term, is_open=is_open, hand_in=hand_in, mine=mine, topics=topics)

    return {pk: find(result.state, _earlier_term(result), _hand_in_of(result, now)) for pk, result in results.items()}


def _earlier_term(result: StudentResult) -> str:
    return result.earlier.term if result.earlier is not None else ""


class _HandIn(Enum):
    """Whether a team may still hand in here; what is presented or on paper is known once it is assessed."""

    OPEN = auto()
    CLOSED = auto()
    ELSEWHERE = auto()


def _hand_in_of(result: StudentResult, now: datetime) -> _HandIn:
    if result.team is None:
        return _HandIn.CLOSED
    if not result.team.project.assignment.is_handed_in_here:
        return _HandIn.ELSEWHERE
    closes_at = result.team.closes_at
    return _HandIn.OPEN if closes_at is None or now < closes_at else _HandIn.CLOSED


def _finding(state: ProjectState, term: str, *, is_open: bool, hand_in: _HandIn, mine: str, topics: str) -> Finding:
    match state:
        case ProjectState.PASSED:
            verdict, text, path = Verdict.MET, _("Project passed"), mine
        case ProjectState.EARLIER:
            verdict, text, path = Verdict.MET, _("Project passed in %(term)s") % {"term": term}, ""
        case ProjectState.FAILED:
            verdict, text, path = Verdict.UNMET, _("Project failed"), mine
        case ProjectState.SUBMITTED:
            verdict, text, path = Verdict.PENDING, _("Project handed in, not assessed yet"), mine
        case ProjectState.REGISTERED if hand_in == _HandIn.ELSEWHERE:
            verdict, text, path = Verdict.PENDING, _("Project registered, not assessed yet"), mine
        case ProjectState.REGISTERED if hand_in == _HandIn.OPEN:
            verdict, text, path = Verdict.PENDING, _("Project registered, not handed in yet"), mine
        case ProjectState.REGISTERED:
            verdict, text, path = Verdict.UNMET, _("Project not handed in"), mine
        case _ if is_open:
            verdict, text, path = Verdict.PENDING, _("No project yet: choose a topic"), topics
        case _:
            verdict, text, path = Verdict.UNMET, _("No project"), topics
    of_other = _("No project yet") if verdict == Verdict.PENDING and path == topics else ""
    return Finding(rule=PASSED, verdict=verdict, text=text, path=path, of_other=of_other)


@extra_points.named("projects")
def project_points(course: Course, enrolments: Sequence[Enrolment], now: datetime) -> Mapping[int, Decimal]:
    """Return the published extra points of passed projects."""
    results = results_of(course, enrolments)
    return {pk: result.extra_points for pk, result in results.items() if result.is_passed}
