"""Telling a course.toml from a page."""

import re

from amls.portal.takeover.page import read_page
from amls.portal.takeover.spec import CourseSpec
from amls.portal.takeover.toml import load_toml


def read_course_file(text: str, *, slug: str | None = None, year: int | None = None) -> CourseSpec:
    """Return what a course file says, whichever kind it is.

    Raises:
        CourseFileError: it can't be read; every problem with its line.
    """
    if re.search(r"^\s*(?:format\s*=|\[course\])", text, re.MULTILINE):
        return load_toml(text)
    return read_page(text, slug=slug, year=year)
