"""What projects say to the agenda."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _

from amls.agenda.sources import Item, deadline, in_each_language, opening, registry
from amls.courses.models import Course, Enrolment
from projects.deadlines import Deadlines, is_counting
from projects.models import EarlierPass, Membership, Project, ProjectRules


@registry.items.named("projects")
def items(course: Course) -> Iterator[Item]:
    """Yield the opening and closing of registration and the submission deadline, extended for all."""
    rules = ProjectRules.objects.filter(course=course).first()
    if rules is None:
        return
    path = reverse("projects:topics", args=[course.slug])
    if rules.registration_opens_at:
        yield opening(
            key="projects.registration-opens",
            title=in_each_language(lambda: _("Project registration opens")),
            opens_at=rules.registration_opens_at,
            path=path,
        )
    if rules.registration_closes_at:
        yield deadline(
            key="projects.registration-closes",
            title=in_each_language(lambda: _("Project registration closes")),
            due_at=rules.registration_closes_at,
            path=path,
        )
    due_at = Deadlines.of_course(course).for_all
    if due_at is not None:
        yield _submission(course, due_at)


def _submission(course: Course, due_at: datetime) -> Item:
    path = reverse("projects:mine", args=[course.slug])
    return deadline(
        key="projects.submission",
        title=in_each_language(lambda: _("Project submission deadline")),
        due_at=due_at,
        path=path,
    )


@registry.personal_items.named("projects")
def personal_items(enrolment: Enrolment) -> Iterator[Item]:
    """Yield the submission deadline where it differs: with an extension, or done."""
    deadlines = Deadlines.of_course(enrolment.course)
    if deadlines.for_all is None:
        return
    project = Project.objects.of_member(enrolment).first()
    members = [enrolment.pk]
    if project is not None:
        members = list(Membership.objects.active().filter(project=project).values_list("enrolment", flat=True))
    due_at = deadlines.for_team(project.pk if project else 0, members) or deadlines.for_all
    is_done = project is not None and any(is_counting(one, due_at) for one in project.submissions.all())
    if due_at != deadlines.for_all or is_done:
        yield replace(_submission(enrolment.course, due_at), is_done=is_done)


@registry.irrelevant_keys.named("projects")
def irrelevant(enrolment: Enrolment, now: datetime) -> Iterator[str]:
    """Yield the registration's dates for who has a project, and all dates for who passed in an earlier term: 1 or 2 queries."""
    if enrolment.is_staff:
        return
    has_project = Membership.objects.active().filter(enrolment=enrolment).exists()
    has_passed = not has_project and EarlierPass.objects.filter(enrolment=enrolment).exists()
    if has_project or has_passed:
        yield from ("projects.registration-opens", "projects.registration-closes")
    if has_passed:
        yield "projects.submission"
