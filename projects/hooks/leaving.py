"""What of projects binds people to a course, what they leave behind who leave it, and what is left to do in a course that ends."""

from collections.abc import Iterator
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from amls.courses.models import Course, Enrolment, Role, StaffMember, User
from amls.courses.participation import Tie, before_leaving, before_teaching, before_teaching_ends, ties
from amls.courses.services import before_archiving, charges
from amls.privacy.registry import on_account_deletion
from projects.managers import MembershipQuerySet
from projects.models import (
    Assessment,
    Invitation,
    MatchRequest,
    Membership,
    PointsQuestion,
    Project,
    SeekingNote,
    Submission,
    Topic,
)
from projects.progress import DECIDED, say_undecided, waiting_in
from projects.services.assessing import assign_assessor
from projects.services.locks import tell


def _loose(enrolment: Enrolment) -> MembershipQuerySet:
    """Return a student's places in teams that came to nothing: where nobody registers, those that handed nothing in."""
    memberships = Membership.objects.filter(enrolment=enrolment).active()
    return memberships.filter(assignment__topics_given="", project__submissions__isnull=True)


@ties
def project_ties(enrolment: Enrolment) -> Iterator[Tie]:
    """Keep whoever has a project, was in a team that handed something in, or waits for a decision on an own idea."""
    memberships = Membership.objects.filter(enrolment=enrolment)
    teams = memberships.active().exclude(pk__in=_loose(enrolment))
    if teams.exists():
        yield Tie(
            "has-project",
            _("You are in a team. Leave your team first.")
            if enrolment.course.state == Course.State.RUNNING
            else _(
                "This course is over, and your project is kept with your enrolment. Ask the staff if you want to leave."
            ),
            _("They are in a team. Take them out of it first."),
            is_open=teams.exclude(project__assessment__published_at__isnull=False).exists(),
        )
    elif Submission.objects.filter(project__memberships__in=memberships).exists():
        yield Tie(
            "has-work",
            _("Your team's hand-ins are kept with your enrolment. Ask the staff if you want to leave."),
            _("Their team's hand-ins are kept with their enrolment, so they stay in the course."),
            is_open=False,
        )
    if Topic.objects.waiting_of(enrolment).exists():
        yield Tie(
            "has-idea",
            _("You proposed an own idea, on which the staff have not decided yet. Take it back first."),
            _("They proposed an own idea for a project. Decide on it first."),
            is_open=True,
        )


@before_leaving
def let_go_of_teams(enrolment: Enrolment) -> None:
    """Let go of teams and own ideas that came to nothing."""
    Topic.objects.filter(proposed_by=enrolment).unused().delete()
    loose = _loose(enrolment)
    emptied = list(loose.values_list("project", flat=True))
    # The history keeps that they were there.
    Invitation.objects.filter(invited_by=enrolment).delete()
    Membership.objects.filter(enrolment=enrolment).delete()
    Project.objects.filter(pk__in=emptied, memberships__isnull=True).delete()


@before_teaching
def seek_no_more(enrolment: Enrolment) -> None:
    """Take back that somebody looks for teammates, or wishes to be matched with others."""
    SeekingNote.objects.filter(enrolment=enrolment).delete()
    MatchRequest.objects.filter(enrolment=enrolment).delete()


@before_teaching_ends
def free_assessing(enrolment: Enrolment) -> str:
    """Let what somebody was to assess, and has not decided on, be nobody's; return what that is, in words."""
    theirs = Project.objects.of_course(enrolment.course).filter(assessor=enrolment.user)
    count = assign_assessor(projects=theirs.exclude(DECIDED), assessor=None)
    if not count:
        return ""
    said = ngettext(
        "%(count)d project that %(name)s was to assess is nobody's now: give it to somebody else.",
        "%(count)d projects that %(name)s was to assess are nobody's now: give them to others.",
        count,
    )
    return said % {"count": count, "name": enrolment.user}


@on_account_deletion
def tell_of_freed_projects(user: User, now: datetime) -> None:
    """Tell the other lecturers of running courses that what somebody whose account goes had to assess is nobody's."""
    undecided = Project.objects.active().filter(assessor=user).exclude(DECIDED)
    courses = user.enrolments.staff().filter(
        course__in=undecided.values("assignment__course"), course__state=Course.State.RUNNING
    )
    lecturers = Enrolment.objects.filter(course__in=courses.values("course"), role=Role.LECTURER).reachable()
    told = lecturers.exclude(user=user).select_related("user", "course").order_by("pk")
    tell("projects.assessor-gone", told, cause=str(user.pk), now=now, references={})


@charges
def mentored_topics(member: StaffMember) -> str:
    """Say of how many topics somebody is the mentor."""
    count = Topic.objects.filter(mentor=member).count()
    return (
        ngettext("mentor of %(count)d topic", "mentor of %(count)d topics", count) % {"count": count} if count else ""
    )


@before_archiving
def count_undecided(course: Course) -> Iterator[str]:
    """Say of each assignment how many projects are without a decision, and what else waits for the staff."""
    waiting = waiting_in([course])
    for row in waiting.undecided:
        yield say_undecided(row)
    if waiting.requests:
        text = ngettext("%(count)d request for more time", "%(count)d requests for more time", waiting.requests)
        yield text % {"count": waiting.requests}
    if waiting.newer:
        text = ngettext(
            "%(count)d team handed in after its decision",
            "%(count)d teams handed in after their decision",
            waiting.newer,
        )
        yield text % {"count": waiting.newer}
    if waiting.ideas:
        yield ngettext("%(count)d undecided idea", "%(count)d undecided ideas", waiting.ideas) % {
            "count": waiting.ideas
        }
    unpublished = Assessment.objects.filter(project__in=Project.objects.active().of_course(course), published_at=None)
    if count := unpublished.exclude(outcome="").count():
        text = ngettext("%(count)d decision that is not published", "%(count)d decisions that are not published", count)
        yield text % {"count": count}
    questions = PointsQuestion.objects.filter(assessment__project__assignment__course=course, answered_at=None)
    if count := questions.count():
        yield ngettext("%(count)d question about points", "%(count)d questions about points", count) % {"count": count}
