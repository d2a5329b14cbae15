"""What the writes have in common: locks, clocks and refusals."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Model
from django.utils.translation import gettext as _

from amls.agenda.services import follow_people
from amls.core.clock import is_open_until
from amls.core.times import say_time
from amls.core.violations import RuleViolation
from amls.courses.models import Course, Enrolment
from amls.mail.outbox import Told, notify_each
from projects.deadlines import Deadlines
from projects.models import Invitation, Membership, Project, ProjectRules, Topic, TopicSwitch


def lock_topics(*pks: int) -> dict[int, Topic]:
    """Return the topics, locked in the order of their keys."""
    rows = Topic.objects.select_for_update(no_key=True, of=("self",)).select_related("course").order_by("pk")
    return {topic.pk: topic for topic in rows.filter(pk__in=pks)}


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
    """Return the project, locked; its topic and course come with it, unlocked.

    Raises:
        Project.DoesNotExist: there is none.
    """
    locked = lock_projects(pk)
    if not locked:
        raise Project.DoesNotExist
    return locked[pk]


def lock_projects(*pks: int) -> dict[int, Project]:
    """Return the projects, locked in the order of their keys, with their topics and courses, unlocked: 2 queries."""
    rows = Project.objects.select_for_update(no_key=True).filter(pk__in=pks).order_by("pk")
    projects = {project.pk: project for project in rows}
    # In one query with the topics, a team that switched while this waited would not be found.
    topics = Topic.objects.select_related("course").in_bulk({project.topic_id for project in projects.values()})
    # What is asked of a course once, such as the terms of its exams, is asked once for all of them.
    courses: dict[int, Course] = {}
    for project in projects.values():
        project.topic = topics[project.topic_id]
        project.topic.course = courses.setdefault(project.topic.course_id, project.topic.course)
    return projects


def lock_teams(*project_pks: int, topics: Iterable[int] = ()) -> tuple[dict[int, Topic], dict[int, Project]]:
    """Return the projects, and the topics that they have now with some more, all locked, projects first.

    Among the topics are those whose slots are held for these teams.

    Args:
        project_pks: the projects' keys.
        topics: keys of more topics to lock, such as the one that a team switches to.
    """
    projects = lock_projects(*project_pks)
    if len(projects) < len(set(project_pks)):
        raise Project.DoesNotExist
    # Only a locked project can't switch any more: its topic, and the one held for it, are known from here on.
    held = TopicSwitch.objects.holding().filter(project__in=projects).values_list("topic", flat=True)
    return lock_topics(*(project.topic_id for project in projects.values()), *held, *topics), projects


def lock_team(pk: int) -> tuple[Topic, Project]:
    """Return the project and the topic that it has now, both locked."""
    topics, projects = lock_teams(pk)
    return topics[projects[pk].topic_id], projects[pk]


def lock_enrolment(pk: int) -> Enrolment:
    """Return the enrolment, locked: one person does one thing at a time."""
    return lock_enrolments(pk)[pk]


def lock_enrolments(*pks: int) -> dict[int, Enrolment]:
    """Return the enrolments, locked in the order of their keys: all that a write touches, at once."""
    rows = Enrolment.objects.select_for_update(no_key=True, of=("self",)).select_related("user", "course")
    return {row.pk: row for row in rows.filter(pk__in=pks).order_by("pk")}


def lock_members(*projects: Project, also: Iterable[Enrolment] = ()) -> dict[int, Enrolment]:
    """Return everyone in some locked projects, and some more people, locked."""
    members = Membership.objects.active().filter(project__in=projects).values_list("enrolment", flat=True)
    return lock_enrolments(*members, *(enrolment.pk for enrolment in also))


def members_of(project: Project) -> list[Enrolment]:
    """Return who is in the team now, by the time at which they joined."""
    return members_by_project([project])[project.pk]


def members_by_project(projects: Iterable[Project]) -> dict[int, list[Enrolment]]:
    """Return who is in each team now, by the time at which they joined: 1 query."""
    teams: dict[int, list[Enrolment]] = {project.pk: [] for project in projects}
    rows = Membership.objects.active().filter(project__in=teams).order_by("joined_at", "pk")
    for row in rows.select_related("enrolment__user", "enrolment__course"):
        teams[row.project_id].append(row.enrolment)
    return teams


def active_membership(enrolment: Enrolment) -> Membership | None:
    """Return the person's place in a team of this course, if they have one."""
    return Membership.objects.active().select_related("project__topic").filter(enrolment=enrolment).first()


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


def require_registration_open(course: Course, *, now: datetime) -> ProjectRules:
    """Return the course's rules while teams may still be registered and changed.

    Raises:
        RuleViolation: not yet, no longer, or the course has no projects; with the exact
            deadline, the server's time and whom to ask.
    """
    rules = ProjectRules.objects.filter(course=course).first()
    return require_open_under(rules, Deadlines.of_rules(rules), course, now=now)


def require_open_under(
    rules: ProjectRules | None, deadlines: Deadlines, course: Course, *, now: datetime
) -> ProjectRules:
    """Do as `require_registration_open` says, for rules and deadlines that were read already."""
    require_running(course)
    if rules is None:
        raise RuleViolation(_("This course has no projects."), code="no-projects")
    if rules.registration_opens_at is not None and now < rules.registration_opens_at:
        raise RuleViolation(
            _("Registration opens %(time)s.") % {"time": say_time(rules.registration_opens_at, course.zone, now=now)},
            code="registration-not-open",
        )
    closes = deadlines.registration_closes_at
    if closes is not None and not is_open_until(closes, now):
        raise RuleViolation(
            _("Registration closed %(time)s. By the server's clock it is %(now)s. %(ask)s")
            % {
                "time": say_time(closes, course.zone, now=now),
                "now": say_time(now, course.zone, now=now, to_the_second=True),
                "ask": whom_to_ask(course),
            },
            code="registration-closed",
        )
    return rules


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
