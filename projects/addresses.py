"""Where the pages of an assignment are, and how its dates are known in calendars.

The course's project has addresses and keys of its own: those that it had when a course had one project.
"""

from django.urls import reverse

from projects.models import Assignment

# What the keys of all other assignments begin with.
KEYS = "projects.assignment:"
# How such a key ends that says until when somebody asks about their points.
QUESTIONS = "questions"


def key_of(assignment: Assignment, what: str) -> str:
    """Return the agenda's key of an assignment's date, such as 'due'."""
    return f"{KEYS}{assignment.pk}:{what}"


def assignment_pk_of(key: str) -> int:
    """Return whose date a key is that `key_of` made."""
    return int(key.removeprefix(KEYS).partition(":")[0])


def topics_of(assignment: Assignment) -> str:
    """Return the address of the page with an assignment's topics."""
    address = reverse("projects:topics", args=[assignment.course.slug])
    return address if assignment.is_main else f"{address}?assignment={assignment.pk}"


def address_of(assignment: Assignment, page: str = "mine", *more: object) -> str:
    """Return the address of an assignment's page, such as 'submit'.

    Args:
        assignment: with its course.
        page: as the addresses of 'my project' are named.
        more: what else the address holds, such as a key.
    """
    slug = assignment.course.slug
    if assignment.is_main:
        return reverse(f"projects:{page}", args=[slug, *more])
    return reverse(f"projects:assignment_{page}", args=[slug, assignment.pk, *more])
