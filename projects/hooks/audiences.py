"""Whom an announcement about projects and other assignments can go to."""

from collections.abc import Iterable, Iterator

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from amls.courses.models import Course, Enrolment
from amls.mail.audiences import AudienceKind, audience, audience_kinds
from projects.models import Assignment, Excuse, Membership
from projects.works import who_handed_in


@audience("projects.none", gettext_lazy("Who has no project yet"))
def without_project(course: Course) -> QuerySet[Enrolment]:
    """Return the students without a project, of this term or an earlier one: part of one query."""
    students = Enrolment.objects.filter(course=course).students()
    members = _members(Assignment.objects.filter(course=course, is_main=True))
    return students.exclude(pk__in=members).filter(earlier_pass__isnull=True)


@audience("projects.registered", gettext_lazy("Who is in a project"))
def in_a_project(course: Course) -> QuerySet[Enrolment]:
    """Return the students who are in a team: part of one query."""
    return _in_team(course, Assignment.objects.filter(course=course, is_main=True))


@audience("projects.not-handed-in", gettext_lazy("Whose project is not handed in"))
def not_handed_in(course: Course) -> QuerySet[Enrolment]:
    """Return the students in a team that handed in nothing: 4 queries, however many they are."""
    main = Assignment.objects.main_of(course)
    return Enrolment.objects.none() if main is None else without_hand_in_for(course, main.pk)


def _members(assignments: QuerySet[Assignment]) -> QuerySet[Membership, int]:
    rows = Membership.objects.active().filter(assignment__in=assignments, project__withdrawn_at__isnull=True)
    return rows.values_list("enrolment", flat=True)


def _in_team(course: Course, assignments: QuerySet[Assignment]) -> QuerySet[Enrolment]:
    return Enrolment.objects.filter(course=course, pk__in=_members(assignments)).students()


def _other_assignments(courses: Iterable[Course]) -> Iterator[Assignment]:
    """Yield the assignments for whom audiences of their own are offered: the course's project has some: 1 query."""
    rows = Assignment.objects.filter(course__in=list(courses), is_main=False)
    yield from rows.order_by("course", "due_at", "position", "pk")


def _offered_teams(courses: Iterable[Course]) -> Iterator[tuple[int, int, str]]:
    for assignment in _other_assignments(courses):
        yield assignment.course_id, assignment.pk, _("%(title)s: who is in a team") % {"title": assignment}


def _offered_teamless(courses: Iterable[Course]) -> Iterator[tuple[int, int, str]]:
    for assignment in _other_assignments(courses):
        yield assignment.course_id, assignment.pk, _("%(title)s: who has no team") % {"title": assignment}


def _offered_open(courses: Iterable[Course]) -> Iterator[tuple[int, int, str]]:
    for assignment in _other_assignments(courses):
        if assignment.is_handed_in_here:
            yield assignment.course_id, assignment.pk, _("%(title)s: who has not handed in") % {"title": assignment}


def in_team_for(course: Course, assignment: int) -> QuerySet[Enrolment]:
    """Return the students who are in a team for an assignment: part of one query."""
    return _in_team(course, Assignment.objects.filter(course=course, pk=assignment))


def without_team_for(course: Course, assignment: int) -> QuerySet[Enrolment]:
    """Return the students who are in no team for an assignment, nobody if there is no such: part of one query."""
    rows = Assignment.objects.filter(course=course, pk=assignment)
    return Enrolment.objects.filter(course__in=rows.values("course")).students().exclude(pk__in=_members(rows))


def without_hand_in_for(course: Course, assignment: int) -> QuerySet[Enrolment]:
    """Return the students who are to hand something in for an assignment and did not, at most 3 queries.

    Who waits for the staff's answer to a late hand-in did hand in, and who is excused need not. Where topics are worked on, who has none has nothing
    to hand in.
    """
    row = Assignment.objects.filter(course=course, pk=assignment).first()
    students = Enrolment.objects.filter(course=course).students()
    if row is None or not row.is_handed_in_here:
        return students.none()
    handed_in = who_handed_in(row)
    if row.has_topics:
        students = students.filter(pk__in=handed_in.in_teams)
    excused = Excuse.objects.filter(assignment=row).values("enrolment")
    return students.exclude(pk__in=handed_in.done | handed_in.late).exclude(pk__in=excused)


for _name, _kind in (
    ("projects.team", AudienceKind(_offered_teams, in_team_for, gettext_lazy("Who is in a team for an assignment"))),
    (
        "projects.without-team",
        AudienceKind(_offered_teamless, without_team_for, gettext_lazy("Who has no team for an assignment")),
    ),
    (
        "projects.without-hand-in",
        AudienceKind(_offered_open, without_hand_in_for, gettext_lazy("Who has not handed in an assignment")),
    ),
):
    audience_kinds.add(_name, _kind)
