"""What the letters about projects have in common."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.db.models import Q
from django.utils.translation import gettext as _

from amls.core.times import say_time
from amls.courses.models import Course, Enrolment, User
from amls.mail.letters import Letter
from amls.mail.models import Notice
from amls.mail.wording import escaped
from projects.addresses import address_of, topics_of
from projects.deadlines import effective_deadline
from projects.models import Assignment, Project


def project_of(notice: Notice) -> Project | None:
    """Return the project that a notice is about, if it is still there."""
    return Project.objects.select_related("topic", "assignment__course").filter(pk=notice.references["project"]).first()


def name_of(notice: Notice, key: str = "who") -> str:
    """Return the name of whom a notice refers to by `key`."""
    person = Enrolment.objects.select_related("user").filter(pk=notice.references.get(key)).first()
    return str(person.user) if person else _("Somebody")


def who_is(user: User) -> Q:
    """Return the condition that a notice refers to a person by 'who'."""
    return Q(references__who__in=list(user.enrolments.values_list("pk", flat=True)))


def mine(project: Project) -> tuple[str, str]:
    """Return the action that leads to one's project, or to another assignment."""
    return open_assignment(project.assignment)


def open_assignment(assignment: Assignment) -> tuple[str, str]:
    """Return the action that leads to an assignment's page."""
    said = _("Open my project") if assignment.has_topics else _("Open the assignment")
    return said, address_of(assignment)


def see_topics(assignment: Assignment) -> tuple[str, str]:
    """Return the action that leads to what there is to choose from; to the assignment where that has no topics."""
    return (_("See the topics"), topics_of(assignment)) if assignment.has_topics else open_assignment(assignment)


def why_member(assignment: Assignment) -> str:
    """Return why somebody in a team gets a letter."""
    values = {"course": assignment.course}
    if assignment.has_topics:
        return _("You get this because you are in a project of %(course)s.") % values
    return _("You get this because you take part in %(course)s.") % values


def why_staff(course: Course) -> str:
    """Return why somebody of the staff gets a letter."""
    return _("You get this because you teach in %(course)s.") % {"course": course}


def due(project: Project, now: datetime) -> str:
    """Return until when the team may hand in, or when it is due on paper or presented, as a sentence in Markdown."""
    due_at = effective_deadline(project)
    if due_at is None:
        return _("The date of the hand-in will be announced.")
    is_here = project.assignment.is_handed_in_here
    said = _("Hand in by **%(due)s**.") if is_here else _("It is due **%(due)s**.")
    return said % {"due": say_time(due_at, project.course.zone, now=now)}


def about_team(
    notice: Notice,
    *,
    subject: str,
    text: str,
    without_topics: tuple[str, str] | None = None,
    also: Mapping[str, object] | None = None,
) -> Letter | None:
    """Return a letter to a member; `topic`, `name` and what is given also may stand in its subject and its Markdown.

    Args:
        notice: about a project.
        subject: of a project with a topic, and of anything else unless it has words of its own.
        text: as the subject.
        without_topics: subject and text of what has no topics, such as a sheet, and of a team that has none yet: what it
            is about is called by its assignment, such as 'Project'.
        also: further values.
    """
    project = project_of(notice)
    if project is None:
        return None
    if without_topics is not None and project.topic_id is None:
        subject, text = without_topics
    # 'Project' alone may be any course's.
    is_any = project.topic_id is None and project.assignment.has_topics
    named = "%(title)s (%(course)s)" if is_any else "%(title)s"
    topic = named % {"title": project.title, "course": project.course}
    values = {"topic": topic, "name": name_of(notice), **(also or {})}
    return Letter(
        subject=subject % values,
        text=text % escaped(values),
        action=mine(project),
        reason=why_member(project.assignment),
    )
