"""What projects say to the agenda."""

from collections.abc import Iterator

from django.urls import reverse

from amls.agenda.sources import Item, deadline, opening, registry
from amls.courses.models import Course
from projects.models import ProjectRules

_TITLES = {
    "en": ("Project registration opens", "Project registration closes", "Project submission deadline"),
    "de": ("Projektanmeldung beginnt", "Projektanmeldung endet", "Abgabefrist der Projekte"),
}


@registry.items("projects")
def items(course: Course) -> Iterator[Item]:
    """Yield the opening and closing of registration and the submission deadline."""
    rules = ProjectRules.objects.filter(course=course).first()
    if rules is None:
        return
    opens, closes, due = _TITLES.get(course.language, _TITLES["en"])
    path = reverse("overview:home", args=[course.slug])
    if rules.registration_opens_at:
        yield opening(key="projects.registration-opens", title=opens, opens_at=rules.registration_opens_at, path=path)
    if rules.registration_closes_at:
        yield deadline(key="projects.registration-closes", title=closes, due_at=rules.registration_closes_at, path=path)
    if rules.submission_deadline:
        yield deadline(key="projects.submission", title=due, due_at=rules.submission_deadline, path=path)
