"""From what somebody brought to a course's spec, in one step: for files that leave nothing open."""

from datetime import date

from django.utils.translation import gettext as _

from amls.portal.takeover.joining import to_spec
from amls.portal.takeover.sourcerows import CourseSource
from amls.portal.takeover.sources import read_source
from amls.portal.takeover.spec import CourseFileError, CourseSpec
from amls.portal.takeover.toml import load_toml
from amls.portal.takeover.understanding.interpret import understand
from amls.portal.takeover.understanding.results import Understood


def read_course_file(
    content: bytes | str, *, slug: str | None = None, year: int | None = None, today: date, name: str = ""
) -> CourseSpec:
    """Return what a course file says, whichever container it is; what it leaves open stays open.

    Args:
        content: a course.toml, or a page, table, calendar or document with a schedule.
        slug: of the course; by default made of title and term.
        year: in which the term begins, if the page doesn't say or says it wrongly.
        today: by which a year is suggested where nothing says one.
        name: of the file.

    Raises:
        CourseFileError: it can't be read, has no title or term, or nothing dated; with what to do.
    """
    source = read_source(content, name=name)
    if source.container == "toml":
        return load_toml(source.text)
    understood = understand(source, {"year": str(year)} if year else {}, today=today)
    return spec_of(understood, source, slug=slug, year=year)


def spec_of(
    understood: Understood, source: CourseSource, *, slug: str | None = None, year: int | None = None
) -> CourseSpec:
    """Return the spec of what was understood, if it is a course: with title, term, and something dated.

    Raises:
        CourseFileError: something of that is missing.
    """
    problems = []
    if not source.rows:
        problems.append(_("The page is empty."))
    elif not (understood.sessions or understood.exams or understood.deadlines):
        problems += list(understood.warnings)
    else:
        if not understood.title:
            problems.append(_("The page does not say how the course is called."))
        if not understood.term and year is None:
            problems.append(_("The page does not name its term, such as 'SS2024'."))
    if problems:
        raise CourseFileError(problems)
    return to_spec(understood, slug=slug)
