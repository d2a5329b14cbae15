"""What projects tell of a person to the rules that a course builds from blocks."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from amls.courses.models import Course, Enrolment
from amls.grading.facts import Facts, Piece, course_facts, facts
from projects.hooks.eligibility import judge_projects
from projects.queries import assignments_of, results_of
from projects.works import Work, blank_piece, known_works, piece_of, works_of


@facts.named("projects")
def project_facts(course: Course, enrolments: Sequence[Enrolment], now: datetime) -> Mapping[int, Facts]:
    """Tell of assignments, of the course's project, and of earlier terms."""
    findings, results = judge_projects(course, enrolments, now), results_of(course, enrolments)
    works = known_works(enrolments, now=now)
    if works is None:
        works = works_of(assignments_of(course), enrolments, now=now)
    # Of hundreds of people few works on an assignment stand differently.
    pieces: dict[tuple[int, str, Decimal | None, str], Piece] = {}

    def piece(key: int, work: Work) -> Piece:
        standing = key, work.state, work.points, work.outcome
        if (known := pieces.get(standing)) is None:
            known = pieces[standing] = piece_of(work)
        return known

    return {
        pk: Facts(
            pieces={key: piece(key, work) for key, work in works[pk].items()},
            project=findings[pk],
            earlier_term=result.earlier.term if result.earlier is not None else "",
        )
        for pk, result in results.items()
    }


@course_facts.named("projects")
def assignment_facts(course: Course) -> Facts:
    """Tell which assignments there are."""
    return Facts(pieces={assignment.pk: blank_piece(assignment) for assignment in assignments_of(course)})
