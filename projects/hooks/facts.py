"""What projects tell of a person to the rules that a course builds from blocks."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from amls.courses.models import Course, Enrolment
from amls.grading.facts import Facts, facts
from projects.hooks.eligibility import judge_projects
from projects.queries import results_of


@facts.named("projects")
def project_facts(course: Course, enrolments: Sequence[Enrolment], now: datetime) -> Mapping[int, Facts]:
    """Tell of the project and of earlier terms."""
    findings, results = judge_projects(course, enrolments, now), results_of(course, enrolments)
    return {
        pk: Facts(project=findings[pk], earlier_term=result.earlier.term if result.earlier is not None else "")
        for pk, result in results.items()
    }
