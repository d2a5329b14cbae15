"""The assignments of a course, as its staff set them."""

from datetime import datetime
from typing import Protocol

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import override

from amls.core.violations import RuleViolation
from amls.courses.models import Course, User
from amls.courses.services import finish_course_change, lock_course
from projects.models import Assignment, Membership, Project
from projects.services.deductions import follow_late_rule
from projects.services.locks import follow_in_feeds, save_checked


class HasLanguage(Protocol):
    """A course, or what is to become one."""

    @property
    def language(self) -> str:
        """Such as 'de'."""


def title_of_project(course: HasLanguage) -> str:
    """Return what a course's project is called unless its staff say it, in the course's language."""
    with override(course.language):
        return _("Project")


def keep_assignment(assignment: Assignment, *, by: User | None = None, now: datetime) -> None:
    """Keep an assignment, new or changed; the first project of a course is the course's project.

    Raises:
        RuleViolation: it breaks a rule, such as a title that another one has.
    """
    with transaction.atomic():
        course = lock_course(assignment.course_id)
        if not assignment.pk:
            is_project = assignment.kind == Assignment.Kind.PROJECT
            assignment.is_main = is_project and Assignment.objects.main_of(course) is None
            if not is_project:
                assignment.topics_given = Assignment.TopicsGiven.NONE
        if assignment.is_main:
            assignment.title = assignment.title or title_of_project(course)
        is_new = not assignment.pk
        save_checked(assignment)
        if not is_new and assignment.grading == Assignment.Grading.POINTS:
            follow_late_rule(assignment, now=now)
        finish_course_change(course, now=now)
        published = Membership.objects.active().filter(
            assignment=assignment, project__assessment__published_at__isnull=False
        )
        # How long they may ask is a date of theirs alone.
        follow_in_feeds([row.enrolment for row in published.select_related("enrolment")], now=now)


def delete_assignment(assignment: Assignment, *, by: User | None = None, now: datetime) -> None:
    """Delete an assignment, with its topics, for which no team has or had registered.

    Raises:
        RuleViolation: one has (code 'has-teams').
    """
    with transaction.atomic():
        course = lock_course(assignment.course_id)
        if Project.objects.filter(assignment=assignment).exists():
            raise RuleViolation(_("A team has or had registered for it. Let it be."), code="has-teams")
        assignment.delete()
        finish_course_change(course, now=now)


def project_of(course: Course) -> Assignment:
    """Return the course's project; a locked course that has none gets one."""
    main = Assignment.objects.main_of(course)
    return main or Assignment.objects.create(course=course, title=title_of_project(course), is_main=True)
