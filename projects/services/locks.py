"""What the writes have in common: locks, clocks and refusals."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Model
from django.utils.translation import gettext as _

from amls.agenda.services import follow_people
from amls.core.clock import is_open_until
from amls.core.statements import LockingStatement, ModelStatement, Parameter, is_among
from amls.core.times import say_time
from amls.core.violations import RuleViolation
from amls.courses.models import Course, Enrolment
from amls.mail.outbox import Told, notify_each
from projects.deadlines import Deadlines
from projects.models import Assignment, Invitation, Membership, Project, Topic, TopicSwitch


def lock_topics(*pks: int) -> dict[int, Topic]:
    """Return the topics, locked in the order of their keys."""
    topics = {topic.pk: topic for topic in _topics().lock({"keys": list(pks)})}
    for topic in topics.values():
        topic.course = topic.assignment.course
    return topics


@cache
def _topics() -> LockingStatement[Topic]:
    rows = Topic.objects.filter(is_among("pk", Parameter("keys"))).order_by("pk")
    return LockingStatement.of(rows, along=["assignment__course"])


def lock_topic(pk: int) -> Topic:
    """Return the topic, locked.

    Raises:
        RuleViolation: it was removed meanwhile.
    """
    topic = lock_topics(pk).get(pk)
    if topic is None:
        raise RuleViolation(_("This topic is no longer there. Choose another one."), code="topic-gone")
    return topic


def lock_project(pk: int) -> Project:
    """Return the project, locked; its topic, assignment and course come with it, unlocked.

    Raises:
        Project.DoesNotExist: there is none.
    """
    return lock_every_project(pk)[pk]


def lock_every_project(*pks: int) -> dict[int, Project]:
    """Return the projects as `lock_projects` does.

    Raises:
        Project.DoesNotExist: one of them is not there any more.
    """
    locked = lock_projects(*pks)
    if len(locked) < len(set(pks)):
        raise Project.DoesNotExist
    return locked


def lock_projects(*pks: int) -> dict[int, Project]:
    """Return the projects, locked in the order of their keys, with topics and courses, unlocked: 2 queries."""
    projects = {project.pk: project for project in _projects().lock({"keys": list(pks)})}
    # In one query with the topics, a team that switched while this waited would not be found.
    wanted = {project.topic_id for project in projects.values() if project.topic_id}
    topics = {topic.pk: topic for topic in _topics_now().read({"keys": list(wanted)})} if wanted else {}
    # What is asked of a course once, such as the terms of its exams, is asked once for all of them.
    assignments: dict[int, Assignment] = {}
    courses: dict[int, Course] = {}
    for project in projects.values():
        project.assignment = assignments.setdefault(project.assignment_id, project.assignment)
        project.assignment.course = courses.setdefault(project.assignment.course_id, project.assignment.course)
        if project.topic_id is not None:
            project.topic = topics[project.topic_id]
            _place(project.topic, project.assignment)
    return projects


@cache
def _projects() -> LockingStatement[Project]:
    rows = Project.objects.filter(is_among("pk", Parameter("keys"))).order_by("pk")
    return LockingStatement.of(rows, along=["assignment__course"])


@cache
def _topics_now() -> ModelStatement[Topic]:
    return ModelStatement.of(Topic.objects.filter(is_among("pk", Parameter("keys"))))


def _place(topic: Topic, assignment: Assignment) -> None:
    """Let a topic know its assignment and course, which were read already."""
    topic.assignment, topic.course = assignment, assignment.course


def lock_teams(*project_pks: int, topics: Iterable[int] = ()) -> tuple[dict[int, Topic], dict[int, Project]]:
    """Return the projects, and the topics that they have now with some more, all locked, projects first.

    Among the topics are those whose slots are held for these teams.

    Args:
        project_pks: the projects' keys.
        topics: keys of more topics to lock, such as the one that a team switches to.
    """
    projects = lock_every_project(*project_pks)
    # Only a locked project can't switch any more: its topic, and the one held for it, are known from here on.
    held = TopicSwitch.objects.holding().filter(project__in=projects).values_list("topic", flat=True)
    wanted = [*(project.topic_id for project in projects.values() if project.topic_id), *held, *topics]
    # An assignment without topics has nothing to lock: no query.
    locked = lock_topics(*wanted) if wanted else {}
    for project in projects.values():
        if project.topic_id is not None:
            project.topic = locked[project.topic_id]
            _place(project.topic, project.assignment)
    return locked, projects


def lock_team(pk: int) -> Project:
    """Return the project, locked with the topic that it has now."""
    return lock_teams(pk)[1][pk]


def lock_enrolment(pk: int) -> Enrolment:
    """Return the enrolment, locked: one person does one thing at a time."""
    return lock_enrolments(pk)[pk]


def lock_enrolments(*pks: int) -> dict[int, Enrolment]:
    """Return the enrolments, locked in the order of their keys: all that a write touches, at once."""
    return {row.pk: row for row in _enrolments().lock({"keys": list(pks)})}


@cache
def _enrolments() -> LockingStatement[Enrolment]:
    rows = Enrolment.objects.filter(is_among("pk", Parameter("keys"))).order_by("pk")
    return LockingStatement.of(rows, along=["user", "course"])


def lock_members(*projects: Project, also: Iterable[Enrolment] = ()) -> dict[int, Enrolment]:
    """Return everyone in some locked projects, and some more people, locked."""
    members = Membership.objects.active().filter(project__in=projects).values_list("enrolment", flat=True)
    return lock_enrolments(*members, *(enrolment.pk for enrolment in also))


def active_membership(enrolment: Enrolment, assignment: Assignment) -> Membership | None:
    """Return the person's place in a team for an assignment, if they have one."""
    return _memberships().first({"enrolment": enrolment.pk, "assignment": assignment.pk})


@cache
def _memberships() -> ModelStatement[Membership]:
    rows = Membership.objects.active().filter(enrolment=Parameter("enrolment"), assignment=Parameter("assignment"))
    return ModelStatement.of(rows.order_by("pk"), along=["project__topic", "project__assignment"])


def whom_to_ask(course: Course) -> str:
    """Return 'Ask …' with the course's contact address where it has one."""
    if course.contact_email:
        return _("Ask %(address)s.") % {"address": course.contact_email}
    return _("Ask the teaching assistant.")


def require_running(course: Course) -> None:
    """Refuse what students do in a course that is not running.

    Raises:
        RuleViolation: it is a draft or archived.
    """
    if course.state != Course.State.RUNNING:
        raise RuleViolation(_("This course is not running. %(ask)s") % {"ask": whom_to_ask(course)}, code="not-running")


def require_registration_open(assignment: Assignment, *, now: datetime) -> None:
    """Refuse what is done with teams while they may not be registered and changed.

    Raises:
        RuleViolation: not yet or no longer; with the exact deadline, the server's time and whom to ask.
    """
    require_open_under(assignment, Deadlines.of(assignment), assignment.course, now=now)


def require_open_under(assignment: Assignment | None, deadlines: Deadlines, course: Course, *, now: datetime) -> None:
    """Do as `require_registration_open` says, for deadlines that were read already; None is of a course without any."""
    require_running(course)
    if assignment is None:
        raise RuleViolation(_("This course has no projects."), code="no-projects")
    if assignment.has_topics:
        later = _("Registration opens %(time)s.")
        closed = _("Registration closed %(time)s. By the server's clock it is %(now)s. %(ask)s")
    else:
        later = _("It opens %(time)s.")
        closed = _("Teams could be changed until %(time)s. By the server's clock it is %(now)s. %(ask)s")
    require_within(
        course,
        opens_at=assignment.starts_at,
        closes_at=deadlines.registration_closes_at,
        later=later,
        closed=closed,
        code="registration-closed",
        now=now,
    )


def require_within(
    course: Course,
    *,
    opens_at: datetime | None,
    closes_at: datetime | None,
    later: str,
    closed: str,
    code: str,
    now: datetime,
) -> None:
    """Refuse what comes before registration opens, or after its deadline.

    Args:
        course: in whose zone the times are said.
        opens_at: of the registration; None: at once.
        closes_at: the deadline, of which the whole minute counts; None without one.
        later: what is said before it opens, with `time`.
        closed: what is said after it, with `time`, `now` and `ask` (whom to ask).
        code: of the refusal after it.
        now: the request's clock.

    Raises:
        RuleViolation: it does.
    """
    if opens_at is not None and now < opens_at:
        raise RuleViolation(
            later % {"time": say_time(opens_at, course.zone, now=now)},
            code="registration-not-open",
        )
    if closes_at is not None and not is_open_until(closes_at, now):
        said = {
            "time": say_time(closes_at, course.zone, now=now),
            "now": say_time(now, course.zone, now=now, to_the_second=True),
            "ask": whom_to_ask(course),
        }
        raise RuleViolation(closed % said, code=code)


def require_first_come(assignment: Assignment) -> None:
    """Refuse to take a topic at once where topics are given by wish.

    Raises:
        RuleViolation: they are.
    """
    if assignment.gives_by_wish:
        raise RuleViolation(
            _("Topics are given by wish here. Form a team, and rank the topics together."), code="by-wish"
        )


def tell(
    kind: str,
    people: Iterable[Enrolment],
    *,
    cause: str,
    now: datetime,
    references: dict[str, Any],
    but: Enrolment | None = None,
    not_before: datetime | None = None,
) -> None:
    """Put a notice of `kind` into the outbox for each of `people`: 1 query.

    Args:
        kind: for which a writer is registered.
        people: of one course.
        cause: names what happened, so that the same is told once: the key is made of it.
        now: the request's clock.
        references: primary keys for the writer of the letter.
        but: whoever needs not be told.
        not_before: held back until then; `now` by default.
    """
    told = [told_of(kind, person, cause, references) for person in people if but is None or person.pk != but.pk]
    notify_each(told, kind=kind, now=now, not_before=not_before)


def told_of(kind: str, enrolment: Enrolment, cause: str, references: dict[str, Any]) -> Told:
    """Return what a person is told of a cause, with the key that lets it be told once."""
    return Told(
        f"{kind}:{cause}:{enrolment.pk}", enrolment.user, enrolment.course, {**references, "enrolment": enrolment.pk}
    )


def tell_teams(
    kind: str, teams: Mapping[int, Iterable[Enrolment]], *, references: Mapping[str, Any], now: datetime
) -> None:
    """Put a notice into the outbox for everyone in these teams, by their projects' keys: 1 query.

    Args:
        kind: for which a writer is registered.
        teams: who is told; each reads of their own project.
        references: beside the project's; they name what happened, so that it is told once.
        now: the request's clock.
    """
    cause = ":".join(str(value) for value in references.values())
    told = [
        told_of(kind, person, f"{cause}:{project}", {**references, "project": project})
        for project, people in teams.items()
        for person in people
    ]
    notify_each(told, kind=kind, now=now)


def tell_revoked(invitations: Iterable[Invitation], *, now: datetime) -> None:
    """Put a notice into the outbox for each address whose invitation was taken back: 1 query."""
    kind = "projects.invitation-revoked"
    told = [
        Told(
            f"{kind}:{invitation.pk}",
            None,
            invitation.project.course,
            {"invitation": invitation.pk},
            address=invitation.email,
        )
        for invitation in invitations
    ]
    notify_each(told, kind=kind, now=now)


def follow_in_feeds(people: Iterable[Enrolment], *, now: datetime) -> None:
    """Let the personal calendars of `people` follow what changed for them: as many queries for many as for one."""
    follow_people(people, now=now, sources=["projects"])


def save_checked(row: Model) -> None:
    """Save a row that keeps to its rules; raises as `require_valid`."""
    require_valid(row)
    row.save()


def require_valid(row: Model, *, asks: bool = True) -> None:
    """Look whether a row keeps to its rules.

    Args:
        row: new or changed.
        asks: whether the database is asked, about constraints and what the row points to. It refuses in any case.

    Raises:
        RuleViolation: it doesn't; of the first field that is wrong.
    """
    try:
        pointers = () if asks else [field.name for field in row._meta.fields if field.is_relation]  # noqa: SLF001 - Django's public name for it
        row.full_clean(exclude=pointers, validate_unique=asks, validate_constraints=asks)
    except ValidationError as error:
        field, messages = next(iter(error.message_dict.items()))
        raise RuleViolation(" ".join(messages), code="invalid", field=None if field == "__all__" else field) from error
