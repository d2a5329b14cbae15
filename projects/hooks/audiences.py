"""Whom an announcement about projects can go to."""

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from amls.courses.models import Course, Enrolment
from amls.mail.audiences import audience
from projects.deadlines import Deadlines
from projects.models import Membership, Project
from projects.queries import team_views, with_team


@audience("projects.none", _("Who has no project yet"))
def without_project(course: Course) -> QuerySet[Enrolment]:
    """Return the students without a project, of this term or an earlier one: part of one query."""
    students = Enrolment.objects.filter(course=course).students()
    return students.exclude(pk__in=_members(course)).filter(earlier_pass__isnull=True)


@audience("projects.registered", _("Who is in a project"))
def in_a_project(course: Course) -> QuerySet[Enrolment]:
    """Return the students who are in a team: part of one query."""
    return Enrolment.objects.filter(course=course, pk__in=_members(course)).students()


@audience("projects.not-handed-in", _("Whose project is not handed in"))
def not_handed_in(course: Course) -> QuerySet[Enrolment]:
    """Return the students in a team that handed in nothing: 6 queries, however many they are.

    Who waits for the staff's answer to a late hand-in did hand in.
    """
    projects = with_team(
        Project.objects.active().filter(assignment__course=course, assignment__is_main=True), with_files=False
    )
    views = team_views(projects, Deadlines.of_main(course))
    open_ones = [
        member.pk for view in views if view.counting is None and not view.waiting_late for member in view.members
    ]
    return Enrolment.objects.filter(course=course, pk__in=open_ones).students()


def _members(course: Course) -> QuerySet[Membership, int]:
    rows = Membership.objects.active().filter(
        assignment__course=course, assignment__is_main=True, project__withdrawn_at__isnull=True
    )
    return rows.values_list("enrolment", flat=True)
